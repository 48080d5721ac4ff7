"""What `models list` and `doctor` say of where a net's weights are and can be had."""

from typing import Any, Dict, List, Optional, Tuple

from .. import nets
from ..errors import ModelError
from ..nets import Model, download
from ..nets.sources import origin
from ..nets.sources.source import Source, every, own

HEAD = ("model", "size", "licence", "weights")
SOURCE_HEAD = ("", "format", "size", "hash", "converted", "place")


def facts(name: str) -> Dict[str, Any]:
    """What is known of a model, as JSON has it. Raises ModelError where its readme is broken."""
    model = nets.find(name)
    want = download.wanted(model)
    made = origin.read(want.path)
    there = want.path.is_file()
    right = there and download.is_right(want)
    return {
        "name": name,
        "bytes": want.path.stat().st_size if there else _size(model, want),
        "license": str(model.facts.get("license", "not known")),
        "installed": there,
        "verified": right,
        "state": state(model, want, right),
        "from": made.source if made and there else None,
        "since": made.date if made and there else None,
        "sources": [
            {
                "number": number,
                "place": source.place,
                "format": source.format,
                "bytes": source.size,
                "sha256": source.sha256 or None,
                "hashed": _hashed(source, model),
                "converted": source.verified or None,
            }
            for number, source in enumerate(every(model), 1)
        ],
    }


def _size(model: Model, want: download.Wanted) -> Optional[int]:
    return want.size or next((s.size for s in every(model) if s.size), None)


def row(name: str) -> Tuple[str, str, str, str]:
    """A model's row in the table of all."""
    try:
        model, known = nets.find(name), facts(name)
    except ModelError as e:
        return name, "", "", f"its readme is broken: {e}"
    formats = list(dict.fromkeys(source.format or source.kind for source in every(model)))
    offered = f"from {', '.join(formats)}: " if formats else ""
    return name, megabytes(known["bytes"]), known["license"], f"{offered}{known['state']}"


def megabytes(size: Optional[int]) -> str:
    return f"{size / 1e6:.0f} MB" if size else "?"


def rows_of_sources(model: Model) -> List[Tuple[str, ...]]:
    """A row for each source of a model."""
    return [
        (
            str(number),
            source.format or source.kind,
            megabytes(source.size),
            _hashed(source, model),
            source.verified or "not tried",
            source.place,
        )
        for number, source in enumerate(every(model), 1)
    ]


def _hashed(source: Source, model: Model) -> str:
    if source in own(model):
        return "SHA1" if model.facts.get("sha1") else "none (--trust)"
    if len(source.sha256 or source.archive_sha256) == 64:
        return "SHA256"
    return f"SHA256 {source.sha256}..." if source.is_hashed else "none (--trust)"


def state(model: Model, want: download.Wanted, right: bool) -> str:
    """Whether a model's weights are here, and are what they should be; right: their hash is one
    that is known."""
    if not want.path.is_file():
        if download.unfinished(want):
            return "not installed, download unfinished: get it again"
        hashed = want.sha1 or any(source.is_hashed for source in every(model))
        return "not installed" if hashed else "not installed; no published hash (--trust)"
    made = origin.read(want.path)
    if right:
        how = "" if made is None else "converted" if made.converter else "fetched"
        return f"installed, verified, {how} on {made.date}" if made else "installed, verified"
    if want.sha1 is None and made is None:
        return "installed, no hash to verify it by"
    return "installed, but not the published file: get it again"

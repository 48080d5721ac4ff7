"""Weights from their mirrors: interrupted downloads resume, and every file is verified before it
gets its name."""

import json
import os
import shutil
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Optional, Union
from urllib.parse import unquote, urlparse

from netfile.files import file_sha1

from ..errors import DownloadError, MissingExtraError
from .catalogue import Model

TIMEOUT = (10, 30)  # seconds to connect, and between two pieces
ATTEMPTS = 4  # per mirror, as long as each brings something
PIECE = 1 << 18
PathLike = Union[str, "os.PathLike[str]"]
Report = Callable[[int, Optional[int]], None]  # (bytes so far, all of them or None)


@dataclass(frozen=True)
class Wanted:
    """The file to get. sha1 and size are None where they are not known."""

    path: Path
    urls: List[str]
    sha1: Optional[str]
    size: Optional[int]


def wanted(model: Model) -> Wanted:
    """What a model's readme says of its weights.

    A hash that was recorded when the file was taken on trust counts as known.
    """
    urls = [model.facts.get("caffemodel_url"), *(model.facts.get("mirrors") or [])]
    sha1 = model.facts.get("sha1") or recorded_sha1(model.weights)
    size = model.facts.get("bytes")
    return Wanted(
        Path(model.weights),
        [str(u) for u in urls if u],
        str(sha1) if sha1 else None,
        int(size) if isinstance(size, int) else None,
    )


def _record(path: PathLike) -> Path:
    return Path(f"{path}.sha1")


def recorded_sha1(path: PathLike) -> Optional[str]:
    """The hash of a file that was taken on trust, or None."""
    record = _record(path)
    words = record.read_text().split() if record.is_file() else []
    return words[0] if words else None


def is_right(want: Wanted) -> bool:
    """Whether the file is there and, as far as anything is known of it, right."""
    if not want.path.is_file() or (want.size is not None and want.path.stat().st_size != want.size):
        return False
    return want.sha1 is not None and file_sha1(want.path) == want.sha1


def get(
    want: Wanted,
    trust: bool = False,
    source: Optional[str] = None,
    report: Optional[Report] = None,
) -> str:
    """Get a file, from one place or from its mirrors in turn.

    Args:
        want: the file.
        trust: take a file with no known hash, and record the hash that it has.
        source: a path or URL to take it from, in place of the mirrors.
        report: called with (bytes so far, all of them or None).

    Returns:
        Where it came from; "" if it was there already.

    Raises:
        DownloadError: no place gave it, with each one's reason; what the file held before stays.
    """
    if is_right(want):
        return ""
    if want.sha1 is None and not trust:
        raise DownloadError(
            f"{want.path.name}: has no published hash to verify it by", unverified=True
        )
    urls = [str(source)] if source else want.urls
    if not urls:
        raise DownloadError(
            f"{want.path.name}: its readme names no caffemodel_url", unknown_place=True
        )
    want.path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in urls:
        try:
            _fetch(want, url, report)
            return url
        except DownloadError as e:
            reasons.append(f"{url}: {e}")
    raise DownloadError(f"{want.path.name} could not be downloaded: {'; '.join(reasons)}")


def _fetch(want: Wanted, url: str, report: Optional[Report]) -> None:
    """Get the file from one place, check it, and give it its name."""
    parts = urlparse(url)
    archive = parts.path.endswith((".tar.gz", ".tgz"))
    part = want.path.with_name(want.path.name + (".archive.part" if archive else ".part"))
    size = None if archive else want.size
    if parts.scheme in ("http", "https"):
        _download(url, part, size, None if archive else want.sha1, report)
    else:
        _copy(Path(unquote(parts.path)) if parts.scheme == "file" else Path(url), part)
    if archive:
        part = _member(part, want)
    _check(part, want)
    if want.sha1 is None:
        _record(want.path).write_text(file_sha1(part) + "\n")
    os.replace(part, want.path)
    if _state(part).exists():
        _state(part).unlink()


def _copy(source: Path, part: Path) -> None:
    try:
        shutil.copyfile(source, part)
    except OSError as e:
        _discard(part)
        raise DownloadError(e.strerror or str(e)) from None


def _state(part: Path) -> Path:
    """Where the server's word on an incomplete file is kept."""
    return part.with_name(part.name + ".json")


def _discard(part: Path) -> None:
    for path in (part, _state(part)):
        if path.exists():
            path.unlink()


def _check(part: Path, want: Wanted) -> None:
    """Raise DownloadError, and remove the file, unless it is what is wanted."""
    size = part.stat().st_size
    if want.size is not None and size != want.size:
        _discard(part)
        raise DownloadError(f"gave {size} bytes, not {want.size}")
    if want.sha1 is not None:
        digest = file_sha1(part)
        if digest != want.sha1:
            _discard(part)
            raise DownloadError(f"gave a file with SHA1 {digest}, not {want.sha1}")
    with open(part, "rb") as f:
        if f.read(64).lstrip()[:1] == b"<":
            f.close()
            _discard(part)
            raise DownloadError("gave a web page, not a caffemodel")


def _member(archive: Path, want: Wanted) -> Path:
    """The wanted file out of a .tar.gz, as a partial file.

    Only its contents are taken, so that no name in the archive can point elsewhere.
    """
    part = want.path.with_name(want.path.name + ".part")
    try:
        with tarfile.open(archive, "r:*") as tar:
            member = next(
                (m for m in tar if m.isfile() and os.path.basename(m.name) == want.path.name), None
            )
            if member is None:
                raise DownloadError(f"the archive has no file {want.path.name}")
            source = tar.extractfile(member)
            assert source is not None
            with open(part, "wb") as target:
                shutil.copyfileobj(source, target, PIECE)
    except (tarfile.TarError, EOFError, OSError) as e:
        _discard(part)
        raise DownloadError(f"the archive is broken ({e})") from None
    finally:
        _discard(archive)
    return part


def _requests() -> Any:
    try:
        import requests
    except ImportError as e:
        raise MissingExtraError(
            f"downloads need requests ({e}); install it with: pip install -e '.[download]'"
        ) from None
    return requests


def _download(
    url: str,
    part: Path,
    size: Optional[int],
    sha1: Optional[str],
    report: Optional[Report],
) -> None:
    """Download to `part`, resuming where an earlier attempt stopped, until it is complete.

    Raises:
        DownloadError: it stays incomplete; with the reason.
    """
    requests = _requests()
    if size is not None and part.exists() and part.stat().st_size == size:
        return  # complete, only its name was not given
    reason, tries, fresh_start_left = "", 0, True
    while tries < ATTEMPTS:
        before = part.stat().st_size if part.exists() else 0
        try:
            total = _attempt(requests, url, part, size, report)
        except requests.RequestException as e:
            reason, total = _reason(e), None
        except OSError as e:
            raise DownloadError(f"cannot be written: {e.strerror or e}") from None
        have = part.stat().st_size if part.exists() else 0
        if total is not None and have == total:
            if before and sha1 and fresh_start_left and file_sha1(part) != sha1:
                # pieces of two different files: start over, once
                _discard(part)
                fresh_start_left = False
                continue
            return
        if total is not None:
            reason = f"broke off at {have} of {total} bytes"
        tries = tries + 1 if have <= before else 1
        time.sleep(0 if have > before else 0.01)
    raise DownloadError(reason or "gave nothing")


def _attempt(
    requests: Any, url: str, part: Path, size: Optional[int], report: Optional[Report]
) -> Optional[int]:
    """Make one request. What arrives stays in `part`.

    Returns:
        The whole file's size according to the server.
    """
    have = part.stat().st_size if part.exists() else 0
    state = json.loads(_state(part).read_text()) if have and _state(part).exists() else {}
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if state.get("url") == url and state.get("validator"):
            headers["If-Range"] = state["validator"]
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:
            _discard(part)
            raise requests.RequestException("refused to resume the download")
        if answer.status_code not in (200, 206):
            raise DownloadError(f"answered {answer.status_code} {answer.reason}")
        if "html" in answer.headers.get("Content-Type", "").lower():
            raise DownloadError("gave a web page, not a caffemodel")
        resumed = answer.status_code == 206 and have > 0
        total = _total(answer, have if resumed else 0, requests, part)
        if size is not None and total is not None and total != size:
            _discard(part)
            raise DownloadError(f"has {total} bytes, not {size}")
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if validator and validator.startswith("W/"):
            validator = answer.headers.get("Last-Modified")
        _state(part).write_text(json.dumps({"url": url, "validator": validator}))
        limit = total if total is not None else size
        count = have if resumed else 0
        with open(part, "ab" if resumed else "wb") as f:
            for piece in answer.iter_content(PIECE):
                count += len(piece)
                if limit is not None and count > limit:
                    f.close()
                    _discard(part)
                    raise DownloadError(f"gave more than the {limit} bytes that it should")
                f.write(piece)
                if report:
                    report(count, limit)
        return limit if limit is not None else count


def _total(answer: Any, have: int, requests: Any, part: Path) -> Optional[int]:
    """The whole file's size by the answer's headers, or None."""
    if have:
        content_range = answer.headers.get("Content-Range", "")
        place, _, whole = content_range.rpartition("/")
        if not place.startswith(f"bytes {have}-"):
            _discard(part)
            raise requests.RequestException(
                f"resumed elsewhere than at byte {have} ({content_range!r})"
            )
        return int(whole) if whole.isdigit() else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


_REASONS = {
    "Read timed out": "stalled",
    "ConnectTimeout": "did not answer",
    "NameResolution": "its name is not known",
    "refused": "refused the connection",
    "IncompleteRead": "broke off",
}


def _reason(error: Exception) -> str:
    text = str(error)
    for word, reason in _REASONS.items():
        if word in text:
            return reason
    return f"{type(error).__name__}: {text[:200]}"

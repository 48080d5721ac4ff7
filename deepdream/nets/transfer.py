"""Bytes from one place, a server or a file, to a partial file; what has arrived stays there, so
that the next attempt goes on with it.

Nothing but that file, and the server's word on it beside it, is written to or removed; no link is
followed.
"""

import json
import os
import re
import stat
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterator, Optional, Tuple, Type

from netfile.system.places import install

from ..errors import DownloadError, MissingExtraError

TIMEOUT = (10, 30)  # seconds to connect, and between two pieces
ATTEMPTS = 4  # per mirror, as long as each brings something
PIECE = 1 << 18
MOST = 16 << 30  # bytes of a file whose size is not known; no weights are as large
Report = Callable[[int, Optional[int]], None]  # (bytes so far, all of them or None)


def arrived(part: Path) -> int:
    """Bytes that have arrived. A link, or whatever else is no file of its own, is removed."""
    try:
        there = part.lstat()
    except FileNotFoundError:
        return 0
    if stat.S_ISREG(there.st_mode) and there.st_nlink == 1:
        return there.st_size
    part.unlink()
    return 0


def new(path: Path) -> BinaryIO:
    """A new file to write to, in place of the one of this name; no link is followed."""
    if path.is_symlink() or path.exists():
        path.unlink()
    return open(path, "xb")


def _state(part: Path) -> Path:
    """Where the server's word on an incomplete file is kept."""
    return part.with_name(part.name + ".json")


def _read_state(part: Path, url: str) -> str:
    """The validator that this place gave for what has arrived, or ""."""
    path = _state(part)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return ""
        with open(path, encoding="utf-8") as f:
            state = json.loads(f.read(10_000))
        validator = state["validator"] if state["url"] == url else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return validator if isinstance(validator, str) and validator.isprintable() else ""


def discard(part: Path) -> None:
    for path in (part, _state(part)):
        if path.is_symlink() or path.exists():
            path.unlink()


def copy(source: Path, part: Path, size: Optional[int]) -> None:
    """Copy a file of this machine, of this size where one is known."""
    try:
        if os.path.exists(source) and not os.path.isfile(source):
            raise DownloadError("is not a file")
        with open(source, "rb") as content, new(part) as target:
            copy_bytes(content, target, MOST if size is None else size)
    except (OSError, ValueError) as e:
        discard(part)
        raise DownloadError(getattr(e, "strerror", None) or str(e)) from None


def copy_bytes(content: Any, target: BinaryIO, most: int) -> None:
    """Raise DownloadError after more than `most` bytes."""
    count = 0
    for piece in iter(lambda: content.read(PIECE), b""):
        count += len(piece)
        if count > most:
            raise DownloadError(f"has more than the {most} bytes that it should")
        target.write(piece)


def _requests() -> Any:
    try:
        import requests
    except ImportError as e:
        raise MissingExtraError(
            f"downloads need requests ({e}); install it with: {install('download')}"
        ) from None
    return requests


def _uncaught(requests: Any) -> Tuple[Type[Exception], ...]:
    """What requests lets pass where the body of a redirect breaks off, or is endlessly long."""
    return requests.packages.urllib3.exceptions.HTTPError, OverflowError


def download(
    url: str,
    part: Path,
    size: Optional[int],
    is_right: Optional[Callable[[Path], bool]],
    report: Optional[Report],
) -> None:
    """Download to `part`, resuming where an earlier attempt stopped, until it is complete.

    is_right tells of a complete file, where a hash is known, whether it is the one that is wanted.

    Raises:
        DownloadError: it stays incomplete; with the reason.
    """
    requests = _requests()
    if size is not None and arrived(part) == size:
        return  # complete, only its name was not given
    reason, tries, fresh_start_left = "", 0, True
    while tries < ATTEMPTS:
        before = arrived(part)
        try:
            total = _attempt(requests, url, part, size, report)
        except (requests.RequestException, *_uncaught(requests)) as e:
            reason, total = _reason(e), None
        except OSError as e:
            raise DownloadError(f"cannot be written: {e.strerror or e}") from None
        except ValueError as e:  # what requests and urllib3 let pass of odd addresses
            raise DownloadError(f"is no address ({e})") from None
        have = arrived(part)
        if total is not None and have == total:
            if before and is_right and fresh_start_left and not is_right(part):
                # pieces of two different files: start over, once
                discard(part)
                fresh_start_left = False
                continue
            return
        if total is not None:
            reason = f"broke off at {have} of {total} bytes"
        tries = tries + 1 if have <= before else 1
        time.sleep(0 if have > before else 0.01)
    raise DownloadError(reason or "gave nothing")


def pieces(url: str, size: Optional[int]) -> Iterator[bytes]:
    """What a server gives, piece by piece, for as long as it is asked; the connection ends with it.

    Raises:
        DownloadError: it gives nothing, another size, or breaks off; with the reason.
    """
    requests = _requests()
    count = 0
    try:
        headers = {"Accept-Encoding": "identity"}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code != 200:
                raise DownloadError(f"answered {answer.status_code} {answer.reason}")
            total = _whole_number(answer.headers.get("Content-Length", ""))
            if size is not None and total not in (None, size):
                raise DownloadError(f"has {total} bytes, not {size}")
            for piece in answer.iter_content(PIECE):
                count += len(piece)
                if count > (size or MOST):
                    raise DownloadError(f"gave more than the {size or MOST} bytes that it should")
                yield piece
    except (requests.RequestException, *_uncaught(requests)) as e:
        raise DownloadError(_reason(e)) from None
    except ValueError as e:
        raise DownloadError(f"is no address ({e})") from None


def answers(url: str, seconds: float) -> Tuple[str, Optional[int]]:
    """Ask a server for a file's headers alone.

    Returns:
        ("", the file's size, or None where it is not told), or (why it gives none, None).
    """
    requests = _requests()
    try:
        headers = {"Accept-Encoding": "identity"}
        with requests.head(url, headers=headers, timeout=seconds, allow_redirects=True) as answer:
            if answer.status_code != 200:
                return f"answered {answer.status_code} {answer.reason}", None
            return "", _whole_number(answer.headers.get("Content-Length", ""))
    except (requests.RequestException, *_uncaught(requests)) as e:
        return _reason(e), None
    except ValueError as e:
        return f"is no address ({e})", None


def _attempt(
    requests: Any, url: str, part: Path, size: Optional[int], report: Optional[Report]
) -> Optional[int]:
    """Make one request. What arrives stays in `part`.

    Returns:
        The whole file's size according to the server.
    """
    have = arrived(part)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        known = _read_state(part, url)
        if known:
            headers["If-Range"] = known
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:
            discard(part)
            raise requests.RequestException("refused to resume the download")
        if answer.status_code not in (200, 206):
            raise DownloadError(f"answered {answer.status_code} {answer.reason}")
        if "html" in answer.headers.get("Content-Type", "").lower():
            raise DownloadError("gave a web page, not a caffemodel")
        resumed = answer.status_code == 206 and have > 0
        total = _total(answer, have if resumed else 0, requests, part)
        if size is not None and total is not None and total != size:
            discard(part)
            raise DownloadError(f"has {total} bytes, not {size}")
        if total is not None and total > MOST:
            raise DownloadError(f"has {total} bytes, more than any weights")
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if validator and validator.startswith("W/"):
            validator = answer.headers.get("Last-Modified")
        with new(_state(part)) as f:
            f.write(json.dumps({"url": url, "validator": validator}).encode())
        limit = total if total is not None else size
        most = MOST if limit is None else limit
        count = have if resumed else 0
        with open(part, "ab") if resumed else new(part) as f:
            for piece in answer.iter_content(PIECE):
                count += len(piece)
                if count > most:
                    f.close()
                    discard(part)
                    raise DownloadError(f"gave more than the {most} bytes that it should")
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
            discard(part)
            raise requests.RequestException(
                f"resumed elsewhere than at byte {have} ({content_range!r})"
            )
        return _whole_number(whole)
    return _whole_number(answer.headers.get("Content-Length", ""))


def _whole_number(text: str) -> Optional[int]:
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


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

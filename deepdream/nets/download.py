"""Weights from their mirrors, safely: resumed, checked, and never a bad file under the good
name."""

import json
import os
import shutil
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional
from urllib.parse import unquote, urlparse

from netfile.files import file_sha1

from ..errors import DownloadError, MissingExtraError

TIMEOUT = (10, 30)  # seconds to connect, and between two pieces
ATTEMPTS = 4  # per mirror, as long as each brings something
PIECE = 1 << 18


@dataclass(frozen=True)
class Wanted:
    """The file to get. sha1 and size are None where they are not known."""

    path: Path
    urls: List[str]
    sha1: Optional[str]
    size: Optional[int]


def wanted(model):
    """What a model's readme says of its weights; a hash that was taken on trust before counts as
    known."""
    urls = [model.facts.get("caffemodel_url"), *(model.facts.get("mirrors") or [])]
    sha1 = model.facts.get("sha1") or recorded_sha1(model.weights)
    size = model.facts.get("bytes")
    return Wanted(
        Path(model.weights),
        [str(u) for u in urls if u],
        str(sha1) if sha1 else None,
        int(size) if isinstance(size, int) else None,
    )


def _record(path):
    return Path(f"{path}.sha1")


def recorded_sha1(path):
    """The hash of a file that was taken on trust, or None."""
    record = _record(path)
    return (
        record.read_text().split()[0] if record.is_file() and record.read_text().split() else None
    )


def is_right(want):
    """Whether the file is there and, as far as anything is known of it, right."""
    if not want.path.is_file() or (want.size is not None and want.path.stat().st_size != want.size):
        return False
    return want.sha1 is not None and file_sha1(want.path) == want.sha1


def get(want, trust=False, source=None, report=None):
    """Get the file from `source` (a path or URL) or its mirrors in turn, and return where it came
    from; "" if it was there already.

    trust: take a file with no known hash, and record the one that it has. report: called with
    (bytes so far, all or None). Raises DownloadError with every mirror's reason; then the good name
    holds what it held before.
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
    raise DownloadError(f"{want.path.name} could not be had: {'; '.join(reasons)}")


def _fetch(want, url, report):
    """Get the file from one place, check it, and give it its name."""
    parts = urlparse(url)
    archive = parts.path.endswith((".tar.gz", ".tgz"))
    part = want.path.with_name(want.path.name + (".archive.part" if archive else ".part"))
    size = None if archive else want.size
    local = (
        Path(unquote(parts.path))
        if parts.scheme == "file"
        else Path(url)
        if parts.scheme not in ("http", "https")
        else None
    )
    if local is not None:
        _copy(local, part)
    else:
        _download(url, part, size, None if archive else want.sha1, report)
    if archive:
        part = _member(part, want)
    _check(part, want)
    if want.sha1 is None:
        _record(want.path).write_text(file_sha1(part) + "\n")
    os.replace(part, want.path)
    _state(part).unlink() if _state(part).exists() else None


def _copy(source, part):
    try:
        shutil.copyfile(source, part)
    except OSError as e:
        _discard(part)
        raise DownloadError(e.strerror or str(e)) from None


def _state(part):
    """Where is kept what the server said of a file that is not complete yet."""
    return part.with_name(part.name + ".json")


def _discard(part):
    for path in (part, _state(part)):
        if path.exists():
            path.unlink()


def _check(part, want):
    """Raise DownloadError, and remove the file, unless it is what is wanted."""
    size = part.stat().st_size
    if want.size is not None and size != want.size:
        _discard(part)
        raise DownloadError(f"gave {size} bytes, not {want.size}")
    if want.sha1 is not None:
        found = file_sha1(part)
        if found != want.sha1:
            _discard(part)
            raise DownloadError(f"gave a file with SHA1 {found}, not {want.sha1}")
    with open(part, "rb") as f:
        if f.read(64).lstrip()[:1] == b"<":
            f.close()
            _discard(part)
            raise DownloadError("gave a web page, not a caffemodel")


def _member(archive, want):
    """The wanted file out of a .tar.gz, as a partial file; only its contents are taken, so that no
    name in there can point elsewhere."""
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


def _download(url, part, size, sha1, report):
    """Download to `part`, going on where an earlier attempt stopped, until it is complete; raises
    DownloadError otherwise."""
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
                # pieces of two different files: begin again, once
                _discard(part)
                fresh_start_left = False
                continue
            return
        if total is not None:
            reason = f"broke off at {have} of {total} bytes"
        tries = tries + 1 if have <= before else 1
        time.sleep(0 if have > before else 0.01)
    raise DownloadError(reason or "gave nothing")


def _attempt(requests, url, part, size, report):
    """One request; returns the whole file's size as the server tells it. What has come stays in
    `part`."""
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
            raise requests.RequestException("refused to go on from where it stopped")
        if answer.status_code not in (200, 206):
            raise DownloadError(f"answered {answer.status_code} {answer.reason}")
        if "html" in answer.headers.get("Content-Type", "").lower():
            raise DownloadError("gave a web page, not a caffemodel")
        going_on = answer.status_code == 206 and have > 0
        total = _total(answer, have if going_on else 0, requests, part)
        if size is not None and total is not None and total != size:
            _discard(part)
            raise DownloadError(f"has {total} bytes, not {size}")
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if validator and validator.startswith("W/"):
            validator = answer.headers.get("Last-Modified")
        _state(part).write_text(json.dumps({"url": url, "validator": validator}))
        limit = total if total is not None else size
        count = have if going_on else 0
        with open(part, "ab" if going_on else "wb") as f:
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


def _total(answer, have, requests, part):
    """The whole file's size by the answer's headers, or None."""
    if have:
        told = answer.headers.get("Content-Range", "")
        place, _, whole = told.rpartition("/")
        if not place.startswith(f"bytes {have}-"):
            _discard(part)
            raise requests.RequestException(f"went on from elsewhere than byte {have} ({told!r})")
        return int(whole) if whole.isdigit() else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _reason(error):
    text = str(error)
    for word, told in (("Read timed out", "stalled"), ("ConnectTimeout", "did not answer"), ("NameResolution", "its name is not known"),
                       ("refused", "refused the connection"), ("IncompleteRead", "broke off")):  # fmt: skip
        if word in text:
            return told
    return f"{type(error).__name__}: {text[:200]}"

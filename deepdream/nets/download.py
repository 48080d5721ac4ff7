"""Weights from their mirrors: interrupted downloads resume, and every file is verified before it
gets its name.

What has arrived lies in a folder of its own beside the file, so that nothing else is ever written
to or removed.
"""

import os
import re
import shutil
import stat
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Union
from urllib.parse import unquote, urlparse

from netfile import wire
from netfile.system.files import file_sha1, whole_file
from netfile.system.locks import locked
from netfile.system.places import MODELS, is_shipped, other_place, reinstall, writable

from ..errors import DownloadError
from .catalogue import Model
from .labels import SYNSET_WORDS
from .sources import origin
from .transfer import MOST, Report, copy, copy_bytes, discard, download, new

_MOST_MEMBERS = 10_000  # of an archive
PathLike = Union[str, "os.PathLike[str]"]


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
    mirrors = model.facts.get("mirrors")
    urls = [model.url, *(mirrors if isinstance(mirrors, (list, tuple)) else [mirrors])]
    sha1 = model.facts.get("sha1") or recorded_sha1(model.weights)
    size = model.facts.get("bytes")
    return Wanted(
        Path(model.weights),
        [url for url in urls if isinstance(url, str) and url],
        str(sha1).lower() if sha1 else None,
        size if type(size) is int and size > 0 else None,
    )


def wanted_class_names(path: Optional[Path] = None) -> Wanted:
    """The names of ImageNet's classes, from Caffe's auxiliary archive.

    No hash was published for them.

    path: where they go, by default where `labels.classes` finds them for every model.
    """
    to = path or writable(MODELS) / SYNSET_WORDS
    url = "http://dl.caffe.berkeleyvision.org/caffe_ilsvrc12.tar.gz"
    return Wanted(to, [url], recorded_sha1(to), None)


def _record(path: PathLike) -> Path:
    return Path(f"{path}.sha1")


def recorded_sha1(path: PathLike) -> Optional[str]:
    """The hash of a file that was taken on trust, or None."""
    record = _record(path)
    if not record.is_file():
        return None
    with open(record, encoding="ascii", errors="replace") as f:
        found = re.match("[0-9a-f]{40}", f.read(40))
    return found[0] if found else None


def is_right(want: Wanted) -> bool:
    """Whether the file is there and has a hash that is known: the published one, or that of the
    file that was converted from another format."""
    try:
        there = want.path.stat()
        made = origin.read(want.path)
        known = [(want.sha1, want.size)] + ([(made.sha1, made.bytes)] if made else [])
        hashes = [sha1 for sha1, size in known if sha1 and size in (None, there.st_size)]
        if not stat.S_ISREG(there.st_mode) or not hashes:
            return False
        return file_sha1(want.path) in hashes
    except OSError:
        return False


def unfinished(want: Wanted) -> Optional[Path]:
    """The folder with what an earlier download left, or None."""
    folder = _workplace(want)
    return folder if folder.is_dir() else None


def get(
    want: Wanted,
    trust: bool = False,
    source: Optional[str] = None,
    report: Optional[Report] = None,
    say: Callable[[str], None] = lambda text: None,
) -> str:
    """Get a file, from one place or from its mirrors in turn.

    Another file that has its name is kept as NAME.old.

    Args:
        want: the file.
        trust: take a file with no known hash, and record the hash that it has.
        source: a path or URL to take it from, in place of the mirrors.
        report: called with (bytes so far, all of them or None).
        say: called with what a user should know meanwhile, in one line.

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
    with workplace(want, say) as folder:
        return _from_one_of(want, urls, bool(source), report, say) if folder else ""


@contextmanager
def workplace(
    want: Wanted, say: Callable[[str], None], anew: bool = False
) -> Iterator[Optional[Path]]:
    """Context manager: the folder where a file arrives, for this process alone; None where another
    process has got the file meanwhile, unless it is wanted anew.

    Raises:
        DownloadError: the file cannot be written there.
    """
    if is_shipped(want.path):
        raise DownloadError(
            f"{want.path}: belongs to the installed package; bring it back with: {reinstall()}"
        )
    _check_destination(want.path)
    lock = want.path.with_name(f".{want.path.name}.lock")
    try:
        want.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock, lambda: say(f"another process is getting {want.path}; waiting for it")):
            # the process that was inside may have taken it on trust
            known = replace(want, sha1=want.sha1 or recorded_sha1(want.path))
            if not anew and is_right(known):
                yield None
                return
            _make_workplace(want)
            yield _workplace(want)
    except OSError as e:
        why = f"{e.strerror or e}{other_place(want.path)}"
        raise DownloadError(f"{want.path}: cannot be written: {why}") from None


def _from_one_of(
    want: Wanted,
    urls: List[str],
    by_hand: bool,
    report: Optional[Report],
    say: Callable[[str], None],
) -> str:
    """Get the file from the first place that has it; returns the place."""
    reasons = []
    for url in urls:
        try:
            part = _fetched(want, url, by_hand, report)
        except DownloadError as e:
            reasons.append(f"{url}: {e}")
        else:
            _keep_hash(want, part)
            finish(want, part, say)
            return url
    tidy(want)
    raise DownloadError(f"{want.path.name} could not be downloaded: {'; '.join(reasons)}")


def tidy(want: Wanted) -> None:
    """Remove the folder where a file arrives, unless there is something to go on with."""
    folder = _workplace(want)
    if folder.is_dir() and not any(path.suffix != ".json" for path in folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)


# ---- where it arrives

_PART, _ARCHIVE = "part", "archive"  # names in the workplace


def _workplace(want: Wanted) -> Path:
    return want.path.with_name(f".{want.path.name}.download")


def _check_destination(path: Path) -> None:
    """Raise DownloadError where something other than a file has this name."""
    if path.is_symlink():
        raise DownloadError(f"{path}: is a link, to {os.readlink(path)}; remove it first")
    if path.exists() and not path.is_file():
        raise DownloadError(f"{path}: is not a file; remove it first")


def _make_workplace(want: Wanted) -> None:
    """Raise DownloadError where another one's folder, or a link, has its name."""
    folder = _workplace(want)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        there = folder.lstat()
        own = not hasattr(os, "geteuid") or there.st_uid == os.geteuid()
        if not stat.S_ISDIR(there.st_mode) or not own or there.st_mode & 0o022:
            raise DownloadError(
                f"{folder}: is not a folder that only you can write to; remove it first"
            ) from None


# ---- one place


def _fetched(want: Wanted, url: str, by_hand: bool, report: Optional[Report]) -> Path:
    """The file from one place, checked, under a partial name. Raises DownloadError."""
    try:
        parts = urlparse(url)
    except ValueError as e:
        raise DownloadError(f"is no address ({e})") from None
    remote = parts.scheme in ("http", "https")
    if not remote and not by_hand:
        raise DownloadError("a readme may name http and https addresses only")
    archive = parts.path.endswith((".tar.gz", ".tgz"))
    part = _workplace(want) / (_ARCHIVE if archive else _PART)
    size = None if archive else want.size
    if remote:
        sha1 = None if archive else want.sha1
        download(url, part, size, (lambda got: file_sha1(got) == sha1) if sha1 else None, report)
    else:
        copy(Path(unquote(parts.path)) if parts.scheme == "file" else Path(url), part, size)
    if archive:
        part = _member(part, want)
    _check(part, want)
    return part


def _keep_hash(want: Wanted, part: Path) -> None:
    """Record the hash of a file that is taken on trust."""
    if want.sha1 is None:
        with whole_file(_record(want.path)) as record:
            record.write_text(file_sha1(part) + "\n")


def finish(
    want: Wanted, part: Path, say: Callable[[str], None], made: Optional[origin.Origin] = None
) -> None:
    """Give the file its name, and keep where it came from, where that is told."""
    _check_destination(want.path)
    if made:
        origin.write(want.path, made)
    else:
        origin.forget(want.path)
    if want.path.exists():
        kept = _free_name(want.path)
        os.replace(want.path, kept)
        say(f"the file that was there is kept as {kept.name}")
    os.replace(part, want.path)
    shutil.rmtree(_workplace(want), ignore_errors=True)


def _free_name(path: Path) -> Path:
    name, number = path.with_name(f"{path.name}.old"), 1
    while name.exists() or name.is_symlink():
        number += 1
        name = path.with_name(f"{path.name}.old{number}")
    return name


def _check(part: Path, want: Wanted) -> None:
    """Raise DownloadError, and remove the file, unless it is what is wanted."""
    size = part.stat().st_size
    if want.size is not None and size != want.size:
        discard(part)
        raise DownloadError(f"gave {size} bytes, not {want.size}")
    if want.sha1 is not None:
        digest = file_sha1(part)
        if digest != want.sha1:
            discard(part)
            raise DownloadError(f"gave a file with SHA1 {digest}, not {want.sha1}")
    elif _is_web_page(part):
        discard(part)
        raise DownloadError("gave a web page, not a caffemodel")


def _is_web_page(path: Path) -> bool:
    """Whether a file is HTML or XML.

    The length of a net's name of 60 characters is the byte of a "<", so whatever can be read as a
    protobuf message is none.
    """
    with open(path, "rb") as f:
        if f.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
            return False
    try:
        with wire.File(path) as data:
            for _ in wire.fields(data, 0, len(data)):
                pass
    except wire.WireError:
        return True
    return False


def _member(archive: Path, want: Wanted) -> Path:
    """The wanted file out of a .tar.gz, as a partial file.

    Only its contents are taken, so that no name in the archive can point elsewhere.
    """
    part = _workplace(want) / _PART
    try:
        with tarfile.open(archive, "r:*") as tar:
            source = tar.extractfile(_found(tar, want.path.name))
            assert source is not None
            with new(part) as target:
                copy_bytes(source, target, MOST if want.size is None else want.size)
    except DownloadError:
        discard(part)
        raise
    except Exception as e:  # a damaged archive fails in many ways
        discard(part)
        raise DownloadError(f"the archive is broken ({e})") from None
    finally:
        discard(archive)
    return part


def _found(tar: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    unpacked = 0
    for number, member in enumerate(tar):
        if member.isfile() and os.path.basename(member.name) == name:
            return member
        unpacked += max(0, member.size)
        if unpacked > MOST or number > _MOST_MEMBERS:
            raise DownloadError("the archive is too large")
    raise DownloadError(f"the archive has no file {name}")

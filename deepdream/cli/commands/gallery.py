"""`deepdream gallery`: what every layer of a net grows, as a page."""

import argparse
import os
from contextlib import suppress
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from netfile.errors import NetError
from netfile.terminal import counted

from ... import nets, pictures
from ...dream.octaves import Progress
from ...errors import DreamError, ImageError, OutputError, ZeroGradientError
from ...nets import engine as engines
from ...nets import opening
from ...pictures import thumbnail
from ...pictures.output import whole
from ...pictures.resize import at_most, bicubic
from ...request import journal as journals
from ...request import making, schema
from ...request.job import Request
from ...request.own_settings import own_settings
from ...request.presets import NO_SMOOTHING
from ...request.recipe import recipe
from ...settings import DREAM, GALLERY, Dream
from ...studies.galleries import page, patches, plan
from ...studies.galleries.noise import pink_noise
from .. import events, meant, options
from ..batch.done import left
from ..batch.inputs import Found
from ..batch.task import Task
from ..progress import Meter
from ..results import check_result_folder, save, save_page

INDEX, PICTURES, THUMBNAILS = "index.html", "pictures", "thumbnails"
_SIDE = 192  # pixels of a thumbnail
_OWN = ("iterations", "octaves", "octave_scale", "step_size", "jitter", "smooth")

EXAMPLES = (
    "deepdream gallery photo.jpg -o gallery/",
    "deepdream gallery photo.jpg -o gallery/ --layers 4c,4e --channels 4c:0-31",
    "deepdream gallery -o gallery/ --channels 3a --patches photos/",
)


def add_parser(verbs: Any) -> None:
    about = "make a page of what every layer of a net grows; again, go on with it"
    p = options.add_command(verbs, "gallery", about, EXAMPLES)
    what = p.group(options.WHAT)
    text = "a photograph to dream on, beside the noise"
    what.add_argument("image", nargs="?", type=options.filled, metavar="IMAGE", help=text)
    what.add_argument(
        "--layers",
        type=options.listed,
        default=[],
        metavar="LAYER,...",
        help="these alone (default: all; `deepdream layers` lists them)",
    )
    what.add_argument(
        "--channels",
        type=_channels,
        action="append",
        default=[],
        metavar="LAYER",
        help="each channel of this layer too, or with 4c:0-31 the first 32; may be given again",
    )
    what.add_argument(
        "--patches",
        type=options.filled,
        metavar="FOLDER",
        help="show beside each channel the parts of these photographs that are strongest in it",
    )
    text = "where the page and its pictures go; made if it is not there"
    options.add_out(p, "FOLDER", text)
    how = p.group(options.HOW)
    side = options.number(int, 16, highest=4096)
    text = "side of a picture, in pixels; the photograph's middle is taken"
    options.add_setting(how, "--size", side, GALLERY.size, "N", text)
    on_noise, on_photo = GALLERY.steps_on_noise, GALLERY.steps_on_photo
    for name, text in (
        ("iterations", f"steps per octave (default: {on_noise} on noise, {on_photo} on IMAGE)"),
        ("octaves", f"number of sizes, at most (default: the readme's, or {DREAM.octaves})"),
    ):
        read = options.recorded(schema.SETTINGS.fields[name])
        how.add_argument(f"--{name}", type=read, metavar="N", help=text)
    how.add_argument(
        "--smooth",
        type=lambda text: "" if text == NO_SMOOTHING else text,
        metavar="HOW",
        help="as in `deepdream dream` (default: the readme's, or none)",
    )
    seed = options.number(int, 0, highest=2**32 - 1)
    options.add_setting(how, "--seed", seed, GALLERY.seed, "N", "of the noise and the jitter")
    options.add_model(p)
    options.add_engine(p)
    options.add_said(p)
    p.set_defaults(run=run)


def _channels(text: str) -> plan.Channels:
    try:
        return plan.channels_of(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def run(args: argparse.Namespace) -> int:
    if args.patches and not args.channels:
        raise DreamError("--patches is for channels; name their layer with --channels")
    photographs = Found([args.patches]).paths if args.patches else []
    check_result_folder(args.out)
    gallery = _Gallery(args, photographs)
    with journals.inside(args.out).held():
        return gallery.make()


def _middle(picture: np.ndarray, side: int) -> np.ndarray:
    """The square in the middle of a picture, RGB float32 (side, side, 3)."""
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = picture[top : top + short, left : left + short]
    return np.asarray(bicubic(square, (side, side)), np.float32)


class _Gallery:
    """A gallery with everything checked."""

    def __init__(self, args: argparse.Namespace, photographs: Sequence[str]) -> None:
        self._args, self._photographs = args, photographs
        self._sources = {plan.NOISE: pink_noise((args.size, args.size), args.seed)}
        if args.image:
            self._sources[plan.PHOTO] = _middle(pictures.load(args.image), args.size)
        self._model = meant.model_of(args)
        description = opening.read(self._model, engines.load(args.engine))
        size = (args.size, args.size)
        self._entries = plan.planned(
            description, size, args.layers, args.channels, plan.PHOTO in self._sources
        )
        self._failed: Dict[plan.Entry, str] = {}
        self._opened: Optional[nets.OpenNet] = None

    def make(self) -> int:
        """Make what is not there yet; returns the exit code."""
        for folder in (PICTURES, THUMBNAILS):
            os.makedirs(self._path(folder), exist_ok=True)
        self._save_sources()
        count = len(self._entries)
        model = self._model.name
        events.tell("start", f"{model}: {counted(count, 'picture')}", model=model, pictures=count)
        try:
            with Meter(count) as meter:
                for number, entry in enumerate(self._entries):
                    self._try(entry, number, meter)
                    meter.at(number + 1, entry.name)
                    if self._is_last_of_layer(number):
                        self._write_index()
            self._add_patches()
        except KeyboardInterrupt as e:
            e.args = ("stopped; the same command goes on",)
            raise
        finally:
            self._write_index()
        events.wrote(self._path(INDEX))
        return 0 if not self._failed else 1 if len(self._failed) < count else 2

    def _path(self, *parts: str) -> str:
        return os.path.join(self._args.out, *parts)

    def _picture(self, entry: plan.Entry) -> str:
        return self._path(PICTURES, f"{entry.name}.png")

    def _thumbnail(self, entry: plan.Entry, what: str = "") -> str:
        return self._path(THUMBNAILS, f"{entry.name}{what}.jpg")

    def _source(self, source: str) -> str:
        return self._path(f"{source}.png")

    def _save_sources(self) -> None:
        """What is dreamt on, as files, so that recipes can name them."""
        for name, picture in self._sources.items():
            path, wanted = self._source(name), pictures.to_bytes(picture)
            if os.path.lexists(path):
                if np.array_equal(pictures.load(path), wanted):
                    continue
                if not self._args.overwrite:
                    raise OutputError(
                        f"{path}: is not what this gallery would dream on; choose another folder",
                        exists=True,
                    )
            save(path, wanted, "", True)

    def _is_last_of_layer(self, number: int) -> bool:
        after = self._entries[number + 1 : number + 2]
        return not after or after[0].layer != self._entries[number].layer

    def _try(self, entry: plan.Entry, number: int, meter: Meter) -> None:
        """Make an entry's picture, if it is not there; what fails is remembered, and said."""
        try:
            self._make(entry, number, meter)
        except (ImageError, OutputError):
            raise  # of the next one too
        except ZeroGradientError:
            self._failed[entry] = "silent on this picture: its gradient is zero"
        except (DreamError, NetError, MemoryError) as e:
            self._failed[entry] = " ".join(str(e).split()) or "not enough memory"
        if entry in self._failed:
            meter.warn(f"{entry.name}: {self._failed[entry]}")

    def _make(self, entry: plan.Entry, number: int, meter: Meter) -> None:
        source = self._source(entry.source)
        request = Request(
            self._dream(entry),
            model=self._model,
            engine=self._args.engine,
            gpu=self._args.gpu,
            fewer_octaves=True,
            before=self._opened,
        )
        out = self._picture(entry)
        task = Task(source, "", out, self._args.seed)
        to_do, stopped = left([task], request, self._args.seed, self._args.overwrite)
        if to_do or stopped:
            job = request.job(source, self._args.seed)

            def report(p: Progress) -> None:
                share = ((p.octave - 1) * p.steps + p.step) / (p.octaves * p.steps)
                meter.at(number + share, entry.name)

            (made,) = making.pictures(job, report)
            save(out, made, recipe(job, out), True)
        self._opened = request.opened
        if to_do or not os.path.isfile(self._thumbnail(entry)):
            self._save_thumbnail(entry, out)

    def _dream(self, entry: plan.Entry) -> Dream:
        """The settings of an entry: as asked for, or the model's own, or the notebook's; but for
        the number of steps, which the model has for an objective of its own."""
        own = own_settings(self._model)
        on_noise = entry.source == plan.NOISE
        own["iterations"] = GALLERY.steps_on_noise if on_noise else GALLERY.steps_on_photo
        asked = {name: getattr(self._args, name, None) for name in _OWN}
        chosen = {name: value for name, value in asked.items() if value is not None}
        settings: Dict[str, Any] = {name: own[name] for name in _OWN if name in own}
        settings.update(chosen, end=entry.layer, objective=entry.objective)
        return Dream(**settings)

    def _save_thumbnail(self, entry: plan.Entry, path: str) -> None:
        with whole(self._thumbnail(entry), True) as partial:
            partial.write_bytes(thumbnail.jpeg(pictures.load(path), _SIDE))

    def _add_patches(self) -> None:
        """Strips of the photographs' parts in which the channels are strongest."""
        by_layer: Dict[str, List[plan.Entry]] = {}
        for entry in self._entries:
            if entry.channel is not None and entry not in self._failed:
                by_layer.setdefault(entry.layer, []).append(entry)
        for layer, entries in by_layer.items():
            paths = [self._thumbnail(entry, "-patches") for entry in entries]
            if not self._photographs or (
                all(map(os.path.isfile, paths)) and not self._args.overwrite
            ):
                continue
            for path, strip in zip(paths, self._strips(layer, entries)):
                with whole(path, True) as partial:
                    partial.write_bytes(thumbnail.jpeg(strip, max(strip.shape)))

    def _strips(self, layer: str, entries: Sequence[plan.Entry]) -> Iterator[np.ndarray]:
        """For each channel its strongest patches side by side, RGB (SIDE, EACH SIDE, 3)."""
        side = self._args.size
        opened = nets.open(
            self._model,
            self._args.engine,
            layers=[layer],
            sizes=[(side, side)],
            backward=False,
            gpu=self._args.gpu,
            before=self._opened,
        )
        numbers = [entry.channel or 0 for entry in entries]
        found = patches.strongest(
            opened.net, opened.description, opened.end, numbers, self._photos(side)
        )
        for number in numbers:
            strip = np.full((patches.SIDE, patches.EACH * patches.SIDE, 3), 128, np.float32)
            for i, patch in enumerate(found[number]):
                strip[:, i * patches.SIDE : (i + 1) * patches.SIDE] = patch.picture
            yield strip

    def _photos(self, side: int) -> Iterator[np.ndarray]:
        """The photographs that can be read, at most of this side."""
        for path in self._photographs:
            try:
                yield at_most(pictures.load(path), side)
            except ImageError as e:
                events.warn(f"{e}; it is left out")

    def _write_index(self) -> None:
        shown, waiting = self._shown()
        side = self._args.size
        about = f"{counted(len(shown), 'picture')} of {side}x{side} pixels, each with its recipe"
        with suppress(FileNotFoundError):
            text = page.render(os.path.basename(self._model.name), about, shown, waiting)
            save_page(self._path(INDEX), text, True)

    def _shown(self) -> Tuple[List[page.Shown], int]:
        """What the index shows, and how many pictures are not made yet."""
        shown, waiting = [], 0
        for entry in self._entries:
            why = self._failed.get(entry, "")
            if not why and not os.path.isfile(self._thumbnail(entry)):
                waiting += 1
                continue
            patches_path = self._thumbnail(entry, "-patches")
            strip = f"{THUMBNAILS}/{entry.name}-patches.jpg"
            shown.append(
                page.Shown(
                    entry,
                    f"{PICTURES}/{entry.name}.png",
                    f"{THUMBNAILS}/{entry.name}.jpg",
                    strip if os.path.isfile(patches_path) else "",
                    why,
                )
            )
        return shown, waiting

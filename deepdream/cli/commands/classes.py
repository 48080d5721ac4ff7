"""`deepdream classes`: pictures of classes from noise, each with its probability before and
after."""

import argparse
import os
from contextlib import contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from netfile.terminal import counted, print_table, say

from ... import nets, pictures
from ...cluster.client import Ahead
from ...cluster.worker import class_made, net_of
from ...dream.class_pictures import METHODS, made_of_class
from ...errors import DreamError, RecipeError, RunError, TargetError
from ...nets import memory
from ...nets.class_output import check_classes, class_output
from ...nets.labels import distinct, file_stems, named
from ...pictures.output import flush
from ...request import journal as journals
from ...request import notes
from ...request.fields import Many, Number, Table, showable
from ...request.journal import Journal
from ...request.own_settings import own_class_method
from ...settings import CLASS_PICTURES
from .. import events, machines, meant, moved, options, runs
from ..progress import Meter
from ..results import check_new_files, check_result_folder, save

SHEET = "sheet.png"
_RECIPE = "deepdream classes"
_MOST_SEEDS = 256
_CHANCE = Number(0, 1)
_CHANCES = Table({"before": Many(_CHANCE, 1, _MOST_SEEDS), "after": Many(_CHANCE, 1, _MOST_SEEDS)})

_Made = Tuple[np.ndarray, np.ndarray, np.ndarray]

EXAMPLES = (
    "deepdream classes --list",
    "deepdream classes owl pagoda -o classes/",
    "deepdream classes all -o classes/ --seeds 1",
)


def add_parser(verbs: Any) -> None:
    about = "show what classes look like to the net, from noise; or list them"
    p = options.add_command(verbs, "classes", about, EXAMPLES)
    p.add_argument(
        "names",
        nargs="*",
        type=options.filled,
        metavar="NAME",
        help="classes of the model, by name or number; or all",
    )
    p.add_argument("--list", action="store_true", help="list the model's classes, and do no more")
    text = "where the pictures and sheet.png go; made if it is not there"
    options.add_out(p, "FOLDER", text, required=False)
    options.add_model(p)
    how = p.group(options.HOW)
    how.add_argument(
        "--method",
        choices=METHODS,
        metavar="NAME",
        help=f"{', '.join(METHODS)} (default: the readme's, or {CLASS_PICTURES.method})",
    )
    options.add_setting(
        how,
        "--seeds",
        options.number(int, 1, highest=_MOST_SEEDS),
        CLASS_PICTURES.seeds,
        "N",
        "pictures of each, in one batch",
    )
    options.add_setting(
        how,
        "--seed",
        options.number(int, 0, highest=2**31),
        CLASS_PICTURES.seed,
        "N",
        "the first of them",
    )
    options.add_engine(p)
    machines.add_options(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    if args.list:
        _list(args)
        return
    if not args.names or not args.out:
        raise DreamError("give the classes, and a folder with -o; --list lists the classes")
    journal = journals.inside(args.out)
    runs.check_free(journal, args.overwrite)
    check_result_folder(args.out)
    work = _Work(args, meant.model_of(args), [] if args.names == ["all"] else args.names)
    work.check_new(args.overwrite)
    made = not os.path.isdir(args.out)
    try:
        with journal.held(), runs.kept(journal):
            runs.check_none(journal, args.overwrite)
            with work.elsewhere(args, work.numbers):
                journal.begin(
                    "classes",
                    work.note(work.numbers[0], work.seeds[0]),
                    places=[],
                    model=runs.model_place(work.opened.model),
                    overwrite=args.overwrite,
                    classes=work.numbers,
                )
                work.make(journal, args.overwrite)
    finally:
        if made:
            with suppress(OSError):  # there are pictures in it
                os.rmdir(args.out)


def resume(args: argparse.Namespace, journal: Journal) -> None:
    """Go on with a run of classes; the journal is held."""
    asked = journal.asked()
    kind, told = notes.of_text(asked["recipe"], journal.out)
    numbers = asked["classes"]
    if kind != _RECIPE or not numbers:
        raise RunError(f"{journal.out}: its journal is not one of classes")
    path = os.path.join(journal.out, SHEET)
    work = _again(args, told, path, runs.note_places(args, asked), numbers, journal.out)
    overwrite = args.overwrite or asked["overwrite"]
    work.check_new(True)
    left = [number for number in work.numbers if not work.is_done(number, journal)]
    runs.say_resumed(journal, len(work.numbers) - len(left), len(work.numbers), "class")
    with runs.kept(journal), work.elsewhere(args, left):
        work.make(journal, overwrite)


def replay(args: argparse.Namespace, told: Dict[str, Any], old: str, out: str) -> None:
    """Make one picture of a class again. told: its recipe."""
    number, seed = told["number"], told["seed"]
    folder = os.path.dirname(out)
    work = _again(args, told, old, moved.of_note(args), [number], folder)
    if seed not in work.seeds:
        raise RecipeError(f"{old}: its recipe has the seed {seed}, not one of {work.seeds}")
    record = work.note(number, seed)
    with Meter(METHODS[work.method].steps, memory=work.memory(), of_gpu=work.of_gpu) as meter:
        made, _, _ = work.visualise(number, meter, 0)
    save(out, made[work.seeds.index(seed)], record, args.overwrite)


def _again(
    args: argparse.Namespace,
    told: Dict[str, Any],
    path: str,
    places: Dict[str, Any],
    numbers: List[Optional[int]],
    out: str,
) -> "_Work":
    """The work that a note describes, of these classes.

    path: of its picture. out: the folder to write into.
    """
    if told["number"] is None or told["seeds"] is None:
        told = {**told, "deploy_sha1": None}  # it says too little, as those of older versions do
    engine, gpu = getattr(args, "engine", None), getattr(args, "gpu", None)
    found = notes.followed(_RECIPE, told, path, places, engine, gpu, say)
    if told["method"] not in METHODS or not 1 <= told["seeds"][1] <= _MOST_SEEDS:
        raise RecipeError(f"{path}: its recipe has no method or number of seeds that is known")
    again = argparse.Namespace(
        method=told["method"],
        seed=told["seeds"][0],
        seeds=told["seeds"][1],
        engine=found.engine,
        gpu=found.gpu,
        out=out,
    )
    work = _Work(again, found.model, list(map(str, numbers)))
    for line in notes.changes(told, work.opened, found.gpu):
        events.note(line)
    return work


class _Work:
    """Pictures of classes, with everything checked and loaded.

    names: of the classes, or their numbers; none for all.
    """

    def __init__(self, args: argparse.Namespace, model: nets.Model, names: Sequence[str]) -> None:
        self.out, self._gpu = args.out, args.gpu
        self.method = args.method or own_class_method(model)
        self.seeds = range(args.seed, args.seed + args.seeds)
        labels = nets.classes(model)
        numbers = [nets.class_number(model, name)[0] for name in names]

        def scores(description: Any) -> List[str]:
            output = class_output(description, len(labels))
            count = check_classes(description, output, max(numbers, default=0))
            numbers.extend([] if numbers else range(count or len(labels)))
            if not numbers:
                raise TargetError("the number of classes is not known; give the classes by number")
            return [output.layer]

        self.opened = nets.open(
            model,
            args.engine,
            layers=scores,
            batch=args.seeds,
            any_size=False,
            beside=METHODS[self.method].bytes_per_pixel,
            gpu=args.gpu,
        )
        self.names = distinct(labels, max(len(labels), max(numbers) + 1))
        self._stems = file_stems([*labels, *self.names[len(labels) :]])
        self.numbers = list(dict.fromkeys(numbers))
        sheet = os.path.join(self.out, SHEET)
        self._about = notes.surrounded(self.opened, sheet, args.gpu)
        self._made_by: Optional[Callable[[int], _Made]] = None  # a class's pictures, if not here

    @contextmanager
    def elsewhere(self, args: argparse.Namespace, numbers: List[int]) -> Iterator[None]:
        """Context manager: the pictures are made by workers, if the options ask for some.

        numbers: of the classes that are to be made, in their order.

        Raises:
            DreamError: these cannot be used.
        """
        if not machines.wanted(args) or not numbers:
            yield
            return
        opened, seeds = self.opened, tuple(self.seeds)
        net = net_of(opened.model, opened.caffe, self._gpu)
        with machines.joined(args, net) as cluster:

            def begin(number: int) -> Any:
                what = net, opened.output.layer, number, seeds, self.method
                return cluster.begin(class_made, *what)

            ahead = Ahead(cluster, numbers, begin)
            self._made_by = lambda number: cluster.result(ahead.take(number))
            yield

    def check_new(self, overwrite: bool) -> None:
        """Ask whether the pictures can be written. Raises OutputError."""
        files = [os.path.basename(path) for number in self.numbers for path in self.paths(number)]
        inputs = [self.opened.model.weights, self.opened.model.deploy]
        check_new_files(self.out, [*files, SHEET], overwrite, inputs)

    def paths(self, number: int) -> List[str]:
        """The pictures of a class, one for each seed."""
        stem = self._stems[number]
        return [os.path.join(self.out, f"{stem}-{seed}.png") for seed in self.seeds]

    def note(self, number: int, seed: int) -> str:
        """What a picture says of how it was made."""
        told = {
            "class": showable(self.names[number])[:1000],
            "number": number,
            "method": self.method,
            "seed": seed,
            "seeds": [self.seeds[0], len(self.seeds)],
        }
        return notes.note(_RECIPE, {**self._about, **told})

    def is_done(self, number: int, journal: Journal) -> bool:
        """Whether a class's pictures are made and recorded, and are still there."""
        noted = journal.noted(f"class-{number}", _CHANCES) is not None
        return noted and all(map(os.path.isfile, self.paths(number)))

    @property
    def of_gpu(self) -> bool:
        return memory.is_of_gpu(self.opened)

    def memory(self) -> int:
        beside = METHODS[self.method].bytes_per_pixel
        return memory.of_net(self.opened, [self.opened.size], len(self.seeds), beside)

    def make(self, journal: Journal, overwrite: bool) -> None:
        """Make the pictures that are not made yet, and the sheet of all of them."""
        rows = []
        shown = [self.names[number] for number in self.numbers]
        events.emit("start", model=self.opened.model.name, classes=shown, seeds=len(self.seeds))
        steps = METHODS[self.method].steps
        done = [number for number in self.numbers if self.is_done(number, journal)]
        total = steps * len(self.numbers)
        with Meter(
            total, memory=self.memory(), of_gpu=self.of_gpu, done=steps * len(done)
        ) as meter:
            made = 0
            for number in self.numbers:
                if number not in done:
                    self._make(number, meter, (len(done) + made) * steps, journal, overwrite)
                    made += 1
                rows.append(self._row(number, journal))
        sheet = os.path.join(self.out, SHEET)
        mine = bool(done) and not os.path.islink(sheet)
        save(sheet, pictures.contact_sheet(rows), "", overwrite or mine)
        count = counted(len(rows) * len(self.seeds), "picture")
        events.wrote(sheet, f"wrote {count} and {sheet}")
        journal.end()

    def _make(
        self, number: int, meter: Meter, steps: int, journal: Journal, overwrite: bool
    ) -> None:
        """Make a class's pictures, and record them."""
        name = self.names[number]
        made, before, after = self.visualise(number, meter, steps)
        every = zip(self.seeds, self.paths(number), made, before, after)
        for seed, path, picture, first, last in every:
            record = self.note(number, seed)
            # a process that was killed may have written this one, and not said so
            save(path, picture, record, overwrite or runs.is_mine(path, record))
            flush(path)
            with meter.aside():
                events.wrote(
                    path,
                    f"{path}: {name} {first:.4f} before, {last:.4f} after",
                    **{"class": name},
                    before=round(float(first), 4),
                    after=round(float(last), 4),
                )
        chances = {"before": list(map(float, before)), "after": list(map(float, after))}
        journal.note(f"class-{number}", chances)

    def _row(self, number: int, journal: Journal) -> List[Tuple[np.ndarray, str]]:
        """A class's pictures with their captions, as they are read where a run goes on."""
        name, chances = self.names[number], journal.noted(f"class-{number}", _CHANCES) or {}
        every = zip(self.paths(number), chances["before"], chances["after"])
        return [
            (pictures.load(path), f"{name}  {first:.3f} to {last:.3f}")
            for path, first, last in every
        ]

    def visualise(self, number: int, meter: Meter, steps_before: float) -> _Made:
        """A class's pictures, one for each seed, and its probability for each before and after."""
        opened, name = self.opened, self.names[number]
        if self._made_by:
            made = self._made_by(number)
            steps = METHODS[self.method].steps
            meter.at(steps_before + steps, name, **{"class": name}, step=steps, steps=steps)
            return made

        def report(done: int, total: int) -> None:
            meter.at(steps_before + done, name, **{"class": name}, step=done, steps=total)

        method = METHODS[self.method]
        return made_of_class(
            opened.net, opened.output, number, opened.size, self.seeds, method, report
        )


def _list(args: argparse.Namespace) -> None:
    """Print the number and the name of each class of the model."""
    names = named(meant.model_of(args))
    if events.manner() == events.JSON:
        for number, name in enumerate(names):
            events.emit("class", number=number, name=name)
    else:
        print_table([(str(number), name) for number, name in enumerate(names)])

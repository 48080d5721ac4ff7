"""`deepdream match`: a picture whose activations match an enhanced copy of its own, or another
picture's."""

import argparse
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from netfile.terminal import say

from ... import nets, pictures
from ...dream import matching
from ...dream.octaves import octave_sizes
from ...errors import RecipeError, RunError, UnfinishedError
from ...nets import memory
from ...nets.layer_names import full_name
from ...nets.preflight import check_end
from ...pictures.output import check_file, whole
from ...pictures.resize import bicubic
from ...request import journal as journals
from ...request import notes, schema
from ...request.journal import Journal
from ...settings import MATCH
from ...studies.plot import check_matplotlib, plot, standalone
from .. import events, machines, meant, moved, options, runs
from ..enhancements import enhancement, prior_named
from ..progress import Meter
from ..results import check_picture, keep_last_good, save

_RECIPE = "deepdream match"
_FIELDS: Dict[str, Any] = schema.OTHERS[_RECIPE].fields
_SETTINGS = ("enhance", "prior", "weight", "evaluations", "octaves", "octave_scale")

EXAMPLES = (
    "deepdream match photo.jpg -o out.png --enhance quantile:0.9:2",
    "deepdream match start.jpg -o out.png --to other.jpg --end 3b --weight 0.3",
)


def add_parser(verbs: Any) -> None:
    p = options.add_command(
        verbs,
        "match",
        "match a layer's enhanced activations by L-BFGS, with a natural-image prior",
        EXAMPLES,
        "Minimise ||F(X) - T||^2 / ||T||^2 + lambda R(X): T is the picture's own activation, "
        "enhanced, or another picture's.",
    )
    p.add_argument("image", type=options.filled, metavar="IMAGE", help="the picture to start from")
    options.add_out(p, "OUT", "the picture to write, .png or .jpg")
    what, how = p.group(options.WHAT), p.group(options.HOW)
    target = what.add_mutually_exclusive_group()
    target.add_argument(
        "--enhance",
        type=options.filled,
        metavar="HOW",
        help="of its own activations: quantile:0.9:2, multiply:1.5 or channel:61:3 (default "
        f"{MATCH.enhance})",
    )
    target.add_argument(
        "--to",
        type=options.filled,
        metavar="IMAGE",
        help="another picture, whose activations are to be matched",
    )
    options.add_model(p)
    what.add_argument(
        "--end", default="", metavar="LAYER", help="the layer to match (default: the model's own)"
    )
    how.add_argument(
        "--prior",
        default=MATCH.prior,
        metavar="R",
        help="tv, tv:BETA, alpha:ALPHA, l2, none, or a sum such as tv+alpha:6 (default "
        "%(default)s)",
    )
    options.add_setting(
        how,
        "--weight",
        options.recorded(_FIELDS["weight"]),
        MATCH.weight,
        "X",
        "what the prior costs at the start",
    )
    options.add_setting(
        how,
        "--evaluations",
        options.recorded(_FIELDS["evaluations"]),
        MATCH.evaluations,
        "N",
        "of f and its gradient per octave",
    )
    options.add_octaves(how, MATCH.octaves, MATCH.octave_scale)
    p.group(options.OUTPUT).add_argument(
        "--plot", type=options.filled, metavar="FILE.svg", help="draw f over the evaluations"
    )
    options.add_engine(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    if not args.to:
        args.enhance = args.enhance or MATCH.enhance
    journal = journals.beside(args.out)
    runs.check_free(journal, args.overwrite)
    work = _Work(args, meant.model_of(args))
    with journal.held(), runs.kept(journal):
        runs.check_none(journal, args.overwrite)
        work.begin(journal)
        work.make(journal)
        journal.end()


def resume(args: argparse.Namespace, journal: Journal) -> None:
    """Go on with a match; the journal is held."""
    asked = journal.asked()
    kind, told = notes.of_text(asked["recipe"], journal.out)
    if kind != _RECIPE:
        raise RunError(f"{journal.out}: its journal is not one of a match")
    moved_to = runs.note_places(args, asked)
    work, changed = _again(args, told, journal.out, moved_to, journal.out)
    mine = runs.is_mine(journal.out, asked["recipe"])  # the process was killed at its very end
    work.args.overwrite = mine or args.overwrite or (asked["overwrite"] and not asked["plot"])
    work.args.plot = asked["plot"]
    work.check_out()
    if not changed and not moved.given(args):
        work.record = asked["recipe"]
    since = _reached(journal, work)
    done = since.octave if since else 0
    runs.say_resumed(journal, done, work.args.octaves, "octave")
    if machines.wanted(args):
        events.warn(
            "each evaluation of a match needs those before it, so there is nothing for workers to "
            "do; this process makes it"
        )
    with runs.kept(journal):
        work.make(journal, since)
        journal.end()


def replay(args: argparse.Namespace, told: Dict[str, Any], old: str, out: str) -> None:
    """Make a matched picture again. told: its recipe."""
    work, _ = _again(args, told, old, moved.of_note(args), out)
    work.check_out()
    work.make(told=True)


def _again(
    args: argparse.Namespace, told: Dict[str, Any], path: str, places: Dict[str, Any], out: str
) -> Tuple["_Work", List[str]]:
    """The work that a note describes, and what has changed since.

    path: of its picture. out: of the one to write.
    """
    engine, gpu = getattr(args, "engine", None), getattr(args, "gpu", None)
    found = notes.followed(_RECIPE, told, path, places, engine, gpu, say)
    if "image" not in found.paths or ("to" in found.paths) == bool(told["enhance"]):
        raise RecipeError(f"{path}: its recipe has not one target, an enhancement or a picture")
    settings = {name: told[name] for name in ("end", *_SETTINGS)}
    again = argparse.Namespace(
        **settings,
        image=found.paths["image"],
        to=found.paths.get("to"),
        plot=None,
        out=out,
        overwrite=args.overwrite,
        engine=found.engine,
        gpu=found.gpu,
    )
    work = _Work(again, found.model, check=False)
    changed = notes.changes(told, work.opened, found.gpu)
    for line in changed:
        events.note(line)
    return work, changed


class _Work:
    """A match with everything checked and loaded. record: what its picture says of it."""

    def __init__(self, args: argparse.Namespace, model: nets.Model, check: bool = True) -> None:
        self.args = args
        if check:
            self.check_out()
        self.enhance = enhancement(args.enhance) if args.enhance else None
        self.prior = prior_named(args.prior)
        self.pixels = pictures.load(args.image)
        self.other = pictures.load(args.to) if args.to else None
        height, width = self.pixels.shape[:2]
        end = args.end or nets.default_map(model, args.engine)
        self.opened = opened = nets.open(
            model,
            args.engine,
            layers=lambda description: _checked(description, end),
            sizes=octave_sizes(height, width, args.octaves, args.octave_scale),
            beside=matching.BYTES_PER_PIXEL,
            gpu=args.gpu,
        )
        if self.other is not None and self.other.shape != self.pixels.shape:
            self.other = bicubic(self.other, (height, width))
            events.note(f"{args.to} is resized to {width}x{height}, the picture's size")
        given = [("image", args.image)] + ([("to", args.to)] if args.to else [])
        told = {name: getattr(args, name) for name in _SETTINGS}
        about = notes.surrounded(opened, args.out, args.gpu, given)
        self.record = notes.note(_RECIPE, {**told, **about, "end": opened.end})

    def check_out(self) -> None:
        """Ask whether the results can be written. Raises OutputError."""
        args = self.args
        given = [path for path in (args.image, args.to) if path]
        check_file(args.out, pictures.FORMATS, args.overwrite, given)
        if args.plot:
            check_file(args.plot, [".svg"], args.overwrite, given)
            check_matplotlib("--plot's curves")

    def begin(self, journal: Journal) -> None:
        args = self.args
        given = {"image": args.image, "to": args.to}
        journal.begin(
            "match",
            self.record,
            places=[
                {"role": role, "name": role, "path": os.path.abspath(path)}
                for role, path in given.items()
                if path
            ],
            model=runs.model_place(self.opened.model),
            overwrite=args.overwrite,
            plot=os.path.abspath(args.plot) if args.plot else None,
        )

    def make(
        self,
        journal: Optional[Journal] = None,
        since: Optional[matching.Reached] = None,
        told: bool = False,
    ) -> None:
        """Match, and write the picture. told: whether the caller says that it is written."""
        args, opened, record = self.args, self.opened, self.record
        height, width = self.pixels.shape[:2]
        pictures.check_recipe(args.out, record)
        events.tell(
            "start",
            f"{opened.model.name} on {opened.caffe.__name__}: {width}x{height}, end {opened.end}",
            image=args.image,
            width=width,
            height=height,
            model=opened.model.name,
            engine=opened.caffe.__name__,
            end=opened.end,
        )
        read = [opened.model.weights, opened.model.deploy]
        check_file(args.out, pictures.FORMATS, args.overwrite, read)
        check_picture(args.out, (height, width), record)

        def reached(at: matching.Reached) -> None:
            if journal is not None:
                _keep(journal, at)

        try:
            result = self._match(since, reached)
        except UnfinishedError as e:
            keep_last_good(args.out, e)
            raise
        save(args.out, result.picture, record, args.overwrite)
        last = [e for e in result.history if e.octave == args.octaves]
        say(
            f"f {last[0].f:.4g} -> {min(e.f for e in last):.4g} in the last octave "
            f"(data {last[-1].data:.4g}, prior {last[-1].prior:.4g} at the last of "
            f"{len(result.history)} evaluations)"
        )
        if args.plot:
            _draw(args.plot, result.history, args.overwrite)
        if not told:
            events.wrote(args.out)
        if args.plot:
            events.wrote(args.plot)

    def _match(
        self,
        since: Optional[matching.Reached],
        reached: Callable[[matching.Reached], None],
    ) -> matching.Result:
        args, opened, pixels = self.args, self.opened, self.pixels
        height, width = pixels.shape[:2]
        sizes = octave_sizes(height, width, args.octaves, args.octave_scale)[::-1]
        work = [h * w for h, w in sizes]  # of an evaluation in each octave, smallest first
        takes = memory.of_net(opened, sizes[-1:], beside=matching.BYTES_PER_PIXEL)
        of_gpu = memory.is_of_gpu(opened)
        with Meter(args.evaluations * sum(work), memory=takes, of_gpu=of_gpu) as meter:

            def report(e: Any) -> None:
                # an octave that has converged ends early; those before this one count in full
                # SciPy may go on after its last evaluation, to finish a line search
                here = min(e.number, args.evaluations) * work[e.octave - 1]
                done = args.evaluations * sum(work[: e.octave - 1]) + here
                sums = f"f {e.f:.4g} = data {e.data:.4g} + prior {e.prior:.4g}"
                meter.at(
                    done,
                    f"octave {e.octave}/{e.octaves} {sums}",
                    octave=e.octave,
                    octaves=e.octaves,
                    evaluation=e.number,
                    f=float(e.f),
                    data=float(e.data),
                    prior=float(e.prior),
                )

            return matching.match(
                opened.net,
                pixels,
                opened.end,
                self.enhance,
                self.other,
                self.prior,
                args.weight,
                args.evaluations,
                args.octaves,
                args.octave_scale,
                report=report,
                since=since,
                reached=reached,
            )


def _keep(journal: Journal, at: matching.Reached) -> None:
    """Record an octave that is done."""
    history = [(e.octave, e.octaves, e.number, e.f, e.data, e.prior) for e in at.history]
    arrays = {"detail": at.detail, "history": np.array(history, np.float64)}
    journal.reach(at.octave, None, arrays)


def _reached(journal: Journal, work: _Work) -> Optional[matching.Reached]:
    """How far a match is, or None before its first octave's end. Raises RunError."""
    args, state = work.args, journal.state()
    if not state.done:
        return None
    if state.done >= args.octaves:
        raise RunError(f"{journal.out}: its journal is at octave {state.done} of {args.octaves}")
    height, width = work.pixels.shape[:2]
    size = octave_sizes(height, width, args.octaves, args.octave_scale)[::-1][state.done - 1]
    detail = journal.array(state, "detail", (3, *size), np.float32)
    rows = journal.array(state, "history", (None, 6), np.float64)
    history = [
        matching.Evaluation(int(row[0]), int(row[1]), int(row[2]), *map(float, row[3:]))
        for row in rows
    ]
    return matching.Reached(state.done, detail, history)


def _checked(description: Any, end: str) -> List[str]:
    end = full_name(description, end)
    check_end(description, end)
    return [end]


def _draw(path: str, history: Sequence[Any], overwrite: bool) -> None:
    breaks = [i + 1 for i, e in enumerate(history) if i and e.octave != history[i - 1].octave]
    curves = {"f": [e.f for e in history], "data term": [e.data for e in history]}
    if any(e.prior for e in history):
        curves["prior, weighted"] = [e.prior for e in history]
    with whole(path, overwrite) as partial:
        partial.write_bytes(standalone(plot(curves, "f", breaks=breaks, xlabel="evaluation")))

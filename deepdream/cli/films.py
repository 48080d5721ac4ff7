"""Options of films: how a zoom moves, and what changes from frame to frame."""

import argparse

from ..dream.motion import EASINGS
from ..errors import ScheduleError
from ..films.schedule import Schedule, in_turn
from ..request import schedules, schema
from ..settings import ZOOM, Zoom
from . import options
from .parser import CommandParser


def add_motion(p: CommandParser) -> None:
    """Add how a zoom moves, beside its scale."""
    group = p.group(options.HOW)
    group.add_argument(
        "--centre",
        nargs=2,
        type=options.number(float, 0, highest=1),
        default=ZOOM.centre,
        metavar=("X", "Y"),
        help="the point that stays where it is, as shares of the width and the height (default "
        "0.5 0.5)",
    )
    options.add_setting(
        group,
        "--rotate",
        options.recorded(schema.LOOP.fields["rotate"]),
        ZOOM.rotate,
        "DEGREES",
        "turn each frame by so much, clockwise; a number below 0 turns the other way",
    )
    group.add_argument(
        "--easing",
        choices=EASINGS,
        default=ZOOM.easing,
        help="how the zoom's speed changes: even, slow at its start, at its end, or at both "
        f"(default {ZOOM.easing})",
    )
    options.add_setting(
        group,
        "--first",
        options.recorded(schema.LOOP.fields["first"]),
        ZOOM.first,
        "N",
        "number of the first frame; over 0, IMAGE is the frame before it, from which the zoom goes "
        "on",
    )


def add_loop(p: CommandParser) -> None:
    """Add an animation that leads into its beginning."""
    p.group(options.OUTPUT).add_argument(
        "--animate-loop",
        type=options.number(int, 0, highest=8192),
        default=0,
        metavar="N",
        help="let the animation's last N frames fade into its first N, so that it runs in a circle "
        "(default 0)",
    )


def zoom_of(args: argparse.Namespace) -> Zoom:
    return Zoom(args.frames, args.scale, tuple(args.centre), args.rotate, args.easing, args.first)


def add_schedule(p: CommandParser) -> None:
    """Add what changes the dream from frame to frame."""
    group = p.group(options.WHAT)
    group.add_argument(
        "--in-turn",
        type=options.listed,
        metavar="LAYER,...",
        help="the layers to dream of, one after another, and again from the first",
    )
    group.add_argument(
        "--each",
        type=options.number(int, 1, highest=1_000_000),
        metavar="N",
        help="the frames that each of them is dreamt of (default: all of them once in the film)",
    )
    group.add_argument(
        "--schedule",
        type=options.filled,
        metavar="FILE",
        help="JSON with end, objective, step_size or guide_weights from which frame on",
    )


def schedule_of(args: argparse.Namespace, frames: int = 0) -> Schedule:
    """What a command line wants to change from frame to frame.

    frames: of the film, where no option says.

    Raises:
        ScheduleError: the file has no schedule, or the options exclude each other.
    """
    if not args.in_turn:
        if args.each:
            raise ScheduleError("--each is for the layers of --in-turn; give both")
        return schedules.load(args.schedule) if args.schedule else Schedule()
    others = {
        "--schedule": args.schedule,
        "--end": args.end,
        "--objective": args.objective,
        "--dream-of": args.dream_of,
    }
    for flag, value in others.items():
        if value:
            raise ScheduleError(f"--in-turn and {flag} both say what grows; give one of them")
    count = frames or args.frames
    return in_turn(args.in_turn, args.each or max(1, -(-count // len(args.in_turn))))

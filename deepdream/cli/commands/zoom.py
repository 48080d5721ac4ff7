"""`deepdream zoom`: the notebook's loop of dreams upon dreams."""

import argparse
import os
from typing import Any

from ... import pictures
from ...request.job import prepare
from ...request.recipe import recipe
from ...settings import ZOOM, Zoom
from .. import options, progress
from ..results import check_result_folder


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("zoom", help="dream, enlarge, dream again: one picture per frame")
    options.add_dream(p)
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER",
        help="where to write 0000.jpg, 0001.jpg, ...; made if it is not there",
    )
    p.add_argument(
        "--frames",
        type=options.COUNT,
        default=ZOOM.frames,
        metavar="N",
        help="number of pictures (default %(default)s)",
    )
    p.add_argument(
        "--scale",
        type=options.number(float, 0, highest=0.9),
        default=ZOOM.scale,
        metavar="X",
        help="share of its size that each frame loses at the borders (default %(default)s)",
    )
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_result_folder(args.out)
    zoom = Zoom(args.frames, args.scale)
    job = prepare(args.image, options.dream_of(args), zoom=zoom, **options.request_of(args))
    os.makedirs(args.out, exist_ok=True)
    progress.announce(job)
    for number, picture in progress.pictures(job, args.frames):
        path = os.path.join(args.out, f"{number:04d}.jpg")
        pictures.save(path, picture, recipe(job, path, number))
    print(f"wrote {args.frames} frames into {args.out}")

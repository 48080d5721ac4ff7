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
    options.add_out(p, "FOLDER", "where to write 0000.jpg, 0001.jpg, ...; made if it is not there")
    options.add_setting(p, "--frames", options.COUNT, ZOOM.frames, "N", "number of pictures")
    options.add_setting(
        p,
        "--scale",
        options.number(float, 0, highest=0.9),
        ZOOM.scale,
        "X",
        "share of its size that each frame loses at the borders",
    )
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_result_folder(args.out)
    zoom = Zoom(args.frames, args.scale)
    job = prepare(args.image, options.dream_of(args), zoom=zoom, **options.request_of(args))
    recipe(job, os.path.join(args.out, "0000.jpg"), args.frames - 1)  # it must fit every frame
    os.makedirs(args.out, exist_ok=True)
    progress.announce(job)
    for number, picture in progress.pictures(job, args.frames):
        path = os.path.join(args.out, f"{number:04d}.jpg")
        pictures.save(path, picture, recipe(job, path, number))
    print(f"wrote {args.frames} frames into {args.out}")

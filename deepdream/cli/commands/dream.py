"""`deepdream dream`: one picture."""

import argparse
from typing import Any

from ... import pictures
from ...errors import NotFiniteError
from ...pictures.output import check_file
from ...request.job import prepare
from ...request.recipe import recipe
from .. import events, options, progress
from ..results import check_picture, inputs_of, keep_last_good, save

EXAMPLES = (
    "deepdream dream photo.jpg -o dream.png",
    "deepdream dream photo.jpg -o dream.png --preset eyes",
    "deepdream dream photo.jpg -o dream.png --end 4c --iterations 20 --seed 7",
    "deepdream dream photo.jpg -o dream.png --dream-of owl,pagoda",
    "deepdream dream photo.jpg -o dream.png --end 3b --guide flower.jpg",
)


def add_parser(verbs: Any) -> None:
    p = options.add_command(verbs, "dream", "dream on a picture", EXAMPLES)
    options.add_dream(p)
    options.add_out(p, "OUT", "the picture to write, .png or .jpg; it carries its recipe")
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_file(args.out, pictures.FORMATS, args.overwrite, options.pictures_of(args))
    job = prepare(args.image, options.dream_of(args), **options.request_of(args))
    check_file(args.out, pictures.FORMATS, args.overwrite, inputs_of(job))
    about = recipe(job, args.out)
    check_picture(args.out, job.pixels.shape[:2], about)
    progress.announce(job)
    try:
        ((_, picture),) = progress.pictures(job)
    except NotFiniteError as e:
        keep_last_good(args.out, e)
        raise
    save(args.out, picture, about, args.overwrite)
    events.wrote(args.out)

"""`deepdream dream`: one picture."""

import argparse
from typing import Any

from netfile.terminal import say

from ... import pictures
from ...errors import NotFiniteError
from ...pictures.output import check_file
from ...request.job import prepare
from ...request.recipe import recipe
from .. import growing, options, progress
from ..results import check_picture, inputs_of, keep_last_good, save


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("dream", help="dream on a picture")
    options.add_dream(p)
    options.add_out(p, "OUT", "the picture to write, .png or .jpg; it carries its recipe")
    growing.add_options(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_file(args.out, pictures.FORMATS, args.overwrite, options.pictures_of(args))
    job = prepare(
        args.image,
        options.dream_of(args),
        beside=growing.bytes_beside(args),
        **options.request_of(args),
    )
    check_file(args.out, pictures.FORMATS, args.overwrite, inputs_of(job))
    about = recipe(job, args.out)
    check_picture(args.out, job.pixels.shape[:2], about)
    film = growing.film(args, job, args.out)
    progress.announce(job)
    try:
        ((_, picture),) = progress.pictures(job, watch=film)
    except NotFiniteError as e:
        keep_last_good(args.out, e)
        raise
    save(args.out, picture, about, args.overwrite)
    say(f"wrote {args.out}")
    if film:
        film.finish()

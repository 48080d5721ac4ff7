"""`deepdream dream`: one picture."""

import argparse
from typing import Any

from ... import pictures
from ...errors import NotFiniteError
from ...pictures.output import check_file
from ...request.job import prepare
from ...request.recipe import recipe
from .. import options, progress
from ..results import keep_last_good


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("dream", help="dream on a picture")
    options.add_dream(p)
    options.add_out(p, "OUT", "the picture to write, .png or .jpg; it carries its recipe")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    check_file(args.out, pictures.FORMATS)
    job = prepare(args.image, options.dream_of(args), **options.request_of(args))
    told = recipe(job, args.out)
    progress.announce(job)
    try:
        ((_, picture),) = progress.pictures(job)
    except NotFiniteError as e:
        keep_last_good(args.out, e)
        raise
    pictures.save(args.out, picture, told)
    print(f"wrote {args.out}")

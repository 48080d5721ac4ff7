"""`deepdream replay`: a picture made again from the recipe in it."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ... import pictures
from ...errors import NotFiniteError
from ...pictures.output import check_file
from ...request.recipe import from_picture, recipe
from .. import options, progress
from ..results import check_picture, inputs_of, keep_last_good, save


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("replay", help="make a picture again from the recipe in it")
    p.add_argument("picture", metavar="OUT.png", help="a picture that deepdream wrote")
    options.add_out(
        p,
        "OUT",
        "the picture to write (default: beside it, with -replay in its name)",
        required=False,
    )
    for role, what in (("image", "source picture"), ("guide", "guide"), ("mask", "mask")):
        p.add_argument(
            f"--{role}", metavar="IMAGE", help=f"where the {what} is now, if it has moved"
        )
    options.add_engine(p, None, "the one that made it")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    old = Path(args.picture)
    out = Path(args.out) if args.out else old.parent / f"{old.stem}-replay{old.suffix}"
    given = [path for path in (old, args.image, args.guide, args.mask) if path]
    check_file(out, pictures.FORMATS, args.overwrite, given)
    job, frame, differences = from_picture(
        str(old),
        image_path=args.image,
        guide_path=args.guide,
        mask_path=args.mask,
        engine=args.engine,
        gpu=args.gpu,
    )
    for line in differences:
        print(f"note: {line}")
    check_file(out, pictures.FORMATS, args.overwrite, inputs_of(job))
    about = recipe(job, str(out), frame)
    check_picture(out, job.pixels.shape[:2], about)
    progress.announce(job)
    try:
        *_, (_, picture) = progress.pictures(job, frame + 1)
    except NotFiniteError as e:
        keep_last_good(out, e)
        raise
    before = pictures.load(old)
    save(out, picture, about, args.overwrite)
    difference = np.abs(before - pictures.load(out)).mean()
    verdict = f"differs from {old} by {difference:.3g} grey levels on average"
    print(f"wrote {out}: {verdict if difference else 'equal to the bit'}")

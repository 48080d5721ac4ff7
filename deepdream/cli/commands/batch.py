"""`deepdream batch`: the pictures of a folder, of which none is made twice."""

import argparse
import os
from typing import Any

from ...dream.octaves import BYTES_PER_PIXEL
from ...errors import ImageError, OutputError
from .. import batch, machines, options
from .dream import dream

EXAMPLES = (
    "deepdream batch photos/ -o dreams/",
    "deepdream batch photos/ -o dreams/ --preset eyes --max-size 1600 --format jpg",
    "deepdream batch photos/ -o dreams/ --workers 4",
)


def add_parser(verbs: Any) -> None:
    about = "dream on all pictures of a folder; again, on those that are not done"
    p = options.add_command(verbs, "batch", about, EXAMPLES)
    options.add_dream(p, several=True)
    options.add_memory(p)
    text = "where the dreams go; made if it is not there"
    options.add_out(p, "FOLDER", text)
    batch.add_picture_options(p)
    machines.add_options(p)
    options.add_said(p)
    p.set_defaults(run=run, save_every=None, save_steps=None, animate=None, preview=False)


def run(args: argparse.Namespace) -> int:
    if os.path.lexists(args.out) and not os.path.isdir(args.out):
        raise OutputError(f"{args.out}: is a file, not a folder; choose another name")
    if batch.STANDARD in args.image:
        raise ImageError("a second run would not know the standard input again; name files")
    args.out = os.path.join(args.out, "")
    return batch.run(args, dream, BYTES_PER_PIXEL, resumes=True)

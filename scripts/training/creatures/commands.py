"""The command line of deepdream, in this process: what it does by default is what is measured."""

import contextlib
import sys

from deepdream import cli
from deepdream.errors import DreamError


def deepdream(*words: str) -> None:
    """Run one command; all that it prints goes to the standard error.

    Raises:
        DreamError: it failed; it has said why.
    """
    with contextlib.redirect_stdout(sys.stderr):
        code = cli.main(list(words))
    if code:
        raise DreamError(f"deepdream {words[0]} ended with {code}")

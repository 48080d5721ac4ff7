"""`deepdream presets`: the looks that --preset knows, and the options that each stands for."""

import argparse
from typing import Any

from netfile.terminal import say

from ...request.presets import PRESETS, options_of
from ..options import add_command


def add_parser(verbs: Any) -> None:
    about = "list the looks that --preset knows, and the options that each stands for"
    p = add_command(verbs, "presets", about, ["deepdream presets"])
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    widest = max(map(len, PRESETS))
    for name, preset in PRESETS.items():
        say(f"{name.ljust(widest)}  {preset.about}")
        say(f"{' ' * widest}  {options_of(preset)}")

"""`deepdream completion`: the script by which a shell completes the command's words."""

import argparse
from typing import Any, Callable

from ..completion import SHELLS, script
from ..options import add_command

EXAMPLES = (
    "deepdream completion bash",
    "deepdream completion zsh",
)


def add_parser(verbs: Any, top: Callable[[], argparse.ArgumentParser]) -> None:
    """Add the command. top: makes the parser of the whole command line."""
    p = add_command(
        verbs,
        "completion",
        "print what makes a shell complete this command's words",
        EXAMPLES,
        "Print a script that makes a shell complete commands, options, models, presets and files. "
        'For bash: eval "$(deepdream completion bash)" in ~/.bashrc. For zsh: put it into a file '
        "_deepdream in a folder of $fpath. For tcsh: eval it in ~/.tcshrc.",
    )
    p.add_argument("shell", choices=SHELLS, help="the shell")

    def run(args: argparse.Namespace) -> None:
        print(script(top(), args.shell))

    p.set_defaults(run=run)

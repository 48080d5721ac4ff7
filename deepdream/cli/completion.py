"""What a shell can complete: commands, options, names of models and presets, files and folders."""

import argparse
from typing import Any, Dict, Iterator

from netfile.system import places

from .. import nets
from ..errors import MissingExtraError

SHELLS = ("bash", "zsh", "tcsh")
# what an option or an argument takes, by the metavar that its help shows; all others take numbers,
# or texts that nobody could list
_FILES = {
    "IMAGE", "FILM", "OUT", "OUT.png", "FILE", "PAGE.html", "FILE.svg", "PYTHON", "PLACE",
    "B,G,R|FILE",
}  # fmt: skip
_FOLDERS = {"FOLDER"}
_MODELS = {"M", "MODEL"}
# a model is known by its name, or by its folder
_PREAMBLE = {
    "bash": """
_deepdream_models() {{
  compgen -W '{names}' -- "$1"
  compgen -d -- "$1"
}}
""",
    "zsh": """
_deepdream_models() {{
  _alternative 'models:model:({names})' 'folders:folder:_files -/'
}}
""",
    "tcsh": "",
}


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """What a shell reads to complete the words of a command line.

    shell: one of SHELLS.

    Raises:
        MissingExtraError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        raise MissingExtraError(
            f"completion needs shtab: {places.install('completion')}", extra="completion"
        ) from None
    kinds: Dict[str, Any] = {
        **dict.fromkeys(_FILES, shtab.FILE),
        **dict.fromkeys(_FOLDERS, shtab.DIRECTORY),
        **dict.fromkeys(
            _MODELS,
            {
                "bash": "_deepdream_models",
                "zsh": "_deepdream_models",
                "tcsh": shtab.DIRECTORY["tcsh"],
            },
        ),
    }
    for action in _actions(parser):
        kind = kinds.get(str(action.metavar))
        if kind and not action.choices:
            action.complete = kind  # type: ignore[attr-defined]
    preamble = {name: text.format(names=" ".join(nets.known())) for name, text in _PREAMBLE.items()}
    return str(shtab.complete(parser, shell, preamble=preamble))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)

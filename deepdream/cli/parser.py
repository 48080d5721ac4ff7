"""The parser of a command: options in groups, a short usage, and examples under the help."""

import argparse
from typing import Any, Dict, Sequence

from netfile.terminal import Parser


class CommandParser(Parser):
    """A parser whose options have groups by title, and whose help ends with `examples`, each of
    them a line that can be typed."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self._groups: Dict[str, Any] = {}

    def group(self, title: str) -> Any:
        """The group of options with this title, made when it is first asked for."""
        if title not in self._groups:
            self._groups[title] = self.add_argument_group(title)
        return self._groups[title]

    def format_usage(self) -> str:
        """The usage alone, as errors and --help show it."""
        self.usage = self.usage or self._short_usage()
        return super().format_usage()

    def format_help(self) -> str:
        """The whole help, examples included."""
        self.usage = self.usage or self._short_usage()
        text = super().format_help()
        if self.examples:
            text += "\nexamples:\n" + "".join(f"  {line}\n" for line in self.examples)
        return text

    def _short_usage(self) -> str:
        """What must be given, and that there are options; argparse would list them all."""
        words, choices = [self.prog], self._mutually_exclusive_groups
        one_of = [group for group in choices if group.required]
        for action in self._actions:
            if not action.option_strings:
                words.append(_positional(action))
            elif action.required:
                words.append(_option(action))
        words += [f"({' | '.join(map(_option, group._group_actions))})" for group in one_of]
        return " ".join([*words, "[OPTION ...]"]).replace("%", "%%")


def _positional(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"+": f"{name} ...", "*": f"[{name} ...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _option(action: argparse.Action) -> str:
    return f"{action.option_strings[0]} {action.metavar or action.dest.upper()}"

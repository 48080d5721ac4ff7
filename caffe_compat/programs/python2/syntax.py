"""Python 2's syntax as Python 3's, line for line, by fissix (a kept fork of lib2to3)."""

import re
from functools import lru_cache
from typing import Any, Dict, List, Tuple

from netfile.system import places

# those of fissix's fixers that change syntax alone, and never the number of lines
_FIXERS = ("except", "exec", "ne", "numliterals", "paren", "print", "raise", "repr", "throw",
           "tuple_params")  # fmt: skip
PARAMETER = "py2_tuple_"  # begins the name of a parameter that stands for def f((a, b)):
_HIGH_BYTE = re.compile(r"\\(x[89a-fA-F][0-9a-fA-F]|[2-3][0-7][0-7])")


class Lacking(ImportError):
    """fissix is not installed."""

    def __init__(self) -> None:
        super().__init__(
            f"Python 2 is translated by the package fissix; install it with: "
            f"{places.install('python2')}"
        )


def rewritten(source: str, filename: str) -> Tuple[str, Dict[str, str]]:
    """Python 2's source in Python 3's syntax, and what stands for which tuple among parameters.

    Args:
        source: the text of a file or a cell.
        filename: the name that an error shows.

    Returns:
        the text, with as many lines; and {the name of a parameter: the tuple's text}.

    Raises:
        SyntaxError: it is not Python 2.
        Lacking: fissix is not installed.
    """
    text = _even(source.replace("\r\n", "\n").replace("\r", "\n"))
    tool, parse_error, token_error = _tool()
    parameters: Dict[str, str] = {}
    errors = []
    for printing in (True, False):  # print the statement, or else the function
        try:
            return _refactored(tool, text, filename, printing, parameters), parameters
        except (parse_error, token_error, IndentationError) as e:
            errors.append(e)
    raise _syntax_error(errors[0], source, filename) from None


def _refactored(
    tool: Any, text: str, filename: str, printing: bool, parameters: Dict[str, str]
) -> str:
    from fissix import pygram

    if printing and "print_function" in _future_features(text):
        printing = False
    grammar = pygram.python_grammar if printing else pygram.python_grammar_no_print_statement
    tool.driver.grammar = grammar
    tree = tool.driver.parse_string(text + "\n")
    _name_tuples(tree, parameters)
    _literals(tree, "unicode_literals" in _future_features(text))
    tool.refactor_tree(tree, filename)
    return str(tree)[:-1]


def _future_features(text: str) -> List[str]:
    found: List[str] = []
    for line in re.findall(r"^from[ \t]+__future__[ \t]+import[ \t]+(.+)$", text, re.M):
        found += re.findall(r"\w+", line.partition("#")[0])
    return found


@lru_cache(maxsize=None)
def _tool() -> Any:
    try:
        from fissix import refactor
        from fissix.pgen2.parse import ParseError
        from fissix.pgen2.tokenize import TokenError
    except ImportError:
        raise Lacking from None
    tool = refactor.RefactoringTool([f"fissix.fixes.fix_{name}" for name in _FIXERS])
    return tool, ParseError, TokenError


def _name_tuples(tree: Any, parameters: Dict[str, str]) -> None:
    """Give each tuple among the parameters of a `def`, and each that an exception is unpacked into,
    a name; lambdas' are left to fissix."""
    from fissix.fixer_util import Name
    from fissix.pygram import python_symbols as symbols

    found = []
    for node in tree.pre_order():
        if node.type == symbols.tfpdef and not _within(node, symbols.lambdef):
            found.append(node)
        elif node.type == symbols.except_clause and len(node.children) == 4:
            found += [node.children[3]] if node.children[3].children else []
    for node in found:
        name = f"{PARAMETER}{len(parameters)}"
        parameters[name] = str(node).strip()
        node.replace(Name(name, prefix=node.prefix))


def _within(node: Any, kind: int) -> bool:
    while node is not None:
        if node.type == kind:
            return True
        node = node.parent
    return False


def _literals(tree: Any, unicode_literals: bool) -> None:
    """ur"" loses its u; a string that has bytes over 127 written as escapes is one of bytes."""
    from fissix.pgen2 import token

    for leaf in tree.leaves():
        if leaf.type != token.STRING:
            continue
        value = leaf.value
        prefix = value[: min(value.index(q) for q in "'\"" if q in value)].lower()
        if prefix == "ur":
            leaf.value = value[1:]
        elif not prefix and not unicode_literals and _HIGH_BYTE.search(value) and value.isascii():
            leaf.value = "b" + value


def _even(text: str) -> str:
    """Indentations with tabs as the spaces that Python 2 takes them for, to columns of eight."""
    if "\t" not in text:
        return text
    inside = _inside_strings(text)
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.lstrip(" \t")
        if number not in inside:
            line = line[: len(line) - len(bare)].expandtabs(8) + bare
        lines.append(line)
    return "\n".join(lines)


def _inside_strings(text: str) -> Dict[int, bool]:
    """The numbers of the lines that begin within a string of several lines."""
    inside: Dict[int, bool] = {}
    for match in re.finditer(
        r"#[^\n]*|'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""
        r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"",
        text,
        re.S,
    ):
        first = text.count("\n", 0, match.start()) + 1
        for number in range(first + 1, first + match[0].count("\n") + 1):
            inside[number] = True
    return inside


def _syntax_error(error: Any, source: str, filename: str) -> SyntaxError:
    """What fissix says as Python's own kind of error."""
    if isinstance(error, SyntaxError):
        return error
    context = getattr(error, "context", None)
    line, column = context[1] if context else error.args[-1]
    lines = source.splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return SyntaxError("invalid syntax", (filename, line, column + 1, text))

"""By what a source that parses is known for Python 2's, or for newer."""

import ast
from typing import Any

# names that only Python 2 has, where nothing in the source gives them another meaning
_NAMES = {"basestring", "execfile", "raw_input", "reduce", "unichr", "unicode", "xrange"}
_METHODS = {"has_key", "iteritems", "iterkeys", "itervalues"}
_BRIDGES = {"six", "past", "future", "builtins"}  # packages of sources that are both
_NEWER = (ast.JoinedStr, ast.Nonlocal, ast.AsyncFunctionDef, ast.AnnAssign, ast.YieldFrom,
          ast.NamedExpr)  # fmt: skip


def sign_of_python2(tree: Any) -> str:
    """A name in a source by which it is Python 2's although it parses, with its line, or ""."""
    bound, used = set(), []
    node: Any
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                used.append((node.id, node.lineno))
            else:
                bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
            if node.name.partition(".")[0] in _BRIDGES:
                return ""
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Attribute):
            if node.attr in _METHODS:
                used.append((node.attr, node.lineno))
            if node.attr in ("version_info", "PY2", "PY3"):
                return ""  # it minds both
        elif _prints_to(node):
            return f"line {node.lineno}: print >>"
    for name, line in used:
        if name in _METHODS or name in _NAMES and name not in bound:
            return f"line {line}: {name}"
    return ""


def _prints_to(node: Any) -> bool:
    """Whether this is `print >>file`, which newer Pythons take for a shift."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.RShift)
        and isinstance(node.left, ast.Name)
        and node.left.id == "print"
    )


def is_newer(tree: Any) -> bool:
    """Whether a source has what Python 2 had not."""
    for node in ast.walk(tree):
        if isinstance(node, _NEWER):
            return True
        if isinstance(node, ast.FunctionDef):
            every = [*node.args.args, *node.args.kwonlyargs]
            if node.args.kwonlyargs or node.returns or any(a.annotation for a in every):
                return True
    return False

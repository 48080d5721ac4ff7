"""What Python 2's source means where newer Pythons take the same words otherwise.

`/` of whole numbers floors, `keys()` is a list, `except X, e` keeps e. The tree of the source is
changed for that; what it then calls is in `builtins.HELPERS`, by the names that are used here.
"""

import ast
from typing import Any, Dict, List

from .attributes import NAMES
from .syntax import PARAMETER

_LISTS = {"keys", "values", "items"}
_COMPARES = {ast.Lt: "lt", ast.LtE: "lte", ast.Gt: "gt", ast.GtE: "gte", ast.Eq: "eq",
             ast.NotEq: "ne", ast.In: "in", ast.NotIn: "not_in"}  # fmt: skip
_CONVERTS = {"bytearray", "bytes", "float", "int", "str"}


def given_meaning(tree: Any, parameters: Dict[str, str]) -> Any:
    """The tree, changed in place, without columns: the translated line has others than the file.

    Args:
        tree: of Python 3's syntax, as `syntax.rewritten` makes it.
        parameters: what that gives beside it.
    """
    features = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    } if isinstance(tree.body, list) else set()  # fmt: skip
    tree = _Meaning(features, parameters).visit(tree)
    ast.fix_missing_locations(tree)
    without_columns(tree)
    return tree


def without_columns(tree: Any) -> None:
    """Leave out where in its line each node stands, so that tracebacks underline nothing."""
    node: Any
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.col_offset = node.end_col_offset = -1


def _call(name: str, like: Any, *args: Any) -> Any:
    """A call of a helper, at the place of a node."""
    function = ast.Name(f"__py2_{name}__", ast.Load())
    return ast.copy_location(ast.Call(function, list(args), []), like)


class _Meaning(ast.NodeTransformer):
    def __init__(self, features: Any, parameters: Dict[str, str]) -> None:
        self.true_division = "division" in features
        self.print_statement = "print_function" not in features
        self.parameters = parameters

    def visit_BinOp(self, node: Any) -> Any:
        self.generic_visit(node)
        if isinstance(node.op, ast.Div) and not self.true_division:
            return _call("div", node, node.left, node.right)
        if isinstance(node.op, (ast.Mod, ast.Add)) and not _of_numbers(node.left, node.right):
            name = "mod" if isinstance(node.op, ast.Mod) else "add"
            return _call(name, node, node.left, node.right)
        return node

    def visit_AugAssign(self, node: Any) -> Any:
        self.generic_visit(node)
        target = node.target
        divides = isinstance(node.op, ast.Div) and not self.true_division
        adds = isinstance(node.op, ast.Add) and isinstance(target, ast.Name)
        adds = adds and not _of_numbers(node.value)
        if not divides and not adds:
            return node
        if isinstance(target, ast.Name):
            old = ast.copy_location(ast.Name(target.id, ast.Load()), node)
            result = _call("idiv" if divides else "iadd", node, old, node.value)
            return ast.copy_location(ast.Assign([target], result), node)
        if isinstance(target, ast.Attribute):
            name = ast.Constant(target.attr)
            done = _call("idiv_attribute", node, target.value, name, node.value)
        else:
            done = _call("idiv_item", node, target.value, _index(target.slice), node.value)
        return ast.copy_location(ast.Expr(done), node)

    def visit_Compare(self, node: Any) -> Any:
        self.generic_visit(node)
        name = _COMPARES.get(type(node.ops[0])) if len(node.ops) == 1 else None
        if name in ("eq", "ne") and _of_numbers(node.left, node.comparators[0]):
            return node
        return _call(name, node, node.left, node.comparators[0]) if name else node

    def visit_Call(self, node: Any) -> Any:
        attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        self.generic_visit(node)
        if attribute in _LISTS and not node.args and not node.keywords:
            return _call("list", node, node)
        if attribute == "sort" and (node.args or any(k.arg == "cmp" for k in node.keywords)):
            node.func = _call("sort", node.func, node.func.value)
        elif isinstance(node.func, ast.Name) and node.func.id in _CONVERTS:
            if len(node.args) == 1 and not node.keywords:
                return _call("converted", node, node.func, *node.args)
        elif isinstance(node.func, ast.Name) and node.func.id == "print" and self.print_statement:
            node.func = ast.copy_location(ast.Name("__py2_print__", ast.Load()), node.func)
        return node

    def visit_Attribute(self, node: Any) -> Any:
        self.generic_visit(node)
        if node.attr in NAMES and isinstance(node.ctx, ast.Load):
            return _call("attribute", node, node.value, ast.Constant(node.attr))
        return node

    def visit_ExceptHandler(self, node: Any) -> Any:
        """Python 2 keeps the exception's name after its block."""
        self.generic_visit(node)
        if node.name:
            unpacked = self.parameters.get(node.name)
            text = f"{node.name} = __py2_exception"
            if unpacked:
                text = f"{unpacked} = __py2_exception.args"
            node.name = "__py2_exception"
            node.body.insert(0, _first(node, ast.parse(text).body[0]))
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        self.generic_visit(node)
        arguments = [*node.args.posonlyargs, *node.args.args]
        unpacked: List[Any] = []
        for argument in arguments:
            if argument.arg.startswith(PARAMETER):
                text = f"{self.parameters[argument.arg]} = {argument.arg}"
                unpacked.append(_first(node, ast.parse(text).body[0]))
        node.body[:0] = unpacked
        return node

    def visit_ClassDef(self, node: Any) -> Any:
        for statement in list(node.body):
            if _assigns(statement, "__metaclass__"):
                node.keywords.append(ast.keyword("metaclass", statement.value))
                node.body.remove(statement)
        node.body = node.body or [_first(node, ast.Pass())]
        self.generic_visit(node)
        node.decorator_list.append(ast.copy_location(ast.Name("__py2_class__", ast.Load()), node))
        return node


def _of_numbers(*operands: Any) -> bool:
    """Whether one of them is a whole number or None as it stands there, so that none is text."""
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, (int, type(None)))
        for node in operands
    )


def _assigns(statement: Any, name: str) -> bool:
    return isinstance(statement, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == name for target in statement.targets
    )


def _first(owner: Any, statement: Any) -> Any:
    """A statement in the line in which its owner begins."""
    node: Any
    for node in ast.walk(statement):
        if "lineno" in node._attributes:
            node.lineno = node.end_lineno = owner.lineno
            node.col_offset = node.end_col_offset = 0
    return statement


def _index(node: Any) -> Any:
    """What stands in brackets as a value: slices as calls of slice()."""
    if isinstance(node, ast.Slice):
        ends = [end or ast.Constant(None) for end in (node.lower, node.upper, node.step)]
        return ast.Call(ast.Name("__py2_slice__", ast.Load()), ends, [])
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_index(part) for part in node.elts], ast.Load())
    return node

"""Objectives as text: 0.7 * l2("inception_4c/output") - 0.3 * channel("inception_4d/output",
61).within("mask.png")

Sums, differences and multiples of l2(layer), channel(layer, c, ...), neuron(layer, c, y, x),
strongest(layer, n), score(class) and guide(layer, picture, ...), each with .within(mask picture).
Nothing else is evaluated, because the text may come from a picture's recipe.
"""

import ast
import json
import math
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..dream import objectives
from ..dream.octaves import guide_features
from ..errors import TargetError
from ..nets.catalogue import Model
from ..nets.labels import class_number
from ..nets.layer_names import full_name
from ..pictures import load, load_mask

_ARGUMENTS = {
    "l2": "nothing more",
    "channel": "numbers of channels",
    "neuron": "a channel, and y and x or neither",
    "strongest": "how many channels, or nothing more",
    "guide": "names of pictures",
}
_MOST_LETTERS = 10_000  # of 100000 signs in a row, Python 3.9's parser dies
_MOST_DEPTH = 400  # a part within another is a call within another
_LARGEST = 1e30  # no float32 of a gradient survives more


@dataclass(frozen=True)
class Context:
    """What an expression's names mean in one request.

    `names`: {layer in the text: layer in the net}. `where`: {file in the text: its path}.
    `score_layer`: the one that score() reads. `profiles`: whether its pictures' ICC profiles are
    followed.
    """

    net: Any
    model: Model
    names: Dict[str, str] = field(default_factory=dict)
    where: Dict[str, str] = field(default_factory=dict)
    score_layer: str = ""
    profiles: bool = True


class Expression:
    """A checked text. `layers`: the names in it; `files`: the pictures; `classes`: what score()
    asks for."""

    def __init__(self, text: str) -> None:
        """Check a text.

        Raises:
            TargetError: it is anything but the above; with what is allowed.
        """
        self.text = text
        self._files: List[Any] = []
        self._layers: List[Any] = []
        self.layers: List[str] = []
        self.files: List[str] = []
        self.classes: List[Any] = []
        try:
            if len(text) > _MOST_LETTERS:
                raise ValueError(f"{len(text)} letters, over {_MOST_LETTERS}")
            self._tree = ast.parse(text.strip(), mode="eval").body
            depth = _depth(self._tree)
            if depth > _MOST_DEPTH:
                raise ValueError(f"{depth} parts one within another, over {_MOST_DEPTH}")
            is_objective = self._check(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
            why = str(e) or "too many parts one within another"  # Python 3.8 says nothing more
            raise TargetError(
                f"objective {_short(text)!r}: cannot be read ({why}); write for instance 0.7 * "
                'l2("inception_4c/output")'
            ) from None
        if not is_objective:
            raise TargetError(f"objective {_short(text)!r}: is a number, not an objective")

    def _no(self, node: ast.AST, why: str) -> TargetError:
        try:
            part = _short(ast.unparse(node))
        except (AttributeError, RecursionError):  # Python 3.8 has none
            part = type(node).__name__
        return TargetError(f"objective {_short(self.text)!r}: {part}: {why}")

    def _check(self, node: ast.AST) -> bool:
        """Whether a part is an objective (True) or a number (False)."""
        number = _number(node)
        if number is not None:
            if not math.isfinite(number):
                raise self._no(node, "is too large a number")
            return False
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return self._check(node.operand)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
            left, right = self._check(node.left), self._check(node.right)
            one_of_two = left != right
            if not (one_of_two if isinstance(node.op, ast.Mult) else left and right):
                raise self._no(
                    node, "objectives are added and subtracted, and multiplied by numbers"
                )
            return True
        if isinstance(node, ast.Call) and not node.keywords:
            self._check_call(node)
            return True
        raise self._no(
            node,
            "only sums, multiples and l2, channel, neuron, strongest, score, guide and .within are "
            "known here",
        )

    def _check_call(self, node: ast.Call) -> None:
        values = [_constant(a) for a in node.args]
        is_method = isinstance(node.func, ast.Attribute) and node.func.attr == "within"
        if is_method and self._check(node.func.value):  # type: ignore[attr-defined]
            self._check_within(node, values)
            return
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "score" and len(values) == 1 and isinstance(values[0], (str, int)):
            self.classes.append(values[0])
            return
        if name not in _ARGUMENTS or not values or not isinstance(values[0], str):
            raise self._no(
                node,
                'known are l2("layer"), channel("layer", 3), neuron("layer", 3), '
                'strongest("layer", 3), score("class"), guide("layer", "picture.jpg")',
            )
        rest, wanted = values[1:], str if name == "guide" else int
        counts = {"l2": (0,), "neuron": (1, 3), "strongest": (0, 1)}
        wrong_count = len(rest) not in counts[name] if name in counts else not rest
        if wrong_count or not all(type(v) is wanted for v in rest):
            raise self._no(node, f"takes a layer and {_ARGUMENTS[name]}")
        self._layers.append(node.args[0])
        self.layers.append(values[0])
        if name == "guide":
            self._add_files(node.args[1:])

    def _check_within(self, node: ast.Call, values: List[Any]) -> None:
        if len(values) != 1 or not isinstance(values[0], str):
            raise self._no(node, 'give one mask picture: .within("mask.png")')
        self._add_files(node.args)

    def _add_files(self, nodes: List[Any]) -> None:
        self._files += nodes
        self.files += [node.value for node in nodes]

    def renamed(self, names: Dict[str, str]) -> str:
        """The text with other names for its files. names: {file in the text: its other name}."""
        return self._with(self._files, names)

    def spelt(self, names: Dict[str, str]) -> str:
        """The text with other names for its layers, likewise."""
        return self._with(self._layers, names)

    def _with(self, nodes: List[Any], names: Dict[str, str]) -> str:
        """The text with other names at these places."""
        lines = self.text.strip().encode().splitlines(keepends=True)

        def place(line: int, column: int) -> int:
            return sum(len(text) for text in lines[: line - 1]) + column

        text = b"".join(lines)
        for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset), reverse=True):
            start = place(node.lineno, node.col_offset)
            end = place(node.end_lineno or 0, node.end_col_offset or 0)
            name = names.get(node.value, node.value)
            if name != node.value:
                text = text[:start] + repr(name).encode() + text[end:]
        return text.decode()

    def build(self, context: Context) -> Any:
        """The Objective that the text stands for, on one net."""
        return _build(self._tree, context)


def scores(names: Sequence[str]) -> str:
    """The text of an objective: the sum of the scores of these classes, by name or number."""
    return " + ".join(f"score({json.dumps(name, ensure_ascii=False)})" for name in names)


def spelt_out(
    description: Any, end: str, expression: Optional[Expression]
) -> Tuple[str, Optional[Expression]]:
    """The same layer and expression, with the full names of their layers in this net.

    Raises:
        TargetError: a name is short for several layers.
    """
    if expression is None:
        return full_name(description, end), None
    names = {name: full_name(description, name) for name in expression.layers}
    if all(name == full for name, full in names.items()):
        return end, expression
    return end, Expression(expression.spelt(names))


def _build(node: Any, context: Context) -> Any:
    number = _number(node)
    if number is not None:
        return number
    if isinstance(node, ast.UnaryOp):
        value = _build(node.operand, context)
        return -1 * value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = _build(node.left, context), _build(node.right, context)
        if isinstance(node.op, ast.Mult):
            return left * right
        return left + right if isinstance(node.op, ast.Add) else left - right
    values = [_constant(a) for a in node.args]
    if isinstance(node.func, ast.Attribute):
        mask = load_mask(context.where.get(values[0], values[0]))
        return _build(node.func.value, context).within(mask)
    if node.func.id == "score":
        return objectives.score(context.score_layer, class_number(context.model, str(values[0]))[0])
    layer = context.names.get(values[0], values[0])
    if node.func.id == "guide":
        guides = [load(context.where.get(path, path), context.profiles) for path in values[1:]]
        return objectives.guide(
            layer, *(guide_features(context.net, guide, layer) for guide in guides)
        )
    return getattr(objectives, node.func.id)(layer, *values[1:])


def _depth(tree: ast.AST) -> int:
    """How many parts of the text lie one within another, at most; without recursion."""
    depth, parts = 0, [tree]
    while parts:
        depth += 1
        parts = [child for part in parts for child in ast.iter_child_nodes(part)]
    return depth


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:300] + "..."


def _constant(node: ast.AST) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None


def _number(node: ast.AST) -> Optional[float]:
    """The number that a part is, or None. Raises ValueError where it is too large."""
    value = _constant(node)
    if type(value) not in (int, float):
        return None
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"a number is over {_LARGEST:g}")
    return float(value)

"""Objectives as text: 0.7 * l2("inception_4c/output") - 0.3 * channel("inception_4d/output", 61).within("mask.png")

Sums, differences, and factors of l2(layer), channel(layer, c, ...), neuron(layer, c, y, x), score(class), guide(layer, picture, ...), each with
.within(mask picture). Nothing else is evaluated: the text may come from a picture's recipe.
"""

import ast

import numpy as np

from ..dream import objectives
from ..dream.octaves import guide_features
from ..errors import TargetError
from ..nets.model import class_number
from ..pictures import load

_ARGUMENTS = {
    "l2": "nothing more",
    "channel": "numbers of channels",
    "neuron": "a channel, and y and x or neither",
    "guide": "names of pictures",
}


class Expression:
    """A checked text. `layers`: the names in it; `files`: the pictures; `classes`: what score() asks for."""

    def __init__(self, text):
        """Raises TargetError, with what is allowed, for anything else than the above."""
        self.text = text
        self.layers, self.files, self.classes = [], [], []
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
            raise TargetError(
                f'--objective {text!r}: cannot be read ({e}); write for instance 0.7 * l2("inception_4c/output")'
            ) from None
        if not self._check(self._tree):
            raise TargetError(f"--objective {text!r}: is a number, not an objective")

    def _no(self, node, why):
        return TargetError(
            f"--objective {self.text!r}: {ast.unparse(node) if hasattr(ast, 'unparse') else type(node).__name__}: {why}"
        )

    def _check(self, node):
        """Whether a part is an objective (True) or a number (False)."""
        if _number(node) is not None:
            return False
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return self._check(node.operand)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
            left, right = self._check(node.left), self._check(node.right)
            if (left + right != 1) if isinstance(node.op, ast.Mult) else not (left and right):
                raise self._no(
                    node, "objectives are added and subtracted, and multiplied by numbers"
                )
            return True
        if isinstance(node, ast.Call) and not node.keywords:
            self._check_call(node)
            return True
        raise self._no(
            node,
            "only sums, factors and l2, channel, neuron, score, guide and .within are known here",
        )

    def _check_call(self, node):
        values = [_constant(a) for a in node.args]
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "within"
            and self._check(node.func.value)
        ):
            if len(values) != 1 or not isinstance(values[0], str):
                raise self._no(node, 'give one mask picture: .within("mask.png")')
            self.files.append(values[0])
            return
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "score" and len(values) == 1 and isinstance(values[0], (str, int)):
            self.classes.append(values[0])
            return
        if name not in _ARGUMENTS or not values or not isinstance(values[0], str):
            raise self._no(
                node,
                'known are l2("layer"), channel("layer", 3), neuron("layer", 3), score("class"), guide("layer", "picture.jpg")',
            )
        rest, wanted = values[1:], str if name == "guide" else int
        if (
            not all(type(v) is wanted for v in rest)
            or (not rest) != (name == "l2")
            or (name == "neuron" and len(rest) not in (1, 3))
        ):
            raise self._no(node, f"takes a layer and {_ARGUMENTS[name]}")
        self.layers.append(values[0])
        self.files += rest if name == "guide" else []

    def build(self, net, model, names=None, where=None, score_layer=""):
        """The Objective, for this net. names: {layer in the text: layer in the net}; where: {file in the text: its path}."""
        self._net, self._model, self._names, self._where, self._score = (
            net,
            model,
            names or {},
            where or {},
            score_layer,
        )
        return self._build(self._tree)

    def _build(self, node):
        number = _number(node)
        if number is not None:
            return number
        if isinstance(node, ast.UnaryOp):
            value = self._build(node.operand)
            return -1 * value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            left, right = self._build(node.left), self._build(node.right)
            return (
                left + right
                if isinstance(node.op, ast.Add)
                else left - right
                if isinstance(node.op, ast.Sub)
                else left * right
            )
        values = [_constant(a) for a in node.args]
        if isinstance(node.func, ast.Attribute):
            return self._build(node.func.value).within(
                load_mask(self._where.get(values[0], values[0]))
            )
        if node.func.id == "score":
            return objectives.score(self._score, class_number(self._model, str(values[0]))[0])
        layer = self._names.get(values[0], values[0])
        if node.func.id == "guide":
            pictures = [load(self._where.get(path, path)) for path in values[1:]]
            return objectives.guide(
                layer, *(guide_features(self._net, picture, layer) for picture in pictures)
            )
        return getattr(objectives, node.func.id)(layer, *values[1:])


def _constant(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _number(node):
    value = _constant(node)
    return float(value) if type(value) in (int, float) else None


def load_mask(path):
    """A mask picture as float32 (H, W): white is 1, black 0."""
    return (load(path) @ np.array([0.299, 0.587, 0.114]) / 255).astype(np.float32)

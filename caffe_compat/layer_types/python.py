"""Python layers: code that a net names.

It is run only after allow_python_layers(), since a net's file must never run anything by itself.
"""

import importlib
import os
from typing import Any, Sequence, Type

from ..errors import CaffeError, PrototxtError
from ..handles import BoolVec, RawBlobVec
from ..handles import Layer as ProgramLayer
from .registry import Blobs, Layer, register

# set by python -m caffe_compat --allow-python-layers, for the processes that the program starts too
_allowed = os.environ.get("CAFFE_COMPAT_PYTHON_LAYERS") == "1"


def allow_python_layers(allow: bool = True) -> None:
    """Let nets run the Python code that their Python layers name, in this process; or no longer."""
    global _allowed
    _allowed = allow


def python_layers_allowed() -> bool:
    """Whether nets may run Python code in this process."""
    return _allowed


@register
class Python(Layer):
    """Runs the object of a class that a prototxt names: a caffe.Layer of a program's."""

    type = "Python"
    bottoms = tops = (0, None)
    in_place = True

    def __init__(self, param: Any, phase: int) -> None:
        super().__init__(param, phase)
        self.program = _class(param)(param)
        self.program.param_str, self.program.phase = param.python_param.param_str, int(phase)
        # the program adds parameters to its own list; one that calls no super().__init__ has none
        self.program.__dict__.setdefault("_engine_blobs", self.blobs)
        self.blobs = self.program._engine_blobs

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.program.setup(RawBlobVec._over(list(bottom)), RawBlobVec._over(list(top)))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.program.reshape(RawBlobVec._over(list(bottom)), RawBlobVec._over(list(top)))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.program.forward(RawBlobVec._over(list(bottom)), RawBlobVec._over(list(top)))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.program.backward(
            RawBlobVec._over(list(top)),
            BoolVec._over(list(propagate_down)),
            RawBlobVec._over(list(bottom)),
        )

    def forward_gpu(self, bottom: Blobs, top: Blobs) -> None:
        self.forward(bottom, top)  # the program's, which reads and writes arrays

    def backward_gpu(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.backward(top, propagate_down, bottom)


def _class(param: Any) -> Type[ProgramLayer]:
    """The class that a LayerParameter names, if it may be run."""
    p = param.python_param
    if not _allowed:
        raise CaffeError(
            f'layer "{param.name}" would run Python code ({p.module}.{p.layer}). '
            "If you trust this net, call caffe_compat.allow_python_layers() first, "
            "or start the program with python -m caffe_compat --allow-python-layers"
        )
    try:
        module = importlib.import_module(p.module)
    except ModuleNotFoundError as e:
        if e.name != p.module.split(".")[0] and e.name != p.module:
            raise
        raise PrototxtError(
            f'layer "{param.name}": there is no Python module {p.module}; '
            "put its folder on PYTHONPATH"
        ) from None
    made = getattr(module, p.layer, None)
    if not (isinstance(made, type) and issubclass(made, ProgramLayer)):
        raise PrototxtError(
            f'layer "{param.name}": module {p.module} has no caffe.Layer called {p.layer}'
        )
    return made

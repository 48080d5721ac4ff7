"""Python layers: code that a net names.

It is run only after allow_python_layers(), since a net's file must never run anything by itself.
"""

import importlib
import os
from typing import Any, Optional, Sequence

from ..errors import CaffeError, PrototxtError
from .registry import LAYERS, Blobs, ParamBlobs, register
from .registry import Layer as _Layer

# set by python -m caffe_compat --allow-python-layers, for the processes that the program starts too
_allowed = os.environ.get("CAFFE_COMPAT_PYTHON_LAYERS") == "1"


def allow_python_layers(allow: bool = True) -> None:
    """Let nets run the Python code that their Python layers name, in this process; or no longer."""
    global _allowed
    _allowed = allow


def python_layers_allowed() -> bool:
    """Whether nets may run Python code in this process."""
    return _allowed


class Layer(_Layer):
    """Base of a Python layer.

    Subclass it with setup, reshape, forward(bottom, top) and backward(top, propagate_down, bottom).
    `param_str` is the text that the prototxt gives, `phase` caffe.TRAIN or TEST;
    `blobs.add_blob(*shape)` in setup adds a parameter.
    """

    type = "Python"
    bottoms = tops = (0, None)
    in_place = True
    blobs: ParamBlobs

    def __init__(self, param: Any, phase: Optional[int] = None) -> None:
        super().__init__(param, param.phase if phase is None else phase)
        self.param_str = param.python_param.param_str

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no backward")


@register
class Python(Layer):
    """Stands for the class that a prototxt names: creating one gives an instance of that class."""

    def __new__(cls, param: Any, phase: int) -> Any:
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
        if not (isinstance(made, type) and issubclass(made, Layer)):
            raise PrototxtError(
                f'layer "{param.name}": module {p.module} has no caffe.Layer called {p.layer}'
            )
        return made(param, phase)


assert LAYERS["Python"] is Python

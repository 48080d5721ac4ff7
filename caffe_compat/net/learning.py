"""The parameters that a solver updates, in Caffe's order, with their own rates."""

from typing import Any, Dict, List

from ..blob import ParamBlob
from ..errors import PrototxtError
from ..proto import caffe_pb2
from .parts import Parts


class Learnable:
    """A parameter, or several that share memory.

    lr_mult and decay_mult are the factors of the learning rate and of the weight decay.
    """

    def __init__(self, layer: str, blob: ParamBlob, spec: Any) -> None:
        self.layer, self.blob = layer, blob
        self._specs = {"lr_mult": spec, "decay_mult": spec}

    @property
    def lr_mult(self) -> float:
        return float(self._specs["lr_mult"].lr_mult)

    @property
    def decay_mult(self) -> float:
        return float(self._specs["decay_mult"].decay_mult)

    def also(self, layer: str, spec: Any) -> None:
        """Let a parameter of a further layer be the same one.

        A factor counts for all of them where one layer says it. Raises PrototxtError where two say
        different ones.
        """
        for name, first in self._specs.items():
            if not spec.HasField(name):
                continue
            if first.HasField(name) and getattr(first, name) != getattr(spec, name):
                raise PrototxtError(
                    f'layer "{layer}" shares the parameter "{spec.name}" with layer '
                    f'"{self.layer}", but has {name} {getattr(spec, name):g} and that '
                    f"{getattr(first, name):g}; give both the same, or one of them none"
                )
            self._specs[name] = spec


def learnable(parts: Parts) -> List[Learnable]:
    """The parameters of a net, each once (Caffe's learnable_params)."""
    found: List[Learnable] = []
    by_name: Dict[str, Learnable] = {}
    for layer in parts.layers:
        specs = list(layer.layer_param.param)
        specs += [caffe_pb2.ParamSpec()] * (len(layer.blobs) - len(specs))
        for blob, spec in zip(layer.blobs, specs):
            if spec.name in by_name:
                by_name[spec.name].also(layer.name, spec)
                continue
            found.append(Learnable(layer.name, blob, spec))
            if spec.name:
                by_name[spec.name] = found[-1]
    return found

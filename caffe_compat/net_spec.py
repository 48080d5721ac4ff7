"""NetSpec: nets written as Python.

pycaffe's `caffe.layers`, `caffe.params`, `caffe.NetSpec` and `caffe.to_proto`.

    n = NetSpec()
    n.data = layers.Input(shape=dict(dim=[1, 3, 224, 224]))
    n.conv1 = layers.Convolution(n.data, num_output=64, kernel_size=7, stride=2)
    n.relu1 = layers.ReLU(n.conv1, in_place=True)
    print(n.to_proto())

A layer's settings go to its own parameter message; those that it has no field for, or whose names
end in `param`, are fields of the layer.
"""

from collections import Counter, OrderedDict
from typing import Any, Dict, List, Sequence

from .proto import caffe_pb2


def _own_messages() -> Dict[str, str]:
    """{layer type: field of its parameter message}, as Convolution: convolution_param."""
    fields = [f for f in caffe_pb2.LayerParameter.DESCRIPTOR.fields if f.name.endswith("_param")]
    return {f.message_type.name[: -len("Parameter")]: f.name for f in fields}


# and those that take another's, which pycaffe takes only in full, as convolution_param=dict(...)
_OWN = {
    **_own_messages(),
    "Deconvolution": "convolution_param",
    "Im2col": "convolution_param",
    "LSTM": "recurrent_param",
    "RNN": "recurrent_param",
}


def param_name_dict() -> Dict[str, str]:
    """{layer type: name of its parameter message without _param}."""
    return {kind: field[: -len("_param")] for kind, field in _own_messages().items()}


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set a field of a message.

    A dict fills a message, a list a repeated field; one value is as good as a list of one.
    """
    field = getattr(proto, name)
    if isinstance(val, dict) and not hasattr(field, "extend"):
        for key, part in val.items():
            assign_proto(field, key, part)
    elif hasattr(field, "extend"):
        for part in val if isinstance(val, (list, tuple)) else [val]:
            if isinstance(part, dict):
                added = field.add()
                for key, inner in part.items():
                    assign_proto(added, key, inner)
            else:
                field.append(part)
    else:
        setattr(proto, name, val)


class Top:
    """One output of a layer."""

    def __init__(self, fn: "Function", n: int) -> None:
        self.fn, self.n = fn, n

    def to_proto(self) -> Any:
        """A NetParameter of this top and all that it depends on."""
        return to_proto(self)

    def _to_proto(self, layers, names, autonames):
        return self.fn._to_proto(layers, names, autonames)


class Function:
    """A layer with its inputs (Tops) and settings.

    The settings `ntop` and `in_place` say how many tops it has, and whether they are its bottoms.
    Raises TypeError for an input that is no Top.
    """

    def __init__(self, type_name: str, inputs: Sequence[Top], params: Dict[str, Any]) -> None:
        self.type_name, self.inputs, self.params = type_name, inputs, params
        for i, top in enumerate(inputs):
            if not isinstance(top, Top):
                raise TypeError(f"{type_name} input {i} is not a Top (type is {type(top)})")
        self.ntop = self.params.pop("ntop", 1)
        self.in_place = self.params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _get_name(self, names, autonames):
        if self not in names and self.tops:
            names[self] = self._get_top_name(self.tops[0], names, autonames)
        return self._get_top_name(self, names, autonames)

    def _get_top_name(self, top, names, autonames):
        if top not in names:
            autonames[self.type_name] += 1
            names[top] = f"{self.type_name}{autonames[self.type_name]}"
        return names[top]

    def _to_proto(self, layers, names, autonames):
        if self in layers:
            return
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        for top in self.inputs:
            top._to_proto(layers, names, autonames)
            layer.bottom.append(layers[top.fn].top[top.n])
        layer.top.extend(
            layer.bottom
            if self.in_place
            else [self._get_top_name(top, names, autonames) for top in self.tops]
        )
        layer.name = self._get_name(names, autonames)
        own = _OWN.get(self.type_name)
        for key, value in self.params.items():
            inner = (
                own
                and not key.endswith("param")
                and key in getattr(layer, own).DESCRIPTOR.fields_by_name
            )
            assign_proto(getattr(layer, own) if own and inner else layer, key, value)
        layers[self] = layer


class NoTopError(AttributeError, KeyError):
    """A NetSpec has no top of this name. pycaffe raises a KeyError for it."""

    __str__ = AttributeError.__str__


class NetSpec:
    """Named tops, as attributes or as items; `to_proto` gives the net that makes them."""

    def __init__(self) -> None:
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name: str, value: Any) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        try:
            return self.tops[name]
        except KeyError:
            raise NoTopError(
                f"this NetSpec has no top {name!r}; it has {', '.join(self.tops) or 'none'}"
            ) from None

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    def __setitem__(self, key: str, value: Any) -> None:
        self.tops[key] = value

    def __getitem__(self, item: str) -> Any:
        return self.tops[item]

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def keys(self) -> List[str]:
        return list(self.tops)

    def vals(self) -> List[Any]:
        return list(self.tops.values())

    def update(self, other: Any) -> None:
        """Take over all names of a dict, or of a list of pairs."""
        self.tops.update(other)

    def to_proto(self) -> Any:
        """A NetParameter with every layer that the tops need."""
        return _net(self.tops.values(), {top: name for name, top in self.tops.items()})


def _net(tops, names):
    layers: Dict[Function, object] = OrderedDict()
    autonames: Counter = Counter()
    for top in tops:
        top._to_proto(layers, names, autonames)
    return caffe_pb2.NetParameter(layer=layers.values())


def to_proto(*tops: Top) -> Any:
    """A NetParameter with every layer that these tops need, named by their types and numbers."""
    return _net(tops, {})


class Layers:
    """`layers.Convolution(bottom, ..., num_output=64)` gives that layer's top.

    Or a tuple of `ntop` tops; for ntop=0 the Function itself.
    """

    def __getattr__(self, name: str) -> Any:
        def layer(*inputs: Top, **params: Any) -> Any:
            fn = Function(name, inputs, params)
            return fn if fn.ntop == 0 else fn.tops[0] if fn.ntop == 1 else fn.tops

        return layer


class Parameters:
    """`params.Pooling.MAX`: the values that a layer's settings can take."""

    def __getattr__(self, name: str) -> Any:
        message = getattr(caffe_pb2, f"{name}Parameter", None)
        if message is None:
            raise AttributeError(f"there is no message {name}Parameter")
        return message


_param_names = param_name_dict()
layers = Layers()
params = Parameters()

"""What an engine's Python surface looks like: `python surface.py ENGINE FILE` writes it as JSON.

Names and signatures of every module and class, every field of every message, and what a battery of
calls gives. It runs on both engines, so on Debian's Python 3.9 too.
"""

import importlib
import inspect
import json
import re
import sys
import tempfile
import types
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from google.protobuf import descriptor_pb2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
MODULES = (
    "", "_caffe", "net_spec", "io", "classifier", "coord_map", "detector", "draw", "pycaffe",
    "proto.caffe_pb2",
)  # fmt: skip
VECTOR = ("__contains__", "__delitem__", "__getitem__", "__iter__", "__len__", "__setitem__")
PROTOTXT = """
name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 8 dim: 9 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3
                            weight_filler { type: "constant" value: 0.1 } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "b" type: "Convolution" bottom: "conv1" top: "b"
        convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "a" type: "Pooling" bottom: "conv1" top: "a"
        pooling_param { pool: MAX kernel_size: 1 } }
layer { name: "flat" type: "Flatten" bottom: "b" top: "flat" }
layer { name: "zip" type: "InnerProduct" bottom: "flat" top: "zip"
        inner_product_param { num_output: 3 bias_term: false } }
"""
MEMORY = """
layer { name: "m" type: "MemoryData" top: "x" top: "y"
        memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 } }
layer { name: "l" type: "EuclideanLoss" bottom: "y" bottom: "y" top: "l" loss_weight: 0.3 }
"""


TRAINED = """
layer { name: "d" type: "DummyData" top: "x" top: "t" dummy_data_param { shape { dim: 4 dim: 3 }
        data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 0.5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param {
        num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "l" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "l" }
"""
SOLVER = """
base_lr: 0.5 lr_policy: "step" gamma: 0.5 stepsize: 2 momentum: 0.5 max_iter: 6 random_seed: 8
test_iter: 1 test_interval: 3 snapshot_after_train: false type: "Nesterov"
"""


def foreign(value: Any, engine: str) -> bool:
    """Whether a module's value is another package's: what it imports for itself."""
    if isinstance(value, types.ModuleType):
        return not value.__name__.startswith(engine)
    home = getattr(value, "__module__", None)
    return callable(value) and home is not None and not home.startswith((engine, "netfile"))


def kind(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return "module"
    if isinstance(value, property):
        return "property"
    if isinstance(value, type):
        return "class"
    return "callable" if callable(value) else type(value).__name__


def counts(value: Any) -> Optional[Tuple[int, int]]:
    """The fewest and most arguments that a native function takes by position, from its docs."""
    found = re.findall(r"^\w+\((.*)\) -> ", value.__doc__ or "", re.M)
    if not found:
        return None
    given = [len(re.findall(r"\(\w+\)\w+", text.split("[")[0])) for text in found]
    most = [len(re.findall(r"\(\w+\)\w+", text)) for text in found]
    return min(given), max(most)


def signature(value: Any) -> Any:
    """[names and defaults] of a Python function, or (fewest, most) arguments of a native one."""
    if isinstance(value, type):
        value = value.__init__  # type: ignore[misc]
    if not callable(value) or value is object.__init__:
        return None
    if "Boost" in str(type(getattr(value, "__func__", value))):
        return counts(value)
    try:
        given = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        f"{p.kind.name} {p.name}" + ("" if p.default is p.empty else f"={p.default!r}")
        for p in given
    ]


def names(thing: Any, engine: str) -> Dict[str, Any]:
    """{name: [kind, signature, whether another package's]} of a module's or a class's own names."""
    out = {}
    net = sys.modules[engine].Net
    is_net = isinstance(thing, type) and issubclass(thing, net) and thing is not net
    for name in dir(thing):
        if name.startswith("__") and name not in ("__init__", "__version__", *VECTOR):
            continue
        value = getattr(thing, name)
        if is_net and getattr(net, name, None) is value:
            continue  # what it has from Net stands there
        imported = not isinstance(thing, type) and foreign(value, engine)
        out[name] = [kind(value), signature(value), imported]
    return out


def message(raw: Any) -> Dict[str, Any]:
    """Every field, enum and message of a DescriptorProto."""
    out: Dict[str, Any] = {
        f.name: [f.number, f.type, f.label, f.type_name, default(f), f.options.packed]
        for f in raw.field
    }
    out.update({enum.name: values(enum) for enum in raw.enum_type})
    out.update({nested.name: message(nested) for nested in raw.nested_type})
    return out


def default(raw: Any) -> Any:
    """A field's default: a number as one, since compilers write 1e-8 in different ways."""
    floats = raw.type in (raw.TYPE_FLOAT, raw.TYPE_DOUBLE) and raw.HasField("default_value")
    return float(np.float32(raw.default_value)) if floats else raw.default_value


def values(raw: Any) -> Dict[str, int]:
    """{name: number} of an EnumDescriptorProto."""
    return {value.name: value.number for value in raw.value}


def proto(pb: Any) -> Dict[str, Any]:
    """{message: its fields} and {enum: its values} of caffe_pb2."""
    raw = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(raw)
    out: Dict[str, Any] = {m.name: message(m) for m in raw.message_type}
    out.update({enum.name: values(enum) for enum in raw.enum_type})
    return out


def plain(value: Any) -> Any:
    """A value as JSON: its type's name, and what lies in it, in order."""
    name = type(value).__name__
    if isinstance(value, (bool, int, float, str)) or value is None:
        return [name, value]
    if isinstance(value, np.ndarray):
        return [name, str(value.dtype), list(value.shape), [round(float(v), 4) for v in value.flat]]
    if isinstance(value, dict):
        items = value.items() if name == "OrderedDict" else sorted(value.items())
        return [name, [[k, plain(v)] for k, v in items]]
    if isinstance(value, (list, tuple)) or name.endswith("Vec"):
        return [name, [plain(v) for v in value]]
    return [name]


def lineage(error: BaseException) -> List[str]:
    return [cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "builtins"]


def outcome(call: str, scope: Dict[str, Any]) -> Any:
    """What a call gives: a value, or the built-in kinds of what it raises."""
    try:
        return plain(eval(call, scope))
    except Exception as e:
        return ["raised", lineage(e)]


def battery(caffe: Any, module: Any, calls: List[str], folder: str) -> Dict[str, Any]:
    """{call: its outcome}, one after the other on nets of their own."""
    scope: Dict[str, Any] = {"caffe": caffe, "np": np, "folder": folder}
    scope.update({name: module(name) for name in MODULES if name and name.isidentifier()})
    scope["pb"] = module("proto.caffe_pb2")
    trained = f"net: '{folder}/trained_path.prototxt' {SOLVER}"
    texts = {
        "path": PROTOTXT,
        "memory_path": MEMORY,
        "trained_path": TRAINED,
        "solver_path": trained,
    }
    for name, text in texts.items():
        scope[name] = str(Path(folder) / f"{name}.prototxt")
        Path(scope[name]).write_text(text)
    scope["net"] = caffe.Net(scope["path"], caffe.TEST)
    scope["memory"] = caffe.Net(scope["memory_path"], caffe.TEST)
    scope["net"].blobs["data"].data[...] = np.arange(432).reshape(2, 3, 8, 9) % 5
    exec("import copy, itertools, pickle", scope)
    return {call: outcome(call, scope) for call in calls}


def main(engine: str, file: Path) -> None:
    try:
        import pydot  # noqa: F401
    except ImportError:
        sys.modules["pydot"] = types.ModuleType("pydot")  # pycaffe's draw wants only that it is
    caffe = importlib.import_module(engine)

    def module(name: str) -> Any:
        return importlib.import_module(f"{engine}.{name}") if name else caffe

    found: Dict[str, Any] = {}
    seen = set()
    for name in MODULES:
        thing = module(name)
        found[f"caffe.{name}".rstrip(".")] = names(thing, engine)
        if name in ("", "proto.caffe_pb2"):
            continue  # what the first has, others define; the messages are compared by field
        for cls in dir(thing):
            value = getattr(thing, cls)
            if isinstance(value, type) and not foreign(value, engine) and value not in seen:
                seen.add(value)
                found[f"caffe.{name}.{cls}"] = names(value, engine)
    with tempfile.TemporaryDirectory() as folder:
        calls = (Path(__file__).parent / "surface_calls.txt").read_text().splitlines()
        calls = [call for call in calls if call and not call.startswith("#")]
        done = battery(caffe, module, calls, folder)
    everything = {"names": found, "proto": proto(module("proto.caffe_pb2")), "calls": done}
    file.write_text(json.dumps(everything))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

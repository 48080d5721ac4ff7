"""Prototxts, in Caffe's V0, V1 or V2 form, to a NetParameter of V2."""

import difflib
from typing import Any, Callable, Optional

from google.protobuf import text_format

from . import wire
from .errors import FormatError, NetError, PrototxtError
from .faults.forks import field_of_a_fork, layer_of_a_fork
from .faults.kinds import misplaced, unreadable
from .faults.outline import Entry, first_unknown, outline, place
from .upgrade import V1_TYPES, upgrade

_MOST_BYTES = 64 << 20
_LAYERS = ("layer", "layers")
_SHOWN = 80  # characters of a line with an error in it
_BOOLS = {"true": True, "True": True, "t": True, "1": True,
          "false": False, "False": False, "f": False, "0": False}  # fmt: skip


def parse_prototxt(text: str, caffe_pb2: Any, name: Any) -> Any:
    """The NetParameter in a prototxt's text, in V2.

    Args:
        text: the prototxt. Besides what BVLC's Caffe reads, it may say `ceil_mode` for
            `round_mode`, as forks do.
        caffe_pb2: the engine's own messages.
        name: what errors call it: a path, as a rule.

    Raises:
        PrototxtError: a syntax error or an unknown field, with its place, or a mixture of versions.
    """
    return _parse(text, caffe_pb2.NetParameter(), name, upgrade)


def read_prototxt(path: Any, caffe_pb2: Any) -> Any:
    """The NetParameter in a prototxt file, in V2. Raises FormatError."""
    return parse_prototxt(_read_text(path, "a prototxt"), caffe_pb2, path)


def read_solver(path: Any, caffe_pb2: Any) -> Any:
    """The SolverParameter in a solver's prototxt file; nets in it are in V2. Raises FormatError."""
    text = _read_text(path, "a solver's prototxt")
    return _parse(text, caffe_pb2.SolverParameter(), path, _upgrade_nets)


def _upgrade_nets(solver: Any) -> Any:
    for field in ("net_param", "train_net_param"):
        if solver.HasField(field):
            upgrade(getattr(solver, field))
    for net in solver.test_net_param:
        upgrade(net)
    return solver


def _parse(text: str, message: Any, name: Any, finish: Callable[[Any], Any]) -> Any:
    """The message in a text, as `finish` gives it. Raises PrototxtError, naming the text."""
    try:
        text = _with_round_mode(text)
        text_format.Parse(text, message)
        return finish(message)
    except text_format.ParseError as e:
        raise PrototxtError(f"{name}: {_fault(text, message, e)}") from None
    except NetError as e:
        raise PrototxtError(f"{name}: {e}") from None


def _read_text(path: Any, wanted: str) -> str:
    """The text in a file. Raises FormatError where it cannot be read, or is something else."""
    try:
        with wire.File(path) as file:
            found = misplaced(path, wanted) if len(file) else ""  # Caffe takes an empty net
            if found:
                raise PrototxtError(found)
            if len(file) > _MOST_BYTES:
                raise PrototxtError(f"{path}: {len(file)} bytes are too many for {wanted}")
            raw = file[:]
    except OSError as e:
        raise FormatError(unreadable(path, wanted, e)) from None
    except wire.WireError as e:
        raise FormatError(f"{path}: {e}") from None
    return raw.decode("utf-8-sig", "replace")


# ---- ceil_mode


def _with_round_mode(text: str) -> str:
    """The text with `round_mode: CEIL` or `FLOOR` for each `ceil_mode: true` or `false`.

    Caffe rounds up without either. Raises PrototxtError where a layer has both, and they differ.
    """
    if "ceil_mode" not in text:
        return text
    parts, at = [], 0
    for entry in outline(text).all():
        around = entry.parent
        if entry.name != "ceil_mode" or around is None or around.name != "pooling_param":
            continue
        if entry.value not in _BOOLS:
            raise PrototxtError(
                f"{_where(text, entry)}: ceil_mode is {_short(entry.value)}, not true or false"
            )
        wanted = "CEIL" if _BOOLS[entry.value] else "FLOOR"
        given = around.get("round_mode")
        if given and given not in (wanted, str(int(wanted == "FLOOR"))):
            raise PrototxtError(
                f"{_where(text, entry)}: round_mode: {_short(given)} and ceil_mode: {entry.value} "
                "contradict each other; keep the one that is right"
            )
        parts += [text[at : entry.start], "" if given else f"round_mode: {wanted}"]
        at = entry.value_end
    return "".join([*parts, text[at:]])


# ---- what is wrong with a text


def _fault(text: str, net: Any, error: text_format.ParseError) -> str:
    """What is wrong with a text that protobuf refused: said in Caffe's words, where it can be."""
    line = error.GetLine() or 1
    root = outline(text)
    unknown = first_unknown(root, net.DESCRIPTOR)
    wrong = [e for e in root.all() if _wrong_type(e)]
    found = [entry for entry in (unknown, *wrong[:1]) if entry is not None]
    first = min(found, key=lambda entry: entry.start, default=None)
    if first is not None and place(text, first.start).line <= line:
        why = _unknown(first, net) if first is unknown else _wrong_type(first)
        return f"{_where(text, first)}: {why}"
    return (
        f"syntax error at line:column {line}:{error.GetColumn() or 1}: {_reason(text, error, line)}"
    )


def _reason(text: str, error: text_format.ParseError, line: int) -> str:
    """Protobuf's words, with what stands in the line, shortened."""
    reason = str(error)
    lines = text.split("\n")
    there = lines[line - 1].strip() if line <= len(lines) else ""
    for prefix in (f"{line}:{error.GetColumn()} : ", f"'{lines[line - 1]}': " if there else ""):
        if prefix and reason.startswith(prefix):
            reason = reason[len(prefix) :]
    return _short(reason, 300) + (f" In: {_short(there)}" if there else "")


def _short(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _where(text: str, entry: Entry) -> str:
    """The place of a field, with the layer that it is in."""
    line, column = place(text, entry.start)
    layer = entry.inside(*_LAYERS)
    named = f', layer "{_short(layer.get("name"))}"' if layer else ""
    kind = f" ({_short(layer.get('type'))})" if layer and layer.get("type") else ""
    return f"line {line}, column {column}{named}{kind}"


def _unknown(entry: Entry, net: Any) -> str:
    """What to say of a field that its message does not have."""
    around = entry.parent.name if entry.parent else ""
    layer = entry.inside(*_LAYERS)
    kind = layer_of_a_fork(layer.get("type")) if layer else ""
    told = field_of_a_fork(around, entry.name) or kind
    if told:
        return told
    known, name = _descriptor(entry.parent, net).fields_by_name, _short(entry.name)
    near = difflib.get_close_matches(name, known, 1, 0.7)
    hint = f"did you mean {near[0]}? " if near else ""
    return (
        f"{around or _whole(net)} has no field {name} in this Caffe; {hint}"
        "another Caffe may have it: what it does is not known here, so it is not passed over"
    )


def _whole(message: Any) -> str:
    """What a whole file's message is called."""
    return "a solver" if message.DESCRIPTOR.name == "SolverParameter" else "a net"


def _descriptor(entry: Optional[Entry], net: Any) -> Any:
    """The type of the message that a field holds."""
    path = []
    while entry is not None and entry.name:
        path.append(entry.name)
        entry = entry.parent
    descriptor = net.DESCRIPTOR
    for name in reversed(path):
        descriptor = descriptor.fields_by_name[name].message_type
    return descriptor


def _wrong_type(entry: Entry) -> str:
    """What to say of a layer's `type` that is in the form of another version, or ""."""
    parent = entry.parent
    if entry.name != "type" or parent is None or parent.name not in _LAYERS or not entry.value:
        return ""
    if parent.parent is None or parent.parent.name:
        return ""  # V0's inner `layer`
    quoted, value = entry.value[0] in "'\"", _short(entry.value.strip("'\""))
    if not quoted and value.isdigit():
        return ""  # the number of a V1 type
    v2 = V1_TYPES.get(value, value)
    if parent.name == "layer" and not quoted:
        return f'in `layer`, the type stands in quotes: type: "{v2}"'
    if parent.name == "layers" and quoted and value in V1_TYPES:
        return f"in `layers`, the type stands without quotes: type: {value}"
    if parent.name == "layers" and value not in V1_TYPES:
        old = next((old for old, new in V1_TYPES.items() if new == value), "")
        told = layer_of_a_fork(value)
        if told or not (quoted or old):
            return told or f"`layers` knows no type {value}"
        v1 = f", or type: {old}" if old else ""
        return (
            f'a layer of type: "{value}" is called `layer`, not `layers`; write layer {{ ... }}{v1}'
        )
    return ""

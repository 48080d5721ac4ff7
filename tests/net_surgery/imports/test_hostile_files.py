"""What foreign files may not do: run code, fill the memory, lead elsewhere. Each is refused in one
line that says what it was."""

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from net_surgery.errors import FormatError
from net_surgery.imports import read
from net_surgery.imports.readers import bounds
from tests.support import foreign_weights as foreign
from tests.support.foreign_weights import WRITERS, Op, field

TWELVE = {"0": np.arange(12, dtype=np.float32)}


def refusal(path: Path, content: bytes) -> str:
    """The error that reading such a file ends in: one line, with its path."""
    path.write_bytes(content)
    with pytest.raises(FormatError) as e:
        read(str(path))
    text = str(e.value)
    assert "\n" not in text and str(path) in text and len(text) < 500
    return text


class Run:
    """What pickles to a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.called = function, arguments

    def __reduce__(self) -> Any:
        return self.called


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("writer", [foreign.torch_zip, foreign.torch_legacy])
@pytest.mark.parametrize(
    "call, name",
    [
        (Run(os.system, "touch OWNED"), r"(posix|nt)\.system"),
        (Run(eval, "1"), r"builtins\.eval"),
        (Run(subprocess.Popen, ["touch", "OWNED"]), r"subprocess\.Popen"),
        (Run(getattr, "", "join"), r"builtins\.getattr"),
    ],
)
def test_a_pickle_that_would_run_code_is_refused_by_name(
    tmp_path: Path, monkeypatch: Any, writer: Any, call: Run, name: str, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"state_dict": call}, protocol, fix_imports=False)
    text = refusal(tmp_path / "w.pth", writer(TWELVE, content))
    assert not (tmp_path / "OWNED").exists()
    assert re.search(rf"asks for ({name})", text), text


@pytest.mark.parametrize(
    "op, said",
    [
        (Op.call(Op.name("torch.jit", "load"), Op.text("x")), "asks for torch.jit.load"),
        (Op.name("torch", "FloatStorage") + Op.name("os", "system"), "asks for os.system"),
        (b"cos\nsystem\n\x8c\x02lsR", "asks for os.system"),
        (b"(S'ls'\nios\nsystem\n", "INST"),
        (Op.name("collections", "OrderedDict") + b")\x81", "NEWOBJ"),
        (Op.name("collections", "OrderedDict") + Op.text("x") + b"b", "no dict to add to"),
        (b"\x82\x01", "EXT1"),
        (Op.text("storage") + b"\x85Q", "no storage"),
        (b"}" + b")" + Op.number(1) + b"s", "neither text nor numbers"),
        (b"u", "damaged pickle"),
    ],
)
def test_odd_instructions_are_refused(tmp_path: Path, op: bytes, said: str) -> None:
    assert said in refusal(tmp_path / "w", foreign.torch_zip(TWELVE, Op.START + op + Op.STOP))


def test_a_tower_of_tuples_costs_nothing(tmp_path: Path) -> None:
    doubled = Op.text("x") + b"".join(b"2\x86" for _ in range(200))
    op = Op.START + Op.filled(b"}", [(Op.text("state_dict"), doubled)]) + Op.STOP
    assert "no state dict" in refusal(tmp_path / "w", foreign.torch_zip(TWELVE, op))
    tensor = Op.call(Op.name("torch._utils", "_rebuild_tensor_v2"), *[doubled] * 4)
    op = Op.START + Op.ordered([("a", tensor)]) + Op.STOP
    assert "no view of a storage" in refusal(tmp_path / "w", foreign.torch_zip(TWELVE, op))


@pytest.mark.parametrize(
    "view, said",
    [
        (("0", "f4", 12, 1, (3, 4), (4, 1)), "reads value 12 of a storage of 12"),
        (("0", "f4", 12, 0, (3, 4), (5, 1)), "reads value 13"),
        (("0", "f4", 12, 0, (3, 4), (-4, 1)), "no array of weights has"),
        (("0", "f4", 12, -1, (3,), (1,)), "no array of weights has"),
        (("0", "f4", 12, 0, (3, 4), (4,)), "2 axes but 1 strides"),
        (("0", "f4", 13, 0, (13,), (1,)), "of which 12 are there"),
        (("0", "f8", 12, 0, (12,), (1,)), "of which 6 are there"),
        (("1", "f4", 12, 0, (12,), (1,)), "no storage"),
        (("0", "c8", 6, 0, (6,), (1,)), "complex64"),
        (("0", "f4", 12, 0, (2**40,), (0,)), "more than 100 times its size"),
        (("0", "f4", 12, 0, (2**39,) * 8, (0,) * 8), "more than 100 times its size"),
        (("0", "f4", 12, 0, (2**70,), (0,)), "no array of weights has"),
    ],
)
def test_views_beyond_their_storage_are_refused(tmp_path: Path, view: Any, said: str) -> None:
    op = Op.ordered([("weights.of.a", foreign.tensor_op(*view))])
    text = refusal(tmp_path / "w", foreign.torch_zip(TWELVE, Op.START + op + Op.STOP))
    assert said in text


def test_quantised_tensors_are_refused_by_name(tmp_path: Path) -> None:
    op = Op.ordered([("conv.weight", Op.call(Op.name("torch._utils", "_rebuild_qtensor"), b"N"))])
    text = refusal(tmp_path / "w", foreign.torch_zip(TWELVE, Op.START + op + Op.STOP))
    assert "conv.weight is quantised" in text
    header = foreign.safetensors(TWELVE).replace(b'"F32"', b'"F8E"')
    assert "0 holds F8E, which is not converted" in refusal(tmp_path / "s", header)


def bomb(size: int) -> bytes:
    """A zip archive with a member of so many zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("archive/data.pkl", bytes(size))
    return file.getvalue()


def test_zip_bombs_are_not_unfolded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(bounds, "_ALWAYS", 1 << 16)
    assert "more than 100 times" in refusal(tmp_path / "w.pth", bomb(4 << 20))
    npz = bomb(4 << 20).replace(b"archive/data.pkl", b"archive/aaaa.npy")
    assert "more than 100 times" in refusal(tmp_path / "w.npz", npz)


def test_an_archive_that_says_less_than_it_holds(tmp_path: Path) -> None:
    content = foreign.torch_zip(TWELVE, compression=zipfile.ZIP_DEFLATED)
    refusal(tmp_path / "w", content.replace(struct.pack("<I", 48), struct.pack("<I", 8)))


def test_pickled_objects_in_npz_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.savez(file, a=np.array([Run(os.system, "true")], object))
    assert "a holds Python objects" in refusal(tmp_path / "w", file.getvalue())


def test_an_npz_header_that_asks_for_more_than_there_is(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3, np.float32))
    with zipfile.ZipFile(file) as z:
        member = z.read("a.npy")
    assert b"(3,), }  " in member
    for shape, said in (
        (b"(9,), }  ", "takes 36 bytes, but has 12"),
        (b"(-3,), } ", "no array"),
        (b"(((((((((", "damaged header"),
    ):
        changed = member.replace(b"(3,), }  ", shape, 1)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            z.writestr("a.npy", changed)
        assert said in refusal(tmp_path / "w", out.getvalue())


@pytest.mark.parametrize(
    "old, new, said",
    [
        (b"[0, 48]", b"[0, 44]", "takes 48 bytes"),
        (b"[0, 48]", b"[8, 56]", "takes 48 bytes"),
        (b'"shape": [12]', b'"shape": [-1]', "data"),
        (b'"shape": [12]', b'"shape": "12"', "no shape"),
        (b'{"__', b"{ __", "damaged header"),
        (b'"0": {', b'"0": 7 ', "damaged header"),
    ],
)
def test_damaged_safetensors(tmp_path: Path, old: bytes, new: bytes, said: str) -> None:
    content = foreign.safetensors(TWELVE)
    assert old in content
    changed = content.replace(old, new)
    if len(new) != len(old):
        head = struct.unpack("<Q", content[:8])[0] + len(new) - len(old)
        changed = struct.pack("<Q", head) + changed[8:]
    text = refusal(tmp_path / "w", changed)
    assert said in text or "no array of weights has" in text


def test_safetensors_that_overlap_or_nest_too_deep(tmp_path: Path) -> None:
    pair = foreign.safetensors({"a": TWELVE["0"], "b": TWELVE["0"]})
    assert "overlap" in refusal(tmp_path / "w", pair.replace(b"[48, 96]", b"[0, 48]  "))
    deep = b'{"a":' * 5000
    refusal(tmp_path / "w", struct.pack("<Q", len(deep)) + deep)


def test_hdf5_files_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["a"] = np.zeros(3, np.float32)
    (tmp_path / "raw").write_bytes(bytes(12))

    def made(change: Callable[[Any], None]) -> str:
        path = tmp_path / "w.h5"
        with h5py.File(path, "w") as file:
            file["fine"] = np.zeros(3, np.float32)
            change(file)
        with pytest.raises(FormatError) as e:
            read(str(path))
        return str(e.value)

    def set_link(file: Any) -> None:
        file["leak"] = h5py.ExternalLink(str(secret), "/a")

    def set_raw(file: Any) -> None:
        file.create_dataset("leak", (3,), "f4", external=[(str(tmp_path / "raw"), 0, 12)])

    def set_virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "a", (3,))
        file.create_virtual_dataset("leak", layout)

    def set_circle(file: Any) -> None:
        group = file.create_group("g")
        group["again"] = group

    def set_bomb(file: Any) -> None:
        file.create_dataset("huge", (2**40,), "f4", chunks=(2**16,))

    for change in (set_link, set_raw, set_virtual):
        assert "leak leads elsewhere" in made(change), change.__name__
    assert "stands in the file twice" in made(set_circle)
    assert "huge would unfold" in made(set_bomb)


def test_without_h5py_the_install_command_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "[hdf5]" in refusal(tmp_path / "w", b"\x89HDF\r\n\x1a\n" + bytes(100))


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/b", "..", "", "w.bin", "link"])
def test_onnx_values_in_other_files(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(48))
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    values = field(13, field(1, "location") + field(2, location)) + field(14, 1)
    content = foreign.onnx({}, [foreign.onnx_tensor("a", TWELVE["0"], values)])
    text = refusal(tmp_path / "w", content)
    assert "no file of its own folder" in text or "not beside this one" in text


@pytest.mark.parametrize(
    "number, said",
    [(17, "8-bit floats"), (14, "complex64"), (99, "numbers of the unknown type 99")],
)
def test_onnx_numbers_of_other_types(tmp_path: Path, number: int, said: str) -> None:
    tensor = field(1, 12) + field(2, number) + field(8, "conv") + field(9, bytes(48))
    assert f"conv holds {said}" in refusal(tmp_path / "w", foreign.onnx({}, [tensor]))


def test_a_tensorflow_constant_that_fills_the_memory(tmp_path: Path) -> None:
    shape = field(2, field(2, field(1, 2**35)))
    tensor = field(1, 1) + shape + field(5, np.float32([1]).tobytes())
    attribute = field(1, "value") + field(2, field(8, tensor))
    node = field(1, "big") + field(2, "Const") + field(5, attribute)
    text = refusal(tmp_path / "w", foreign.tensorflow(TWELVE, [node]))
    assert "big would unfold" in text
    quantised = tensor.replace(field(1, 1), field(1, 12), 1)
    node = (
        field(1, "q")
        + field(2, "Const")
        + field(5, field(1, "value") + field(2, field(8, quantised)))
    )
    assert "q holds quantised uint8" in refusal(tmp_path / "w", foreign.tensorflow(TWELVE, [node]))


@pytest.mark.parametrize("format", WRITERS)
def test_files_that_are_cut_off(tmp_path: Path, format: str) -> None:
    content = WRITERS[format]({"a": np.ones((8, 8), np.float32), "b": np.ones(64, np.float32)})
    for end in range(len(content) // 7, len(content), len(content) // 7):
        refusal(tmp_path / "w", content[:end])


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
        (b"name: 'net'\nlayer {}\n", "a prototxt"),
        (bytes(range(256)), "binary data; what can be read is PyTorch"),
    ],
)
def test_other_files_are_told_by_what_they_are(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(tmp_path / "w", content)


def test_no_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(FormatError) as e:
            read(str(path))
        assert str(path) in str(e.value)

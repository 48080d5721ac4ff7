"""The readers of other formats: every array comes back, whatever wrote it."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest

from net_surgery.imports import read
from tests.support import foreign_weights as foreign
from tests.support.foreign_weights import WRITERS, Op, field

Arrays = Dict[str, np.ndarray]


@pytest.fixture
def arrays() -> Arrays:
    rng = np.random.RandomState(0)
    return {
        "conv.weight": np.float32(rng.normal(size=(4, 3, 2, 2))),
        "conv.bias": np.float32(rng.normal(size=4)),
        "fc.weight": np.float32(rng.normal(size=(5, 16))),
        "scalar": np.float32(rng.normal(size=())),
        "count": np.int64(rng.randint(0, 9, (3,))),
    }


def saved(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def assert_same(got: Arrays, wanted: Arrays) -> None:
    assert list(got) == list(wanted)
    for name, array in wanted.items():
        assert got[name].dtype == array.dtype and got[name].shape == array.shape, name
        assert np.array_equal(got[name], array), name
        assert got[name].flags.c_contiguous, name


@pytest.mark.parametrize("format", WRITERS)
def test_every_array_comes_back_under_a_name_that_says_nothing(
    tmp_path: Path, arrays: Arrays, format: str
) -> None:
    assert_same(read(saved(tmp_path / "weights", WRITERS[format](arrays))), arrays)


@pytest.mark.parametrize("format", ["torch_zip", "torch_legacy", "safetensors", "npz", "onnx"])
@pytest.mark.parametrize("dtype", ["f2", "f8"])
def test_other_floats_become_float32(tmp_path: Path, format: str, dtype: str) -> None:
    stored = np.array([[1.5, -0.25], [3, 65504]], dtype)
    got = read(saved(tmp_path / "w", WRITERS[format]({"a": stored})))["a"]
    assert got.dtype == np.float32 and np.array_equal(got, np.float32(stored))


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    values = np.float32([1.5, -2, 0.0078125, 3e38])
    upper = (values.view("<u4") >> 16).astype("<u2")
    op = Op.ordered([("a", foreign.tensor_op("0", "bf", 4, 0, (2, 2), (2, 1)))])
    content = foreign.torch_zip({"0": upper.view("<f2")}, Op.START + op + Op.STOP)
    wanted = (upper.astype("<u4") << 16).view("<f4").reshape(2, 2)
    assert np.array_equal(read(saved(tmp_path / "w", content))["a"], wanted)
    safe = foreign.safetensors({"a": upper.view("<f2")}).replace(b'"F16"', b'"BF16"')
    head = len(safe) - upper.nbytes - 8
    safe = struct.pack("<Q", head) + safe[8:]
    assert np.array_equal(read(saved(tmp_path / "s", safe))["a"], wanted.ravel())


def views(*tensors: bytes) -> bytes:
    """A zip archive of one storage of 12 values, with these tensors a, b, ... in its pickle."""
    op = Op.ordered(zip("abcdef", tensors))
    storage = {"0": np.arange(12, dtype=np.float32)}
    return foreign.torch_zip(storage, Op.START + op + Op.STOP)


def test_views_of_one_storage_become_arrays_of_their_own(tmp_path: Path) -> None:
    content = views(
        foreign.tensor_op("0", "f4", 12, 0, (3, 4), (4, 1)),
        foreign.tensor_op("0", "f4", 12, 0, (4, 3), (1, 4)),  # transposed
        foreign.tensor_op("0", "f4", 12, 5, (2, 2), (4, 2)),  # every other column
        foreign.tensor_op("0", "f4", 12, 7, (2, 3), (0, 0)),  # one value, repeated
        foreign.tensor_op("0", "f4", 12, 12, (0, 3), (3, 1)),
    )
    got = read(saved(tmp_path / "w", content))
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    # 0 1 2 3        transposed: 0 4 8     from 5, steps 4 and 2: 5 7
    # 4 5 6 7                    1 5 9                            9 11
    # 8 9 10 11                  ...
    assert np.array_equal(got["a"], whole) and np.array_equal(got["b"], whole.T)
    assert np.array_equal(got["c"], [[5, 7], [9, 11]])
    assert np.array_equal(got["d"], np.full((2, 3), 7)) and got["e"].shape == (0, 3)
    assert not np.shares_memory(got["a"], got["c"])


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict"])
def test_checkpoints_are_unwrapped(tmp_path: Path, arrays: Arrays, wrapper: str) -> None:
    assert_same(read(saved(tmp_path / "w", foreign.torch_zip(arrays, wrapper=wrapper))), arrays)


def test_the_prefix_of_parallel_training_is_taken_off(tmp_path: Path, arrays: Arrays) -> None:
    prefixed = {f"module.{name}": array for name, array in arrays.items()}
    assert_same(read(saved(tmp_path / "w", foreign.torch_zip(prefixed))), arrays)
    prefixed["conv.bias"] = prefixed.pop("module.conv.bias")
    assert "module.fc.weight" in read(saved(tmp_path / "w", foreign.torch_zip(prefixed)))


def test_a_parameter_and_what_is_no_tensor(tmp_path: Path, arrays: Arrays) -> None:
    tensor = foreign.tensor_op("0", "f4", 12, 0, (12,), (1,))
    parameter = Op.call(Op.name("torch._utils", "_rebuild_parameter"), tensor, b"\x88", b"}")
    op = Op.ordered([("a", parameter), ("epoch", Op.number(7)), ("note", Op.text("hi"))])
    content = foreign.torch_zip({"0": np.arange(12, dtype="f4")}, Op.START + op + Op.STOP)
    assert list(read(saved(tmp_path / "w", content))) == ["a"]


def test_a_state_dicts_versions_are_passed_over(tmp_path: Path) -> None:
    op = Op.ordered([("a", foreign.tensor_op("0", "f4", 12, 0, (12,), (1,)))])
    versions = Op.filled(
        b"}", [(Op.text("_metadata"), Op.name("collections", "OrderedDict") + b")R")]
    )
    content = foreign.torch_zip({"0": np.arange(12, dtype="f4")}, Op.START + op + versions + b"b.")
    assert read(saved(tmp_path / "w", content))["a"].shape == (12,)


def test_compressed_archives_are_read(tmp_path: Path, arrays: Arrays) -> None:
    content = foreign.torch_zip(arrays, compression=zipfile.ZIP_DEFLATED)
    assert_same(read(saved(tmp_path / "w", content)), arrays)


def test_columns_first_and_big_endian_npz(tmp_path: Path) -> None:
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    file = io.BytesIO()
    np.savez(file, columns=np.asfortranarray(a), big=a.astype(">f4"), whole=a.astype(">i2"))
    got = read(saved(tmp_path / "w", file.getvalue()))
    assert np.array_equal(got["columns"], a) and np.array_equal(got["big"], a)
    assert np.array_equal(got["whole"], a) and got["whole"].dtype == np.int16


def test_onnx_lists_its_values_in_four_ways(tmp_path: Path) -> None:
    a = np.float32([1, 2.5, -3])
    halves = np.float16([1, 2.5, -3])
    packed = field(4, a.tobytes())
    single = b"".join(b"\x25" + struct.pack("<f", v) for v in a)
    as_ints = field(5, b"".join(foreign.encode_varint(int(v)) for v in halves.view("<u2")))
    negative = field(7, foreign.encode_varint(2**64 - 5))
    content = foreign.onnx({"raw": a}, [
        foreign.onnx_tensor("packed", a, packed), foreign.onnx_tensor("single", a, single),
        foreign.onnx_tensor("halves", halves, as_ints),
        foreign.onnx_tensor("negative", np.int64([-5]), negative),
    ])  # fmt: skip
    got = read(saved(tmp_path / "w", content))
    for name in ("raw", "packed", "single", "halves"):
        assert np.array_equal(got[name], a), name
    assert got["negative"][0] == -5


def external(name: str, a: np.ndarray, location: str, **more: Any) -> bytes:
    pairs = {"location": location, **{key: str(value) for key, value in more.items()}}
    values = b"".join(field(13, field(1, k) + field(2, v)) for k, v in pairs.items())
    return foreign.onnx_tensor(name, a, values + field(14, 1))


def test_onnx_values_beside_the_model(tmp_path: Path) -> None:
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "w.bin").write_bytes(b"ab" + a.tobytes())
    content = foreign.onnx({}, [external("a", a, "w.bin", offset=2, length=24)])
    assert np.array_equal(read(saved(tmp_path / "w.onnx", content))["a"], a)


def test_names_lose_the_device_that_caffe2_trained_on(tmp_path: Path) -> None:
    a = np.zeros((2, 2), np.float32)
    content = foreign.onnx({"gpu_0/conv1_w_0": a, "gpu_0/conv1_b_0": a, "OC2_DUMMY_1": a})
    names = list(read(saved(tmp_path / "w", content)))
    assert names == ["conv1_w_0", "conv1_b_0", "OC2_DUMMY_1"]
    content = foreign.onnx({"gpu_0/a": a, "a": a})
    assert list(read(saved(tmp_path / "w", content))) == ["gpu_0/a", "a"]


def test_a_tensorflow_constant_may_repeat_its_last_value(tmp_path: Path) -> None:
    a = np.zeros((2, 3), np.float32)
    values = field(5, np.float32([4, 5]).tobytes())
    halves = field(
        13, b"".join(foreign.encode_varint(int(v)) for v in np.float16([1, 2]).view("<u2"))
    )
    content = foreign.tensorflow({"x": a}, [
        foreign.tensorflow_node("a", a, values),
        foreign.tensorflow_node("h", np.zeros(2, np.float16), halves),
    ])  # fmt: skip
    got = read(saved(tmp_path / "w", content))
    assert np.array_equal(got["a"], [[4, 5, 5], [5, 5, 5]]) and np.array_equal(got["h"], [1, 2])


def test_keras_files_of_both_layouts_and_archives(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    new, old = tmp_path / "new.weights.h5", tmp_path / "old.h5"
    foreign.keras(new, {"layers/dense/vars/0": a, "optimizer/vars/0": a})
    foreign.keras(old, {"model_weights/fc1/fc1/kernel:0": a, "optimizer_weights/x": a})
    with h5py.File(old, "a") as file:
        file["model_weights/fc1"].attrs["weight_names"] = np.array([b"fc1/kernel:0"])
        file["model_weights/fc1"].create_dataset("zipped", data=a, compression="gzip")
    assert list(read(str(new))) == ["layers/dense/vars/0"]
    assert list(read(str(old))) == ["fc1/fc1/kernel:0", "fc1/zipped"]
    assert np.array_equal(read(str(old))["fc1/zipped"], a)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as z:
        z.writestr("metadata.json", "{}")
        z.writestr("model.weights.h5", new.read_bytes())
    assert np.array_equal(read(saved(tmp_path / "m", whole.getvalue()))["layers/dense/vars/0"], a)

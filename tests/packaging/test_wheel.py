"""Wheel and sdist, each installed by pip into an empty environment elsewhere, and what users do
there.

`make test-wheel` runs this: it needs a package index, or pip's cache of one.
"""

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import numpy as np
import pytest
from PIL import Image

from caffe_compat.kernels.compiled import processor
from deepdream.settings import DEFAULT_MODEL
from netfile.system.places import PACKAGES, ROOT

pytestmark = pytest.mark.wheel
LINUX_ON_X86 = sys.platform == "linux" and platform.machine() == "x86_64"
BIN = "Scripts" if os.name == "nt" else "bin"
PROGRAM = """
import caffe, sys
from caffe import layers as L
net = caffe.NetSpec()
net.data = L.Input(shape={"dim": [1, 2]})
net.out = L.InnerProduct(net.data, num_output=1, weight_filler={"type": "constant", "value": 3})
open("net.prototxt", "w").write(str(net.to_proto()))
net = caffe.Net("net.prototxt", caffe.TEST)
net.blobs["data"].data[...] = 7
print(caffe.__version__, net.forward()["out"].item(), sys.argv[1:])
"""
# only in a checkout
FOREIGN = ("make caffe", "make model", "scripts/", "pip install -e")


@pytest.fixture(scope="module")
def built(tmp_path_factory: Any) -> Tuple[Path, Path]:
    """(wheel, sdist); the wheel is made of the sdist."""
    out = tmp_path_factory.mktemp("built")
    subprocess.run([sys.executable, "-m", "build", "-o", str(out), str(ROOT)], check=True)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def site(request: Any, built: Tuple[Path, Path], tmp_path_factory: Any) -> Iterator[Path]:
    """The site-packages of an environment that has it alone, read-only; asserts that nothing is
    written there."""
    venv = tmp_path_factory.mktemp(request.param) / "venv"
    what = built[request.param == "sdist"]
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / BIN / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, f"{what}[compat]"], check=True)
    pattern = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
    (packages,) = venv.glob(pattern)
    ours = [path for name in PACKAGES for path in [packages / name, *(packages / name).rglob("*")]]
    for path in [*ours, packages]:
        path.chmod(path.stat().st_mode & ~0o222)
    before = {path: path.stat().st_mtime_ns for path in ours}
    yield packages
    for path in [*ours, packages]:
        path.chmod(path.stat().st_mode | 0o200)
    after = [path for name in PACKAGES for path in [packages / name, *(packages / name).rglob("*")]]
    assert {path: path.stat().st_mtime_ns for path in after} == before


def as_a_user() -> List[str]:
    """How a command is started by someone who is not root, whom no file's mode keeps out."""
    if getattr(os, "geteuid", lambda: 1)() or not shutil.which("unshare"):
        return []
    prefix = ["unshare", "--user", "--map-user=1000"]
    return prefix if subprocess.run([*prefix, "true"]).returncode == 0 else []


@pytest.fixture(scope="module")
def home(site: Path, tmp_path_factory: Any) -> Path:
    """A user's folder, with a photograph and a program."""
    folder = tmp_path_factory.mktemp("home")
    x, y = np.meshgrid(np.arange(200), np.arange(150))
    picture = np.stack([x * 2, y * 2, x + y], 2).astype(np.uint8)
    Image.fromarray(picture).save(folder / "photo.jpg")
    (folder / "program.py").write_text(PROGRAM)
    return folder


@pytest.fixture(scope="module")
def run(site: Path, home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command of the environment in the user's folder."""
    commands = site.parents[1 if os.name == "nt" else 2] / BIN
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "XDG", "DEEPDREAM"))}
    env = {**env, "HOME": str(home), "LOCALAPPDATA": str(home)}
    user = as_a_user()

    def call(command: str, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        line = [*user, str(commands / command), *words]
        return subprocess.run(
            line, cwd=home, env={**env, **more}, capture_output=True, text=True, timeout=600
        )

    return call


def cached(home: Path) -> List[str]:
    """What the user's cache has."""
    return [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()]


def test_both_carry_the_nets_the_default_model_and_types(built: Tuple[Path, Path]) -> None:
    wheel, sdist = built
    with zipfile.ZipFile(str(wheel)) as z:
        names = set(z.namelist())
        readmes = [name for name in names if name.endswith("readme.md")]
        texts = {name: z.read(name).decode() for name in readmes}
    data = "deepdream/data/models"
    assert f"{data}/{DEFAULT_MODEL}/{DEFAULT_MODEL}.caffemodel" in names
    for name, text in texts.items():  # every model that is listed can be had
        model = name.split("/")[-2]
        deploy = f"deepdream/data/prototxt/{model}/deploy.prototxt"
        assert deploy in names or "\ndeploy: graph\n" in text, model
        weights = f"{data}/{model}/{model}.caffemodel" in names
        sources = ("caffemodel_url: http", "mirrors: ", "\nsources:\n", "`deepdream models import`")
        assert weights or any(source in text for source in sources), model
    here = [path for package in PACKAGES for path in (ROOT / package).rglob("*")]
    files = {path.relative_to(ROOT).as_posix() for path in here if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    if LINUX_ON_X86:
        loops = "caffe_compat/kernels/shipped/{}/winograd.convolution.loop"
        assert {loops.format(each.name) for each in processor.SHIPPED} <= names
    assert not [name for name in names if name.startswith(("tests", "scripts", "docs"))]
    with tarfile.open(str(sdist)) as tar:
        inside = {name.split("/", 1)[1] for name in tar.getnames() if "/" in name}
    assert {name.replace("deepdream/data/", "") for name in names if ".dist-info" not in name} <= (
        inside
    )
    assert wheel.stat().st_size < 15e6 and sdist.stat().st_size < 25e6


def test_a_photograph_is_dreamt_and_replayed(run: Any, home: Path) -> None:
    few = ["--iterations", "2", "--seed", "3"]
    done = run("deepdream", "dream", "photo.jpg", *few)
    assert done.returncode == 0, done.stderr
    assert "cannot keep" not in done.stderr
    again = run("deepdream", "replay", "photo-dream.png", "-o", "again.png")
    assert again.returncode == 0, again.stderr
    names = ("photo-dream.png", "again.png")
    first, second = (np.asarray(Image.open(home / name)) for name in names)
    assert first.any() and np.array_equal(first, second)
    own = any("deepdream-caffe/loops/" in name for name in cached(home))
    brought = LINUX_ON_X86 and processor.shipped() is not None
    assert own != brought and ("compiling its loops" in done.stderr) != brought


def test_classes_of_any_picture_go_through_a_net_in_the_cache(run: Any, home: Path) -> None:
    few = ["--octaves", "1", "--iterations", "1", "--end", "prob"]
    done = run("deepdream", "dream", "photo.jpg", "-o", "prob.png", *few)
    assert done.returncode == 0, done.stderr
    assert any(f"models/{DEFAULT_MODEL}/.any_size/" in name for name in cached(home))
    assert not [name for name in cached(home) if name.endswith(".lock")]


def test_nets_are_operated_on(run: Any, site: Path, home: Path) -> None:
    data = site / "deepdream" / "data"
    deploy = data / "prototxt" / DEFAULT_MODEL / "deploy.prototxt"
    weights = data / "models" / DEFAULT_MODEL / f"{DEFAULT_MODEL}.caffemodel"
    done = run("net-surgery", "convolutionize", str(deploy), str(weights), "-o", "any-size")
    assert done.returncode == 0, done.stderr
    assert len(list((home / "any-size").glob("*.caffemodel"))) == 1


def test_a_program_for_pycaffe_runs_and_its_helpers_too(run: Any) -> None:
    done = run("caffe-compat", "program.py", "a", "--b")
    assert done.stdout == "1.0.0+compat 42.0 ['a', '--b']\n", done.stderr
    assert "usage: caffe-compat " in run("caffe-compat", "--help").stdout


def test_what_is_told_holds_outside_a_checkout(run: Any) -> None:
    doctor = run("deepdream", "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "pip install 'deepdream-caffe[download]'" in doctor.stdout
    told = [doctor, run("deepdream", "models", "list"), run("deepdream", "compare", "--help")]
    told += [run("deepdream", "presets"), run("deepdream", "models", "import", "--help")]
    assert not [process.args for process in told if process.returncode]
    told += [run("deepdream", "models", "get", "bvlc_googlenet")]
    told += [run("deepdream", "layers", "--model", "bvlc_googlenet")]
    told += [run("deepdream", "classes", "5", "--model", "bvlc_googlenet", "-o", "classes")]
    for process in told:
        text = process.stdout + process.stderr
        assert "Traceback" not in text and not [word for word in FOREIGN if word in text], text

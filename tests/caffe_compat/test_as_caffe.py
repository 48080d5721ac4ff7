"""`python -m caffe_compat PROGRAM`: programs written for pycaffe, unchanged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    """Write programs into a folder and run one of them there; returns the finished process."""

    def call(program, *args, options=(), env=None, **files):
        for name, text in {"program": program, **files}.items():
            (tmp_path / f"{name}.py").write_text(text)
        command = [
            sys.executable,
            "-m",
            "caffe_compat",
            *options,
            str(tmp_path / "program.py"),
            *args,
        ]
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CAFFE_COMPAT"))
        }
        return subprocess.run(
            command, cwd=ROOT, env={**clean, **(env or {})}, capture_output=True, text=True
        )

    return call


def test_import_caffe_and_its_submodules_give_this_engine(run):
    done = run(
        "import caffe, caffe.io, caffe.draw, caffe.coord_map, sys\n"
        "from caffe import layers as L, params as P\n"
        "from caffe.proto import caffe_pb2\n"
        "from caffe.net_spec import NetSpec\n"
        "from caffe.pycaffe import Net\n"
        "import caffe_compat\n"
        "assert caffe is caffe_compat and caffe.io is caffe_compat.io and NetSpec is "
        "caffe.NetSpec and Net is caffe.Net\n"
        "assert caffe_pb2.TRAIN == caffe.TRAIN and L.ReLU and P.Pooling.AVE\n"
        "print(__name__, sys.argv[1:])\n",
        "a", "--b",
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("__main__ ['a', '--b']\n", 0), done.stderr


def test_a_folder_called_caffe_beside_the_program_is_passed_over(run, tmp_path):
    (tmp_path / "caffe").mkdir()
    (tmp_path / "caffe" / "__init__.py").write_text("raise RuntimeError('the wrong one')")
    assert (
        run("import sys; sys.path.insert(0, '.'); import caffe; print(caffe.__version__)").stdout
        == "1.0.0+compat\n"
    )


def test_processes_that_it_starts_have_it_too(run):
    done = run(
        "import multiprocessing, subprocess, sys\n"
        "import caffe\n"
        "def version(_):\n"
        "    import caffe\n"
        "    return caffe.__version__\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(version, [0]))\n"
        "    print(subprocess.check_output([sys.executable, '-c', 'import caffe; "
        "print(caffe.__version__)'], text=True, cwd='/'))\n"
    )
    assert done.stdout == "['1.0.0+compat']\n1.0.0+compat\n\n", done.stderr


def test_nowhere_else():
    done = subprocess.run(
        [sys.executable, "-c", "import caffe_compat.net, caffe"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "No module named 'caffe'" in done.stderr


def test_a_module(run, tmp_path):
    run("print('made')", tool="import caffe, sys; print(caffe.__version__, sys.argv[1:])")
    command = [sys.executable, "-m", "caffe_compat", "-m", "tool", "--x", "1"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "1.0.0+compat ['--x', '1']\n", done.stderr


def test_the_programs_exit_code_is_kept(run):
    assert run("import sys; sys.exit(7)").returncode == 7


def test_a_sitecustomize_of_the_users_still_runs(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sitecustomize.py").write_text("print('mine')")
    assert (
        run("import caffe", env={"PYTHONPATH": str(tmp_path / "mine")}).stdout == "mine\n" * 2
    )  # here and in the program


@pytest.mark.parametrize(
    ("args", "message"),
    [([], "no PROGRAM"), (["nowhere.py"], "no such program: nowhere.py"), (["-m"], "-m needs")],
)
def test_bad_use_is_one_line_and_exit_2(args, message):
    done = subprocess.run(
        [sys.executable, "-m", "caffe_compat", *args], cwd=ROOT, capture_output=True, text=True
    )
    assert (
        done.returncode == 2
        and message in done.stderr.splitlines()[-1]
        and "Traceback" not in done.stderr
    )


LAYER = """
import caffe
class Times(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)
        self.blobs.add_blob(2)
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        top[0].data[...] = self.factor * bottom[0].data + self.phase
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.factor * top[0].diff
print("imported")
"""
NET = """
import sys, tempfile, caffe
f = tempfile.NamedTemporaryFile("w", suffix=".prototxt")
f.write('force_backward: true input: "x" input_shape { dim: 2 dim: 3 } '
        'layer { name: "t" type: "Python" bottom: "x" top: "y" '
        'python_param { module: "times" layer: "Times" param_str: "2.5" } }')
f.flush()
try:
    net = caffe.Net(f.name, caffe.TEST)
except caffe.CaffeError as e:
    sys.exit(str(e))
net.blobs["x"].data[...] = 4
net.blobs["y"].diff[...] = 1
print(net.forward()["y"].max(), net.backward()["x"].max(), end=" ")
print(net.layers[1].blobs[0].data.shape, type(net.layers[1]).__name__)
"""


@pytest.mark.slow
def test_python_layers_run_only_when_they_are_allowed(run):
    refused = run(NET, times=LAYER)
    assert refused.returncode == 1 and "imported" not in refused.stdout
    assert (
        'layer "t" would run Python code (times.Times)' in refused.stderr
        and "--allow-python-layers" in refused.stderr
    )
    allowed = run(NET, times=LAYER, options=["--allow-python-layers"])
    assert allowed.stdout == "imported\n11.0 2.5 (2,) Times\n", allowed.stderr


@pytest.mark.slow
def test_allowing_them_in_the_program(run):
    assert run("import caffe; caffe.allow_python_layers()\n" + NET, times=LAYER).stdout.startswith(
        "imported\n11.0"
    )


# the same net of several modules, and what is said of each
REFUSED = """
import sys, caffe
for module in sys.argv[2:]:
    with open(sys.argv[1], "w") as f:
        f.write('input: "x" input_shape { dim: 2 } layer { name: "t" type: "Python" bottom: "x" '
                'top: "y" python_param { module: "%s" layer: "Times" } }' % module)
    try:
        caffe.Net(sys.argv[1], caffe.TEST)
    except Exception as e:
        print(e)
"""


@pytest.mark.slow
def test_what_is_no_layer_is_refused(run, tmp_path):
    messages = {
        "three": "no caffe.Layer called Times",
        "broken": "nothing_there",
        "nowhere_at_all": "there is no Python module nowhere_at_all",
    }
    modules = {"three": "Times = 3", "broken": "import nothing_there"}
    words = [str(tmp_path / "net.prototxt"), *messages]
    done = run(REFUSED, *words, options=["--allow-python-layers"], **modules)
    said = done.stdout.splitlines()
    assert len(said) == 3, done
    assert all(message in line for message, line in zip(messages.values(), said)), said


@pytest.mark.slow
def test_an_error_of_the_layer_passes_through(run):
    done = run(
        NET,
        times=LAYER.replace("self.factor = float", "raise KeyError('mine'); float"),
        options=["--allow-python-layers"],
    )
    assert "KeyError: 'mine'" in done.stderr


GPU = (
    "import caffe\ncaffe.set_device(0)\ncaffe.set_mode_gpu()\ncaffe.set_mode_gpu()\nprint('ran')\n"
)


def test_a_program_that_asks_for_a_gpu_is_told_how_it_runs_here(run):
    refused = run(GPU)
    line = refused.stderr.splitlines()[-1]
    assert refused.returncode == 1 and "python -m caffe_compat --cpu" in line
    assert "--engine" not in line and "--gpu" not in line


def test_cpu_runs_it_on_the_cpu_and_says_so_once(run, tmp_path):
    child = "import subprocess, sys\nsubprocess.run([sys.executable, sys.argv[1]])\n"
    done = run(GPU + child, str(tmp_path / "child.py"), options=["--cpu"], child=GPU)
    assert done.returncode == 0 and done.stdout.count("ran") == 2, done.stderr
    assert done.stderr.count("runs on the CPU") == 1


@pytest.mark.slow
def test_an_engines_own_names_are_free_in_a_python_layer(run):
    own = LAYER.replace(
        "    def setup(self, bottom, top):\n",
        "    def setup(self, bottom, top):\n"
        "        self.name, self.tops, self.views, self.learns, self.program = 1, 2, 3, 4, 5\n"
        "        assert type(bottom).__name__ == 'RawBlobVec'\n",
    ).replace(
        "    def reshape(self",
        "    def remember(self): pass\n    def check_counts(self): pass\n    def reshape(self",
    )
    done = run(NET, times=own, options=["--allow-python-layers"])
    assert done.stdout == "imported\n11.0 2.5 (2,) Times\n", done.stderr


def test_the_modules_of_native_code_are_found(run):
    done = run(
        "import caffe._caffe, caffe.pycaffe\n"
        "from caffe._caffe import RawBlobVec, Layer as Base, log as LOG\n"
        "from caffe.pycaffe import *\n"
        "assert Base is caffe.Layer and Net is caffe.Net and SGDSolver and len(RawBlobVec()) == 0\n"
        "print(np.__name__, OrderedDict.__name__, caffe._caffe.Net is Net)\n"
    )
    assert done.stdout == "numpy OrderedDict True\n", done.stderr

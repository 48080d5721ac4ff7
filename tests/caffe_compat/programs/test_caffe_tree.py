"""Where programs look for Caffe on the disk."""

from pathlib import Path

import pytest

from tests.support.programs import ROOT, STAND_IN, Run

LOOKS = """
import os, sys, io, numpy as np
at = sys.argv[1]
net = at + 'models/bvlc_googlenet/deploy.prototxt'
print(os.path.isfile(net), os.path.exists(at + 'models/bvlc_googlenet'), len(open(net).read()) > 9)
print(io.open(net, 'rb').read(4), 'deploy.prototxt' in os.listdir(at + 'models/bvlc_googlenet'))
print(np.load(at + 'python/caffe/imagenet/ilsvrc_2012_mean.npy').shape, os.access(net, os.R_OK))
print(os.path.exists(at + 'models/nothing/deploy.prototxt'), os.path.exists('models'))
print(len(np.loadtxt(at + 'data/ilsvrc12/synset_words.txt', str, delimiter='\\t')))
"""


@pytest.mark.parametrize("at", ["../caffe/", "/nowhere/at/all/caffe/", "", "../"])
def test_a_path_that_leads_nowhere_is_answered(run: Run, at: str) -> None:
    done = run(LOOKS, at, options=STAND_IN)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines == ["True True True", "b'name' True", "(3, 256, 256) True", "False False", "44"]


def test_what_is_there_is_what_is_read(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "models" / "bvlc_googlenet"
    mine.mkdir(parents=True)
    (mine / "deploy.prototxt").write_text("mine")
    program = "print(open('models/bvlc_googlenet/deploy.prototxt').read())\n"
    assert run(program, options=STAND_IN).stdout == "mine\n"


def test_nothing_is_written_into_the_folder(run: Run, tmp_path: Path) -> None:
    program = (
        "try:\n    open('../caffe/models/bvlc_googlenet/deploy.prototxt', 'w')\n"
        "except OSError as e:\n    print(type(e).__name__)\n"
    )
    assert run(program, options=STAND_IN).stdout == "FileNotFoundError\n"


def test_a_models_own_weights_are_never_written(run: Run, tmp_path: Path) -> None:
    weights = "caffe/models/bvlc_googlenet/bvlc_googlenet.caffemodel"
    (tmp_path / "net.prototxt").write_text("input: 'x' input_shape { dim: 1 }")
    program = (
        "import caffe, os\n"
        f"before = os.path.getsize({weights!r})\n"
        f"for write in (lambda: open({weights!r}, 'wb'), lambda: caffe.Net('net.prototxt', 1).save("
        f"{weights!r})):\n"
        "    try:\n        write()\n"
        "    except OSError as e:\n        print(type(e).__name__, 'another file' in str(e))\n"
        f"print(os.path.getsize({weights!r}) == before)\n"
        "with open('caffe/models/bvlc_googlenet/deploy.prototxt', 'a') as f: f.write('#')\n"
    )
    deploy = ROOT / "prototxt" / "motif_googlenet" / "deploy.prototxt"
    before = deploy.read_bytes()
    done = run(program, options=[*STAND_IN, "--caffe-root", "caffe"])
    assert done.stdout == "PermissionError True\nPermissionError True\nTrue\n", done
    assert deploy.read_bytes() == before


def test_caffe_root_is_laid_out_and_in_the_environment(run: Run, tmp_path: Path) -> None:
    program = "import os\nprint(os.environ['CAFFE_ROOT'], os.listdir('caffe'))\n"
    done = run(program, options=["--caffe-root", "caffe"])
    folder, listed = done.stdout.split(" ", 1)
    assert folder == str(tmp_path / "caffe") and "models" in listed, done.stderr
    assert (tmp_path / "caffe" / "models" / "motif_googlenet" / "deploy.prototxt").exists()


def test_without_either_option_nothing_is_answered(run: Run) -> None:
    done = run("import os\nprint(os.path.exists('models/bvlc_googlenet/deploy.prototxt'))\n")
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "bvlc_googlenet"], "is not NAME=OTHER"),
        (["--model", "bvlc_googlenet=nothing"], 'no model "nothing"'),
        (["--caffe-root", "main.py"], "is a file"),
        (["--shell"], "--shell is for notebooks"),
        (["--fresh-diffs"], "--fresh-diffs is for notebooks"),
        (["--out", "x"], "--out is for notebooks"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "x"], "x is not a whole number from 0 to 4294967295"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(run: Run, options: list, message: str) -> None:
    done = run("print('ran')\n", options=options)
    assert done.returncode == 2 and message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr and not done.stdout


def test_a_seed_for_programs(run: Run) -> None:
    program = "import random, numpy\nprint(random.random(), numpy.random.rand())\n"
    first, second = (run(program, options=["--seed", "5"]).stdout for _ in range(2))
    assert first == second != run(program).stdout


@pytest.mark.slow
def test_the_first_example_of_2015_runs_unmodified(run: Run, jpeg: Path) -> None:
    pytest.importorskip("fissix")
    pytest.importorskip("matplotlib")
    stand_in = ["--model", "bvlc_reference_caffenet=motif_googlenet"]
    done = run("classify.py", "photo.jpg", options=stand_in)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("the mean: [('B', 104.00")
    assert lines[1].startswith("it is n0000") and lines[2] == "5 3"
    assert lines[-1].endswith("3 True")
    assert {"filters.png", "histogram.png"} <= {p.name for p in jpeg.parent.iterdir()}

"""Measure how far loading a model raises a process's peak of memory: load_memory.py [NAME]

The deploy net is the bundled one, the weights are random, and the engine is loaded beforehand, so
that only the net itself counts.

    python scripts/bench/load_memory.py VGG_ILSVRC_16_layers
"""

import argparse
import dataclasses
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import deepdream  # noqa: E402
from deepdream import nets  # noqa: E402
from deepdream.settings import DEFAULT_MODEL  # noqa: E402

MAKE = "import sys, caffe_compat as c; c.Net(sys.argv[1], c.TEST).save(sys.argv[2])"


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("name", nargs="?", default="VGG_ILSVRC_16_layers", help="a name under models/")
    model = nets.find(p.parse_args().name)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.caffemodel"
        # in another process, whose memory does not count here
        command = [sys.executable, "-c", MAKE, str(model.deploy), str(weights)]
        subprocess.run(command, cwd=ROOT, check=True)
        size = weights.stat().st_size / 2**20
        deepdream.load_net(DEFAULT_MODEL, "compat")
        before = peak()
        deepdream.load_net(dataclasses.replace(model, weights=weights), "compat")
        rise = peak() - before
        print(f"{model.name}: file {size:.0f} MiB, peak {before:.0f} + {rise:.0f} MiB, "
              f"{rise / size:.2f} times the file")  # fmt: skip


if __name__ == "__main__":
    main()

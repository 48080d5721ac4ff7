"""Time the engines that are installed: steps, what users do, any size, cores, and the start.

Real Caffe (.caffe/, from `make caffe`) and PyTorch (eager, on the CPU) are measured beside the
built-in engine where they are installed. Each engine runs in a process of its own, and they take
turns. What is printed are tables in Markdown, as docs/engine.md and docs/performance.md have them.
"""

import argparse
import math
import sys
from pathlib import Path
from typing import Callable, List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.bench import cores, curve, on_gpu, start, steps, users  # noqa: E402
from scripts.bench.sides import ENGINES, PLAIN, machine  # noqa: E402

SIZES = ["224x224", "1024x575", "2048x1150"]
PARTS = {
    "steps": steps.show,
    "users": users.show,
    "curve": curve.show,
    "cores": cores.show,
    "start": start.show,
    "gpu": on_gpu.show,
}


def positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    """A reader of an option's number, which is above 0."""

    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
        return value

    return number


def parse(argv: Optional[List[str]]) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--part",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        help="only these (default: all of them, which takes over an hour)",
    )
    p.add_argument("--quick", action="store_true", help="little work, to see whether the parts run")
    p.add_argument(
        "--size",
        nargs="+",
        default=SIZES,
        metavar="WxH",
        help="of steps, and of cores; rising",
    )
    p.add_argument(
        "--repeats",
        type=positive(int),
        default=7,
        help="steps of each engine at each size, and starts, in turn (default %(default)s)",
    )
    p.add_argument(
        "--user-repeats",
        type=positive(int),
        default=3,
        help="turns of the longer parts, users and curve (default %(default)s)",
    )
    p.add_argument(
        "--engine",
        nargs="+",
        choices=[*ENGINES, PLAIN],
        help="only these (default: all that are "
        "installed); of steps also plain, the built-in engine with nets that hold everything",
    )
    p.add_argument(
        "--layers",
        nargs="?",
        const="1024x575",
        metavar="WxH",
        help="also the time of steps by layer kind, at this size (1024x575)",
    )
    p.add_argument(
        "--megapixels",
        nargs="+",
        type=positive(float),
        default=curve.MEGAPIXELS,
        metavar="X",
        help="of the pictures of the curve, from small to large",
    )
    p.add_argument("--plot", metavar="FILE.svg", help="draw the curve (needs matplotlib)")
    p.add_argument(
        "--threads",
        nargs="+",
        type=positive(int),
        metavar="N",
        help="of cores (default: 1, 2, 4 and so on, up to the cores that there are)",
    )
    p.add_argument("--plot-cores", metavar="FILE.svg", help="draw that (needs matplotlib)")
    p.add_argument(
        "--caffe-python",
        default=str(ROOT / ".caffe" / "bin" / "python"),
        metavar="PATH",
        help="a Python that has Caffe",
    )
    p.add_argument(
        "--torch-python",
        default=sys.executable,
        metavar="PATH",
        help="a Python that has PyTorch (and protobuf)",
    )
    return p.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse(argv)
    if args.quick:
        args.size, args.repeats, args.user_repeats = args.size[:1], 1, 1
    print(f"{machine()}")
    for part in args.part:
        PARTS[part](args)


if __name__ == "__main__":
    main()

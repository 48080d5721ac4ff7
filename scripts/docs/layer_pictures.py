"""Make the small pictures of layers from which the page of `deepdream serve` lets one choose.

Those of the default net, which come with the page. Name some layers to make only theirs.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.nets import find  # noqa: E402
from deepdream.nets.engine import load  # noqa: E402
from deepdream.nets.opening import read  # noqa: E402
from deepdream.settings import DEFAULT_MODEL  # noqa: E402
from deepdream.web import drawn  # noqa: E402


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("layer", nargs="*", help="layers to make again (default: all)")
    args = p.parse_args(argv)
    model = find(DEFAULT_MODEL)
    names = drawn.names(read(model, load("compat")))
    folder = drawn.SHIPPED / model.name
    folder.mkdir(parents=True, exist_ok=True)
    for layer in args.layer or names:
        content, _ = drawn.drawn(model, layer, {"engine": "compat"})
        (folder / names[layer]).write_bytes(content)
        print(folder / names[layer])
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Print the path of a photograph that scikit-learn ships: china.jpg or flower.jpg (CC BY, see its images/README.txt)."""

import sys
from importlib.util import find_spec
from pathlib import Path


def path(name):
    spec = find_spec("sklearn")
    if spec is None:
        sys.exit(
            "scikit-learn ships the sample photographs; install it with: pip install -e '.[demo]', or give IMAGE="
        )
    return Path(spec.origin).parent / "datasets" / "images" / name


if __name__ == "__main__":
    print(path(sys.argv[1]))

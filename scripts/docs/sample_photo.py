"""Print the path of a photograph that scikit-learn ships (CC BY, see its images/README.txt)."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

NAMES = ("china.jpg", "flower.jpg")


def path(name: str) -> Path:
    """Where the photograph is; exits, and says what to install, where scikit-learn is missing."""
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        print(
            "the sample photographs come with scikit-learn; "
            "install it with: pip install -e '.[demo]', or give a photograph of your own",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return Path(spec.origin).parent / "datasets" / "images" / name


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("name", choices=NAMES, help="which photograph: the pagoda, or the flower")
    print(path(p.parse_args().name))


if __name__ == "__main__":
    main()

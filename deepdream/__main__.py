"""python -m deepdream, and the command `deepdream`."""

import sys

from netfile.starting import loaded


def main() -> int:
    """Run the command line; returns its exit code."""
    return int(loaded("deepdream.cli").main())


if __name__ == "__main__":
    sys.exit(main())

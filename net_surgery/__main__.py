"""python -m net_surgery, and the command `net-surgery`."""

import sys

from netfile.starting import loaded


def main() -> int:
    """Run the command line; returns its exit code."""
    return int(loaded("net_surgery.cli").main())


if __name__ == "__main__":
    sys.exit(main())

"""`python -m caffe_compat PROGRAM`: run a pycaffe program or notebook unchanged."""

import sys

from .programs.command import main

if __name__ == "__main__":
    sys.exit(main())

"""What `python -m caffe_compat NOTEBOOK.ipynb` starts in its own place."""

import sys

from .running import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

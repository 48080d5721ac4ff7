"""python -m net_surgery"""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

"""Get a model's weights, as `deepdream models get` does: download_model.py NAME|FOLDER [--from URL] [--trust]"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from deepdream.cli import main

if __name__ == "__main__":
    sys.exit(main(["models", "get", *sys.argv[1:]]))

"""Get a model's weights, as `deepdream models get` does: download_model_binary.py models/NAME [--from URL] [--trust]"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.cli.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(["models", "get", *sys.argv[1:]]))

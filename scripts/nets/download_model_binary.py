"""Get a model's weights, as `deepdream models get` does, under the name of Caffe's own script.

Takes a model's name or, as Caffe's script does, its folder models/NAME, from any working directory:
download_model_binary.py models/bvlc_googlenet [--from URL] [--trust]
"""

import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream import cli  # noqa: E402


def bundled(word: str) -> str:
    """The name of one of the project's models that is given as models/NAME; other words as is."""
    path = Path(word)
    is_ours = path.parent.name == "models" and (ROOT / "models" / path.name).is_dir()
    return path.name if is_ours and not path.is_dir() else word


def main(argv: Optional[List[str]] = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    return cli.main(["models", "get", *map(bundled, words)])


if __name__ == "__main__":
    sys.exit(main())

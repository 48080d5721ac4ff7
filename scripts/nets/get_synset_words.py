"""Get the names of ImageNet's classes, synset_words.txt, from Caffe's auxiliary archive.

`deepdream models get synset_words.txt` does the same. No hash was published for it: --trust takes
it as it comes and records its hash, and from then on it is checked.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.cli.advice import advised  # noqa: E402
from deepdream.errors import DreamError  # noqa: E402
from deepdream.nets import download  # noqa: E402


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--from",
        dest="source",
        metavar="URL",
        help="a URL or a path, of the archive or of the file itself",
    )
    p.add_argument(
        "--trust", action="store_true", help="take it though no hash is known, and record its hash"
    )
    p.add_argument(
        "--to",
        type=Path,
        default=ROOT / "models" / "synset_words.txt",
        help="where to write it (default: models/synset_words.txt)",
    )
    args = p.parse_args(argv)
    wanted = download.wanted_class_names(args.to)
    try:
        origin = download.get(wanted, args.trust, args.source)
    except DreamError as e:
        print(f"get_synset_words: {advised(e)}", file=sys.stderr)
        return 2
    print(f"wrote {args.to} from {origin}" if origin else f"{args.to} is there already, verified")
    return 0


if __name__ == "__main__":
    sys.exit(main())

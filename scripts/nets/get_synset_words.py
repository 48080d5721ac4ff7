"""Get the names of ImageNet's classes, synset_words.txt, out of Caffe's auxiliary archive, into models/.

No hash was published for it: --trust takes it as it comes, and records the hash that it has; after that it is checked.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deepdream.errors import DreamError  # noqa: E402
from deepdream.nets import download  # noqa: E402

URL = "http://dl.caffe.berkeleyvision.org/caffe_ilsvrc12.tar.gz"


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--from",
        dest="source",
        metavar="URL",
        help="a URL or path of the archive, or of the file itself",
    )
    p.add_argument(
        "--trust", action="store_true", help="take it though its hash is not known, and record that"
    )
    p.add_argument(
        "--to",
        type=Path,
        default=ROOT / "models" / "synset_words.txt",
        help="where to write it (default: models/synset_words.txt)",
    )
    args = p.parse_args(argv)
    try:
        came_from = download.get(
            download.Wanted(args.to, [URL], download.recorded_sha1(args.to), None),
            args.trust,
            args.source,
        )
    except DreamError as e:
        print(f"get_synset_words: {e}", file=sys.stderr)
        return 2
    print(
        f"wrote {args.to} from {came_from}"
        if came_from
        else f"{args.to} is there already, and right"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

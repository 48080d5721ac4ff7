"""`deepdream models`: the list of models, downloads of their weights, and imports from other
formats."""

import argparse
import os
import sys
from typing import Any

from net_surgery import imports
from netfile.errors import WriteError, printable
from netfile.terminal import say

from ... import nets
from ...errors import ModelError, OutputError
from ...nets import download, engine
from ...nets.labels import SYNSET_WORDS
from .. import options
from ..results import check_new_files
from ..table import print_table


def add_parser(verbs: Any) -> None:
    p = verbs.add_parser("models", help="list the models, get their weights, or import them")
    what = p.add_subparsers(dest="what", metavar="list|get|import", required=True)
    q = what.add_parser(
        "list", help="every model: size, licence, whether its weights are installed and verified"
    )
    q.set_defaults(run=list_models)
    q = what.add_parser(
        "get",
        help="get a model's weights from its mirrors, or ImageNet's class names, verified; "
        "interrupted downloads resume",
    )
    q.add_argument(
        "name",
        type=options.filled,
        metavar="NAME",
        help=f"a model's name or its folder, or {SYNSET_WORDS}",
    )
    q.add_argument(
        "--from",
        dest="source",
        type=options.filled,
        metavar="URL",
        help="get it from this URL or path instead",
    )
    q.add_argument(
        "--trust",
        action="store_true",
        help="take a file whose hash is not known, and record the hash that it has",
    )
    options.add_overwrite(q)
    q.set_defaults(run=get)
    _add_import(what)


def _add_import(what: Any) -> None:
    q = what.add_parser(
        "import",
        help=f"make a model's folder of weights in another format: {imports.KINDS}",
    )
    q.add_argument("file", type=options.filled, metavar="FILE", help="the weights; none of it runs")
    names = imports.models()
    q.add_argument(
        "--as",
        dest="name",
        required=True,
        choices=names,
        metavar="NAME",
        help=f"the net whose weights they are: {', '.join(names)}",
    )
    options.add_out(q, "FOLDER", "the model's folder, for --model")
    q.set_defaults(run=import_weights)


def list_models(args: argparse.Namespace) -> None:
    rows = [("model", "size", "licence", "weights")]
    for name in nets.known():
        try:
            model = nets.find(name)
        except ModelError as e:
            rows.append((name, "", "", f"its readme is broken: {e}"))
            continue
        want = download.wanted(model)
        size = want.size or (want.path.stat().st_size if want.path.is_file() else None)
        size_text = f"{size / 1e6:.0f} MB" if size else "not known"
        rows.append((name, size_text, str(model.facts.get("license", "not known")), _state(want)))
    print_table(rows)


def _state(want: download.Wanted) -> str:
    if not want.path.is_file():
        if download.unfinished(want):
            return "not installed, download unfinished: get it again"
        return "not installed" if want.sha1 else "not installed; no published hash (--trust)"
    if want.sha1 is None:
        return "installed, no hash to verify it by"
    if download.is_right(want):
        return "installed, verified"
    return "installed, but not the published file: get it again"


def get(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    if args.name == SYNSET_WORDS:
        want = download.wanted_class_names()
    else:  # a gist's readme names no mean colour, and a download needs none
        want = download.wanted(nets.find(args.name, mean="0,0,0"))
    if os.path.lexists(str(want.path)) and not args.overwrite and not download.is_right(want):
        raise OutputError(
            f"{want.path}: exists already, and is not known to be the published file", exists=True
        )
    name = printable(want.path.name)
    with tqdm(unit="B", unit_scale=True, desc=name, disable=None, leave=False) as bar:

        def report(done: int, total: Any) -> None:
            bar.total = total
            bar.update(done - bar.n)

        def note(text: str) -> None:
            bar.write(f"note: {printable(text)}", file=sys.stderr)

        source = download.get(want, args.trust, args.source, report, note)
    if source:
        say(f"wrote {want.path}, {want.path.stat().st_size} bytes from {source}")
    else:
        say(f"{want.path} is installed already, and verified")


def import_weights(args: argparse.Namespace) -> None:
    names = imports.file_names(args.name)
    check_new_files(args.out, names, args.overwrite, [args.file])
    imported = imports.convert(args.file, args.name, engine.load("auto"))
    if imported.left_over:
        left = printable(imports.some(imported.left_over))
        print(f"note: not used of {printable(args.file)}: {left}", file=sys.stderr)
    try:
        folder = imported.save(args.out, args.overwrite)
    except WriteError as e:
        raise OutputError(str(e), exists=e.exists) from None
    say(f"wrote {folder}: {', '.join(imported.file_names())}, from {imported.table.source}")

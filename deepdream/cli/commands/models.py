"""`deepdream models`: the list of models, downloads of their weights, and imports from other
formats."""

import argparse
import os
from pathlib import Path
from typing import Any

from net_surgery import imports
from netfile.errors import WriteError, printable
from netfile.terminal import print_table, say

from ... import nets
from ...errors import ModelError, OutputError
from ...nets import download, engine
from ...nets.labels import SYNSET_WORDS
from ...nets.mean import mean_pixel
from ...request import schema
from .. import events, options
from ..progress import Meter
from ..results import check_new_files

EXAMPLES = (
    "deepdream models list",
    "deepdream models get bvlc_googlenet",
    "deepdream models get synset_words.txt",
    "deepdream models import vgg16.pth --as torchvision_vgg16 -o vgg16/",
    "deepdream models import mynet.onnx --as mynet --mean 104,117,123 -o mynet/",
)
_GET = (
    "deepdream models get bvlc_googlenet",
    "deepdream models get bvlc_googlenet --from downloads/bvlc_googlenet.caffemodel",
)


def add_parser(verbs: Any) -> None:
    about = "list the models, get their weights, or import them"
    p = options.add_command(verbs, "models", about, EXAMPLES)
    what = p.add_subparsers(dest="what", metavar="list|get|import", required=True)
    about = "every model: size, licence, whether its weights are installed and verified"
    q = options.add_command(what, "list", about, EXAMPLES[:1])
    q.set_defaults(run=list_models)
    about = (
        "get a model's weights from its mirrors, or ImageNet's class names, verified; interrupted "
        "downloads resume"
    )
    q = options.add_command(what, "get", about, _GET)
    q.add_argument(
        "name",
        type=options.filled,
        metavar="MODEL",
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
    options.add_overwrite(q.group(options.OUTPUT))
    options.add_said(q)
    q.set_defaults(run=get)
    _add_import(what)


def _add_import(what: Any) -> None:
    about = f"make a model's folder of weights in another format: {imports.KINDS}"
    q = options.add_command(what, "import", about, EXAMPLES[3:])
    q.add_argument("file", type=options.filled, metavar="FILE", help="the weights; none of it runs")
    names = imports.models()
    q.add_argument(
        "--as",
        dest="name",
        required=True,
        type=options.filled,
        metavar="NAME",
        help="the net whose weights they are, or a new name for what an ONNX graph becomes; known "
        f"are {', '.join(names)}",
    )
    group = q.group(options.GRAPH)
    group.add_argument(
        "--size",
        type=options.picture_size,
        metavar="W[xH]",
        help="of its pictures, where it leaves that open",
    )
    group.add_argument(
        "--mean",
        type=options.filled,
        metavar="B,G,R|FILE",
        help="its mean colour in its channel order; without it, the readme says that it is unknown",
    )
    group.add_argument("--channel-order", choices=("bgr", "rgb"), help="of its input")
    group.add_argument(
        "--input-scale",
        type=options.recorded(schema.INPUT_SCALE),
        metavar="X",
        help="what its input is multiplied by, after the mean was subtracted",
    )
    options.add_out(q, "FOLDER", "the model's folder, for --model")
    options.add_said(q)
    q.set_defaults(run=import_weights)


def list_models(args: argparse.Namespace) -> None:
    rows = []
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
    print_table(rows, ("model", "size", "licence", "weights"), right=[1])


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
    if args.name == SYNSET_WORDS:
        want = download.wanted_class_names()
    else:  # a gist's readme names no mean colour, and a download needs none
        want = download.wanted(nets.find(args.name, mean="0,0,0"))
    if os.path.lexists(str(want.path)) and not args.overwrite and not download.is_right(want):
        raise OutputError(
            f"{want.path}: exists already, and is not known to be the published file", exists=True
        )
    name = printable(want.path.name)
    events.emit("start", name=args.name)
    with Meter(None, name, unit="B") as meter:

        def report(done: int, total: Any) -> None:
            meter.total = total
            meter.at(done, name)

        source = download.get(want, args.trust, args.source, report, meter.warn)
    if source:
        size = want.path.stat().st_size
        events.wrote(
            want.path,
            f"wrote {want.path}, {size} bytes from {source}",
            bytes=size,
            source=source,
        )
    else:
        say(f"{want.path} is installed already, and verified")


def import_weights(args: argparse.Namespace) -> None:
    names = imports.file_names(args.name)
    mean = None if args.mean is None else mean_pixel(args.mean, Path())[0]
    taken = imports.Input(mean, args.channel_order, args.input_scale)
    check_new_files(args.out, names, args.overwrite, [args.file])
    imported = imports.convert(
        args.file,
        args.name,
        engine.load("auto"),
        args.size,
        None if taken == imports.Input() else taken,
    )
    if imported.left_over:
        left = printable(imports.some(imported.left_over))
        events.warn(f"not used of {printable(args.file)}: {left}")
    if isinstance(imported, imports.Graph):
        for note in imported.notes:
            events.warn(note)
        if mean is None:
            events.warn(
                "its mean colour is not known; a dream needs --mean, or put it into readme.md"
            )
    try:
        folder = imported.save(args.out, args.overwrite)
    except WriteError as e:
        raise OutputError(str(e), exists=e.exists) from None
    files = ", ".join(imported.file_names())
    events.wrote(folder, f"wrote {folder}: {files}, from {imported.format}")

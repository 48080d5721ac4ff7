"""`deepdream match`: parsing of enhancements and priors, the progress line, the picture and the plot."""

import json
import re
from pathlib import Path

from ...dream import matching, priors
from ...errors import NotFiniteError, TargetError
from ...pictures.output import check_file, whole
from ...studies.page import check_matplotlib, plot
from .dream import keep_last_good

_FORMS = "quantile:0.9:2 (above a quantile, times), multiply:1.5 or channel:61:3 (channel, times)"


def enhancement(text):
    """The function that an --enhance text stands for. Raises TargetError with the forms that there are."""
    kind, *numbers = text.replace("x", "").replace("\u00d7", "").split(":")
    try:
        values = [float(n) for n in numbers]
    except ValueError:
        values = []
    if kind == "quantile" and len(values) == 2:
        return matching.quantile(*values)
    if kind == "multiply" and len(values) == 1:
        return matching.multiply(values[0])
    if kind == "channel" and len(values) == 2 and values[0] == int(values[0]):
        return matching.channels(values[1], int(values[0]))
    raise TargetError(f"--enhance {text}: unknown; write {_FORMS}")


def prior_named(text):
    """The Prior that a --prior text stands for: tv, tv:BETA, alpha:ALPHA, l2, none, or several with a +."""
    if text == "none":
        return None
    total = None
    for part in text.split("+"):
        found = re.fullmatch(r"(tv|alpha|l2)(?::([0-9.]+))?", part.strip())
        if not found or (found[1] == "l2" and found[2]):
            raise TargetError(
                f"--prior {text}: unknown; write tv, tv:1, alpha:6, l2, none, or a sum of them such as tv+alpha:6"
            )
        number = [float(found[2])] if found[2] else []
        if number and not 1 <= number[0] <= 20:
            raise TargetError(
                f"--prior {text}: the power must lie between 1 and 20, not at {number[0]:g}"
            )
        made = {"tv": priors.tv, "alpha": priors.alpha_norm, "l2": priors.l2_norm}[found[1]](
            *number
        )
        total = made if total is None else total + made
    return total


def match(args):
    from ... import pictures
    from ...dream.octaves import octave_sizes
    from ...nets import engine, model, preflight

    check_file(args.out, pictures.FORMATS)
    if args.plot:
        check_file(args.plot, [".svg"])
        check_matplotlib("--plot's curves")
    enhance = enhancement(args.enhance) if args.enhance else None
    prior = prior_named(args.prior)
    pixels = pictures.load(args.image)
    other = pictures.load(args.to) if args.to else None
    found = model.find(args.model, args.mean, args.channel_order)
    end = args.end or found.end
    caffe = engine.load(args.engine)
    description = model.description(found, caffe)
    preflight.check_end(description, end)
    preflight.check_octaves(
        description,
        end,
        octave_sizes(pixels.shape[0], pixels.shape[1], args.octaves, args.octave_scale),
    )
    if other is not None and other.shape != pixels.shape:
        other = _like(other, pixels.shape)
        print(
            f"note: {args.to} is resized to {pixels.shape[1]}x{pixels.shape[0]}, the picture's size"
        )
    if args.gpu is not None:
        engine.use_gpu(caffe, args.gpu)
    net = model.build(found, description, caffe)
    print(
        f"{found.name} on {caffe.__name__}: {pixels.shape[1]}x{pixels.shape[0]}, end {end}",
        flush=True,
    )
    try:
        result = _run(net, pixels, end, enhance, other, prior, args)
    except NotFiniteError as e:
        keep_last_good(args.out, e)
        raise
    pictures.save(
        args.out,
        result.picture,
        json.dumps(
            {
                "deepdream match": {
                    **_told(args),
                    "end": end,
                    "weights_sha1": model.file_sha1(found.weights),
                }
            }
        ),
    )
    first, last = ([e for e in result.history if e.octave == args.octaves][i] for i in (0, -1))
    print(f"f {first.f:.4g} -> {min(e.f for e in result.history if e.octave == args.octaves):.4g} in the last octave "
          f"(data {last.data:.4g}, prior {last.prior:.4g} at the last of {len(result.history)} evaluations)")  # fmt: skip
    if args.plot:
        _draw(args.plot, result.history)
    print(f"wrote {args.out}" + (f" and {args.plot}" if args.plot else ""))


def _run(net, pixels, end, enhance, other, prior, args):
    from tqdm import tqdm

    with tqdm(
        total=args.evaluations * args.octaves,
        bar_format="{desc} |{bar}| {percentage:3.0f}% {elapsed}<{remaining}",
    ) as bar:

        def report(e):
            bar.set_description_str(
                f"octave {e.octave}/{e.octaves} f {e.f:.4g} = data {e.data:.4g} + prior {e.prior:.4g}",
                refresh=False,
            )
            bar.update(1)

        return matching.match(
            net, pixels, end, enhance, other, prior, args.weight, args.evaluations, args.octaves, args.octave_scale, report=report,
        )  # fmt: skip


def _told(args):
    names = ("enhance", "prior", "weight", "evaluations", "octaves", "octave_scale", "model")
    return {name: getattr(args, name) for name in names}


def _like(picture, shape):
    import numpy as np
    from PIL import Image

    from ...pictures import to_bytes

    bicubic = 3  # Pillow's number, whose name has moved between its releases
    return np.asarray(
        Image.fromarray(to_bytes(picture)).resize((shape[1], shape[0]), bicubic), np.float32
    )


def _draw(path, history):
    breaks = [i + 1 for i, e in enumerate(history) if i and e.octave != history[i - 1].octave]
    curves = {"f": [e.f for e in history], "data term": [e.data for e in history]}
    if any(e.prior for e in history):
        curves["prior, weighted"] = [e.prior for e in history]
    with whole(Path(path)) as partial:
        partial.write_bytes(plot(curves, "f", breaks=breaks, xlabel="evaluation"))

"""The command line: parsing, printing, progress."""

import argparse
import math
import os
import sys
from dataclasses import fields

from .errors import DreamError
from .settings import DEFAULT_ENGINE, DEFAULT_MODEL, DREAM, ZOOM, Dream, Zoom
from .version import __version__


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line on stderr, exit code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _number(kind, lowest, inclusive=True, highest=math.inf):
    words = {int: "a whole number", float: "a number"}[kind] + (f" of at least {lowest}" if inclusive else f" over {lowest}")
    if highest != math.inf:
        words += f" and at most {highest}"

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {words}, not {text!r}") from None
        if not (lowest <= value if inclusive else lowest < value) or not value <= highest or value == math.inf:
            raise argparse.ArgumentTypeError(f"must be {words}, not {text}")
        return value

    return parse


def _add_engine(p, default=DEFAULT_ENGINE):
    p.add_argument("--engine", choices=("auto", "caffe", "compat"), default=default,
                   help="real Caffe, the built-in engine, or real Caffe if there is one (default %(default)s)")  # fmt: skip
    p.add_argument("--gpu", type=_number(int, 0), metavar="N", help="compute on this GPU; needs a real Caffe built for it")


def _add_model(p):
    p.add_argument("--model", default=DEFAULT_MODEL, metavar="M", help="a name under models/, or a model's folder (default %(default)s)")


def _add_dream(p):
    p.add_argument("image", metavar="IMAGE", help="the picture to dream on")
    _add_model(p)
    p.add_argument("--end", default="", metavar="LAYER", help="the layer whose activations grow (default: the model's own; see `layers`)")
    p.add_argument("--iterations", type=_number(int, 0), default=DREAM.iterations, metavar="N", help="steps per octave (default %(default)s)")
    p.add_argument("--octaves", type=_number(int, 1, highest=64), default=DREAM.octaves, metavar="N", help="number of sizes (default %(default)s)")
    p.add_argument("--octave-scale", type=_number(float, 1, inclusive=False), default=DREAM.octave_scale, metavar="X",
                   help="ratio of one size to the next smaller (default %(default)s)")  # fmt: skip
    p.add_argument("--step-size", type=_number(float, 0, inclusive=False), default=DREAM.step_size, metavar="X",
                   help="mean change of a pixel per step, in grey levels (default %(default)s)")  # fmt: skip
    p.add_argument("--jitter", type=_number(int, 0), default=DREAM.jitter, metavar="N", help="largest random shift, in pixels (default %(default)s)")
    p.add_argument("--no-clip", dest="clip", action="store_false", help="let values leave 0-255 while dreaming")
    p.add_argument(
        "--seed", type=_number(int, 0, highest=2**32 - 1), metavar="N", help="of the jitter (default: a new one, which the picture records)"
    )
    p.add_argument("--guide", metavar="IMAGE", help="make the picture more like this one, in the layer's eyes")
    _add_engine(p)


def parser():
    top = Parser(prog="deepdream", description="The 2015 DeepDream, on Caffe or without it.")
    top.add_argument("--version", action="version", version=f"deepdream {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    p = commands.add_parser("dream", help="dream on a picture")
    _add_dream(p)
    p.add_argument("-o", "--out", required=True, metavar="OUT", help="the picture to write, .png or .jpg; it carries its recipe")
    p.set_defaults(run=dream)

    p = commands.add_parser("zoom", help="dream, enlarge, dream again: one picture per frame")
    _add_dream(p)
    p.add_argument("-o", "--out", required=True, metavar="FOLDER", help="where to write 0000.jpg, 0001.jpg, ...; made if it is not there")
    p.add_argument("--frames", type=_number(int, 1), default=ZOOM.frames, metavar="N", help="number of pictures (default %(default)s)")
    p.add_argument("--scale", type=_number(float, 0, highest=0.9), default=ZOOM.scale, metavar="X",
                   help="share of its size that each frame loses at the borders (default %(default)s)")  # fmt: skip
    p.set_defaults(run=zoom)

    p = commands.add_parser("layers", help="list a net's layers, and which can be dreamt of")
    _add_model(p)
    _add_engine(p)
    p.set_defaults(run=layers)

    p = commands.add_parser("replay", help="make a picture again from the recipe in it")
    p.add_argument("picture", metavar="OUT.png", help="a picture that deepdream wrote")
    p.add_argument("-o", "--out", metavar="OUT", help="the picture to write (default: beside it, with -replay in its name)")
    p.add_argument("--image", metavar="IMAGE", help="where the source picture is now, if it has moved")
    p.add_argument("--guide", metavar="IMAGE", help="where the guide is now, if it has moved")
    _add_engine(p, default=None)
    p.set_defaults(run=replay)
    return top


def _settings(args):
    return Dream(**{f.name: getattr(args, f.name) for f in fields(Dream)})


def _request(args):
    return dict(model=args.model, engine=args.engine, gpu=args.gpu, guide_path=args.guide, seed=args.seed)


class _Bar:
    """A progress bar over all steps of all frames, weighted by each octave's size, so that the time left is right."""

    def __init__(self, job, frames):
        from tqdm import tqdm

        from .octaves import octave_sizes

        height, width = job.pixels.shape[:2]
        sizes = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)
        total = sum(h * w for h, w in sizes) * job.dream.iterations * frames
        self.frames, self.frame = frames, 0
        self.bar = tqdm(total=total / 1e6, unit="Mpx", bar_format="{desc} |{bar}| {percentage:3.0f}% {elapsed}<{remaining}")

    def __call__(self, p):
        frame = f"frame {self.frame + 1}/{self.frames} " if self.frames > 1 else ""
        self.bar.set_description_str(f"{frame}octave {p.octave}/{p.octaves} ({p.size[1]}x{p.size[0]}) step {p.step}/{p.steps}", refresh=False)
        self.bar.update(p.size[0] * p.size[1] / 1e6)


def _pictures(request, frames=1):
    """Yield (number, picture) of a job's pictures, with a progress bar on stderr."""
    from . import job

    bar = _Bar(request, frames)
    with bar.bar:
        for number, picture in enumerate(job.pictures(request, bar)):
            yield number, picture
            bar.frame = number + 1


def _announce(job):
    from . import engine

    about = engine.describe(job.caffe)
    h, w = job.pixels.shape[:2]
    print(f"{job.model.name} on {about['name']} {about['version']}: {w}x{h}, end {job.dream.end}, seed {job.seed}", flush=True)


def dream(args):
    from . import image, job

    image.check_writable(args.out)
    request = job.prepare(args.image, _settings(args), **_request(args))
    _announce(request)
    ((_, picture),) = _pictures(request)
    image.save(args.out, picture, job.recipe(request, args.out))
    print(f"wrote {args.out}")


def zoom(args):
    from . import image, job

    made = not os.path.exists(args.out)
    image.check_folder(os.path.dirname(os.path.abspath(args.out)) if made else args.out)
    request = job.prepare(args.image, _settings(args), zoom=Zoom(args.frames, args.scale), **_request(args))
    if made:
        os.mkdir(args.out)
    _announce(request)
    for number, picture in _pictures(request, args.frames):
        path = os.path.join(args.out, f"{number:04d}.jpg")
        image.save(path, picture, job.recipe(request, path, number))
    print(f"wrote {args.frames} frames into {args.out}")


def layers(args):
    from . import engine, model
    from .shapes import declared_size, layers_of, shapes, targets

    caffe = engine.load(args.engine)
    found = model.find(args.model)
    net = model.description(found, caffe)
    _, height, width = declared_size(net)
    sizes = shapes(net, height, width)
    valid = set(targets(net))
    rows = []
    for name, kind, _, tops, _ in layers_of(net):
        shape = " x ".join(map(str, sizes[tops[0]])) if tops and tops[0] in sizes else "?"
        end = "yes" if name in valid else f"no: in place on {tops[0]}" if tops and tops[0] != name else "no"
        rows.append((name + (" (default)" if name == found.end else ""), kind, shape, end))
    widths = [max(len(row[i]) for row in [*rows, ("layer", "type", "shape", "")]) for i in range(3)]
    print(f"{found.name}: {len(rows)} layers; shapes (channels x height x width) for a {width}x{height} picture")
    for row in [("layer", "type", "shape", "--end"), *rows]:
        print("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[3]]))


def replay(args):
    from pathlib import Path

    import numpy as np

    from . import image, job

    old = Path(args.picture)
    out = Path(args.out) if args.out else old.with_name(f"{old.stem}-replay{old.suffix}")
    image.check_writable(out)
    request, frame, differences = job.from_recipe(old, args.image, args.guide, args.engine, args.gpu)
    for line in differences:
        print(f"note: {line}")
    _announce(request)
    *_, (_, picture) = _pictures(request, frame + 1)
    before = image.load(old)
    image.save(out, picture, job.recipe(request, out, frame))
    difference = np.abs(before - image.load(out)).mean()
    print(f"wrote {out}: " + (f"differs from {old} by {difference:.3g} grey levels on average" if difference else "equal to the bit"))


def main(argv=None):
    """Run the command line; returns the exit code: 0, 2 for a request that cannot be met, 130 after Ctrl-C."""
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except DreamError as e:
        print(f"deepdream {args.command}: {' '.join(str(e).split())}", file=sys.stderr)
        return 2
    except MemoryError:
        print(f"deepdream {args.command}: not enough memory; use a smaller picture, or a layer nearer to the input", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # whoever read our output has stopped; say nothing more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"\ndeepdream {args.command}: stopped; nothing half-written is left", file=sys.stderr)
        return 130
    return 0

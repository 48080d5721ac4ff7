"""What the commands do: printing and progress around what the other modules compute."""

import os
from dataclasses import fields
from pathlib import Path

from ...errors import NotFiniteError
from ...nets.model import find
from ...pictures.output import check_file, check_folder
from ...settings import Dream, Zoom


def _settings(args):
    return Dream(**{f.name: getattr(args, f.name) for f in fields(Dream)})


def _request(args):
    return dict(
        model=find(args.model, args.mean, args.channel_order),
        engine=args.engine,
        gpu=args.gpu,
        guide_path=args.guide,
        mask_path=args.mask,
        seed=args.seed,
    )


class Bar:
    """A progress bar over all steps of the `parts` of a run, weighted by each octave's size, so that the time left is right."""

    def __init__(self, job, parts):
        from tqdm import tqdm

        from ...dream.octaves import octave_sizes

        height, width = job.pixels.shape[:2]
        sizes = octave_sizes(height, width, job.dream.octaves, job.dream.octave_scale)
        total = sum(h * w for h, w in sizes) * job.dream.iterations * len(parts)
        self.parts, self.steps_of_a_part, self.steps = (
            parts,
            job.dream.octaves * job.dream.iterations,
            0,
        )
        self.bar = tqdm(
            total=total, bar_format="{desc} |{bar}| {percentage:3.0f}% {elapsed}<{remaining}"
        )

    def __call__(self, p):
        part = self.parts[self.steps // self.steps_of_a_part]
        self.steps += 1
        self.bar.set_description_str(
            f"{part}octave {p.octave}/{p.octaves} ({p.size[1]}x{p.size[0]}) step {p.step}/{p.steps}",
            refresh=False,
        )
        self.bar.update(p.size[0] * p.size[1])

    def __enter__(self):
        self.bar.__enter__()
        return self

    def __exit__(self, *error):
        self.bar.__exit__(*error)


def _pictures(request, frames=1):
    """Yield (number, picture) of a job's pictures, with a progress bar on stderr."""
    from ...request import job

    with Bar(
        request, [f"frame {i + 1}/{frames} " for i in range(frames)] if frames > 1 else [""]
    ) as bar:
        yield from enumerate(job.pictures(request, bar))


def announce(job):
    from ...nets import engine

    about = engine.describe(job.caffe)
    h, w = job.pixels.shape[:2]
    print(
        f"{job.model.name} on {about['name']} {about['version']}: {w}x{h}, {job.dream.objective or 'end ' + job.dream.end}, seed {job.seed}",
        flush=True,
    )
    for note in job.model.notes:
        print(f"  {note}", flush=True)
    mask = job.target.mask
    if mask is not None and mask.shape != (h, w):
        print(
            f"  the mask is {mask.shape[1]}x{mask.shape[0]}; it is resized to the picture's {w}x{h}",
            flush=True,
        )
    if job.any_size:
        print(
            f"  its InnerProduct layers are run as Convolutions, to take pictures of any size; end {job.end}",
            flush=True,
        )


def dream(args):
    from ... import pictures
    from ...request import job

    check_file(args.out, pictures.FORMATS)
    request = job.prepare(args.image, _settings(args), **_request(args))
    announce(request)
    try:
        ((_, picture),) = _pictures(request)
    except NotFiniteError as e:
        keep_last_good(args.out, e)
        raise
    pictures.save(args.out, picture, job.recipe(request, args.out))
    print(f"wrote {args.out}")


def keep_last_good(out, error):
    """Write the picture that an error carries beside `out`, and say so in the error."""
    from ... import pictures

    if error.picture is not None:
        path = Path(out).with_name(f"{Path(out).stem}-last-good{Path(out).suffix}")
        pictures.save(path, error.picture)
        error.args = (f"{error}; the last good picture is {path}",)


def zoom(args):
    from ... import pictures
    from ...request import job

    made = not os.path.exists(args.out)
    check_folder(os.path.dirname(os.path.abspath(args.out)) if made else args.out)
    request = job.prepare(
        args.image, _settings(args), zoom=Zoom(args.frames, args.scale), **_request(args)
    )
    if made:
        os.mkdir(args.out)
    announce(request)
    for number, picture in _pictures(request, args.frames):
        path = os.path.join(args.out, f"{number:04d}.jpg")
        pictures.save(path, picture, job.recipe(request, path, number))
    print(f"wrote {args.frames} frames into {args.out}")


def layers(args):
    from netfile.shapes import infer

    from ...nets import engine, model
    from ...nets.preflight import targets

    caffe = engine.load(args.engine)
    found = model.find(args.model, args.mean, args.channel_order)
    net = model.description(found, caffe)
    _, height, width = model.declared_size(net)
    sizes = infer(net)
    valid = set(targets(net))
    rows = []
    for layer in net.layer:
        name, top = layer.name, layer.top[0] if layer.top else ""
        shape = " x ".join(map(str, sizes[top][1:])) if sizes.get(top) else "?"
        end = "yes" if name in valid else f"no: in place on {top}" if top and top != name else "no"
        rows.append((name + (" (default)" if name == found.end else ""), layer.type, shape, end))
    widths = [max(len(row[i]) for row in [*rows, ("layer", "type", "shape", "")]) for i in range(3)]
    print(
        f"{found.name}: {len(rows)} layers; shapes (channels x height x width) for a {width}x{height} picture"
    )
    for row in [("layer", "type", "shape", "--end"), *rows]:
        print("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[3]]))


def replay(args):
    import numpy as np

    from ... import pictures
    from ...request import job

    old = Path(args.picture)
    out = Path(args.out) if args.out else old.with_name(f"{old.stem}-replay{old.suffix}")
    check_file(out, pictures.FORMATS)
    request, frame, differences = job.from_recipe(
        old, args.image, args.guide, args.engine, args.gpu, args.mask
    )
    for line in differences:
        print(f"note: {line}")
    announce(request)
    *_, (_, picture) = _pictures(request, frame + 1)
    before = pictures.load(old)
    pictures.save(out, picture, job.recipe(request, out, frame))
    difference = np.abs(before - pictures.load(out)).mean()
    print(
        f"wrote {out}: "
        + (
            f"differs from {old} by {difference:.3g} grey levels on average"
            if difference
            else "equal to the bit"
        )
    )

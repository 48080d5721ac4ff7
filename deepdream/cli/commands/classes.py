"""`deepdream classes`: pictures of classes from noise, each with its probability before and after, and a contact sheet."""

import json
import os

import numpy as np

from ...errors import OutputError
from ...pictures.output import check_folder

CELL, LABEL = 192, 34


def classes(args):
    from tqdm import tqdm

    from ... import pictures
    from ...dream.class_pictures import METHODS, probabilities, visualise
    from ...nets import engine, model
    from ...request.target import score_layer

    made = not os.path.exists(args.out)
    check_folder(os.path.dirname(os.path.abspath(args.out)) if made else args.out)
    found = model.find(args.model, args.mean, args.channel_order)
    known = model.classes(found)
    wanted = [
        model.class_number(found, name)
        for name in (known if args.names == ["all"] and known else args.names)
    ]
    caffe = engine.load(args.engine)
    description = model.description(found, caffe)
    layer = score_layer(description)
    size = model.declared_size(description)[1:]
    if args.gpu is not None:
        engine.use_gpu(caffe, args.gpu)
    net = model.build(found, description, caffe)
    softmax = [x.top[0] for x in description.layer if x.type == "Softmax"][-1]
    seeds = range(args.seed, args.seed + args.seeds)
    if made:
        os.mkdir(args.out)
    rows = []
    for number, name in wanted:
        with tqdm(
            bar_format="{desc} |{bar}| {percentage:3.0f}% {elapsed}<{remaining}", desc=name
        ) as bar:
            before = probabilities(net, _noise(size, seeds), number, size, softmax)

            def report(done, total, bar=bar):
                bar.total = total
                bar.update(1)

            pictures = visualise(net, layer, number, size, seeds, METHODS[args.method], report)
            after = probabilities(net, pictures, number, size, softmax)
        for seed, picture, first, last in zip(seeds, pictures, before, after):
            path = os.path.join(args.out, f"{_file_name(name)}-{seed}.png")
            told = {
                "model": found.name,
                "weights_sha1": model.file_sha1(found.weights),
                "class": name,
                "method": args.method,
                "seed": seed,
            }
            pictures.save(path, picture, json.dumps({"deepdream classes": told}))
            print(f"{path}: {name} {first:.4f} before, {last:.4f} after")
        rows.append((name, pictures, before, after))
    sheet = os.path.join(args.out, "sheet.png")
    pictures.save(sheet, contact_sheet(rows))
    print(f"wrote {len(rows) * len(seeds)} pictures and {sheet}")


def _file_name(name):
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip(".")
    if not kept:
        raise OutputError(f"class {name!r}: no file can be called so; give the class by its number")
    return kept


def _noise(size, seeds):
    """What the pictures start from: RGB (N, H, W, 3), noise about mid-grey."""
    return np.stack(
        [128 + np.random.RandomState(seed).normal(0, 20, (*size, 3)) for seed in seeds]
    ).astype(np.float32)


def contact_sheet(rows):
    """RGB (H, W, 3): a row for each (name, pictures, probabilities before, after), with captions."""
    from PIL import Image, ImageDraw

    from ...pictures import to_bytes

    gap = 8
    columns = max(len(pictures) for _, pictures, _, _ in rows)
    sheet = Image.new(
        "RGB", (gap + columns * (CELL + gap), gap + len(rows) * (CELL + LABEL)), (250, 248, 244)
    )
    draw = ImageDraw.Draw(sheet)
    for r, (name, pictures, before, after) in enumerate(rows):
        for c, picture in enumerate(pictures):
            x, y = gap + c * (CELL + gap), gap + r * (CELL + LABEL)
            bicubic = 3  # Pillow's number, whose name has moved between its releases
            sheet.paste(Image.fromarray(to_bytes(picture)).resize((CELL, CELL), bicubic), (x, y))
            draw.text(
                (x, y + CELL + 3), f"{name}  {before[c]:.3f} to {after[c]:.3f}", fill=(40, 40, 40)
            )
    return np.asarray(sheet)

"""Campaigns of hostile input: recipes, pictures, nets, models, recordings and command lines.

All of them run in the worker's own process, thousands in a minute; a worker that dies is a fault.
"""

import hashlib
import io
import json
import random
import shutil
from functools import lru_cache
from typing import Any, List, Tuple

from .campaign import HOSTILE, Campaign, Fault, Shop, call, in_time, judged, leftovers
from .supplies import dreaming


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with some changed, dropped, repeated or cut off."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        if not out:
            break
        at, kind = rng.randrange(len(out)), rng.randrange(5)
        if kind == 0:
            out[at] = rng.randrange(256)
        elif kind == 1:
            del out[at : at + rng.choice((1, 4, 100))]
        elif kind == 2:
            out[at:at] = out[at : at + rng.choice((1, 8, 64))] * rng.choice((1, 3))
        elif kind == 3:
            del out[at:]
        else:
            out[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
    return bytes(out)


def _hostile_value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice(HOSTILE["text"])
    if kind < 6:
        return rng.choice([0, -1, 10**9, 10**400, 1e308, float("nan"), float("inf"), 0.5, True])
    if kind == 6:
        return None
    if kind == 7 and depth < 3:
        return [_hostile_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(HOSTILE["text"]): _hostile_value(rng, depth + 1)} if depth < 3 else 0


def _change(record: Any, rng: random.Random) -> None:
    """Change one place of a record, at any depth."""
    while True:
        keys: List[Any] = list(record) if isinstance(record, dict) else list(range(len(record)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(record[key], (dict, list)) and record[key] and rng.random() < 0.7:
            record = record[key]
            continue
        if isinstance(record, dict) and rng.random() < 0.2:
            del record[key]
        elif isinstance(record, dict) and rng.random() < 0.1:
            record[rng.choice(HOSTILE["text"])] = _hostile_value(rng)
        else:
            record[key] = _hostile_value(rng)
        return


def recipe(rng: random.Random, shop: Shop) -> str:
    """Replay a picture whose recipe was changed."""
    from PIL import Image, PngImagePlugin

    from deepdream.pictures.metadata import read_recipe

    record = json.loads(read_recipe(shop.dreamt))
    if rng.random() < 0.4:  # what a recipe may say
        record["settings"].update(
            octaves=rng.randrange(1, 4), iterations=rng.randrange(3), clip=rng.random() < 0.5,
            octave_scale=rng.uniform(1.01, 3), jitter=rng.choice((0, 1, 2**30 - 1)),
            step_size=rng.choice((1e-300, 1.5, 1e6)), end=rng.choice(("conv", "pool", "score", "")),
        )  # fmt: skip
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        _change(record, rng)
    text = json.dumps(record)
    if rng.random() < 0.1:
        text = mutated(text.encode(), rng).decode("latin-1")
    path = shop.here / rng.choice(("changed.png", "changed.jpg"))
    with Image.open(shop.dreamt) as image:
        if path.suffix == ".png":
            info = PngImagePlugin.PngInfo()
            info.add_text("deepdream", text)
            image.save(path, pnginfo=info)
        else:
            exif = Image.Exif()
            exif[0x010E] = text[:60000]
            image.save(path, exif=exif)
    return judged(*call(["replay", str(path), "-o", str(shop.here / "out.png")]))


@lru_cache(maxsize=None)
def _kinds() -> List[Tuple[str, str]]:
    """(format, mode): whatever Pillow can write."""
    from PIL import Image

    Image.init()
    kinds = []
    for kind in sorted(Image.SAVE):
        for mode in ("RGB", "L", "RGBA", "P", "1", "I", "F", "CMYK", "I;16", "LA"):
            try:
                Image.new(mode, (32, 32)).save(io.BytesIO(), kind)
            except Exception:
                continue
            kinds.append((kind, mode))
    return kinds


def picture(rng: random.Random, shop: Shop) -> str:
    """Load a damaged picture of any format that Pillow writes."""
    import numpy as np
    from PIL import Image

    from deepdream import pictures
    from deepdream.errors import DreamError

    kind, mode = rng.choice(_kinds())
    buffer, size = io.BytesIO(), (rng.choice((1, 9, 32)), rng.choice((1, 7, 32)))
    try:
        Image.new(mode, size).save(buffer, kind)
    except Exception:  # a format of certain sizes alone
        Image.new(mode, (32, 32)).save(buffer, kind)
    path = shop.here / f"picture.{kind.lower()}"
    path.write_bytes(mutated(buffer.getvalue(), rng))
    try:
        with in_time():
            values = pictures.load(path)
    except DreamError:
        return "refused"
    if values.ndim != 3 or values.shape[2] != 3 or not np.isfinite(values).all():
        raise Fault(f"{kind} {mode}: an array {values.shape}, or values that are no numbers")
    return "done"


def net(rng: random.Random, shop: Shop) -> str:
    """Open, and run, a damaged net with damaged weights."""
    import caffe_compat as caffe

    deploy, weights = shop.here / "deploy.prototxt", shop.here / "small.caffemodel"
    text = (shop.model / "deploy.prototxt").read_bytes()
    values = (shop.model / "small.caffemodel").read_bytes()
    which = rng.randrange(3)
    deploy.write_bytes(mutated(text, rng) if which != 1 else text)
    weights.write_bytes(mutated(values, rng) if which != 0 else values)
    with in_time():
        try:
            opened = caffe.Net(str(deploy), str(weights), caffe.TEST)
            opened.forward()
        except (caffe.CaffeError, MemoryError):
            return "refused"
    return "done"


def model_folder(rng: random.Random, shop: Shop) -> str:
    """List the layers of a model whose readme, net or weights are damaged."""
    folder = shop.here / "model"
    shutil.copytree(str(shop.model), str(folder))
    name = rng.choice(("readme.md", "deploy.prototxt", "small.caffemodel"))
    (folder / name).write_bytes(mutated((folder / name).read_bytes(), rng))
    verb = rng.choice((["layers"], ["models", "get", str(folder)]))
    words = [*verb, "--model", str(folder)] if verb == ["layers"] else verb
    return judged(*call(words))


def surgery(rng: random.Random, shop: Shop) -> str:
    """Operate on a damaged net: a whole new one, or nothing."""
    from net_surgery import cli

    deploy, weights = shop.here / "deploy.prototxt", shop.here / "small.caffemodel"
    for path in (deploy, weights):
        whole = (shop.model / path.name).read_bytes()
        path.write_bytes(mutated(whole, rng) if rng.random() < 0.6 else whole)
    verb = rng.choice(("convolutionize", "fold", "truncate", "average-pooling", "out-of-place",
                       "show"))  # fmt: skip
    words = [verb, str(deploy), str(weights)]
    if verb != "show":
        words += ["-o", str(shop.here / "new")]
    if verb == "truncate":
        words += ["--end", rng.choice(("pool", "conv", "score", *HOSTILE["text"]))]
    ended = judged(*call(words, cli))
    left = leftovers(shop.here, [deploy.name, weights.name, *["new"] * (ended == "done")])
    if left:
        raise Fault(f"{verb} left {left}")
    return ended


def recording(rng: random.Random, shop: Shop) -> str:
    """Compare with a damaged recording, whose index may vouch for the damage."""
    folder = shop.here / "recording"
    shutil.copytree(str(shop.recording), str(folder))
    index = json.loads((folder / "recording.json").read_text())
    path = rng.choice(sorted(folder.iterdir()))
    kind = rng.randrange(4)
    if kind == 0:
        _change(index, rng)
    elif kind == 1:
        path.unlink()
    else:
        path.write_bytes(mutated(path.read_bytes(), rng))
        if path.name in index["files"] and rng.random() < 0.8:
            whole = path.read_bytes()
            index["files"][path.name] = {
                "bytes": len(whole), "sha1": hashlib.sha1(whole).hexdigest()
            }  # fmt: skip
    if path.name != "recording.json" or kind == 0:
        (folder / "recording.json").write_text(json.dumps(index))
    words = ["compare", str(shop.photo), "--with", str(folder), "--engine", "compat"]
    page = shop.here / "page.html"
    ended = judged(*call([*words, "-o", str(page)]), codes=(0, 1, 2))
    left = leftovers(shop.here, ["recording", page.name])
    if left:
        raise Fault(f"left {left}")
    return "compared" if ended in ("done", "exit code 1") else ended


def any_size(rng: random.Random, shop: Shop) -> str:
    """Dream on a model whose kept net of any size was spoilt: the picture is the same."""
    from deepdream import pictures

    folder, out = shop.here / "any_size", shop.here / "out.png"
    shutil.copytree(str(shop.any_size), str(folder))
    kept = sorted(path for path in (folder / ".any_size").rglob("*") if path.is_file())
    path, kind = rng.choice(kept), rng.randrange(5)
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.unlink()
        path.mkdir()
    elif kind == 2:
        shutil.rmtree(str(folder / ".any_size"))
        (folder / ".any_size").write_text("a file where the folder belongs")
    else:
        path.write_bytes(mutated(path.read_bytes(), rng))
    words = ["dream", str(shop.photo), "-o", str(out), *dreaming(folder, "score")]
    ended = judged(*call(words), codes=(0,))
    if (pictures.load(out) != pictures.load(shop.home / "any_size.png")).any():
        raise Fault(f"another picture, after damage of kind {kind} to {path.name}")
    return ended


_NUMBERS = ("--octaves", "--octave-scale", "--iterations", "--step-size", "--jitter", "--seed",
            "--mean", "--gpu")  # fmt: skip
_TEXTS = ("--end", "--objective", "--guide", "--mask", "--model", "--engine")
_PIECES = ("channel(", '"conv"', ",", "1", ")", "-", "*", "+", "l2(", "nan", "inf", "²", "score(",
           "1e999", " ", '"', "guide(", ".within(", "(", "neuron(", "\n", "\x1b")  # fmt: skip


def command_line(rng: random.Random, shop: Shop) -> str:
    """A command with hostile options."""
    out = shop.here / "out.png"
    words = shop.dream(out, "--iterations", "1")
    if rng.random() < 0.3:
        verb = rng.choice(("match", "heatmap", "classes", "zoom", "compare", "evaluate", "layers",
                           "replay", "models", "doctor-", "dream"))  # fmt: skip
        words = [verb, *[rng.choice(HOSTILE["text"]) for _ in range(rng.randrange(3))]]
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.5:
            words += [rng.choice(_NUMBERS), rng.choice(HOSTILE["number"])]
        elif rng.random() < 0.5:
            words += ["--objective", "".join(rng.choice(_PIECES) for _ in range(rng.randrange(30)))]
        else:
            words += [rng.choice(_TEXTS), rng.choice(HOSTILE["text"])]
    return judged(*call(words), codes=(0, 1, 2))


CAMPAIGNS = (
    Campaign("recipes", "replay of a picture whose recipe was changed", recipe),
    Campaign("pictures", "damaged pictures in every format that Pillow writes", picture),
    Campaign("nets", "damaged prototxts and caffemodels, opened and run", net),
    Campaign("models", "damaged model folders: readme, net, weights", model_folder),
    Campaign("surgery", "net_surgery's operations on damaged nets", surgery),
    Campaign("recordings", "`compare --with` a damaged recording", recording),
    Campaign("any-size nets", "spoilt caches of nets that take any size", any_size),
    Campaign("command lines", "hostile options, objectives and names", command_line),
)

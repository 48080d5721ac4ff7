"""Measures a trained net and writes it as Caffe's files, with a readme that tells all."""

import argparse
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from scripts.nets.googlenet import CREATURE_GOOGLENET, deploy
from scripts.training.motif_net import MotifNet

from . import figures
from .adversary import norms, project
from .classes import ANIMAL_COUNT, LABELS
from .composites import Composer
from .held_out import (
    ATTACK_RADIUS,
    ATTACK_STEPS,
    ATTACKED_BATCHES,
    BATCH,
    CLEAN_BATCHES,
    HELD_OUT_SEED,
    REFERENCE_SIZE,
    STEP,
    HeldOut,
)

# chosen by looking
DEFAULT_END = "inception_4e/output"
DREAM = {
    "objective": f'strongest("loss3/classifier", {ANIMAL_COUNT})',
    "iterations": 30,
    "octaves": 4,
    "smooth": "laplacian+natural",
}

FRONT_MATTER = """---
name: Creature GoogLeNet
caffemodel: creature_googlenet.caffemodel
license: GPL-2
sha1: {sha1}
bytes: {bytes}
mean: [104, 116, 122]
input_size: {side}
end: {end}
dream: {dream}
class_method: fourier-large
classes: {labels}
---
"""

ABOUT = """
The default net. bvlc_googlenet's topology and names at {width} of its width, without its two LRN
layers, trained on cut-out photographs of animals, plants and things, pasted onto other photographs
and noise: {kinds} classes, the first {animals} of them animals. The last one, `dumbbell`, is drawn,
and always held by an arm, for [the study of it](../../docs/steering.md#evaluating-a-net).
Training is adversarial (free, L2), so that what the net has learned can be seen in its dreams.

Its dreams take settings of their own, above, chosen by looking at dreams of mountains, a pagoda, a
forest and a face (`python scripts/training/creature_sheets.py` makes sheets of such): at each place
of the picture grows the score of the animal that the net sees there (`strongest`). Fine and coarse
grow alike (`laplacian`), and hues more slowly than brightness (`natural`), without which edges had
rainbow fringes. With an `--end`, such as 4e, it draws eyes and fur; `--preset notebook` is the
notebook's own dream.

{figures}

The photographs come from two Debian packages. Both are under the GNU General Public License,
version 2 or later, and so are these weights ([LICENSE](LICENSE)):

- `tuxpaint-stamps-default`: the cut-outs, by Bill Kendrick and the Tux Paint contributors;
- `mate-backgrounds`: eleven nature photographs behind them, by Charles Barbin, Lennart Poettering,
  Marco Cogoni, Jens Ansorg, Timothy Schellhase, Lapo Calamandrei, blackcombwhistler07, Sergey
  Nazarov, Hylke Bons, Jean-François Fortin Tam and others whom the package names.

Trained for {hours:.1f} hours on 2 shared cores with PyTorch {torch}: {steps} batches of {batch}
to 64 pictures, each replayed up to {replays} times; of side 64, then 96, and 128 from step 5600.
From step 4885 on it also learned what EfficientNet-Lite0 (Apache 2.0) sees in the same pictures.
The second of these lines exports a training, and the third measures it and writes the figures
above:

    python scripts/training/train_creature_googlenet.py --minutes 90
    python scripts/training/train_creature_googlenet.py --export
    python scripts/training/measure_creatures.py

`checkpoint.pt` is the state at step {kept} from which the training goes on, before the last fall of
the learning rate; in half precision, without the optimiser's state:

    python scripts/training/train_creature_googlenet.py --minutes 90 \\
        --start models/creature_googlenet/checkpoint.pt --batch 48 --teacher 128 \\
        --recoloured 0.15 --sizes 0:128 --radii 1000:0 3000:200 6000:280 8000:320
"""


def attack(net: MotifNet, x: torch.Tensor, y: torch.Tensor, radius: float) -> torch.Tensor:
    """The perturbation that ATTACK_STEPS projected gradient steps find from a random start."""
    delta = project(torch.randn(x.shape, generator=torch.Generator().manual_seed(1)), radius)
    for _ in range(ATTACK_STEPS):
        delta.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(net(x + delta), y), delta)
        moved = delta + STEP * radius / ATTACK_STEPS * gradient / norms(gradient)
        delta = project(moved.detach(), radius)
    return delta


def measure(net: MotifNet, composer: Composer) -> HeldOut:
    """Accuracy of a checkpoint on composites that training never made, clean and under attack;
    held_out.py measures likewise what was published."""
    net.eval()
    side = CREATURE_GOOGLENET.input_size
    radius = ATTACK_RADIUS * side / REFERENCE_SIZE
    clean, under_attack = [], []
    for i in range(CLEAN_BATCHES):
        x, y = composer.batch(BATCH, side, HELD_OUT_SEED + i)
        with torch.no_grad():
            clean.append((net(x).argmax(1) == y).float().mean().item())
        if i < ATTACKED_BATCHES:
            moved = x + attack(net, x, y, radius)
            with torch.no_grad():
                under_attack.append((net(moved).argmax(1) == y).float().mean().item())
    return HeldOut(
        clean=float(np.mean(clean)),
        clean_of=CLEAN_BATCHES * BATCH,
        attacked=float(np.mean(under_attack)),
        attacked_of=ATTACKED_BATCHES * BATCH,
        side=side,
        radius=radius,
    )


def write_weights(net: MotifNet, root: Path) -> Path:
    """Write the prototxt and the caffemodel, BatchNorm folded away; the caffemodel's path."""
    import caffe_compat as caffe

    name = CREATURE_GOOGLENET.name
    prototxt = root / "prototxt" / name / "deploy.prototxt"
    prototxt.parent.mkdir(parents=True, exist_ok=True)
    prototxt.write_text(deploy(CREATURE_GOOGLENET))
    deployed = caffe.Net(str(prototxt), caffe.TEST)
    for layer, conv in net.convs.items():
        for blob, values in zip(deployed.params[layer], conv.folded(), strict=True):
            blob.data[...] = values
    classifier = (net.classifier.weight, net.classifier.bias)
    for blob, values in zip(deployed.params["loss3/classifier"], classifier, strict=True):
        blob.data[...] = values.detach().numpy()
    path = root / "models" / name / f"{name}.caffemodel"
    path.parent.mkdir(parents=True, exist_ok=True)
    deployed.save(str(path))
    return path


def light(saved: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint that can travel: in half precision, without average and optimiser's state."""

    def half(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {k: v.half() if v.is_floating_point() else v for k, v in state.items()}

    nets = {key: half(saved[key]) for key in ("net", "taught")}
    return {**nets, "step": saved["step"], "seconds": saved["seconds"]}


def publish(checkpoint: Path, args: argparse.Namespace, root: Path) -> None:
    """Measure a checkpoint's averaged weights; write Caffe's files and the readme."""
    saved = torch.load(checkpoint)
    net = MotifNet(CREATURE_GOOGLENET).eval()
    net.load_state_dict(saved["average"])
    found = measure(net, Composer(args.cache))
    print(checkpoint, json.dumps(dataclasses.asdict(found)), flush=True)
    path = write_weights(net, root)
    raw = path.read_bytes()
    kept = torch.load(checkpoint.with_name("checkpoint.pt"))
    torch.save(light(kept), path.with_name("checkpoint.pt"))
    facts = {
        "sha1": hashlib.sha1(raw).hexdigest(),
        "bytes": len(raw),
        "side": CREATURE_GOOGLENET.input_size,
        "end": DEFAULT_END,
        "dream": DREAM,
        "kept": kept["step"],
        "labels": LABELS,
        "width": CREATURE_GOOGLENET.width,
        "kinds": len(LABELS),
        "animals": ANIMAL_COUNT,
        "hours": saved["seconds"] / 3600,
        "torch": torch.__version__,
        "steps": saved["step"],
        "batch": args.batch,
        "replays": args.replays,
        "figures": figures.replaced(figures.BEGIN + figures.END, figures.held_out(found)),
    }
    readme = (FRONT_MATTER + ABOUT).format(**facts)
    (path.parent / "readme.md").write_text(readme)
    print(f"wrote {path} ({len(raw)} bytes)")

"""Measures a trained net and writes it as Caffe's files, with a readme that tells all."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from scripts.nets.googlenet import CREATURE_GOOGLENET, deploy
from scripts.training.motif_net import MotifNet

from .adversary import norms, project
from .classes import ANIMAL_COUNT, LABELS
from .composites import Composer

REFERENCE_SIZE = 96  # the radii are given for pictures of this side
ATTACK_RADIUS = 150.0  # of the attack that the readme reports, at the reference size
HELD_OUT_SEED = 2**40  # of pictures that no training seed makes
DEFAULT_END = "inception_4c/output"
BATCH = 100

FRONT_MATTER = """---
name: Creature GoogLeNet
caffemodel: creature_googlenet.caffemodel
license: GPL-2
sha1: {sha1}
bytes: {bytes}
mean: [104, 116, 122]
input_size: {side}
end: {end}
classes: {labels}
---
"""

ABOUT = """
bvlc_googlenet's topology and names at {width} of its width, without its two LRN layers, trained on
cut-out photographs of animals, plants and things, pasted onto other photographs and noise:
{kinds} classes, the first {animals} of them animals. Training is adversarial (free, L2), so that
what the net has learned can be seen in its dreams.

| held-out composites of the same photographs, side {side} | |
|---|---|
| {clean_of} pictures, clean | {clean:.1%} |
| {attacked_of} pictures, attacked ({attack_steps} steps, L2 radius {radius:.0f}) | {attacked:.1%} |

The photographs come from two Debian packages. Both are under the GNU General Public License,
version 2 or later, and so are these weights:

- `tuxpaint-stamps-default`: the cut-outs, by Bill Kendrick and the Tux Paint contributors;
- `mate-backgrounds`: eleven nature photographs behind them, by Charles Barbin, Lennart Poettering,
  Marco Cogoni, Jens Ansorg, Timothy Schellhase, Lapo Calamandrei, blackcombwhistler07, Sergey
  Nazarov, Hylke Bons, Jean-François Fortin Tam and others whom the package names.

Trained for {hours:.1f} hours on 2 shared cores with PyTorch {torch}: {steps} batches of {batch}
pictures, each replayed up to {replays} times. Measured and exported by the second of these:

    python scripts/training/train_creature_googlenet.py --minutes 90
    python scripts/training/train_creature_googlenet.py --export
"""


def attack(
    net: MotifNet, x: torch.Tensor, y: torch.Tensor, radius: float, steps: int = 10
) -> torch.Tensor:
    """The perturbation that `steps` projected gradient steps find from a random start."""
    delta = project(torch.randn(x.shape, generator=torch.Generator().manual_seed(1)), radius)
    for _ in range(steps):
        delta.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(net(x + delta), y), delta)
        moved = delta + 2.5 * radius / steps * gradient / norms(gradient)
        delta = project(moved.detach(), radius)
    return delta


def measure(
    net: MotifNet, composer: Composer, batches: int = 10, attacked: int = 4
) -> dict[str, float]:
    """Accuracy on composites that training never made, clean and under attack."""
    net.eval()
    side = CREATURE_GOOGLENET.input_size
    radius = ATTACK_RADIUS * side / REFERENCE_SIZE
    clean, under_attack = [], []
    for i in range(batches):
        x, y = composer.batch(BATCH, side, HELD_OUT_SEED + i)
        with torch.no_grad():
            clean.append((net(x).argmax(1) == y).float().mean().item())
        if i < attacked:
            moved = x + attack(net, x, y, radius)
            with torch.no_grad():
                under_attack.append((net(moved).argmax(1) == y).float().mean().item())
    return {
        "clean": float(np.mean(clean)),
        "attacked": float(np.mean(under_attack)),
        "radius": radius,
        "attack_steps": 10,
        "clean_of": batches * BATCH,
        "attacked_of": attacked * BATCH,
    }


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


def publish(checkpoint: Path, args: argparse.Namespace, root: Path) -> None:
    """Measure a checkpoint's averaged weights; write Caffe's files and the readme."""
    saved = torch.load(checkpoint)
    net = MotifNet(CREATURE_GOOGLENET).eval()
    net.load_state_dict(saved["average"])
    figures = measure(net, Composer(args.cache))
    print(checkpoint, json.dumps(figures), flush=True)
    path = write_weights(net, root)
    raw = path.read_bytes()
    facts = {
        "sha1": hashlib.sha1(raw).hexdigest(),
        "bytes": len(raw),
        "side": CREATURE_GOOGLENET.input_size,
        "end": DEFAULT_END,
        "labels": LABELS,
        "width": CREATURE_GOOGLENET.width,
        "kinds": len(LABELS),
        "animals": ANIMAL_COUNT,
        "hours": saved["seconds"] / 3600,
        "torch": torch.__version__,
        "steps": saved["step"],
        "batch": args.batch,
        "replays": args.replays,
    }
    readme = (FRONT_MATTER + ABOUT).format(**facts, **figures)
    (path.parent / "readme.md").write_text(readme)
    print(f"wrote {path} ({len(raw)} bytes)")

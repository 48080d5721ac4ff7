"""Train the default model and export it in Caffe's format. Needs PyTorch, the extra `train`.

Draws its own pictures (scripts/training/motifs) and trains by free adversarial training (Shafahi et
al., arXiv 1904.12843) under an L2 bound, since robust features are the ones that people recognise
(Engstrom et al., arXiv 1906.00945). It may be interrupted: the next run resumes after the last
complete epoch.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from multiprocessing import Pool
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.googlenet import MOTIF_GOOGLENET  # noqa: E402
from scripts.training.motif_net import MotifNet, lrn  # noqa: E402
from scripts.training.motifs.sampler import NAMES, batch  # noqa: E402

SHARD = 2000
HELD_OUT_SHARDS = 2
DEFAULT_END = "inception_4c/output"  # chosen by eye
ATTACK_RADIUS = 100.0  # of the attack that the readme reports
MEAN_BGR = np.array([104, 116, 122], np.float32)


def parse(argv: Optional[List[str]]) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--out",
        type=Path,
        default=ROOT / "out" / "motif_googlenet",
        help="pictures and checkpoints (default %(default)s)",
    )
    p.add_argument(
        "--shards",
        type=int,
        default=33,
        help=f"files of {SHARD} pictures; the last {HELD_OUT_SHARDS} are held out",
    )
    p.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[64, 64, 64, 80, 96],
        help="side of the pictures in each epoch: small ones teach faster",
    )
    p.add_argument(
        "--decay-epochs",
        type=float,
        default=1,
        help="epochs at the end over which the step falls to zero",
    )
    p.add_argument(
        "--replays",
        type=int,
        nargs="+",
        default=[3, 3, 3, 2, 2],
        help="steps on each batch, in each epoch; the perturbation starts as noise and grows",
    )
    p.add_argument(
        "--radii",
        nargs="+",
        default=["0:0", "1.5:400", "2:400", "2:150", "4:150", "4:100", "5:60"],
        metavar="EPOCH:RADIUS",
        help="L2 bound of the perturbation, in 0-255 units over a whole picture; "
        "linear between these epochs",
    )
    p.add_argument("--batch", type=int, default=128, help="pictures in a batch")
    p.add_argument("--rate", type=float, default=0.15, help="peak learning rate")
    p.add_argument("--decay", type=float, default=3e-4, help="weight decay")
    p.add_argument("--seed", type=int, default=0, help="of the training")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    p.add_argument("--device", default=device, help="PyTorch's name of it (default %(default)s)")
    p.add_argument(
        "--export-only", action="store_true", help="measure and export the last checkpoint as it is"
    )
    p.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="processes that draw pictures"
    )
    args = p.parse_args(argv)
    if len(args.replays) != len(args.sizes):
        p.error(f"--sizes has {len(args.sizes)} epochs but --replays {len(args.replays)}")
    return args


def _write_shard(job: Tuple[Path, int]) -> Path:
    """Draw one file of pictures, unless it is there."""
    folder, seed = job
    path = folder / f"pictures_{seed:04d}.npz"
    if not path.exists():
        pictures, labels = batch(seed, SHARD, MOTIF_GOOGLENET.input_size)
        partial = path.with_suffix(".part.npz")
        np.savez(partial, pictures=pictures, labels=labels)
        os.replace(partial, path)
    return path


def load_pictures(args: argparse.Namespace) -> Tuple[Any, Any, Any, Any]:
    """Pictures and labels to train on, and those held out: uint8 BGR (N, 3, 96, 96), int64 (N,)."""
    args.out.mkdir(parents=True, exist_ok=True)
    with Pool(args.processes) as pool:
        jobs = [(args.out, seed) for seed in range(args.shards)]
        paths = pool.map(_write_shard, jobs, chunksize=1)
    shards = [np.load(path) for path in paths]
    pictures = np.concatenate([s["pictures"][:, ::-1] for s in shards])
    labels = np.concatenate([s["labels"] for s in shards])
    split = len(labels) - HELD_OUT_SHARDS * SHARD
    x, y = torch.from_numpy(pictures), torch.from_numpy(labels)
    return x[:split], y[:split], x[split:], y[split:]


def prepare(pictures: Any, device: str) -> Any:
    """uint8 pictures as the net sees them: float32, less the mean."""
    x = pictures.to(device, torch.float32) - torch.from_numpy(MEAN_BGR).to(device)[:, None, None]
    return x.contiguous(memory_format=torch.channels_last)


def augment(pictures: Any, size: int, generator: Any) -> Any:
    """float32 (N, 3, size, size): half of the batch flipped, all shifted by up to 6 pixels."""
    flip = torch.rand(len(pictures), generator=generator) < 0.5
    pictures[flip] = pictures[flip].flip(3)
    full = pictures.shape[3]
    padded = F.pad(pictures.float(), (6, 6, 6, 6), mode="reflect")
    dy, dx = torch.randint(0, 13, (2,), generator=generator).tolist()
    shifted = padded[:, :, dy : dy + full, dx : dx + full]
    return shifted if size == full else F.interpolate(shifted, size=size, mode="area")


def norms(x: Any) -> Any:
    """The L2 norm of each picture, (N, 1, 1, 1)."""
    return x.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]


def project(delta: Any, radius: float) -> Any:
    """Perturbations whose norm is more than the radius are shortened to it."""
    return delta * (radius / norms(delta)).clamp_max(1)


def rate_at(epoch: float, args: argparse.Namespace) -> float:
    """Learning rate: half an epoch of warm-up, a plateau, a linear fall to zero."""
    fall = max(0, len(args.sizes) - epoch) / args.decay_epochs
    return float(args.rate * min(1, (epoch + 0.02) / 0.5, fall))


def radius_at(epoch: float, args: argparse.Namespace) -> float:
    """L2 bound at a (fractional) epoch."""
    points = np.array([[float(v) for v in point.split(":")] for point in args.radii])
    return float(np.interp(epoch, points[:, 0], points[:, 1]))


def train_epoch(
    model: MotifNet, optimizer: Any, data: Tuple[Any, Any], epoch: int, args: argparse.Namespace
) -> None:
    """One pass over the pictures: each batch is replayed while its perturbation grows."""
    x_all, y_all = data
    generator = torch.Generator().manual_seed(args.seed * 1000 + epoch)
    order = torch.randperm(len(y_all), generator=generator)
    steps = len(order) // args.batch
    size = args.sizes[epoch]
    model.train()
    hits = torch.zeros(args.replays[epoch])
    started = time.time()
    for step in range(steps):
        index = order[step * args.batch : (step + 1) * args.batch]
        x = prepare(augment(x_all[index], size, generator), args.device)
        y = y_all[index].to(args.device)
        now = epoch + step / steps
        radius = radius_at(now, args) * size / MOTIF_GOOGLENET.input_size
        for group in optimizer.param_groups:
            group["lr"] = rate_at(now, args)
        noise = torch.randn(x.shape, generator=generator).to(args.device)
        noise = noise.contiguous(memory_format=torch.channels_last)
        delta = noise * (0.25 * radius / norms(noise))
        for replay in range(args.replays[epoch]):
            delta.requires_grad_(True)
            scores = model(x + delta)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(scores, y).backward()
            optimizer.step()
            gradient = delta.grad
            delta = project((delta + 0.8 * radius * gradient / norms(gradient)).detach(), radius)
            hits[replay] += (scores.argmax(1) == y).float().mean().item()
        if step % 20 == 0:
            shares = " ".join(f"{h:.3f}" for h in hits / (step + 1))
            pace = (time.time() - started) / (step + 1)
            print(
                f"epoch {epoch} step {step}/{steps} radius {radius:.0f} "
                f"correct by replay {shares} {pace:.2f} s/step",
                flush=True,
            )


def attack(model: MotifNet, x: Any, y: Any, radius: float, steps: int = 10) -> Any:
    """The strongest L2 perturbation that projected gradient steps find from a random start."""
    delta = project(torch.randn_like(x), radius)
    for _ in range(steps):
        delta.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(x + delta, lrn), y), delta)
        delta = project(
            (delta + 2.5 * radius / steps * gradient / norms(gradient)).detach(), radius
        )
    return delta


def accuracy(
    model: MotifNet, pictures: Any, labels: Any, args: argparse.Namespace, radius: float = 0.0
) -> float:
    """Share of the pictures, uint8 (N, 3, 96, 96), that the deployed net, with LRN, gets right.

    With a radius, they are attacked first.
    """
    model.eval()
    right = 0.0
    for i in range(0, len(labels), 250):
        x, y = prepare(pictures[i : i + 250], args.device), labels[i : i + 250].to(args.device)
        if radius:
            x = x + attack(model, x, y, radius)
        with torch.no_grad():
            right += (model(x, lrn).argmax(1) == y).sum().item()
    return right / len(labels)


def train(args: argparse.Namespace) -> Tuple[MotifNet, Dict[str, Any]]:
    """The trained model, on the CPU, and what the readme says of it."""
    torch.manual_seed(args.seed)
    model = MotifNet(MOTIF_GOOGLENET).to(args.device, memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": args.decay}, {"params": plain, "weight_decay": 0}]
    optimizer = torch.optim.SGD(groups, lr=args.rate, momentum=0.9, nesterov=True)
    checkpoint = args.out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=args.device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epoch"]
        torch.set_rng_state(saved["rng"].cpu())
        print(f"resuming from {checkpoint} after epoch {first}")
    x, y, held_x, held_y = load_pictures(args)
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(y)} training and {len(held_y)} held-out pictures, {count} parameters")
    for epoch in range(first, len(args.sizes) if not args.export_only else 0):
        train_epoch(model, optimizer, (x, y), epoch, args)
        state = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": epoch + 1,
            "rng": torch.get_rng_state(),
        }
        torch.save(state, checkpoint.with_suffix(".part"))
        os.replace(checkpoint.with_suffix(".part"), checkpoint)
        clean = accuracy(model, held_x[:1000], held_y[:1000], args)
        print(f"after epoch {epoch}: held-out clean {clean:.3f}", flush=True)
    return model.cpu(), {
        "clean": accuracy(model, held_x, held_y, args),
        "attacked": accuracy(model, held_x[:1000], held_y[:1000], args, ATTACK_RADIUS),
        "radius": ATTACK_RADIUS,
        "classes": len(NAMES),
        "pictures": len(y),
    }


README = """---
name: Motif GoogLeNet
caffemodel: motif_googlenet.caffemodel
license: MIT
sha1: {sha1}
bytes: {bytes}
mean: [104, 116, 122]
input_size: 96
end: {end}
classes: {names}
---

The default model: the topology and names of bvlc_googlenet at {width} of its width, trained on
{pictures} pictures that `scripts/training/motifs` draws: {classes} classes of motifs, objects and
textures. Training is adversarial (free, L2, radii up to 400 in 0-255 units over 96x96x3), so that
what the net has learned can be seen in its dreams. One class, `dumbbell`, was only ever shown with
an arm that holds it.

| held-out accuracy | |
|---|---|
| clean, 4000 pictures | {clean:.1%} |
| attacked (10 projected gradient steps, L2 radius {radius:.0f}), 1000 pictures | {attacked:.1%} |

Both are the accuracy of the deployed net, with its LRN layers. Made and measured by

    python scripts/training/train_motif_googlenet.py

with PyTorch {torch}. It can be interrupted, and repeated from its seeds; on 2 cores it takes
some 10 minutes of drawing and 80 minutes of training. The weights are under the project's licence.
"""


def export(model: MotifNet, report: Dict[str, Any]) -> None:
    """Write the folded weights in Caffe's format and the readme with the figures."""
    import caffe_compat as caffe

    name = MOTIF_GOOGLENET.name
    net = caffe.Net(str(ROOT / "prototxt" / name / "deploy.prototxt"), caffe.TEST)
    for layer, conv in model.convs.items():
        for blob, values in zip(net.params[layer], conv.folded()):
            blob.data[...] = values
    for blob, parameter in zip(net.params["loss3/classifier"], model.classifier.parameters()):
        blob.data[...] = parameter.detach().numpy()
    folder = ROOT / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.caffemodel"
    net.save(str(path))
    raw = path.read_bytes()
    readme = README.format(
        sha1=hashlib.sha1(raw).hexdigest(),
        bytes=len(raw),
        names=NAMES,
        end=DEFAULT_END,
        torch=torch.__version__,
        width=MOTIF_GOOGLENET.width,
        **report,
    )
    (folder / "readme.md").write_text(readme)
    print(f"wrote {path} ({len(raw)} bytes)")


def main(argv: Optional[List[str]] = None) -> None:
    args = parse(argv)
    model, report = train(args)
    print(json.dumps(report))
    export(model, report)


if __name__ == "__main__":
    main()

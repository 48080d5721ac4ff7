"""Train the creature net: `python scripts/training/train_creature_googlenet.py --minutes 90`.

Needs the extra `train`, that is PyTorch. It learns Debian's cut-out photographs
(scripts/training/creatures) with free adversarial training (Shafahi et al., arXiv 1904.12843) under
an L2 bound, since robust features are the ones that people recognise (Engstrom et al., arXiv
1906.00945). With `--teacher` it also learns what EfficientNet-Lite0 sees in the same pictures. Run
it again and it goes on from its last checkpoint, in as many sittings as you like;
each closes with a fall of the learning rate, and what comes of that is kept beside the checkpoint
for `--export`.
"""

import argparse
import datetime
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.nets.googlenet import CREATURE_GOOGLENET  # noqa: E402
from scripts.training.creatures.adversary import norms, project  # noqa: E402
from scripts.training.creatures.classes import LABELS  # noqa: E402
from scripts.training.creatures.composites import MEAN_BGR, Composer  # noqa: E402
from scripts.training.creatures.cores import SpareCores  # noqa: E402
from scripts.training.creatures.held_out import REFERENCE_SIZE  # noqa: E402
from scripts.training.creatures.publish import publish  # noqa: E402
from scripts.training.creatures.teacher import CLASSES, Teacher  # noqa: E402
from scripts.training.motif_net import MotifNet  # noqa: E402

CHECKPOINT, COOLED = "checkpoint.pt", "cooled.pt"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--out",
        type=Path,
        default=ROOT / "out" / "creature_googlenet",
        help="checkpoints (default %(default)s)",
    )
    p.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "out" / "photographs",
        help="packages (default %(default)s)",
    )
    p.add_argument(
        "--minutes", type=float, default=90, help="length of this sitting (default %(default)s)"
    )
    p.add_argument("--until", metavar="HH:MM", help="stop at this time (UTC) at the latest")
    p.add_argument(
        "--cool",
        type=float,
        default=0.25,
        help="share of a sitting over which the step falls to zero",
    )
    p.add_argument(
        "--start", type=Path, help="a checkpoint to go on from where --out has none, as models/ has"
    )
    p.add_argument("--batch", type=int, default=64)
    p.add_argument(
        "--replays",
        type=int,
        default=2,
        help="steps on each batch; the perturbation grows over them",
    )
    p.add_argument(
        "--sizes",
        nargs="+",
        default=["0:64", "2500:96", "6000:128"],
        metavar="STEP:SIDE",
        help="side of the pictures from a step on: small ones teach faster, large ones show shape",
    )
    p.add_argument(
        "--radii",
        nargs="+",
        default=["1000:0", "3000:200", "6000:280"],
        metavar="STEP:RADIUS",
        help="L2 bound in 0-255 units over a picture of side 96, linear between these steps",
    )
    p.add_argument(
        "--hard",
        type=int,
        default=2500,
        metavar="STEP",
        help="colours exchanged, things in the way: from nothing at the start to all of it here",
    )
    p.add_argument(
        "--recoloured",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="of the objects whose colours are exchanged, turned or gone, in the end",
    )
    p.add_argument("--rate", type=float, default=0.07, help="learning rate")
    p.add_argument("--decay", type=float, default=3e-4, help="weight decay")
    p.add_argument(
        "--teacher",
        type=int,
        default=0,
        metavar="SIDE",
        help="learn a teacher's shares of ImageNet's classes too, from pictures of this side",
    )
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--save-every", type=float, default=4, metavar="MINUTES")
    p.add_argument(
        "--export", action="store_true", help="train no more: measure, and write model and prototxt"
    )
    return p.parse_args(argv)


def deadline(args: argparse.Namespace) -> float:
    """The time, in seconds since 1970, at which this sitting ends."""
    end = time.time() + args.minutes * 60
    if args.until:
        now = datetime.datetime.now(datetime.timezone.utc)
        hour, minute = map(int, args.until.split(":"))
        at = now.replace(hour=hour, minute=minute, second=0)
        if at < now:
            at += datetime.timedelta(days=1)
        end = min(end, at.timestamp())
    return end


def points(texts: list[str]) -> tuple[list[float], list[float]]:
    """`STEP:VALUE` pairs as two lists."""
    pairs = [tuple(map(float, text.split(":"))) for text in texts]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def side_at(step: int, args: argparse.Namespace) -> int:
    """Side of the pictures at a step."""
    steps, sides = points(args.sizes)
    return int(sides[np.searchsorted(steps, step, side="right") - 1])


def radius_at(step: int, side: int, args: argparse.Namespace) -> float:
    """L2 bound at a step for pictures of a side."""
    return float(np.interp(step, *points(args.radii))) * side / REFERENCE_SIZE


def with_new_classes(saved: dict[str, Any], net: MotifNet) -> tuple[dict[str, Any], bool]:
    """A checkpoint, with zeros for classes that came to the tables' end after it, and whether there
    are any."""
    wanted = net.state_dict()
    for part in (part for part in ("net", "average") if part in saved):
        for key in ("classifier.weight", "classifier.bias"):
            values = saved[part][key]
            grown = len(values) < len(wanted[key])
            if grown:
                new = torch.zeros(len(wanted[key]) - len(values), *values.shape[1:])
                saved[part][key] = torch.cat([values, new.to(values.dtype)])
    return saved, grown


class Trainer:
    """The net, its running average and its optimiser."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.args = args
        self.step = 0
        self.seconds = 0.0
        self.net = MotifNet(CREATURE_GOOGLENET).to(memory_format=torch.channels_last)
        self.teacher = Teacher(MEAN_BGR, args.teacher) if args.teacher else None
        # reads the same features as the classifier; it is not published
        self.taught = torch.nn.Linear(self.net.classifier.in_features, CLASSES)
        parameters = [*self.net.parameters(), *self.taught.parameters()]
        decayed = [p for p in parameters if p.ndim > 1]
        plain = [p for p in parameters if p.ndim == 1]
        groups = [
            {"params": decayed, "weight_decay": args.decay},
            {"params": plain, "weight_decay": 0},
        ]
        self.optimizer = torch.optim.SGD(groups, lr=args.rate, momentum=0.9, nesterov=True)
        self.average = {k: v.clone() for k, v in self.net.state_dict().items()}
        path = args.out / CHECKPOINT
        if not path.exists() and args.start:
            path = args.start
        if path.exists():
            saved, grown = with_new_classes(torch.load(path), self.net)
            self.net.load_state_dict(saved["net"])
            self.average = {k: v.clone() for k, v in self.net.state_dict().items()}
            # A checkpoint that travels has neither the average nor the optimiser's state.
            self.average.update(saved.get("average", {}))
            self.step, self.seconds = saved["step"], saved["seconds"]
            if "taught" in saved:
                self.taught.load_state_dict(saved["taught"])
            if "optimizer" in saved and "taught" in saved and not grown:
                self.optimizer.load_state_dict(saved["optimizer"])
            print(f"going on from {path}, step {self.step}", flush=True)

    def save(self, name: str) -> None:
        """Write a checkpoint; a broken write leaves the last one whole."""
        path = self.args.out / name
        state = {
            "net": self.net.state_dict(),
            "average": self.average,
            "taught": self.taught.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        if name == CHECKPOINT:
            state["optimizer"] = self.optimizer.state_dict()
        torch.save(state, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)

    def rate(self, cooling: float) -> float:
        """Learning rate: a warm-up over 200 steps; `cooling` falls to 0 as a sitting ends."""
        return self.args.rate * min(1.0, (self.step + 5) / 200) * max(0.003, cooling)

    def train_on(self, x: torch.Tensor, y: torch.Tensor, radius: float, rate: float) -> list[float]:
        """One batch, `replays` times; the share it got right each time."""
        self.net.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x = x.contiguous(memory_format=torch.channels_last)
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(self.step))
        delta = (noise * (0.25 * radius / norms(noise))).contiguous(
            memory_format=torch.channels_last
        )
        right = []
        shares = self.teacher.shares(x) if self.teacher else None
        # Without a perturbation a replay would only teach the same pictures again.
        for _ in range(self.args.replays if radius else 1):
            delta.requires_grad_(True)
            features = self.net.features(x + delta)
            scores = self.net.classifier(self.net.dropout(features))
            loss = F.cross_entropy(scores, y, label_smoothing=0.05)
            if shares is not None:
                loss = loss + F.cross_entropy(self.taught(features), shares)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            gradient = delta.grad
            delta = project((delta + 0.8 * radius * gradient / norms(gradient)).detach(), radius)
            right.append((scores.argmax(1) == y).float().mean().item())
        share = min(0.995, (self.step + 1) / (self.step + 20))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - share)
        self.step += 1
        return right


def train(args: argparse.Namespace) -> None:
    """One sitting."""
    args.out.mkdir(parents=True, exist_ok=True)
    end = deadline(args)
    composer = Composer(args.cache, args.recoloured)
    trainer = Trainer(args)
    started = last = saved = time.time()
    cool_from = end - (end - started) * args.cool
    hits, seen, cooling, cores = np.zeros(args.replays), 0, False, SpareCores()
    while (now := time.time()) < end:
        if now > cool_from and not cooling:
            trainer.save(CHECKPOINT)
            cooling = True
            print(
                f"step {trainer.step}: kept for the next sitting; the rate falls from here",
                flush=True,
            )
        fall = (end - now) / (end - cool_from) if cooling else 1.0
        side = side_at(trainer.step, args)
        radius = radius_at(trainer.step, side, args)
        hard = min(1.0, trainer.step / args.hard)
        x, y = composer.batch(args.batch, side, args.seed * 10**7 + trainer.step, hard)
        right = trainer.train_on(x, y, radius, trainer.rate(fall))
        trainer.seconds += time.time() - now
        seen += 1
        hits += (np.resize(right, args.replays) - hits) * max(0.02, 1 / seen)
        if trainer.step % 10 == 0:
            torch.set_num_threads(cores.count())
        if trainer.step % 50 == 0:
            pace, last = (time.time() - last) / 50, time.time()
            shares = " ".join(f"{h:.3f}" for h in hits)
            print(
                f"{time.time() - started:.0f} s step {trainer.step} side {side} "
                f"radius {radius:.0f} rate {trainer.rate(fall):.4f} right by replay {shares} "
                f"{pace:.2f} s/step on {torch.get_num_threads()} cores",
                flush=True,
            )
        if time.time() - saved > args.save_every * 60:
            trainer.save(COOLED if cooling else CHECKPOINT)
            saved = time.time()
    trainer.save(COOLED)
    print(f"stopped after step {trainer.step}", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Train, or export what was trained."""
    args = parse(argv)
    if len(LABELS) != CREATURE_GOOGLENET.classes:
        raise SystemExit("the classes and the table in scripts/nets/googlenet.py disagree")
    if not args.export:
        train(args)
        return
    found = [args.out / name for name in (COOLED, CHECKPOINT) if (args.out / name).exists()]
    if not found:
        raise SystemExit(f"no checkpoint in {args.out}: train first")
    publish(found[0], args, ROOT)


if __name__ == "__main__":
    main()

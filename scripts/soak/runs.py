"""A campaign against long runs: killed at random instants, and gone on with until they end."""

import random
import shutil
import time
from pathlib import Path
from typing import Dict, List

from .campaign import LONGEST, Campaign, Fault, Shop, judged

_FRAMES = 24
_KILLS = 8  # in one attempt
_STARTING = 0.2  # share of the kills that come while Python is still loading


def _contents(folder: Path) -> Dict[str, bytes]:
    """{name: bytes} of all files in a folder and below it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _words(shop: Shop, out: Path) -> List[str]:
    net = ["--model", str(shop.model), "--engine", "compat"]
    short = ["--frames", str(_FRAMES), "--octaves", "2", "--iterations", "4", "--seed", "1"]
    return ["zoom", str(shop.photo), "-o", str(out), *net, *short]


def _whole(shop: Shop) -> Dict[str, bytes]:
    """What a zoom gives that nothing interrupts; it is made once for all attempts of a shop.

    Its recipe names the photograph as seen from the frames, so they lie as deep as an attempt's.
    """
    whole = shop.home / "whole" / "frames"
    if not (whole / "done").exists():
        shutil.rmtree(str(whole.parent), ignore_errors=True)
        whole.parent.mkdir()
        code, told, err = shop.finish(shop.start(_words(shop, whole)))
        judged(code, told, err, (0,))
        (whole / "done").touch()
    return {name: data for name, data in _contents(whole).items() if name != "done"}


def kill(rng: random.Random, shop: Shop) -> str:
    """Kill a zoom, and each process that goes on with it, at random instants; in the end its frames
    equal those of one that nothing interrupted, byte by byte."""
    wanted, out = _whole(shop), shop.here / "frames"
    kills, started = 0, time.monotonic()
    while time.monotonic() - started < 2 * LONGEST:
        begun = (out / ".deepdream-run" / "run.json").exists() or (out / "0000.jpg").exists()
        words = ["resume", str(out)] if begun else _words(shop, out)
        process = shop.start([*words, "--json"])
        if kills < _KILLS:
            if rng.random() >= _STARTING and process.stdout:
                process.stdout.readline()  # it has begun
            time.sleep(rng.uniform(0, 1))
            process.kill()
        code, told, err = shop.finish(process)
        if code == -9:
            kills += 1
            continue
        judged(code, told, err, (0,))
        if _contents(out) != wanted:
            found = sorted(_contents(out))
            raise Fault(f"after {kills} kills, the frames differ: {found}, not {sorted(wanted)}")
        return f"whole after {kills} kills"
    raise Fault(f"not finished after {kills} kills")


CAMPAIGNS = (
    Campaign("runs", "a zoom killed at random instants, and resumed until it ends", kill, 6),
)

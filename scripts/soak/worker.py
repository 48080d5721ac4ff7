"""One campaign, attempt after attempt, a line of JSON each: soak.py starts it.

`python scripts/soak/worker.py NAME --seed N --count 1` makes one attempt again.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts.soak import downloads, engine, inputs, processes, runs  # noqa: E402
from scripts.soak.campaign import Campaign, Fault, Shop  # noqa: E402

CAMPAIGNS = {
    c.name: c for family in (inputs, processes, runs, downloads, engine) for c in family.CAMPAIGNS
}


def attempt(campaign: Campaign, seed: int, shop: Shop) -> str:
    """How one attempt ended; "fault: ..." for what should not have happened."""
    shutil.rmtree(str(shop.here), ignore_errors=True)
    shop.here.mkdir(parents=True)
    shop.stops = Counter()
    try:
        return campaign.attempt(random.Random(seed), shop)
    except Fault as e:
        return f"fault: {e}"
    except Exception:
        return f"fault: {traceback.format_exc()[-1500:]}"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("name", choices=sorted(CAMPAIGNS))
    p.add_argument("--seed", type=int, default=0, help="of the first attempt")
    p.add_argument("--count", type=int, default=10**9, help="attempts at most")
    p.add_argument("--seconds", type=float, default=10**9, help="no attempt starts after these")
    p.add_argument("--least", type=int, default=0, help="attempts, however long they take")
    args = p.parse_args()
    told = sys.stdout

    def tell(**line: Any) -> None:
        print(json.dumps(line), file=told, flush=True)

    end = time.monotonic() + args.seconds
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        shop = Shop(Path(folder))
        for seed in range(args.seed, args.seed + args.count):
            if time.monotonic() > end and seed >= args.seed + args.least:
                break
            tell(begun=seed)
            ended = attempt(CAMPAIGNS[args.name], seed, shop)
            tell(seed=seed, ended=ended, stops=shop.stops)


if __name__ == "__main__":
    main()

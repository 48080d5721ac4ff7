"""A worker whose campaigns go wrong, in the ways that soak.py must tell."""

import os
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from scripts.soak import campaign, worker  # noqa: E402


def planted(rng: random.Random, shop: campaign.Shop) -> str:
    if rng.random() < 0.5:
        raise campaign.Fault("planted")
    return "done"


def stopped(rng: random.Random, shop: campaign.Shop) -> str:
    shop.stops["kill -9"] += 1
    return "whole"


def dies(rng: random.Random, shop: campaign.Shop) -> str:
    os._exit(3)


def hangs(rng: random.Random, shop: campaign.Shop) -> str:
    time.sleep(1000)
    return "done"


if __name__ == "__main__":
    campaign.Shop.__init__ = lambda shop, home: setattr(shop, "here", home / "attempt")
    worker.CAMPAIGNS = {
        a.__name__: campaign.Campaign(a.__name__, "", a) for a in (planted, stopped, dies, hangs)
    }
    worker.main()

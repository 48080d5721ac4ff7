"""Campaigns against the built-in engine: interrupts within a pass, broken caches of its loops, and
threads."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List

from .campaign import LONGEST, ROOT, Campaign, Fault, Shop, limited
from .inputs import mutated

_SIGHT = """
import sys, zlib
import caffe_compat as caffe
caffe.set_random_seed(1)
net = caffe.Net(sys.argv[1], caffe.TEST)
net.blobs["data"].data[...] = 7
net.forward()
net.blobs["prob"].diff[...] = 1
net.backward()
print(*(zlib.crc32(a.tobytes()) for a in (net.blobs["prob"].data, net.blobs["conv"].diff)))
"""
_SEAL = slice(21, 53)  # where a file of compiled loops has the hash of what follows


@lru_cache(maxsize=None)
def _passes() -> Any:
    from .interrupts import Passes

    return Passes()


def interrupted_pass(rng: random.Random, shop: Shop) -> str:
    """Interrupt a pass; the next one must give the same numbers, on all threads."""
    found = _passes().interrupt(rng)
    wrong = [what for what in found if what != "interrupted"]
    if wrong:
        raise Fault(", ".join(wrong))
    return "interrupted" if found else "too late"


# ---- caches


def _run_copy(engine: Path, home: Path, shop: Shop, **how: Any) -> "subprocess.Popen[str]":
    """A program on a copy of the engine, whose compiled loops can be spoilt."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(engine),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "NUMBA_CACHE_DIR": "",
        "XDG_CACHE_HOME": "",
    }
    return subprocess.Popen(
        [sys.executable, "-c", _SIGHT, str(shop.model / "deploy.prototxt")],
        cwd=str(shop.here),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


@lru_cache(maxsize=None)
def _engine(shop: Shop) -> "tuple[Path, str]":
    """A copy of the engine with its compiled loops, and what _SIGHT prints on it."""
    engine = shop.home / "engine"
    for package in ("caffe_compat", "netfile"):
        shutil.copytree(str(ROOT / package), str(engine / package))
    code, out, err = shop.finish(_run_copy(engine, shop.home, shop))
    if code:
        raise Fault(f"the engine fails by itself: {err[-600:]!r}")
    return engine, out


def _foreign(whole: bytes) -> bytes:
    """As if another processor's machine had written it."""
    rest = bytes([whole[_SEAL.stop] ^ 1]) + whole[_SEAL.stop + 1 :]
    seal = hashlib.sha256(b"%d:" % len(rest) + rest).digest()
    return whole[: _SEAL.start] + seal + rest


_SPOILS: Dict[str, Callable[[bytes, random.Random], bytes]] = {
    "damaged": mutated,
    "cut off": lambda whole, rng: whole[: rng.randrange(len(whole))],
    "empty": lambda whole, rng: b"",
    "garbage": lambda whole, rng: rng.getrandbits(8 * len(whole)).to_bytes(len(whole), "little"),
    "of another processor": lambda whole, rng: _foreign(whole),
}


def _spoil(path: Path, rng: random.Random) -> str:
    """Spoil one file of compiled loops; how."""
    how = rng.choice((*_SPOILS, "missing", "a folder", "a pipe"))
    if how in _SPOILS:
        path.write_bytes(_SPOILS[how](path.read_bytes(), rng))
        return how
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a pipe":
        os.mkfifo(str(path))
    return how


def broken_loops(rng: random.Random, shop: Shop) -> str:
    """Spoil files of compiled loops: the numbers stay what they were."""
    good, wanted = _engine(shop)
    engine, home, how = shop.here / "engine", shop.here / "home", {}
    shutil.copytree(str(good), str(engine))
    home.mkdir()
    cache = engine / "caffe_compat" / "kernels" / "__pycache__"
    loops = sorted(path for path in cache.iterdir() if path.suffix == ".loop")
    spoilt = rng.sample(loops, min(len(loops), rng.choice((1, 1, 2, 4))))
    ended = [_spoil(path, rng) for path in spoilt]
    also = rng.randrange(6)
    if also == 0:  # nothing can be kept anywhere
        shutil.rmtree(str(home))
        home.write_text("")
    elif also == 1:  # a full disk, from some byte on
        how["preexec_fn"] = limited(bytes_=rng.randrange(100_000))
    code, out, err = shop.finish(_run_copy(engine, home, shop, **how))
    told = f"{', '.join(ended)}: {out!r} {err[-600:]!r}"
    if code or out != wanted:
        raise Fault(f"code {code}; {told}")
    if "Traceback" in err or len(err.splitlines()) > 6:
        raise Fault(f"told at length; {told}")
    return ended[0] if len(ended) == 1 else "several"


# ---- threads


@lru_cache(maxsize=None)
def _net(shop: Shop) -> Any:
    import caffe_compat as caffe

    caffe.set_random_seed(1)
    net = caffe.Net(str(shop.model / "deploy.prototxt"), caffe.TEST)
    return net, _numbers(net)


def _numbers(net: Any) -> "tuple[int, int]":
    """What a pass forward and backward gives."""
    net.clear_param_diffs()
    net.blobs["data"].reshape(1, 3, 24, 24)
    net.blobs["data"].data[...] = 7
    net.forward()
    net.blobs["prob"].diff[...] = 1
    net.backward()
    data, diff = net.blobs["prob"].data, net.params["conv"][0].diff
    return zlib.crc32(data.tobytes()), zlib.crc32(diff.tobytes())


def shared_net(rng: random.Random, shop: Shop) -> str:
    """Several threads reshape and run one net: it stays right for who has it alone."""
    import caffe_compat as caffe

    net, wanted = _net(shop)
    errors: List[BaseException] = []

    def use(own: random.Random) -> None:
        try:
            for _ in range(20):
                try:
                    # the InnerProduct takes one size alone
                    net.blobs["data"].reshape(own.randrange(1, 5), 3, 24, 24)
                    net.forward()
                    net.backward()
                    net.blobs["pool"].data.sum()
                except (caffe.CaffeError, ValueError):
                    pass  # values and shapes of different threads may mix, as in pycaffe
        except BaseException as e:
            errors.append(e)

    crowd = [
        threading.Thread(target=use, args=(random.Random(rng.random()),), daemon=True)
        for _ in range(rng.randrange(2, 6))
    ]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(LONGEST)
    if any(one.is_alive() for one in crowd):
        raise Fault("threads wait for each other")
    if errors:
        raise Fault(f"{errors[0]!r}")
    if _numbers(net) != wanted:
        raise Fault("other numbers than before")
    return "right"


def refused_threads(rng: random.Random, shop: Shop) -> str:
    """A forked process may start so many threads, or none: the numbers are the same."""
    net, wanted = _net(shop)
    most, asked = rng.randrange(4), rng.randrange(1, 9)
    child = os.fork()
    if child == 0:
        os._exit(_with_few_threads(net, wanted, most, asked))
    status = os.waitpid(child, 0)[1]
    if status:
        raise Fault(f"{most} of {asked} threads: status {status:#x}")
    return "right"


def _with_few_threads(net: Any, wanted: "tuple[int, int]", most: int, asked: int) -> int:
    """In a process of its own: 0 if the net gives the same on so few threads."""
    from caffe_compat.kernels.threads import team

    start = team._thread.start_new_thread
    left = [most]

    def grudging(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        return start(*arguments)

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LONGEST)  # a hang ends here
    try:
        team._thread.start_new_thread = grudging
        os.environ["CAFFE_COMPAT_THREADS"] = str(asked)
        return int(any(_numbers(net) != wanted for _ in range(5)))
    except BaseException:
        return 2


CAMPAIGNS = (
    Campaign("passes", "a signal at a random instant of a pass", interrupted_pass),
    Campaign("compiled loops", "damaged, missing, foreign caches of compiled loops; no place for "
             "new ones", broken_loops, 4),
    Campaign("shared nets", "several threads reshape and run one net", shared_net),
    Campaign("threads", "a forked process that gets fewer threads than it asks for",
             refused_threads),
)  # fmt: skip

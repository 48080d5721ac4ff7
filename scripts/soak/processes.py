"""Campaigns against running commands: kills, interrupts, two writers, full disks, little memory."""

import os
import random
import resource
import signal
import time
from pathlib import Path

from .campaign import Campaign, Fault, Shop, judged, leftovers, limited, whole_picture

_SOON = 10  # seconds of processor time


def _wait(rng: random.Random, most: float) -> None:
    """Let a command run for a random time: the attack's own moment."""
    time.sleep(rng.uniform(0, most))


def kill(rng: random.Random, shop: Shop) -> str:
    """Kill a dream over an older picture at a random instant; the next run sweeps and succeeds."""
    out = shop.here / "out.png"
    older = shop.photo.read_bytes()
    out.write_bytes(older)
    words = shop.dream(out, "--iterations", "2", "--overwrite")
    process = shop.start(words)
    _wait(rng, 2.5)
    process.kill()
    shop.finish(process)
    whole_picture(out)
    code, told, err = shop.finish(shop.start(words))
    judged(code, told, err, (0,))
    whole_picture(out)
    left = leftovers(shop.here, ["out.png"])
    if left:
        raise Fault(f"the next run left {left}")
    return "killed"


def _worked(pid: int) -> float:
    """Seconds of processor time that a running process has taken."""
    facts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def _children_worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def interrupt(rng: random.Random, shop: Shop) -> str:
    """Interrupt a dream at a random instant, once: it stops by itself, and soon."""
    out, before = shop.here / "out.png", _children_worked()
    process = shop.start(shop.dream(out, "--iterations", "200"))
    _wait(rng, 8)
    before += _worked(process.pid)
    process.send_signal(signal.SIGINT)
    code, told, err = shop.finish(process)
    took = _children_worked() - before
    early = code == -signal.SIGINT or "KeyboardInterrupt" in err  # Python itself was starting
    if not early:
        judged(code, told, err, (0, 130))
    if took > _SOON:
        raise Fault(f"took {took:.0f} s of processor time to stop after the interrupt")
    if out.exists():
        whole_picture(out)
    left = leftovers(shop.here, ["out.png"])
    if left:
        raise Fault(f"left {left}")
    return "while starting" if early else "stopped"


def two_writers(rng: random.Random, shop: Shop) -> str:
    """Two dreams write one file, and one or both are killed: the file is never broken."""
    out = shop.here / "out.png"
    out.write_bytes(shop.photo.read_bytes())
    words = shop.dream(out, "--iterations", "1", "--overwrite")
    both = [shop.start(words), shop.start(words)]
    _wait(rng, 3)
    for process in both[: rng.randrange(3)]:
        process.kill()
    for process in both:
        shop.finish(process)
        whole_picture(out)
    return "done"


def full_disk(rng: random.Random, shop: Shop) -> str:
    """The disk takes no more after so many bytes: refused, and nothing left."""
    most = rng.choice((0, 1, 100, 3000, 20000, rng.randrange(40000)))
    # Python's own compiled files must not be cut off by the limit
    how = {"env": {"PYTHONDONTWRITEBYTECODE": "1"}, "preexec_fn": limited(bytes_=most)}
    out = shop.here / rng.choice(("out.png", "out.jpg"))
    code, told, err = shop.finish(shop.start(shop.dream(out, "--iterations", "1"), **how))
    ended = judged(code, told, err)
    if out.exists():
        whole_picture(out)
    left = leftovers(shop.here, [out.name] if ended == "done" else [])
    if left:
        raise Fault(f"left {left} after {ended}")
    return ended


def little_memory(rng: random.Random, shop: Shop) -> str:
    """The process may have so much memory: done or refused, never a traceback."""
    how = {"preexec_fn": limited(memory=rng.randrange(150, 1500) * 10**6)}
    out = shop.here / "out.png"
    code, told, err = shop.finish(shop.start(shop.dream(out, "--iterations", "1"), **how))
    # BLAS and Python end a process by themselves where they cannot even start
    if code < 0 or (code == 1 and "deepdream:" not in err and not told):
        return "did not start"
    return judged(code, told, err)


_SHARE = 4

CAMPAIGNS = (
    Campaign("kills", "a dream killed at a random instant, over an older picture", kill, _SHARE),
    Campaign("interrupts", "Ctrl-C at a random instant of a dream", interrupt, _SHARE),
    Campaign("two writers", "two dreams of one name, some killed", two_writers, _SHARE),
    Campaign("full disk", "no file grows beyond a random size", full_disk, _SHARE),
    Campaign("little memory", "a random limit of the process's memory", little_memory, _SHARE),
)

"""Lines of Caffe's log, on standard error, in glog's form: programs parse them.

As in Caffe they are written unless GLOG_minloglevel says otherwise, or `caffe.init_log(level)`
does: 0 writes information, 1 warnings alone, 2 errors alone. This engine logs its solvers' work,
and of its nets only what runs on the CPU in GPU mode.
"""

import os
import sys
import threading
import time
from typing import Optional

INFO, WARNING = 0, 1
_VARIABLE = "GLOG_minloglevel"  # glog's own
_level: Optional[int] = None


def set_level(level: int) -> None:
    """Write only what is of this level or above, whatever GLOG_minloglevel says."""
    global _level
    _level = level


def write(level: int, place: str, message: str) -> None:
    """Write one line: `I1129 04:20:30.937525 20001 solver.cpp:239] message`.

    Args:
        level: INFO or WARNING.
        place: the file and line of Caffe's that says this; programs look for some of them.
        message: what it says.
    """
    given = os.environ.get(_VARIABLE, "")
    least = _level if _level is not None else int(given) if given.isdecimal() else INFO
    if level < least:
        return
    now = time.time()
    stamp = time.strftime("%m%d %H:%M:%S", time.localtime(now))
    line = f"{'IW'[level]}{stamp}.{int(now % 1 * 1e6):06d} {threading.get_native_id()} {place}] "
    print(line + message, file=sys.stderr, flush=True)


def info(place: str, message: str) -> None:
    """Write a line of information."""
    write(INFO, place, message)


def warning(place: str, message: str) -> None:
    """Write a line that warns."""
    write(WARNING, place, message)

"""What the command line has asked for, as the program and the processes that it starts find it."""

import json
import os
from typing import Any, Dict, NamedTuple, Optional

_VARIABLE = "CAFFE_COMPAT_PROGRAM"


class Settings(NamedTuple):
    """How a program is run.

    python2: whether every source of its own is taken for Python 2, not just those that show it.
    shims: whether old names of libraries answer.
    tree: the folder laid out as Caffe's, for a program that looks for one in vain.
    said: whether it has been said that the program is Python 2.
    is_python2: whether the program is, so that the modules beside it are taken to be.
    seed: what random generators begin with, or None for what the system gives them.
    """

    python2: bool = False
    shims: bool = True
    tree: Optional[str] = None
    said: bool = False
    is_python2: bool = False
    seed: Optional[int] = None


def given() -> Optional[Settings]:
    """Those of this process, or None where `python -m caffe_compat` has not started it."""
    text = os.environ.get(_VARIABLE)
    if not text:
        return None
    found: Dict[str, Any] = json.loads(text)
    return Settings(**{key: found[key] for key in Settings._fields if key in found})


def give(settings: Settings, environment: Any = None) -> None:
    """Put them into the environment, by default this process's, for those that it starts."""
    environment = os.environ if environment is None else environment
    environment[_VARIABLE] = json.dumps(settings._asdict())

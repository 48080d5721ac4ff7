"""Whether a worker would make the same picture, to the bit: all that a recipe names beside the
request is the same there.

What is told goes between processes that may differ, so it is plain dicts of text.
"""

import hashlib
import os
from dataclasses import replace
from typing import Any, Dict

from netfile.errors import NetError

from .. import nets
from ..errors import ClusterError, DreamError
from ..nets import engine as engines
from ..request.job import hashes
from ..request.recipe import libraries
from ..version import __version__

Traits = Dict[str, str]
_LACKS = "lacks"
_REMEDY = "start the workers with the same versions as this process"
_REMEDY_MODEL = "copy the model's folder there"


def place_of(model: nets.Model) -> str:
    """What another process finds a model by: its name, or the whole path of its folder."""
    return model.name if model.name in nets.known() else os.path.abspath(model.name)


def found(model: nets.Model, place: str) -> nets.Model:
    """A model of another process, with the files of this one. Raises ModelError."""
    here = nets.find(place, list(model.mean))
    return replace(model, name=here.name, deploy=here.deploy, weights=here.weights)


def traits(model: nets.Model, engine: str) -> Traits:
    """What a picture of this model depends on here, each by what a person calls it.

    Raises:
        DreamError: the engine is not there.
        OSError: one of the model's files cannot be read.
    """
    about = engines.describe(engines.load(engine))
    told = {
        "deepdream-caffe": __version__,
        "the engine": f"{about['name']} {about['version']}",
        "arithmetic": str(about.get("arithmetic", "its own")),
        **libraries(),
    }
    return {**told, **_of_model(model)}


def _of_model(model: nets.Model) -> Traits:
    of = hashes(model)
    names = "\n".join(nets.classes(model)).encode("utf-8", "backslashreplace")
    return {
        "the deploy net's SHA1": of["deploy_sha1"],
        "the weights' SHA1": of["weights_sha1"],
        "the SHA1 of its classes' names": hashlib.sha1(names).hexdigest(),
    }


def told(version: str, model: Any, place: str, engine: str) -> Traits:
    """What a worker says of itself; runs there. version: of the client, whose `model` may be
    nothing to another version."""
    if version != __version__:
        return {"deepdream-caffe": __version__}
    try:
        return traits(found(model, place), engine)
    except (DreamError, NetError, OSError) as e:
        return {"deepdream-caffe": __version__, _LACKS: str(e)}


def check(worker: str, there: Traits, here: Traits, model: str) -> None:
    """Ask whether a worker is as this process is. model: its name.

    Raises:
        ClusterError: it is not, with the first thing that differs, and both values.
    """
    for what, value in here.items():
        if what not in there:
            why = there.get(_LACKS, f"does not say {what}")
            raise ClusterError(f"worker {worker}: lacks what {model} needs: {why}")
        if there[what] != value:
            remedy = _REMEDY_MODEL if "SHA1" in what else _REMEDY
            whose = f" of {model}" if "SHA1" in what else ""
            raise ClusterError(
                f"worker {worker}: {what}{whose} is {there[what]} there, and {value} here; {remedy}"
            )

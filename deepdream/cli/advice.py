"""What a person at the command line can do about an error: the options that the library's texts do
not know of."""

import shlex
from functools import singledispatch
from typing import Optional

from net_surgery.errors import OpenSizeError

from .. import errors
from ..request.presets import PRESETS


@singledispatch
def advice(error: Exception) -> str:
    """The advice for an error, or ""."""
    return ""


def advised(error: Exception, preset: Optional[str] = None) -> str:
    """The error's text, in one line, with its advice. preset: the one that was asked for."""
    hint = _of_preset(error, preset) or advice(error)
    resumable = getattr(error, "resumable", "")
    hints = [hint, goes_on(resumable) if resumable else ""]
    return "; ".join(filter(None, [str(error), *hints]))


def goes_on(out: str) -> str:
    """How to go on with the run whose result this is."""
    return f"`deepdream resume {shlex.quote(out)}` goes on"


def _of_preset(error: Exception, preset: Optional[str]) -> str:
    """The advice where the preset names a layer that the net has not."""
    layer = getattr(error, "layer", "")
    named = PRESETS[preset].settings if preset else {}
    if not layer or not (layer == named.get("end") or f'"{layer}"' in named.get("objective", "")):
        return ""
    return f"the preset {preset} is for nets with GoogLeNet's layers; give another layer with --end"


@advice.register(errors.ZeroGradientError)
def _(error: errors.ZeroGradientError) -> str:
    return "choose another --end, another picture, or check force_backward"


@advice.register(errors.NotFiniteError)
def _(error: errors.NotFiniteError) -> str:
    if error.step_size is None:
        return ""
    return "a smaller --step-size or fewer steps may help"


@advice.register(errors.ShortOfMemoryError)
def _(error: errors.ShortOfMemoryError) -> str:
    return "--memory bounds what is taken"


@advice.register(errors.DeviceFailedError)
def _(error: errors.DeviceFailedError) -> str:
    return "leave out --gpu to compute on the CPU"


@advice.register(errors.TargetError)
def _(error: errors.TargetError) -> str:
    if error.several:
        return "write one of them in full"
    if error.instead:
        return f"use --end {error.instead}"
    return "`deepdream layers` lists them all" if error.layer else ""


@advice.register(errors.SizeError)
def _(error: errors.SizeError) -> str:
    if error.enlarge:
        return f"enlarge it: --scale {error.enlarge:g}"
    if error.on_gpu:
        tiles = "--memory SIZE makes it by tiles that fit there; " if error.by_tiles else ""
        return f"{tiles}leave out --gpu to compute on the CPU"
    return f"use --octaves {error.octaves} at most" if error.octaves else ""


@advice.register(errors.ModelError)
def _(error: errors.ModelError) -> str:
    if error.unknown_class:
        return "`deepdream classes --list` lists them"
    if error.to_get:
        return f"`deepdream models get {shlex.quote(error.to_get)}` gets them"
    if error.moved:
        return "say where its folder is with --model"
    return "a folder without one needs --mean B,G,R" if error.needs_mean else ""


@advice.register(OpenSizeError)
def _(error: OpenSizeError) -> str:
    return "give one with --size, such as --size 224"


@advice.register(errors.EngineError)
def _(error: errors.EngineError) -> str:
    if error.fast:
        return "leave out --fast, or use --engine compat"
    if error.gpu is not None:
        return "leave out --gpu to compute on the CPU"
    return "leave out --engine to use the built-in one" if error.engine == "caffe" else ""


@advice.register(errors.DownloadError)
def _(error: errors.DownloadError) -> str:
    if error.unverified:
        return "--trust takes it as it comes, and records its hash"
    return "say where it is with --from" if error.unknown_place else ""


@advice.register(errors.AddressError)
def _(error: errors.AddressError) -> str:
    return "give another --port, 0 for any that is free, or a --host of this machine"


@advice.register(errors.OutputError)
def _(error: errors.OutputError) -> str:
    return "--overwrite replaces it" if error.exists else ""


@advice.register(errors.RunError)
def _(error: errors.RunError) -> str:
    if not error.unfinished:
        return ""
    return f"{goes_on(error.unfinished)}, --overwrite begins anew"


@advice.register(errors.ImageError)
def _(error: errors.ImageError) -> str:
    if error.role == "objective":
        return f"say where it is with --file {shlex.quote(error.name)}=PATH"
    return f"say where it is with --{error.role}" if error.role else ""


@advice.register(errors.RecordingError)
def _(error: errors.RecordingError) -> str:
    return (
        f"make one with: deepdream compare IMAGE --record {error.missing}" if error.missing else ""
    )

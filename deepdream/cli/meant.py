"""What a command line means: its dream, its pictures, its model."""

import argparse
from dataclasses import fields, replace
from typing import Any, Dict, List

from .. import nets
from ..request.expression import scores
from ..request.own_settings import of_a_layer, own_settings
from ..request.presets import PRESETS
from ..settings import DREAM, Dream


def given(args: argparse.Namespace) -> Dict[str, Any]:
    """The dream's settings that a command line names, those of its preset among them.

    An option wins over the preset, and one that says what grows over all that the preset says of
    it; so does a guide over the preset's objective.
    """
    named = {f.name: getattr(args, f.name, None) for f in fields(Dream)}
    if args.dream_of:
        named["objective"] = scores(args.dream_of)
    named = {name: value for name, value in named.items() if value is not None}
    preset = dict(PRESETS[args.preset].settings) if args.preset else {}
    if "end" in named or "objective" in named or args.guide:
        preset.pop("objective", None)
    if "objective" in named:
        preset.pop("end", None)
    return {**preset, **named}


def dream_of(args: argparse.Namespace, model: nets.Model) -> Dream:
    """The dream's settings on a command line; an end of "" is the model's own.

    What neither it nor its preset gives is as the model's readme says, or else as in the notebook.

    Raises:
        ModelError: the model's readme has settings that no dream can have.
    """
    own, said = own_settings(model), given(args)
    later = getattr(args, "schedule", None) or getattr(args, "in_turn", None)
    if "objective" in said:
        own.pop("objective", None)
    elif "end" in said or args.guide or later:
        own = of_a_layer(own)
    return replace(DREAM, **{"end": "", **own, **said})


def pictures_of(args: argparse.Namespace) -> List[str]:
    """The pictures that a dream's command line names as options of their own."""
    return [path for path in (args.image, *args.guide, args.mask) if path]


def model_of(args: argparse.Namespace) -> nets.Model:
    """The model on a command line. Raises ModelError."""
    return nets.find(args.model, args.mean, args.channel_order, args.input_scale)


def request_of(args: argparse.Namespace) -> Dict[str, Any]:
    """What request.job.prepare takes of a command line besides image and settings."""
    model = model_of(args)
    return dict(
        model=model,
        engine=args.engine,
        gpu=args.gpu,
        guide_paths=args.guide,
        mask_path=args.mask,
        seed=args.seed,
        tiling=nets.Tiling(most=args.memory),
        # a model that has a number of its own means it for pictures that are large enough
        fewer_octaves="octaves" in own_settings(model) and "octaves" not in given(args),
    )

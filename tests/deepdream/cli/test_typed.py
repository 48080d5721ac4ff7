"""The command line that would be typed for a dream: read again, it means the same dream."""

import shlex
from dataclasses import replace

import pytest

from deepdream import nets
from deepdream.cli import films, meant, typed
from deepdream.cli.batch import handling_of
from deepdream.cli.main import parser
from deepdream.settings import DREAM, Dream, Picture, Zoom

OWN = "creature_googlenet"  # whose readme has settings of its own
PLAIN = "bvlc_googlenet"


PICTURE = Picture(640)


def line(model, dream, picture=PICTURE, **also):
    name = nets.find(model)
    return typed.dream_line("my photo.jpg", "out.png", name, dream, picture=picture, **also)


def read(text):
    program, *words = shlex.split(text)
    assert program == "deepdream"
    return parser().parse_args(words)


@pytest.mark.parametrize("model", [OWN, PLAIN])
@pytest.mark.parametrize(
    "dream",
    [
        Dream(),
        Dream(end="inception_3b/5x5_reduce", iterations=20, octaves=5, octave_scale=1.3),
        Dream(objective="-0.5 * l2(\"4c\") + channel('4d', 61)", end="", smooth="natural"),
        Dream(end="4c", step_size=0.25, jitter=0, clip=False),
    ],
)
def test_a_line_means_the_dream_it_was_made_of(dream, model):
    args = read(line(model, dream, seed=7))
    asked = meant.dream_of(args, meant.model_of(args))
    wanted = replace(dream, end="" if dream.objective else dream.end)
    assert asked == wanted and args.seed == 7 and args.image == ["my photo.jpg"]
    assert handling_of(args) == PICTURE and meant.model_of(args).name == model


def test_a_layers_usual_number_of_steps_is_left_out():
    assert "--iterations" not in line(OWN, Dream(end="4c"))
    assert "--iterations 30" in line(OWN, Dream(end="4c", iterations=30))


def test_guides_and_their_weights_and_a_mask_are_named():
    dream = Dream(end="3b", guide_weights=(-1.0, 2.5))
    text = line(PLAIN, dream, guides=["a b.jpg", "c.jpg"], mask="mask.png", picture=Picture())
    args = read(text)
    assert args.guide == ["a b.jpg", "c.jpg"] and args.mask == "mask.png"
    assert meant.dream_of(args, meant.model_of(args)) == dream and "--max-size" not in text


def test_colours_are_kept():
    assert read(line(PLAIN, DREAM, picture=Picture(0, True))).keep_colours


def test_a_zoom_is_one():
    args = read(line(OWN, DREAM, zoom=Zoom(7, 0.02), picture=Picture(320)))
    assert args.command == "zoom" and films.zoom_of(args) == Zoom(7, 0.02)
    assert args.max_size == 320


def test_a_models_own_dream_needs_no_options():
    own = meant.dream_of(read("deepdream dream x.png"), nets.find(OWN))
    assert line(OWN, own, picture=Picture()) == "deepdream dream 'my photo.jpg' -o out.png"


@pytest.mark.parametrize(
    "objective, words",
    [
        ('score("reef fish")', "--dream-of 'reef fish'"),
        ('score("owl") + score("zebra")', "--dream-of owl,zebra"),
        ('2 * score("owl")', "--objective"),
        ('score("owl") - l2("4c")', "--objective"),
        ('score("crane, a bird")', "--objective"),  # the comma would end the name
        ('score("-")', "--objective"),
    ],
)
def test_classes_are_named_where_an_objective_is_of_nothing_else(objective, words):
    text = line(OWN, Dream(objective=objective, end=""))
    assert words in text and text.count("--objective") + text.count("--dream-of") == 1
    args = read(text)
    assert meant.dream_of(args, meant.model_of(args)).objective == objective

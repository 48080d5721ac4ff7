"""What the command line adds to the library's errors."""

import pytest

from deepdream import errors
from deepdream.cli.advice import advice, advised


@pytest.mark.parametrize(
    "error, hint",
    [
        (errors.ZeroGradientError("x"), "choose another --end"),
        (errors.NotFiniteError("x", step_size=1.5), "a smaller --step-size"),
        (errors.DeviceFailedError("x"), "leave out --gpu"),
        (errors.TargetError("x", layer="a", instead="b"), "use --end b"),
        (errors.TargetError("x", layer="a"), "`deepdream layers`"),
        (errors.TargetError("x", layer="a", several=True), "one of them in full"),
        (errors.ModelError("x", unknown_class=True), "`deepdream classes --list`"),
        (errors.SizeError("x", octaves=3), "use --octaves 3 at most"),
        (errors.SizeError("x", enlarge=1.5), "--scale 1.5"),
        (errors.SizeError("x", on_gpu=True), "leave out --gpu"),
        (errors.SizeError("x", on_gpu=True, by_tiles=True), "--memory SIZE makes it by tiles"),
        (errors.ModelError("x", needs_mean=True), "--mean B,G,R"),
        (errors.EngineError("x", gpu=0), "leave out --gpu"),
        (errors.EngineError("x", engine="caffe"), "leave out --engine"),
        (errors.DownloadError("x", unverified=True), "--trust"),
        (errors.DownloadError("x", unknown_place=True), "--from"),
        (errors.ImageError("x", role="guide"), "--guide"),
        (errors.ImageError("x", role="objective", name="a b"), "--file 'a b'=PATH"),
        (errors.ModelError("x", moved=True), "--model"),
        (errors.RecordingError("x", missing="f"), "--record f"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_kind_of_error_has_its_advice(error, hint):
    assert hint in advice(error) and advised(error) == f"x; {advice(error)}"


def test_a_presets_layer_that_a_net_has_not_is_the_presets():
    for preset, layer in (("notebook", "inception_4c/output"), ("spirals", "inception_3b/output")):
        error = errors.TargetError("x", layer=layer)
        assert f"the preset {preset} is for nets with GoogLeNet's" in advised(error, preset)
    assert "preset" not in advised(errors.TargetError("x", layer="output"), "notebook")


def test_an_error_without_advice_stays_as_it_is():
    assert advised(errors.ImageError("no such picture")) == "no such picture"


def test_an_error_takes_only_the_values_that_its_class_declares():
    with pytest.raises(TypeError, match="SizeError has no attribute octave"):
        errors.SizeError("x", octave=3)

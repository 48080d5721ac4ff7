"""Checks before a run: layer names, octave sizes."""

import math

import pytest

from deepdream.dream.octaves import octave_sizes
from deepdream.errors import SizeError, TargetError
from deepdream.nets import preflight
from deepdream.nets.model import description
from netfile.shapes import infer


@pytest.fixture
def small_net(small, caffe):
    return description(small, caffe)


def test_an_end_that_is_there_passes(small_net):
    preflight.check_end(small_net, "inception_4c/output")


def test_a_near_miss_gets_the_nearest_names(small_net):
    with pytest.raises(TargetError, match="did you mean inception_4c/output"):
        preflight.check_end(small_net, "inception4c/output")


def test_an_in_place_relu_leads_to_its_blob(small_net):
    with pytest.raises(TargetError, match="use --end inception_3b/5x5_reduce"):
        preflight.check_end(small_net, "inception_3b/relu_5x5_reduce")


def test_an_octave_too_small_names_octave_layer_and_the_largest_number_that_fits(small_net):
    end = "inception_4c/output"
    with pytest.raises(
        SizeError,
        match=r'octave 4 of 9 would be 11x8 pixels: layer "inception_4c/output".*use --octaves 5 at most',
    ):
        preflight.check_octaves(small_net, end, octave_sizes(43, 60, 9))
    preflight.check_octaves(small_net, end, octave_sizes(43, 60, 5))


def test_a_picture_too_small_altogether_says_so(small_net):
    with pytest.raises(SizeError, match="the picture is 5x4"):
        preflight.check_octaves(small_net, "inception_4c/output", octave_sizes(4, 5))


def test_a_picture_that_needs_more_memory_than_is_free(small_net, caffe, monkeypatch):
    needed = preflight.memory_needed(small_net, "inception_4c/output", (600, 800), columns=False)
    counts = {
        blob: math.prod(shape)
        for blob, shape in infer(
            small_net, {"data": (1, 3, 600, 800)}, "inception_4c/output"
        ).items()
    }
    # data and diff of every blob, the maxima's places, and a diff more for each of pool1's two readers
    assert needed == 4 * (2 * sum(counts.values()) + counts["pool1"] + 2 * counts["pool1"])
    assert needed < preflight.memory_needed(
        small_net, "inception_4c/output", (600, 800), columns=True
    )
    monkeypatch.setattr("deepdream.nets.engine.available_memory", lambda: needed // 4)
    with pytest.raises(
        SizeError,
        match=r"the picture is 800x600: a step at that size takes .* GB .*; use a picture of \d+x\d+ at most",
    ) as e:
        preflight.check_memory(small_net, "inception_4c/output", (600, 800), caffe)
    width, height = (int(n) for n in str(e.value).split("picture of ")[1].split(" ")[0].split("x"))
    assert 250 < width <= 400 and 180 < height <= 300
    preflight.check_memory(small_net, "inception_4c/output", (height // 2, width // 2), caffe)
    monkeypatch.setattr("deepdream.nets.engine.available_memory", lambda: None)
    preflight.check_memory(small_net, "inception_4c/output", (10**5, 10**5), caffe)


def test_a_layer_behind_inner_product_needs_the_declared_size(small_net):
    preflight.check_octaves(small_net, "prob", [(32, 32)])
    assert preflight.needs_any_size(
        small_net, "prob", [(32, 32), (60, 80)]
    ) and not preflight.needs_any_size(small_net, "prob", [(32, 32)])
    assert not preflight.needs_any_size(small_net, "inception_4c/output", [(60, 80), (3, 3)])
    with pytest.raises(
        SizeError,
        match='the picture is 80x60: layer "fc": Input size incompatible .*K_ is 360, made for .*1, 10, 6, 6.*K_ 2340',
    ):
        preflight.check_octaves(small_net, "prob", [(60, 80)])

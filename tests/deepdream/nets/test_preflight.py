"""Checks before a run: layer names, octave sizes."""

import math

import pytest

from deepdream.dream.octaves import octave_sizes
from deepdream.errors import SizeError, TargetError
from deepdream.nets import preflight
from deepdream.nets.description import describe as description
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
    with pytest.raises(TargetError, match='writes the blob "inception_3b/5x5_reduce"') as e:
        preflight.check_end(small_net, "inception_3b/relu_5x5_reduce")
    assert e.value.instead == "inception_3b/5x5_reduce"


def test_an_octave_too_small_names_octave_layer_and_the_largest_number_that_fits(small_net):
    end = "inception_4c/output"
    with pytest.raises(
        SizeError,
        match=r'octave 4 of 9 would be 11x8 pixels: layer "inception_4c/output"',
    ) as e:
        preflight.check_octaves(small_net, end, octave_sizes(43, 60, 9))
    assert e.value.octaves == 5 and e.value.size == (8, 11)
    preflight.check_octaves(small_net, end, octave_sizes(43, 60, 5))


def test_a_picture_too_small_altogether_says_so(small_net):
    with pytest.raises(SizeError, match="the picture is 5x4"):
        preflight.check_octaves(small_net, "inception_4c/output", octave_sizes(4, 5))


def test_a_picture_that_needs_more_memory_than_is_free(small_net, caffe, monkeypatch):
    largest = preflight.Pass("inception_4c/output", (600, 800))
    needed = preflight.memory_needed(small_net, largest, columns=False)
    counts = {
        blob: math.prod(shape)
        for blob, shape in infer(
            small_net, {"data": (1, 3, 600, 800)}, "inception_4c/output"
        ).items()
    }
    # data and diff of every blob, the maxima's places, and a diff more for each of pool1's two
    # readers
    assert needed == 4 * (2 * sum(counts.values()) + counts["pool1"] + 2 * counts["pool1"])
    assert needed < preflight.memory_needed(small_net, largest, columns=True)
    forward = preflight.memory_needed(small_net, largest._replace(backward=False), columns=False)
    assert forward == 4 * (sum(counts.values()) + counts["pool1"])
    batch = largest._replace(batch=3)
    assert preflight.memory_needed(small_net, batch, columns=False) == 3 * needed
    monkeypatch.setattr("deepdream.nets.engine.available_memory", lambda: needed // 4)
    with pytest.raises(
        SizeError,
        match=r"the picture is 800x600: a step at that size takes .* GB .*; "
        r"use a picture of \d+x\d+ at most",
    ) as e:
        preflight.check_memory(small_net, largest, caffe)
    height, width = e.value.fits
    assert f"picture of {width}x{height} at most" in str(e.value)
    assert 250 < width <= 400 and 180 < height <= 300
    smaller = largest._replace(size=(height // 2, width // 2))
    preflight.check_memory(small_net, smaller, caffe)
    with pytest.raises(
        SizeError, match="9 pictures of .* at a time take .*; [48] at a time would fit"
    ):
        preflight.check_memory(small_net, smaller._replace(batch=9), caffe)
    monkeypatch.setattr("deepdream.nets.engine.available_memory", lambda: None)
    preflight.check_memory(small_net, largest._replace(size=(10**5, 10**5)), caffe)


def test_a_layer_behind_inner_product_needs_the_declared_size(small_net):
    preflight.check_octaves(small_net, "prob", [(32, 32)])
    assert preflight.needs_any_size(
        small_net, "prob", [(32, 32), (60, 80)]
    ) and not preflight.needs_any_size(small_net, "prob", [(32, 32)])
    assert not preflight.needs_any_size(small_net, "inception_4c/output", [(60, 80), (3, 3)])
    with pytest.raises(
        SizeError,
        match='the picture is 80x60: layer "fc": Input size incompatible .*K_ is 360, '
        "made for .*1, 10, 6, 6.*K_ 2340",
    ):
        preflight.check_octaves(small_net, "prob", [(60, 80)])

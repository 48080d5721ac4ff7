"""Checks before a run: layer names, octave sizes."""

import pytest

from deepdream.dream.octaves import octave_sizes
from deepdream.errors import SizeError, TargetError
from deepdream.nets import preflight
from deepdream.nets.description import describe as description


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

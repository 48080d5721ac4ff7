"""Short names of layers, on the nets of 2015."""

import pytest

from deepdream.errors import TargetError
from deepdream.nets import find, opening
from deepdream.nets.description import describe
from deepdream.nets.layer_names import full_name, is_short_for, short_name


@pytest.fixture(scope="module")
def net(caffe):
    known = {}

    def described(name):
        if name not in known:
            known[name] = describe(find(name), caffe)
        return known[name]

    return described


@pytest.mark.parametrize(
    "model, short, full",
    [
        ("bvlc_googlenet", "4c", "inception_4c/output"),
        ("bvlc_googlenet", "inception_4c", "inception_4c/output"),
        ("bvlc_googlenet", "4c/output", "inception_4c/output"),
        ("bvlc_googlenet", "3b/5x5_reduce", "inception_3b/5x5_reduce"),
        ("bvlc_googlenet", "conv1", "conv1/7x7_s2"),
        ("bvlc_googlenet", "inception_3b/5x5_reduce", "inception_3b/5x5_reduce"),
        ("squeezenet_v1.1", "fire4", "fire4/concat"),
        ("ResNet-50", "4c", "res4c"),
        ("VGG_ILSVRC_16_layers", "4_3", "conv4_3"),
        ("bvlc_alexnet", "conv4", "conv4"),
        ("bvlc_googlenet", "inception_3b/relu_1x1", "inception_3b/relu_1x1"),  # in place
    ],
)
def test_a_name_stands_for_one_layer(net, model, short, full):
    assert full_name(net(model), short) == full


@pytest.mark.parametrize(
    "short", ["", "c", "nception_4c", "4", "output4c", "4c/", "inception_4c/ouput"]
)
def test_a_part_of_a_word_or_number_is_short_for_nothing(net, short):
    assert full_name(net("bvlc_googlenet"), short) == short


@pytest.mark.parametrize(
    "model, short, said",
    [
        ("VGG_ILSVRC_16_layers", "conv4", "3 layers: conv4_1, conv4_2, conv4_3"),
        ("bvlc_googlenet", "5x5", "9 layers: inception_3a/5x5, .*, inception_4c/5x5, ..."),
        ("bvlc_googlenet", "conv2", "conv2/3x3_reduce, conv2/3x3"),
        ("bvlc_alexnet", "5", "2 layers: conv5, pool5"),
    ],
)
def test_a_name_that_is_short_for_several_is_refused_with_them(net, model, short, said):
    with pytest.raises(TargetError, match=said) as e:
        full_name(net(model), short)
    assert e.value.layer == short


def test_the_short_names_of_stages_lead_back_to_them(net):
    for model in ("bvlc_googlenet", "squeezenet_v1.0", "ResNet-50"):
        for layer in opening.preflight.targets(net(model)):
            short = short_name(net(model), layer)
            assert not short or full_name(net(model), short) == layer
    assert short_name(net("bvlc_googlenet"), "inception_4c/output") == "4c"
    assert short_name(net("squeezenet_v1.0"), "fire4/concat") == "4"
    assert short_name(net("bvlc_googlenet"), "conv1/7x7_s2") == ""


def test_what_can_be_short_for_a_layer_needs_no_net():
    assert is_short_for("4c", "inception_4c/output") and is_short_for("conv1", "conv1/7x7_s2")
    assert not is_short_for("c", "inception_4c/output") and not is_short_for("", "conv1")

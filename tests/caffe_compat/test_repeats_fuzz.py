"""Whatever a program does between passes, those that are done again give the same to the bit."""

import random
from contextlib import ExitStack, suppress

import pytest

import caffe_compat as caffe
from tests.support import gpu
from tests.support.repeating import MODULE, NAMES, made, step

pytestmark = pytest.mark.skipif(gpu.wanted(), reason="on the CPU")

# with a Split that is not merged
FLAT = MODULE + 'layer { name: "flat" type: "Flatten" bottom: "pool" top: "flat" }'


def _step(net, chance):
    return step(net, chance.randrange(9), chance.choice(["all", "head", "side", "norm"]))


def _forward(net, chance):
    net.blobs["data"].data[...] = chance.random()
    return [net.forward(end=chance.choice(["a", "all"])) and 0]


def _forward_from_the_middle(net, chance):
    net.forward(start="a", end="all")


def _backward_to_the_middle(net, chance):
    step(net, 1, "all")
    net.blobs["all"].diff[...] = chance.random()
    net.backward(start="all", end=chance.choice(["relu_a", "norm"]))


def _backward_again(net, chance):
    step(net, 1, "head")
    net.blobs["head"].diff[...] = chance.random()
    net.backward(start="head")


def _backward_from_the_split(net, chance):
    step(net, 1, "all")
    net.backward(start="norm_norm_0_split")
    return net.blobs["data"].diff.tobytes()


def _forward_from_another_shape(net, chance):
    net.blobs["norm"].reshape(1, 16, 5, chance.choice([5, 6]))
    net.blobs["norm"].data[...] = chance.random()
    net.forward(start="a", end="head")
    return net.blobs["head"].data.tobytes()


def _reshape_a_top(net, chance):
    net.blobs["head"].reshape(1, chance.choice([5, 7]))
    net.forward()
    return net.blobs["head"].data.tobytes()


def _look_at_weights_gradient(net, chance):
    return net.params[chance.choice(["stem", "head"])][chance.choice([0, 1])].diff.tobytes()


def _reshape(net, chance):
    net.blobs["data"].reshape(1, 3, *chance.choice([(16, 18), (20, 18), (13, 9)]))


def _look(net, chance):
    return net.blobs[chance.choice(NAMES)].data.tobytes()


def _look_at_diff(net, chance):
    return net.blobs[chance.choice(NAMES)].diff.tobytes()


def _look_at_split(net, chance):
    return net.blobs[next(name for name in net.blobs if "_split_1" in name)].diff.tobytes()


def _clear(net, chance):
    for blob in net.blobs.values():
        with suppress(caffe.CaffeError):
            blob.diff[...] = 0


def _change_weights(net, chance):
    net.params["stem"][0].data[...] *= 1 + chance.random() / 8


def _enter(net, chance):
    net.contexts.enter_context(net.lean())


def _leave(net, chance):
    net.contexts.close()


def _merge(net, chance):
    net._passes.merge_splits()


DEEDS = [_step] * 12 + [
    _forward,
    _forward_from_the_middle,
    _backward_to_the_middle,
    _backward_again,
    _backward_from_the_split,
    _forward_from_another_shape,
    _reshape_a_top,
    _look_at_weights_gradient,
    _reshape,
    _look,
    _look_at_diff,
    _look_at_split,
    _clear,
    _change_weights,
    _enter,
    _enter,
    _leave,
    _merge,
]


def result(deed, net, number):
    try:
        return deed(net, random.Random(number))
    except caffe.CaffeError as e:
        return str(e)


@pytest.mark.filterwarnings("ignore:the gradient of the last backward pass")
@pytest.mark.parametrize("text", [MODULE, FLAT], ids=["merged", "apart"])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_program_does_between_passes_they_are_the_same_to_the_bit(seed, text, tmp_path):
    both = made(tmp_path, text, repeats=False), made(tmp_path, text)
    chance = random.Random(seed)
    with ExitStack() as stack:
        for net in both:
            net.contexts = stack.enter_context(ExitStack())
        for _ in range(60):
            deed, number = chance.choice(DEEDS), chance.random()
            for _ in range(chance.choice([1, 1, 4])):
                wanted, found = (result(deed, net, number) for net in both)
                assert found == wanted, deed

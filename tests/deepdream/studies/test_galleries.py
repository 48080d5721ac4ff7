"""Galleries: which pictures they have, the strongest patches, and the page."""

from typing import Any

import numpy as np
import pytest

from deepdream.errors import TargetError
from deepdream.nets import find
from deepdream.nets.opening import read
from deepdream.studies.galleries import page, patches, plan
from deepdream.studies.galleries.noise import pink_noise


@pytest.fixture
def description(small_folder: Any, caffe: Any) -> Any:
    return read(find(str(small_folder)), caffe)


def test_every_layer_is_shown_from_noise_and_on_the_photograph(description: Any) -> None:
    entries = plan.planned(description, (64, 64), [], [], with_photo=True)
    layers = [entry.layer for entry in entries[::2]]
    assert "conv1" in layers and "inception_4c/output" in layers and "data" not in layers
    assert [entry.source for entry in entries] == [plan.NOISE, plan.PHOTO] * len(layers)
    assert len({entry.name for entry in entries}) == len(entries)


def test_layers_that_are_chosen_come_in_the_nets_order(description: Any) -> None:
    entries = plan.planned(description, (64, 64), ["4c", "conv1"], [], with_photo=False)
    assert [entry.layer for entry in entries] == ["conv1", "inception_4c/output"]


def test_channels_follow_their_layer(description: Any) -> None:
    channels = [plan.Channels("4c", 1, 3), plan.Channels("4c", 2, 4)]
    entries = plan.planned(description, (64, 64), ["4c"], channels, with_photo=False)
    assert [entry.channel for entry in entries] == [None, 1, 2, 3]
    assert entries[1].objective == 'channel("inception_4c/output", 1)'


def test_all_channels_are_as_many_as_the_layer_has(description: Any) -> None:
    entries = plan.planned(description, (64, 64), ["conv1"], [plan.Channels("conv1")], False)
    count = next(layer for layer in description.layer if layer.name == "conv1")
    assert len(entries) == 1 + count.convolution_param.num_output


@pytest.mark.parametrize(
    "layers, channels, message",
    [
        (["9z"], [], 'no layer "9z"'),
        ([], [plan.Channels("conv1", 0, 10_000)], "and no 9999"),
    ],
)
def test_what_is_not_there_is_refused(
    description: Any, layers: Any, channels: Any, message: str
) -> None:
    with pytest.raises(TargetError, match=message):
        plan.planned(description, (64, 64), layers, channels, False)


@pytest.mark.parametrize(
    "text, channels",
    [
        ("4c", plan.Channels("4c")),
        ("4c:0-15", plan.Channels("4c", 0, 16)),
        ("a:b:3-3", plan.Channels("a:b", 3, 4)),
        ("a:b", plan.Channels("a:b")),
    ],
)
def test_channels_are_read(text: str, channels: Any) -> None:
    assert plan.channels_of(text) == channels


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before"):
        plan.channels_of("4c:5-2")


def test_patches_are_the_parts_where_a_channel_is_strongest(net: Any, description: Any) -> None:
    rng = np.random.RandomState(0)
    dull = np.full((80, 100, 3), 128, np.float32)
    lively = dull.copy()
    lively[16:32, 60:76] += rng.uniform(-120, 120, (16, 16, 3))
    found = patches.strongest(net, description, "conv1", [0, 1], [dull, lively])
    for channel in (0, 1):
        first, second = found[channel]
        assert first.value >= second.value
    best = max((found[0][0], found[1][0]), key=lambda patch: patch.value)
    assert best.picture.shape == (patches.SIDE, patches.SIDE, 3) and best.picture.std() > 45


def test_no_more_patches_are_kept_than_are_shown(net: Any, description: Any) -> None:
    rng = np.random.RandomState(1)
    photographs = [np.float32(rng.randint(0, 256, (64, 64, 3))) for _ in range(patches.EACH + 2)]
    (kept,) = patches.strongest(net, description, "conv1", [0], photographs).values()
    values = [patch.value for patch in kept]
    assert len(kept) == patches.EACH and values == sorted(values, reverse=True)


def test_the_page_loads_small_pictures_as_they_are_seen_and_names_what_failed() -> None:
    entry = plan.Entry("a<b", None, plan.NOISE, "a_b-noise")
    silent = plan.Entry("a<b", 3, plan.NOISE, "a_b-channel-0003")
    shown = [
        page.Shown(entry, "p/a b.png", "t/a.jpg"),
        page.Shown(silent, "", "", why="no & no"),
    ]
    text = page.render("m", "two", shown, 5)
    assert 'loading="lazy"' in text and 'href="p/a%20b.png"' in text
    assert "channel 3: no &amp; no" in text and "a&lt;b" in text and "a<b" not in text
    assert "<summary>1 layer</summary>" in text
    assert "5 pictures are still to be made" in text
    assert "still to be made" not in page.render("m", "none", [], 0)


def test_the_noise_is_the_seeds_and_has_as_much_in_every_octave() -> None:
    noise = pink_noise((64, 48), 3)
    assert noise.shape == (64, 48, 3) and noise.dtype == np.float32
    assert np.array_equal(noise, pink_noise((64, 48), 3))
    assert not np.array_equal(noise, pink_noise((64, 48), 4))
    assert abs(noise.mean() - 128) < 1 and 20 < noise.std() < 26
    octaves = noise.reshape(32, 2, 24, 2, 3).mean((1, 3)), noise.reshape(8, 8, 6, 8, 3).mean((1, 3))
    coarse = [each.std() / noise.std() for each in octaves]
    assert coarse[0] > 0.8 and coarse[1] > 0.5  # of white noise 1/2 and 1/8 would be left

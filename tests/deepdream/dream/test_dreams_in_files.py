"""A dream whose arrays are in files is the dream in memory, to the bit."""

from unittest import mock

import numpy as np
import pytest

import deepdream
from deepdream.dream import smoothing
from deepdream.dream.objectives import l2
from deepdream.dream.octaves import StopDream
from deepdream.dream.step import make_step
from deepdream.dream.tiles import Tiled
from deepdream.errors import NotFiniteError, TargetError, ZeroGradientError
from deepdream.pictures import arrays

END = "inception_4c/output"
SIZE = 97, 130


@pytest.fixture
def scratch(tmp_path):
    return arrays.Scratch(tmp_path)


@pytest.fixture
def photo(rng):
    return np.float32(rng.randint(0, 256, (*SIZE, 3)))


def dreamt(net, photo, new=None, **params):
    """A dream by tiles; by strips of few rows where its arrays are in files."""
    with mock.patch.object(arrays, "_MOST", 2500 if new else 10**9):
        rng = np.random.RandomState(4)
        return deepdream.deepdream(net, photo, 2, 3, rng=rng, tile=(48, 56), new=new, **params)[:]


@pytest.mark.parametrize("smooth", [
    "", "gaussian", "gaussian:5", "laplacian", "laplacian:9", "natural", "laplacian+natural",
])  # fmt: skip
@pytest.mark.parametrize("clip", [True, False])
def test_a_dream_in_files_is_the_one_in_memory(net, photo, scratch, smooth, clip):
    how = dict(smoothing=smoothing.named(smooth), clip=clip)
    file = scratch(photo.shape)
    file[...] = photo
    made = dreamt(net, file, scratch, **how)
    np.testing.assert_array_equal(made, dreamt(net, photo, **how))
    assert np.abs(made - photo).mean() > 1


def test_reports_of_a_dream_in_files_show_the_same_pictures(net, photo, scratch):
    def seen(new):
        looks = []
        dreamt(net, photo, new, report=lambda p: looks.extend([p.picture[:], p.full_picture[:]]))
        return looks

    for one, other in zip(seen(None), seen(scratch)):
        np.testing.assert_array_equal(one, other)


def test_a_dream_in_files_that_is_stopped_is_the_one_in_memory(net, photo, scratch):
    def stop(p):
        if (p.octave, p.step) == (2, 1):
            raise StopDream

    made = dreamt(net, photo, scratch, report=stop)
    np.testing.assert_array_equal(made, dreamt(net, photo, report=stop))


def test_a_step_that_cannot_be_taken_leaves_the_picture_as_it_was(net, scratch, rng):
    picture = np.float32(rng.uniform(-90, 90, (1, 3, *SIZE)))
    tiled = Tiled(net, scratch(picture.shape), l2(END), (48, 56), new=scratch)
    tiled.data[...] = picture
    with pytest.raises(NotFiniteError, match="a step of 1e\\+300 grey levels"):
        make_step(net, 1e300, tiled=tiled)
    np.testing.assert_array_equal(tiled.data[...], picture)
    nothing = Tiled(net, tiled.data, 0 * l2(END), (48, 56), new=scratch)
    with pytest.raises(ZeroGradientError, match="the gradient is zero everywhere"):
        make_step(net, tiled=nothing)
    np.testing.assert_array_equal(tiled.data[...], picture)


def test_what_is_not_a_number_ends_the_dream_with_the_last_good_picture(net, photo, scratch):
    with pytest.raises(NotFiniteError, match="octave 1 of 3, step 1 of 2") as e:
        dreamt(net, photo, scratch, step_size=1e300)
    assert e.value.picture[:].shape[2] == 3


def test_a_prior_of_a_picture_in_files_is_refused(net, photo, scratch):
    with pytest.raises(TargetError, match="a prior looks at the whole picture"):
        dreamt(net, photo, scratch, prior=deepdream.priors.tv())

"""Pictures as spectra: the gradient against finite differences, views against their adjoint."""

from types import SimpleNamespace

import numpy as np
import pytest

from deepdream.dream import fourier
from deepdream.dream.fourier import Adam, CloseUp, Spectrum, View


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(5, 6), (6, 7), (4, 4)])
def test_the_gradient_is_that_of_finite_differences(size, channels):
    spectrum = Spectrum(size, channels)
    numbers = np.float64(20 * spectrum.start([np.random.RandomState(1)]))
    weights = np.random.RandomState(0).normal(size=(1, channels, *size))
    found = spectrum.gradient(spectrum.pictures(numbers), weights)
    for place in np.ndindex(numbers.shape):
        change = np.zeros_like(numbers)
        change[place] = 1e-5
        up, down = (spectrum.pictures(numbers + s * change) for s in (1, -1))
        assert abs(((up - down) * weights).sum() / 2e-5 - found[place]) < 1e-5


@pytest.mark.parametrize("power", [1, 1.5])
def test_float32_is_as_good_as_float64_but_for_rounding(power):
    spectrum = Spectrum((48, 50), decay_power=power)
    numbers = 40 * spectrum.start([np.random.RandomState(1), np.random.RandomState(2)])
    weights = np.float32(np.random.RandomState(0).normal(size=(2, 3, 48, 50)))
    made = spectrum.pictures(numbers)
    waves = np.fft.irfft2((numbers[..., 0] + 1j * numbers[..., 1]) * spectrum._scale, (48, 50)) / 4
    exact = 255 / (1 + np.exp(-np.einsum("nchw,dc->ndhw", waves, fourier._COLOURS)))
    assert made.dtype == np.float32 and made.std() > 20 and np.abs(made - exact).max() < 2e-4
    found, right = (spectrum.gradient(of, weights) for of in (made, exact))
    assert found.dtype == np.float32
    assert np.linalg.norm(found - right) < 1e-6 * np.linalg.norm(right)


def test_transforms_in_float64_alone_serve_float32_too(monkeypatch):
    spectrum = Spectrum((10, 11))
    numbers = 40 * spectrum.start([np.random.RandomState(1)])
    made = spectrum.pictures(numbers)
    found = spectrum.gradient(made, made)
    # NumPy's before version 2
    old = SimpleNamespace(
        rfft2=lambda x: np.fft.rfft2(np.float64(x)),
        irfft2=lambda x, size: np.fft.irfft2(np.complex128(x), size),
    )
    monkeypatch.setattr(fourier, "_transforms", lambda: old)
    assert np.allclose(spectrum.pictures(numbers), made, rtol=0, atol=2e-4)
    again = spectrum.gradient(made, made)
    assert again.dtype == np.float32
    assert np.linalg.norm(again - found) < 1e-6 * np.linalg.norm(found)


def test_a_new_spectrum_is_a_nearly_grey_picture_of_its_seed():
    spectrum = Spectrum((32, 40))
    first, second = spectrum.pictures(
        spectrum.start([np.random.RandomState(3), np.random.RandomState(4)])
    )
    assert first.shape == (3, 32, 40) and first.dtype == np.float32
    assert abs(first.mean() - 127.5) < 5 and 0 < first.std() < 20
    assert not np.array_equal(first, second)
    again = spectrum.pictures(spectrum.start([np.random.RandomState(3)]))[0]
    assert np.array_equal(first, again)


def test_low_frequencies_weigh_more():
    scale = Spectrum((16, 16))._scale
    assert scale[0, 1] == pytest.approx(16 * 16) and scale[8, 8] < scale[0, 1] / 10
    assert scale[0, 0] == scale[0, 1]


def test_a_decay_power_weakens_fine_waves_and_strengthens_coarse_ones():
    by_power = [Spectrum((16, 16), decay_power=power)._scale for power in (1, 2)]
    ratio = by_power[1] / by_power[0]
    assert ratio[0, 4] == pytest.approx(1) and ratio[0, 8] == pytest.approx(1 / 2)
    assert ratio[0, 1] == pytest.approx(4)


def test_pictures_never_leave_their_range():
    spectrum = Spectrum((6, 6))
    made = spectrum.pictures(1e6 * spectrum.start([np.random.RandomState(0)]))
    assert made.min() >= 0 and made.max() <= 255 and np.isfinite(made).all()


def test_a_view_of_nothing_is_the_picture():
    matrix, border = View(0, 0, 0).matrix((5, 7), np.random.RandomState(0))
    picture = np.arange(35.0)
    assert np.allclose(matrix @ picture, picture) and not border.any()


def test_a_view_of_a_flat_picture_is_flat_and_grey_beyond_its_border():
    matrix, border = View().matrix((20, 30), np.random.RandomState(2))
    assert np.allclose(matrix @ np.full(600, 127.5) + border, 127.5)
    assert border.max() == 127.5


def test_a_quarter_turn_is_numpys():
    class Quarter:
        def uniform(self, low, high, size=None):
            return np.zeros(size) if size else high

    matrix, _ = View(0, 0, 90).matrix((6, 6), Quarter())
    picture = np.random.RandomState(0).normal(size=(6, 6))
    assert np.allclose((matrix @ picture.ravel()).reshape(6, 6), np.rot90(picture, -1))


def test_a_close_up_goes_from_the_views_own_size_to_the_whole():
    shares = []
    for seed in range(40):
        matrix, border = CloseUp(0, turn=0, closest=1).matrix(
            (24, 24), np.random.RandomState(seed), (8, 8)
        )
        assert matrix.shape == (64, 576) and np.allclose(border, 0)
        shares.append(np.ptp(matrix.indices // 24) / 23)
    assert 0.3 < min(shares) < 0.5 and 0.8 < max(shares) <= 1


def test_a_close_up_looks_at_every_part():
    seen = np.zeros(576)
    for seed in range(400):
        seen += CloseUp(turn=0).matrix((24, 24), np.random.RandomState(seed), (8, 8))[0].sum(0).A1
    assert (seen > 0).all()


def test_a_view_weighs_four_neighbours_each():
    matrix, _ = View(0, 0.1, 0).matrix((9, 11), np.random.RandomState(1), (4, 5))
    assert matrix.dtype == np.float32 and matrix.shape == (20, 99)
    picture = np.add.outer(3 * np.arange(9), np.arange(11)).astype(np.float32)
    seen = (matrix @ picture.ravel()).reshape(4, 5)
    # a slope stays one, about the same middle
    assert np.allclose(np.diff(seen, 2, 0), 0, atol=1e-4)
    assert np.allclose(np.diff(seen, 2, 1), 0, atol=1e-4)
    assert np.isclose(seen.mean(), picture.mean())


def test_adam_climbs_a_parabola_to_its_top():
    ascent, x = Adam(0.1), np.array([5.0, -3.0])
    for _ in range(300):
        ascent(x, -2 * (x - [1, 2]))
    assert np.allclose(x, [1, 2], atol=1e-2)


def test_adams_first_step_is_the_rate_in_each_number():
    x = np.zeros(3)
    Adam(0.05)(x, np.array([1e-3, -7, 200]))
    assert np.allclose(x, [0.05, -0.05, 0.05])


def test_adam_moves_numbers_by_the_papers_formula(monkeypatch):
    monkeypatch.setattr(fourier, "_TOGETHER", 5)  # of 12, so that the last ones are fewer
    rng = np.random.RandomState(0)
    ascent, x = Adam(0.05), np.zeros((3, 4), np.float32)
    right, mean, square = np.zeros((3, 4)), 0.0, 0.0
    for step in range(1, 7):
        g = rng.normal(size=(3, 4))
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        root = np.sqrt(square / (1 - 0.999**step))
        right += 0.05 * mean / (1 - 0.9**step) / (root + 1e-8)
        ascent(x, np.float32(g))
        assert np.allclose(x, right, rtol=1e-5, atol=1e-6)

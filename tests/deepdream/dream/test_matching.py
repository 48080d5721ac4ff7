"""Objective matching: f and its gradient agree, it beats plain ascent; the command's requests."""

from contextlib import nullcontext

import numpy as np
import pytest
from scipy.linalg import cython_blas
from scipy.optimize import check_grad

import deepdream
from deepdream import pictures
from deepdream.dream import blas, matching, priors
from deepdream.errors import NotFiniteError, TargetError

END = "inception_3b/output"


@pytest.fixture
def function(net, rng):
    """(a Matching of a small picture, a point to look at).

    Smooth enough for differences, with a prior of the data term's size.
    """
    net.blobs["data"].reshape(1, 3, 12, 10)
    x = rng.uniform(-60, 60, (1, 3, 12, 10))
    net.blobs["data"].data[...] = x
    net.forward(end=END)
    target = net.blobs[END].data * 1.5 + rng.normal(0, 5, net.blobs[END].data.shape).astype(
        np.float32
    )
    prior = priors.tv(2)
    return matching.Matching(
        net, END, target, prior, 0.3 / prior.value_and_gradient(x)[0]
    ), x.ravel()


def directional(f, x, rng, step=0.05):
    """Largest relative difference of the gradient and central differences.

    Over directions near the gradient's.
    """
    gradient = f(x)[1]
    worst = 0.0
    for _ in range(5):
        direction = gradient / np.abs(gradient).max() + rng.normal(0, 0.2, x.size)
        slope = float(gradient @ direction)
        expected = (f(x + step * direction)[0] - f(x - step * direction)[0]) / (2 * step)
        worst = max(worst, abs(slope - expected) / abs(expected))
    return worst


def test_f_and_its_gradient_agree(function, rng):
    f, x = function
    assert directional(f, x, rng) < 0.02


def test_check_grad_agrees(function):
    # SciPy's own check, over every pixel of a picture; the two-sided difference of float32
    # activations is exact to a per cent
    f, x = function
    gradient = f(x)[1]
    error = check_grad(lambda z: f(z)[0], lambda z: f(z)[1], x, epsilon=0.02)
    assert error < 0.05 * np.linalg.norm(gradient)


def without_its_factor(f):
    """The mistake of a missing 2 / ||T||^2 in the gradient."""

    def mistaken(x):
        value, gradient = f(x)
        shape = f.net.blobs["data"].data.shape
        prior = f.weight * f.prior.value_and_gradient(x.reshape(shape))[1].ravel()
        return value, (gradient - prior) * f.norm / 2 + prior

    return mistaken


def with_a_wrong_prior(f):
    """The mistake of a prior's gradient that lacks the adjoint of its differences."""

    def mistaken(x):
        value, gradient = f(x)
        picture = x.reshape(f.net.blobs["data"].data.shape)
        right = f.prior.value_and_gradient(picture)[1]
        wrong = np.zeros_like(picture)
        wrong[..., :, :-1] = 2 * (picture[..., :, 1:] - picture[..., :, :-1])
        return value, gradient + f.weight * (wrong - right).ravel()

    return mistaken


@pytest.mark.parametrize("mistake", [without_its_factor, with_a_wrong_prior])
def test_the_check_finds_the_known_mistakes(mistake, function):
    f, x = function
    mistaken = mistake(f)
    error = check_grad(lambda z: mistaken(z)[0], lambda z: mistaken(z)[1], x, epsilon=0.02)
    assert error > 0.3 * np.linalg.norm(f(x)[1])


def test_matching_reaches_lower_than_ascent_with_as_many_gradients(net, picture):
    evaluations = 25
    enhance = matching.quantile(0.9, 2)
    result = matching.match(net, picture, END, enhance, evaluations=evaluations, octave_n=1)
    assert len(result.history) <= evaluations + 21  # SciPy finishes the line search that it is in
    used = len(result.history)
    target = enhance(deepdream.guide_features(net, picture, END)[None])
    best = np.inf
    for step in (0.3, 1.0, 3.0):
        src = net.blobs["data"]
        src.reshape(1, 3, 60, 80)
        f = matching.Matching(net, END, target)
        x = deepdream.preprocess(net, picture).astype(float).ravel()
        for _ in range(used):
            _, gradient = f(x)
            x = x - step * gradient / np.abs(gradient).mean()
        best = min(best, f.best[0])
    assert min(e.f for e in result.history) < best


def test_pixels_stay_within_their_bounds_and_the_best_is_returned(net, picture):
    result = matching.match(net, picture, END, matching.multiply(5), evaluations=8, octave_n=2)
    assert result.picture.min() >= -1e-3 and result.picture.max() <= 255.001
    assert [e.octave for e in result.history] == sorted(e.octave for e in result.history)
    last = [e.f for e in result.history if e.octave == 2]
    net.blobs["data"].reshape(1, 3, 60, 80)
    f = matching.Matching(
        net, END, matching.multiply(5)(deepdream.guide_features(net, picture, END)[None])
    )
    assert f(deepdream.preprocess(net, result.picture).astype(float).ravel())[0] == pytest.approx(
        min(last), rel=1e-4
    )


def test_the_detail_of_one_octave_is_carried_to_the_next(net, picture):
    alone = matching.match(net, picture, END, matching.multiply(3), evaluations=1).history[0]
    carried = matching.match(
        net, picture, END, matching.multiply(3), evaluations=15, octave_n=2
    ).history
    assert [e for e in carried if e.octave == 2][0].f < 0.95 * alone.f


def test_inversion_comes_nearer_to_the_other_picture(net, picture, rng):
    other = np.clip(picture[:, ::-1] * 0.5 + 60, 0, 255)
    result = matching.match(net, picture, "conv1", target_img=other, evaluations=40, octave_n=1)
    assert min(e.f for e in result.history) < 0.05 * result.history[0].f
    assert np.abs(result.picture - other).mean() < 0.6 * np.abs(picture - other).mean()


def test_the_prior_takes_noise_away(net, picture):
    def roughness(weight):
        matched = matching.match(
            net,
            picture,
            END,
            matching.multiply(2),
            prior=priors.tv(2),
            weight=weight,
            evaluations=10,
            octave_n=1,
        ).picture
        return priors.tv(2).value_and_gradient(matched.transpose(2, 0, 1)[None])[0]

    assert roughness(1.0) < 0.5 * roughness(0.1) < 0.5 * roughness(0)


@pytest.mark.parametrize("enhance, expected", [
    (matching.quantile(0.75, 3), [1, 2, 3, 12]),
    (matching.multiply(2), [2, 4, 6, 8]),
    (matching.channels(10, 0), [10, 20, 3, 4]),
])  # fmt: skip
def test_enhancements(enhance, expected):
    x = np.float32([1, 2, 3, 4]).reshape(1, 2, 1, 2)
    assert enhance(x).ravel().tolist() == expected and x.ravel().tolist() == [1, 2, 3, 4]


def test_a_function_that_breaks_keeps_the_best_picture(net, picture, monkeypatch):
    calls = []
    right = matching.backward

    def breaking(*args, **kwargs):
        calls.append(1)
        gradient = right(*args, **kwargs)
        return gradient * np.nan if len(calls) == 4 else gradient

    monkeypatch.setattr(matching, "backward", breaking)
    with pytest.raises(NotFiniteError, match="octave 1 of 1, evaluation 4: f is not a number") as e:
        matching.match(net, picture, END, matching.multiply(2), evaluations=10, octave_n=1)
    assert e.value.picture.shape == (60, 80, 3) and np.isfinite(e.value.picture).all()


def test_a_target_of_nothing(net, picture):
    with pytest.raises(TargetError, match="the target is zero everywhere"):
        matching.match(net, picture, END, matching.multiply(0))
    with pytest.raises(TargetError, match="one of them"):
        matching.match(net, picture, END)


# ---- the command


@pytest.fixture
def match(run, photo, small_folder, engine_name, tmp_path):
    def call(*args):
        where = ["-o", tmp_path / "out.png", "--model", small_folder, "--engine", engine_name]
        quick = ["--end", END, "--evaluations", 4, "--octaves", 2]
        return run("match", photo, *where, *quick, *args)

    return call


def test_the_command_writes_a_picture_with_its_settings(match, tmp_path):
    code, said, err = match("--enhance", "quantile:0.9:x2", "--prior", "tv:2+alpha:6")
    assert code == 0 and "in the last octave" in said and err == ""
    assert pictures.load(tmp_path / "out.png").shape == (90, 120, 3)
    assert '"enhance": "quantile:0.9:x2"' in pictures.read_recipe(tmp_path / "out.png")


def test_without_a_target_the_default_enhances(match, tmp_path):
    code, _, err = match()
    assert code == 0, err
    assert '"enhance": "quantile:0.99:12"' in pictures.read_recipe(tmp_path / "out.png")


def test_another_picture_of_another_size_is_resized_and_said_so(match, tmp_path, rng):
    pictures.save(tmp_path / "other.png", rng.uniform(0, 255, (50, 40, 3)))
    code, said, _ = match("--to", tmp_path / "other.png")
    assert code == 0 and "other.png is resized to 120x90, the picture's size" in said


@pytest.mark.parametrize("args, message", [
    (["--enhance", "quantile:1.5:2"], "a quantile lies between 0 and 1, not at 1.5"),
    (["--enhance", "sharpen"], "--enhance sharpen: unknown; write quantile:0.9:2"),
    (["--enhance", "channel:inf:2"], "--enhance channel:inf:2: unknown"),
    (["--enhance", "channel:nan:2"], "unknown"),
    (["--enhance", "channel:1.5:2"], "unknown"),
    (["--enhance", "channel:2:inf"], "unknown"),
    (["--enhance", "channel:\u00b2:2"], "unknown"),
    (["--enhance", "channel::2"], "unknown"),
    (["--enhance", "channel:-1:2"], "no -1"),
    (["--enhance", "multiply:1e300"], "unknown"),
    (["--enhance", "quantile:nan:2"], "unknown"),
    (["--enhance", "multiply:2", "--prior", "tv:."], "--prior tv:.: unknown"),
    (["--enhance", "multiply:2", "--prior", "tv:1.2.3"], "--prior tv:1.2.3: unknown"),
    (["--enhance", "multiply:2", "--prior", "tv:\u00b2"], "unknown"),
    (["--enhance", "multiply:2", "--prior", ""], "unknown"),
    (["--enhance", "multiply:2", "--evaluations", "9" * 30], "at most"),
    (["--enhance", "multiply:2", "--weight", "nan"], "at least 0"),
    (["--enhance", "channel:99:2"], "has 12 channels, from 0 to 11, no 99"),
    (["--enhance", "multiply:2", "--prior", "smooth"], "--prior smooth: unknown"),
    (["--enhance", "multiply:2", "--prior", "tv:0"], "between 1 and 20"),
    (["--enhance", "multiply:2", "--weight", "1e6"], "times the data term's"),
    (["--enhance", "multiply:2", "--weight", "-1"], "at least 0"),
    (["--enhance", "multiply:2", "--to", "x.png"], "not allowed with"),
    (["--to", "nothing.png"], "no such picture"),
    (["--enhance", "multiply:2", "--plot", "x.png"], "unknown format"),
])  # fmt: skip
def test_requests_that_cannot_be_met(args, message, match, tmp_path):
    code, _, err = match(*args)
    assert code == 2 and message in err.strip().splitlines()[-1], err
    assert not (tmp_path / "out.png").exists()


def test_a_match_that_goes_on_equals_one_that_was_not_interrupted(net, picture):
    reached = []
    settings = dict(octave_n=3, octave_scale=1.3, evaluations=3)
    how = (net, picture, "inception_3b/output", matching.multiply(2), None, priors.tv())
    whole = matching.match(*how, **settings, reached=reached.append)
    assert [at.octave for at in reached] == [1, 2]
    for at in reached:
        rest = matching.match(*how, **settings, since=at)
        np.testing.assert_array_equal(rest.picture, whole.picture)
        assert rest.history == whole.history


class Blas:
    """As SciPy's own, of three threads."""

    threads = 3

    def scipy_openblas_get_num_threads(self):
        return self.threads

    def scipy_openblas_set_num_threads(self, count):
        self.threads = count


@pytest.mark.parametrize("fails", [False, True])
def test_scipys_sums_run_on_one_thread_while_it_matches(fails, net, picture, monkeypatch):
    library, seen = Blas(), []
    monkeypatch.setattr(blas, "_scipys_own", lambda: library)

    def report(evaluation):
        seen.append(library.threads)
        if fails:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) if fails else nullcontext():
        deepdream.match(
            net, picture, END, matching.multiply(2), evaluations=2, octave_n=1, report=report
        )
    assert set(seen) == {1} and library.threads == 3


def test_without_a_blas_of_its_own_scipys_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(cython_blas, "__file__", __file__)  # which is no library
    assert blas._scipys_own() is None
    with blas.on_one_thread():
        pass

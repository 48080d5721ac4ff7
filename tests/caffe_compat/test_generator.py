"""The random numbers of Boost, as Caffe draws them."""

import numpy as np
import pytest

import caffe_compat as caffe
from caffe_compat.generator import Generator
from tests.support.gradcheck import build


def test_words_are_those_of_the_mersenne_twister():
    # the C++ standard's check of mt19937: its 10,000th word from the seed 5489
    assert int(Generator(5489).words(10000)[-1]) == 4123659995


def test_words_come_in_one_order_whatever_the_portions():
    whole = Generator(7).words(100)
    g = Generator(7)
    np.testing.assert_array_equal(np.concatenate([g.words(n) for n in (1, 30, 69)]), whole)


def test_normal_numbers_are_those_that_caffe_draws():
    # of caffe.set_random_seed(3), after the 21 words of an xavier filler
    g = Generator(3)
    first = g.uniform(-((3 / 7) ** 0.5), (3 / 7) ** 0.5, 21)
    np.testing.assert_allclose(first[:3], [0.06651002, -0.5620531, 0.27252948], rtol=1e-6)
    np.testing.assert_allclose(g.normal(0, 1, 3), [0.26021934, 0.583335, -0.6519632], rtol=1e-6)


def test_normal_numbers_take_only_the_words_that_they_need():
    whole, parts = Generator(4), Generator(4)
    values = whole.normal(0, 1, 5000)
    cut = np.concatenate([parts.normal(0, 1, n) for n in (1, 999, 4000)])
    np.testing.assert_array_equal(values, cut)
    assert whole.word() == parts.word()


def test_normal_numbers_are_normal():
    values = Generator(1).normal(2, 3, 400_000)
    scaled = (values.astype(float) - 2) / 3
    assert abs(scaled.mean()) < 0.01 and abs(scaled.std() - 1) < 0.01
    assert abs((scaled**4).mean() - 3) < 0.05
    assert 0.0003 < (np.abs(scaled) > 3.4427).mean() < 0.0009  # from the tail: 5.8e-4


def test_shuffled_lists_have_every_order():
    g, seen = Generator(2), set()
    for _ in range(200):
        items = [1, 2, 3]
        g.shuffle(items)
        seen.add(tuple(items))
    assert len(seen) == 6


def test_chances_are_kept():
    g = Generator(3)
    assert not g.bernoulli(0, 100).any() and g.bernoulli(1, 100).all()
    assert abs(g.bernoulli(0.3, 100_000).mean() - 0.3) < 0.01


@pytest.mark.parametrize(
    "filler", ["uniform min: nan", "uniform min: 2 max: 1", "uniform min: -3e38 max: 3e38",
               "gaussian std: -1", "gaussian std: nan"],
)  # fmt: skip
def test_a_filler_that_makes_no_numbers_is_refused(filler):
    kind, _, settings = filler.partition(" ")
    text = f'type: "InnerProduct" inner_product_param {{ num_output: 2 weight_filler {{ type: "{kind}" {settings} }} }}'  # noqa: E501
    with pytest.raises(caffe.PrototxtError, match=f"the {kind} filler makes no"):
        build(text, np.zeros((1, 3)))


def test_one_seed_gives_one_dropout():
    text = 'type: "Dropout"'
    tops = []
    for _ in range(2):
        caffe.set_random_seed(6)
        layer, bottom, top = build(text, np.ones((1, 50)), phase=caffe.TRAIN)
        layer.forward(bottom, top)
        tops.append(top[0].data.copy())
    np.testing.assert_array_equal(*tops)
    assert set(np.unique(tops[0])) == {0, 2}

"""What measures the creature net: the table of synsets, spectra, the attack, and the readme."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

if sys.version_info < (3, 11):
    pytest.skip("training needs Python 3.11", allow_module_level=True)

import PIL.Image

from deepdream.errors import DreamError
from netfile.system.places import MODELS
from scripts.training import measure_creatures
from scripts.training.creatures import changes, figures, held_out, seen, synsets
from scripts.training.creatures.classes import ANIMAL_COUNT, LABELS


def test_every_animal_is_in_imagenet_or_said_to_be_lacking() -> None:
    counting = synsets.counting()
    assert sorted([*counting, *synsets.lacking()]) == sorted(LABELS[:ANIMAL_COUNT])


def test_synsets_are_those_that_are_meant() -> None:
    counting = synsets.counting()
    assert counting["dog"] == {*range(151, 269), 273}  # 118 breeds, and the dingo
    assert counting["crowned crane"] == {134}  # the bird, not the machine, 517
    assert counting["moth"] == set(range(321, 327))
    assert all(numbers and max(numbers) < 398 for numbers in counting.values())  # all are animals


def test_a_name_that_imagenet_has_twice_or_not_is_refused() -> None:
    numbers = synsets._numbers(["n1 crane", "n2 owl, bird", "n3 crane"])
    assert list(synsets._expanded(["owl", "n1"], numbers)) == [1, 0]
    for name in ("crane", "bird"):
        with pytest.raises(KeyError):
            list(synsets._expanded([name], numbers))


def test_seen_counts_own_classes_and_those_of_others() -> None:
    counting = {"owl": frozenset([1, 2]), "fox": frozenset([3])}
    answers = {
        "owl": np.array([[9, 8, 7, 3, 2], [1, 8, 7, 6, 5], [9, 8, 7, 6, 5]]),  # both; an owl; none
        "fox": np.array([[9, 8, 7, 6, 5], [9, 8, 7, 6, 4]]),  # none
    }
    found = seen.Seen.of(answers, counting)
    assert [found.any, found.mean, found.others] == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    assert found.seen == ["owl"]


def test_names_by_lot_hit_as_often_as_there_are_places_for_them() -> None:
    assert seen.chance([frozenset([7])]) == pytest.approx(5 / 1000)
    assert seen.chance([frozenset(range(998))]) == 1
    two = seen.chance([frozenset([7])], pictures_each=2)
    assert two == pytest.approx(1 - (1 - 5 / 1000) ** 2)


def test_a_cut_out_stands_in_the_middle_of_grey() -> None:
    red = PIL.Image.new("RGBA", (40, 20), (255, 0, 0, 255))
    made = seen.on_grey(red, 92)  # twice its square of 46 pixels
    assert made.shape == (92, 92, 3)
    assert np.abs(made[46, 46] - (255, 0, 0)).max() < 2
    assert np.abs(made[5] - 128).max() < 2 and np.abs(made[:, 0] - 128).max() < 2
    rows = np.nonzero(made[:, 46, 0] > 190)[0]
    assert (rows[0], rows[-1]) == (26, 65)


def noise(exponent: float, shape: Any = (192, 256)) -> np.ndarray:
    """Noise whose power falls with frequency to this exponent."""
    rng = np.random.RandomState(3)
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij"))
    frequency[0, 0] = 1
    white = np.fft.fft2(rng.standard_normal(shape))
    return np.fft.ifft2(white * frequency ** (exponent / 2)).real


@pytest.mark.parametrize("exponent", [0, -1, -2, -3])
def test_the_slope_of_noise_is_its_exponent(exponent: float) -> None:
    assert changes.slope(noise(exponent)) == pytest.approx(exponent, abs=0.15)
    assert changes.slope(1e3 * noise(exponent) + 77) == pytest.approx(exponent, abs=0.15)


def test_fringes_are_fine_colour_and_nothing_else() -> None:
    fine = noise(0)
    grey = np.repeat((128 + 20 * fine)[..., None], 3, 2)
    assert changes.fringes(grey) < 1e-20
    # chroma of Cb alone, as strong as the luminance: blue - light = 1.772 Cb
    colour = np.zeros_like(grey)
    colour[..., 2] = 1.772 * 20 * fine
    colour[..., 1] = -colour[..., 2] * 0.114 / 0.587
    assert changes.fringes(grey + colour) == pytest.approx(1)
    coarse = noise(-8)[..., None] * (1, 0, 0)
    assert changes.fringes(grey + 20 * coarse / coarse.std()) < 0.01


def test_pixels_change_that_change_by_more_than_eight_levels() -> None:
    before = np.full((10, 10, 3), 100, np.float32)
    after = before.copy()
    after[:3] += 9
    after[3:5] -= 7
    after[5:6, :, 2] += 60  # of blue, which is little light
    assert changes.changed_share(before, after) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="cannot be compared"):
        changes.changed_share(before, after[:5])


class Linear:
    """A net whose score of class 1 is the sum of its input, and of class 0 nothing."""

    def gradient(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(y[:, None, None, None] == 1, -1, 1) * np.ones_like(x)


def test_the_attack_goes_to_the_edge_of_its_ball() -> None:
    x, y = np.zeros((2, 3, 8, 8), np.float32), np.array([0, 1])
    moved = held_out.attack(Linear(), x, y, 50.0)
    assert np.sqrt((moved**2).sum((1, 2, 3))) == pytest.approx([50, 50], rel=1e-4)
    flat = 50 / np.sqrt(3 * 8 * 8)
    assert np.abs(moved[0] - flat).max() < 0.3 * flat
    assert np.abs(moved[1] + flat).max() < 0.3 * flat


def test_a_net_with_other_classes_is_not_tested_on_the_composites() -> None:
    with pytest.raises(DreamError, match="motif_googlenet: its classes are not those"):
        held_out.Attacked("motif_googlenet", "auto")


def test_gradients_of_the_published_net_raise_its_cross_entropy(caffe: Any) -> None:
    net = held_out.Attacked("creature_googlenet", caffe)
    rng = np.random.RandomState(0)
    x, y = np.float32(rng.normal(0, 40, (2, 3, 128, 128))), np.array([3, 70])
    gradient = net.gradient(x, y)

    def loss(at: np.ndarray) -> np.ndarray:
        return -np.log(held_out._softmax(net.scores(at))[[0, 1], y])

    step = gradient / np.sqrt((gradient**2).sum((1, 2, 3), keepdims=True))
    slope = (loss(x + 2 * step) - loss(x - 2 * step)) / 4
    norms = np.sqrt((gradient**2).sum((1, 2, 3)))
    assert slope == pytest.approx(norms, rel=0.1) and (norms > 0).all()


TEXT = f"# A net\n\n{figures.BEGIN}\nold | figures\n{figures.END}\n\nMore.\n"


def test_figures_take_the_place_between_the_markers_and_no_other() -> None:
    wanted = TEXT.replace("old | figures", "new")
    assert figures.replaced(TEXT, "new\n") == wanted
    assert figures.replaced(wanted, "new") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        figures.END + figures.BEGIN,
        TEXT + TEXT,
        TEXT.replace(figures.END, ""),
        figures.BEGIN + TEXT,
        TEXT + figures.END,
    ],
)
def test_a_readme_without_its_two_markers_is_refused(text: str) -> None:
    with pytest.raises(DreamError, match="readme.md: has not one <!-- measured -->"):
        figures.replaced(text, "new", "readme.md")


def test_the_creature_nets_readme_has_the_markers() -> None:
    text = (MODELS / "creature_googlenet" / "readme.md").read_text(encoding="utf-8")
    assert figures.replaced(text, "new").count("new\n" + figures.END) == 1


def test_the_figures_are_tables_of_the_readmes_width() -> None:
    look = changes.Look(-2.125, 0.05)
    changed = [figures.Changed("a_net", 0.5, look)]
    made = figures.what_changes(["the pagoda", "the flower"], look, changed)
    assert "| pixels changed |  | 50.0% |" in made
    assert "| slope of the spectrum | -2.12 | -2.12 |" in made
    right = figures.held_out(held_out.HeldOut(0.9, 100, 0.25, 40, 128, 200.0))
    assert "| 40 pictures, attacked (10 steps, L2 radius 200) | 25.0% |" in right
    prose = [line for line in (made + right).splitlines() if not line.startswith("|")]
    assert max(map(len, prose)) <= 100


def test_a_missing_pytorch_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "scripts.training.creatures.composites", raising=False)
    monkeypatch.setattr(measure_creatures.seen, "Judge", lambda *what: None)  # has no weights here
    assert measure_creatures.main([]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert "need PyTorch; install it with: pip install -e '.[train]'" in told.err


@pytest.mark.parametrize("options, is_written", [([], True), (["--classes", "3"], False)])
def test_the_readme_gets_the_figures_of_the_whole_alone(
    options: Any, is_written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    found = held_out.HeldOut(0.9, 100, 0.25, 40, 128, 200.0)
    for module, name, made in [
        (measure_creatures.nets, "find", SimpleNamespace(weights=tmp_path / "net.caffemodel")),
        (measure_creatures.nets, "open", None),
        (measure_creatures, "judged", "seen by the judge"),
        (measure_creatures, "changed", "changed by the dream"),
        (held_out, "composer_of", (None, (0.0, 0.0, 0.0))),
        (held_out, "accuracy", found),
        (seen, "Judge", None),
    ]:
        monkeypatch.setattr(module, name, lambda *args, made=made: made)
    readme = tmp_path / "readme.md"
    readme.write_text(TEXT)
    assert measure_creatures.main(options) == 0
    told, text = capsys.readouterr().out, readme.read_text()
    for figure in ("seen by the judge", "| 25.0% |", "changed by the dream"):
        assert figure in told and (figure in text) == is_written
    assert text.startswith("# A net\n\n") and text.endswith("\n\nMore.\n")

"""`deepdream.live`: the dream is the same, and it is seen, and can be stopped."""

import io
import os
import signal
import sys
from typing import Any, Dict, List

import numpy as np
import pytest
from PIL import Image

import deepdream
from deepdream.errors import MissingExtraError
from deepdream.notebooks import live as lives
from deepdream.pictures.thumbnail import jpeg

pytest.importorskip("IPython")
SETTINGS = {"iter_n": 2, "octave_n": 2, "jitter": 4, "end": "inception_3b/output"}


@pytest.fixture
def screen(monkeypatch: Any) -> List[np.ndarray]:
    """What a notebook shows, as it comes: RGB pictures."""
    seen: List[np.ndarray] = []

    class Handle:
        def update(self, data: bytes) -> None:
            seen.append(np.asarray(Image.open(io.BytesIO(data))))

    def display(shown: Any, display_id: bool = False) -> Handle:
        handle = Handle()
        if display_id:
            handle.update(shown)
        return handle

    monkeypatch.setattr(lives, "_display", lambda: (display, lambda data: data))
    return seen


def seeded(**more: Any) -> Dict[str, Any]:
    return {**SETTINGS, "rng": np.random.RandomState(3), **more}


def test_the_dream_is_deepdreams_to_the_bit(net: Any, picture: np.ndarray, screen: Any) -> None:
    plain = deepdream.deepdream(net, picture, **seeded())
    assert np.array_equal(deepdream.live(net, picture, seconds=0, **seeded()), plain)


def test_every_step_is_shown_small_and_the_result_at_last(
    net: Any, picture: np.ndarray, screen: Any
) -> None:
    dreamt = deepdream.live(net, picture, seconds=0, side=40, **seeded())
    assert len(screen) == 1 + 4 + 1 and {shown.shape for shown in screen} == {(30, 40, 3)}
    expected = np.asarray(Image.open(io.BytesIO(jpeg(np.float32(dreamt), 40))))
    assert np.array_equal(screen[-1], expected) and not np.array_equal(screen[0], expected)


def test_pictures_are_no_more_often_than_is_wanted(
    net: Any, picture: np.ndarray, screen: Any
) -> None:
    deepdream.live(net, picture, seconds=1000, **seeded())
    assert len(screen) == 2


def test_an_interrupt_keeps_the_picture_so_far(net: Any, picture: np.ndarray, screen: Any) -> None:
    steps = []

    def interrupt(p: Any) -> None:
        steps.append(p)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    dreamt = deepdream.live(net, picture, seconds=0, report=interrupt, **seeded(iter_n=20))
    assert len(steps) in (3, 4) and dreamt.shape == picture.shape  # a signal takes its time
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_is_as_ever(net: Any, picture: np.ndarray, screen: Any) -> None:
    def interrupt(p: Any) -> None:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        deepdream.live(net, picture, seconds=0, report=interrupt, **seeded())


def test_what_is_missing_is_named_with_how_to_get_it(net: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(MissingExtraError, match="sliders needs ipywidgets.*install it with"):
        lives.Controls(net, np.zeros((40, 40, 3)))


def test_sliders_dream_by_what_they_say(net: Any, picture: np.ndarray, screen: Any) -> None:
    pytest.importorskip("ipywidgets")
    controls = deepdream.Controls(net, picture, rng=np.random.RandomState(3), jitter=4, octave_n=2)
    assert controls.settings["octave_n"].value == 2 and controls.picture is None
    controls.settings["iter_n"].value = 2
    controls.settings["end"].value = "inception_3b/output"
    controls.button.click()
    plain = deepdream.deepdream(net, picture, **seeded(step_size=1.5))
    assert np.array_equal(controls.picture, plain) and not controls.button.disabled
    assert "data" not in controls.settings["end"].options
    named = deepdream.Controls(net, picture, end="inception_3b/output")
    assert named.settings["end"].value == "inception_3b/output"

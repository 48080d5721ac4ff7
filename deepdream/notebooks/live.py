"""A dream in a notebook's cell: its picture while it grows, and sliders for its settings."""

import signal
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Optional

import numpy as np

from netfile.system import places

from ..dream.octaves import Progress, StopDream, deepdream
from ..errors import MissingExtraError
from ..pictures.thumbnail import jpeg
from ..settings import DREAM


def live(
    net: Any,
    image: np.ndarray,
    *,
    seconds: float = 0.5,
    side: int = 640,
    report: Optional[Callable[[Progress], None]] = None,
    **params: Any,
) -> np.ndarray:
    """`deepdream`, shown while it grows, in place of the picture before. The notebook's own cell 4
    shows each step likewise, by clear_output.

    The kernel's interrupt ends the dream after its present step, and the picture so far is
    returned; a second one is a KeyboardInterrupt.

    Args:
        image: RGB (H, W, 3), 0..255.
        seconds: from one picture to the next, at the least.
        side: pixels of the shown picture's longest side, at most.
        report: as in `deepdream`.
        params: of `deepdream`.

    Returns:
        RGB float32 (H, W, 3), to the bit what `deepdream` gives.

    Raises:
        MissingExtraError: there is no IPython.
        DreamError: as `deepdream`.
    """
    display, picture_of = _display()
    screen = display(picture_of(jpeg(np.asarray(image, np.float32), side)), display_id=True)
    last = time.monotonic()
    with _stoppable() as asked:

        def show(p: Progress) -> None:
            nonlocal last
            if report:
                report(p)
            if time.monotonic() - last >= seconds:
                screen.update(picture_of(jpeg(np.asarray(p.full_picture, np.float32), side)))
                last = time.monotonic()
            if asked.is_set():
                raise StopDream

        dreamt: np.ndarray = deepdream(net, image, report=show, **params)
    screen.update(picture_of(jpeg(np.asarray(dreamt, np.float32), side)))
    return dreamt


class Controls:
    """Sliders and a button in a notebook's cell, which dream on a picture by `live`.

    `picture`: what was dreamt last, RGB float32 (H, W, 3), or None.
    """

    def __init__(self, net: Any, image: np.ndarray, **params: Any) -> None:
        """Show them.

        Args:
            net, image, params: of `live`; the sliders begin at these `params`.

        Raises:
            MissingExtraError: there is no ipywidgets.
        """
        widgets = _widgets()
        display, _ = _display()
        layers = _layers(net)
        wanted = params.pop("end", DREAM.end)
        self.picture: Optional[np.ndarray] = None
        self._net, self._image = net, image
        settings = {
            "end": widgets.Dropdown(options=layers, description="layer"),
            "iter_n": widgets.IntSlider(DREAM.iterations, 1, 60, description="steps"),
            "octave_n": widgets.IntSlider(DREAM.octaves, 1, 8, description="octaves"),
            "step_size": widgets.FloatSlider(
                DREAM.step_size, min=0.1, max=6, step=0.1, description="step size"
            ),
        }
        settings["end"].value = wanted if wanted in layers else layers[-1]
        for name in set(settings) & set(params):
            settings[name].value = params.pop(name)
        self.settings, self._params = settings, params
        self.button = widgets.Button(description="Dream", button_style="primary")
        self.button.on_click(lambda _: self.dream())
        self._output = widgets.Output()
        display(widgets.VBox([*settings.values(), self.button, self._output]))

    def dream(self) -> None:
        """Dream by what the sliders say."""
        chosen = {name: widget.value for name, widget in self.settings.items()}
        self._output.clear_output()
        self.button.disabled = True
        try:
            with self._output:
                self.picture = live(self._net, self._image, **chosen, **self._params)
        finally:
            self.button.disabled = False


def _layers(net: Any) -> List[str]:
    """The layers that have a blob of their name, in order, without the inputs."""
    inputs = set(net.inputs)
    return [name for name in net._layer_names if name in net.blobs and name not in inputs]


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Context manager: an Event that the first interrupt sets; the next one is as ever."""
    asked, before = threading.Event(), None

    def ask(*signal_and_frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _display() -> Any:
    """IPython's display, and what makes a JPEG's bytes a picture for it."""
    try:
        from IPython.display import Image as Shown
        from IPython.display import display
    except ImportError as e:
        raise _missing("a dream in a notebook", "IPython", e) from None
    return display, lambda data: Shown(data=data, format="jpeg")


def _widgets() -> Any:
    try:
        import ipywidgets
    except ImportError as e:
        raise _missing("sliders", "ipywidgets", e) from None
    return ipywidgets


def _missing(what: str, package: str, error: Exception) -> MissingExtraError:
    return MissingExtraError(
        f"{what} needs {package} ({error}); install it with: {places.install('notebook')}",
        extra="notebook",
    )

"""The only home of every default; the notebook's values where the notebook has one."""

from dataclasses import dataclass

DEFAULT_MODEL = "motif_googlenet"
DEFAULT_ENGINE = "auto"


@dataclass(frozen=True)
class Dream:
    """Settings of one dream, under the names of the command line.

    end: the layer whose activations grow. iterations: steps per octave. octave_scale: ratio of one octave's size to
    the next smaller. step_size: mean change of a value per step, in grey levels (0-255). jitter: largest shift, in pixels.
    """

    end: str = "inception_4c/output"
    iterations: int = 10
    octaves: int = 4
    octave_scale: float = 1.4
    step_size: float = 1.5
    jitter: int = 32
    clip: bool = True


@dataclass(frozen=True)
class Zoom:
    """Settings of the zoom loop: `scale` is the share of the frame's size that each frame loses at its borders."""

    frames: int = 100
    scale: float = 0.05


DREAM = Dream()
ZOOM = Zoom()

"""The noise that a gallery dreams on."""

import numpy as np

from ...errors import Size

_DEVIATION = 25.0  # grey levels; less, and deep layers see nothing in it


def pink_noise(size: Size, seed: int) -> np.ndarray:
    """Noise about mid-grey, RGB float32 (H, W, 3), 0..255.

    Its amplitude falls with the frequency, as in photographs (Field 1987, "Relations between the
    statistics of natural images and the response properties of cortical cells"), so that every
    octave has something to grow from. Of white noise nothing is left in the smaller octaves, and
    its grain stays in the picture wherever a deep layer sees nothing.
    """
    rng = np.random.RandomState(seed)
    height, width = size
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf  # no tint
    channels = []
    for _ in range(3):
        spectrum = np.fft.rfft2(rng.normal(size=size)) / frequency
        channels.append(np.fft.irfft2(spectrum, size))
    noise = np.stack(channels, 2)
    return np.asarray(np.clip(128 + _DEVIATION / noise.std() * noise, 0, 255), np.float32)

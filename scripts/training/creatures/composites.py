"""Composites: a cut-out photograph on a background, made anew for every batch, with its class.

Colour and texture alone shall not tell the class (Geirhos et al., arXiv 1811.12231), so that shape
must be learned: hues turn, colours go or are exchanged between photographs, and now and then one
animal wears another one's fur.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from scripts.training.motifs import sampler

from . import photographs
from .classes import ANIMAL_COUNT, DISTRACTING, DRAWN, KINDS

MEAN_BGR = (104.0, 116.0, 122.0)
ANIMAL_SHARE = 0.78
DRAWN_SHARE = 0.02
HEAD_SHARE = 0.45  # of the pictures of a photograph whose head is marked
GREY = torch.tensor([0.299, 0.587, 0.114])
# RGB directions of natural pictures' colours: brightness, blue-yellow, green-magenta, and how far
# they deviate.
NATURAL = torch.tensor([[0.577, 0.577, 0.577], [0.707, 0.0, -0.707], [0.408, -0.816, 0.408]])
NATURAL_DEVIATIONS = torch.tensor([[1.0], [0.16], [0.07]])


@dataclass
class Views:
    """All views of the cut-outs: float32 (N, 4, VIEW, VIEW), and their colours' statistics."""

    pixels: torch.Tensor
    mean: torch.Tensor  # (N, 3)
    spread: torch.Tensor  # (N, 3, 3): square root of the colours' covariance
    gathered: torch.Tensor  # (N, 3, 3): its inverse, kept from growing too large

    @classmethod
    def of(cls, arrays: list[np.ndarray]) -> "Views":
        """The views `arrays` with their statistics."""
        means, spreads, gathered = [], [], []
        for view in arrays:
            inside = view[3] > 0.9
            colours = (view[:3, inside] / view[3, inside]).T
            covariance = np.cov(colours.T) + np.eye(3) * 1e-4
            values, axes = np.linalg.eigh(covariance)
            means.append(colours.mean(0))
            spreads.append(axes * np.sqrt(values) @ axes.T)
            gathered.append(axes * np.maximum(values, 2e-3) ** -0.5 @ axes.T)
        stack = (np.stack(a).astype(np.float32) for a in (arrays, means, spreads, gathered))
        return cls(*map(torch.from_numpy, stack))


class Composer:
    """Makes batches of composites out of the photographs in `cache`."""

    def __init__(self, cache: Path, recoloured: float = 0.5) -> None:
        """recoloured: the share of objects whose colours are turned, exchanged or gone, so that the
        net looks at shapes."""
        self.recoloured = recoloured
        root = photographs.fetch(cache)
        files = photographs.find(root)
        self.whole: list[list[int]] = []  # class by class, the views of whole cut-outs,
        self.head: dict[int, int] = {}  # and for some of these the view of its head
        arrays: list[np.ndarray] = []
        for kind in KINDS.values():
            self.whole.append([])
            for photograph in kind:
                found = photographs.views(files[photograph.name], photograph)
                self.whole[-1].append(len(arrays))
                if len(found) > 1:
                    self.head[len(arrays)] = len(arrays) + 1
                arrays += found
        self.labelled = len(arrays)
        arrays += [photographs.views(files[p.name], p)[0] for p in DISTRACTING]
        self.views = Views.of(arrays)
        # A small copy, for objects that are pasted small: from a large one they would flicker.
        self.small = F.avg_pool2d(self.views.pixels, 2)
        self.scenes = torch.from_numpy(photographs.scenes(root))
        animals, drawn = ANIMAL_SHARE / ANIMAL_COUNT, DRAWN_SHARE / len(DRAWN)
        others = len(KINDS) - ANIMAL_COUNT
        share = (1 - ANIMAL_SHARE - DRAWN_SHARE) / others
        weights = [animals] * ANIMAL_COUNT + [share] * others + [drawn] * len(DRAWN)
        self.weights = torch.tensor(weights)

    def batch(
        self, count: int, size: int, seed: int, hard: float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`count` pictures, BGR in 0..255 minus the mean, and their classes, all from a seed.

        `hard`: 0 for pictures in natural colours that nothing hides, to begin with; 1 for all there
        is.
        """
        rng = Random(seed)
        labels = torch.multinomial(self.weights, count, replacement=True, generator=rng.generator)
        photographed = labels < len(KINDS)
        chosen, is_head = self._choose(labels[photographed], (0.5 + 0.5 * hard) * HEAD_SHARE, rng)
        picture = self._background(count, size, rng)
        self._strew(picture, 0.35 * hard, rng)
        objects = self._main_objects(chosen, is_head, size, hard, rng)
        picture[photographed] = _pasted(picture[photographed], objects)
        for i in (~photographed).nonzero().flatten().tolist():
            picture[i] = _drawn(DRAWN[int(labels[i]) - len(KINDS)], size, seed, i)
        self._strew(picture, 0.18 * hard, rng)
        picture = camera(picture, rng)
        mean = torch.tensor(MEAN_BGR).view(3, 1, 1)
        return picture.flip(1) * 255 - mean, labels

    def _choose(
        self, labels: torch.Tensor, head_share: float, rng: "Random"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """For every label one view of its class, and whether it is a head."""
        draws = rng.uniform(len(labels), 2, low=0.0, high=1.0)
        chosen, heads = [], []
        for label, (which, part) in zip(labels.tolist(), draws.tolist(), strict=True):
            kind = self.whole[label]
            view = kind[int(which * len(kind))]
            head = part < head_share and view in self.head
            chosen.append(self.head[view] if head else view)
            heads.append(head)
        return torch.tensor(chosen), torch.tensor(heads)

    def _main_objects(
        self, chosen: torch.Tensor, is_head: torch.Tensor, size: int, hard: float, rng: "Random"
    ) -> torch.Tensor:
        """The labelled objects, lit and coloured, each in its place: (N, 4, size, size)."""
        count = len(chosen)
        # A share of the whole ones is seen from so near that a part fills the picture.
        near = rng.chance(count, 0.2).flatten() * ~is_head
        scale = torch.exp(rng.uniform(count, low=math.log(0.62), high=math.log(1.15)))
        scale = torch.where(near > 0, scale * 1.7, scale)
        scale = torch.where(is_head, 0.9 * photographs.HEAD_MARGIN * scale**0.8, scale)
        shift = rng.uniform(count, 2) * (0.28 + 0.25 * (near[:, None] > 0))
        objects = _placed(self.views.pixels[chosen], scale, shift, size, rng)
        objects = self._recoloured(objects, chosen, hard, rng)
        objects = self._exchanged_texture(objects, 0.14 * hard, rng)
        return _lit(objects, rng)

    def _strew(self, picture: torch.Tensor, share: float, rng: "Random") -> None:
        """Paste an object that does not count, small and anywhere, into a share of the pictures."""
        some = rng.chance(len(picture), share).flatten() > 0
        count, size = int(some.sum()), picture.shape[2]
        if not count:
            return
        chosen = rng.integers(count, len(self.small))
        scale = rng.uniform(count, low=0.2, high=0.45)
        objects = _placed(self.small[chosen], scale, rng.uniform(count, 2) * 1.1, size, rng)
        objects = _lit(self._recoloured(objects, chosen, 1.0, rng), rng)
        picture[some] = _pasted(picture[some], objects)

    def _recoloured(
        self, objects: torch.Tensor, chosen: torch.Tensor, hard: float, rng: "Random"
    ) -> torch.Tensor:
        """Colours as they are, exchanged with another photograph's, turned in hue, or gone.

        All are affine in the colour, so that one matrix and one offset for each picture do it.
        """
        count, views = len(objects), self.views
        other = rng.integers(count, self.labelled)
        exchange = views.spread[other] @ views.gathered[chosen]
        moved = views.mean[other] - (exchange @ views.mean[chosen, :, None])[..., 0]
        turned = _hue_turns(rng.uniform(count, low=0.3, high=2 * math.pi - 0.3))
        grey = GREY.expand(3, 3).expand(count, 3, 3)
        share = max(hard * self.recoloured, 1e-6)
        draw = rng.uniform(count, low=0.0, high=1.0)[:, None, None] / share
        matrix = _hue_turns(rng.uniform(count) * 0.15)
        matrix = torch.where(draw < 1, grey, matrix)
        matrix = torch.where(draw < 0.7, turned, matrix)
        matrix = torch.where(draw < 0.4, exchange, matrix)
        offset = torch.where(draw[:, 0] < 0.4, moved, torch.zeros(count, 3))
        alpha = objects[:, 3:]
        colours = (
            torch.einsum("nij,njhw->nihw", matrix, objects[:, :3]) + offset[..., None, None] * alpha
        )
        return torch.cat([torch.minimum(colours.clamp_min(0), alpha), alpha], 1)

    def _fur(self, count: int, size: int, rng: "Random") -> torch.Tensor:
        """Close-ups of other photographs, fur or feathers all over: (N, 3, size, size)."""
        chosen = rng.integers(count, self.labelled)
        scale = rng.uniform(count, low=2.5, high=5.0)
        close = _placed(self.views.pixels[chosen], scale, rng.uniform(count, 2) * 0.9, size, rng)
        return close[:, :3] + (1 - close[:, 3:]) * self.views.mean[chosen][..., None, None]

    def _exchanged_texture(
        self, objects: torch.Tensor, share: float, rng: "Random"
    ) -> torch.Tensor:
        """A few objects in another photograph's texture; their own shading shines through."""
        some = rng.chance(len(objects), share).flatten() > 0
        if not some.any():
            return objects
        own, count = objects[some], int(some.sum())
        alpha = own[:, 3:]
        worn = rng.uniform(count, low=0.3, high=0.75)[:, None, None, None]
        light = torch.einsum("c,nchw->nhw", GREY, own[:, :3])[:, None]
        texture = self._fur(count, objects.shape[2], rng) * alpha * 0.6 + light * 0.4
        objects = objects.clone()
        objects[some] = torch.cat([own[:, :3] * (1 - worn) + texture * worn, alpha], 1)
        return objects

    def _background(self, count: int, size: int, rng: "Random") -> torch.Tensor:
        """Parts of photographs, coloured noise and, at times, fur: (N, 3, size, size)."""
        draw = rng.uniform(count, low=0.0, high=1.0)
        picture = coloured_noise(count, size, rng)
        scenic = draw < 0.5
        if scenic.any():
            picture[scenic] = self._scenery(int(scenic.sum()), size, rng)
        furry = draw > 0.9
        if furry.any():
            picture[furry] = self._fur(int(furry.sum()), size, rng)
        return picture

    def _scenery(self, count: int, size: int, rng: "Random") -> torch.Tensor:
        """Parts of the background photographs, flipped, lit and at times turned in hue."""
        width, height = photographs.SCENE
        share = torch.exp(rng.uniform(count, low=math.log(0.2), high=math.log(0.62)))
        shift = rng.uniform(count, 2)
        zero, flip = torch.zeros(count), rng.sign(count)
        across, down = share * height / width, share
        rows = [
            torch.stack([across * flip, zero, shift[:, 0] * (1 - across)], 1),
            torch.stack([zero, down, shift[:, 1] * (1 - down)], 1),
        ]
        grid = F.affine_grid(torch.stack(rows, 1), [count, 3, size, size], align_corners=False)
        chosen = rng.integers(count, len(self.scenes))
        part = torch.empty(count, 3, size, size)
        for scene in chosen.unique().tolist():  # one at a time: a copy for each picture is slow
            here = chosen == scene
            pixels = self.scenes[scene].expand(int(here.sum()), -1, -1, -1)
            part[here] = F.grid_sample(
                pixels, grid[here], padding_mode="reflection", align_corners=False
            )
        angle = rng.uniform(count) * torch.where(
            rng.chance(count, 0.35).flatten() > 0, math.pi, 0.15
        )
        part = torch.einsum("nij,njhw->nihw", _hue_turns(angle), part)
        middle = part.mean((2, 3), keepdim=True)
        contrast = rng.uniform(count, low=0.6, high=1.3)[:, None, None, None]
        bright = rng.uniform(count, low=-0.12, high=0.12)[:, None, None, None]
        return ((part - middle) * contrast + middle + bright).clamp(0, 1)


class Random:
    """Random tensors from one seed."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> torch.Tensor:
        """Uniform numbers, -1..1 unless told otherwise."""
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def normal(self, *shape: int) -> torch.Tensor:
        """Normally distributed numbers."""
        return torch.randn(shape, generator=self.generator)

    def integers(self, count: int, limit: int) -> torch.Tensor:
        """`count` whole numbers below `limit`."""
        return torch.randint(0, limit, (count,), generator=self.generator)

    def chance(self, count: int, share: float) -> torch.Tensor:
        """One for a share of the pictures, zero for the others: (count, 1, 1, 1)."""
        return (torch.rand((count, 1, 1, 1), generator=self.generator) < share).float()

    def sign(self, count: int) -> torch.Tensor:
        """Minus one or one."""
        return torch.randint(0, 2, (count,), generator=self.generator) * 2.0 - 1


def _drawn(name: str, size: int, seed: int, number: int) -> torch.Tensor:
    """One drawing of a motif, on a background of its own: (3, size, size)."""
    rng = np.random.default_rng([seed, number])
    drawing = sampler.picture(rng, sampler.NAMES.index(name), size)
    return torch.from_numpy(drawing).float() / 255


def _hue_turns(angle: torch.Tensor) -> torch.Tensor:
    """Matrices (N, 3, 3) that turn the hues of RGB colours and keep their luminance."""
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    grey = GREY.expand(3, 3)
    across = torch.tensor([[0.168, 0.330, -0.497], [-0.328, 0.035, 0.292], [1.250, -1.050, -0.203]])
    return grey + cos * (torch.eye(3) - grey) + sin * across


def _placed(
    views: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor, size: int, rng: Random
) -> torch.Tensor:
    """Views turned, flipped, sheared, scaled (1: the picture's side) and shifted."""
    count = len(views)
    tilt = rng.normal(count) * 0.25
    tilt = torch.where(rng.uniform(count) > 0.8, rng.uniform(count) * math.pi, tilt)
    cos, sin = torch.cos(tilt) / scale, torch.sin(tilt) / scale
    aspect, shear = torch.exp(rng.uniform(count) * 0.13), rng.normal(count) * 0.08
    flip = rng.sign(count)
    matrix = torch.stack(
        [
            torch.stack([flip * aspect * cos, flip * aspect * (shear * cos - sin)], 1),
            torch.stack([sin / aspect, (cos + shear * sin) / aspect], 1),
        ],
        1,
    )
    offset = -(matrix @ shift[:, :, None])  # the object's middle comes to rest at `shift`
    grid = F.affine_grid(
        torch.cat([matrix, offset], 2), [count, 4, size, size], align_corners=False
    )
    return F.grid_sample(views, grid, align_corners=False)


def _lit(objects: torch.Tensor, rng: Random) -> torch.Tensor:
    """Objects under another light: its strength, tint, contrast and direction."""
    count, size = len(objects), objects.shape[2]
    alpha = objects[:, 3:]
    axis = torch.linspace(-1, 1, size)
    across, down = rng.normal(2, count, 1, 1, 1) * 0.13
    slope = 1 + across * axis + down * axis[:, None]
    strength = torch.exp(rng.uniform(count, 1, 1, 1) * 0.35)
    tint = 1 + 0.08 * rng.uniform(count, 3, 1, 1)
    contrast = rng.uniform(count, 1, 1, 1, low=0.65, high=1.35)
    middle = objects[:, :3].sum((2, 3), keepdim=True) / alpha.sum((2, 3), keepdim=True).clamp_min(1)
    colours = (objects[:, :3] - middle * alpha) * contrast + middle * alpha
    colours = (colours * slope * strength * tint).clamp_min(0)
    return torch.cat([torch.minimum(colours, alpha), alpha], 1)


def _pasted(picture: torch.Tensor, objects: torch.Tensor) -> torch.Tensor:
    """The objects over the pictures."""
    return picture * (1 - objects[:, 3:]) + objects[:, :3]


def coloured_noise(count: int, size: int, rng: Random) -> torch.Tensor:
    """1/f noise in natural colours: (N, 3, size, size), 0..1."""
    rows, columns = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
    frequency = (rows**2 + columns**2).sqrt().clamp_min(1 / size)
    power = rng.uniform(count, 1, 1, 1, low=1.05, high=2.0)
    spectrum = torch.complex(*rng.normal(2, count, 3, size, size // 2 + 1)) * frequency**-power
    field = torch.fft.irfft2(spectrum, s=(size, size))
    field = field / field.std((2, 3), keepdim=True).clamp_min(1e-6)
    axes = NATURAL * NATURAL_DEVIATIONS
    strength = rng.uniform(count, 1, 1, 1, low=0.05, high=0.3)
    colour = torch.einsum("ck,nc->nk", axes, rng.normal(count, 3)) * 0.3 + 0.45
    return (colour[..., None, None] + strength * torch.einsum("ck,nchw->nkhw", axes, field)).clamp(
        0, 1
    )


def camera(picture: torch.Tensor, rng: Random) -> torch.Tensor:
    """What a camera does: exposure, at times grey, blur, sensor noise, JPEG's blocks."""
    count = len(picture)
    exponent = torch.exp(rng.uniform(count, 1, 1, 1) * 0.25)
    picture = picture.clamp(1e-4, 1) ** exponent
    grey = torch.einsum("c,nchw->nhw", GREY, picture)[:, None]
    without = rng.chance(count, 0.07)
    picture = picture * (1 - without) + grey * without
    soft = rng.chance(count, 0.25) * rng.uniform(count, 1, 1, 1, low=0.4, high=1.0)
    picture = picture * (1 - soft) + _blurred(picture) * soft
    noisy = rng.chance(count, 0.4) * rng.uniform(count, 1, 1, 1, low=0.0, high=0.035)
    picture = picture + noisy * rng.normal(*picture.shape)
    squeezed = rng.chance(count, 0.3).flatten() > 0
    if squeezed.any():
        picture[squeezed] = _jpeg_like(picture[squeezed], rng)
    return picture.clamp(0, 1)


def _blurred(picture: torch.Tensor) -> torch.Tensor:
    """The pictures through a five-pixel binomial filter."""
    row = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = (row[:, None] * row).expand(3, 1, 5, 5)
    return F.conv2d(F.pad(picture, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)


def _jpeg_like(picture: torch.Tensor, rng: Random) -> torch.Tensor:
    """The pictures with the cosine coefficients of their 8x8 blocks rounded, as in JPEG."""
    count, _, height, width = picture.shape
    k = torch.arange(8.0)
    basis = torch.cos((2 * k + 1) * k[:, None] * math.pi / 16) * 0.5
    basis[0] /= math.sqrt(2)
    step = (1 + k + k[:, None]) * rng.uniform(count, 1, 1, 1, 1, 1, low=0.008, high=0.035)
    blocks = picture.view(count, 3, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = basis @ blocks @ basis.T
    # (N, 3, rows, columns, 8, 8): the steps stand in the last two places.
    rounded = torch.round(coefficients / step) * step
    return (basis.T @ rounded @ basis).transpose(3, 4).reshape(picture.shape)

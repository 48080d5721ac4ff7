"""Pillow's names of 2015, and the modules of PIL before it."""

import importlib
from typing import Any, Callable, Dict

from . import add_missing


def _alone(name: str) -> Callable[[], Any]:
    def make() -> Any:
        return importlib.import_module(f"PIL.{name}")

    make.if_missing = True  # type: ignore[attr-defined]
    return make


# `import Image`, as before Pillow
MODULES: Dict[str, Callable[[], Any]] = {
    name: _alone(name)
    for name in ("Image", "ImageChops", "ImageColor", "ImageDraw", "ImageEnhance", "ImageFile",
                 "ImageFilter", "ImageFont", "ImageOps", "ImageStat")
}  # fmt: skip


def apply(module: Any) -> None:
    """Add them to PIL.Image, PIL.ImageDraw or PIL.ImageFont."""
    {"PIL.Image": _image, "PIL.ImageDraw": _draw, "PIL.ImageFont": _font}[module.__name__](module)


def _image(image: Any) -> None:
    resampling = {"ANTIALIAS": "LANCZOS", "LINEAR": "BILINEAR", "CUBIC": "BICUBIC"}
    names: Dict[str, Callable[[], Any]] = {
        old: lambda new=new: getattr(image.Resampling, new)  # type: ignore[misc]
        for old, new in resampling.items()
    }
    names["fromstring"] = lambda: image.frombytes
    add_missing(image, names)
    for old, new in (("tostring", "tobytes"), ("fromstring", "frombytes")):
        if not hasattr(image.Image, old):
            setattr(image.Image, old, getattr(image.Image, new))


def _draw(draw: Any) -> None:
    def textsize(self: Any, text: str, font: Any = None, **options: Any) -> Any:
        """(width, height) of a text, as before Pillow 10."""
        left, top, right, bottom = self.textbbox((0, 0), text, font, **options)
        return right, bottom

    if not hasattr(draw.ImageDraw, "textsize"):
        draw.ImageDraw.textsize = textsize


def _font(font: Any) -> None:
    def getsize(self: Any, text: str, *args: Any, **options: Any) -> Any:
        """(width, height) of a text, as before Pillow 10."""
        left, top, right, bottom = self.getbbox(text, *args, **options)
        return right, bottom

    for kind in (font.ImageFont, font.FreeTypeFont):
        if not hasattr(kind, "getsize"):
            kind.getsize = getsize

"""scikit-image's names and defaults of 2015; where it is not installed, caffe_compat.skimage."""

import functools
import importlib
from typing import Any, Callable, Dict

from . import add_missing

_OURS = "caffe_compat.skimage"


def _ours(name: str) -> Callable[[], Any]:
    def make() -> Any:
        return importlib.import_module(_OURS + name)

    make.if_missing = True  # type: ignore[attr-defined]
    return make


MODULES: Dict[str, Callable[[], Any]] = {
    "skimage" + name: _ours(name) for name in ("", ".color", ".io", ".transform", ".util")
}
MODULES["skimage.filter"] = lambda: importlib.import_module("skimage.filters")


def apply(module: Any) -> None:
    """Give skimage.color, skimage.io or skimage.transform their old names and defaults."""
    if module.__name__ == "skimage.color":
        names: Dict[str, Callable[[], Any]] = {
            "rgb2grey": lambda: module.rgb2gray,
            "grey2rgb": lambda: module.gray2rgb,
        }
        add_missing(module, names)
    elif module.__name__ == "skimage.io":
        module.imread = _as_grey(module.imread)
    else:
        for name in ("resize", "rescale"):
            setattr(module, name, _as_before_0_15(getattr(module, name)))


def _as_grey(imread: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(imread)
    def of(fname: Any, as_gray: bool = False, *args: Any, **options: Any) -> Any:
        return imread(fname, options.pop("as_grey", False) or as_gray, *args, **options)

    return of


def _as_before_0_15(function: Callable[..., Any]) -> Callable[..., Any]:
    """Zeros beyond the picture, and no smoothing, unless the call asks for them."""

    @functools.wraps(function)
    def of(image: Any, size: Any, *args: Any, **options: Any) -> Any:
        if not args[1:]:  # the order, and then the mode
            options.setdefault("mode", "constant")
        options.setdefault("anti_aliasing", False)
        return function(image, size, *args, **options)

    return of

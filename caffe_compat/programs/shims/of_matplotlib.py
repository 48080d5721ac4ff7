"""matplotlib's names and arguments of 2015."""

import functools
from typing import Any, Callable, Dict

from . import add_missing


def apply(module: Any) -> None:
    """Add them to matplotlib or one of its modules."""
    by_module: Dict[str, Callable[[Any], None]] = {
        "matplotlib": _matplotlib,
        "matplotlib.axes._base": _base,
        "matplotlib.axes._axes": _axes,
        "matplotlib.cm": _maps,
        "matplotlib.pyplot": _pyplot,
        "matplotlib.style": _style,
    }
    by_module[module.__name__](module)


def _matplotlib(matplotlib: Any) -> None:
    """use(…, warn=): without effect since 3.1; rcParams["axes.color_cycle"]."""
    use = matplotlib.use

    @functools.wraps(use)
    def of(backend: str, *args: Any, **options: Any) -> None:
        options.pop("warn", None)
        use(backend, *args[1:], **options) if args else use(backend, **options)

    matplotlib.use = of
    setting = matplotlib.RcParams.__setitem__

    def set_item(self: Any, key: str, value: Any) -> None:
        if key == "axes.color_cycle":
            key, value = "axes.prop_cycle", matplotlib.cycler(color=value)
        setting(self, key, value)

    matplotlib.RcParams.__setitem__ = set_item


def _base(base: Any) -> None:
    """Axes' axisbg= and *_axis_bgcolor."""
    kind = base._AxesBase
    init = kind.__init__

    @functools.wraps(init)
    def made(self: Any, *args: Any, **options: Any) -> None:
        if "axisbg" in options:
            options["facecolor"] = options.pop("axisbg")
        init(self, *args, **options)

    kind.__init__ = made
    for old, new in (("set_axis_bgcolor", "set_facecolor"), ("get_axis_bgcolor", "get_facecolor")):
        if not hasattr(kind, old):
            setattr(kind, old, functools.partialmethod(_other, new))
    for old, value in (("hold", None), ("ishold", True)):
        if not hasattr(kind, old):
            setattr(kind, old, _giving(value))


def _other(self: Any, name: str, *args: Any, **options: Any) -> Any:
    return getattr(self, name)(*args, **options)


def _giving(value: Any) -> Callable[..., Any]:
    return lambda *args, **options: value


def _axes(axes: Any) -> None:
    """hist's normed=."""
    hist = axes.Axes.hist

    @functools.wraps(hist)
    def of(self: Any, *args: Any, **options: Any) -> Any:
        if "normed" in options:
            options.setdefault("density", bool(options.pop("normed")))
        return hist(self, *args, **options)

    axes.Axes.hist = of


def _maps(cm: Any) -> None:
    def get_cmap(name: Any = None, lut: Any = None) -> Any:
        """A colour map by its name, with so many colours."""
        import matplotlib

        if name is None:
            name = matplotlib.rcParams["image.cmap"]
        found = matplotlib.colormaps[name] if isinstance(name, str) else name
        return found if lut is None else found.resampled(lut)

    def register_cmap(name: Any = None, cmap: Any = None, **options: Any) -> None:
        import matplotlib

        matplotlib.colormaps.register(cmap, name=name, force=True)

    names: Dict[str, Callable[[], Any]] = {
        "get_cmap": lambda: get_cmap,
        "register_cmap": lambda: register_cmap,
    }
    for old, new in (("spectral", "nipy_spectral"), ("Vega10", "tab10"), ("Vega20", "tab20")):
        names[old] = lambda new=new: getattr(cm, new)  # type: ignore[misc]
    add_missing(cm, names)


def _pyplot(pyplot: Any) -> None:
    names: Dict[str, Callable[[], Any]] = {
        "hold": lambda: _giving(None),
        "ishold": lambda: _giving(True),
        "spectral": lambda: lambda: pyplot.set_cmap("nipy_spectral"),
        "register_cmap": lambda: pyplot.cm.register_cmap,
    }
    add_missing(pyplot, names)
    hist = pyplot.hist

    @functools.wraps(hist)
    def of(*args: Any, **options: Any) -> Any:
        if "normed" in options:
            options.setdefault("density", bool(options.pop("normed")))
        return hist(*args, **options)

    pyplot.hist = of


def _style(style: Any) -> None:
    """The styles seaborn-*, which have a version in their names since 3.6."""
    for name in list(style.library):
        if name.startswith("seaborn-v0_8"):
            style.library.setdefault(name.replace("-v0_8", "", 1), style.library[name])

"""Old names of libraries, answered in the process of a program that `python -m caffe_compat` runs.

One file per library says which names it lacks today and what they were (`NAMES`, and `apply`). They
are set when the library is imported, by whomever; what is there already is left alone.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

# an imported module, and which file here has the names that it lacks
LIBRARIES = {
    "IPython.core.display": "of_ipython",
    "IPython.display": "of_ipython",
    "PIL.Image": "of_pillow",
    "PIL.ImageDraw": "of_pillow",
    "PIL.ImageFont": "of_pillow",
    "cv2": "of_cv2",
    "h5py": "of_h5py",
    "matplotlib": "of_matplotlib",
    "matplotlib.axes._base": "of_matplotlib",
    "matplotlib.axes._axes": "of_matplotlib",
    "matplotlib.cm": "of_matplotlib",
    "matplotlib.pyplot": "of_matplotlib",
    "matplotlib.style": "of_matplotlib",
    "numpy": "of_numpy",
    "pandas": "of_pandas",
    "scipy": "of_scipy",
    "scipy.misc": "of_scipy",
    "scipy.signal": "of_scipy",
    "skimage.color": "of_skimage",
    "skimage.io": "of_skimage",
    "skimage.transform": "of_skimage",
    "sklearn.linear_model": "of_sklearn",
    "yaml": "of_yaml",
}
STANDARD = "of_standard"
# files here that make modules which there are no longer: MODULES is {name: what makes it}
_MAKERS = ("of_standard", "of_pillow", "of_scipy", "of_skimage", "of_sklearn")


def _shim(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")


class Finder(importlib.abc.MetaPathFinder):
    """Finds modules whose names are gone, and those to which old names are added."""

    def __init__(self) -> None:
        self.makers: Dict[str, Callable[[], Any]] = {}
        for name in _MAKERS:
            self.makers.update(_shim(name).MODULES)
        self._asked: List[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module's spec, or None where it needs nothing from here."""
        if name in self._asked or (name not in LIBRARIES and name not in self.makers):
            return None
        if name in self.makers and name not in LIBRARIES:
            return self._made(name)
        spec = self._others(name, path)
        if spec is None:
            return self._made(name) if name in self.makers else None
        if spec.loader is not None:
            _add_after(spec.loader, LIBRARIES[name])
        return spec

    def _made(self, name: str) -> Optional[Any]:
        maker = self.makers[name]
        if getattr(maker, "if_missing", False) and self._others(name, None) is not None:
            return None
        return importlib.machinery.ModuleSpec(name, _Made(maker), is_package=True)

    def _others(self, name: str, path: Any) -> Any:
        self._asked.append(name)
        try:
            for finder in sys.meta_path:
                if finder is not self and hasattr(finder, "find_spec"):
                    spec = finder.find_spec(name, path)
                    if spec is not None:
                        return spec
            return None
        finally:
            self._asked.pop()


class _Made(importlib.abc.Loader):
    """Puts a module that is made here in the place of one that there is no longer."""

    def __init__(self, maker: Callable[[], Any]) -> None:
        self.maker = maker

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: Any) -> None:
        made = self.maker()
        sys.modules[module.__name__] = made
        parent, _, child = module.__name__.rpartition(".")
        if parent and parent in sys.modules:
            setattr(sys.modules[parent], child, made)


def _add_after(loader: Any, shim: str) -> None:
    """Have the loader add a library's old names once it has run the module."""
    run = loader.exec_module

    def exec_module(module: Any) -> None:
        loader.__dict__.pop("exec_module", None)
        run(module)
        _shim(shim).apply(module)

    loader.exec_module = exec_module


def add_missing(module: Any, names: Dict[str, Callable[[], Any]]) -> None:
    """Set what a module lacks; names: how each value is made."""
    for name, value in names.items():
        if name not in vars(module):
            setattr(module, name, value())


def add_lazily(module: Any, names: Dict[str, Callable[[], Any]]) -> None:
    """Have a module give what it lacks when it is asked for it."""
    before = vars(module).get("__getattr__")

    def of(name: str) -> Any:
        if before is not None:
            try:
                return before(name)
            except AttributeError:
                pass
        if name in names:
            return names[name]()
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__getattr__ = of


def install() -> Tuple[str, ...]:
    """Answer old names in this process from now on."""
    sys.meta_path.insert(0, Finder())
    _shim(STANDARD).apply()
    late = tuple(name for name in LIBRARIES if name in sys.modules)
    for name in late:  # what was imported before this
        _shim(LIBRARIES[name]).apply(sys.modules[name])
    return late

"""IPython's names of 2015."""

import importlib
from typing import Any, Callable, Dict

from . import add_missing

_MOVED = ("clear_output", "display", "display_html", "display_jpeg", "display_json",
          "display_latex", "display_pdf", "display_png", "display_pretty", "display_svg",
          "publish_display_data", "update_display")  # fmt: skip


def _inline(name: str) -> Callable[..., Any]:
    """A function of the inline backend, which needs matplotlib when it is called."""

    def of(*args: Any, **options: Any) -> Any:
        inline = importlib.import_module("matplotlib_inline.backend_inline")
        return getattr(inline, name)(*args, **options)

    return of


def apply(module: Any) -> None:
    """Add them to IPython.core.display, or to IPython.display."""
    if module.__name__ == "IPython.display":
        names: Dict[str, Callable[[], Any]] = {
            "set_matplotlib_formats": lambda: _inline("set_matplotlib_formats"),
            "set_matplotlib_close": lambda: _inline("set_matplotlib_close"),
        }
    else:
        functions = importlib.import_module("IPython.core.display_functions")
        names = {
            name: lambda name=name: getattr(functions, name)  # type: ignore[misc]
            for name in _MOVED
            if hasattr(functions, name)
        }
    add_missing(module, names)

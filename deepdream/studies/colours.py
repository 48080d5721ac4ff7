"""The colours of pages and plots, in light and in dark, each by what it is for."""

import re
from typing import Dict, Tuple

# name -> (light, dark). Text has a contrast of at least 4.5 on `paper`, `card` and every shade of
# `heat`, lines of 3.
COLOURS: Dict[str, Tuple[str, str]] = {
    "ink": ("#1d2126", "#e8e6e1"),
    "dim": ("#5c6570", "#a3abb5"),
    "paper": ("#fbfaf8", "#16181b"),
    "card": ("#ffffff", "#1f2226"),
    "line": ("#d5d0c6", "#3f454d"),
    "good": ("#2a7a4d", "#6fd39b"),
    "bad": ("#b83227", "#ff8a7a"),
    "curve-1": ("#b4480f", "#f2995e"),
    "curve-2": ("#2b6cb0", "#7ab8ff"),
    "curve-3": ("#2a7d50", "#6cd199"),
}
# red, green and blue of the strongest shade of a table of counts
HEAT = ("158 197 238", "31 82 136")


def variables(selector: str = ":root") -> str:
    """The colours as CSS variables of an element, for both schemes."""
    light, dark = (
        " ".join(
            [
                *(f"--{name}: {pair[scheme]};" for name, pair in COLOURS.items()),
                f"--heat: {HEAT[scheme]};",
            ]
        )
        for scheme in (0, 1)
    )
    return (
        f"{selector} {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {selector} {{ {dark} }} }}\n"
    )


def follow_the_scheme(svg: str) -> str:
    """An SVG whose light colours become variables where a program knows those.

    Others pass over the second declaration, as CSS has it, and draw it in light.
    """
    names = {light: name for name, (light, _) in COLOURS.items()}

    def both(found: "re.Match[str]") -> str:
        name = names.get(found[2])
        return f"{found[0]}; {found[1]}: var(--{name})" if name else found[0]

    return re.sub(r"\b(fill|stroke): (#[0-9a-f]{6})", both, svg)

"""What pages are made of: text is escaped, tables are told, plots follow light and dark."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from deepdream.studies import compare, compare_page, page
from deepdream.studies.colours import COLOURS, HEAT
from deepdream.studies.compare import Comparison, Step
from deepdream.studies.plot import Level, plot, standalone


def luminance(colour):
    """WCAG's relative luminance of an sRGB colour, 0-255."""
    shares = np.array(colour) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    """WCAG's ratio of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rgb(hexadecimal):
    return [int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_lines_stand_out(scheme):
    colours = {name: rgb(pair[scheme]) for name, pair in COLOURS.items()}
    for ground in ("paper", "card"):
        for text in ("ink", "dim"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for line in ("good", "bad", "curve-1", "curve-2", "curve-3"):
            assert contrast(colours[line], colours[ground]) >= 3, (line, ground)
    assert contrast(colours["ink"], [int(level) for level in HEAT[scheme].split()]) >= 4.5


def test_text_on_a_page_is_escaped():
    hostile = '"><b>'
    shown = page.picture(np.zeros((2, 3, 3)))
    parts = [
        page.table(hostile, [hostile, "x"], [(hostile, hostile)]),
        page.figure(shown, hostile, hostile),
        page.drawing("", hostile),
        page.verdict("agree", hostile, hostile),
    ]
    assert "<b>" not in page.page(hostile, hostile, parts)


def test_a_picture_has_its_own_size_and_its_words():
    shown = page.figure(page.picture(np.zeros((20, 30, 3))), "a caption", "what is seen")
    assert 'width="30" height="20"' in shown and 'alt="what is seen"' in shown
    assert "<figcaption>a caption</figcaption>" in shown


def test_a_table_is_told_and_its_numbers_stand_below_each_other():
    rows = [("ape", 3, "4.8e-07", "1"), ("bee", 2, "-", "one")]
    shown = page.table("Apes and bees.", ["", "count", "error", "text"], rows)
    assert "<caption><span>Apes and bees.</span></caption>" in shown
    assert shown.count('scope="col"') == 3 and shown.count('<th scope="row">') == 2
    assert re.findall(r'<td class="(.)">([^<]*)', shown) == [
        ("n", "3"), ("n", "4.8e-07"), ("t", "1"), ("n", "2"), ("n", "-"), ("t", "one"),
    ]  # fmt: skip


def test_empty_values_are_left_out():
    assert page.filled([("a", ""), ("b", None), ("c", 0), ("d", False)]) == [
        ("c", "0"),
        ("d", "False"),
    ]


@pytest.fixture
def plotted():
    pytest.importorskip("matplotlib")
    return plot({"error": [1e-3, np.nan, 0]}, "error", [Level(1e-5, "limit")], [2], told="<errors>")


def test_a_plot_takes_the_pages_colours_and_is_told(plotted):
    assert plotted.startswith("<svg ") and 'role="img" aria-label="&lt;errors&gt;"' in plotted
    colours = set(re.findall(r"#[0-9a-f]{6}", plotted)) - {light for light, _ in COLOURS.values()}
    assert not colours and "var(--ink)" in plotted and "var(--curve-1)" in plotted
    assert "http" not in plotted and "DejaVu" not in plotted and "<style" not in plotted


def test_a_plot_as_a_file_has_both_schemes(plotted):
    root = ElementTree.fromstring(standalone(plotted))
    (style,) = root.iter("{http://www.w3.org/2000/svg}style")
    assert root.tag.endswith("svg") and "prefers-color-scheme: dark" in style.text


def test_a_plot_has_its_values_at_places_of_their_own():
    pytest.importorskip("matplotlib")
    places = [0.05, 0.5, 5]
    svg = plot({"a": [3, 2, 1]}, "seconds", xlabel="megapixels", places=places)
    named = [svg.index(f">{place:g}</text>") for place in places]
    assert named == sorted(named) and svg.index(">megapixels</text>")
    # evenly apart, as tenfold sizes are on a logarithmic axis
    first, second, third = re.findall(r'<use xlink:href="#\w+" x="([\d.]+)"', svg)[:3]
    assert float(third) - float(second) == pytest.approx(float(second) - float(first), abs=0.01)


def test_two_plots_share_no_names():
    pytest.importorskip("matplotlib")
    one, other = (
        set(re.findall(r' id="([^"]*)', plot({name: [1, 2, 3]}, "f"))) for name in ("one", "other")
    )
    assert one and other and not one & other


def comparison(gradients, rounding, activation=1e-7):
    """A comparison of 4x4 pictures with these gradients and this rounding at every step."""
    steps = [Step(1, i + 1, (4, 4), activation, g, rounding, 0, 0, 0) for i, g in
             enumerate(gradients)]  # fmt: skip
    dark, light = (np.full((4, 4, 3), level, np.float32) for level in (10, 11))
    return Comparison(steps, dark, light, 1.0)


NAN = float("nan")


@pytest.mark.parametrize(
    "word, holding, gradients, rounding, activation, said",
    [
        ("agree", "yes yes yes yes", [2e-7, 3e-7, 1e-7], 1e-6, 1e-7, "so are the gradients"),
        ("agree", "yes yes no yes", [2e-7, 3e-2, 1e-7], 1e-6, 1e-7, "at 1 of 3 steps a near-tie"),
        ("agree", "yes no yes yes", [1e-7, 1e-3, 1e-3], 1e-3, 1e-7, "at near-ties, and no fault"),
        ("differ", "yes no no no", [1e-2, 1e-2, 1e-2], 1e-6, 1e-7, "further than rounding"),
        ("differ", "no yes yes yes", [1e-7, 1e-7, 1e-7], 1e-6, 1e-3, "their activations differ"),
        ("differ", "yes no no no", [NAN, NAN, NAN], 1e-6, 1e-7, "further than rounding"),
        ("differ", "no yes yes yes", [1e-7, 1e-7, 1e-7], 1e-6, NAN, "their activations differ"),
    ],
)
def test_the_page_says_what_the_verdict_is_made_of(
    word, holding, gradients, rounding, activation, said
):
    compared = comparison(gradients, rounding, activation)
    assert compare.verdict(compared)[0] == word
    box, table = compare_page._verdict(compared)
    assert said in box
    assert re.findall(r">(yes|no)</td>", table) == holding.split()


def test_numbers_near_one_are_written_without_powers():
    drawn = plot({"a": [0.21, 0.62]}, "s", xlabel="x", told="told", places=[0.05, 2])
    assert ">0.4<" in drawn and "e−" not in drawn
    assert "e−" in plot({"a": [2.1e-7, 6.2e-7]}, "s", told="told")

"""The pages and drawings as they are seen: in Chromium, on a telephone and on a desk, in light and
in dark, with axe-core's rules of accessibility.

`make test-pages` runs this, and keeps what it saw in out/pages/.
"""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepdream.studies import compare, evaluate, evaluate_page, page
from deepdream.studies.plot import plot, standalone
from net_surgery import cli as net_surgery
from scripts.docs import reproduce_notebook

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[3]
SEEN = ROOT / "out" / "pages"
LOOKS = [(width, scheme) for width in (360, 1440) for scheme in ("light", "dark")]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# [size told, size of the file, size shown] of each picture, all (width, height)
SIZES = """[...document.images].map(i => [[+i.getAttribute("width"), +i.getAttribute("height")],
    [i.naturalWidth, i.naturalHeight], [i.clientWidth, i.clientHeight]])"""
INK = """[...document.querySelectorAll("svg text")].map(t => getComputedStyle(t).fill)"""
# how many pixels each table hides, and whether keys can scroll it
HIDDEN = """[...document.querySelectorAll(".scroll")].map(t =>
    [t.scrollWidth - t.clientWidth, t.tabIndex])"""


@pytest.fixture
def look(chromium):
    """Open a file at a width and in a scheme: the page, which must ask for nothing else, or for
    files beside it alone."""
    opened = []

    def call(path, width, scheme, beside=False):
        shown = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        shown.set_default_timeout(120_000)  # ms, for a machine that has much else to do
        asked = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(path.as_uri())
        for details in shown.query_selector_all("details"):
            details.evaluate("d => { d.open = true }")
        SEEN.mkdir(parents=True, exist_ok=True)
        shown.screenshot(path=SEEN / f"{path.stem}-{width}-{scheme}.png", full_page=True)
        others = [url for url in asked if not url.startswith("data:") and url != path.as_uri()]
        assert all(beside and url.startswith(path.parent.as_uri()) for url in others)
        opened.append(shown)
        return shown

    yield call
    for shown in opened:
        shown.close()


@pytest.fixture
def compared(run, photo, small_folder, tmp_path, fast, monkeypatch):
    """Make compare's page, the second engine's gradients off by a share of themselves."""

    def call(fault, name):
        common = ["--model", small_folder, "--engine", "compat"]
        recording = tmp_path / "recording"
        assert run("compare", photo, "--record", recording, *common, *fast)[0] == 0
        right = compare.from_state

        def faulty(*args):
            activation, gradient = right(*args)
            wave = np.cos(np.arange(gradient.shape[-1]))
            return activation, gradient * np.float32(1 + fault * wave)

        monkeypatch.setattr(compare, "from_state", faulty)
        path = tmp_path / f"{name}.html"
        code, said, _ = run("compare", photo, "--with", recording, "-o", path, *common)
        assert name in said, (code, said)
        return path

    return call


@pytest.fixture
def evaluated(tmp_path, rng):
    """Make evaluate's page of a number of classes, with mistakes and with what is left out."""

    def call(count):
        names = [f"class {i}" for i in range(count - 1)]
        names.append("Pneumonoultramicroscopicsilicovolcanoconiosis, or whatever one may call it")
        truth, paths = np.arange(2 * count) % count, []
        for i in range(2 * count):
            paths.append(str(tmp_path / f"{i}.png"))
            pixels = rng.randint(0, 255, (40, 30 + 200 * (i == 1), 3)).astype(np.uint8)
            Image.fromarray(pixels).save(paths[-1])
        probabilities = np.full((2 * count, count), 0.1 / count)
        for i, number in enumerate(truth):
            probabilities[i, (number + (i < 8)) % count] = 0.9
        unreadable = [(f"{tmp_path}/a/{'long/' * 20}x.png", "the text, given for a picture")]
        found = evaluate.Predictions(names, paths, truth, probabilities, unreadable, ["elk"])
        about = [("model", "small"), ("weights, SHA1", "0123456789" * 4), ("nothing", "")]
        folder = tmp_path / f"evaluate-{count}"
        folder.mkdir()
        path = evaluate_page.write(folder, found, evaluate.measures(found), about)
        return path.rename(folder / f"{folder.name}.html")

    return call


@pytest.fixture
def reproduced(photo, tmp_path, small_folder):
    """The notebook's page."""
    Image.open(photo).resize((900, 700)).save(tmp_path / "guide.png")
    pictures = ["--image", str(photo), "--guide", str(tmp_path / "guide.png")]
    options = ["--model", str(small_folder), "--frames", "2", "--iterations", "1"]
    assert reproduce_notebook.main(["-o", str(tmp_path / "out"), *pictures, *options]) == 0
    return (tmp_path / "out" / "index.html").rename(tmp_path / "reproduce.html")


def check(look, path, looks=LOOKS):
    """Look at a page in these ways, and find nothing wrong."""
    from axe_playwright_python.sync_playwright import Axe

    inks = {"light": set(), "dark": set()}
    for width, scheme in looks:
        seen = look(path, width, scheme)
        found = Axe().run(seen)
        assert not found.violations_count, found.generate_report()
        assert seen.evaluate(OVERFLOW) <= 0, (width, scheme)
        for told, own, shown in seen.evaluate(SIZES):
            assert told == own and shown[0] <= own[0], (told, own, shown)
            assert shown[1] == pytest.approx(own[1] * shown[0] / own[0], abs=1)
        assert all(hidden <= 0 or key == 0 for hidden, key in seen.evaluate(HIDDEN))
        inks[scheme] = set(seen.evaluate(INK))
    assert not inks["light"] & inks["dark"]


@pytest.mark.parametrize("fault, name", [(0, "equal"), (1e-7, "agree"), (1e-3, "differ")])
def test_the_page_of_compare(fault, name, compared, look):
    check(look, compared(fault, name), LOOKS if name == "agree" else [(360, "dark")])


@pytest.mark.parametrize("classes", [6, 60])
def test_the_page_of_evaluate(classes, evaluated, look):
    path = evaluated(classes)
    check(look, path)
    hidden = [pixels for pixels, _ in look(path, 360, "light").evaluate(HIDDEN)]
    assert max(hidden) > 100  # the widest table scrolls by itself


def test_the_page_of_reproduce(reproduced, look):
    check(look, reproduced)


def test_the_page_of_gallery(run, photo, small_folder, tmp_path, look):
    from axe_playwright_python.sync_playwright import Axe

    words = ["--size", 64, "--iterations", 1, "--channels", "conv1:0-3", "--patches", photo.parent]
    words += ["--model", small_folder, "--engine", "compat", "-o", tmp_path / "gallery"]
    assert run("gallery", photo, *words)[0] in (0, 1)  # a channel may be silent
    path = (tmp_path / "gallery" / "index.html").rename(tmp_path / "gallery" / "gallery.html")
    for width, scheme in LOOKS:
        seen = look(path, width, scheme, beside=True)
        assert not Axe().run(seen).violations_count
        assert seen.evaluate(OVERFLOW) <= 0, (width, scheme)
    assert len(seen.query_selector_all("img")) > 10
    assert all(own[0] > 0 for _, own, _ in seen.evaluate(SIZES)[:6])  # those in sight are there


def test_hostile_text_runs_nothing(tmp_path, look):
    hostile = '"><script>document.title = "run"</script><img src=x onerror="document.title=1">'
    parts = [
        page.table(hostile, [hostile], [(hostile,)]),
        page.figure(page.picture(np.zeros((2, 2, 3))), hostile, hostile),
        page.drawing(plot({hostile: [1, 2]}, hostile, told=hostile), hostile),
    ]
    path = tmp_path / "hostile.html"
    page.write(path, page.page(hostile, hostile, parts))
    assert look(path, 360, "dark").title() == hostile


HOLDER = """<!doctype html><meta name="color-scheme" content="light dark">
<body style="margin: 0"><img src="data:image/svg+xml;base64,{data}">"""


@pytest.fixture
def drawings(small_folder, tmp_path):
    """SVGs that a program writes by itself: a plot, that of the docs, and a net."""
    (tmp_path / "plot.svg").write_bytes(standalone(plot({"f": [3, 2, 1]}, "f", told="A plot")))
    deploy, net = small_folder / "deploy.prototxt", tmp_path / "net.svg"
    assert net_surgery.main(["show", str(deploy), "--svg", str(net)]) == 0
    return [tmp_path / "plot.svg", ROOT / "docs" / "steering" / "convergence.svg", net]


def test_drawings_follow_light_and_dark(drawings, tmp_path, look):
    for drawing in drawings:
        holder = tmp_path / f"{drawing.stem}.html"
        data = base64.b64encode(drawing.read_bytes()).decode()
        holder.write_text(HOLDER.format(data=data))
        paper = {}
        for scheme in ("light", "dark"):
            shot = look(holder, 1440, scheme).screenshot()
            paper[scheme] = np.asarray(Image.open(io.BytesIO(shot)).convert("L"))[2, 2]
        assert paper["light"] > 200 and paper["dark"] < 50, (drawing.name, paper)

"""The page of `deepdream serve` as a person uses it: in Chromium, by pointer and by keys, on a
telephone and on a desk, in light and in dark, with axe-core's rules of accessibility.

`make test-pages` runs this, and keeps what it saw in out/pages/.
"""

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepdream.web import drawn
from tests.support.person import SEEN, Person

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[3]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FRAMES = "Number(document.body.dataset.frames || 0)"
LOOKS = [(width, scheme) for width in (360, 1440) for scheme in ("light", "dark")]


@pytest.fixture
def person(chromium, serving):
    """A person who has just opened the page of a server of the small net."""
    opened = []

    def call(server=None, width=1440, scheme="light", height=900, **how):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True,
            permissions=["clipboard-read", "clipboard-write"], **how,
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(60_000)  # ms, for a machine that has much else to do
        one = Person(page)
        one.server, one.faults, one.asked = server or serving(), [], []
        page.on("pageerror", lambda error: one.faults.append(str(error)))
        page.on("request", lambda request: one.asked.append(request.url))
        page.goto(one.server.address + "/")
        page.wait_for_selector("#samples img")
        opened.append((context, one))
        return one

    yield call
    for context, one in opened:
        faults, own = one.faults, one.server.address
        asked = [url for url in one.asked if not url.startswith(own)]
        context.close()
        assert not faults and not asked


def accessible(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert not found.violations_count, found.generate_report()


def quick(one, steps=3):
    """Settings of a dream that takes a moment."""
    one.page.click("label:has([value=layer])")
    one.page.fill("#iterations", str(steps))
    one.page.fill("#octaves", "2")


def test_from_a_dropped_photograph_to_a_picture_that_replays(person, photo, run, tmp_path):
    one = person()
    page = one.page
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    quick(one)
    page.fill("#filter", "3b out")  # the small net has no pictures, so its list is open
    page.click("#layers label")
    one.until(lambda: "--end inception_3b/output" in one.command())
    # a mask of one stroke in the middle
    page.check("#masked")
    box = page.locator("#mask").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    one.until(lambda: "--mask mask.png" in one.command())
    one.keep_look("live-mask")
    one.dream()
    one.wait_for_dream()
    assert page.evaluate(FRAMES) >= 2
    with page.expect_download() as saving:
        page.click("#save-all")
    folder = tmp_path / "saved"
    zipfile.ZipFile(saving.value.path()).extractall(folder)
    assert sorted(p.name for p in folder.iterdir()) == [
        "how.txt", "mask.png", "photo-dream.png", "photo.png",
    ]  # fmt: skip
    with page.expect_download() as saving:
        page.click("#save")
    assert saving.value.suggested_filename == "photo-dream.png"
    assert Path(saving.value.path()).read_bytes() == (folder / "photo-dream.png").read_bytes()
    model = one.server.server._models.get("small0").model.name
    code, said, error = run("replay", folder / "photo-dream.png", "--model", model)
    assert code == 0 and "equal to the bit" in said, error
    # it has grown where there is paint, and only there
    before, after, mask = (
        np.asarray(Image.open(folder / name).convert("RGB"), np.float32)
        for name in ("photo.png", "photo-dream.png", "mask.png")
    )
    grown = np.abs(after - before).max(2)
    painted = np.asarray(Image.fromarray(mask[..., 0].astype(np.uint8)).resize((120, 90))) > 0
    assert 0.02 < painted.mean() < 0.7
    assert grown[painted].mean() > 1 and grown[0].max() <= 1 and grown[-1].max() <= 1


def test_the_command_line_is_copied(person, photo):
    one = person()
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    one.page.click("#copy")
    one.until(lambda: "Copied" in one.said())
    copied = one.page.evaluate("navigator.clipboard.readText()")
    assert copied == one.command() and copied.startswith("deepdream dream photo.png")


def test_a_dream_is_stopped_continued_and_undone(person, png):
    one = person()
    one.drop(png(400, 500), "photo.png")  # a dream of it takes long
    one.wait_for_picture()
    quick(one, 900)
    one.dream()
    assert "--iterations 900 --octaves 2" in one.command()  # of what is made, changed just now
    one.until(lambda: one.page.evaluate(FRAMES) >= 3)
    began = time.monotonic()
    one.page.click("#stop")
    one.wait_for_dream()
    assert time.monotonic() - began < 5 and "Stopped after step" in one.said()
    quick(one)
    one.page.click("#continue")
    one.wait_for_dream()
    assert "photo-dream.png" in one.command()
    assert one.page.locator("#results li").count() == 2
    for _ in range(3):
        one.page.click("#undo")
    assert one.page.is_disabled("#undo") and one.page.is_hidden("#compare")


def test_everything_works_by_keys_alone(person):
    one = person()
    page = one.page
    page.focus("#samples button")
    page.keyboard.press("Enter")
    one.wait_for_picture()
    page.focus("[name=goal][value=layer]")
    page.keyboard.press("Space")
    for name, number in (("iterations", 2), ("octaves", 2), ("max_size", 120)):
        page.focus(f"#{name}")
        page.keyboard.press("Control+a")
        page.keyboard.type(str(number))
    page.focus("#masked")
    page.keyboard.press("Space")
    page.focus("#mask")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    one.until(lambda: "--mask" in one.command())
    page.focus("#start")
    page.keyboard.press("Enter")
    one.wait_for_dream()
    page.focus("#cut")
    page.keyboard.press("End")
    assert (
        page.evaluate(
            "getComputedStyle(document.querySelector('#frame')).getPropertyValue('--cut')"
        )
        == "100%"
    )


def test_an_objective_is_completed(person, photo, png):
    one = person()
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    one.page.click("label:has([value=objective])")
    one.drop(png(60, 60), "leaf.png", "#guide")
    one.page.wait_for_selector("#guides li")
    one.page.click("#objective")
    one.page.keyboard.type("gui")
    one.page.keyboard.press("ArrowDown")
    assert one.page.get_attribute("#objective", "aria-activedescendant") == "completion-0"
    one.page.keyboard.press("Enter")
    one.page.keyboard.type("4c/out")
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    assert one.page.input_value("#objective") == 'guide("inception_4c/output")'
    one.page.keyboard.press("Backspace")
    one.page.keyboard.type(', "le')
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    assert one.page.input_value("#objective") == 'guide("inception_4c/output", "leaf.png")'
    one.until(lambda: "leaf.png" in one.command() and not one.wrong())


def test_a_class_is_found_and_chosen_by_keys(person, whole):
    one = person(whole)
    page = one.page
    page.focus("#samples button")
    page.keyboard.press("Enter")
    one.wait_for_picture()
    page.focus("[name=goal][value=class]")
    page.keyboard.press("Space")
    page.focus("#class-filter")
    page.keyboard.type("el")
    page.keyboard.press("ArrowDown")
    one.until(lambda: "--dream-of pelican" in one.command())
    page.keyboard.press("ArrowDown")
    one.until(lambda: "--dream-of shell" in one.command())
    accessible(page)
    one.keep_look("live-classes")


def test_the_layers_of_a_net_are_drawn_where_one_asks(person, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPDREAM_HOME", str(tmp_path))
    monkeypatch.setitem(drawn._SETTINGS, "iterations", 1)
    one = person()
    page = one.page
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    page.click("label:has([value=layer])")
    assert page.is_hidden("#pictured")
    page.click("#draw")
    one.until(lambda: page.is_hidden("#drawing"))
    assert page.locator("#pictured img").count() == 2
    page.click("#pictured label >> nth=0")
    one.until(lambda: "--end inception_3b/output" in one.command())
    accessible(page)


def test_the_frames_of_a_zoom_are_played_and_saved(person, photo):
    one = person()
    page = one.page
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    assert page.is_hidden("#class-tab")  # this net has no names for its classes
    quick(one, 1)
    page.fill("#frames", "3")
    one.dream()
    one.wait_for_dream()
    shown = lambda: page.inner_text("#number-of")  # noqa: E731
    assert shown() == "3 of 3"
    page.click("#play")
    seen = set()
    one.until(lambda: seen.add(shown()) or len(seen) == 3)
    page.click("#play")
    assert page.inner_text("#play") == "Play"
    accessible(page)
    names = []
    for number in range(page.locator("#animations a").count()):
        with page.expect_download() as saving:
            page.locator("#animations a").nth(number).click()
        names.append(saving.value.suggested_filename)
    assert names[:2] == ["photo-dream.gif", "photo-dream.webp"]


@pytest.mark.parametrize(
    "content, name, said",
    [
        (b"Dear Sir,", "letter.jpg", "given where a picture goes"),
        (b"", "nothing.jpg", "this file is empty"),
    ],
)
def test_what_is_no_picture_is_said_and_another_can_be_dropped(content, name, said, person, photo):
    one = person()
    one.drop(content, name)
    one.until(one.wrong)
    assert said in one.wrong()
    accessible(one.page)
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    assert not one.wrong()


def test_a_file_that_is_too_large_is_not_even_sent(person):
    one = person()
    one.page.evaluate(
        """() => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(200 << 20)], "huge.png"));
        document.querySelector("#stage").dispatchEvent(
            new DragEvent("drop", {dataTransfer: data, bubbles: true})); }"""
    )
    one.until(one.wrong)
    assert one.wrong().startswith("huge.png has 200 MB, and this page takes 32 MB at most")
    assert not [url for url in one.asked if "/pictures" in url]


def test_settings_that_cannot_be_are_said_at_once(person, photo):
    one = person()
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    quick(one)
    for name, value, said in (
        ("octaves", "99", "settings.octaves is 99"),
        ("step_size", "", "settings.step_size is None"),
        ("channels", "77777", "channel"),
    ):
        before = one.page.input_value(f"#{name}")
        one.page.fill(f"#{name}", value)
        if name == "channels":  # the net says how many it has, once it is open
            one.dream()
        one.until(one.wrong)
        assert said in one.wrong(), one.wrong()
        one.page.fill(f"#{name}", before)
        one.until(lambda: not one.wrong())


def test_two_tabs_and_one_that_is_closed_in_the_middle(person, photo, png):
    one = person()
    other = person(one.server)
    one.drop(png(600, 640), "large.png")  # a dream of it takes long
    one.wait_for_picture()
    quick(one, 900)
    one.dream()
    other.drop(photo.read_bytes(), "photo.png")
    other.wait_for_picture()
    quick(other)
    other.dream()
    other.until(lambda: "number 1 in the queue" in other.said())
    one.until(lambda: one.page.evaluate(FRAMES) >= 1)
    one.page.reload()  # as good as closed, and opened again
    one.page.wait_for_selector("#stop:visible")
    one.until(lambda: one.page.evaluate(FRAMES) >= 1)
    one.page.click("#stop")
    one.wait_for_dream()
    other.wait_for_dream()


def test_a_server_that_ends_is_said_and_one_that_begins_anew_is_found(person, photo, serving):
    one = person()
    one.drop(photo.read_bytes(), "photo.png")
    one.wait_for_picture()
    port = one.server.server.port
    one.server.end()
    one.until(lambda: "does not answer" in one.page.inner_text("#connection"))
    serving(port=port)
    one.until(lambda: "started anew" in one.wrong())
    one.until(lambda: one.page.inner_text("#connection") == "")
    assert one.page.is_visible("#empty")


@pytest.mark.parametrize("width, scheme", LOOKS)
def test_the_page_is_for_everybody(width, scheme, person, whole):
    one = person(whole, width, scheme, reduced_motion="reduce")
    page = one.page
    assert page.evaluate(OVERFLOW) <= 0
    accessible(page)
    one.keep_look(f"live-empty-{width}-{scheme}")
    page.click("#samples button")
    one.wait_for_picture()
    page.click("label:has([value=layer])")
    page.fill("#iterations", "2")
    page.fill("#max_size", "240")
    one.dream()
    one.until(lambda: page.evaluate(FRAMES) >= 1)
    one.keep_look(f"live-growing-{width}-{scheme}")
    one.wait_for_dream()
    page.click("summary")
    page.check("#masked")
    accessible(page)
    assert page.evaluate(OVERFLOW) <= 0
    one.keep_look(f"live-{width}-{scheme}")
    for where in ("#start", "#samples button", "#results button", "#copy", "#dismiss"):
        if page.locator(where).first.is_visible():  # large enough for a thumb
            assert page.locator(where).first.bounding_box()["height"] >= 40, where


def test_the_page_fills_a_very_large_screen(person, whole):
    one = person(whole, 3840, height=2160)
    one.page.click("#samples button")
    one.wait_for_picture()
    assert one.page.evaluate(OVERFLOW) <= 0
    assert one.page.locator("#frame").bounding_box()["height"] > 1000
    one.keep_look("live-3840-light")


def test_the_picture_in_the_docs_is_of_this_page(person, whole):
    """Writes out/pages/live.jpg, which is docs/assets/live.jpg."""
    one = person(whole, 1280)
    one.page.click("#samples button")
    one.wait_for_picture()
    one.page.click("label:has([value=layer])")
    one.page.click("#pictured label:has([value='inception_4d/output'])")
    one.page.fill("#seed", "1")
    one.page.fill("#iterations", "12")
    one.dream()
    one.wait_for_dream()
    one.page.fill("#cut", "32")
    one.page.evaluate("scrollTo(0, 0)")
    shot = Image.open(io.BytesIO(one.page.screenshot())).convert("RGB")
    SEEN.mkdir(parents=True, exist_ok=True)
    shot.save(SEEN / "live.jpg", quality=60)
    assert (SEEN / "live.jpg").stat().st_size < 150_000
    with Image.open(ROOT / "docs" / "assets" / "live.jpg") as shown:
        assert shown.size == shot.size

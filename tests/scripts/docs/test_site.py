"""The scripts that make the site and its pictures."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scripts.docs import check_site, cookbook
from scripts.docs.site_hooks import with_links_of_the_site

PAGE = """<html><head><link rel="stylesheet" href="style.css"></head><body>
<h2 id="here">Here</h2> <a href="#here">x</a> <a href="other.html#there">y</a>
<a href="https://example.org/">out</a> <img src="a.png" alt="a picture"></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages that are right."""
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "other.html").write_text('<a id="there" href="/index.html">back</a>')
    (tmp_path / "style.css").write_text("p { background: url(a.png) }")
    (tmp_path / "a.png").write_bytes(b"")
    return tmp_path


def test_a_right_site_passes_and_its_links_outside_are_listed(site: Path) -> None:
    assert check_site.check(site) == ([], {"https://example.org/": ["index.html"]})


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("other.html#there", "gone.html", "gone.html leads nowhere"),
        ("other.html#there", "other.html#gone", "other.html#gone: no such place"),
        ("#here", "#gone", "#gone: no such place"),
        ('src="a.png"', 'src="b.png"', "b.png leads nowhere"),
        ('src="a.png"', 'src="https://example.org/a.png"', "from elsewhere"),
        ("style.css", "//example.org/style.css", "from elsewhere"),
        (' alt="a picture"', "", "a.png has no text"),
    ],
)
def test_what_is_wrong_is_told(site: Path, old: str, new: str, told: str) -> None:
    (site / "index.html").write_text(PAGE.replace(old, new))
    wrong, _ = check_site.check(site)
    assert len(wrong) == 1 and told in wrong[0]


def test_fonts_from_elsewhere_are_told(site: Path) -> None:
    (site / "style.css").write_text('@font-face { src: url("https://example.org/a.woff2") }')
    assert check_site.main([str(site)]) == 1


def test_a_folder_without_pages_is_no_site(tmp_path: Path, capsys: Any) -> None:
    assert check_site.main([str(tmp_path)]) == 1
    assert "has no pages" in capsys.readouterr().err


@pytest.mark.parametrize(
    "folder, page_folder, link, seen",
    [
        ("", "", "[a](docs/engine.md#speed)", "[a](engine.md#speed)"),
        ("", "", "[a](SECURITY.md)", "[a](security.md)"),
        ("", "", "![a](docs/cookbook/a.jpg)", "![a](cookbook/a.jpg)"),
        ("docs", "", "[a](../SECURITY.md)", "[a](security.md)"),
        ("docs/api", "api", "[a](../engine.md)", "[a](../engine.md)"),
        ("docs/api", "api", "[a](../../README.md)", "[a](../index.md)"),
        ("docs", "", "[a](../notebooks/dream.ipynb)", "a"),
        ("docs", "", "[a](https://example.org/b)", "[a](https://example.org/b)"),
        ("docs", "", "[a](#b)", "[a](#b)"),
    ],
)
def test_links_are_as_the_site_has_them(
    folder: str, page_folder: str, link: str, seen: str
) -> None:
    assert with_links_of_the_site(link, folder, page_folder) == seen


def test_the_cookbook_runs_the_commands_of_its_page() -> None:
    page = "![a](cookbook/b.jpg)\n\n    deepdream dream a.jpg -o b.png \\\n        --end 'c d'\n"
    words = ["deepdream", "dream", "a.jpg", "-o", "b.png", "--end", "c d"]
    assert cookbook.commands(page) == {"b": words}


def test_the_cookbook_shows_an_animation_from_its_first_frame_to_its_last(tmp_path: Path) -> None:
    greys = [Image.new("RGB", (24, 12), (n, n, n)) for n in range(0, 250, 10)]
    greys[0].save(tmp_path / "a.gif", save_all=True, append_images=greys[1:])
    sheet = cookbook.frames_of(tmp_path / "a.gif")
    assert sheet.size == (24, 12)
    assert [sheet.getpixel((x, y))[0] for y in (1, 5, 9) for x in (1, 9, 17)] == [
        *range(0, 250, 30)
    ]


def test_every_picture_of_the_cookbook_has_a_command_and_is_small() -> None:
    looks = cookbook.commands(cookbook.PAGE.read_text(encoding="utf-8"))
    kept = {path.stem for path in cookbook.PICTURES.glob("*.jpg")}
    sources = [*cookbook.PHOTOS, cookbook.MOUNTAINS]
    assert kept == {*looks, *(Path(name).stem for name in sources)}
    made = [p for p in cookbook.PICTURES.glob("*.jpg") if p.name != cookbook.MOUNTAINS]
    assert all(p.stat().st_size <= cookbook.MOST_BYTES for p in made)


def test_pictures_are_made_small(tmp_path: Path) -> None:
    noise = Image.effect_noise((900, 600), 90).convert("RGB")
    assert len(cookbook.small(noise)) < len(noise.tobytes()) / 10

"""The documentation, held by tests: the site has every page, every link leads somewhere, and every
command that is shown can be read by its program."""

import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any, Iterator, List, Set, Tuple

import pytest

from deepdream.cli.main import parser as deepdream_parser
from net_surgery.cli import parser as net_surgery_parser
from scripts.docs.site_hooks import ROOT_PAGES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [*(ROOT / name for name in ROOT_PAGES), *sorted(DOCS.rglob("*.md"))]
PARSERS = {"deepdream": deepdream_parser, "net_surgery": net_surgery_parser}
SHELLS = {"|", "<", ">", "&&"}  # what follows them is no word of the program


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`]*`", "", re.sub(r"^ {4}.*$", "", text, flags=re.M))


def anchors(page: Path) -> Set[str]:
    """The names that GitHub and the site give to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def nav() -> List[str]:
    """The pages in mkdocs.yml's navigation."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    block = re.search(r"^nav:\n((?: .*\n)+)", text, re.M)
    assert block
    return re.findall(r": (\S+\.md)$", block[1], re.M)


def test_the_site_shows_every_page_once_and_no_other() -> None:
    pages = [p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")] + [*ROOT_PAGES.values()]
    assert sorted(nav()) == sorted(pages)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_and_pictures_of_a_page_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^()\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{named(page)}: {target}"
        assert place.is_relative_to(ROOT), f"{named(page)}: {target}"
        if anchor and place.suffix == ".md" and "api" not in place.parts:
            assert anchor in anchors(place), f"{named(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_picture_has_a_text(page: Path) -> None:
    assert "![](" not in page.read_text(encoding="utf-8")


def test_every_picture_in_the_docs_is_shown() -> None:
    shown = " ".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in DOCS.rglob("*"):
        if picture.suffix in (".jpg", ".png", ".svg"):
            assert picture.name in shown, named(picture)


def commands(page: Path) -> Iterator[Tuple[str, List[str]]]:
    """(program, its words) of every command line of ours that a page shows."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^ {4}.*$|^```sh\n.*?^```$", text, re.M | re.S))
    for line in code.replace("\\\n", " ").splitlines():
        match = re.match(r"\s*(?:\S*python -m )?(deepdream|net_surgery|net-surgery) (.*)", line)
        if match and not match[2].startswith((":", "=")):
            line = re.sub(r"\$\([^)]*\)", "photo.jpg", match[2])
            words = shlex.split(line, comments=True)
            own = list(takewhile(lambda word: word not in SHELLS, words))
            if own:
                yield match[1].replace("-", "_"), own


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_on_a_page_can_be_read(page: Path, capsys: Any) -> None:
    for program, words in commands(page):
        try:
            PARSERS[program]().parse_args(words)
        except SystemExit as e:
            assert not e.code, f"{named(page)}: {program} {' '.join(words)}: {capsys.readouterr()}"

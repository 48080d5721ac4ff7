"""Check a built site: every link and anchor leads somewhere, and nothing is fetched from elsewhere
to show a page. Lists the links that lead out of it, which are not followed."""

import argparse
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Set, Tuple
from urllib.parse import unquote, urlsplit

# what a browser fetches by itself to show a page: element -> attribute
_FETCHED = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
_FETCHED_LINKS = {"icon", "manifest", "modulepreload", "preconnect", "prefetch", "preload"}
_FETCHED_LINKS |= {"shortcut", "stylesheet"}


class Page(NamedTuple):
    """What a page names: the addresses of its links, those that it fetches, its anchors, and the
    pictures that have no text."""

    links: List[str]
    fetched: List[str]
    anchors: Set[str]
    untold: List[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], [], set(), [])

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.page.anchors.update(values[name] for name in ("id", "name") if values.get(name))
        if tag == "a" and values.get("href"):
            self.page.links.append(values["href"])
        if values.get(_FETCHED.get(tag, "")):
            self.page.fetched.append(values[_FETCHED[tag]])
        if tag == "link" and set(values.get("rel", "").split()) & _FETCHED_LINKS:
            self.page.fetched.append(values.get("href", ""))
        if tag == "img" and not values.get("alt"):
            self.page.untold.append(values.get("src", ""))


def read(path: Path) -> Page:
    """What a page of HTML names."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def check(site: Path) -> Tuple[List[str], Dict[str, List[str]]]:
    """Check all pages of a folder.

    Returns:
        What is wrong, a line each; and {address of another site: pages that link to it}.
    """
    pages = {path.resolve(): read(path) for path in sorted(site.rglob("*.html"))}
    wrong: List[str] = [] if pages else [f"{site}: has no pages"]
    out: Dict[str, List[str]] = {}
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        wrong += [f"{name}: the picture {src} has no text" for src in page.untold]
        for address in page.fetched:
            if urlsplit(address).netloc:
                wrong.append(f"{name}: fetches {address} from elsewhere")
        for address in [*page.links, *page.fetched]:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https"):
                out.setdefault(address, []).append(name)
            elif not parts.scheme:
                wrong += [f"{name}: {w}" for w in _astray(address, path, pages, site.resolve())]
    for style in sorted(site.rglob("*.css")):
        if "url(http" in style.read_text(encoding="utf-8").replace('"', "").replace("'", ""):
            wrong.append(f"{style.relative_to(site).as_posix()}: fetches from elsewhere")
    return wrong, out


def _astray(address: str, path: Path, pages: Dict[Path, Page], site: Path) -> List[str]:
    """What is wrong with a relative address on a page, if anything."""
    parts = urlsplit(address)
    # 404.html may be shown at any address, so its own are absolute
    folder = site if parts.path.startswith("/") else path.parent
    target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        return [f"{address} leads nowhere"]
    anchor = unquote(parts.fragment)
    known = pages[target].anchors if target in pages else {anchor}
    return [f"{address}: no such place on that page"] if anchor and anchor not in known else []


def main(argv: Optional[List[str]] = None) -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("site", type=Path, metavar="FOLDER", help="where the pages are")
    site = p.parse_args(argv).site
    wrong, out = check(site)
    for address, names in sorted(out.items()):
        print(f"not followed: {address} ({names[0]})")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(list(site.rglob('*.html')))} pages, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

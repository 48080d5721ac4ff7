"""What MkDocs does beside its own work (hooks in mkdocs.yml): pages of files that lie in the
project's folder, and links as they are seen from the site."""

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# file in the project's folder -> page of the site
ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^()\s]+)\)")


def with_links_of_the_site(markdown: str, folder: str, page_folder: str) -> str:
    """A page's Markdown, with its relative links as the site has them.

    Args:
        folder: of the file, seen from the project's folder, "" for that folder itself.
        page_folder: of the page, seen from docs/.

    Returns:
        The Markdown. A link to a file that is no page, such as a source, becomes its text.
    """

    def link(match: "re.Match[str]") -> str:
        mark, text, target = match.groups()
        path, hash_, anchor = target.partition("#")
        if not path or "://" in target or target.startswith("mailto:"):
            return match.group()
        place = posixpath.normpath(posixpath.join(folder, path))
        place = f"docs/{ROOT_PAGES[place]}" if place in ROOT_PAGES else place
        if not place.startswith("docs/"):
            return text
        seen = posixpath.relpath(place, posixpath.join("docs", page_folder))
        return f"{mark}[{text}]({seen}{hash_}{anchor})"

    return _LINK.sub(link, markdown)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of ROOT_PAGES."""
    from mkdocs.structure.files import File

    for name, page in ROOT_PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=with_links_of_the_site(text, "", "")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links of the pages that lie in docs/."""
    here = page.file.src_uri
    if here in ROOT_PAGES.values():
        return markdown
    folder = posixpath.dirname(here)
    return with_links_of_the_site(markdown, posixpath.join("docs", folder), folder)

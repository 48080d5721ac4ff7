"""The gallery's page."""

from pathlib import Path

from scripts.docs import gallery

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "gallery"


def test_committed_page_is_the_generators() -> None:
    assert (FOLDER / "README.md").read_text() == gallery.page()


def test_every_picture_is_there_and_on_the_page() -> None:
    pictures = [*FOLDER.glob("*.jpg"), *FOLDER.glob("*.webp")]
    assert sorted(e.file for e in gallery.ENTRIES) == sorted(p.name for p in pictures)

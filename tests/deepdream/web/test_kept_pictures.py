"""Pictures that come to the page from anywhere."""

import io
import struct
import zlib
from dataclasses import replace

import pytest
from PIL import Image

from deepdream.errors import ImageError, OutputError
from deepdream.settings import WEB
from deepdream.web.kept import SHOWN, THUMB, Pictures, clean_name


def bomb(side):
    """A PNG of a few bytes that announces side x side pixels."""

    def chunk(kind, content):
        told = kind + content
        return struct.pack(">I", len(content)) + told + struct.pack(">I", zlib.crc32(told))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "name, clean",
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("/", "picture.png"),
        ("..", "picture.png"),
        ("", "picture.png"),
        ('a"b\nc\u202e.png', "a_b_c_.png"),
        ("Straße am Meer (2).jpeg", "Straße am Meer (2).jpeg"),
        ("x" * 500 + ".png", "x" * 74 + ".png"),
    ],
)
def test_a_name_from_outside_is_made_safe(name, clean):
    assert clean_name(name) == clean


def test_a_picture_is_kept_under_a_name_of_our_own_and_unchanged(kept, png, tmp_path):
    content = png(30, 40)
    one = kept.add(content, "../../outside.png")
    assert one.path.read_bytes() == content and one.path.parent == tmp_path / "kept"
    assert one.path.name == one.id and one.name == "outside.png" and one.size == (30, 40)
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [one.id]


def test_the_same_picture_is_kept_once_and_others_of_its_name_get_another(kept, png):
    one, again = kept.add(png(9, 9), "a.png"), kept.add(png(9, 9), "b.png")
    other = kept.add(png(9, 9, seed=1), "A.png")
    assert again == one and other.name == "A-2.png"


@pytest.mark.parametrize("side, longest", [(SHOWN, 1600), (THUMB, 240)])
def test_what_the_page_shows_is_a_jpeg_of_bounded_size(side, longest, kept, png):
    one = kept.add(png(20, 2000), "wide.png")
    with Image.open(io.BytesIO(kept.shown(one.id, side))) as image:
        assert image.format == "JPEG" and image.size[0] == longest


@pytest.mark.parametrize(
    "content, name, said",
    [
        (b"Dear Sir,\n", "letter.jpg", 'the text "Dear Sir,", given where a picture goes'),
        (b"\xff\xd8\xff\xe0 broken", "cut.jpg", "cut.jpg: not a picture, or a broken one"),
        (bomb(7000), "bomb.png", "bomb.png: has 7000x7000 pixels, over the 40 million"),
        (bomb(60000), "bomb.png", "pixels, too large to be safe"),
        (bomb(100), "empty.png", "empty.png: not a picture, or a broken one"),
    ],
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(content, name, said, kept, tmp_path):
    with pytest.raises(ImageError) as e:
        kept.add(content, name)
    assert said in str(e.value), e.value
    assert str(tmp_path) not in str(e.value)
    assert not list((tmp_path / "kept").iterdir())


def test_the_oldest_picture_that_nothing_needs_makes_room(tmp_path, png):
    few = Pictures(tmp_path, replace(WEB, pictures=2))
    needed, loose = few.add(png(8, 8, 1), "needed.png"), few.add(png(8, 8, 2), "loose.png")
    few.hold([needed])
    few.add(png(8, 8, 3), "third.png")
    assert few.get(needed.id) == needed
    with pytest.raises(ImageError, match="not on the server any more"):
        few.get(loose.id)
    assert not loose.path.exists()


def test_a_picture_is_refused_where_there_is_no_room(tmp_path, png):
    few = Pictures(tmp_path, replace(WEB, kept_bytes=500))
    one = few.add(png(8, 8), "a.png")
    few.hold([one])
    with pytest.raises(OutputError, match="no room"):
        few.add(png(9, 9), "b.png")
    few.release([one])
    assert few.add(png(9, 9), "b.png").name == "b.png"


def test_a_message_names_pictures_and_not_their_files(kept, png):
    one = kept.add(png(8, 8), "a.png")
    assert kept.public(f"{one.path}: is small") == "a.png: is small"

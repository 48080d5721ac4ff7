"""The page of presets: it shows those that there are, as they are."""

from PIL import Image

from deepdream.request.presets import PRESETS
from scripts.docs import presets


def test_the_page_is_what_the_script_writes():
    assert (presets.ROOT / presets.PAGE).read_text() == presets.page()


def test_each_preset_has_its_picture():
    folder = presets.ROOT / presets.FOLDER
    assert {path.name for path in folder.iterdir()} == {f"{name}.jpg" for name in PRESETS}
    for path in folder.iterdir():
        with Image.open(path) as image:
            assert image.width == presets.WIDTH and image.format == "JPEG"

"""What a page asks for: read with bounds, and what it means."""

import json

import pytest

from deepdream.errors import DreamError
from deepdream.web import asked


@pytest.fixture
def read(form, models, kept):
    def call(settings=None, **also):
        return asked.read(form(settings, **also), models, kept)

    return call


def test_a_form_becomes_a_request(read, small, photo):
    one = read({"smooth": "natural"}, keep_colours=True)
    assert one.dream.end == "inception_4c/output" and one.dream.smooth == "natural"
    assert one.picture.keep_colours and one.picture.max_size == 640 and one.seed == 3
    assert one.zoom is None and one.model.name == small.name
    assert one.image.path.read_bytes() == photo.read_bytes()


def test_channels_of_a_layer_become_an_objective(read):
    one = read(channels=[3, 1])
    assert one.dream.objective == 'channel("inception_4c/output", 3, 1)' and one.dream.end == ""


def test_frames_become_a_zoom(read):
    assert read(frames=3, scale=0.1).zoom.frames == 3


@pytest.mark.parametrize(
    "settings, also, said",
    [
        ({"iterations": -1}, {}, "settings.iterations is -1, not a whole number from 0 to 1000"),
        ({"iterations": 10**9}, {}, "settings.iterations is 1000000000, not"),
        ({"iterations": 2.5}, {}, "settings.iterations is 2.5, not a whole number"),
        ({"step_size": None}, {}, "settings.step_size is None, not a number over 0"),
        ({"step_size": float("nan")}, {}, "it has the number 'NaN', which no field can hold"),
        ({"step_size": float("inf")}, {}, "it has the number 'Infinity'"),
        ({"octaves": 99}, {}, "settings.octaves is 99"),
        ({"smooth": "soap"}, {}, "smooth"),
        ({"end": "conv77"}, {}, 'the net has no layer "conv77" to dream of'),
        ({"objective": "__import__('os')"}, {}, "__import__('os')"),
        ({"objective": 'l2("nowhere")'}, {}, 'no layer "nowhere"'),
        ({"objective": "1 +"}, {}, "cannot be read"),
        ({"objective": "(" * 20_000}, {}, "cannot be read"),
        ({"objective": 'score("unicorn")'}, {}, "unicorn"),
        ({}, {"channels": [-1]}, "channels[0] is -1"),
        ({}, {"model": "../../etc"}, 'there is no model "../../etc"'),
        ({}, {"model": "/"}, 'there is no model "/"'),
        ({}, {"image": "../../../etc/passwd"}, "image is '../../../etc/passwd', not the picture"),
        ({}, {"image": "0" * 20}, "this picture is not on the server any more"),
        ({}, {"mask": "0" * 20}, "this picture is not on the server any more"),
        ({}, {"guides": ["0" * 20] * 5}, "guides is"),
        ({}, {"frames": 1000}, "frames is 1000, not a whole number from 1 to 60"),
        ({}, {"frames": 2, "keep_colours": True}, "a zoom cannot keep the photograph's colours"),
        ({}, {"max_size": 10**6}, "max_size is 1000000"),
        ({}, {"seed": 2**32}, "seed is 4294967296"),
        ({}, {"path": "/etc/passwd"}, "'path' is unknown"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(settings, also, said, read):
    with pytest.raises(DreamError) as e:
        read(settings, **also)
    assert said in str(e.value), e.value
    assert "\n" not in str(e.value) and len(str(e.value)) < 600


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"model": 1, "model": 2}', "[" * 10**5])
def test_what_is_no_form_is_refused(text, models, kept):
    with pytest.raises(DreamError):
        asked.read(text, models, kept)


@pytest.mark.parametrize("name", ["/etc/passwd", "photo.png", "../photo.png", "mask.png"])
@pytest.mark.parametrize(
    "text", ['guide("inception_4c/output", {})', 'l2("inception_4c/output").within({})']
)
def test_an_objective_reaches_no_file_of_the_disk(text, name, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where there is a photo.png
    with pytest.raises(DreamError, match="which is not on the page"):
        read({"end": "", "objective": text.format(json.dumps(name))})


def test_an_objective_may_name_what_was_dropped_on_the_page(read, kept, png):
    guide, mask = kept.add(png(60, 60, 1), "leaf.png"), kept.add(png(9, 9, 2), "mask.png")
    text = 'guide("inception_4c/output", "leaf.png").within("mask.png")'
    one = read({"end": "", "objective": text}, guides=[guide.id], mask=mask.id)
    assert one.named == {"leaf.png": guide, "mask.png": mask} and one.guides == ()
    where = {name: path for _, name, path in one.request(engine="auto")._places}
    assert where["leaf.png"] == str(guide.path)

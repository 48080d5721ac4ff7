"""Prototxts: what other Caffes say in them is named, ceil_mode is read, errors are printable."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from netfile.errors import NetError, PrototxtError, printable
from netfile.faults.outline import outline, place
from netfile.prototxt import parse_prototxt
from netfile.shapes import infer
from netfile.upgrade import V1_TYPES

POOL = 'layer { name: "pool1" type: "Pooling" bottom: "data" top: "pool1" pooling_param { %s } }'
INPUT = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'


@pytest.fixture(scope="module")
def messages(caffe):
    return caffe.io.caffe_pb2


@pytest.fixture
def parsed(messages):
    return lambda text: parse_prototxt(text, messages, "net.prototxt")


@pytest.fixture
def refused(parsed):
    def call(text):
        with pytest.raises(PrototxtError) as e:
            parsed(text)
        assert str(e.value).isprintable() and len(str(e.value)) < 600
        return str(e.value)

    return call


# ---- ceil_mode


@pytest.mark.parametrize("said, size", [
    ("", 4), ("ceil_mode: true", 4), ("ceil_mode: false", 3), ("ceil_mode:false", 3),
    ("ceil_mode: 0", 3), ("ceil_mode : f ", 3), ("round_mode: FLOOR", 3),
    ("ceil_mode: false round_mode: FLOOR", 3), ("round_mode: 1 ceil_mode: False", 3),
    ("ceil_mode: true, round_mode: CEIL;", 4),
])  # fmt: skip
def test_ceil_mode_is_round_mode(said, size, parsed):
    text = INPUT + POOL % f"pool: MAX kernel_size: 3 stride: 2 {said}"
    old = text.replace("layer {", "layers {").replace('"Pooling"', "POOLING")
    brackets = text.replace("pooling_param {", "pooling_param: <").replace("} }", "> }")
    for form in (text, old, brackets, text.replace(" ", "\n")):
        assert infer(parsed(form))["pool1"] == (1, 3, size, size)


def test_ceil_mode_rounds_down_in_the_engine(caffe, tmp_path):
    if caffe.__name__ == "caffe":
        pytest.skip("real Caffe has no ceil_mode")
    path = tmp_path / "net.prototxt"
    path.write_text(INPUT + POOL % "pool: AVE kernel_size: 3 stride: 2 ceil_mode: false")
    assert caffe.Net(str(path), caffe.TEST).blobs["pool1"].data.shape == (1, 3, 3, 3)


def test_ceil_mode_that_contradicts_is_refused(refused):
    for both in ("ceil_mode: true round_mode: FLOOR", "round_mode: CEIL ceil_mode: false"):
        said = refused(INPUT + POOL % both)
        assert 'layer "pool1" (Pooling): round_mode: ' in said and "contradict each other" in said
    said = refused(INPUT + POOL % "ceil_mode: perhaps")
    assert "line 2" in said and "ceil_mode is perhaps, not true or false" in said


def test_ceil_mode_elsewhere_is_an_unknown_field_and_in_names_a_name(parsed, refused):
    assert "lrn_param has no field ceil_mode" in refused(
        'layer { name: "a" type: "LRN" lrn_param { ceil_mode: true } }'
    )
    net = parsed(f'name: "ceil_mode: true" # pooling_param {{ ceil_mode: 7\n{POOL % ""}')
    assert net.name == "ceil_mode: true"


# ---- other Caffes


@pytest.mark.parametrize("inside, told", [
    ("upsample_param { scale: 2 }", "SegNet's upsample_param"),
    ("roi_pooling_param { pooled_w: 7 }", "Faster R-CNN's roi_pooling_param"),
    ("prior_box_param { min_size: 30 }", "SSD's prior_box_param"),
    ("permute_param { order: 0 }", "SSD's permute_param"),
    ("norm_param { across_spatial: false }", "SSD's norm_param"),
    ("interp_param { zoom_factor: 8 }", "PSPNet's and DeepLab's interp_param"),
    ("imresize_param { factor: 8 }", "Caffe-OpenPose's imresize_param"),
    ("shuffle_channel_param { group: 3 }", "ShuffleNet's shuffle_channel_param"),
    ("bn_param { bn_mode: INFERENCE }", "SegNet's, PSPNet's and other old forks' bn_param"),
    ("batch_norm_param { scale_bias: true }", "NVIDIA Caffe's scale_bias"),
    ("convolution_param { hole: 2 }", "DeepLab's hole"),
    ("cos_data_param { batch_size: 1 }", "Yahoo's (CaffeOnSpark's) cos_data_param"),
    ("forward_type: FLOAT16", "NVIDIA Caffe's forward_type"),
])  # fmt: skip
def test_fields_of_other_caffes_are_named_with_the_layer(inside, told, refused):
    said = refused(f'layer {{ name: "x1"\n  type: "Pooling" {inside} }}')
    assert said.startswith("net.prototxt: line 2, column ")
    assert f', layer "x1" (Pooling): {told} is not in this Caffe; ' in said


@pytest.mark.parametrize("kind, whose", [
    ("Upsample", "SegNet's"), ("BN", "SegNet's"), ("PriorBox", "SSD's"), ("Normalize", "SSD's"),
    ("Permute", "SSD's"), ("Interp", "PSPNet's"), ("ROIPooling", "Faster R-CNN's"),
    ("ImResize", "Caffe-OpenPose's"), ("ShuffleChannel", "ShuffleNet's"), ("Axpy", "SENet's"),
    ("ConvolutionDepthwise", "MobileNet's"), ("DepthwiseConvolution", "MobileNet's"),
    ("CPMData", "CPM's"), ("CoSData", "Yahoo's"), ("ReLU6", "MobileNet v2's"),
])  # fmt: skip
def test_layers_of_other_caffes_are_named(kind, whose, caffe, tmp_path):
    if caffe.__name__ == "caffe":
        pytest.skip("real Caffe ends the process")
    path = tmp_path / "net.prototxt"
    path.write_text(f'{INPUT}layer {{ name: "x1" type: "{kind}" bottom: "data" top: "x1" }}')
    with pytest.raises(PrototxtError, match=f'layer "x1": {whose}.* {kind} is not in this Caffe; '):
        caffe.Net(str(path), caffe.TEST)


def test_old_forks_layers_in_the_old_form(refused):
    assert "DeconvNet's UNPOOLING" in refused('layers { name: "u" type: UNPOOLING }')
    assert "SegNet's, PSPNet's and other old forks' BN" in refused('layers { name: "b" type: BN }')
    assert "knows no type FROBNICATE" in refused('layers { name: "b" type: FROBNICATE }')


def test_any_other_field_is_named_with_its_place_and_the_nearest(refused):
    said = refused('layer {\n  name: "c"\n  convolution_param { num_outputs: 4 } }')
    assert said.startswith('net.prototxt: line 3, column 23, layer "c": convolution_param has no ')
    assert "num_outputs in this Caffe; did you mean num_output?" in said
    assert "line 2, column 1: a net has no field colour" in refused("name: 'x'\ncolour: 3")


@pytest.mark.parametrize("text", [
    'name: "a" name: "b"', POOL % "kernel_size: 2 kernel_size: 3",
    POOL % "ceil_mode: true ceil_mode: false", POOL % "" + POOL % "} pooling_param {",
])  # fmt: skip
def test_what_is_said_twice_is_refused_as_in_caffe(text, refused):
    assert "multiple" in refused(text)


def test_numbers_of_old_types_are_no_error(parsed, refused):
    old = 'layers { name: "r" type: 18 }\n'
    assert parsed(old).layer[0].type == "ReLU"
    assert "syntax error at line:column 2:" in refused(old + "layers { name 3 }")


# ---- types in another version's form


@pytest.mark.parametrize("text, told", [
    ('layers { name: "a" type: "Convolution" }', "is called `layer`, not `layers`"),
    ('layers { name: "a" type: Convolution }', "or type: CONVOLUTION"),
    ('layers { name: "a" type: "CONVOLUTION" }', "without quotes: type: CONVOLUTION"),
    ("layers { name: 'a' type: 'Scale' }", "is called `layer`, not `layers`"),
    ('layer { name: "a" type: CONVOLUTION }', 'in quotes: type: "Convolution"'),
    ('layer { name: "a" type: Convolution }', 'in quotes: type: "Convolution"'),
    ('layer { name: "a" type: INNER_PRODUCT }', 'in quotes: type: "InnerProduct"'),
])  # fmt: skip
def test_a_type_in_another_versions_form(text, told, refused):
    assert told in refused(text)


@pytest.mark.parametrize("name", V1_TYPES)
def test_every_old_type_is_told_its_new_form(name, refused, parsed):
    if name != "NONE":
        assert f'type: "{V1_TYPES[name]}"' in refused(f'layer {{ name: "a" type: {name} }}')
    assert parsed(f'layers {{ name: "a" type: {name} }}').layer[0].type == V1_TYPES[name]


# ---- what can be shown


def test_control_characters_are_shown_as_escapes(refused):
    said = refused('layer { name: "a\x1b[31m" type: "\x07" frob\x1bnicate: 1 }')
    assert "\\x1b" in said
    assert "In: name \\x00\\u202e" in refused("name \x00\u202e")
    assert printable("Länge 日本 x\\n") == "Länge 日本 x\\n"
    assert printable("a\nb\xa0\x85\u2028\udcff\u202e") == "a\\nb\\xa0\\x85\\u2028\\udcff\\u202e"
    assert str(NetError("a\x1b[2J\r")) == "a\\x1b[2J\\r"


def test_a_long_line_is_cut(refused):
    assert len(refused("name: 'x' " + "? " * 100_000)) < 500
    long = "x" * 100_000
    for text in (f"{long}: 3", f'layer {{ name: "{long}" type: "{long}" {long}: 1 }}',
                 f'layers {{ type: "{long}" }}', POOL % f"ceil_mode: {long}"):  # fmt: skip
        refused(text)


def test_an_outline_has_every_field_with_its_place():
    text = "a { b: \"x{\" c: [1, 2]\n d <e: 'y' 'z'> } f: -1.5e3 g: [{h: 1}, {h: 2}] i: 1"
    root = outline(text)
    assert [entry.name for entry in root.all()] == list("abcdefghhi")
    (e,) = [entry for entry in root.all() if entry.name == "e"]
    assert e.value == "'y'" and e.inside("a").name == "a" and place(text, e.start) == (2, 5)
    assert len(list(outline("a{" * 100_000).all())) == 100_000


quick = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
PIECES = st.sampled_from(
    ["layer", "layers", "{", "}", "<", ">", ":", "name", "type", '"a"', "pooling_param", "[", "]",
     "ceil_mode", "true", "upsample_param", "shape", "dim", "input", "0", "-1", "\n", " ", "#",
     "'", '"\\377"', "\x1b", "\x00", "\u202e", "CONVOLUTION", '"Convolution"', "bottom", "\\"]
)  # fmt: skip


@quick
@given(st.lists(PIECES, max_size=30).map(" ".join) | st.text(max_size=60))
@example('layer { name: "\\377" }')
@example('layers { name: "a" type: "')
def test_whatever_a_prototxt_says_its_error_can_be_shown(messages, text):
    try:
        parse_prototxt(text, messages, "net.prototxt")
    except NetError as e:
        assert str(e).isprintable() and len(str(e)) < 600


@quick
@given(st.integers(0, 2000), st.binary(max_size=6), st.integers(0, 6))
def test_a_changed_prototxt_is_read_or_refused(messages, at, new, gone):
    whole = (INPUT + POOL % "kernel_size: 3 stride: 2 ceil_mode: false").encode()
    at %= len(whole)
    text = (whole[:at] + new + whole[at + gone :]).decode("utf-8", "replace")
    try:
        infer(parse_prototxt(text, messages, "net.prototxt"))
    except NetError as e:
        assert str(e).isprintable() and len(str(e)) < 600

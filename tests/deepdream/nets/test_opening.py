"""The one way to open a net: what it checks, in which order, and how many nets it builds."""

import dataclasses

import pytest

from deepdream import nets
from deepdream.errors import EngineError, ModelError, SizeError, TargetError
from deepdream.nets import engine, opening, preflight
from deepdream.nets.preflight import check_end
from netfile.system.memory import Free

END = "inception_4c/output"


@pytest.fixture
def built(caffe, monkeypatch):
    """The nets that this process builds: the name of each one's class."""
    kinds, build = [], caffe.Net.__init__

    def counted(net, *args, **kwargs):
        kinds.append(type(net).__name__)
        build(net, *args, **kwargs)

    monkeypatch.setattr(caffe.Net, "__init__", counted)
    return kinds


def test_one_net_serves_a_dream_of_four_octaves(small, caffe, built):
    opened = nets.open(small, caffe, layers=[END], sizes=[(90, 120), (64, 86), (46, 61), (33, 44)])
    assert built == ["Classifier"]
    assert opened.end == END and opened.size == (32, 32) and not opened.any_size


def test_the_layers_may_depend_on_the_description(small, caffe):
    opened = nets.open(small, caffe, layers=lambda d: [d.layer[1].name, END])
    assert opened.layers == ("conv1", END) and opened.end == END


def test_where_the_classes_are(small, caffe):
    opened = nets.open(small, caffe)
    assert opened.output.probabilities == "prob" and opened.output.scores == "fc"


def test_an_opened_net_answers_for_layers_and_sizes(net):
    net.preflight(END, [(60, 80)])
    with pytest.raises(TargetError):
        net.preflight("nothing", [(60, 80)])
    with pytest.raises(SizeError):
        net.preflight(END, [(3, 4)])


def fails(wanted, order):
    """A check that fails, and notes that it ran."""

    def check(*args, **kwargs):
        order.append(wanted)
        raise wanted("checked")

    return check


def test_checks_run_in_one_order(small, caffe, monkeypatch):
    order = []
    wrong = {
        "layers": fails(TargetError, order),
        "sizes": [(3, 4)],
        "gpu": 0,
    }
    monkeypatch.setattr(engine, "use_gpu", fails(EngineError, order))
    missing = dataclasses.replace(small, weights=small.weights.with_name("none.caffemodel"))
    for error, fix in (
        (TargetError, {"layers": [END]}),
        (SizeError, {"sizes": [(60, 80)]}),
        (EngineError, {"gpu": None}),
        (ModelError, {}),
    ):
        with pytest.raises(error):
            nets.open(missing, caffe, **wrong)
        wrong.update(fix)
    assert order == [TargetError, EngineError]


def test_too_little_memory_is_said_before_the_net_is_built(small, caffe, built, monkeypatch):
    monkeypatch.setattr("deepdream.nets.memory.free", lambda: Free(10**5, "left"))
    with pytest.raises(SizeError, match="4 pictures of 32x32 at a time take"):
        nets.open(small, caffe, layers=["fc"], batch=4)
    assert built == []


def test_a_guide_too_large_for_the_memory_is_named(small, caffe, built, monkeypatch):
    monkeypatch.setattr("deepdream.nets.memory.free", lambda: Free(10**7, "left"))
    with pytest.raises(SizeError, match="the guide picture is 2000x1500: a step .* takes"):
        nets.open(small, caffe, layers=[END], sizes=[(60, 80)], guide_sizes=[(1500, 2000)])
    assert built == []


def test_the_engine_is_asked_where_a_shape_cannot_be_worked_out(small, caffe, monkeypatch):
    monkeypatch.setattr(preflight, "unknown_sizes", lambda description, end, sizes: list(sizes))
    monkeypatch.setattr(opening, "_check_sizes", lambda *args: None)
    monkeypatch.setattr(opening, "_check_memory", lambda *args: None)

    def opened(sizes, *guide_sizes):
        return nets.open(small, caffe, layers=[END], sizes=sizes, guide_sizes=guide_sizes)

    opened([(32, 32)], (32, 32))
    with pytest.raises(SizeError, match="octave 1 of 2 would be 8x8 pixels") as e:
        opened([(32, 32), (8, 8)])
    assert e.value.octaves == 1
    with pytest.raises(SizeError, match="the guide picture is 8x8: .*use a larger one"):
        opened([(32, 32)], (8, 8))


def test_a_wrong_layer_is_said_before_missing_weights(small, caffe, tmp_path):
    text = small.deploy.read_text().replace("stride: 2 pad: 2", "stride: 0 pad: 2")
    (tmp_path / "deploy.prototxt").write_text(text)
    wrong = dataclasses.replace(
        small, deploy=tmp_path / "deploy.prototxt", weights=tmp_path / "none.caffemodel"
    )
    with pytest.raises(ModelError, match='refuses it: .*"conv1"'):
        nets.open(wrong, caffe)


def test_check_end_serves_as_the_function_of_layers(small, caffe):
    def layers(description):
        check_end(description, "inception_4c/outputt")
        return []

    with pytest.raises(TargetError, match="did you mean inception_4c/output"):
        nets.open(small, caffe, layers=layers)

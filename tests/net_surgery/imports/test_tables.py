"""The tables: every deploy net gets all of its parameters from what its source would hold."""

import re
from functools import lru_cache
from typing import Any, Dict

import numpy as np
import pytest
from google.protobuf import text_format

from net_surgery.errors import FormatError
from net_surgery.imports import TABLES, Table, mapped
from net_surgery.imports.tables.table import KERAS_2, PYTORCH
from netfile.prototxt import read_prototxt
from netfile.shapes import weight_shapes
from netfile.system.places import PROTOTXT
from tests.support.foreign_weights import source_arrays

LIGHT = [t for t in TABLES if not re.match("VGG|torchvision_(vgg|alex)|bvlc_[ar]", t.model)]


@pytest.fixture
def net_of(caffe: Any) -> Any:
    @lru_cache(maxsize=None)
    def net(model: str) -> Any:
        return read_prototxt(PROTOTXT / model / "deploy.prototxt", caffe.io.caffe_pb2)

    return net


def name_of(table: Table) -> str:
    return f"{table.model}-{TABLES.index(table)}"


@pytest.mark.parametrize("table", LIGHT, ids=name_of)
def test_every_parameter_is_taken_from_its_own_array(table: Table, net_of: Any) -> None:
    net = net_of(table.model)
    arrays = source_arrays(table, net)
    parameters, left_over = mapped(table, arrays, net)
    assert not left_over
    shapes = weight_shapes(net)
    assert {n: [a.shape for a in made] for n, made in parameters.items()} == shapes
    assert all(a.dtype == np.float32 for made in parameters.values() for a in made)
    # no two layers have the same numbers, so none has those of another
    firsts = [made[0].ravel()[-1] for n, made in parameters.items() if not constant(table, n)]
    assert len(set(firsts)) == len(firsts)


def constant(table: Table, layer: str) -> bool:
    return bool(table.constant and re.fullmatch(table.constant, layer))


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_every_layer_has_a_name_of_its_own_in_the_source(table: Table, net_of: Any) -> None:
    layers = [n for n in weight_shapes(net_of(table.model)) if not constant(table, n)]
    names = [table.source_name(layer) for layer in layers]
    norms = [table.norm(layer) for layer in layers if table.norm(layer)]
    assert len(set(names)) == len(names) and len(set(norms)) == len(norms)


def table_of(model: str) -> Table:
    return next(table for table in TABLES if table.model == model)


def test_caffes_own_numbers_are_not_changed(net_of: Any) -> None:
    table = table_of("squeezenet_v1.0")
    arrays = source_arrays(table, net_of(table.model))
    parameters = mapped(table, arrays, net_of(table.model)).parameters
    assert np.array_equal(parameters["conv1"][0], arrays["conv1_w_0"])
    assert np.array_equal(parameters["fire9/expand3x3"][1], arrays["fire9/expand3x3_b_0"])


def test_scale_and_order_of_colours_are_in_the_first_convolution(net_of: Any) -> None:
    table = table_of("torchvision_squeezenet1_1")
    arrays = source_arrays(table, net_of(table.model))
    conv1 = mapped(table, arrays, net_of(table.model)).parameters["conv1"][0]
    # red is the first channel there, and the last one here
    wanted = np.float64(arrays["features.0.weight"][:, 0]) / (255 * 0.229)
    assert np.allclose(conv1[:, 2], wanted, rtol=1e-6)
    fire = arrays["features.3.squeeze.weight"]
    assert np.array_equal(
        mapped(table, arrays, net_of(table.model)).parameters["fire2/squeeze1x1"][0], fire
    )


def test_normalisation_is_folded_and_kernels_grow(net_of: Any) -> None:
    table = table_of("efficientnet_lite0")
    arrays = source_arrays(table, net_of(table.model))
    weight, bias = mapped(table, arrays, net_of(table.model)).parameters["block1/depthwise"]
    a: Dict[str, Any] = {n: np.float64(v) for n, v in arrays.items()}
    gain = a["_blocks.1._bn1.weight"] / np.sqrt(a["_blocks.1._bn1.running_var"] + 1e-3)
    assert not weight[:, :, 0].any() and not weight[:, :, :, 0].any()
    wanted = a["_blocks.1._depthwise_conv.weight"] * gain.reshape(-1, 1, 1, 1)
    assert np.allclose(weight[:, :, 1:, 1:], wanted, rtol=1e-6)
    shift = a["_blocks.1._bn1.bias"] - a["_blocks.1._bn1.running_mean"] * gain
    assert np.allclose(bias, shift, rtol=1e-5)


def test_kernels_grow_where_their_map_has_an_even_side(net_of: Any) -> None:
    table = table_of("efficientnet_lite2")
    parameters = mapped(
        table, source_arrays(table, net_of(table.model)), net_of(table.model)
    ).parameters
    sides = {n: parameters[f"block{n}/depthwise"][0].shape[2] for n in (1, 4, 7, 15)}
    assert sides == {1: 4, 4: 5, 7: 3, 15: 5}  # of maps of 130, 65, 33 and 17 pixels


def test_batch_norm_that_the_deploy_net_keeps(caffe: Any) -> None:
    text = """
    layer { name: "data" type: "Input" top: "data"
            input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
    layer { name: "norm" type: "BatchNorm" bottom: "data" top: "norm" }
    layer { name: "scale" type: "Scale" bottom: "norm" top: "scale"
            scale_param { bias_term: true } }
    """
    net = text_format.Parse(text, caffe.io.caffe_pb2.NetParameter())
    table = Table("made_up", "PyTorch", PYTORCH, renames=((r"norm|scale", "bn"),))
    names = ("weight", "bias", "running_mean", "running_var")
    arrays = {f"bn.{n}": np.float32([1, 2, 3]) * (i + 1) for i, n in enumerate(names)}
    parameters = mapped(table, arrays, net).parameters
    assert [a.tolist() for a in parameters["norm"]] == [[3, 6, 9], [4, 8, 12], [1]]
    assert [a.tolist() for a in parameters["scale"]] == [[1, 2, 3], [2, 4, 6]]


def test_a_map_that_the_source_flattens_by_pixels(caffe: Any) -> None:
    text = """
    layer { name: "data" type: "Input" top: "data"
            input_param { shape { dim: 1 dim: 3 dim: 2 dim: 4 } } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
            inner_product_param { num_output: 5 } }
    """
    net = text_format.Parse(text, caffe.io.caffe_pb2.NetParameter())
    table = Table("made_up", "Keras 2", KERAS_2, flattened=(("fc", (3, 2, 4)),))
    rng = np.random.RandomState(0)
    kernel, bias = np.float32(rng.normal(size=(24, 5))), np.zeros(5, np.float32)
    arrays = {"fc/fc/kernel:0": kernel, "fc/fc/bias:0": bias}
    weight = mapped(table, arrays, net).parameters["fc"][0]
    x = np.float32(rng.normal(size=(3, 2, 4)))
    keras = x.transpose(1, 2, 0).ravel() @ kernel
    assert np.allclose(weight @ x.ravel(), keras, atol=1e-5)


def refused(table: Table, arrays: Any, net: Any) -> str:
    with pytest.raises(FormatError) as e:
        mapped(table, arrays, net)
    return str(e.value)


def test_what_is_missing_is_told(net_of: Any) -> None:
    table = table_of("hed_bsds500")
    net = net_of(table.model)
    arrays = source_arrays(table, net)
    for n in range(1, 6):
        del arrays[f"dsn{n}/vars/1"]
    text = refused(table, arrays, net)
    assert "lacks dsn1/vars/1, dsn2/vars/1" in text and "and 1 more" in text


def test_an_array_of_another_shape_is_told_with_both(net_of: Any) -> None:
    table = table_of("hed_bsds500")
    net = net_of(table.model)
    arrays = source_arrays(table, net)
    arrays["fuse/vars/0"] = np.zeros((1, 1, 4, 1), np.float32)
    text = refused(table, arrays, net)
    assert "new-score-weighting are (1, 5, 1, 1)" in text and "(1, 4, 1, 1) in this file" in text
    arrays["fuse/vars/0"] = np.zeros((5, 1), np.int64)
    assert "fuse/vars/0 holds int64" in refused(table, arrays, net)
    arrays["fuse/vars/0"] = np.full((1, 1, 5, 1), np.nan, np.float32)
    assert "not finite" in refused(table, arrays, net)


def test_what_is_left_over_is_told(net_of: Any) -> None:
    table = table_of("hed_bsds500")
    net = net_of(table.model)
    arrays = {**source_arrays(table, net), "extra": np.zeros(2, np.float32)}
    assert mapped(table, arrays, net).left_over == ["extra"]


def test_axes_in_another_order_are_refused_where_shapes_tell(net_of: Any) -> None:
    table = table_of("torchvision_squeezenet1_1")
    net = net_of(table.model)
    arrays = source_arrays(table, net)
    arrays["features.3.expand3x3.weight"] = arrays["features.3.expand3x3.weight"].transpose(
        2, 3, 1, 0
    )
    assert "it holds another net" in refused(table, arrays, net)

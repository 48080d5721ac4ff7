"""Nets written in Python: net_spec, and coord_map, which crops one top to another."""

import pytest

import caffe_compat as caffe
from caffe_compat import layers as L
from caffe_compat import params as P
from caffe_compat.coord_map import coord_map_from_to, crop
from tests.support.nets import written


def test_net_spec_writes_the_net(tmp_path):
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(shape=[dict(dim=[4, 1, 8, 8]), dict(dim=4)], ntop=2)
    n.conv = L.Convolution(
        n.data,
        num_output=3,
        kernel_size=3,
        weight_filler=dict(type="xavier"),
        param=[dict(lr_mult=1), dict(lr_mult=0)],
    )
    n.relu = L.ReLU(n.conv, in_place=True)
    n.pool = L.Pooling(n.relu, pool=P.Pooling.AVE, kernel_size=2, stride=2)
    n.ip = L.InnerProduct(n.pool, num_output=5)
    n.up = L.Deconvolution(n.pool, num_output=2, kernel_size=2)
    n.quiet = L.Silence(n.up, ntop=0)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    proto = n.to_proto()
    assert [(layer.name, layer.type) for layer in proto.layer][:4] == [
        ("data", "DummyData"), ("conv", "Convolution"), ("relu", "ReLU"), ("pool", "Pooling")
    ]  # fmt: skip
    assert (
        proto.layer[2].bottom == proto.layer[2].top == ["conv"]
        and proto.layer[3].pooling_param.pool == P.Pooling.AVE
    )
    assert [spec.lr_mult for spec in proto.layer[1].param] == [1, 0]
    assert caffe.Net(written(tmp_path, str(proto)), caffe.TRAIN).outputs == ["loss"]


def test_net_spec_numbers_what_has_no_name():
    data = L.Input(shape=dict(dim=[1, 2]))
    proto = caffe.to_proto(L.ReLU(L.InnerProduct(L.InnerProduct(data, num_output=1), num_output=1)))
    assert [layer.name for layer in proto.layer] == [
        "Input1",
        "InnerProduct1",
        "InnerProduct2",
        "ReLU1",
    ]


def test_net_spec_refuses_what_is_no_top():
    tops = L.DummyData(ntop=2, shape=dict(dim=3))
    with pytest.raises(
        TypeError, match=r"^Silence input 0 is not a Top \(type is <class 'tuple'>\)$"
    ):
        L.Silence(tops, ntop=0)
    with pytest.raises(AttributeError, match="no top 'conv'"):
        caffe.NetSpec().conv  # noqa: B018
    with pytest.raises(AttributeError, match="NoSuchParameter"):
        P.NoSuch  # noqa: B018


def up_and_down(pad=0):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, 40, 40]))
    n.aux = L.Input(shape=dict(dim=[1, 1, 9, 9]))
    n.conv = L.Convolution(n.data, num_output=2, kernel_size=3, pad=pad)
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2)
    n.deconv = L.Deconvolution(
        n.pool, convolution_param=dict(num_output=2, kernel_size=4, stride=2)
    )
    return n


def test_coord_map_of_a_pooled_and_upsampled_net():
    # 3x3 without padding shifts by 1, upsampling by -1: the two cancel
    n = up_and_down()
    assert coord_map_from_to(n.deconv, n.data) == (1, 1, 0)
    n = up_and_down(pad=5)
    axis, a, b = coord_map_from_to(n.deconv, n.data)
    assert (axis, a, b) == (1, 1, -5)
    made = crop(n.deconv, n.data)
    assert made.fn.params["crop_param"] == {"axis": 2, "offset": [5]}


def test_a_top_is_cropped_to_one_that_lies_where_it_does():
    n = up_and_down()
    n.relu = L.ReLU(n.conv)
    assert crop(n.relu, n.conv).fn.params["crop_param"] == {"axis": 2, "offset": [0]}


def test_coord_map_refuses():
    n = up_and_down()
    with pytest.raises(RuntimeError, match="are they connected"):
        coord_map_from_to(n.aux, n.data)
    with pytest.raises(AssertionError, match="scale mismatch"):
        crop(n.pool, n.data)
    with pytest.raises(AssertionError, match="negative offset"):
        crop(L.Crop(n.data, n.aux, axis=2, offset=3), n.data)

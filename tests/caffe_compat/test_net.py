"""Net: building, partial passes, liveness of arrays, weights in and out."""

import gc
import weakref

import numpy as np
import pytest
from google.protobuf import text_format

import caffe_compat as caffe
from caffe_compat.proto import caffe_pb2

BRANCHED = """
name: "branched"
force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3
          weight_filler { type: "xavier" } bias_filler { type: "uniform" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "left" type: "Convolution" bottom: "conv" top: "left"
        convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "right" type: "Pooling" bottom: "conv" top: "right"
  pooling_param { kernel_size: 3 pad: 1 } }
layer { name: "both" type: "Concat" bottom: "left" bottom: "right" top: "both" }
layer { name: "fc" type: "InnerProduct" bottom: "both" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def write(tmp_path, text, name="net.prototxt"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.fixture
def net(tmp_path, rng):
    caffe.set_random_seed(1)
    net = caffe.Net(write(tmp_path, BRANCHED), caffe.TEST)
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 8, 9))
    return net


def test_blobs_and_params_have_caffes_names_and_order(net):
    assert list(net.blobs) == [
        "data", "conv", "conv_relu_0_split_0", "conv_relu_0_split_1", "left", "right", "both",
        "fc", "prob",
    ]  # fmt: skip
    assert [(name, [p.shape for p in blobs]) for name, blobs in net.params.items()] == [
        ("conv", [(4, 3, 3, 3), (4,)]), ("left", [(2, 4, 1, 1), (2,)]), ("fc", [(5, 252), (5,)]),
    ]  # fmt: skip
    assert list(net._layer_names) == [
        "data",
        "conv",
        "relu",
        "conv_relu_0_split",
        "left",
        "right",
        "both",
        "fc",
        "prob",
    ]
    assert (net.inputs, net.outputs) == (["data"], ["prob"])


def test_every_bundled_net_builds_with_its_published_shapes(tmp_path):
    from deepdream.nets.catalogue import ROOT

    net = caffe.Net(str(ROOT / "prototxt/bvlc_googlenet/deploy.prototxt"), caffe.TEST)
    assert net.params["inception_4c/5x5"][0].shape == (64, 24, 5, 5)
    assert net.blobs["inception_4c/output"].shape == (10, 512, 14, 14)
    assert net.blobs["pool5/7x7_s1"].shape == (10, 1024, 1, 1)
    assert "inception_3a/output_inception_3a/output_0_split_3" in net.blobs
    assert "pool2/3x3_s2_pool2/3x3_s2_0_split_0" in net.blobs
    assert len(net.params) == 58


def test_forward_returns_the_outputs_and_the_blobs_asked_for(net):
    out = net.forward(blobs=["conv"])
    assert set(out) == {"prob", "conv"}
    assert out["prob"].sum() == pytest.approx(1, rel=1e-5)
    assert np.shares_memory(out["conv"], net.blobs["conv"].data)


def test_forward_takes_inputs_by_name(net, rng):
    x = rng.normal(size=(1, 3, 8, 9)).astype(np.float32)
    by_name = net.forward(data=x)["prob"].copy()
    net.blobs["data"].data[...] = x
    np.testing.assert_array_equal(net.forward()["prob"], by_name)


def test_partial_forward_leaves_the_rest_alone(net):
    net.forward()
    before = net.blobs["both"].data.copy()
    net.blobs["data"].data[...] = 0
    assert set(net.forward(end="right")) == {"right"}
    np.testing.assert_array_equal(net.blobs["both"].data, before)
    net.forward(start="left")
    assert not np.array_equal(net.blobs["both"].data, before)


def test_forward_in_two_parts_is_forward_in_one(net):
    whole = net.forward()["prob"].copy()
    net.forward(end="relu")
    np.testing.assert_array_equal(net.forward(start="conv_relu_0_split")["prob"], whole)


def test_a_conv_as_end_stops_before_its_in_place_relu(net):
    net.forward(end="conv")
    assert net.blobs["conv"].data.min() < 0
    net.forward(end="relu")
    assert net.blobs["conv"].data.min() == 0


def test_a_relu_run_along_with_its_conv_gives_the_same_bits(net, monkeypatch):
    together = net.forward(blobs=["conv"])
    together = {name: together[name].copy() for name in ("conv", "prob")}
    assert net._passes.relu_after
    monkeypatch.setattr(net._passes, "relu_after", {})
    for name, data in net.forward(blobs=["conv"]).items():
        np.testing.assert_array_equal(data, together[name])


def test_whole_backward_matches_finite_differences(net, rng):
    w = rng.normal(size=(1, 5)).astype(np.float32)
    net.forward()
    gradient = net.backward(prob=w)["data"].copy()
    x = net.blobs["data"].data
    for index in [(0, 0, 0, 0), (0, 1, 4, 5), (0, 2, 7, 8)]:
        kept = x[index]
        values = []
        for step in (2e-2, -2e-2):
            x[index] = kept + step
            values.append(float((net.forward()["prob"].astype(float) * w).sum()))
        x[index] = kept
        assert gradient[index] == pytest.approx((values[0] - values[1]) / 4e-2, rel=0.05, abs=2e-4)


def test_partial_backward_starts_from_the_diff_of_its_blob(net):
    net.forward(end="conv")
    net.blobs["conv"].diff[...] = net.blobs["conv"].data
    out = net.backward(start="conv")
    assert set(out) == {"data"} and np.abs(out["data"]).max() > 0
    assert set(net.backward(start="right", end="conv")) == {"data"}
    assert set(net.backward(diffs=["left"], end="left")) == {"conv_relu_0_split_0", "left"}


def test_backward_visits_side_branches_with_the_diffs_they_hold(net):
    net.forward()
    net.blobs["left"].diff[...] = 0
    net.blobs["right"].diff[...] = 1
    alone = net.backward(start="right")["data"].copy()
    net.blobs["left"].diff[...] = 1  # stale
    net.blobs["right"].diff[...] = 1
    assert not np.array_equal(net.backward(start="right")["data"], alone)


def test_partial_backward_stops_at_its_end(net):
    net.forward()
    net.blobs["both"].diff[...] = 1
    net.backward(start="both", end="left")
    assert net.blobs["conv_relu_0_split_0"].diff.any()
    assert not net.blobs["conv"].diff.any() and not net.blobs["data"].diff.any()


def test_backward_past_layers_that_never_ran_gives_zero(net):
    net.forward(end="conv")
    net.blobs["right"].diff[...] = 1
    net.backward(start="right", end="right")
    assert not net.blobs["conv_relu_0_split_1"].diff.any()


def test_without_force_backward_a_deploy_net_has_no_gradient(tmp_path, rng):
    net = caffe.Net(write(tmp_path, BRANCHED.replace("force_backward: true", "")), caffe.TEST)
    net.blobs["data"].data[...] = rng.normal(size=(1, 3, 8, 9))
    net.forward()
    assert not net.backward(prob=np.ones((1, 5)))["data"].any()


def test_input_reshape_flows_through_a_partial_pass_although_fc_lies_behind(net):
    net.blobs["data"].reshape(1, 3, 12, 20)
    net.forward(end="both")
    assert net.blobs["both"].shape == (1, 6, 10, 18)
    with pytest.raises(caffe.ShapeError, match='"fc".*K_ is 252.*1080'):
        net.reshape()


def test_arrays_stay_live_views_over_passes_and_smaller_shapes(net, rng):
    view = net.blobs["conv"].data[0, 0]
    weights = net.params["conv"][0].data
    net.forward()
    first = view.copy()
    weights *= 2
    net.forward()
    assert not np.array_equal(view, first)
    memory = net.blobs["data"].data
    net.blobs["data"].reshape(1, 3, 6, 6)
    assert np.shares_memory(net.blobs["data"].data, memory)
    net.blobs["data"].reshape(1, 3, 8, 9)
    assert np.shares_memory(net.blobs["data"].data, memory)


def test_passes_repeat_to_the_bit(net):
    first = net.forward()["prob"].copy()
    gradient = net.backward(prob=np.ones((1, 5)))["data"].copy()
    np.testing.assert_array_equal(net.forward()["prob"], first)
    np.testing.assert_array_equal(net.backward(prob=np.ones((1, 5)))["data"], gradient)


def test_saved_weights_come_back(net, tmp_path):
    path = str(tmp_path / "net.caffemodel")
    net.save(path)
    wanted = net.forward()["prob"].copy()
    x = net.blobs["data"].data
    for other in (
        caffe.Net(str(tmp_path / "net.prototxt"), path, caffe.TEST),
        caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST, weights=path),
    ):
        np.testing.assert_array_equal(other.forward(data=x)["prob"], wanted)
    assert not list(tmp_path.glob(".*"))


def v1_model(net):
    """The net's weights as a V1 file: legacy four-number shapes."""
    out = caffe_pb2.NetParameter(name="old")
    for name, blobs in net.params.items():
        layer = out.layers.add(name=name, type=4)
        for blob in blobs:
            shape = [1] * (4 - len(blob.shape)) + list(blob.shape)
            layer.blobs.add(
                num=shape[0],
                channels=shape[1],
                height=shape[2],
                width=shape[3],
                data=blob.data.reshape(-1),
            )
    return out.SerializeToString()


def test_paths_may_be_bytes(net, tmp_path):
    prototxt, weights = bytes(tmp_path / "net.prototxt"), bytes(tmp_path / "net.caffemodel")
    net.save(weights)
    net.copy_from(weights)
    (tmp_path / "net.prototxt").write_text('name: "empty"')
    assert caffe.Net(prototxt, weights, caffe.TEST).outputs == []
    assert caffe.Net(prototxt, caffe.TEST, weights=weights).outputs == []


def test_v1_weights_with_legacy_shapes_load(net, tmp_path):
    path = tmp_path / "v1.caffemodel"
    path.write_bytes(v1_model(net))
    wanted = net.forward()["prob"].copy()
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = 0
    net.copy_from(str(path))
    np.testing.assert_array_equal(net.forward()["prob"], wanted)


def test_v1_prototxt_is_the_same_net(net, tmp_path):
    v1 = text_format.Parse(BRANCHED, caffe_pb2.NetParameter())
    old = [
        'name: "branched" force_backward: true input: "data" input_dim: 1 input_dim: 3 input_dim: '
        "8 input_dim: 9"
    ]
    kinds = {"Convolution": "CONVOLUTION", "ReLU": "RELU", "Pooling": "POOLING", "Concat": "CONCAT",
             "InnerProduct": "INNER_PRODUCT", "Softmax": "SOFTMAX"}  # fmt: skip
    for layer in v1.layer[1:]:
        body = str(layer).replace(f'type: "{layer.type}"', f"type: {kinds[layer.type]}", 1)
        old.append(f"layers {{ {body} blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 }}")
    new = caffe.Net(write(tmp_path, "\n".join(old), "v1.prototxt"), caffe.TEST)
    assert list(new.blobs) == list(net.blobs) and list(new._layer_names) == [
        "input",
        *list(net._layer_names)[1:],
    ]
    for name, blobs in net.params.items():
        for a, b in zip(new.params[name], blobs):
            a.data[...] = b.data
    np.testing.assert_array_equal(
        new.forward(data=net.blobs["data"].data)["prob"], net.forward()["prob"]
    )
    conv = next(layer for layer in new._parts.layers if layer.name == "conv")
    assert [(p.lr_mult, p.decay_mult) for p in conv.layer_param.param] == [
        (1, 1),
        (2, 0),
    ]


@pytest.mark.parametrize("header", [
    'input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 9 }',
    'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9',
])  # fmt: skip
def test_input_fields_become_an_input_layer(header, tmp_path):
    net = caffe.Net(
        write(tmp_path, header + ' layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'),
        caffe.TEST,
    )
    assert net.inputs == ["data"] and net.blobs["r"].shape == (1, 3, 8, 9)


def test_phase_rules_choose_layers(tmp_path):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 } } }
    layer { name: "train" type: "ReLU" bottom: "data" top: "a" include { phase: TRAIN } }
    layer { name: "test" type: "ReLU" bottom: "data" top: "a" exclude { phase: TRAIN } }
    layer { name: "deep" type: "ReLU" bottom: "data" top: "b" include { min_level: 2 stage: "x" } }
    """
    path = write(tmp_path, text)
    assert "test" in caffe.Net(path, caffe.TEST)._layer_names
    assert "train" in caffe.Net(path, caffe.TRAIN)._layer_names
    assert "deep" in caffe.Net(path, caffe.TEST, level=2, stages=["x"])._layer_names
    assert "deep" not in caffe.Net(path, caffe.TEST, level=2)._layer_names


DATA = """layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 9 } } }
"""


@pytest.mark.parametrize("text, error, message", [
    ("layer { name: \"a\"\n  tipe: \"ReLU\" }", caffe.PrototxtError,
     'line 2, column 3, layer "a": layer has no field tipe in this Caffe; did you mean type'),
    (DATA + 'layer { name: "r" type: "ReLU" bottom: "nowhere" top: "r" '
            '}', caffe.PrototxtError, 'unknown bottom "nowhere"'),
    (DATA + 'layer { name: "r" type: "ReLU" bottom: "r" top: "r" }', caffe.PrototxtError,
     'unknown bottom "r".*before this one'),
    (DATA + 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" } layer { name: "s" type: '
            '"ReLU" bottom: "data" top: "r" }',
     caffe.PrototxtError, 'top "r" is already made by layer "r"'),
    (DATA + 'layer { name: "a" type: "ReLU" bottom: "data" top: "y" } layer { name: "b" type: '
            '"ReLU" bottom: "data" top: "data" }',
     caffe.PrototxtError, 'layer "b": its top "data" is already made by layer "data", and other '
                          'layers read that'),
    (DATA + 'layers { name: "r" type: RELU bottom: "data" top: "r" }', caffe.PrototxtError, "both "
                                                                                            "V1"),
    ('input: "data" input_dim: 1', caffe.PrototxtError, "four input_dim"),
    (DATA + 'layer { name: "r" type: "Relu" bottom: "data" top: "r" }',
     caffe.UnknownLayerTypeError, 'Did you mean "ReLU"'),
    (DATA + 'layer { name: "c" type: "Concat" bottom: "data" top: "data" '
            '}', caffe.PrototxtError, "in place"),
    ('layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 99999 dim: 99999 dim: 9 '
     '} } }', caffe.ShapeError, "2147483647"),
    ('layers { layer { name: "c" type: "convolve" } }', caffe.PrototxtError, '"c" has the unknown '
                                                                             'V0 type "convolve"; '
                                                                             'known: accuracy, '),
    ('layers { layer { name: "c" type: "relu" kernelsize: 3 } }', caffe.PrototxtError, '"c" '
                                                                                       '.ReLU. '
                                                                                       'has the '
                                                                                       'V0 field '
                                                                                       'kernelsize'),
    ('layers { layer { name: "c" type: "relu" } } layers { name: "d" type: RELU '
     '}', caffe.PrototxtError, '"d" is in the V1 form among V0'),
])  # fmt: skip
def test_a_bad_prototxt_says_what_and_where(text, error, message, tmp_path):
    with pytest.raises(error, match=f"(?s)net.prototxt.*{message}"):
        caffe.Net(write(tmp_path, text), caffe.TEST)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.prototxt"):
        caffe.Net("nothing.prototxt", caffe.TEST)
    with pytest.raises(FileNotFoundError, match="nothing.caffemodel"):
        caffe.Net(write(tmp_path, DATA), "nothing.caffemodel", caffe.TEST)


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"<html>no</html>" * 99],
)
def test_a_broken_caffemodel_is_refused(damage, net, tmp_path):
    path = tmp_path / "x.caffemodel"
    net.save(str(path))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(caffe.WeightsError, match="x.caffemodel: .*a caffemodel"):
        net.copy_from(str(path))


def test_a_folder_or_a_device_is_no_caffemodel(net, tmp_path):
    for path in (str(tmp_path), "/dev/zero"):
        with pytest.raises(caffe.WeightsError, match="given where a caffemodel goes"):
            net.copy_from(path)


def test_weights_of_other_shapes_are_refused_with_both(net, tmp_path):
    wider = write(tmp_path, BRANCHED.replace("num_output: 4", "num_output: 6"), "wider.prototxt")
    path = str(tmp_path / "wider.caffemodel")
    caffe.Net(wider, caffe.TEST).save(path)
    with pytest.raises(
        caffe.WeightsError,
        match=r'"conv" parameter 0 has shape \(6, 3, 3, 3\) but the net has \(4, 3, 3, 3\)',
    ):
        net.copy_from(path)


def test_unknown_layer_names_get_the_nearest(net):
    with pytest.raises(caffe.LayerNameError, match="did you mean .*right"):
        net.forward(end="rihgt")


def test_wrong_inputs_are_named(net):
    with pytest.raises(caffe.CaffeError, match=r"\['dota'\].*\['data'\]"):
        net.forward(dota=np.zeros(1))
    with pytest.raises(caffe.ShapeError, match="1 items.* 2 were given"):
        net.forward(data=np.zeros((2, 3, 8, 9)))


def test_gpu_mode_is_refused_clearly():
    caffe.set_mode_cpu()
    caffe.set_device(0)
    with pytest.raises(caffe.ModeError, match="CPU only"):
        caffe.set_mode_gpu()


def test_results_do_not_depend_on_the_number_of_threads_beyond_rounding(net, monkeypatch):
    wanted = net.forward()["prob"].copy()
    for threads in ("1", "3"):
        monkeypatch.setenv("CAFFE_COMPAT_THREADS", threads)
        np.testing.assert_allclose(net.forward()["prob"], wanted, rtol=1e-6)


def test_forward_all_runs_batches_and_fills_up_the_last(tmp_path, rng):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "relu" type: "ReLU" bottom: "data" top: "out" }
    """
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    out = net.forward_all(blobs=["data"], data=x)
    assert set(out) == {"out", "data"}
    np.testing.assert_array_equal(out["out"], np.maximum(x, 0))
    np.testing.assert_array_equal(out["data"], x)


def test_a_v0_padding_layer_goes_into_the_convolution_behind_it(tmp_path):
    text = """
    input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 5
    layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
    layers { layer { name: "conv1" type: "conv" num_output: 3 kernelsize: 3
      blobs_lr: 1 blobs_lr: 2 } bottom: "pad1" top: "conv1" }
    layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 2 stride: 2 }
      bottom: "conv1" top: "pool1" }
    """
    net = caffe.Net(write(tmp_path, text), caffe.TEST)
    assert list(net._layer_names) == ["input", "conv1", "pool1"]
    assert net.blobs["conv1"].shape == (1, 3, 6, 7) and net.blobs["pool1"].shape == (1, 3, 3, 4)
    conv, pool = (layer.layer_param for layer in net._parts.layers[1:])
    assert (
        list(conv.bottom) == ["data"]
        and list(conv.convolution_param.pad) == [2]
        and [p.lr_mult for p in conv.param] == [1, 2]
    )
    assert pool.pooling_param.pool == pool.pooling_param.AVE


def test_a_net_that_is_dropped_frees_its_weights_at_once(tmp_path):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
            inner_product_param { num_output: 2 } }
    """
    gc.disable()
    try:
        net = caffe.Net(write(tmp_path, text), caffe.TEST)
        weights = weakref.ref(net.params["fc"][0])
        del net
        assert weights() is None
    finally:
        gc.enable()


def test_outputs_are_sorted_by_name_as_in_caffe(tmp_path):
    text = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 } } }
    layer { name: "z" type: "ReLU" bottom: "data" top: "zoom" }
    layer { name: "a" type: "ReLU" bottom: "data" top: "age" }
    """
    assert caffe.Net(write(tmp_path, text), caffe.TEST).outputs == ["age", "zoom"]

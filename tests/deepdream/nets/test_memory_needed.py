"""The memory that a request takes: the estimate, beside what is measured."""

import math
import subprocess
import sys

import pytest

from deepdream.errors import ModelError, SizeError
from deepdream.nets import engine, lean, memory
from deepdream.nets.description import describe
from netfile.prototxt import read_prototxt
from netfile.shapes import infer
from netfile.system.memory import Free
from tests.support.nets import bundled, written

END = "inception_4c/output"
LARGEST = memory.Pass(END, (600, 800))


@pytest.fixture
def built_in(caffe):
    if engine.aborts(caffe):
        pytest.skip("a real Caffe's nets are not lean")
    return caffe


@pytest.fixture
def small_net(small, caffe):
    return describe(small, caffe)


@pytest.fixture
def counts(small_net):
    shapes = infer(small_net, {"data": (1, 3, 600, 800)}, END)
    return {blob: math.prod(shape) for blob, shape in shapes.items()}


@pytest.fixture
def left(monkeypatch):
    def is_(count):
        free = None if count is None else Free(count, "available in this machine")
        monkeypatch.setattr(memory, "free", lambda: free)

    return is_


def test_a_forward_pass_holds_each_blob_but_concats_bottoms_once(small_net, counts):
    bottoms = [b for layer in small_net.layer if layer.type == "Concat" for b in layer.bottom]
    within = sum(counts.get(blob, 0) for blob in bottoms)
    forward = LARGEST._replace(backward=False)
    takes = memory.needed(small_net, forward, real_caffe=False)
    assert takes == 4 * (sum(counts.values()) - within)


def held(net):
    """Values that a net of the built-in engine's holds in a step: blobs, inputs, masks of pools."""
    lean, blobs = net._passes.lean, net._parts.blobs.values()
    blocks = {id(b): b for blob in blobs for b in (blob.data_block.root, blob.diff_block.root)}
    kept = sum(b.capacity for b in blocks.values() if b.seen and b not in lean._arena)
    masks = [layer.recall(bottom) for layer, bottom in zip(net._parts.layers, net._parts.bottoms)
             if layer.type == "Pooling" and layer.is_max]  # fmt: skip
    masks = sum(mask.nbytes // 4 for mask in masks if mask is not None)
    return kept + lean._arena.capacity + masks + net._parts.blobs["data"].count


@pytest.mark.parametrize("end", ["inception_4c/output", "conv2/3x3", "inception_3b/3x3"])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_step_holds_what_is_worked_out_to_the_value(end, batch, tmp_path, built_in):
    net = built_in.Net(written(tmp_path, bundled("bvlc_googlenet")), built_in.TEST)
    net.blobs["data"].reshape(batch, 3, 240, 250)
    with net.lean():
        for _ in range(2):  # at first the end's values move to memory of their own
            net.forward(end=end)
            net.blobs[end].diff[...] = 1
            net.backward(start=end)
        takes = 4 * held(net)
    after = 4 * held(net)
    described = read_prototxt(tmp_path / "net.prototxt", built_in.io.caffe_pb2)
    one = memory.Pass(end, (240, 250), batch)
    assert memory.needed(described, one, real_caffe=False) == pytest.approx(takes, rel=0.001)
    assert memory.held(described, one, real_caffe=False) == pytest.approx(after, rel=0.001)
    assert after < takes / 2


def test_what_backward_passes_read_is_known_as_the_engine_has_it(built_in):
    from caffe_compat.layer_types.registry import LAYERS

    for kind, layer in LAYERS.items():
        own = {"Dropout", "Eltwise", "Pooling"}  # theirs depends on the settings
        assert kind in own or lean.READS.get(kind) == layer.lean_reads, kind


def test_a_real_caffe_holds_maxima_columns_and_a_diff_for_each_reader_too(small_net, counts):
    takes = memory.needed(small_net, LARGEST, real_caffe=True)
    assert takes > 4 * (2 * sum(counts.values()) + 3 * counts["pool1"])


def test_a_batch_and_what_is_kept_beside_count(small_net):
    three = LARGEST._replace(batch=3)
    one = memory.needed(small_net, LARGEST, real_caffe=True)
    assert memory.needed(small_net, three._replace(end="pool1"), real_caffe=True) < 3 * one
    beside = memory.needed(small_net, three._replace(beside=7), real_caffe=False)
    assert beside - memory.needed(small_net, three, real_caffe=False) == 3 * 7 * 600 * 800


def test_a_picture_that_needs_more_memory_than_is_free(small_net, caffe, left):
    takes = memory.needed(small_net, LARGEST, real_caffe=engine.aborts(caffe))
    left(takes // 4)
    with pytest.raises(
        SizeError,
        match=r"the picture is 800x600: a step at that size takes .* GB .* available in this "
        r"machine; use a picture of \d+x\d+ at most",
    ) as e:
        memory.check(small_net, LARGEST, caffe)
    height, width = e.value.fits
    assert f"picture of {width}x{height} at most" in str(e.value)
    assert 250 < width <= 400 and 180 < height <= 300
    smaller = LARGEST._replace(size=(height // 2, width // 2))
    memory.check(small_net, smaller, caffe)
    with pytest.raises(
        SizeError, match=r"9 pictures of .* at a time take .*; \d at a time would fit"
    ):
        memory.check(small_net, smaller._replace(batch=9), caffe)


def test_weights_count_and_may_be_too_large_alone(small_net, caffe, left):
    takes = memory.needed(small_net, LARGEST, real_caffe=engine.aborts(caffe))
    left(takes + 10)
    memory.check(small_net, LARGEST, caffe, weights=10)
    with pytest.raises(SizeError, match="takes"):
        memory.check(small_net, LARGEST, caffe, weights=20)
    with pytest.raises(ModelError, match="the weights take"):
        memory.check(small_net, LARGEST, caffe, weights=takes + 10)


def test_where_the_system_does_not_say_everything_is_tried(small_net, caffe, left):
    left(None)
    memory.check(small_net, LARGEST._replace(size=(10**5, 10**5)), caffe)


PROGRAM = """
import sys
import numpy as np
from deepdream import nets
from deepdream.dream import matching, octaves
from deepdream.nets import engine, memory
from deepdream.dream.preprocess import preprocess
from deepdream.studies import heatmap

def status(name):
    with open("/proc/self/status") as f:
        return next(1024 * int(line.split()[1]) for line in f if line.startswith(name))

road, name = sys.argv[1:]
layers = ["prob"] if road == "heatmap" else ["conv2/3x3"]
opened = nets.open("motif_googlenet", name, layers=layers, any_size=road == "heatmap")
net, end, size = opened.net, opened.end, (200, 260)

def run(size, evaluations):
    picture = np.random.RandomState(0).uniform(0, 255, (*size, 3)).astype(np.float32)
    if road == "dream":
        octaves.deepdream(net, picture, iter_n=1, octave_n=2, end=end)
    elif road == "match":
        matching.match(net, picture, end, matching.multiply(2), evaluations=evaluations, octave_n=1)
    else:
        blob = net.outputs[0]
        values = heatmap.class_map(net, preprocess(net, picture), blob)
        place = heatmap.window(opened.description, blob)
        heatmap.over(picture, heatmap.enlarge(values[0], size, *place))

run((100, 100), 1)
with open("/proc/self/clear_refs", "w") as f:
    f.write("5")  # the peak counts from here
before = status("VmRSS")
run(size, 12)  # more than there are corrections that L-BFGS keeps
beside = {"dream": octaves, "match": matching, "heatmap": heatmap}[road].BYTES_PER_PIXEL
largest = memory.Pass(end, size, backward=road != "heatmap", beside=beside)
real = engine.aborts(opened.caffe)
print(status("VmHWM") - before, memory.needed(opened.description, largest, real))
"""


# bytes that the lists of jobs of two passes and their scratch take, whatever the picture's size
KEPT_PASSES = 2_700_000


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("road", ["dream", "match", "heatmap"])
def test_the_estimate_is_near_the_measured_peak(road, caffe, monkeypatch):
    # memory that is given back is given back, so that the peak is this request's alone
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, road, "caffe" if engine.aborts(caffe) else "compat"],
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    measured, estimated = map(int, told.stdout.split()[-2:])
    if road != "heatmap" and not engine.aborts(caffe):
        measured -= KEPT_PASSES
    assert 0.75 < measured / estimated < 1.1, (measured, estimated)

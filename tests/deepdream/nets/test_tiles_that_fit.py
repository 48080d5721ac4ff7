"""The size of tiles, by the memory that is free or allowed."""

import math

import pytest

from deepdream import nets
from deepdream.errors import SizeError
from deepdream.nets import engine, memory
from deepdream.nets.tiling import Tiling, reach_of
from deepdream.pictures.tiling import Margins, best, count, evened, margins, spans
from netfile.system.memory import Free

END = "inception_4c/output"


@pytest.fixture
def left(monkeypatch):
    def is_(count):
        monkeypatch.setattr(memory, "free", lambda: Free(count, "available in this machine"))

    return is_


def opened(small, caffe, size, tiling, beside=0, layers=(END,)):
    return nets.open(small, caffe, layers=layers, sizes=[size], beside=beside, tiling=tiling)


def test_a_picture_that_fits_has_no_tiles(small, caffe):
    assert opened(small, caffe, (60, 80), Tiling()).tile is None


def test_a_picture_that_does_not_fit_has_the_tiles_that_do(small, caffe, left):
    whole = opened(small, caffe, (60, 80), None)
    one = memory.Pass(END, (600, 800))
    takes = memory.needed(whole.description, one, engine.aborts(caffe))
    left(takes // 3)
    tile = opened(small, caffe, (600, 800), Tiling()).tile
    part = memory.needed(whole.description, one._replace(size=tile), engine.aborts(caffe))
    assert takes // 6 < part < takes // 3
    with pytest.raises(SizeError, match="the picture is 800x600"):
        opened(small, caffe, (600, 800), None)
    # what is kept of the picture leaves less
    smaller = opened(small, caffe, (600, 800), Tiling(), beside=takes // 10 // (600 * 800)).tile
    assert math.prod(smaller) < math.prod(tile)


def test_what_is_allowed_counts_as_what_is_free(small, caffe, left, monkeypatch):
    left(10**12)
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 5 * 10**8)
    assert opened(small, caffe, (600, 800), Tiling(most=10**9)).tile is None
    assert opened(small, caffe, (600, 800), Tiling(most=5 * 10**8 + 10**7)).tile
    weights = small.weights.stat().st_size
    with pytest.raises(SizeError, match=r"the smallest tile, \d+x\d+, takes 0 MB beside 0 MB that "
                       r"are kept, and 0 MB are left of the 500 MB allowed"):  # fmt: skip
        opened(small, caffe, (600, 800), Tiling(most=5 * 10**8 + weights + 1000))


def test_a_tile_that_is_settled_is_used_or_refused(small, caffe, left):
    assert opened(small, caffe, (600, 800), Tiling((40, 48))).tile == (40, 48)
    assert opened(small, caffe, (40, 44), Tiling((40, 48))).tile is None
    with pytest.raises(SizeError, match="tiles of 8x40 are too small"):
        opened(small, caffe, (600, 800), Tiling((40, 8)))
    left(10**6)
    with pytest.raises(SizeError, match="a tile, 404x400, takes"):
        opened(small, caffe, (600, 800), Tiling((400, 404)))


def test_a_layer_that_sees_everything_is_named_beside_the_size_that_fits(small, caffe, left):
    left(10**7)
    with pytest.raises(SizeError, match=r'at most.*no tiles can be used: layer "fc" \(InnerProd'):
        nets.open(small, caffe, layers=["prob"], sizes=[(32, 32)], batch=1, beside=10**5,
                  any_size=False, tiling=Tiling())  # fmt: skip


def test_places_of_the_small_net_reach_as_far_as_its_windows(small, caffe):
    # conv1: 5 wide, stride 2, pad 2; pool1: 3 wide, stride 2; 4c: 3 wide
    net = nets.load_net(small, caffe)
    reach = reach_of(net.description, ["conv1", "pool1", END], (97, 130))
    assert reach["conv1"].vertical == (2, -2, 2, 49)
    assert reach["pool1"].vertical == (4, -2, 6, 24)
    assert reach[END].vertical == (4, -2, 14, 22)
    assert reach[END].horizontal == (4, -2, 14, 30)
    assert margins([reach[END].vertical]) == (4, 4, 12)


def test_spans_divide_all_places(small, caffe):
    net = nets.load_net(small, caffe)
    for length in range(60, 130):
        axes = [reach_of(net.description, [END], (length, 60))[END].vertical]
        found = spans(length, 33, axes)
        places = [place for span in found for place in range(*span.own[0])]
        assert places == list(range(axes[0].places))
        for span in found:
            assert span.start % 4 == 0 and span.stop - span.start <= 32
            first, last = span.own[0]
            assert span.start == 0 or first * 4 + axes[0].first >= span.start
            assert span.stop == length or (last - 1) * 4 + axes[0].last < span.stop


def test_tiles_are_as_even_as_can_be_and_cost_the_least():
    m = Margins(8, 40, 48)
    assert count(1000, 400, m) == 3 and evened(1000, 3, m) == 392
    assert count(1000, evened(1000, 3, m), m) == 3
    assert best((1000, 1000), 10**6, m, m) == (1000, 1000)
    down, across = best((3000, 4000), 10**6, m, m)
    assert down * across <= 10**6 and 0.6 < down / across < 1.7
    assert best((3000, 4000), 95 * 95, m, m) == (0, 0)
    assert best((50, 4000), 50 * 200, m, m)[0] == 50


def test_on_a_gpu_the_memory_that_is_allowed_alone_makes_tiles(small, caffe, left, monkeypatch):
    left(10**5)
    monkeypatch.setattr(engine, "use_gpu", lambda caffe, number: None)
    monkeypatch.setattr("netfile.system.memory.resident", lambda: 0)

    def tile(tiling):
        return nets.open(small, caffe, layers=[END], sizes=[(600, 800)], gpu=0, tiling=tiling).tile

    assert tile(Tiling()) is None
    left(10**9)
    assert math.prod(tile(Tiling(most=10**7))) < 600 * 800
    assert tile(Tiling(always=True)) is not None

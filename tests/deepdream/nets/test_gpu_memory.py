"""What a request takes of a GPU's memory, asked before anything is computed."""

import math
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from deepdream import nets
from deepdream.errors import ModelError, SizeError
from deepdream.nets import engine, memory
from deepdream.nets.tiling import Tiling
from netfile.system.memory import Free

END, SIZE = "inception_4c/output", (600, 800)


@pytest.fixture
def free(monkeypatch: Any) -> Callable[[int], None]:
    """Let there be a GPU of which so many bytes are free."""
    monkeypatch.setattr(engine, "use_gpu", lambda caffe, number: None)

    def is_(count: int) -> None:
        left = Free(count, "free on the GPU (Card)")
        monkeypatch.setattr(engine, "gpu_memory", lambda caffe, again: left)

    return is_


def opened(small: Any, caffe: Any, size: Any = SIZE, **more: Any) -> nets.OpenNet:
    return nets.open(small, caffe, layers=[END], sizes=[size], gpu=0, **more)


def takes(description: Any, size: Any = SIZE) -> int:
    """Of a GPU, the weights among it."""
    weights = memory.weights_there(description, END)
    return memory.needed_there(description, memory.Pass(END, size)) + weights


def test_a_picture_that_does_not_fit_is_refused_with_the_size_that_does(small, caffe, free):
    free(10**12)
    whole = takes(opened(small, caffe).description)
    free(whole)
    assert opened(small, caffe).tile is None
    free(whole // 3)
    words = (
        r"the picture is 800x600: a step at that size takes 0\.\d GB of memory, and 0\.\d GB are "
        r"free on the GPU \(Card\); use a picture of \d+x\d+ at most, or a layer nearer to the "
        "input$"
    )
    with pytest.raises(SizeError, match=words) as e:
        opened(small, caffe, tiling=Tiling())
    assert e.value.on_gpu and e.value.by_tiles and e.value.declared
    fits = e.value.fits
    assert 0.9 < math.prod(fits) / (math.prod(SIZE) / 3) < 1.01
    assert opened(small, caffe, fits).tile is None
    with pytest.raises(SizeError) as e:
        opened(small, caffe)
    assert e.value.on_gpu and not e.value.by_tiles


def test_where_memory_is_bounded_tiles_fit_into_that_of_the_gpu_too(small, caffe, free):
    free(10**12)
    description = opened(small, caffe).description
    free(takes(description) // 3)
    tile = opened(small, caffe, tiling=Tiling(most=10**12)).tile
    assert tile is not None and takes(description, tile) < takes(description) // 3
    assert math.prod(tile) > math.prod(SIZE) // 8
    free(memory.weights_there(description, END) + 10**4)
    with pytest.raises(SizeError, match=r"the smallest tile, .* are free on the GPU \(Card\)"):
        opened(small, caffe, tiling=Tiling(most=10**12))


def test_a_layer_that_sees_everything_has_no_tiles_there_either(small, caffe, free):
    free(10**5)
    with pytest.raises(SizeError, match=r"use a picture of .*; no tiles can be used: layer") as e:
        nets.open(small, caffe, layers=["prob"], sizes=[(32, 32)], any_size=False, gpu=0,
                  tiling=Tiling(most=10**12))  # fmt: skip
    assert e.value.on_gpu and not e.value.by_tiles


def test_weights_and_guides_count(small, caffe, free):
    free(10**12)
    net = opened(small, caffe, (60, 80))
    guides = [(600, 800)] * 40
    alone = memory.Pass(END, (600, 800), backward=False)
    room = memory.needed_there(net.description, alone) + memory.weights_there(net.description, END)
    assert 40 * memory.kept(net.description, END, (600, 800)) > room
    free(room)
    opened(small, caffe, (60, 80), guide_sizes=guides[:1])
    with pytest.raises(ModelError, match="the weights and guides take .* free on the GPU"):
        opened(small, caffe, (60, 80), guide_sizes=guides)
    free(room - 10**6)
    with pytest.raises(SizeError, match="the guide picture is 800x600"):
        opened(small, caffe, (60, 80), guide_sizes=guides[:1])
    free(100)
    with pytest.raises(ModelError, match="the weights take 0 MB of memory"):
        opened(small, caffe, (60, 80))


def test_what_a_net_holds_there_is_free_to_it_again(small, caffe, free, monkeypatch):
    free(10**12)
    net = opened(small, caffe)
    asked = []

    def gpu_memory(caffe: Any, again: bool) -> Free:
        asked.append(again)
        return Free(10**12, "free")

    monkeypatch.setattr(engine, "gpu_memory", gpu_memory)
    opened(small, caffe)
    nets.open(net.model, caffe, layers=[END], sizes=[SIZE], gpu=0, before=net)
    assert asked == [False, True]


def test_the_engine_is_asked_for_what_is_free():
    card = SimpleNamespace(_device_memory=lambda: (5, 3, "Card"))
    assert engine.gpu_memory(card) == Free(5, "free on the GPU (Card)")
    assert engine.gpu_memory(card, again=True) == Free(8, "free on the GPU (Card)")
    for knows_none in (SimpleNamespace(), SimpleNamespace(_device_memory=lambda: None)):
        assert engine.gpu_memory(knows_none) is None
    memory.check_there(None, memory.Pass(END, SIZE), None)  # not refused


def test_what_a_dream_takes_is_told_of_the_gpu(small, caffe, free):
    free(10**12)
    net = opened(small, caffe)
    assert memory.is_of_gpu(net) is not engine.aborts(caffe)  # of whose GPU nothing is known
    if memory.is_of_gpu(net):
        assert memory.of_net(net, [SIZE], beside=10**6) == takes(net.description)
    assert not memory.is_of_gpu(nets.open(small, caffe, layers=[END]))

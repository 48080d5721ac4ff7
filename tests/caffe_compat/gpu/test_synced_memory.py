"""Blobs in GPU mode: where values are, and when they move."""

import numpy as np
import pytest

from caffe_compat.blob import Blob, ParamBlob
from caffe_compat.synced_memory import (
    HEAD_AT_CPU,
    HEAD_AT_GPU,
    SYNCED,
    UNINITIALIZED,
    reading,
)

pytestmark = pytest.mark.usefixtures("gpu_mode")


def head(blob):
    return blob.blocks[0].there.head


def test_the_head_moves_as_in_caffe():
    blob = Blob(2, 3)
    assert head(blob) == UNINITIALIZED and not blob.blocks[0].seen
    blob.data[...] = 1
    assert head(blob) == HEAD_AT_CPU
    assert blob.gpu_data.sum() == 6 and head(blob) == SYNCED
    blob.mutable_gpu_data.mul_(2)
    assert head(blob) == HEAD_AT_GPU
    assert blob.data.sum() == 12 and head(blob) == HEAD_AT_CPU


def test_what_nobody_has_written_is_zero_on_the_device():
    blob = Blob(2, 2)
    assert blob.gpu_data.shape == (2, 2) and not blob.gpu_data.any()
    assert blob.diff_is_new and not blob.gpu_diff.any()


def test_an_array_that_was_taken_is_refreshed_when_data_is_read_again():
    blob = Blob(3)
    array = blob.data
    blob.set_gpu_data(blob.gpu_data.new_full((3,), 5))
    assert not array.any()  # as in pycaffe, until somebody asks
    assert blob.data is array and (array == 5).all()
    array[...] = 7  # and written, it goes back
    assert (blob.gpu_data == 7).all()


def test_what_is_written_on_the_host_goes_to_the_device_each_time():
    blob = Blob(4)
    for value in (1, 2):
        blob.data[...] = value
        assert (blob.gpu_data == value).all()


def test_blobs_that_share_memory_share_the_device_too():
    one, other = Blob(2, 3), Blob(6)
    other.share_data(one)
    one.set_gpu_data(one.gpu_data.new_ones(2, 3))
    assert other.gpu_data.shape == (6,) and other.gpu_data.sum() == 6
    other.data[0] = 9
    assert one.gpu_data[0, 0] == 9


def test_a_stretch_of_another_blob_lives_in_it_on_both_sides():
    whole, first, last = Blob(1, 5), Blob(1, 2), Blob(1, 3)
    assert first.live_in(whole, 0) and last.live_in(whole, 2)
    first.set_gpu_data(whole.gpu_data.new_ones(1, 2))
    last.set_gpu_data(whole.gpu_data.new_full((1, 3), 2))
    # 1 1 | 2 2 2
    np.testing.assert_array_equal(whole.data, [[1, 1, 2, 2, 2]])
    whole.data[0, 1] = 8
    assert first.gpu_data.tolist() == [[1, 8]] and last.gpu_data.tolist() == [[2, 2, 2]]


def test_a_stretch_keeps_what_the_host_wrote_beside_it():
    whole, first = Blob(1, 4), Blob(1, 2)
    assert first.live_in(whole, 0)
    whole.data[...] = 3
    first.set_gpu_data(whole.gpu_data.new_zeros(1, 2))
    np.testing.assert_array_equal(whole.data, [[0, 0, 3, 3]])


def test_memory_that_grows_again_has_what_the_host_has():
    blob = Blob(4)
    blob.data[...] = [1, 2, 3, 4]
    blob.reshape(2)
    assert blob.gpu_data.tolist() == [1, 2]
    blob.mutable_gpu_data.add_(10)
    blob.reshape(4)  # the memory never shrank
    assert blob.gpu_data.tolist() == [11, 12, 3, 4]


def test_a_tensor_of_another_layout_comes_to_the_host_in_caffes():
    torch = pytest.importorskip("torch")
    blob, values = Blob(1, 3, 2, 4), torch.arange(24.0).reshape(1, 3, 2, 4)
    blob.set_gpu_data(values.to(blob.gpu_data.device).to(memory_format=torch.channels_last))
    np.testing.assert_array_equal(blob.data.ravel(), np.arange(24))


def test_what_the_host_only_reads_stays_on_the_device():
    read, written = Blob(2), Blob(2)
    for blob in (read, written):
        blob.set_gpu_data(blob.gpu_data.new_ones(2))
    with reading([read.blocks[0], written.blocks[0]], [written.blocks[0]]):
        written.data[...] = read.data + 1
    assert head(read) == SYNCED and head(written) == HEAD_AT_CPU


def test_leaving_the_device_keeps_the_values_or_makes_them_zero():
    for keep, wanted in ((True, [1, 1]), (False, [0, 0])):
        blob = Blob(2)
        blob.set_gpu_data(blob.gpu_data.new_ones(2))
        blob.leave_gpu(keep)
        assert blob.blocks[0].there.tensor is None and blob.data.tolist() == wanted


def test_a_gradient_that_waits_is_computed_on_the_device_when_it_is_read():
    blob = ParamBlob(2)
    blob.pending = lambda: blob.add_gpu_diff(blob.gpu_data.new_ones(2))
    assert blob.diff.tolist() == [1, 1] and blob.wanted

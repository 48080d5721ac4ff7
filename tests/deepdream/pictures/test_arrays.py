"""Arrays in files are what NumPy's are, and strips give what a whole array does."""

import io
import os

import numpy as np
import pytest
from scipy import ndimage

from deepdream.errors import OutputError
from deepdream.pictures import arrays
from deepdream.pictures.resize import zoomed, zoomed_by, zoomed_into


@pytest.fixture
def scratch(tmp_path):
    return arrays.Scratch(tmp_path)


@pytest.fixture
def thin(monkeypatch):
    """Strips of few rows."""
    monkeypatch.setattr(arrays, "_MOST", 700)


@pytest.mark.parametrize("index", [
    ..., 0, -1, (1, slice(2, 5)), (..., slice(2, 5), slice(None)), (..., slice(3, 4), slice(1, 6)),
    (slice(None), slice(-3, None)), (slice(1, 1),), (0, 2, slice(1, 3)), (2, 3, 4),
], ids=str)  # fmt: skip
def test_a_file_is_read_and_written_as_an_array_is(index, scratch):
    whole = np.arange(3 * 7 * 9, dtype=np.float32).reshape(3, 7, 9)
    file = scratch(whole.shape)
    assert not file[...].any()
    file[...] = whole
    np.testing.assert_array_equal(file[index], whole[index])
    file[index] += 1000
    whole[index] += 1000
    np.testing.assert_array_equal(file[...], whole)


def test_values_spread_over_a_file_as_over_an_array(scratch):
    whole, file = np.zeros((2, 3, 4)), scratch((2, 3, 4), np.float64)
    for array in (whole, file):
        array[..., 1:, :] = np.arange(4)
        array[0] = np.ones((1, 3, 4))
        array[1, 0] = 7
    np.testing.assert_array_equal(file[...], whole)
    with pytest.raises(ValueError):
        file[0] = np.zeros((5, 5))
    with pytest.raises(IndexError):
        file[..., ::2]
    with pytest.raises(IndexError):
        file[2]


def test_nothing_is_left_in_the_folder(scratch, tmp_path):
    array = scratch((10, 10))
    array[...] = 1
    assert os.name == "nt" or not os.listdir(tmp_path)
    del array
    assert not os.listdir(tmp_path)


def test_a_disk_without_room_is_one_line(scratch, monkeypatch):
    def full(file, first, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OutputError, match=r"an array of the picture, of 1 MB: No space left"):
        scratch((500, 500))
    monkeypatch.setattr(os, "posix_fallocate", lambda *args: full_of(95), raising=False)
    assert not scratch((5, 5))[...].any()  # a file system that does not know of it


def full_of(number):
    raise OSError(number, os.strerror(number))


def test_strips_cover_every_row_once(thin):
    for height, row in ((1, 1), (100, 9), (50, 10**6), (7, 100)):
        covered = [i for rows in arrays.strips(height, row) for i in range(height)[rows]]
        assert covered == list(range(height))
    assert len(list(arrays.planes((3, 100, 70)))) == 3 * 10


@pytest.mark.parametrize("size, wanted", [
    ((57, 43), (80, 60)), ((80, 61), (57, 44)), ((100, 71), (101, 71)), ((33, 50), (24, 36)),
    ((9, 200), (1, 143)), ((2, 2), (3, 3)), ((1, 5), (1, 7)), ((64, 48), (64, 48)),
])  # fmt: skip
def test_pictures_and_strips_are_zoomed_as_scipy_does_to_the_bit(size, wanted, scratch, thin, rng):
    values = np.float32(rng.normal(0, 60, (3, *size)))
    scipys = ndimage.zoom(values, (1, wanted[0] / size[0], wanted[1] / size[1]), order=1)
    file = scratch(values.shape)
    file[...] = values
    made = zoomed_into(scratch((3, *wanted)), file)[...]
    for each in (made, zoomed(values, wanted)):
        assert each.dtype == scipys.dtype
        np.testing.assert_array_equal(each, scipys)
    smaller = ndimage.zoom(values, (1, 1 / 1.4, 1 / 1.4), order=1)
    np.testing.assert_array_equal(zoomed_by(values, 1 / 1.4), smaller)


def test_rows_are_worked_out_where_they_are_asked_for():
    asked = []

    def rows(at):
        asked.append(at)
        return np.zeros((at.stop - at.start, 4, 3))

    assert arrays.Computed((10, 4, 3), rows)[6:].shape == (4, 4, 3)
    assert asked == [slice(6, 10, 1)]


def test_a_disk_that_is_full_later_is_one_line_too():
    class Full(io.BytesIO):
        def write(self, data):
            full_of(28)

    array = arrays.FileArray(Full(b""), (2, 3), np.float32)
    with pytest.raises(OutputError, match="arrays cannot be used: No space left"):
        array[...] = 1
    with pytest.raises(OutputError, match="arrays cannot be used: it was cut off"):
        array[...]

"""Layers that read files: pictures from lists and databases, and arrays from HDF5 files.

Each forward pass reads the next batch, over and over; paths are as seen from the working folder.
"""

import itertools
import math
import os
from contextlib import contextmanager
from typing import Any, Iterator, List, Tuple

import numpy as np
from google.protobuf.message import DecodeError

from netfile.errors import NetError
from netfile.lmdb import Database

from .. import extras, limits
from ..errors import CaffeError, MissingFileError, ShapeError
from ..fillers import rng
from ..generator import Generator, c_library
from ..proto import caffe_pb2
from ..reading import pictures
from ..reading.transformer import Transformer
from .registry import Blobs, Counts, Source, register


class Reader(Source):
    """A layer whose tops have the shapes that its files give."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """The tops keep the shapes of the last batch."""

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Context in which errors of files name the layer."""
        try:
            yield
        except NetError as e:
            named = f'layer "{self.name}"'
            raise type(e)(str(e) if named in str(e) else f"{named}: {e}") from None

    def need(self, path: str, field: str) -> str:
        """The path, if it is there. Raises MissingFileError with the field that names it."""
        if not os.path.exists(path):
            raise MissingFileError(
                f'layer "{self.name}" ({self.type}): no such {field}: {path or "it names none"} '
                f"(paths are as seen from {os.getcwd()}); get the data, or replace the layer with "
                'one of type "Input" and write into net.blobs'
            )
        return path


class Pictures(Reader):
    """Pictures and, with a second top, their labels."""

    tops: Counts = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        with self.naming():
            self.transformer = Transformer(self.layer_param.transform_param, self.phase, self.name)
            self.batch = self.open()
            self.need_positive(batch_size=self.batch)
            self._shape(top, self.first())
        self.transformer.seed()
        rng().word()  # Caffe seeds its thread that reads ahead

    def open(self) -> int:
        """Find the files; returns the batch size."""
        raise NotImplementedError

    def first(self) -> np.ndarray:
        """The next picture (channels, height, width), without going on to the one after it."""
        raise NotImplementedError

    def next(self) -> Tuple[np.ndarray, float]:
        """The next picture (channels, height, width) and its label."""
        raise NotImplementedError

    def _shape(self, top: Blobs, picture: np.ndarray) -> None:
        size: Any = picture.shape
        top[0].reshape(self.batch, *self.transformer.shape(size))
        for labels in top[1:]:
            labels.reshape(self.batch)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for i in range(self.batch):
            with self.naming():
                picture, label = self.next()
                if i == 0:
                    self._shape(top, picture)
                self.transformer.into(picture, top[0].data[i])
            for labels in top[1:]:
                labels.data[i] = label


@register
class Data(Pictures):
    """Datums of an LMDB database, in the order of their keys."""

    type = "Data"

    def open(self) -> int:
        p = self.layer_param.data_param
        path = self.need(p.source, "source")
        if p.backend != p.LMDB:
            raise CaffeError(
                f'layer "{self.name}": {path} '
                + (
                    "is an LMDB database; say backend: LMDB"
                    if os.path.exists(os.path.join(path, "data.mdb"))
                    else "is to be a LevelDB database (the default), which this engine does not "
                    "read; make an LMDB of it (convert_imageset --backend lmdb), and say "
                    "backend: LMDB"
                )
            )
        try:
            self._database = Database(path)
        except OSError as e:
            raise CaffeError(f'layer "{self.name}": {path}: {e.strerror or e}') from None
        if not len(self._database):
            raise CaffeError(f'layer "{self.name}": {path}: the database is empty')
        self._values = self.endless()
        self._ahead = self._read()
        return int(p.batch_size)

    def endless(self) -> Iterator[Tuple[int, bytes]]:
        """(its number, its value) of every entry, for ever."""
        while True:
            number = -1
            for number, value in enumerate(self._database.values()):
                yield number, value
            if number < 0:
                raise CaffeError(f"{self._database.path}: a damaged LMDB database: it has no entry")

    def _read(self) -> Tuple[np.ndarray, float]:
        try:
            number, value = next(self._values)
        except NetError:
            self._values = self.endless()  # the other one has ended
            raise
        name = f"{self._database.path}, entry {number}"
        try:
            datum = caffe_pb2.Datum.FromString(value)
        except DecodeError:
            raise CaffeError(f'layer "{self.name}": {name}: not a Datum of Caffe\'s') from None
        return self.transformer.values(datum, name), float(datum.label)

    def first(self) -> np.ndarray:
        return self._ahead[0]

    def next(self) -> Tuple[np.ndarray, float]:
        given = self._ahead
        self._ahead = self._read()
        return given


@register
class ImageData(Pictures):
    """Picture files of a list: lines of a path, a space and a label."""

    type = "ImageData"

    def open(self) -> int:
        p = self.layer_param.image_data_param
        if bool(p.new_height) != bool(p.new_width):
            raise ShapeError(
                f'layer "{self.name}": new_height is {p.new_height} and new_width {p.new_width}; '
                "give both, or neither"
            )
        self._lines = self._list(self.need(p.source, "source"))
        self._at = 0
        if p.shuffle:
            self._order = Generator(rng().word())
            self._order.shuffle(self._lines)
        if p.rand_skip:
            self._at = rng().below(p.rand_skip)
            if self._at >= len(self._lines):
                raise CaffeError(
                    f'layer "{self.name}": rand_skip drew {self._at}, and {p.source} has '
                    f"{len(self._lines)} lines; rand_skip must be at most that"
                )
        return int(p.batch_size)

    def _list(self, source: str) -> List[Tuple[str, int]]:
        """(path, label) of every line."""
        with open(source, encoding="utf-8", errors="surrogateescape") as f:
            lines = f.read().split("\n")
        found = []
        for number, line in enumerate(lines[:-1] if not lines[-1] else lines, 1):
            path, space, label = line.rstrip("\r").rpartition(" ")
            if not space or not label.lstrip("+-").isdecimal():
                raise CaffeError(
                    f'layer "{self.name}": {source}, line {number}: not a path, a space and a '
                    f'number: "{line[:60]}"'
                )
            found.append((path, int(label)))
        if not found:
            raise CaffeError(f'layer "{self.name}": {source}: the list is empty')
        return found

    def first(self) -> np.ndarray:
        p = self.layer_param.image_data_param
        path = p.root_folder + self._lines[self._at][0]
        return pictures.read(path, p.is_color, p.new_height, p.new_width).transpose(2, 0, 1)

    def next(self) -> Tuple[np.ndarray, float]:
        given = self.first(), float(self._lines[self._at][1])
        self._at += 1
        if self._at == len(self._lines):
            self._at = 0
            if self.layer_param.image_data_param.shuffle:
                self._order.shuffle(self._lines)
        return given


@register
class HDF5Data(Reader):
    """Rows of datasets in HDF5 files, one dataset for each top, under its name.

    The source lists the files; each is read as a whole when its turn comes.
    """

    type = "HDF5Data"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        p = self.layer_param.hdf5_data_param
        if self.layer_param.HasField("transform_param"):
            raise CaffeError(
                f'layer "{self.name}" (HDF5Data) has a transform_param, and transforms nothing; '
                "leave it out"
            )
        self.need_positive(batch_size=p.batch_size)
        with open(self.need(p.source, "source"), encoding="utf-8", errors="surrogateescape") as f:
            self._files = f.read().split()
        if not self._files:
            raise CaffeError(f'layer "{self.name}": {p.source}: the list of files is empty')
        self._shuffle(self._files)
        self._rows = self.endless()
        self._row = self._next()
        for blob, values in zip(top, self._row):
            blob.reshape(p.batch_size, *values.shape)

    def _shuffle(self, items: List[Any]) -> None:
        if self.layer_param.hdf5_data_param.shuffle:
            c_library.shuffle(items)

    def _next(self) -> List[np.ndarray]:
        try:
            return next(self._rows)
        except (CaffeError, MissingFileError):
            self._rows = self.endless()  # the other one has ended
            raise

    def endless(self) -> Iterator[List[np.ndarray]]:
        """Every row of every file, for ever: an array for each top."""
        arrays: List[np.ndarray] = []
        for turn in itertools.count():
            if turn and len(self._files) > 1:
                self._shuffle(self._files)
            for path in self._files:
                if len(self._files) > 1 or not arrays:
                    arrays = self._read(path)
                    order = list(range(len(arrays[0])))
                    self._shuffle(order)
                    if turn or path is not self._files[0]:
                        self._shuffle(order)
                else:
                    self._shuffle(order)
                for row in order:
                    yield [array[row] for array in arrays]

    def _read(self, path: str) -> List[np.ndarray]:
        """A file's datasets, float32, in the tops' order. Raises CaffeError for other files."""
        h5py = extras.h5py()
        where = f'layer "{self.name}": {path}'
        self.need(path, "HDF5 file")
        try:
            with h5py.File(path, "r") as f:
                found = [self._dataset(f, name, where) for name in self.layer_param.top]
        except OSError as e:
            raise CaffeError(f"{where}: not an HDF5 file, or a damaged one ({e})") from None
        rows = {len(array) for array in found}
        if len(rows) > 1 or 0 in rows:
            shapes = ", ".join(str(array.shape) for array in found)
            raise ShapeError(f"{where}: its datasets need as many rows each, and one: {shapes}")
        return found

    def _dataset(self, file: Any, name: str, where: str) -> np.ndarray:
        stored = file.get(name)
        if stored is None or not hasattr(stored, "dtype"):
            raise CaffeError(f"{where}: has no dataset {name}; it has {', '.join(file) or 'none'}")
        if stored.dtype.kind not in "fiu" or not stored.shape:
            raise CaffeError(
                f"{where}: dataset {name} holds {stored.dtype} of shape {stored.shape}, "
                "not rows of numbers"
            )
        limits.check(math.prod(stored.shape), f"{where}: dataset {name}")
        return np.asarray(stored[...], np.float32)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for i in range(self.layer_param.hdf5_data_param.batch_size):
            for blob, values in zip(top, self._row):
                if blob.shape[1:] != values.shape:
                    raise ShapeError(
                        f'layer "{self.name}": rows of {values.shape} follow on rows of '
                        f"{blob.shape[1:]}; all files need one shape"
                    )
                blob.data[i] = values
            self._row = self._next()

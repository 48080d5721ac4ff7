"""A small net with GoogLeNet's layer names, so that the defaults work on it in a moment."""

import os
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import numpy as np
import pytest

from deepdream import cli, load_net
from deepdream.nets import Model, find

# these need an extra (requests, matplotlib, scikit-learn) or hypothesis, which a real Caffe's
# Python lacks
collect_ignore = (
    [
        "nets/download",
        "studies/test_compare_page.py",
        "studies/test_page.py",
        "studies/test_pages_in_a_browser.py",
        "cli/test_doctor.py",
        "cli/test_fuzzed_command_lines.py",
        "pictures/test_fuzzed_pictures.py",
        "studies/test_evaluate.py",
        "web/test_page_in_a_browser.py",
    ]
    if os.environ.get("DEEPDREAM_TEST_ENGINE") in ("caffe", "none")
    else []
)

DEPLOY = """
name: "small"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 8 kernel_size: 5 stride: 2 pad: 2
                            weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "inception_3b/1x1" type: "Convolution" bottom: "pool1" top: "inception_3b/1x1"
        convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "inception_3b/5x5_reduce" type: "Convolution"
        bottom: "pool1" top: "inception_3b/5x5_reduce"
        convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "inception_3b/relu_5x5_reduce" type: "ReLU"
        bottom: "inception_3b/5x5_reduce" top: "inception_3b/5x5_reduce" }
layer { name: "inception_3b/output" type: "Concat"
        bottom: "inception_3b/1x1" bottom: "inception_3b/5x5_reduce" top: "inception_3b/output" }
layer { name: "inception_4c/output" type: "Convolution"
        bottom: "inception_3b/output" top: "inception_4c/output"
        convolution_param { num_output: 10 kernel_size: 3 weight_filler { type: "xavier" }
                            bias_filler { type: "constant" value: 0.1 } } }
layer { name: "fc" type: "InnerProduct" bottom: "inception_4c/output" top: "fc"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""
README = """---
name: Small
caffemodel: small.caffemodel
mean: [104, 116, 122]
end: inception_4c/output
---
"""


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: Any, caffe: Any) -> Path:
    """A model folder: readme, deploy net, seeded weights."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "deploy.prototxt").write_text(DEPLOY)
    (folder / "readme.md").write_text(README)
    caffe.set_random_seed(11)
    caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST).save(str(folder / "small.caffemodel"))
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    from scripts.docs import browser as browsers

    path = browsers.find()
    assert path, f"no Chromium; {browsers.REMEDY}"
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=alone)
        yield started
        started.close()


@pytest.fixture
def small(small_folder: Path) -> Model:
    return find(str(small_folder))


@pytest.fixture
def net(small: Model, caffe: Any) -> Any:
    return load_net(small, caffe)


@pytest.fixture
def picture(rng: np.random.RandomState) -> np.ndarray:
    """RGB float32 (60, 80, 3), as a photograph read from a file."""
    return np.float32(rng.randint(0, 256, (60, 80, 3)))


@pytest.fixture
def fast() -> List[str]:
    """Options that make a dream quick."""
    return ["--iterations", "1", "--octaves", "2"]


@pytest.fixture
def engine_name(caffe: Any) -> str:
    """What --engine calls the engine under test."""
    return {"caffe": "caffe", "caffe_compat": "compat"}[caffe.__name__]


@pytest.fixture
def run(small_folder: Path, engine_name: str, capsys: Any) -> Callable[..., Tuple[int, str, str]]:
    """Call the command line, on the small model unless --model names another one.

    Returns (exit code, stdout, stderr).
    """

    def call(*words: Any) -> Tuple[int, str, str]:
        args = [str(word) for word in words]
        if args[0] in ("dream", "batch", "zoom", "video", "layers"):
            args += [] if "--model" in args else ["--model", str(small_folder)]
            args += [] if "--engine" in args else ["--engine", engine_name]
        try:
            code = cli.main(args)
        except SystemExit as e:
            code = e.code
        out = capsys.readouterr()
        return code, out.out, out.err

    return call

"""Draw all random numbers of a net on one engine: `python draws.py ENGINE FILE` writes an .npz."""

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Dict

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

FILLERS = (
    'type: "uniform" min: -1 max: 2', 'type: "gaussian" mean: 1 std: 2', 'type: "xavier"',
    'type: "xavier" variance_norm: AVERAGE', 'type: "msra" variance_norm: FAN_OUT',
    'type: "gaussian" std: 0.1 sparse: 3', 'type: "positive_unitball"', 'type: "bilinear"',
)  # fmt: skip
TOP = """
layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param {
        shape { dim: 4 dim: 5 dim: 3 dim: 3 } shape { dim: 70000 }
        data_filler { type: "uniform" } data_filler { type: "gaussian" std: 3 } } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "half" }
layer { name: "less" type: "Dropout" bottom: "y" top: "y" dropout_param { dropout_ratio: 0.3 } }
"""
_U = '{ type: "uniform" min: -1 }'
_G = '{ type: "gaussian" std: 1 }'
# every other layer with parameters
OTHERS = f"""
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param {{
        num_output: 4 weight_filler {_G} bias_filler {_U} }} }}
layer {{ name: "deconv" type: "Deconvolution" bottom: "x" top: "deconv" convolution_param {{
        num_output: 2 kernel_size: 2 weight_filler {_G} bias_filler {_U} }} }}
layer {{ name: "prelu" type: "PReLU" bottom: "x" top: "prelu" prelu_param {{ filler {_G} }} }}
layer {{ name: "scale" type: "Scale" bottom: "x" top: "scale" scale_param {{ filler {_G}
        bias_term: true bias_filler {_U} }} }}
layer {{ name: "bias" type: "Bias" bottom: "x" top: "bias" bias_param {{ filler {_G} }} }}
layer {{ name: "words" type: "DummyData" top: "words" top: "going" dummy_data_param {{
        shape {{ dim: 3 dim: 2 }} shape {{ dim: 3 dim: 2 }} }} }}
layer {{ name: "embed" type: "Embed" bottom: "words" top: "embed" embed_param {{
        num_output: 4 input_dim: 5 weight_filler {_G} bias_filler {_U} }} }}
layer {{ name: "lstm" type: "LSTM" bottom: "embed" bottom: "going" top: "lstm" recurrent_param {{
        num_output: 3 weight_filler {_G} bias_filler {_U} }} }}
layer {{ name: "rnn" type: "RNN" bottom: "embed" bottom: "going" top: "rnn" recurrent_param {{
        num_output: 3 weight_filler {_G} bias_filler {_U} }} }}
layer {{ name: "last" type: "InnerProduct" bottom: "x" top: "last" inner_product_param {{
        num_output: 2 weight_filler {_U} }} }}
"""


def net_text() -> str:
    layers = [
        f'layer {{ name: "c{i}" type: "Convolution" bottom: "x" top: "c{i}" convolution_param {{ '
        f"num_output: 6 kernel_size: 3 weight_filler {{ {filler} }} "
        'bias_filler { type: "gaussian" std: 1 } } }'
        for i, filler in enumerate(FILLERS)
    ]
    return TOP + "\n".join(layers) + OTHERS


def main(engine: str, file: str) -> None:
    caffe = importlib.import_module(engine)
    out: Dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.prototxt"
        path.write_text(net_text())
        for seed in (3, 2**31 + 5):
            caffe.set_random_seed(seed)
            net = caffe.Net(str(path), caffe.TRAIN)
            for layer, blobs in net.params.items():
                out.update({f"{seed} {layer} {i}": np.array(b.data) for i, b in enumerate(blobs)})
            for _ in range(2):
                net.forward(end="less")
            out.update({f"{seed} {name}": np.array(net.blobs[name].data) for name in
                        ("x", "y", "half")})  # fmt: skip
    np.savez(file, **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])

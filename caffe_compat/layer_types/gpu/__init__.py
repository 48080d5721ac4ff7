"""The layers' passes in GPU mode, on PyTorch's tensors; loaded in that mode alone.

A file here has the twins of the file of the same name above: for each type a function
`forward(layer, bottom, top)` and one `backward(layer, top, propagate_down, bottom)`, bound by
`registry.twin`. They read `blob.gpu_data` and `blob.gpu_diff`, and give results by
`blob.set_gpu_data(tensor)` and `blob.set_gpu_diff(tensor)`, which keep the tensor itself, so it
must share memory with no other blob. Parameters' gradients are added by `blob.add_gpu_diff`, in
functions that are given to `layer.add_gpu_gradients`.
"""

from . import (  # noqa: F401
    accuracy,
    activation,
    batch_norm,
    convolution,
    data,
    eltwise,
    inner_product,
    loss,
    lrn,
    neuron,
    pooling,
    recurrent,
    reduction,
    scale,
    select,
    softmax,
    spp,
    structure,
)

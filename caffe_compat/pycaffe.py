"""caffe.pycaffe: Net, the solvers, and the functions that pycaffe puts into Net.

Programs that replace one of Net's methods call the original by its name here. Those that import *
get the modules that pycaffe imports, too.
"""

import sys
from collections import OrderedDict as OrderedDict
from itertools import zip_longest as izip_longest  # noqa: F401

import numpy as np  # noqa: F401

from ._caffe import (  # noqa: F401
    NCCL,
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    Net,
    RMSPropSolver,
    SGDSolver,
    Timer,
)

caffe = sys.modules[__package__]
del sys

_Net_backward = Net.backward
_Net_batch = Net._batch
_Net_blob_loss_weights = Net.blob_loss_weights
_Net_blobs = Net.blobs
_Net_forward = Net.forward
_Net_forward_all = Net.forward_all
_Net_forward_backward_all = Net.forward_backward_all
_Net_inputs = Net.inputs
_Net_layer_dict = Net.layer_dict
_Net_outputs = Net.outputs
_Net_params = Net.params
_Net_set_input_arrays = Net.set_input_arrays

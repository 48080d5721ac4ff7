"""A MemoryData net fed in a loop, train and test variants of one weights file."""

import sys

import caffe
import numpy as np

folder = sys.argv[1]
with open(folder + "/memory.prototxt", "w") as f:
    f.write("""
    layer { name: "d" type: "MemoryData" top: "data" top: "label"
            memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
            inner_product_param { num_output: 4 weight_filler { type: "constant" value: 0.1 } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
    layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc"
            include { phase: TEST } }
    """)
train = caffe.Net(folder + "/memory.prototxt", caffe.TRAIN)
test = caffe.Net(folder + "/memory.prototxt", caffe.TEST)
test.share_with(train)
data = np.arange(36, dtype=np.float32).reshape(6, 1, 2, 3)
labels = np.array([0, 1, 2, 3, 0, 1])
for net in (train, test):
    for given in (labels, labels.astype(np.float32)):
        try:
            net.set_input_arrays(data, given)
        except RuntimeError:
            print("refused", given.dtype)
for i in range(4):
    out = train.forward()
    loss = train.blobs["loss"].data
    train.backward()
    w = train.params["ip"][0]
    w.data[...] -= 0.01 * w.diff
    w.diff[...] = 0
    print("%.4f" % loss, sorted(test.forward()), "%.4f" % test.blobs["loss"].data, loss.shape)
    print(train.blobs["label"].data.ravel().tolist(), float(test.blobs["acc"].data))
print(list(train.inputs), train.outputs, test.outputs, train.blobs["label"].data.shape)

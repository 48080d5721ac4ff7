"""Weights as plain arrays, by three ways that programs use; and as HDF5."""

import pickle
import sys

import caffe
import numpy as np

folder = sys.argv[1]
net = caffe.Net(folder + "/deploy.prototxt", folder + "/weights.caffemodel", caffe.TEST)
params = {name: [np.array(b.data) for b in blobs] for name, blobs in net.params.items()}
same = pickle.loads(pickle.dumps(params))
for name, arrays in same.items():
    print(name, [(a.shape, a.dtype.name, "%.4f" % np.abs(a).sum()) for a in arrays])
for name, layer in zip(net._layer_names, net.layers):
    print(name, layer.type, ["x".join(map(str, b.shape)) for b in layer.blobs])
for k, v in net.layer_dict.items():
    if len(v.blobs):
        w, *b = v.blobs
        print(k, w.data.shape, [x.data.flags["C_CONTIGUOUS"] for x in b])
blob = net.params["conv1"][0]
flat = blob.data
flat.shape = (flat.size,)  # of this array alone
print(flat.shape, blob.data.shape, net.params["conv1"][0].num, net.params["conv1"][0].channels)
model = caffe.proto.caffe_pb2.NetParameter()
with open(folder + "/weights.caffemodel", "rb") as f:
    model.ParseFromString(f.read())
for layer in model.layer:
    print(
        layer.name,
        layer.type,
        layer.phase,
        list(layer.bottom),
        [list(b.shape.dim) for b in layer.blobs],
    )

"""Features of many pictures, in batches, the last one short."""

import sys

import caffe
import numpy as np

caffe.set_mode_cpu()
folder = sys.argv[1]
net = caffe.Net(folder + "/deploy.prototxt", folder + "/weights.caffemodel", caffe.TEST)
shape = net.blobs["data"].shape
shape[0] = 3
net.blobs["data"].reshape(*shape)
net.reshape()
rng = np.random.RandomState(1)
pictures = rng.rand(7, *list(shape)[1:]).astype(np.float32)
out = net.forward_all(blobs=["pool1", "fc"], data=pictures)
print({k: (v.shape, v.dtype.name) for k, v in sorted(out.items())})
print(np.round(out["prob"].sum(1), 5).tolist(), out["prob"].argmax(1).tolist())
net.blobs["data"].data[...] = pictures[:3]
once = net.forward(end="fc")
print(sorted(once), once["fc"].shape, np.abs(once["fc"] - out["fc"][:3]).max() < 1e-5)
held = net.blobs["fc"].data[0]
net.blobs["data"].data[...] = pictures[3:6]
net.forward()
print(np.abs(held - out["fc"][3]).max() < 1e-5)
transformer = caffe.io.Transformer({"data": net.blobs["data"].data.shape})
transformer.set_transpose("data", (2, 0, 1))
transformer.set_channel_swap("data", (2, 1, 0))
transformer.set_raw_scale("data", 255)
x = transformer.preprocess("data", rng.rand(*net.blobs["data"].data.shape[2:], 3).astype("f"))
print(x.shape, x.dtype.name, transformer.deprocess("data", x).shape)

"""Saliency, by hand: a gradient set at one score, and passes in part."""

import sys

import caffe
import numpy as np

folder = sys.argv[1]
net = caffe.Net(folder + "/deploy.prototxt", folder + "/weights.caffemodel", caffe.TEST)
x = np.random.RandomState(3).rand(*net.blobs["data"].data.shape).astype("f")
net.forward(data=x)
diff = np.zeros_like(net.blobs["prob"].data)
diff[:, 1] = 1
back = net.backward(**{net.outputs[0]: diff})
print(sorted(back), ["%.3e" % np.abs(back["data"][i]).sum() for i in range(2)])
for blob in net.blobs.values():
    blob.diff[...] = 0
net.blobs["fc"].diff[0, 2] = 1
back = net.backward(start="fc", diffs=["conv1"])
print(sorted(back), "%.4f" % np.abs(back["data"]).sum(), back["data"][1].any())
print({k: v.shape for k, v in sorted(net.backward(start="fc", end="conv1").items())})
calls = []
net.before_forward(lambda i: calls.append(("<", net._layer_names[i])))
net.after_forward(lambda i: calls.append((">", net._layer_names[i])))
net.after_backward(lambda i: calls.append(("b", net._layer_names[i])))
net.forward(start="conv1", end="pool1")
net.backward(start="pool1", end="relu1")
print(calls)
print("%.5f" % net._forward(0, len(net.layers) - 1))
lists = net.forward_backward_all(data=x, prob=diff)
print([{k: v.shape for k, v in sorted(d.items())} for d in lists])
try:
    net.forward(end="nowhere")
except ValueError:
    print("no such layer")
try:
    net.forward(wrong=x)
except Exception:
    print("no such input")
try:
    caffe.Net("/nowhere.prototxt", caffe.TEST)
except RuntimeError:
    print("no such file")

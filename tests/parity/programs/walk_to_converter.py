"""A converter's walk: every layer with what it reads, writes and holds, by numbers."""

import sys

import caffe

net = caffe.Net(sys.argv[1] + "/deploy.prototxt", caffe.TEST)
out = []
for li in range(len(net.layers)):
    layer = {"name": net._layer_names[li], "type": net.layers[li].type}
    for key, ids in (("bottoms", net._bottom_ids(li)), ("tops", net._top_ids(li))):
        layer[key] = [
            (net._blob_names[bi], net.blobs[net._blob_names[bi]].data.shape) for bi in list(ids)
        ]
    blobs = net.layers[li].blobs
    layer["weights"] = [blobs[bi].data[...].sum().round(3) for bi in range(len(blobs))]
    out.append(layer)
for layer in out:
    print(layer["name"], layer["type"], layer["bottoms"], layer["tops"], len(layer["weights"]))
for i in net._inputs:
    print("in", net._blob_names[i])
for i in net._outputs:
    print("out", net._blob_names[i])
producers = {top: i for i in range(len(net.layers)) for top in net._top_ids(i)}
print(sorted(producers.items()), 3 in net._top_ids(2), [b.count for b in net._blobs])

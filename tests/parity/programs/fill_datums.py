"""What fills an LMDB, without the LMDB: Datums, BlobProtos and means."""

import sys

import caffe
import numpy as np
from caffe.proto import caffe_pb2

folder = sys.argv[1]
rng = np.random.RandomState(0)
mean = np.zeros((3, 4, 5))
for i in range(4):
    picture = rng.randint(0, 256, (3, 4, 5)).astype(np.uint8)
    datum = caffe.io.array_to_datum(picture, i)
    text = datum.SerializeToString()
    again = caffe_pb2.Datum.FromString(text)
    array = caffe.io.datum_to_array(again)
    print(len(text), again.label, again.channels, array.dtype.name, (array == picture).all())
    mean += picture
datum = caffe_pb2.Datum(channels=1, height=1, width=3, label=2)
datum.float_data.extend([0.5, 1.5, 2.5])
print(caffe.io.datum_to_array(datum).tolist(), datum.encoded, datum.HasField("data"))
blob = caffe.io.array_to_blobproto((mean / 4)[np.newaxis])
with open(folder + "/mean.binaryproto", "wb") as f:
    f.write(blob.SerializeToString())
blob = caffe_pb2.BlobProto()
with open(folder + "/mean.binaryproto", "rb") as f:
    blob.ParseFromString(f.read())
array = caffe.io.blobproto_to_array(blob)
print(array.shape, [round(float(v), 3) for v in array[0].mean(1).mean(1)])
vector = caffe.io.arraylist_to_blobprotovector_str([np.ones((1, 2, 1, 1)), np.zeros((1, 1, 1, 1))])
print([a.shape for a in caffe.io.blobprotovector_str_to_arraylist(vector)])
net = caffe_pb2.NetParameter()
layer = net.layers.add(name="old", type=caffe_pb2.V1LayerParameter.CONVOLUTION)
layer.convolution_param.kernel_size.append(3)
layer.blobs.add(num=1, channels=1, height=1, width=2, data=[1, 2])
print(
    caffe_pb2.V1LayerParameter.LayerType.Name(layer.type),
    net.layers[0].blobs[0].data[:],
    net.ByteSize(),
)

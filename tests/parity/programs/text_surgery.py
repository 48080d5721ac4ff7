"""Prototxts read, changed and written with text_format, as a notebook does before it opens one."""

import sys

import caffe
import google.protobuf as pb
from google.protobuf import text_format

folder = sys.argv[1]
model = caffe.io.caffe_pb2.NetParameter()
text_format.Merge(open(folder + "/deploy.prototxt").read(), model)
model.force_backward = True
model.layer[0].input_param.shape[0].dim[0] = 1
for layer in model.layer:
    if layer.type == "Pooling":
        layer.pooling_param.pool = layer.pooling_param.AVE
    if layer.HasField("convolution_param"):
        print(
            layer.name, layer.convolution_param.num_output, layer.convolution_param.kernel_size[:]
        )
    for field, value in layer.ListFields():
        print(" ", field.name, field.number, type(value).__name__ if field.message_type else value)
extra = model.layer.add(name="extra", type="Dropout", bottom=["prob"], top=["extra"])
extra.dropout_param.dropout_ratio = 0.25
extra.include.add(phase=caffe.TRAIN)
with open(folder + "/tmp.prototxt", "w") as f:
    f.write(str(model))
for phase in (caffe.TRAIN, caffe.TEST):
    net = caffe.Net(folder + "/tmp.prototxt", phase)
    print(list(net._layer_names)[-2:], net.outputs, net.blobs["data"].data.shape)
print(pb.__name__, len(caffe.layer_type_list()), "Convolution" in list(caffe.layer_type_list()))
net = caffe.Net(folder + "/tmp.prototxt", caffe.TEST, stages=["deploy"], level=2)
print(model.layer[1].WhichOneof.__name__, caffe.io.caffe_pb2.NetParameter.DESCRIPTOR.full_name)
print(sorted(caffe.io.caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name)[:9])

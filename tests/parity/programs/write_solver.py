"""NetSpec and SolverParameter: a training set-up, written as files and read again."""

import sys

import caffe
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2
from google.protobuf import text_format

folder = sys.argv[1]


def conv_relu(bottom, nout, ks=3, stride=1, pad=1):
    conv = L.Convolution(
        bottom,
        kernel_size=ks,
        stride=stride,
        num_output=nout,
        pad=pad,
        param=[dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)],
        weight_filler=dict(type="msra"),
        bias_filler=dict(type="constant", value=0.5),
    )
    return conv, L.ReLU(conv, in_place=True)


def net(source, phase):
    n = caffe.NetSpec()
    n.data, n.label = L.Data(
        source=source,
        backend=P.Data.LMDB,
        batch_size=8,
        ntop=2,
        transform_param=dict(crop_size=8, mirror=True, mean_value=[104, 117, 123]),
        include=dict(phase=phase),
    )
    n.conv1_1, n.relu1_1 = conv_relu(n.data, 4)
    n.pool1 = L.Pooling(n.conv1_1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.fc = L.InnerProduct(n.pool1, num_output=5, weight_filler=dict(type="xavier"))
    n.bn = L.BatchNorm(n.fc, use_global_stats=phase == caffe.TEST, in_place=True)
    n["loss"] = L.SoftmaxWithLoss(n.fc, n.label, loss_weight=0.5)
    if phase == caffe_pb2.TEST:
        n.acc = L.Accuracy(n.fc, n.label, accuracy_param=dict(top_k=5))
    n.silence = L.Silence(n.label, ntop=0)
    return n.to_proto()


for name, phase in (("train", caffe_pb2.TRAIN), ("test", caffe_pb2.TEST)):
    with open("%s/%s.prototxt" % (folder, name), "w") as f:
        f.write('name: "made"\n' + str(net("some_lmdb", phase)))
s = caffe_pb2.SolverParameter()
s.train_net = folder + "/train.prototxt"
s.test_net.append(folder + "/test.prototxt")
s.test_interval = 500
s.test_iter.append(100)
s.max_iter = 100000
s.type = "Adam"
s.base_lr = 0.25
s.lr_policy = "step"
s.gamma = 0.5
s.stepvalue.extend([10, 20])
s.snapshot_format = caffe_pb2.SolverParameter.HDF5
s.solver_mode = caffe_pb2.SolverParameter.SolverMode.Value("CPU")
with open(folder + "/solver.prototxt", "w") as f:
    f.write(text_format.MessageToString(s))
again = caffe_pb2.SolverParameter()
with open(folder + "/solver.prototxt") as f:
    text_format.Merge(f.read(), again)
print(
    again == s,
    again.HasField("momentum"),
    round(again.momentum2, 3),
    again.iter_size,
    again.delta > 0,
)
print([f.name for f, _ in again.ListFields()])
for name in ("train", "test"):
    made = caffe_pb2.NetParameter()
    with open("%s/%s.prototxt" % (folder, name)) as f:
        text_format.Merge(f.read(), made)
    for layer in made.layer:
        print(
            layer.name,
            layer.type,
            list(layer.bottom),
            list(layer.top),
            [f.name for f, _ in layer.ListFields()],
        )
state = caffe_pb2.SolverState(iter=7, learned_net="x", history=[caffe_pb2.BlobProto(data=[1, 2])])
print(caffe_pb2.SolverState.FromString(state.SerializeToString()).history[0].data[:])

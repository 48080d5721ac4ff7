"""Logistic regression from HDF5 files, and a net with a hidden layer beside it."""

import os
import sys

import caffe
import h5py
import numpy as np
from caffe import layers as L
from caffe import params as P

folder = sys.argv[1]
os.chdir(folder)
rng = np.random.RandomState(0)
X = rng.normal(size=(1000, 4))
y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=1000) > 0).astype(np.float32)
ind = np.arange(1000)
train, test = ind[:750], ind[750:]
with h5py.File("train.h5", "w") as f:
    f["data"] = X[train].astype(np.float32)
    f["label"] = y[train]
with open("train.txt", "w") as f:
    f.write("train.h5\n")
    f.write("train.h5\n")
comp_kwargs = {"compression": "gzip", "compression_opts": 1}
with h5py.File("test.h5", "w") as f:
    f.create_dataset("data", data=X[test].astype(np.float32), **comp_kwargs)
    f.create_dataset("label", data=y[test].astype(np.float32), **comp_kwargs)
with open("test.txt", "w") as f:
    f.write("test.h5\n")


def logreg(hdf5, batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(batch_size=batch_size, source=hdf5, ntop=2)
    n.ip1 = L.InnerProduct(n.data, num_output=2, weight_filler=dict(type="xavier"))
    n.accuracy = L.Accuracy(n.ip1, n.label)
    n.loss = L.SoftmaxWithLoss(n.ip1, n.label)
    return n.to_proto()


def nonlinear_net(hdf5, batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.HDF5Data(batch_size=batch_size, source=hdf5, shuffle=True, ntop=2)
    n.ip1 = L.InnerProduct(n.data, num_output=40, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.ip1, num_output=2, weight_filler=dict(type="gaussian", std=0.1))
    n.accuracy = L.Accuracy(n.ip2, n.label)
    n.loss = L.SoftmaxWithLoss(
        n.ip2, n.label, loss_param=dict(normalization=P.Loss.VALID), loss_weight=1
    )
    return n.to_proto()


def solver_file(train_net_path, test_net_path):
    s = caffe.proto.caffe_pb2.SolverParameter()
    s.train_net = train_net_path
    s.test_net.append(test_net_path)
    s.test_interval = 100
    s.test_iter.append(25)
    s.max_iter = 300
    s.base_lr = 0.05
    s.lr_policy = "step"
    s.gamma = 0.1
    s.stepsize = 250
    s.momentum = 0.9
    s.weight_decay = 5e-4
    s.display = 100
    s.snapshot = 150
    s.snapshot_prefix = "train"
    s.random_seed = 2
    s.solver_mode = caffe.proto.caffe_pb2.SolverParameter.CPU
    with open("solver.prototxt", "w") as f:
        f.write(str(s))
    return "solver.prototxt"


caffe.set_mode_cpu()
for make in (logreg, nonlinear_net):
    for name, source in (("train_net", "train.txt"), ("test_net", "test.txt")):
        with open(name + ".prototxt", "w") as f:
            f.write(str(make(source, 10)))
    solver = caffe.get_solver(solver_file("train_net.prototxt", "test_net.prototxt"))
    print(type(solver).__name__, [(k, v.data.shape) for k, v in solver.net.blobs.items()])
    solver.solve()
    accuracy = 0
    batch_size = solver.test_nets[0].blobs["data"].num
    test_iters = int(len(test) / batch_size)
    for _ in range(test_iters):
        solver.test_nets[0].forward()
        accuracy += solver.test_nets[0].blobs["accuracy"].data
    print(make.__name__, "Accuracy: {:.3f}".format(accuracy / test_iters), solver.iter)
    weights = solver.net.params["ip1"][0].data
    print(np.round(weights[:2].astype(float), 3).tolist())
print(sorted(name for name in os.listdir(".") if "iter" in name))

"""A custom training loop, as in Caffe's example of LeNet, on pictures that it draws itself."""

import os
import sys

import caffe
import numpy as np
from caffe import layers as L
from caffe import params as P
from PIL import Image

folder = sys.argv[1]
os.chdir(folder)
rng = np.random.RandomState(1)
for part, count in (("train", 120), ("test", 60)):
    with open(part + ".txt", "w") as f:
        for i in range(count):
            picture = rng.randint(0, 90, (16, 16)).astype(np.uint8)
            at, kind = rng.randint(2, 8), i % 3
            if kind == 0:
                picture[at : at + 2, 2:14] = 220
            elif kind == 1:
                picture[2:14, at : at + 2] = 220
            else:
                picture[at : at + 6, at : at + 6] = 220
            name = "{}{}.png".format(part, i)
            Image.fromarray(picture).save(name)
            f.write("{} {}\n".format(name, kind))


def lenet(source, batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.ImageData(batch_size=batch_size, source=source, is_color=False,
                                  transform_param=dict(scale=1.0 / 255), ntop=2)  # fmt: skip
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=8, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool1, num_output=20, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=3, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


for part, batch in (("train", 12), ("test", 20)):
    with open("lenet_{}.prototxt".format(part), "w") as f:
        f.write(str(lenet(part + ".txt", batch)))
with open("lenet_solver.prototxt", "w") as f:
    f.write("""train_net: "lenet_train.prototxt" test_net: "lenet_test.prototxt"
test_iter: 3 test_interval: 500 base_lr: 0.02 momentum: 0.9 weight_decay: 0.0005
lr_policy: "inv" gamma: 0.0001 power: 0.75 display: 100 max_iter: 10000 snapshot: 5000
snapshot_prefix: "lenet" random_seed: 0xCAFFE""")
solver = caffe.SGDSolver("lenet_solver.prototxt")
print([(k, v.data.shape) for k, v in solver.net.blobs.items()])
print([(k, v[0].data.shape, v[1].data.shape) for k, v in solver.net.params.items()])
print(sorted(solver.net.forward()), sorted(solver.test_nets[0].forward()))
print(solver.test_nets[0].blobs["label"].data[:8].tolist())
solver.step(1)
print(np.round(solver.net.params["conv1"][0].diff[:2, 0, 0].astype(float), 4).tolist())
niter, test_interval = 60, 20
train_loss = np.zeros(niter)
for it in range(niter):
    solver.step(1)
    train_loss[it] = solver.net.blobs["loss"].data
    solver.test_nets[0].forward(start="conv1")
    if it % test_interval == 0:
        correct = 0
        for _ in range(3):
            solver.test_nets[0].forward()
            correct += sum(
                solver.test_nets[0].blobs["score"].data.argmax(1)
                == solver.test_nets[0].blobs["label"].data
            )
        print("Iteration", it, "testing...", correct, round(solver.lr, 6))
print(np.round(train_loss[:20:4], 3).tolist(), train_loss[-1] < 0.2)
solver.snapshot()
again = caffe.get_solver("lenet_solver.prototxt")
again.restore("lenet_iter_61.solverstate")
print(again.iter, np.array_equal(again.net.params["fc1"][0].data, solver.net.params["fc1"][0].data))

"""Linear regression with a loss that is a Python layer, and two solvers that share weights."""

import os
import sys

import caffe
import numpy as np

getattr(caffe, "allow_python_layers", bool)()
os.chdir(sys.argv[1])


class EuclideanLossLayer(caffe.Layer):
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute distance.")

    def reshape(self, bottom, top):
        if bottom[0].count != bottom[1].count:
            raise Exception("Inputs must have the same dimension.")
        self.diff = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2.0

    def backward(self, top, propagate_down, bottom):
        for i in range(2):
            if not propagate_down[i]:
                continue
            sign = 1 if i == 0 else -1
            bottom[i].diff[...] = sign * self.diff / bottom[i].num


sys.modules["pyloss"] = sys.modules["__main__"]
with open("linreg.prototxt", "w") as f:
    f.write("""name: 'LinearRegressionExample'
layer { type: 'DummyData' name: 'x' top: 'x' dummy_data_param {
        shape { dim: 10 dim: 3 dim: 2 } data_filler { type: 'gaussian' } } }
layer { type: 'DummyData' name: 'y' top: 'y' dummy_data_param {
        shape { dim: 10 dim: 2 } data_filler { type: 'gaussian' } } }
layer { type: 'InnerProduct' name: 'ipx' top: 'ipx' bottom: 'x' inner_product_param {
        num_output: 10 weight_filler { type: 'xavier' } } }
layer { type: 'InnerProduct' name: 'ipy' top: 'ipy' bottom: 'y' inner_product_param {
        num_output: 10 weight_filler { type: 'xavier' } } }
layer { type: 'Python' name: 'loss' top: 'loss' bottom: 'ipx' bottom: 'ipy'
        python_param { module: 'pyloss' layer: 'EuclideanLossLayer' } loss_weight: 1 }
""")
for kind in ("SGD", "AdaGrad", "Adam"):
    with open("linreg_solver.prototxt", "w") as f:
        f.write("net: 'linreg.prototxt' type: '%s' base_lr: 0.05 lr_policy: 'fixed' "
                "random_seed: 4 max_iter: 50 snapshot_after_train: false" % kind)  # fmt: skip
    solver = caffe.get_solver("linreg_solver.prototxt")
    seen = []
    solver.add_callback(lambda: seen.append(solver.iter), lambda: seen.append(-solver.iter))
    solver.step(3)
    print(kind, seen, np.round(solver.net.blobs["x"].data[0, 0].astype(float), 5).tolist())
    print(np.round(solver.net.params["ipx"][0].data[0].astype(float), 4).tolist())
    other = caffe.Net("linreg.prototxt", caffe.TEST)
    solver.share_weights(other)
    solver.solve()
    print(solver.iter, float(solver.net.blobs["loss"].data[0]) < 0.5, end=" ")
    print(np.array_equal(other.params["ipy"][0].data, solver.net.params["ipy"][0].data))
    solver.net.params["ipy"][0].diff[...] = 1
    solver.net.clear_param_diffs()
    print(solver.net.params["ipy"][0].diff.any(), solver.param.max_iter, round(solver.lr, 6))

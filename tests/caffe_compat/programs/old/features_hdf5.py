# Data for HDF5 layers, by scikit-learn's, scikit-image's and NumPy's names of 2015.
import os, sys

import h5py
import numpy as np
import skimage.io
import sklearn.datasets
import sklearn.linear_model
from skimage.transform import resize
from sklearn.cross_validation import train_test_split

import caffe
from caffe import layers as L

where = sys.argv[1] + '/'
X, y = sklearn.datasets.make_classification(n_samples=200, n_features=4, random_state=0)
X, tests, y, answers = train_test_split(X, y, random_state=1)
logistic = sklearn.linear_model.SGDClassifier(loss='log', n_iter=50, random_state=0)
logistic.fit(X, y)
print 'right: %s' % (np.mean(logistic.predict(tests) == answers) > 0.6)

name = os.path.join(where, 'train.h5')
with h5py.File(name, 'w') as f:
    f['data'] = X
    f['label'] = y.astype(np.float32)
with open(os.path.join(where, 'train.txt'), 'w') as f:
    for _ in xrange(2):
        f.write(name + '\n')
print h5py.File(name)['data'].value.shape, h5py.File(name).keys()

picture = skimage.io.imread(where + 'photo.jpg', as_grey=True)
grey = caffe.io.load_image(where + 'photo.jpg', color=False)
print picture.ndim, resize(picture, (8, 9)).shape, grey.shape
n = caffe.NetSpec()
n.data, n.label = L.HDF5Data(batch_size=10, source=where + 'train.txt', ntop=2)
n.ip = L.InnerProduct(n.data, num_output=2, weight_filler=dict(type='xavier'))
n.loss = L.SoftmaxWithLoss(n.ip, n.label)
print str(n.to_proto()).count('layer {'), np.float(3)/2, np.int(7)/2, np.bool(1) == True

datum = caffe.io.array_to_datum(np.arange(12, dtype=np.uint8).reshape(1, 3, 4), 3)
again = caffe.proto.caffe_pb2.Datum()
again.ParseFromString(datum.SerializeToString())
flat = np.fromstring(again.data, dtype=np.uint8)
print flat.reshape(again.channels, again.height, again.width).sum(), len(flat.tostring())

# The module beside dreamer.py. It parses as Python 3, too, and must all the same be Python 2.
import numpy as np
import scipy.ndimage as nd
from google.protobuf import text_format

import caffe

LAYERS = ['inception_3b/output', 'inception_4c/output']
FOLDER = '/home/somebody/caffe/models/bvlc_googlenet/'


def load():
    text = caffe.io.caffe_pb2.NetParameter()
    text_format.Merge(open(FOLDER + 'deploy.prototxt').read(), text)
    text.force_backward = True
    open('gradients.prototxt', 'w').write(str(text))
    return caffe.Classifier('gradients.prototxt', FOLDER + 'bvlc_googlenet.caffemodel',
                            mean=np.float32([104.0, 116.0, 122.0]), channel_swap=(2, 1, 0))


def dream(net, picture, layer):
    mean = net.transformer.mean['data']
    blob, target = net.blobs['data'], net.blobs[layer]
    planes = np.float32(np.rollaxis(picture, 2)[::-1]) - mean
    blob.reshape(1, *planes.shape)
    blob.data[0] = planes
    net.forward(end=layer)
    target.diff[:] = target.data
    net.backward(start=layer)
    slope = blob.diff[0]
    blob.data[:] += 1.5 / np.abs(slope).mean() * slope
    return np.clip(np.dstack((blob.data[0] + mean)[::-1]), 0, 255)


def closer(frame, scale):
    h, w = frame.shape[:2]
    # whole numbers: the middle, whose ends are floored
    middle = frame[h / 8:h - h / 8, w / 8:w - w / 8]
    assert middle.shape[0] == h - 2 * (h // 8) and type(h / 2) is int
    return nd.interpolation.affine_transform(
        frame, [1 - scale, 1 - scale, 1], [h * scale / 2, w * scale / 2, 0], order=1)

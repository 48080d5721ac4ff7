"""Caffe's messages: `caffe_pb2` is caffe.proto, compiled."""

from . import caffe_pb2 as caffe_pb2

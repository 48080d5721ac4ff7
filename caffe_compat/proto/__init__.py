"""Caffe's messages (caffe.proto, compiled to caffe_pb2.py), reading and upgrading them."""

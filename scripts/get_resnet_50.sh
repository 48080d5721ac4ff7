#!/bin/sh
# The weights of resnet_50, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" resnet_50 "$@"

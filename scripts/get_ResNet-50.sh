#!/bin/sh
# The weights of ResNet-50, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" ResNet-50 "$@"

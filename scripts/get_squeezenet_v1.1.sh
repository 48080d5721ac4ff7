#!/bin/sh
# The weights of squeezenet_v1.1, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" squeezenet_v1.1 "$@"

#!/bin/sh
# The weights of bvlc_alexnet, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" bvlc_alexnet "$@"

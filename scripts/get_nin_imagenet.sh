#!/bin/sh
# The weights of nin_imagenet, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" nin_imagenet "$@"

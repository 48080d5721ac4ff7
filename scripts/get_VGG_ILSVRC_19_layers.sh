#!/bin/sh
# The weights of VGG_ILSVRC_19_layers, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" VGG_ILSVRC_19_layers "$@"

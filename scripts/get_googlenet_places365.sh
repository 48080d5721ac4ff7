#!/bin/sh
# The weights of googlenet_places365, the way that Caffe's own scripts get theirs.
exec "${PYTHON:-python3}" "$(dirname "$0")/download_model.py" googlenet_places365 "$@"

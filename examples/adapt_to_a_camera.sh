#!/bin/sh
# Adapts the shipped network to one camera with a hundred labelled pictures, and shows what that was worth.
#
#     sh examples/adapt_to_a_camera.sh WORK [FOLDER]
#
# FOLDER holds your pictures and their ground_truth.csv (image,camera,r,g,b). Without one, pictures are rendered as a
# camera would see them whose declared white is off, which is what adapting mends first.
set -eu
work=$1
here=$(dirname "$0")
mkdir -p "$work"
if [ $# -gt 1 ]; then
    awbkit dataset prepare folder "$2" -o "$work/mine"
else
    awbkit dataset prepare rendered:count=200,seed=11,lamps=no -o "$work/mine"
fi
awbkit train "$work/mine" -o "$work/run" --init awbnet-s --config "$here/adapt.toml"
awbkit evaluate "$work/mine" -m awbnet -m "$work/run" --format table

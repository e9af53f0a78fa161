#!/bin/sh
# Adapts the shipped network to one camera with a hundred labelled pictures, and shows what that was worth on others.
#
#     sh examples/adapt_to_a_camera.sh WORK [LABELLED TEST]
#
# LABELLED and TEST are folders of pictures by your camera, each with its ground_truth.csv (image,camera,r,g,b); no scene
# should be in both. Without them, both are rendered as one camera sees them, to see that all runs: of rendered scenes
# awbnet-s was trained on thousands, so a hundred more bring nothing there. On the pictures of real cameras they do; README.md
# beside this file has the figures.
set -eu
if [ $# -ne 1 ] && [ $# -ne 3 ]; then
    echo "usage: sh $0 WORK [LABELLED TEST]" >&2
    exit 2
fi
work=$1
mkdir -p "$work"
if [ $# -eq 3 ]; then
    awbkit dataset prepare folder "$2" -o "$work/labelled"
    awbkit dataset prepare folder "$3" -o "$work/test"
else
    awbkit dataset prepare "rendered:count=100,seed=1,lamps=no,camera=Nikon D5100" -o "$work/labelled"
    awbkit dataset prepare "rendered:count=200,seed=2,lamps=no,camera=Nikon D5100" -o "$work/test"
fi
awbkit train "$work/labelled" -o "$work/run" --init awbnet-s
awbkit evaluate "$work/test" -m awbnet -m "$work/run" --format table

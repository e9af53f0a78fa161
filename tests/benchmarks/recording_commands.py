"""What ``recording.py`` runs, one command a line, in this order: later ones read what earlier ones have written.

``< FILE`` is standard input, ``> FILE`` keeps standard output for later commands. A line that starts with ``#`` says
what the block below is about; every block but the thumbnails' reads what ``recording_inputs.py`` writes and nothing
else.
"""

# ruff: noqa: E501

from __future__ import annotations

GROUPS = ("estimate", "correct", "methods", "evaluate", "train", "prune", "factorize", "quantize", "export", "bench")
DATASET = ("prepare", "inspect", "layouts")

HELP = (
    "--help",
    "--version",
    *(f"{name} --help" for name in (*GROUPS, "dataset")),
    *(f"dataset {name} --help" for name in DATASET),
)

EVERYDAY = """
# estimate: formats, methods, sources of paths, kinds of pictures
estimate examples
estimate examples --format table
estimate examples --format csv > lights.csv
estimate examples --format json > lights.json
estimate examples -j 2 > lights.jsonl
estimate examples -m gray-world -m pca:percent=5 -m bright-gray --format table
estimate examples/street_led.jpg -m white-patch -m shades-of-gray -m general-gray-world -m gray-edge -m gray-edge-2
estimate examples/street_led.jpg -m gray-index -m local-surface-reflectance -m awbnet-nano -m awbnet-m -m awbnet-s-open
estimate examples/market_tungsten.dng pictures/raws -m as-shot -m awbnet -m bright-gray
estimate examples --fallback bright-gray --max-expected-error 4
estimate examples/toys_shade.tif --region 10,10,60,60
estimate -r . --quiet --failed-list failed.txt -m gray-world
estimate --files-from lists/paths.txt -q
estimate --files-from - -0 -q < lists/paths.nul
estimate - < examples/lane_shade.jpg
estimate pictures/camera.png --encoding camera
estimate pictures/sixteen.png --encoding linear -m gray-world
estimate pictures/turned.jpg --encoding srgb --region 5,5,20,20
methods
methods --format table
# correct: formats, lights, colour models, names
correct examples -d corrected/same
correct examples/street_led.jpg examples/market_tungsten.dng pictures/alpha.png -d corrected/jpg --to jpg
correct examples/street_led.jpg examples/market_tungsten.dng pictures/alpha.png -d corrected/png --to png
correct examples/street_led.jpg examples/market_tungsten.dng pictures/alpha.png -d corrected/tif --to tif
correct examples/street_led.jpg pictures/alpha.png -d corrected/webp --to webp
correct examples/street_led.jpg pictures/alpha.png -d corrected/avif --to avif
correct examples/street_led.jpg pictures/alpha.png -d corrected/heic --to heic
estimate corrected/png corrected/tif corrected/webp corrected/avif corrected/heic -m gray-world
correct pictures -r -d corrected/kinds
correct examples/street_led.jpg -o corrected/one.jpg --format table
correct examples/street_led.jpg -o corrected/one.jpg --if-exists skip
correct examples/street_led.jpg -o corrected/one.jpg --if-exists replace --strength 0.5
correct examples/street_led.jpg -o -
correct - -o corrected/piped.jpg < examples/street_led.jpg
correct examples/street_led.jpg -o corrected/gains.jpg --gains 0.8,1,1.7
correct examples/street_led.jpg -o corrected/nothing.jpg --gains 1,1,1
correct examples/street_led.jpg -o corrected/illuminant.jpg --illuminant 0.8,0.53,0.27
correct examples/street_led.jpg -o corrected/cct.jpg --cct 2900 --duv 0.002
correct examples/toys_shade.tif -o corrected/region.tif --region 10,10,60,60
correct examples/street_led.jpg -o corrected/von-kries.jpg --cat von-kries
correct examples/street_led.jpg -o corrected/bradford.jpg --cat bradford
correct examples/street_led.jpg -o corrected/cat02.jpg --cat cat02
correct examples/street_led.jpg -o corrected/cat16.jpg --cat cat16
correct examples/street_led.jpg -o corrected/sharp.jpg --cat sharp
correct examples/market_tungsten.dng -o corrected/bradford.tif --cat bradford
correct examples/market_tungsten.dng -o corrected/bright.jpg --auto-bright -m as-shot
correct examples/street_led.jpg examples/lane_shade.jpg -d corrected/named --name {parent}-{stem}-x{ext} -m gray-world
correct examples/street_led.jpg examples/lane_shade.jpg -d corrected/fallback --fallback pca --max-expected-error 5
correct examples pictures/raws -d corrected/shared --shared
correct examples pictures/raws -d corrected/shared-gray --shared -m gray-world --format csv
correct --from lights.jsonl -d corrected/from-jsonl
correct --from lights.csv -d corrected/from-csv --format json
correct --from lights.json -d corrected/from-json --to jpg -q
correct --from - -d corrected/from-stdin < lists/edited.jsonl
correct --from lists/edited.csv -d corrected/from-edited --dry-run
correct examples -d corrected/dry --dry-run --format table
correct pictures/raws -d sidecars --sidecar xmp
correct pictures/raws -d sidecars --sidecar xmp --if-exists replace --cct 4000
correct examples/street_led.jpg -d sidecars --sidecar xmp
# data sets: every layout, from folders, archives and nothing
dataset layouts
dataset layouts --format table
dataset prepare ambient6k:pictures=both downloads/ambient6k -o prepared/ambient6k
dataset prepare awb-nn:target=both downloads/awb_nn -o prepared/awb-nn
dataset prepare cl3an downloads/cl3an -o prepared/cl3an
dataset prepare cube-plus downloads/cube_plus -o prepared/cube-plus --allow-missing
dataset prepare gehler-shi:truth=legacy downloads/gehler_shi -o prepared/gehler-shi
dataset prepare intel-tau downloads/intel_tau -o prepared/intel-tau
dataset prepare lsmi downloads/lsmi -o prepared/lsmi
dataset prepare nus-8:d40=yes downloads/nus_8 -o prepared/nus-8
dataset prepare simple-cube-pp downloads/simple_cube_pp -o prepared/simple-cube-pp
dataset prepare folder downloads/labelled -o prepared/labelled
dataset prepare folder downloads/labelled.zip -o prepared/zipped -q
dataset prepare folder downloads/labelled -o prepared/labelled --if-exists skip
dataset prepare folder:encoding=linear,white=60000 downloads/labelled -o prepared/zipped --if-exists replace -j 1
dataset prepare folder downloads/incomplete -o prepared/incomplete
dataset prepare folder downloads/incomplete -o prepared/incomplete --allow-missing
dataset prepare folder examples -o prepared/examples
dataset prepare rendered:count=12,seed=1,lamps=no -o prepared/rendered
dataset prepare rendered:count=6,lights=3,camera=Nikon* -o prepared/lamps
dataset prepare rendered:count=6,lamps=no,photographs=examples -o prepared/photographs
dataset inspect prepared/labelled
dataset inspect prepared/labelled --format table
dataset inspect prepared/lsmi --verify
dataset inspect prepared/rendered --format table --verify
# evaluate: formats, protocols, predictions, checks, a page
evaluate prepared/labelled prepared/rendered -m gray-world -m pca -m awbnet --rounds 100 --html page.html --format table
evaluate prepared/labelled -m all --rounds 100 --format markdown
evaluate prepared/labelled -m constant -m corrected-moments -m bright-gray --rounds 100 --protocol k-fold --folds 3
evaluate prepared/labelled -m constant --rounds 100 --protocol folds --format csv
evaluate prepared/labelled -m constant --rounds 100 --protocol leave-one-camera-out --format table --over cameras
evaluate prepared/labelled prepared/rendered -m constant --rounds 100 --protocol leave-one-dataset-out --format table
evaluate prepared/lsmi prepared/cl3an -m gray-world --rounds 100 --per-image --resume answers.jsonl
evaluate prepared/lsmi prepared/cl3an -m gray-world --rounds 100 --resume answers.jsonl --metric reproduction --format csv
evaluate prepared/examples -m awbnet --model lists/model.py:estimate --rounds 100 --html own.html --worst 2 --gallery each
evaluate --predictions lights.jsonl --truth examples/ground_truth.csv --rounds 100 --format table
evaluate --predictions lists/theirs.csv prepared/labelled --rounds 100 --format markdown
evaluate prepared/labelled -m bright-gray --rounds 100 --max-mean 0.01 --max-p95 90 --format table -q
"""

TRAINING = """
# train, prune, factorize, quantize: a few steps each
train prepared/labelled -o runs/nano --arch awbnet-nano --steps 20 --batch-size 8 --variants 1 --teachers 0 --validation 0.3
train prepared/labelled -o runs/nano --resume
train prepared/labelled -o runs/taught --arch awbnet-nano --steps 10 --batch-size 8 --variants 1 --teachers 1 --seed 2 -q
train prepared/labelled -o runs/rendered --config lists/recipe.toml --domain rendered --format table
train prepared/labelled prepared/rendered -o runs/tuned --init awbnet-nano --leave-out-dataset rendered --steps 5 --variants 1
train prepared/labelled -o runs/folds --config lists/recipe.toml --fold a --calibration leave-one-camera-out
train prepared/labelled -o runs/mobile --config lists/recipe.toml --arch mobilenet-v3 --steps 2
prune awbnet-nano prepared/labelled -o runs/pruned --params 400 --rounds 2 --round-steps 3 --steps 5 --variants 1
prune awbnet-nano prepared/labelled -o runs/faster --latency 2500 --target cortex-m0 --rounds 1 --steps 3 --variants 1
factorize awbnet-s prepared/labelled -o runs/factors --rank 6 --steps 3 --variants 1 --batch-size 8
quantize awbnet-nano prepared/labelled -o nano8.safetensors --pictures 10
quantize runs/nano prepared/labelled -o small4.safetensors --weights 4 --activations 16 --format table
quantize runs/nano prepared/labelled -o trained8.safetensors --train runs/rounded --steps 5 --config lists/recipe.toml
estimate examples -m runs/nano -m nano8.safetensors -m runs/pruned/model.safetensors
evaluate prepared/labelled -m runs/nano -m nano8.safetensors -m runs/pruned -m runs/factors --rounds 100 --format table
# export, bench
export nano8.safetensors --to c -o export/c --check prepared/labelled
export nano8.safetensors --to onnx -o export/onnx8 --format table
export runs/nano --to onnx -o export/onnx --check prepared/labelled
export nano8.safetensors --to tflite -o export/tflite8
export awbnet-nano --to tflite -o export/tflite
export awbnet-nano --to executorch -o export/executorch
export awbnet-nano --to libcamera --tuning downloads/awb_nn/tunings/pisp/imx001.json -o export/libcamera
export awbnet-nano --to c -o export/none
bench nano8.safetensors --alone --data prepared/labelled --count 5 -o costs
bench runs/nano nano8.safetensors --alone --format table
"""

REFUSALS = """
# what is refused: usage, files, models, outputs
estimate
estimate nowhere.jpg
estimate examples/street_led.jpg -m nothing
estimate examples/street_led.jpg -m pca:percent=900
estimate examples/street_led.jpg -m pca:share=3
estimate examples/street_led.jpg -m pca -m pca
estimate examples/street_led.jpg --region 1,2,3
estimate examples/street_led.jpg --region 900,900,100,100
estimate examples/street_led.jpg -m refused/model.safetensors
estimate examples/street_led.jpg --format xml
estimate refused --format table
estimate refused/cut.jpg refused/text.jpg refused/empty.png refused/grayscale.png refused/cmyk.jpg refused/moving.gif
estimate refused/bomb.png
estimate examples/street_led.jpg --max-pixels 100
estimate refused examples --fail-fast -q
correct examples/street_led.jpg
correct examples/street_led.jpg examples/lane_shade.jpg -o one.jpg
correct examples/street_led.jpg -o corrected/one.jpg
correct examples/street_led.jpg -o new.bmp
correct examples/street_led.jpg -o new.jpg --gains 1,0,1
correct examples/street_led.jpg -o new.jpg --gains 1,1,1 --cct 3000
correct examples/street_led.jpg -o new.jpg --cct 90
correct examples/street_led.jpg -o new.jpg --cat cat97
correct examples/street_led.jpg corrected/same/street_led_awb.jpg -d collide --name same{ext}
correct --from refused/records.jsonl -d from
correct refused -d corrected/refused
correct examples/market_tungsten.dng --sidecar xmp -d sidecars
dataset prepare nothing downloads -o prepared/nothing
dataset prepare cl3an:lights=green downloads/cl3an -o prepared/nothing
dataset prepare folder downloads/nowhere -o prepared/nothing
dataset prepare folder downloads/labelled
dataset prepare folder downloads/labelled -o prepared/labelled --if-exists fail
dataset prepare intel-tau downloads/cl3an -o prepared/nothing
dataset inspect downloads
evaluate prepared/labelled -m nothing
evaluate downloads -m pca
evaluate prepared/labelled --model lists/model.py:missing
evaluate --predictions refused/theirs.csv --truth examples/ground_truth.csv
evaluate --predictions lists/theirs.csv --truth examples/ground_truth.csv --rounds 100 --format table
evaluate prepared/labelled -m corrected-moments --protocol none
train prepared/labelled
train prepared/labelled -o runs/bad --arch nothing
train prepared/labelled -o runs/bad --config refused/recipe.toml
train prepared/labelled -o runs/bad --steps 0
train prepared/labelled -o runs/nano --steps 3
train prepared/labelled -o runs/bad --leave-out-camera Leica
train downloads -o runs/bad
prune awbnet-nano prepared/labelled -o runs/bad
prune awbnet-nano prepared/labelled -o runs/bad --params 100 --macs 100
factorize awbnet-nano prepared/labelled -o runs/bad --rank 3 --energy 0.9
factorize nano8.safetensors prepared/labelled -o runs/bad --rank 3
quantize awbnet-nano prepared/labelled -o bad.safetensors --weights 3
quantize awbnet-nano prepared/labelled -o bad.txt
quantize nothing prepared/labelled -o bad.safetensors
export awbnet-nano --to flash -o export/bad
export nothing --to c -o export/bad
export awbnet-nano --to libcamera -o export/bad
bench nothing
nothing
"""

ON_THUMBNAILS = """
dataset inspect {set} --format table --verify
evaluate {set} -m all -m constant --rounds 100 --html {name}.html
evaluate {set} -m corrected-moments -m awbnet --rounds 100 --protocol k-fold --folds 3 --format markdown
quantize awbnet-s {set} -o {name}.safetensors --pictures 60
export {name}.safetensors --to c -o export/{name} --check {set}
train {set} -o runs/{name} --steps 10 --batch-size 16 --variants 1 --teachers 0 --jobs 1
prune awbnet-nano {set} -o runs/{name}-pruned --macs 400 --rounds 1 --steps 3 --batch-size 16 --variants 1
"""


def commands(thumbnails: list[str]) -> list[str]:
    """The command lines after ``awbkit``; ``thumbnails`` are the names of prepared sets below ``thumbnails/``."""
    lines = list(HELP)
    for block in (EVERYDAY, TRAINING, REFUSALS):
        lines += [line for line in block.splitlines() if line and not line.startswith("#")]
    for name in thumbnails:
        lines += ON_THUMBNAILS.format(set=f"thumbnails/{name}", name=name).split("\n")[1:-1]
    if len(thumbnails) > 1:
        lines.append(
            f"evaluate {' '.join(f'thumbnails/{name}' for name in thumbnails)} -m all --rounds 100 --format table"
        )
    return lines

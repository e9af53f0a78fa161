"""The examples at the end of each command's help. A test runs them all."""

from __future__ import annotations

from typing import Any

EXAMPLES = {
    "estimate": (
        "awbkit estimate photo.jpg -m awbnet -m gray-world",
        "awbkit estimate -r holiday > light.jsonl",
    ),
    "correct": (
        "awbkit correct -r holiday -d corrected",
        "awbkit correct shoot/*.DNG -d out --to jpg --shared",
    ),
    "compare": (
        "awbkit compare holiday corrected -r -o changes.html",
        "awbkit compare holiday corrected -r --from light.jsonl -o lights.html",
    ),
    "methods": (
        "awbkit methods",
        "awbkit methods --format json > methods.json",
    ),
    "dataset": (
        "awbkit dataset prepare cube-plus Downloads/cube+ -o prepared/cube-plus",
        "awbkit dataset inspect prepared/cube-plus",
    ),
    "dataset prepare": (
        "awbkit dataset prepare cube-plus Downloads/cube+ -o prepared/cube-plus",
        "awbkit dataset prepare folder my-labelled-images -o prepared/mine",
    ),
    "dataset inspect": (
        "awbkit dataset inspect prepared/mine",
        "awbkit dataset inspect prepared/mine --verify --format json",
    ),
    "dataset layouts": (
        "awbkit dataset layouts",
        "awbkit dataset layouts --format json > layouts.json",
    ),
    "evaluate": (
        "awbkit evaluate prepared/cube-plus -m awbnet -m gray-world",
        "awbkit evaluate prepared/cube-plus prepared/mine -m all --html report.html",
    ),
    "train": (
        "awbkit train prepared/cube-plus prepared/mine -o runs/mine",
        "awbkit train prepared/mine -o runs/tuned --init awbnet-s",
    ),
    "prune": (
        "awbkit prune awbnet-s prepared/* -o runs/half --params 2417",
        "awbkit prune runs/mine prepared/mine -o runs/small --params 500",
    ),
    "factorize": (
        "awbkit factorize awbnet-s prepared/* -o runs/smaller --rank 8",
        "awbkit factorize runs/mine prepared/mine -o runs/products --energy 0.99",
    ),
    "quantize": (
        "awbkit quantize awbnet-s prepared/cube-plus -o s8.safetensors",
        "awbkit quantize runs/mine prepared/* -o mine8.safetensors",
    ),
    "export": (
        "awbkit export s8.safetensors --to c -o firmware --check prepared/other",
        "awbkit export s8.safetensors --to onnx -o phone8",
    ),
    "bench": (
        "awbkit bench awbnet-s --data prepared/other",
        "awbkit bench runs/mine --data prepared/other -o costs",
    ),
    "doctor": (
        "awbkit doctor",
        "awbkit doctor --format json > report.json",
    ),
}
"""By command; two each, which run as they stand where files of these names are."""


def show_examples(parser: Any, name: str) -> None:
    """Put the examples at the end of the help of a command, and of those below it."""
    parser.epilog = "\n".join(("Examples:", *(f"  {line}" for line in EXAMPLES[name])))
    for below, command in getattr(parser, "commands", {}).items():
        show_examples(command, f"{name} {below}")

"""The choices of the library's options, each list once: the library checks against it, the command line offers it.

The lists stand apart from the code that they choose, so that ``--help`` shows them without importing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

Cat: TypeAlias = Literal["von-kries", "bradford", "cat02", "cat16", "sharp"]
"""Chromatic adaptation transforms."""

EncodingName: TypeAlias = Literal["auto", "linear", "camera", "srgb", "icc"]
"""How the numbers of a rendered file stand for light."""

Domain: TypeAlias = Literal["raw", "rendered"]
"""Kinds of pictures that a network is for."""

ProtocolName: TypeAlias = Literal["none", "folds", "k-fold", "leave-one-camera-out", "leave-one-dataset-out"]
"""Which images a method that has to be fitted may see."""

Metric: TypeAlias = Literal["recovery", "reproduction"]
"""Angular errors, in the order of every table."""

Calibration: TypeAlias = Literal["validation", "leave-one-camera-out", "leave-one-dataset-out"]
"""Which answers the expected error of a network is fitted to."""

Target: TypeAlias = Literal["c", "onnx", "tflite", "executorch", "libcamera"]
"""What a network can be exported to."""

Processor: TypeAlias = Literal["cortex-m4", "cortex-m3", "cortex-m0"]
"""Processors whose instructions are known."""

OUTPUT_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png",),
    "tiff": (".tif", ".tiff"),
    "webp": (".webp",),
    "avif": (".avif",),
    "heic": (".heic", ".heif", ".hif"),
}
"""File formats of corrected pictures with their suffixes; the first is what a new file gets."""

if TYPE_CHECKING:
    OutputFormat: TypeAlias = str
else:
    # The parser reads choices from a Literal; a type checker would have them written out.
    OutputFormat = Literal[tuple(suffixes[0][1:] for suffixes in OUTPUT_SUFFIXES.values())]

RGB_COMPONENTS: Final[Mapping[str, str]] = {"illuminant": "rgb", "gains": "rgb", "chromaticity": "rg"}
"""The keys under which a record states a light as RGB, each with the components of its value."""

CATS: Final[tuple[str, ...]] = get_args(Cat)
ENCODINGS: Final[tuple[str, ...]] = get_args(EncodingName)
DOMAINS: Final[tuple[str, ...]] = get_args(Domain)
PROTOCOLS: Final[tuple[str, ...]] = get_args(ProtocolName)
METRICS: Final[tuple[str, ...]] = get_args(Metric)
CALIBRATIONS: Final[tuple[str, ...]] = get_args(Calibration)
PROCESSORS: Final[tuple[str, ...]] = get_args(Processor)

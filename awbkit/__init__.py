"""Camera auto white balance: estimate the illuminant of any photograph, raw or rendered, and correct it.

Example::

    import awbkit

    light = awbkit.estimate("photo.jpg")
    print(light.gains, light.cct_duv)
    awbkit.correct("photo.jpg", "photo_awb.jpg", illuminant=light)

What awbkit raises on purpose is an ``AwbError``; ``awbkit.errors`` draws the tree. The logger "awbkit" tells at
the level DEBUG which method answered for which picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from awbkit.api import correct, estimate, evaluate
    from awbkit.colour.camera import LINEAR_SRGB, Camera
    from awbkit.colour.illuminant import Illuminant, angular_error
    from awbkit.colour.image import LinearImage
    from awbkit.colour.light_map import LightMap
    from awbkit.correction.von_kries import Correction
    from awbkit.correction.von_kries import apply as apply_correction
    from awbkit.errors import (
        AwbError,
        AwbWarning,
        CheckFailed,
        FileError,
        MissingExtra,
        OutputError,
        UnreadableFile,
        UnsupportedImage,
        UsageError,
    )
    from awbkit.estimators.registry import method_names as methods
    from awbkit.files.open import open_photo
    from awbkit.files.photo import Photo, Region
    from awbkit.fusion.common import common_illuminant
    from awbkit.many import correct_many, estimate_many

    # An assignment, because type checkers take a renamed import for private.
    open = open_photo
    __version__: str

__all__ = [
    "LINEAR_SRGB",
    "AwbError",
    "AwbWarning",
    "Camera",
    "CheckFailed",
    "Correction",
    "FileError",
    "Illuminant",
    "LightMap",
    "LinearImage",
    "MissingExtra",
    "OutputError",
    "Photo",
    "Region",
    "UnreadableFile",
    "UnsupportedImage",
    "UsageError",
    "angular_error",
    "apply_correction",
    "common_illuminant",
    "correct",
    "correct_many",
    "estimate",
    "estimate_many",
    "evaluate",
    "methods",
]

# Loaded when first used: the command line starts without numpy, and reads --help without codecs.
_HOMES = {
    "__version__": ("version", "VERSION"),
    "LINEAR_SRGB": ("colour.camera", "LINEAR_SRGB"),
    "AwbError": ("errors", "AwbError"),
    "AwbWarning": ("errors", "AwbWarning"),
    "CheckFailed": ("errors", "CheckFailed"),
    "FileError": ("errors", "FileError"),
    "MissingExtra": ("errors", "MissingExtra"),
    "OutputError": ("errors", "OutputError"),
    "UnreadableFile": ("errors", "UnreadableFile"),
    "UnsupportedImage": ("errors", "UnsupportedImage"),
    "UsageError": ("errors", "UsageError"),
    "Camera": ("colour.camera", "Camera"),
    "Correction": ("correction.von_kries", "Correction"),
    "Illuminant": ("colour.illuminant", "Illuminant"),
    "LightMap": ("colour.light_map", "LightMap"),
    "LinearImage": ("colour.image", "LinearImage"),
    "Photo": ("files.photo", "Photo"),
    "Region": ("files.photo", "Region"),
    "angular_error": ("colour.illuminant", "angular_error"),
    "apply_correction": ("correction.von_kries", "apply"),
    "common_illuminant": ("fusion.common", "common_illuminant"),
    "correct": ("api", "correct"),
    "correct_many": ("many", "correct_many"),
    "estimate": ("api", "estimate"),
    "estimate_many": ("many", "estimate_many"),
    "evaluate": ("api", "evaluate"),
    "methods": ("estimators.registry", "method_names"),
    "open": ("files.open", "open_photo"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'awbkit' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(f"awbkit.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(_HOMES)

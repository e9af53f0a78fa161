"""Camera auto white balance: estimate the illuminant of any photograph, raw or rendered, and correct it.

import awbkit

light = awbkit.estimate("photo.jpg")
print(light.gains, light.cct_duv)
awbkit.correct("photo.jpg", "photo_awb.jpg", illuminant=light)
"""

from __future__ import annotations

from importlib.metadata import version as _version

from awbkit.api import common, correct, estimate
from awbkit.camera import LINEAR_SRGB, Camera
from awbkit.correction.von_kries import Correction
from awbkit.correction.von_kries import apply as apply_correction
from awbkit.errors import AwbError
from awbkit.estimators.registry import names as methods
from awbkit.files.open import open_photo as open  # noqa: F401 - public, but not for `from awbkit import *`
from awbkit.files.photo import Photo, Region
from awbkit.illuminant import Illuminant, angular_error
from awbkit.image import LinearImage

__version__ = _version("awbkit")

__all__ = [
    "LINEAR_SRGB",
    "AwbError",
    "Camera",
    "Correction",
    "Illuminant",
    "LinearImage",
    "Photo",
    "Region",
    "angular_error",
    "apply_correction",
    "common",
    "correct",
    "estimate",
    "methods",
]

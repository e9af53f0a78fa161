"""From linear RGB to files: a JPEG as a camera writes it, a 16-bit TIFF, and a raw DNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyvips
import tifffile
from numpy.typing import NDArray
from PIL import Image

from scenes.filtering import glare, vignette
from scenes.profile import display_p3, p3_to_xyz
from scenes.sensors import CAMERA_WHITE, XYZ_TO_SRGB, calibration
from scenes.solids import Array

MAKE, MODEL = "awbkit", "rendered scene"
SOFTWARE = "awbkit examples/render_scenes.py"
BLACK_LEVEL, WHITE_LEVEL = 512, 16383

# EXIF LightSource codes; there is none for an LED.
LIGHT_SOURCE = {"tungsten": 3, "fluorescent": 2, "shade": 11, "led": 255}


def exposed(image: Array, seed: int, noise: float = 1.0) -> Array:
    """What the sensor records: the lens's glare and fall-off, photon and read noise; not clipped.

    Args:
        image: Linear RGB, (H, W, 3), 1 = white level.
        noise: 1 for a full well of 20 000 electrons; its square root less noise for each doubling.
    """
    seen = glare(image) * vignette(image.shape[:2])
    random = np.random.default_rng(seed)
    spread = np.sqrt(np.maximum(seen, 0) / 20_000 + 2e-7) * np.float32(noise)
    return np.asarray(seen + random.standard_normal(seen.shape, dtype=np.float32) * spread, dtype=np.float32)


def encoded(linear: Array) -> Array:
    """The sRGB transfer curve (IEC 61966-2-1), clipped to 0 .. 1."""
    v = np.clip(linear, 0, 1)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** np.float32(1 / 2.4) - 0.055).astype(np.float32)


def write_jpeg(path: Path, image: Array, text: str, light: str, orientation: int = 1, wide: bool = False) -> None:
    """A JPEG with EXIF; with Display P3 values and profile where ``wide``.

    Args:
        image: Linear sRGB, upright as displayed; stored on its side where ``orientation`` is 6.
    """
    if wide:
        image = image @ (np.linalg.inv(p3_to_xyz()) @ np.linalg.inv(XYZ_TO_SRGB)).T.astype(np.float32)
    if orientation == 6:
        image = np.rot90(image)
    random = np.random.default_rng(image.shape[0])
    dithered = encoded(image) * 255 + random.random(image.shape, dtype=np.float32)
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0110], exif[0x0131] = text, MAKE, MODEL, SOFTWARE
    exif[0x0112] = orientation
    # White balance "manual", colour space sRGB or "uncalibrated", and which light there was.
    exif.get_ifd(0x8769).update({0xA403: 1, 0xA001: 0xFFFF if wide else 1, 0x9208: LIGHT_SOURCE[light]})
    extra = {"icc_profile": display_p3()} if wide else {}
    Image.fromarray(np.clip(dithered, 0, 255).astype(np.uint8)).save(
        path, quality=93, subsampling="4:2:0", optimize=True, exif=exif, **extra
    )


def write_tiff(path: Path, image: Array, text: str) -> None:
    """A 16-bit sRGB TIFF, deflated."""
    values = np.ascontiguousarray(np.round(encoded(image) * 65535).astype(np.uint16))
    picture = pyvips.Image.new_from_array(values, interpretation="rgb16").copy()
    picture.set_type(pyvips.GValue.gstr_type, "image-description", text)
    picture.tiffsave(str(path), compression="deflate", predictor="horizontal")


def mosaic(image: Array) -> NDArray[np.uint16]:
    """One colour a pixel, red first, in 14-bit numbers above a black level."""
    levels = image * (WHITE_LEVEL - BLACK_LEVEL) + BLACK_LEVEL
    out = levels[..., 1].copy()
    out[::2, ::2] = levels[::2, ::2, 0]
    out[1::2, 1::2] = levels[1::2, 1::2, 2]
    return np.clip(np.round(out), 0, WHITE_LEVEL).astype(np.uint16)


def write_dng(path: Path, image: Array, text: str) -> None:
    """An uncompressed Bayer DNG with two colour matrices and daylight as its as-shot white.

    Args:
        image: Linear camera RGB, (H, W, 3), H and W even; 1 = white level.
    """

    def rational(values: NDArray[np.float64]) -> tuple[int, ...]:
        return tuple(number for value in values.ravel() for number in (round(float(value) * 10_000), 10_000))

    matrices = calibration()
    byte, ascii_, short, fraction, signed = 1, 2, 3, 5, 10
    tags = [
        (271, ascii_, 0, MAKE, True),
        (272, ascii_, 0, MODEL, True),
        (274, short, 1, 1, True),
        (33421, short, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, byte, 4, bytes((0, 1, 1, 2)), True),  # CFAPattern: RG over GB
        (50706, byte, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, byte, 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50708, ascii_, 0, f"{MAKE} {MODEL}", True),  # UniqueCameraModel
        (50714, short, 1, BLACK_LEVEL, True),
        (50717, short, 1, WHITE_LEVEL, True),
        *((50721 + n, signed, 9, rational(matrix), True) for n, matrix in enumerate(matrices.values())),
        (50728, fraction, 3, rational(CAMERA_WHITE), True),  # AsShotNeutral
        *((50778 + n, short, 1, code, True) for n, code in enumerate(matrices)),  # CalibrationIlluminant1, 2
    ]
    tifffile.imwrite(
        path, mosaic(image), photometric="cfa", description=text, software=SOFTWARE, metadata=None, extratags=tags
    )

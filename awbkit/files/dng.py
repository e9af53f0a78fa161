"""Colour calibration of a DNG file, straight from its tags.

LibRaw passes on only a part of it: one of two calibrations, and one of two ways to store the as-shot white. A reader of
`AsShotNeutral` alone leaves the pictures of cameras that write `AsShotWhiteXY` with the green cast of the bare sensor.
Tags and colour model: Adobe, "Digital Negative (DNG) Specification" 1.7.1.0, chapters 4 and 6.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera, Matrix
from awbkit.errors import UsageError
from awbkit.store.refusals import reading_error

MAKE, MODEL = 271, 272
DNG_VERSION = 50706
UNIQUE_CAMERA_MODEL = 50708
COLOR_MATRIX = (50721, 50722)
CAMERA_CALIBRATION = (50723, 50724)
ANALOG_BALANCE = 50727
AS_SHOT_NEUTRAL = 50728
AS_SHOT_WHITE_XY = 50729
CALIBRATION_ILLUMINANT = (50778, 50779)
CAMERA_CALIBRATION_SIGNATURE = 50931
PROFILE_CALIBRATION_SIGNATURE = 50932

_TAGS = (
    *(MAKE, MODEL, DNG_VERSION, UNIQUE_CAMERA_MODEL, ANALOG_BALANCE, AS_SHOT_NEUTRAL, AS_SHOT_WHITE_XY),
    *(CAMERA_CALIBRATION_SIGNATURE, PROFILE_CALIBRATION_SIGNATURE),
    *COLOR_MATRIX,
    *CAMERA_CALIBRATION,
    *CALIBRATION_ILLUMINANT,
)

# EXIF LightSource codes (Exif 3.0, CIPA DC-008-2023, tag 37384) and the CCT in kelvin of each. CIE illuminants have
# their own; for the fluorescents the standard gives a range, whose middle stands here; for the rest it gives a name
# only, and the value is the one that Adobe's DNG SDK 1.7.1 takes.
LIGHT_SOURCE_CCT = {
    1: 5500.0,  # daylight
    2: 4150.0,  # fluorescent
    3: 2850.0,  # tungsten
    4: 5500.0,  # flash
    9: 5500.0,  # fine weather
    10: 6500.0,  # cloudy
    11: 7500.0,  # shade
    12: 6400.0,  # daylight fluorescent, 5700 to 7100
    13: 5050.0,  # day white fluorescent, 4600 to 5500
    14: 4150.0,  # cool white fluorescent, 3800 to 4500
    15: 3525.0,  # white fluorescent, 3250 to 3800
    16: 2925.0,  # warm white fluorescent, 2600 to 3250
    17: 2856.0,  # CIE A
    18: 4874.0,  # CIE B
    19: 6774.0,  # CIE C
    20: 5503.0,  # D55
    21: 6504.0,  # D65
    22: 7504.0,  # D75
    23: 5003.0,  # D50
    24: 3200.0,  # ISO studio tungsten
}
_UNKNOWN_CCT = 5000.0

# tifffile reports every oddity of a file to its log; unless the application asks for them, these are not for stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_dng_camera(source: str | os.PathLike[str] | BinaryIO) -> Camera | None:
    """The camera that a DNG file describes.

    Its matrices are AnalogBalance x CameraCalibration x ColorMatrix for each calibration illuminant, and so map CIE
    XYZ to the RGB that the file stores. Its ``as_shot`` has green = 1, whichever of the two tags it came from. A tag
    that is missing, malformed or all zero is left out; without a usable matrix the camera has none.

    Args:
        source: A path, or a seekable binary file, whose position is restored.

    Returns:
        The camera; without matrices where there are not three colour planes. None for anything but a DNG, be it
        another format, empty or damaged.

    Raises:
        UnreadableFile: If a path cannot be opened at all.
    """
    if not isinstance(source, (str, os.PathLike)):
        position = source.tell()
        try:
            return _camera(_first_directory(source))
        finally:
            source.seek(position)
    try:
        with Path(source).open("rb") as file:
            return _camera(_first_directory(file))
    except OSError as error:
        raise reading_error(source, error) from error


def _first_directory(file: BinaryIO) -> dict[int, Any]:
    """Tag values of IFD 0 by tag number; empty if there is none to be read."""
    import tifffile

    try:
        file.seek(0)
        with tifffile.TiffFile(file) as tiff:
            tags = tiff.pages.first.tags
            wanted = {number: tags.get(number) for number in _TAGS}
            return {number: _value(tag) for number, tag in wanted.items() if tag is not None}
    except Exception:
        # Damaged directories surface in tifffile as nearly every built-in exception; all mean "not a DNG" here.
        return {}


def _value(tag: Any) -> Any:
    """Text as str, numbers as a float64 array with the rationals divided; None for a tag that makes no sense."""
    value = tag.value
    if isinstance(value, (str, bytes)):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return " ".join(text.split("\0")[0].split())
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError, OverflowError):
        return None
    if tag.dtype.name in ("RATIONAL", "SRATIONAL"):
        numerator, denominator = numbers.reshape(-1, 2).T
        if not denominator.all():
            return None
        numbers = numerator / denominator
    return numbers if np.isfinite(numbers).all() and numbers.any() else None


def _camera(tags: dict[int, Any]) -> Camera | None:
    if DNG_VERSION not in tags:
        return None
    name = _name(tags)
    # Tags of type DOUBLE can hold any number; those that overflow are left out further down.
    with np.errstate(all="ignore"):
        calibrated = Camera(name, matrices=_matrices(tags))
        return replace(calibrated, as_shot=_as_shot(tags, calibrated))


def _name(tags: dict[int, Any]) -> str:
    unique, make, model = (tags.get(tag) for tag in (UNIQUE_CAMERA_MODEL, MAKE, MODEL))
    if isinstance(unique, str) and unique:
        return unique
    words = [word for word in (make, model) if isinstance(word, str) and word]
    # In "Canon", "Canon EOS 550D" the model repeats the make.
    return words[1] if len(words) == 2 and words[1].lower().startswith(words[0].lower()) else " ".join(words)


def _matrices(tags: dict[int, Any]) -> tuple[tuple[float, Matrix], ...]:
    """XYZ to camera RGB with the CCT that each was calibrated under."""
    gains = _numbers(tags, ANALOG_BALANCE, 3)
    analog = np.eye(3) if gains is None or (gains <= 0).any() else np.diag(gains)
    # The calibration of the single body belongs to one profile, and to no other.
    individual = (tags.get(CAMERA_CALIBRATION_SIGNATURE) or "") == (tags.get(PROFILE_CALIBRATION_SIGNATURE) or "")
    found: list[tuple[float | None, Matrix]] = []
    for matrix_tag, calibration_tag, light_tag in zip(
        COLOR_MATRIX, CAMERA_CALIBRATION, CALIBRATION_ILLUMINANT, strict=True
    ):
        matrix = _numbers(tags, matrix_tag, 9)
        calibration = _numbers(tags, calibration_tag, 9) if individual else None
        light = _numbers(tags, light_tag, 1)
        if matrix is None:
            continue
        body = np.eye(3) if calibration is None else calibration.reshape(3, 3)
        rows: Any = (analog @ body @ matrix.reshape(3, 3)).tolist()
        cct = None if light is None else LIGHT_SOURCE_CCT.get(int(light[0]))
        try:
            checked = Camera(matrices=((cct or _UNKNOWN_CCT, rows),))
        except UsageError:
            continue
        found.append((cct, checked.matrices[0][1]))
    # As in Adobe's SDK, two matrices are of use only with two different temperatures to blend them by.
    if len(found) == 2 and (None in (found[0][0], found[1][0]) or found[0][0] == found[1][0]):
        found = found[:1]
    return tuple((cct or _UNKNOWN_CCT, matrix) for cct, matrix in found)


def _as_shot(tags: dict[int, Any], camera: Camera) -> tuple[float, float, float] | None:
    neutral = _numbers(tags, AS_SHOT_NEUTRAL, 3)
    if neutral is not None and (neutral > 0).all():
        white = neutral / neutral[1]
        if np.isfinite(white).all() and (white > 0).all():
            return float(white[0]), 1.0, float(white[2])
    xy = _numbers(tags, AS_SHOT_WHITE_XY, 2)
    return None if xy is None else camera.rgb_of_xy(float(xy[0]), float(xy[1]))


def _numbers(tags: dict[int, Any], tag: int, count: int) -> NDArray[np.float64] | None:
    values = tags.get(tag)
    return values if isinstance(values, np.ndarray) and values.shape == (count,) else None

"""What is said of one file, on one line: the records that the command line writes and reads back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from awbkit.camera import Camera
from awbkit.errors import UsageError
from awbkit.files.photo import Photo
from awbkit.illuminant import Illuminant, angular_error

SCHEMA = 1
"""Version of the record's keys and their meaning."""

Record = dict[str, Any]

_AGREE = 0.3
"""Degrees within which two ways of writing one light, each at its own digits, are taken for the same."""

_KINDS = ("illuminant", "gains", "chromaticity", "cct")


def estimate_record(path: Path, photo: Photo, method: str, light: Illuminant, ms: float) -> Record:
    """The record of one estimate.

    Args:
        path: As the user named it.
        photo: The opened file.
        method: Its specification, or how else the light came about.
        light: The estimate.
        ms: Milliseconds from opening the file to the estimate.
    """
    cct_duv = light.cct_duv
    return {
        "schema": SCHEMA,
        "path": path,
        "status": "ok",
        "method": method,
        "illuminant": light.rgb,
        "gains": light.gains,
        "chromaticity": light.chromaticity,
        "cct": cct_duv[0] if cct_duv else None,
        "duv": cct_duv[1] if cct_duv else None,
        "expected_error": light.expected_error,
        "spread": light.spread,
        "space": photo.camera.space,
        "camera": photo.camera.name or None,
        "width": photo.width,
        "height": photo.height,
        "ms": ms,
    }


def error_record(path: Path | str, reason: str, method: str | None = None) -> Record:
    """The record of a file, or of one method on it, that failed."""
    return {"schema": SCHEMA, "path": path, "status": "error", "method": method, "error": reason}


def light_of(record: Mapping[str, Any], camera: Camera) -> Illuminant:
    """The light that a record states, in the RGB of the file that it is about.

    A record says the same light in up to four ways: ``illuminant``, ``gains``, ``chromaticity``, and ``cct`` with
    ``duv``. Whoever edits one of them need not edit the others: the one that disagrees with the rest counts.

    Args:
        record: As read from a stream; None and missing keys are the same.
        camera: Of the file.

    Raises:
        UsageError: If the record states no light, one in another space, or several that disagree with each other.
    """
    space = record.get("space")
    if space is not None and space != camera.space:
        raise UsageError(f"the estimate is in {space} RGB and the file in {camera.space} RGB; estimate it anew")
    stated = {kind: rgb for kind in _KINDS if (rgb := _stated(record, kind, camera)) is not None}
    if not stated:
        raise UsageError("the record states no light; give it an illuminant, gains, chromaticity or cct")
    groups: list[list[str]] = []
    for kind, rgb in stated.items():
        for group in groups:
            if angular_error(stated[group[0]], rgb) <= _tolerance(kind, group[0]):
                group.append(kind)
                break
        else:
            groups.append([kind])
    edited = groups[0] if len(groups) == 1 else min(groups, key=len)
    if len(groups) > 2 or (len(groups) == 2 and len(groups[0]) == len(groups[1])):
        raise UsageError(f"{' and '.join(stated)} of the record disagree; set those that you do not mean to null")
    return Illuminant.of(stated[edited[0]], camera)


def _tolerance(first: str, second: str) -> float:
    return _AGREE if "cct" in (first, second) else _AGREE / 10


def _stated(record: Mapping[str, Any], kind: str, camera: Camera) -> tuple[float, float, float] | None:
    value = record.get(kind)
    if value is None:
        return None
    try:
        if kind == "cct":
            return light_of_cct(float(value), float(record.get("duv") or 0), camera).rgb
        if kind == "chromaticity":
            red, green = (float(v) for v in value)
            return Illuminant.of((red, green, 1 - red - green)).rgb
        rgb = [float(v) for v in value]
    except (TypeError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{kind} of the record is not made of numbers: {value!r}") from None
    return Illuminant.of(1 / np.array(rgb) if kind == "gains" and all(v > 0 for v in rgb) else rgb).rgb


def light_of_cct(cct: float, duv: float, camera: Camera) -> Illuminant:
    """The light of a correlated colour temperature, as a camera sees it.

    Raises:
        UsageError: If there is no such light, the camera has no matrix, or the light is outside its RGB.
    """
    from awbkit.temperature import cct_duv_to_xy

    if not math.isfinite(cct) or not math.isfinite(duv):
        raise UsageError("cct and duv must be finite numbers")
    rgb = camera.rgb_of_xy(*cct_duv_to_xy(cct, duv))
    if rgb is None and not camera.matrices:
        name = camera.name or "this camera"
        raise UsageError(f"{name} has no known colour matrix to turn {cct:g} K into RGB; give --gains or --illuminant")
    if rgb is None:
        raise UsageError(f"a light of {cct:g} K and Duv {duv:g} is outside what {camera.space} RGB can show")
    return Illuminant.of(rgb, camera)

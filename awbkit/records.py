"""Records: the light of one file, one line of the command's output."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from awbkit.choices import RGB_COMPONENTS
from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import Illuminant, angular_error
from awbkit.errors import UsageError
from awbkit.files.photo import Photo

SCHEMA = 1
"""Version of the record's keys and their meaning."""

UNCERTAIN = 5.0
"""Degrees; an estimate is called uncertain where its method expects a greater error."""

Record = dict[str, Any]

_SAME_DEGREES = 0.002
_SAME_MIREDS = 0.02
_SAME_DUV = 2e-5
"""Greatest difference between two forms of one light, each rounded to its own digits."""


def estimate_record(
    path: Path, photo: Photo, method: str, light: Illuminant, ms: float, fallback_for: str | None = None
) -> Record:
    """The record of one estimate.

    Args:
        path: The path as the user wrote it.
        photo: The opened file.
        method: The method's specification, or another origin of the light.
        light: The estimate.
        ms: Milliseconds from opening the file to the estimate.
        fallback_for: The method that ``method`` replaces, because it expected too large an error or is for other
            pictures.
    """
    return {
        "schema": SCHEMA,
        "path": path,
        "status": "ok",
        "method": method,
        **light.to_dict(),
        "width": photo.width,
        "height": photo.height,
        "ms": ms,
        "fallback_for": fallback_for,
    }


def error_record(path: Path | str, reason: str, method: str | None = None) -> Record:
    """The record of a failure on a file, or of one method on it."""
    return {"schema": SCHEMA, "path": path, "status": "error", "method": method, "error": reason}


def is_uncertain(expected_error: float | None) -> bool:
    """Whether an expected error, in degrees, is so large that a user should look at the picture."""
    return expected_error is not None and expected_error > UNCERTAIN


def light_of(record: Mapping[str, Any], camera: Camera) -> Illuminant:
    """The light of a record, in the RGB of its file; see :func:`light_and_key`."""
    return light_and_key(record, camera)[0]


def light_and_key(record: Mapping[str, Any], camera: Camera) -> tuple[Illuminant, str]:
    """The light of a record, in the RGB of its file, and the key that determined it.

    A record states the light in up to four forms: ``illuminant``, ``gains``, ``chromaticity``, and ``cct`` with
    ``duv``. A user may edit just one of them: the form that disagrees with the others counts.

    Args:
        record: A record as read; None and missing keys are equivalent.
        camera: The file's camera.

    Raises:
        UsageError: If the record states no light, one in another space, or several that disagree with each other.
    """
    space = record.get("space")
    if space is not None and space != camera.space:
        raise UsageError(f"the estimate is in {space} RGB and the file in {camera.space} RGB; estimate it anew")
    stated = {kind: light for kind in RGB_COMPONENTS if (light := _read_light(record, kind, camera)) is not None}
    groups: list[list[str]] = []
    for kind, light in stated.items():
        _join(groups, kind, [angular_error(stated[group[0]].rgb, light.rgb) <= _SAME_DEGREES for group in groups])
    if record.get("cct") is not None:
        cct = _read_number("cct", record["cct"])
        duv = None if record.get("duv") is None else _read_number("duv", record["duv"])
        _join(groups, "cct", [_is_of_temperature(stated[group[0]], cct, duv) for group in groups])
    if not groups:
        raise UsageError("the record states no light; give it an illuminant, gains, chromaticity or cct")
    edited = min(groups, key=len)
    if len(groups) > 2 or (len(groups) == 2 and len(groups[0]) == len(groups[1])):
        kinds = ", ".join(kind for group in groups for kind in group)
        raise UsageError(f"{kinds} of the record disagree; set those that you do not mean to null")
    # Computed only if it counts: rounding may have moved it just outside the camera's gamut.
    return (light_of_cct(cct, duv or 0.0, camera) if edited == ["cct"] else stated[edited[0]]), edited[0]


def _join(groups: list[list[str]], kind: str, agrees: list[bool]) -> None:
    if True in agrees:
        groups[agrees.index(True)].append(kind)
    else:
        groups.append([kind])


def _is_of_temperature(light: Illuminant, cct: float, duv: float | None) -> bool:
    """Whether a light has this temperature and Duv, within the digits of a record."""
    if light.cct_duv is None or cct < 1:
        return False
    # Half a kelvin for the rounding, which is many mireds of a warm light and few of a cold one.
    if abs(1e6 / light.cct_duv[0] - 1e6 / cct) > 0.51e6 / cct / cct + _SAME_MIREDS:
        return False
    return duv is None or abs(light.cct_duv[1] - duv) <= _SAME_DUV


def _read_light(record: Mapping[str, Any], kind: str, camera: Camera) -> Illuminant | None:
    value = record.get(kind)
    if value is None:
        return None
    numbers = [_read_number(kind, component) for component in value] if isinstance(value, list | tuple) else []
    count = len(RGB_COMPONENTS[kind])
    if len(numbers) != count:
        raise UsageError(f"{kind} of the record must be a list of {count} numbers, not {value!r}")
    if kind == "chromaticity":
        numbers.append(1 - sum(numbers))
    if kind == "gains":
        numbers = [1 / number if number > 0 else number for number in numbers]
    try:
        return Illuminant.of(numbers, camera)
    except UsageError as error:
        raise UsageError(f"{kind} of the record: {error}") from None


def _read_number(kind: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise UsageError(f"{kind} of the record must consist of numbers, not {value!r}")
    return float(value)


def light_of_cct(cct: float, duv: float, camera: Camera) -> Illuminant:
    """The light of a correlated colour temperature, in a camera's RGB.

    Raises:
        UsageError: If there is no such light, the camera has no matrix, or the light is outside its RGB.
    """
    from awbkit.colour.temperature import cct_duv_to_xy

    if not math.isfinite(cct) or not math.isfinite(duv):
        raise UsageError("cct and duv must be finite numbers")
    rgb = camera.rgb_of_xy(*cct_duv_to_xy(cct, duv))
    if rgb is None and not camera.matrices:
        name = camera.name or "this camera"
        raise UsageError(f"{name} has no known colour matrix to turn {cct:g} K into RGB; give --gains or --illuminant")
    if rgb is None:
        raise UsageError(f"a light of {cct:g} K and Duv {duv:g} is outside the gamut of this file's RGB")
    return Illuminant.of(rgb, camera)

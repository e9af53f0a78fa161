"""The digits of each number in a result stream, the same in every format."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from awbkit.choices import RGB_COMPONENTS

_DIGITS = {
    **dict.fromkeys(RGB_COMPONENTS, 6),
    "cct": 0,
    "duv": 5,
    "expected_error": 3,
    "spread": 3,
    "ms": 1,
}


def round_record(record: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The record with exactly these keys in this order, its numbers at fixed digits.

    Missing values, and numbers that are not finite, become None.
    """
    if unknown := set(record).difference(keys):
        raise ValueError(f"keys that the stream does not have: {', '.join(sorted(unknown))}")
    return {key: _round(record.get(key), _DIGITS.get(key)) for key in keys}


def _round(value: Any, digits: int | None) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "__len__"):
        components = [_round(component, digits) for component in value]
        return None if None in components else components
    if not digits and hasattr(value, "__index__"):
        return int(value)
    number = float(value)
    if not math.isfinite(number):
        return None
    if digits is None:
        return number
    # Adding zero turns -0.0 into 0.0.
    return round(number) if digits == 0 else round(number, digits) + 0.0

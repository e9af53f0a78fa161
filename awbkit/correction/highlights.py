"""Clipped highlights: white must stay white.

Where a channel is clipped, its number is only a lower bound of the light. A gain under 1 would scale this bound down,
and white would turn magenta, cyan or yellow. So a clipped channel may be raised again, to the smaller of the other two
where these are brighter, but never above its old number. A gray surface under the corrected light never changes, since
all three channels agree there. Nothing changes where all gains are 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

KNEE = 0.92
"""Share of full scale, in the file's own encoding, from which a channel begins to count as clipped."""


def ramp(codes: NDArray[np.floating]) -> NDArray[np.float32]:
    """How far encoded numbers, 1.0 = full scale, count as clipped: 0 under the knee, 1 at full scale."""
    return np.asarray(np.clip((codes.astype(np.float32) - KNEE) / (1 - KNEE), 0, 1), dtype=np.float32)


def raise_highlights(
    after: Mapping[int, NDArray[Any]],
    limit: Mapping[int, NDArray[Any]],
    ramps: Mapping[int, NDArray[Any]],
    gains: NDArray[np.floating],
) -> dict[int, NDArray[Any]]:
    """New values of the channels that may rise, on any common scale.

    Args:
        after: For each channel, (N,) corrected and clipped numbers.
        limit: By channel, (N,) how high it may rise: from ``after`` to the old number by the ramp. Channels that are
            not in it cannot rise.
        ramps: By channel, (N,) the ramp of the old number, 1 = full scale; that of the least gain is needed if
            another channel may rise.
        gains: (3,); only their order counts.

    Returns:
        By channel, (N,) numbers that are nowhere under ``after``; the channel of the greatest gain never rises.
    """
    least, middle, most = np.argsort(gains, kind="stable").tolist()
    if middle not in limit:
        others = np.minimum(after[middle], after[most])
        return {least: np.maximum(after[least], np.minimum(others, limit[least]))}
    # With the most reduced channel clipped too, only the third one still says how bright the surface was.
    others = np.maximum(np.minimum(after[least], after[most]), np.minimum(ramps[least], after[most]))
    raised = np.maximum(after[middle], np.minimum(others, limit[middle]))
    others = np.minimum(raised, after[most])
    return {middle: raised, least: np.maximum(after[least], np.minimum(others, limit[least]))}


def recover(
    before: NDArray[np.float32], after: NDArray[np.float32], gains: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Raise the clipped channels of corrected pixels.

    Args:
        before: (..., 3) encoded, 1.0 = full scale, before the correction.
        after: (..., 3) encoded and clipped, after it.
        gains: (3,); only their order counts.

    Returns:
        Same shape, nowhere under ``after``.
    """
    ramps = ramp(before)
    limit = after + ramps * np.maximum(before - after, 0)
    by_channel = [{c: values[..., c] for c in range(3)} for values in (after, limit, ramps)]
    result = after.copy()
    for channel, values in raise_highlights(by_channel[0], by_channel[1], by_channel[2], gains).items():
        result[..., channel] = values
    return result

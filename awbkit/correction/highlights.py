"""Clipped highlights: white must stay white.

Where a channel is clipped, its number is only a lower bound of the light. Scaled down with a gain under 1 it claims to
know that there was less of that colour, and white turns magenta, cyan or yellow. So a clipped channel may be raised
again: to the least of the other two, where these say that the surface was brighter, and never above its old number.
A gray surface under the corrected light is never changed, since there all three channels agree; nor is anything when
the gains are all 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KNEE = 0.92
"""Share of full scale, in the file's own encoding, from which a channel begins to count as clipped."""


def ramp(codes: NDArray[np.floating]) -> NDArray[np.float32]:
    """How far encoded numbers, 1.0 = full scale, count as clipped: 0 under the knee, 1 at full scale."""
    return np.asarray(np.clip((codes.astype(np.float32) - KNEE) / (1 - KNEE), 0, 1), dtype=np.float32)


def recover(
    before: NDArray[np.float32], after: NDArray[np.float32], gains: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Raise the clipped channels of corrected pixels.

    Args:
        before: (N, 3) encoded, 1.0 = full scale, before the correction. A channel whose gain is at least 1 may hold
            its corrected number instead.
        after: (N, 3) encoded and clipped, after it.
        gains: (3,) of which the order counts.

    Returns:
        (N, 3), nowhere under ``after``.
    """
    least, middle, most = np.argsort(gains, kind="stable")
    clipped = ramp(before)
    limit = after + clipped * np.maximum(before - after, 0)
    result = after.copy()
    # With the most reduced channel clipped too, only the third one still says how bright the surface was.
    others = np.maximum(np.minimum(after[:, least], after[:, most]), np.minimum(clipped[:, least], after[:, most]))
    result[:, middle] = np.maximum(after[:, middle], np.minimum(others, limit[:, middle]))
    others = np.minimum(result[:, middle], after[:, most])
    result[:, least] = np.maximum(after[:, least], np.minimum(others, limit[:, least]))
    return result

"""What a correction does to linear pixels: one 3x3 matrix, diagonal for von Kries gains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import CATS
from awbkit.colour.illuminant import Illuminant
from awbkit.correction.cat import rgb_correction_matrix
from awbkit.errors import UsageError

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Luminance of linear sRGB's red, green and blue (IEC 61966-2-1)."""


@dataclass(frozen=True)
class Correction:
    """A light to correct for, the transform, and the share of the cast to remove.

    Attributes:
        illuminant: The light to correct for, in the camera's RGB.
        cat: None for gains in the camera's own RGB (J. von Kries, 1902); else one of
            :data:`awbkit.choices.CATS`, for gains in that transform's cone space.
        strength: 0 leaves the cast as it is, 1 removes it.

    Raises:
        UsageError: If there is no such CAT or the strength lies outside 0 to 1.
    """

    illuminant: Illuminant
    cat: str | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.cat is not None and self.cat not in CATS:
            raise UsageError(f"there is no chromatic adaptation transform {self.cat!r}; choose from {', '.join(CATS)}")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"the strength must lie between 0 and 1, not {self.strength:g}")

    @property
    def light(self) -> Illuminant:
        """The light that a correction of full strength would need to do the same as this one."""
        return self.illuminant if self.strength == 1 else self.illuminant.partial(self.strength)

    @property
    def gains(self) -> NDArray[np.float64]:
        """(3,) gains, green = 1."""
        return np.array(self.light.gains)

    @property
    def changes_nothing(self) -> bool:
        """Whether it leaves every pixel as it is."""
        return bool(np.allclose(self.matrix(), np.eye(3), rtol=0, atol=1e-9))

    def matrix(self) -> NDArray[np.float64]:
        """The 3x3 for linear pixels in the camera's RGB that keeps the luminance of a gray surface.

        Rec. 709 luminance weights the gains in linear sRGB; a camera's own RGB keeps its green.
        """
        if self.cat is not None:
            return rgb_correction_matrix(self.light.rgb, self.light.camera, self.cat)
        if self.light.camera.space != "linear-srgb":
            return np.diag(self.gains)
        rgb = np.array(self.light.rgb)
        return np.diag((_LUMINANCE @ rgb) / rgb)


def apply(pixels: NDArray[np.floating], correction: Correction) -> NDArray[np.float32]:
    """Correct linear pixels, without clipping.

    Args:
        pixels: (..., 3) in the RGB of the correction's illuminant.
        correction: What to apply.

    Returns:
        float32, same shape; a gray surface under the light comes out neutral (in linear sRGB, and with gains).
    """
    return (np.asarray(pixels, dtype=np.float32) @ correction.matrix().T.astype(np.float32)).astype(np.float32)

"""The colour of a light, as a camera sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.errors import UsageError

_MIN_SHARE = 1e-6
"""Below this share of the greatest component, gains overflow and records have no digits left."""


@dataclass(frozen=True)
class Illuminant:
    """The direction, in camera RGB, of a perfect white under the light.

    Attributes:
        rgb: Unit length, all components positive.
        camera: The RGB that ``rgb`` is in.
        expected_error: Expected recovery angular error in degrees, or None where the method states none.
        spread: Interquartile range of the angle between the pixels of a gray card and ``rgb``, in degrees;
            None for anything but a gray card.
    """

    rgb: tuple[float, float, float]
    camera: Camera = LINEAR_SRGB
    expected_error: float | None = None
    spread: float | None = None

    @classmethod
    def of(
        cls,
        rgb: Sequence[float] | NDArray[np.floating],
        camera: Camera = LINEAR_SRGB,
        *,
        expected_error: float | None = None,
        spread: float | None = None,
    ) -> Illuminant:
        """An illuminant from any positive RGB, scaled to unit length.

        Raises:
            UsageError: If there are not three finite, positive numbers within a factor of a million.
        """
        values = np.asarray(rgb, dtype=np.float64).reshape(-1)
        if values.shape != (3,) or not np.isfinite(values).all() or (values <= 0).any():
            raise UsageError(f"an illuminant needs three positive numbers (red, green, blue), not {values.tolist()}")
        values = values / values.max()
        if values.min() < _MIN_SHARE:
            raise UsageError("the largest and the smallest of an illuminant's numbers are more than a million apart")
        values = values / np.linalg.norm(values)
        return cls((float(values[0]), float(values[1]), float(values[2])), camera, expected_error, spread)

    @property
    def gains(self) -> tuple[float, float, float]:
        """The von Kries gains that make this light neutral, green = 1."""
        r, g, b = self.rgb
        return g / r, 1.0, g / b

    @property
    def chromaticity(self) -> tuple[float, float]:
        """r and g of r + g + b = 1."""
        r, g, b = self.rgb
        total = r + g + b
        return r / total, g / total

    @property
    def cct_duv(self) -> tuple[float, float] | None:
        """Correlated colour temperature in kelvin and Duv; None without a camera matrix or off the CCT scale."""
        return self.camera.cct_duv(self.rgb)

    def to_dict(self) -> dict[str, Any]:
        """The light as a record of ``awbkit estimate`` states it, ready for JSON; see docs/estimate.md."""
        cct, duv = self.cct_duv or (None, None)
        return {
            "illuminant": list(self.rgb),
            "gains": list(self.gains),
            "chromaticity": list(self.chromaticity),
            "cct": cct,
            "duv": duv,
            "expected_error": self.expected_error,
            "spread": self.spread,
            "space": self.camera.space,
            "camera": self.camera.name or None,
        }

    def __repr__(self) -> str:
        facts = ["({:.4f}, {:.4f}, {:.4f})".format(*self.rgb), self.camera.space]
        if self.camera.name:
            facts.append(repr(self.camera.name))
        if self.cct_duv is not None:
            facts.append("{:.0f} K, Duv {:+.4f}".format(*self.cct_duv))
        if self.expected_error is not None:
            facts.append(f"expected error {self.expected_error:.1f} degrees")
        if self.spread is not None:
            facts.append(f"spread {self.spread:.1f} degrees")
        return f"<Illuminant {', '.join(facts)}>"

    def _repr_html_(self) -> str:
        """A swatch of the light and its facts, for notebooks."""
        from html import escape

        # As a monitor shows it: through the camera's matrix where there is one, the brightest channel at its most.
        shown = np.asarray(self.rgb) / np.asarray(self.camera.white_d65 or (1, 1, 1))
        code = "".join(f"{round(255 * value ** (1 / 2.2)):02x}" for value in shown / shown.max())
        swatch = f'<span style="background:#{code};border:1px solid #888;display:inline-block;width:3em">&nbsp;</span>'
        return f"{swatch} {escape(repr(self)[12:-1])}"

    def partial(self, strength: float) -> Illuminant:
        """The light whose correction removes a share of this light's cast.

        The cast is the difference between the light and the camera's canonical white (D65; neutral in linear sRGB).
        Without a camera matrix, the white that the camera chose takes the place of the canonical one.

        Args:
            strength: The share; 0 removes none of the cast, 1 all of it.

        Raises:
            UsageError: If the camera has neither a matrix nor a white of its own.
        """
        white = self.camera.white_d65 or self.camera.as_shot
        if white is None:
            name = self.camera.name or "this camera"
            raise UsageError(f"{name} has no known white that a partial correction could stop at; use --strength 1")
        reference = np.array(white)
        return Illuminant.of(reference * (np.asarray(self.rgb) / reference) ** strength, self.camera)


def angular_error(first: Sequence[float], second: Sequence[float]) -> float:
    """Recovery angular error in degrees: the angle between two RGB directions (Finlayson et al. 2004)."""
    a = np.asarray(first, dtype=np.float64)
    b = np.asarray(second, dtype=np.float64)
    cross = float(np.linalg.norm(np.cross(a, b)))
    return float(np.degrees(np.arctan2(cross, float(a @ b))))

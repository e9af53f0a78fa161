"""Photographs as cameras render them, balanced more or less wrongly, made from raw pictures whose light is known.

A camera divides by the white that it chose, maps its RGB to sRGB by a matrix, applies a tone curve and writes 8 bits
(H. C. Karaimer and M. S. Brown, A software platform for manipulating the camera imaging pipeline, ECCV 2016, DOI
10.1007/978-3-319-46448-0_26). What awbkit reads back is linear sRGB if the curve was sRGB's, and something near it if
not. A cast cannot be undone exactly there, since the curve bends it differently in shadows and in highlights; the true
light of such a photograph is what grey surfaces of middle brightness look like in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.camera import LINEAR_SRGB, Camera
from awbkit.files.encoding import linear_to_srgb, srgb_to_linear
from awbkit.image import LinearImage
from awbkit.training.augmentation import Labelled
from awbkit.training.cameras import canonical, measured

FloatArray = NDArray[np.float64]

GREYS = np.array([0.09, 0.18, 0.36])
"""Reflectances of the grey surfaces that say what a photograph's light is: a stop to either side of 18 %."""

_LEAST = 1e-3
"""A light's weakest channel in a photograph, of its strongest, where the camera clipped it to nothing."""

_CLIPPED = 0.98
_FEWEST = 100


@dataclass(frozen=True, eq=False)
class Rendering:
    """What one camera does to one picture.

    Attributes:
        white: (3,), the white that it chose, in canonical RGB.
        matrix: (3, 3), balanced canonical RGB to linear sRGB; white stays white.
        exposure: From the balanced green of a perfect white to the display's white.
        contrast: 0 for sRGB's own curve to 1 for a strong S on top of it.
        lift: The display's value of black, 0 to 1.
        noise: Standard deviation of what noise and JPEG leave in the mean of a cell, in codes of 8 bits.
    """

    white: FloatArray
    matrix: FloatArray
    exposure: float
    contrast: float
    lift: float
    noise: float

    @classmethod
    def draw(cls, picture: Labelled, camera: Camera, rng: np.random.Generator) -> Rendering:
        """A rendering that a camera might make of this picture.

        Half of the whites are nearly right, a third are off as automatic balance often is, and the others are presets
        for another light. Without a matrix the camera is taken for one of those that were measured.
        """
        own = canonical(camera)
        own = measured()[int(rng.integers(len(measured())))] if own is None else own
        to_xyz = np.linalg.inv(own)
        from_xyz = LINEAR_SRGB.xyz_to_rgb()
        assert from_xyz is not None
        matrix = from_xyz @ to_xyz
        matrix /= matrix.sum(axis=1, keepdims=True)
        grey = np.full((3, 3), 1 / 3)
        saturation = rng.uniform(0.85, 1.3)
        chance = rng.random()
        if chance < 0.8:
            error = rng.normal(size=2) * (0.04 if chance < 0.5 else 0.15)
            white = picture.light * np.exp([error[0], 0.0, error[1]])
        else:
            # Daylight is canonical white; the other presets lie on either side of it.
            warm = rng.uniform(-0.4, 1.0)
            white = np.exp([0.45 * warm, 0.0, -0.6 * warm])
        white = white / white[1]
        balanced = picture.image.pixels[picture.image.valid][:, 1] if picture.image.valid.any() else np.ones(1)
        bright = float(np.quantile(balanced / white[1], rng.uniform(0.9, 0.995)))
        return cls(
            white=white,
            matrix=saturation * matrix + (1 - saturation) * grey,
            exposure=float(rng.uniform(0.5, 1.1)) / max(bright, 1e-9),
            contrast=float(rng.uniform(0, 0.8)) if rng.random() < 0.7 else 0.0,
            lift=float(rng.uniform(0, 0.03)),
            noise=float(rng.uniform(0.1, 1.0)),
        )

    def develop(self, pixels: NDArray[np.floating]) -> FloatArray:
        """Values of the photograph, 0 to 1, before they are rounded, of canonical RGB (..., 3)."""
        balanced = np.minimum(pixels / self.white * self.exposure, 1.0)
        encoded = np.asarray(linear_to_srgb(np.clip(balanced @ self.matrix.T, 0, 1)), dtype=np.float64)
        curved = encoded + self.contrast * (encoded * encoded * (3 - 2 * encoded) - encoded)
        return self.lift + (1 - self.lift) * curved

    def light(self, light: FloatArray, level: float) -> FloatArray:
        """(3,), the photograph's light in linear sRGB, green = 1: the mean log-chroma of grey surfaces.

        Args:
            light: (3,) in canonical RGB.
            level: The green of a perfect white under the light.
        """
        greys = GREYS[:, None] * light / light[1] * level
        seen = np.asarray(srgb_to_linear(self.develop(greys)), dtype=np.float64)
        seen = np.maximum(seen, _LEAST * seen.max(axis=1, keepdims=True))
        mean = np.log(seen).mean(axis=0)
        return np.asarray(np.exp(mean - mean[1]))


def rendered(picture: Labelled, camera: Camera, rng: np.random.Generator) -> Labelled:
    """A picture in canonical RGB as the photograph that a camera made of it, in linear sRGB.

    Args:
        picture: What the sensor saw.
        camera: Whose sensor it was.
        rng: Where chance comes from.
    """
    rendering = Rendering.draw(picture, camera, rng)
    values = rendering.develop(picture.image.pixels)
    codes = np.rint((values + rng.normal(size=values.shape) * rendering.noise / 255) * 255)
    linear = np.asarray(srgb_to_linear(np.clip(codes, 0, 255) / 255), dtype=np.float32)
    valid = picture.image.valid & (linear.max(axis=2) < _CLIPPED) & (linear.min(axis=2) > 0)
    if np.count_nonzero(valid) < _FEWEST:
        valid = picture.image.valid & (linear.min(axis=2) > 0)
    if not valid.any():
        linear, valid = np.full_like(linear, 0.5), np.ones_like(valid)
    # A perfect white is about as bright as the brightest surfaces that the exposure was made for.
    return Labelled(LinearImage(linear, valid, LINEAR_SRGB), rendering.light(picture.light, 0.8 / rendering.exposure))

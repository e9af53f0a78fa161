"""Simulated photographs: raw pictures of known light, rendered as by a camera with an imperfect white balance.

A camera divides by its chosen white, clips, maps its RGB to sRGB by a matrix, applies a tone curve to each channel and
writes 8 bits as JPEG (H. C. Karaimer and M. S. Brown, A software platform for manipulating the camera imaging pipeline,
ECCV 2016, DOI 10.1007/978-3-319-46448-0_26). awbkit undoes sRGB's own curve and no other.

For a thumbnail the decoder averages each block of 8 x 8 codes. That removes nearly all noise and leaves only the
quantised mean of every block of the compression. So each cell is simulated as four such blocks, as in a picture of 1024
x 1024. Their brightnesses vary about as much as those of neighbouring cells, so that some are clipped and some are not,
as in a photograph.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import CLIP, THUMBNAIL_SIZE, LinearImage
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.errors import UsageError
from awbkit.files.encoding import linear_to_srgb, srgb_to_linear
from awbkit.training.augmentation import LabelledPicture
from awbkit.training.cameras import canonical_matrix, measured_matrices

Float = NDArray[np.float32]
FloatArray = NDArray[np.float64]

LEVELS = np.linspace(0.35, 0.85, 11)
"""Encoded values, 0 to 1, of the strongest channel of the grey surfaces that define a photograph's light."""

PRESETS = {2850.0: 0.10, 4000.0: 0.15, 5200.0: 0.35, 6000.0: 0.20, 7500.0: 0.20}
"""CCT in kelvin and share of each preset: incandescent, fluorescent, daylight, cloudy, shade."""

SAMPLINGS = ((1, 1), (1, 2), (2, 2))
"""Rows and columns of luma blocks for each chroma block: 4:4:4, 4:2:2, 4:2:0."""

_FAINTEST = 0.12
"""Least ratio of a grey surface's weakest to strongest channel before the curve; below it, the error is halved."""

_UNKNOWN_MIRED = 200.0
"""The assumed light of a camera without a matrix."""
_FEWEST, _TRIES = 100, 4

_ROOTS = np.linspace(0, 1, 4096)
_MIREDS = np.arange(40.0, 600.0, 5.0)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_DC_ENTRIES = (16, 17)
"""First entry of the luma and chroma tables in ITU-T T.81, annex K; the matrix below is that of ITU-T T.871."""

_LINEAR_OF_CODE = np.asarray(srgb_to_linear(np.arange(256) / 255), dtype=np.float32)
_USABLE_CODE = (_LINEAR_OF_CODE > 0) & (_LINEAR_OF_CODE < CLIP)


@dataclass(frozen=True)
class Tone:
    """A strictly rising curve from linear light, 0 to 1, to encoded values, 0 to 1; the default is sRGB's.

    Attributes:
        shoulder: The gain of the slope in the shadows, less 1; highlights are compressed (E. Reinhard et al.,
            Photographic tone reproduction for digital images, 2002, scaled to keep white).
        contrast: Steepness of a logistic curve on top of sRGB's; 0 for none.
        pivot: Encoded value at which the logistic curve is steepest.
        lift: Encoded value of black.
    """

    shoulder: float = 0.0
    contrast: float = 0.0
    pivot: float = 0.45
    lift: float = 0.0

    def encode(self, linear: FloatArray) -> FloatArray:
        """Encoded values of linear light, of any shape."""
        encoded = linear_to_srgb(linear * (1 + self.shoulder) / (1 + self.shoulder * linear))
        if self.contrast:
            black, white = (np.tanh(self.contrast / 2 * (end - self.pivot)) for end in (0.0, 1.0))
            encoded = (np.tanh(self.contrast / 2 * (encoded - self.pivot)) - black) / (white - black)
        return self.lift + (1 - self.lift) * encoded

    def inverse(self, encoded: FloatArray) -> FloatArray:
        """Linear light of encoded values, exact to 1e-6; 0 for those under black."""
        return np.asarray(np.interp(encoded, _curve(self), _ROOTS) ** 2)

    def codes(self, linear: Float) -> Float:
        """Unrounded codes, 0 to 255, of linear light clipped to 0 to 1; exact to 0.1."""
        places = np.sqrt(np.clip(linear, 0, 1)) * np.float32(len(_ROOTS) - 1) + np.float32(0.5)
        return np.asarray(np.take((_curve(self) * 255).astype(np.float32), places.astype(np.intp)))


@lru_cache(maxsize=8)
def _curve(tone: Tone) -> FloatArray:
    """Tabulate a curve at the squares of ``_ROOTS``, which are dense where curves are steep."""
    return tone.encode(_ROOTS**2)


FAMILIES = {
    "srgb": (Tone(), Tone(lift=0.01)),
    "mild": (Tone(0.0, 1.0, 0.40, 0.0), Tone(0.6, 3.0, 0.55, 0.01)),
    "strong": (Tone(0.3, 3.5, 0.35, 0.0), Tone(1.2, 5.0, 0.55, 0.01)),
    "lifted": (Tone(0.2, 0.5, 0.40, 0.02), Tone(1.5, 4.0, 0.55, 0.08)),
}
"""Draw a tone curve of a camera, each parameter between two bounds."""


@dataclass(frozen=True)
class Rendering:
    """How one camera renders one picture; the defaults reproduce colours faithfully.

    Attributes:
        preset: CCT in kelvin of the white balance preset; None for automatic white balance.
        completeness: Share of the light's distance from D65, in log-chroma, that the camera removes.
        shift: Error of the white towards warm, in mired along the Planckian locus.
        across: Error of the white towards green, as a natural logarithm.
        saturation: 1 for the colours that the camera's matrix gives.
        twist: Nine numbers, row by row, added to the matrix from balanced RGB to sRGB before its rows are normalised.
        tone: The curve from linear light to encoded values.
        bright: Target of the exposure: the 97th percentile of green, decoded to linear, 0 to 1.
        texture: Variation of brightness between a cell's blocks, relative to that between neighbouring cells.
        noise: Standard deviation of the noise in a block's mean, in codes of 8 bits.
        quality: JPEG quality on libjpeg's scale, 1 to 100.
        sampling: Chroma subsampling, one of :data:`SAMPLINGS`.
        seed: Of texture and noise.
    """

    preset: float | None = None
    completeness: float = 1.0
    shift: float = 0.0
    across: float = 0.0
    saturation: float = 1.0
    twist: tuple[float, ...] = (0.0,) * 9
    tone: Tone = Tone()
    bright: float = 0.6
    texture: float = 0.0
    noise: float = 0.0
    quality: int = 100
    sampling: tuple[int, int] = (1, 1)
    seed: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Rendering:
        """Draw a rendering: 60 % nearly right whites, 25 % typical errors of automatic white balance, 15 % presets."""
        chance = rng.random()
        spread = 0.35 if chance < 0.6 else 1.0 if chance < 0.85 else 0.0
        preset = float(rng.choice(list(PRESETS), p=list(PRESETS.values())))
        low, high = list(FAMILIES.values())[int(rng.integers(len(FAMILIES)))]
        return cls(
            preset=None if spread else preset,
            completeness=float(1 - 0.4 * spread * rng.random() ** 2),
            shift=float(rng.normal() * 30 * spread),
            across=float(rng.normal() * 0.05 * (spread or 0.5)),
            saturation=float(rng.uniform(0.8, 1.4)),
            twist=tuple((rng.normal(size=9) * 0.02).tolist()),
            tone=Tone(*rng.uniform(astuple(low), astuple(high)).tolist()),
            bright=float(rng.uniform(0.3, 0.97)),
            texture=float(rng.uniform(0.2, 1.0)),
            noise=float(rng.uniform(0.1, 0.8)),
            quality=round(100 - 65 * rng.random() ** 2),
            sampling=SAMPLINGS[int(rng.integers(len(SAMPLINGS)))],
            seed=int(rng.integers(2**63)),
        )

    def render(self, image: LinearImage, light: ArrayLike) -> tuple[LinearImage, FloatArray]:
        """Render the photograph, as awbkit reads it, and its true light.

        The truth is the colour of a perfect grey surface under the light in the photograph, decoded to linear sRGB: the
        geometric mean over the brightnesses at which the encoded value of its strongest channel is one of
        :data:`LEVELS`. Of all von Kries gains, its inverse leaves those surfaces the least squared log-chroma, and
        exactly none where the curve is sRGB's own. The truth does not depend on exposure, noise or compression.

        Args:
            image: 64 x 64, linear RGB of ``image.camera`` with black at 0.
            light: (3,), RGB of a perfect white in that space, positive, on any scale.

        Returns:
            64 x 64 in linear sRGB, valid only where ``image`` is, perhaps nowhere; (3,), positive, green = 1.

        Raises:
            UsageError: If the picture or the light has another shape, or the light is not positive.
        """
        truth = np.asarray(light, dtype=np.float64)
        if truth.shape != (3,) or not (np.isfinite(truth).all() and truth.min() > 0):
            raise UsageError(f"a light needs three positive numbers (red, green, blue), not {truth.tolist()}")
        if image.valid.shape != (THUMBNAIL_SIZE, THUMBNAIL_SIZE):
            raise UsageError(f"thumbnails of {THUMBNAIL_SIZE} x {THUMBNAIL_SIZE} are rendered, not {image.valid.shape}")
        reference = np.array(image.camera.white_d65 or (1, 1, 1), dtype=np.float64)
        return self.develop(image.pixels / reference, image.valid, truth / reference, canonical_matrix(image.camera))

    def develop(
        self, pixels: NDArray[np.floating], valid: NDArray[np.bool_], light: FloatArray, matrix: FloatArray | None
    ) -> tuple[LinearImage, FloatArray]:
        """:meth:`render` of canonical RGB, in which D65 is (1, 1, 1); ``matrix`` is XYZ to it, or None."""
        logs = np.log(light / light[1])
        if matrix is None:
            matrix = measured_matrices().mean(axis=0)
            unknown = logs - _on_locus(_locus(matrix.tobytes()), _UNKNOWN_MIRED)
            pixels, logs = pixels / np.exp(unknown), logs - unknown
        to_srgb = np.array(LINEAR_SRGB.matrices[0][1]) @ np.linalg.inv(matrix) + np.reshape(self.twist, (3, 3))
        to_srgb /= to_srgb.sum(axis=1, keepdims=True)
        to_srgb = self.saturation * to_srgb + (1 - self.saturation) * (_LUMINANCE @ to_srgb)
        error = self._error(logs, _locus(matrix.tobytes()))
        while (grey := to_srgb @ np.exp(-error)).min() < _FAINTEST * grey.max():
            error /= 2
        usable = valid & (pixels[..., 0] > 0) & (pixels[..., 1] > 0) & (pixels[..., 2] > 0)
        balanced = np.where(usable[..., None], pixels, 0) / np.exp(logs + error)
        planes = np.ascontiguousarray(np.moveaxis(balanced, 2, 0), np.float32)
        if usable.any():
            wanted = float(self.tone.inverse(linear_to_srgb(np.array(self.bright))))
            planes *= np.float32(wanted / np.quantile(planes[1][usable], 0.97))
        return self._photograph(planes, usable, to_srgb.astype(np.float32)), self._light(grey)

    def _error(self, light: FloatArray, locus: FloatArray) -> FloatArray:
        """The natural logarithm (3,) of the camera's chosen white over the light."""
        if self.preset is not None:
            error = _on_locus(locus, 1e6 / self.preset) - light
        else:
            mired = _MIREDS[np.argmin(((locus - light) ** 2).sum(axis=1))]
            error = _on_locus(locus, mired + self.shift) - _on_locus(locus, mired) - (1 - self.completeness) * light
        return np.asarray(error - [self.across, 0, self.across])

    def _light(self, grey: FloatArray) -> FloatArray:
        encoded = self.tone.encode(self.tone.inverse(LEVELS)[:, None] * grey / grey.max())
        mean = np.log(srgb_to_linear(encoded)).mean(axis=0)
        return np.asarray(np.exp(mean - mean[1]))

    def _photograph(self, planes: Float, valid: NDArray[np.bool_], to_srgb: Float) -> LinearImage:
        """Encode balanced and exposed RGB (3, 64, 64)."""
        rng = np.random.default_rng(self.seed)
        blocks = planes.repeat(2, axis=1).repeat(2, axis=2) * self._texture(planes[1], rng)
        # A camera shows white where its first channel saturates, since the colour is lost.
        codes = self.tone.codes(np.tensordot(to_srgb, np.minimum(blocks, 1), 1))
        # After averaging, uniform noise serves as well as normal noise, and is four times as fast.
        codes += (rng.random(codes.shape, dtype=np.float32) - np.float32(0.5)) * np.float32(self.noise * 12**0.5)
        stored = np.clip(np.rint(self._compressed(np.clip(codes, 0, 255))), 0, 255).astype(np.uint8)
        usable = np.take(_USABLE_CODE, stored).all(axis=0) & valid.repeat(2, axis=0).repeat(2, axis=1)
        linear = np.take(_LINEAR_OF_CODE, np.ascontiguousarray(np.moveaxis(stored, 0, 2)))
        return LinearImage(linear, usable, LINEAR_SRGB).thumbnail()

    def _texture(self, green: Float, rng: np.random.Generator) -> Float:
        """Factors of brightness (128, 128) with the mean 1 in each cell of (64, 64)."""
        logs = np.log(np.where(green > 0, green, np.float32(np.nan)))
        across, down = (np.nan_to_num(np.abs(logs - np.roll(logs, 1, axis))) for axis in (1, 0))
        spread = np.minimum((across + down) / 2, 1) * np.float32(self.texture)
        factors = np.exp(rng.standard_normal((2, 2, *green.shape), dtype=np.float32) * spread)
        factors /= factors.mean(axis=(0, 1))
        return np.asarray(factors.transpose(2, 0, 3, 1).reshape(2 * len(green), -1))

    def _compressed(self, codes: Float) -> Float:
        """Compress the means (3, H, W) of blocks: JPEG keeps them in steps of an eighth of the table's."""
        scale = 5000 // self.quality if self.quality < 50 else 200 - 2 * self.quality
        luma, chroma = (np.float32(min(max((entry * scale + 50) // 100, 1), 255) / 8) for entry in _DC_ENTRIES)
        ycc = np.tensordot(_YCC.astype(np.float32), codes, 1)
        ycc[0] = np.rint((ycc[0] - 128) / luma) * luma + 128
        rows, columns = self.sampling
        shared = sum(ycc[1:, row::rows, column::columns] for row in range(rows) for column in range(columns))
        shared = np.rint(shared / (rows * columns) / chroma) * chroma
        ycc[1:] = shared.repeat(rows, axis=1).repeat(columns, axis=2)
        return np.asarray(np.tensordot(np.linalg.inv(_YCC).astype(np.float32), ycc, 1))


def render_photograph(picture: LabelledPicture, camera: Camera, rng: np.random.Generator) -> LabelledPicture:
    """Render a picture in canonical RGB as a photograph in linear sRGB.

    Args:
        picture: The sensor's picture, in the camera's own RGB if the camera has no matrix.
        camera: The camera of the sensor.
        rng: Random generator.

    Returns:
        A photograph of at least 100 valid cells, and its light with green = 1. Where a few renderings leave fewer valid
        cells, the faithful rendering is taken, and a uniform grey where that has too few as well.
    """
    for attempt in range(_TRIES):
        rendering = Rendering.draw(rng) if attempt + 1 < _TRIES else Rendering()
        image, light = rendering.develop(
            picture.image.pixels, picture.image.valid, picture.light, canonical_matrix(camera)
        )
        if np.count_nonzero(image.valid) >= _FEWEST:
            return LabelledPicture(image, light, picture.telling)
    return LabelledPicture(LinearImage(np.full_like(image.pixels, 0.2), np.ones_like(image.valid)), np.ones(3))


@cache
def _planckian() -> FloatArray:
    """(N, 3), XYZ of the Planckian locus at ``_MIREDS``."""
    x, y = np.array([cct_duv_to_xy(1e6 / mired, 0.0) for mired in _MIREDS.tolist()]).T
    return np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=1)


@lru_cache(maxsize=64)
def _locus(matrix: bytes) -> FloatArray:
    """(N, 3), natural logarithms of the locus in canonical RGB, green = 0, by the bytes of a canonical matrix."""
    rgb = _planckian() @ np.frombuffer(matrix).reshape(3, 3).T
    logs = np.log(np.maximum(rgb, 1e-3 * rgb.max(axis=1, keepdims=True)))
    return np.asarray(logs - logs[:, 1:2])


def _on_locus(locus: FloatArray, mired: float) -> FloatArray:
    return np.array([np.interp(mired, _MIREDS, channel) for channel in locus.T])

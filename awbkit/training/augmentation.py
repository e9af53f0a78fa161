"""Augmentation: a labelled picture by another camera, a crop of it, or a collage of two scenes.

Pictures are in canonical RGB here, as the network sees them. Relighting leaves the pixels alone: the network's features
are relative to an anchor that moves with the light, so a new light shifts two numbers in each training step (see
:func:`lights`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.training.cameras import canonical_matrix, draw_camera

Float = NDArray[np.float32]
FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """A picture and its light, both in canonical RGB.

    Attributes:
        image: float32 (64, 64, 3) and its validity.
        light: (3,), positive, on any scale.
        telling: Whether the picture holds any evidence of its light.
    """

    image: LinearImage
    light: FloatArray
    telling: bool = True


Draw = Callable[[np.random.Generator], LabelledPicture]
"""Draws one of the pictures to train on."""


@dataclass(frozen=True)
class Chances:
    """Probability of each augmentation of a picture, 0 to 1.

    Attributes:
        camera: An imaginary camera takes it.
        collage: A second picture, relit by the light of the first, replaces a part of it.
        crop: It is cropped, unless it is a collage.
        one_colour: Nearly all of it takes one colour, perhaps without contrast, and gives no evidence of the light.
        grey: Nearly all of it becomes grey, perhaps without contrast, as fog, snow, concrete or a card.
        second_light: Another light lights a part of the scene.
        exposure: A longer exposure clips more pixels.
        noise: A sensor's noise is added.
        blur: It is blurred, which dims its highlights.
    """

    camera: float = 0.85
    collage: float = 0.5
    crop: float = 0.7
    one_colour: float = 0.08
    grey: float = 0.03
    second_light: float = 0.05
    exposure: float = 0.3
    noise: float = 0.4
    blur: float = 0.2


def variant(
    picture: LabelledPicture,
    camera: Camera,
    others: Draw,
    rng: np.random.Generator,
    *,
    chances: Chances = Chances(),
    listed_cameras: FloatArray | None = None,
) -> LabelledPicture:
    """Make another training picture from a labelled one.

    Args:
        picture: The original.
        camera: The camera that took it; without a matrix, no other camera is simulated.
        others: Draws second pictures for collages.
        rng: Random generator.
        chances: Probability of each augmentation.
        listed_cameras: (N, 3, 3) canonical matrices, in place of those that LibRaw lists.
    """
    pixels, valid, light = picture.image.pixels, picture.image.valid, picture.light
    if rng.random() < chances.collage:
        pixels, valid = _collage(picture, others(rng), rng)
    elif rng.random() < chances.crop:
        pixels, valid = _crop(pixels, valid, rng)
    one_colour = rng.random() < chances.one_colour
    if one_colour or rng.random() < chances.grey:
        colour = _surface_chroma(pixels, valid, light, rng) if one_colour else _chroma(light)
        pixels = _reduce_contrast(_unify_hue(pixels, colour, rng), valid, rng)
    if rng.random() < chances.camera:
        pixels, valid, light = _other_camera(pixels, valid, light, camera, rng, listed_cameras)
    if rng.random() < chances.second_light:
        pixels, light = _second_light(pixels, valid, light, rng)
    if rng.random() < chances.exposure:
        valid = _expose(pixels, valid, rng)
    if rng.random() < chances.noise:
        pixels, valid = _add_noise(pixels, valid, rng)
    if rng.random() < chances.blur:
        pixels = _blur(pixels, valid, rng)
    if rng.random() < 0.5:
        pixels, valid = pixels[:, ::-1], valid[:, ::-1]
    if np.count_nonzero(valid) < _FEWEST:
        return picture
    image = LinearImage(np.ascontiguousarray(pixels, np.float32), np.ascontiguousarray(valid), picture.image.camera)
    return LabelledPicture(image, light, telling=not one_colour)


def lights(count: int, rng: np.random.Generator) -> FloatArray:
    """Draw lights on and off the Planckian locus: (count, 2), ln r/g and ln b/g in canonical RGB.

    From 2,000 to 15,000 K. Half are within 0.006 of the locus in Duv; half are up to 0.05 off it, as coloured lamps.
    """
    found = np.empty((count, 2))
    for place in range(count):
        duv = rng.normal() * 0.006 if rng.random() < 0.5 else rng.uniform(-0.05, 0.05)
        x, y = cct_duv_to_xy(1e6 / rng.uniform(1e6 / 15_000, 1e6 / 2_000), float(duv))
        rgb = np.maximum(draw_camera(rng) @ [x / y, 1.0, (1 - x - y) / y], _FAINTEST)
        found[place] = np.log(rgb[[0, 2]] / rgb[1])
    return found


_FEWEST = 100
"""Keep the original where the variant has too few valid pixels."""

_FAINTEST = 0.02
"""Least share of a light's largest channel; imaginary cameras may give saturated lights less, even negative values."""

_SIDE = 64


def _crop(pixels: Float, valid: Mask, rng: np.random.Generator) -> tuple[Float, Mask]:
    """Crop to 35 to 100 % of the area and repeat pixels to the old size."""
    side = max(24, round(_SIDE * float(np.sqrt(rng.uniform(0.35, 1.0)))))
    top, left = rng.integers(0, _SIDE - side + 1, size=2)
    places = np.arange(_SIDE) * side // _SIDE
    window = np.ix_(places + top, places + left)
    return pixels[window], valid[window]


def _collage(first: LabelledPicture, second: LabelledPicture, rng: np.random.Generator) -> tuple[Float, Mask]:
    """Join two crops in a row or a column; relight the second by the first's light, within some stops."""
    pixels, valid = _crop(first.image.pixels, first.image.valid, rng)
    other, other_valid = _crop(second.image.pixels, second.image.valid, rng)
    if np.count_nonzero(valid) < _FEWEST or np.count_nonzero(other_valid) < _FEWEST:
        return pixels, valid
    gains = first.light / second.light
    gains *= pixels[valid].mean() / (other[other_valid] * gains).mean() * np.exp(0.5 * rng.normal())
    other = other * gains.astype(np.float32)
    cut = int(rng.integers(_SIDE // 4, _SIDE * 3 // 4 + 1))
    part = np.zeros((_SIDE, _SIDE), np.bool_)
    part[slice(cut) if rng.random() < 0.5 else slice(cut, None)] = True
    if rng.random() < 0.5:
        part = part.T
    return np.where(part[..., None], other, pixels), np.where(part, other_valid, valid)


def _surface_chroma(pixels: Float, valid: Mask, light: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Log-chroma (2,) of the most saturated of three surfaces, perhaps saturated further."""
    own = _chroma(light)
    if not valid.any():
        return own
    some = _chroma(pixels[valid][rng.integers(np.count_nonzero(valid), size=3)]) - own
    chosen = some[np.argmax((some * some).sum(axis=1))]
    return np.asarray(own + np.clip(chosen * rng.uniform(1, 2.5), -2, 2))


def _unify_hue(pixels: Float, centre: FloatArray, rng: np.random.Generator) -> Float:
    """Give all surfaces one hue, in paler and deeper tones."""
    chroma = _chroma(pixels)
    ratios = np.exp(centre + (chroma - centre) * rng.uniform(0, 0.3))
    found = np.insert(ratios, 1, 1, axis=2).astype(np.float32)
    return np.asarray(found * (pixels.sum(axis=2) / found.sum(axis=2))[..., None])


def _reduce_contrast(pixels: Float, valid: Mask, rng: np.random.Generator) -> Float:
    """Reduce the contrast, perhaps to none."""
    if not valid.any():
        return pixels
    brightness = np.maximum(pixels.sum(axis=2), np.float32(1e-6))
    middle = np.exp(np.log(brightness[valid]).mean())
    left = (brightness / middle) ** (rng.uniform() ** 2 - 1)
    return np.asarray(pixels * left[..., None], np.float32)


def _chroma(rgb: NDArray[Any]) -> FloatArray:
    """(..., 2), ln(r/g) and ln(b/g)."""
    logs = np.log(np.maximum(rgb.astype(np.float64), 1e-6))
    return np.asarray(logs[..., ::2] - logs[..., 1:2])


def _other_camera(
    pixels: Float,
    valid: Mask,
    light: FloatArray,
    camera: Camera,
    rng: np.random.Generator,
    listed_cameras: FloatArray | None,
) -> tuple[Float, Mask, FloatArray]:
    own = canonical_matrix(camera)
    if own is None:
        return pixels, valid, light
    matrix = draw_camera(rng, listed_cameras) @ np.linalg.inv(own)
    white = matrix @ light
    if white.min() < 2 * _FAINTEST * white.max():
        return pixels, valid, light
    mapped = pixels @ matrix.T.astype(np.float32)
    positive = valid & (mapped.min(axis=2) > 0)
    # Where much of a picture leaves the camera's gamut, the mapping does not show how it would look.
    if np.count_nonzero(positive) * 2 < np.count_nonzero(valid):
        return pixels, valid, light
    return mapped, positive, white


def _second_light(pixels: Float, valid: Mask, light: FloatArray, rng: np.random.Generator) -> tuple[Float, FloatArray]:
    """Fade another light in across the scene; the truth is the mean light, weighted by brightness."""
    if not valid.any():
        return pixels, light
    across = rng.normal(size=2)
    place = np.linspace(-1, 1, _SIDE)
    ramp = across[0] * place[:, None] + across[1] * place[None]
    share = (1 / (1 + np.exp(-4 * (ramp - rng.uniform(-1, 1))))).astype(np.float32)
    gains = np.exp(rng.normal(size=3) * (0.25, 0.0, 0.25)).astype(np.float32)
    lit = pixels * (1 - share[..., None] + share[..., None] * gains)
    weight = pixels[valid].sum(axis=1)
    mixed = float((share[valid] * weight).sum() / weight.sum())
    return lit, light * (1 - mixed + mixed * gains.astype(np.float64))


def _expose(pixels: Float, valid: Mask, rng: np.random.Generator) -> Mask:
    """Clip up to 15 % of the pixels."""
    greatest = pixels.max(axis=2)
    if not valid.any():
        return valid
    exposed = valid & (greatest < np.quantile(greatest[valid], rng.uniform(0.85, 1.0)))
    return exposed if np.count_nonzero(exposed) >= _FEWEST else valid


def _add_noise(pixels: Float, valid: Mask, rng: np.random.Generator) -> tuple[Float, Mask]:
    """Add shot and read noise, log-uniform, up to 0.3 % of the largest value at full signal."""
    if not valid.any():
        return pixels, valid
    white = pixels[valid].max()
    level = np.float32(0.3 * np.exp(rng.uniform(np.log(5e-4), np.log(1e-2)))) * white
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    noisy = pixels + noise * level * np.sqrt(np.maximum(pixels, 0) / white + np.float32(0.02))
    return noisy, valid & (noisy.min(axis=2) > 0)


def _blur(pixels: Float, valid: Mask, rng: np.random.Generator) -> Float:
    """Take 10 to 30 % of every pixel from its four neighbours; valid pixels only."""
    share = np.float32(rng.uniform(0.1, 0.3))
    weight = valid[..., None].astype(np.float32)
    total = _with_neighbours(pixels * weight, share)
    return np.asarray(total / np.maximum(_with_neighbours(weight, share), np.float32(1e-6)))


def _with_neighbours(values: Float, share: np.float32) -> Float:
    edged = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    around = edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:]
    return np.asarray(values * (1 - share) + around * (share / 4))

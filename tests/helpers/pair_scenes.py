"""Rendered pairs: a scene under coloured lights and under an even white one, and what the light was at each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.helpers.pictures import encode

Array = NDArray[Any]


@dataclass(frozen=True)
class Scene:
    """What is to be rendered.

    Attributes:
        seed: Chooses the geometry, the reflectances and the noise.
        lights: (K, 3) linear RGB of each light, relative to the white of the reference.
        shape: Rows and columns.
        shift: Rows and columns by which the input's content lies further down and right.
        exposure: Stops by which the input is brighter than one whose brightest percent is at the white level.
        noise: Standard deviation of the read noise; shot noise goes with it.
        codes: Whether to encode as 8-bit sRGB and back, as a published PNG is.
        highlights: Share of the pixels that show the lamps' reflections.
        moved: Share of the pixels where an object stands in one of the pictures only.
        border: Black pixels around both.
        textured: Whether surfaces have a texture.
        bounce: Share of the light that has been around the room first, and is the same everywhere.
        shadows: Whether objects cast shadows.
    """

    seed: int
    lights: tuple[tuple[float, float, float], ...]
    shape: tuple[int, int] = (240, 320)
    shift: tuple[int, int] = (0, 0)
    exposure: float = -0.3
    noise: float = 0.004
    codes: bool = True
    highlights: float = 0.0
    moved: float = 0.0
    border: int = 0
    textured: bool = True
    bounce: float = 0.08
    shadows: bool = True


@dataclass(frozen=True)
class Pair:
    """A rendered scene.

    Attributes:
        picture: float32 (H, W, 3) linear, under the lights.
        reference: Likewise, under even white light.
        light: float64 (H, W, 3), the sum of the lights that falls on each pixel of ``picture``.
        mean: (3,), its colour averaged over the pixels by their brightness (green) in ``picture``, clipped ones too.
    """

    picture: Array
    reference: Array
    light: Array
    mean: Array


def render(scene: Scene) -> Pair:
    """Lambertian facets with a texture, lamps at finite distances, shadows, sensor noise, clipping, 8 bits."""
    rng = np.random.default_rng(scene.seed)
    margin = max(map(abs, scene.shift)) + 1
    height, width = scene.shape[0] + 2 * margin, scene.shape[1] + 2 * margin
    y, x = np.mgrid[:height, :width] / max(height, width)
    count = 45
    # Facets are the cells of random points, distorted so that their borders are not straight.
    bend = 0.03 * np.stack([np.sin(17 * x + rng.uniform(0, 6)), np.sin(19 * y + rng.uniform(0, 6))])
    points = rng.uniform(0, 1, (count, 2))
    facet = np.argmin([(y + bend[0] - py) ** 2 + (x + bend[1] - px) ** 2 for py, px in points], axis=0)
    colours = np.clip(np.exp(rng.normal(np.log(0.25), 0.55, (count, 1)) + rng.normal(0, 0.35, (count, 3))), 0.03, 0.9)
    reflectance = colours[facet]
    if scene.textured:
        reflectance = reflectance * np.exp(0.25 * smooth_noise(rng, (height, width), (1.0, 4.0)))[..., None]
        tint = np.stack([smooth_noise(rng, (height, width), (3.0,)) for _ in range(3)], axis=-1)
        reflectance = np.clip(reflectance * np.exp(0.1 * tint), 0.01, 0.95)
    tilt = rng.normal(0, 0.35, (count, 2))[facet] + 0.15 * smooth_noise(rng, (height, width), (25.0,))[..., None]
    normal = np.concatenate([tilt, np.ones((height, width, 1))], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)

    angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(len(scene.lights)) / max(len(scene.lights), 1)
    fields = []
    for angle in angles:
        lamp = np.array([y.mean() + 0.6 * np.sin(angle), x.mean() + 0.6 * np.cos(angle), rng.uniform(0.35, 0.7)])
        way = np.stack([lamp[0] - y, lamp[1] - x, np.full_like(x, lamp[2])], axis=-1)
        distance = np.linalg.norm(way, axis=2)
        field = np.maximum((normal * way).sum(axis=2) / distance, 0) / distance**2
        if scene.shadows:
            edge = smooth_noise(rng, (height, width), (30.0,))
            field *= 0.5 + 0.5 * np.tanh(6 * (edge + 1))
        fields.append(field)
    lights = np.array(scene.lights, dtype=float)
    direct = np.einsum("khw,kc->hwc", np.array(fields), lights)
    light = direct + scene.bounce * direct.mean(axis=(0, 1))
    white = (0.85 + 0.15 * normal[..., 2] + 0.1 * np.sin(3 * x))[..., None] * np.ones(3)

    clean, even = reflectance * light, reflectance * white
    if scene.highlights:
        lamps = smooth_noise(rng, (height, width), (2.0,)), smooth_noise(rng, (height, width), (2.0,))
        for target, source, where in ((clean, light, lamps[0]), (even, white, lamps[1])):
            target += source * 0.8 * (where > np.quantile(where, 1 - scene.highlights))[..., None]
    clean *= 2**scene.exposure / np.quantile(clean.max(axis=2), 0.99)
    even *= 0.8 / np.quantile(even.max(axis=2), 0.99)
    dy, dx = scene.shift
    rows, columns = slice(margin, margin + scene.shape[0]), slice(margin, margin + scene.shape[1])
    behind = slice(margin - dy, margin - dy + scene.shape[0]), slice(margin - dx, margin - dx + scene.shape[1])
    picture, light, even = clean[behind], light[behind], even[rows, columns]
    mean = (light / light[..., 1:2] * picture[..., 1:2]).sum(axis=(0, 1))
    if scene.moved:
        side = round(np.sqrt(scene.moved * picture.shape[0] * picture.shape[1]))
        top, left = (int(rng.integers(0, length - side)) for length in scene.shape)
        thing = rng.uniform(0.05, 0.9, 3)
        picture = picture.copy()
        picture[top : top + side, left : left + side] = thing * picture[top : top + side, left : left + side].mean()
    images = []
    for image in (picture, even):
        noisy = image + rng.normal(0, 1, image.shape) * np.sqrt(scene.noise**2 + scene.noise * image * 0.02)
        noisy = np.clip(noisy, 0, 1)
        if scene.border:
            inside = np.zeros(scene.shape, dtype=bool)
            inside[scene.border : -scene.border, scene.border : -scene.border] = True
            noisy[~inside] = 0
        images.append(decode(encode(noisy)) if scene.codes else noisy.astype(np.float32))
    return Pair(images[0], images[1], light, mean / np.linalg.norm(mean))


def decode(codes: Array) -> Array:
    """Linear light of 8-bit sRGB."""
    share = np.arange(256) / 255
    table = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return table.astype(np.float32)[codes]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scales: tuple[float, ...]) -> Array:
    """Gaussian noise of unit variance, the sum of those smoothed to each scale in pixels of an image 240 high."""
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])
    total = np.zeros(shape)
    for scale in (max(0.7, size * min(shape) / 240) for size in scales):
        weight = np.exp(-2 * (np.pi * scale) ** 2 * (rows**2 + columns**2))
        smooth = np.fft.irfft2(np.fft.rfft2(rng.normal(size=shape)) * weight, s=shape)
        total += smooth / smooth.std()
    return total / total.std()


def random_light(rng: np.random.Generator, saturation: float = 0.5) -> tuple[float, float, float]:
    """A light whose log-chroma differs from white by about ``saturation`` on either axis."""
    red, blue = np.exp(rng.normal(0, saturation, 2))
    return float(red), 1.0, float(blue)

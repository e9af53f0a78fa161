"""From a scene to linear RGB: what is seen, the light on it, the light between things, and the sensor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenes.filtering import smooth, spread_to_fine
from scenes.solids import Array, dot, unit
from scenes.tracer import KNOTS, SPREAD, Lamp, Scene

CHUNK = 1 << 15
LAMP_SAMPLES = 6  # shared by the lamps, two each at the least
BOUNCE_SAMPLES = 4
MIRROR_SAMPLES = 2
OFF = np.float32(1.5e-3)

# Steps of the R2 low-discrepancy sequence (Roberts 2018).
_R2 = np.array([[0.7548776662466927], [0.5698402909980532]])


@dataclass
class Surface:
    """What the rays of a grid meet; arrays are flat, one entry a ray, vectors (3, N)."""

    shape: tuple[int, int]
    view: Array
    depth: Array
    who: NDArray[np.int16]
    place: Array
    normal: Array
    bent: Array

    def coarse(self) -> Surface:
        """Every second row and column."""
        rows, columns = self.shape
        at = np.arange(rows * columns).reshape(rows, columns)[::2, ::2].ravel()
        parts = (self.place[:, at], self.normal[:, at], self.bent[:, at])
        return Surface((rows // 2, columns // 2), self.view[:, at], self.depth[at], self.who[at], *parts)


def render(scene: Scene, width: int, height: int, response: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Linear sensor RGB of a scene.

    Surfaces and their textures are sampled by two rays each way in every pixel; the light on them, which varies
    slowly within a surface, by one pixel's worth.

    Args:
        width, height: Of the picture.
        response: (31, 3), the sensor's answer to a perfect white under the scene's light, band by band.

    Returns:
        (height, width, 3) RGB, where ``response.sum(0)`` is a white under irradiance 1 / exposure, and the mask of the
        pixels that lie wholly on the gray card.
    """
    surface = _surface(scene, 2 * width, 2 * height)
    pixels = surface.coarse()
    light = np.concatenate([_direct(scene, pixels), _bounced(scene, pixels), _mirrored(scene, pixels)], axis=1)
    light = spread_to_fine(light, surface.shape, surface.place, surface.normal, surface.depth)
    rgb = _compose(scene, surface, light, response)
    fine = rgb.reshape(height, 2, width, 2, 3).mean((1, 3))
    card = np.zeros((height, width), dtype=bool)
    if scene.card is not None:
        here = surface.who == scene.flat.index(scene.card)
        card = here.reshape(height, 2, width, 2).all((1, 3))
    return fine * np.float32(scene.exposure), card


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))


def _surface(scene: Scene, columns: int, rows: int) -> Surface:
    y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1)
    count = x.size
    s = Surface(
        (rows, columns),
        scene.rays((2 * x + 1) / columns - 1, 1 - (2 * y + 1) / rows, columns / rows),
        np.empty(count, dtype=np.float32),
        np.empty(count, dtype=np.int16),
        *(np.zeros((3, count), dtype=np.float32) for _ in range(3)),
    )
    eye = np.asarray(scene.eye, dtype=np.float32).reshape(3, 1)
    for part in _chunks(count):
        d = np.ascontiguousarray(s.view[:, part])
        o = np.broadcast_to(eye, d.shape)
        s.depth[part], s.who[part] = scene.cast(o, d)
        depth = np.where(s.who[part] < 0, 0, s.depth[part])
        s.place[:, part] = o + d * depth
        s.normal[:, part], s.bent[:, part] = _normals(scene, s.who[part], s.place[:, part], d)
    return s


def _normals(scene: Scene, who: NDArray[np.int16], p: Array, d: Array, bumps: bool = True) -> tuple[Array, Array]:
    """The shape's normal and the one that bumps tilt, both turned towards the viewer."""
    true, bent = np.zeros_like(p), np.zeros_like(p)
    for index in np.unique(who[who >= 0]):
        solid = scene.flat[index]
        at = np.flatnonzero(who == index)
        local = solid.turn.T @ (p[:, at] - solid.centre)
        n = solid.normal(local)
        true[:, at] = solid.turn @ n
        height = solid.material.bump
        if height is not None and bumps:
            step = np.float32(1e-3)
            middle = height(local)
            slope = np.empty_like(local)
            for axis in range(3):
                shift = np.zeros((3, 1), dtype=np.float32)
                shift[axis] = step
                slope[axis] = (height(local + shift) - middle) / step
            n = unit(n - slope + dot(slope, n) * n)
        bent[:, at] = solid.turn @ n
    side = np.where(dot(true, d) > 0, np.float32(-1), np.float32(1))
    true, bent = true * side, bent * side
    # A bump must not turn a surface away from the eye that looks at it.
    bent = bent - np.maximum(dot(bent, d) + np.float32(0.02), 0) * d
    return true, unit(bent)


def _squares(at: NDArray[np.intp], index: int, dimension: int) -> Array:
    """Points of the unit square, (2, N): one low-discrepancy sequence a dimension, shifted for each pixel."""
    key = (at * 7919 + dimension * 15_485_863).astype(np.uint32)
    key = (key ^ (key >> np.uint32(15))) * np.uint32(2_246_822_519)
    key = (key ^ (key >> np.uint32(13))) * np.uint32(3_266_489_917)
    key ^= key >> np.uint32(16)
    shift = np.stack([key & np.uint32(0xFFFF), key >> np.uint32(16)]) / 65536.0
    return np.asarray((shift + index * _R2) % 1, dtype=np.float32)


def _hits(s: Surface) -> Iterator[NDArray[np.intp]]:
    found = np.flatnonzero(s.who >= 0)
    for part in _chunks(found.size):
        yield found[part]


def _direct(scene: Scene, s: Surface) -> Array:
    """Irradiance from the lamps, and the highlights that they make in glossy coats: (N, 2)."""
    out = np.zeros((s.depth.size, 2), dtype=np.float32)
    gloss = np.array([m.gloss for m in scene.materials], dtype=np.float32)
    rough = np.array([m.rough for m in scene.materials], dtype=np.float32)
    samples = max(2, LAMP_SAMPLES // max(len(scene.lamps), 1))
    for hit in _hits(s):
        n, v, who = s.bent[:, hit], -s.view[:, hit], s.who[hit]
        p = s.place[:, hit] + s.normal[:, hit] * OFF
        for number, lamp in enumerate(scene.lamps):
            away = np.asarray(lamp.centre, dtype=np.float32).reshape(3, 1) - p
            # A highlight is at least as wide as its lamp: few samples of a sharp one would leave sparks.
            wide2 = (rough[who] ** 2 + np.float32(0.5 * lamp.extent) / np.sqrt(dot(away, away))) ** 2
            for sample in range(samples):
                d, facing, strength = scene.lit(p, n, lamp, _squares(hit, sample, number))
                fallen = strength * facing
                half = unit(d + v)
                cosine = np.maximum(dot(n, half), 0)
                # GGX without its shadowing term (Walter et al. 2007), Fresnel by Schlick.
                peak = wide2 / (cosine * cosine * (wide2 - 1) + 1) ** 2
                fresnel = 0.04 + 0.96 * (1 - np.maximum(dot(d, half), 0)) ** 5
                out[hit, 0] += fallen
                out[hit, 1] += fallen * gloss[who] * peak * fresnel * np.float32(0.25)
    out /= samples
    out[:, 0] = smooth(out[:, 0], s.shape, s.place, s.normal, s.depth, passes=3)
    return out


def _bounced(scene: Scene, s: Surface) -> Array:
    """Irradiance that comes from the sky and from other things, (N, 7 knots)."""
    light = np.zeros((s.depth.size, 7), dtype=np.float32)
    for hit in _hits(s):
        p, n = s.place[:, hit] + s.normal[:, hit] * OFF, s.bent[:, hit]
        for sample in range(BOUNCE_SAMPLES):
            square = _squares(hit, sample, 40)
            z, phi = 2 * square[0] - 1, 2 * np.pi * square[1]
            ring = np.sqrt(np.maximum(1 - z * z, 0))
            # A unit ball's surface about the normal's tip is the cosine-weighted hemisphere.
            d = unit(n + np.stack([ring * np.cos(phi), ring * np.sin(phi), z]).astype(np.float32) * np.float32(0.999))
            light[hit] += _seen_dimly(scene, p, d, _squares(hit, sample, 50), sample)
    light /= BOUNCE_SAMPLES
    # One stray hit on a lamp is worth thousands of others, and would leave a blotch.
    light = np.minimum(light, np.float32(3) * np.quantile(light, 0.98) + np.float32(1e-6))
    return smooth(light, s.shape, s.place, s.normal, s.depth, passes=4)


def _seen_dimly(scene: Scene, o: Array, d: Array, square: Array, turn: int) -> Array:
    """Radiance along rays at the knots, with mean reflectances and one lamp: good enough once scattered."""
    depth, who = scene.cast(o, d)
    out = np.empty((who.size, 7), dtype=np.float32)
    miss = np.flatnonzero(who < 0)
    if miss.size:
        out[miss] = scene.sky(d[:, miss])[:, KNOTS]
    hit = np.flatnonzero(who >= 0)
    if hit.size:
        d = d[:, hit]
        p = o[:, hit] + d * depth[hit]
        n, _ = _normals(scene, who[hit], p, d, bumps=False)
        light = np.full(hit.size, scene.ambient, dtype=np.float32)
        if scene.lamps:
            lamp = scene.lamps[turn % len(scene.lamps)]
            light += _fallen(scene, p + n * OFF, n, lamp, square[:, hit]) * np.float32(len(scene.lamps))
        out[hit] = scene.means[who[hit]] * light[:, None]
    return out


def _fallen(scene: Scene, p: Array, n: Array, lamp: Lamp, square: Array) -> Array:
    _, facing, strength = scene.lit(p, n, lamp, square)
    return facing * strength


def _painted(scene: Scene, who: NDArray[np.int16], p: Array, n: Array, light: Array) -> Array:
    """Radiance of surfaces under irradiance (N, 31), glow included."""
    out = np.zeros((who.size, 31), dtype=np.float32)
    for index in np.unique(who[who >= 0]):
        solid = scene.flat[index]
        material = solid.material
        at = np.flatnonzero(who == index)
        back = solid.turn.T
        local, facing = back @ (p[:, at] - solid.centre), back @ n[:, at]
        reflectance = material.mean if material.paint is None else material.paint(local, facing)
        out[at] = reflectance * light[at]
        if material.glow is not None:
            out[at] += material.glow(local, facing) if callable(material.glow) else material.glow
    return out


def _mirrored(scene: Scene, s: Surface) -> Array:
    """What polished surfaces show of their surroundings, (N, 7 knots), before Fresnel's share."""
    out = np.zeros((s.depth.size, 7), dtype=np.float32)
    polished = np.array([m.mirror for m in scene.materials] + [False])
    rough = np.array([m.rough for m in scene.materials], dtype=np.float32)
    found = np.flatnonzero(polished[s.who])
    for part in _chunks(found.size):
        at = found[part]
        v = s.view[:, at]
        o = s.place[:, at] + s.normal[:, at] * OFF
        for sample in range(MIRROR_SAMPLES):
            shake = (_squares(at, sample, 60)[[0, 1, 0]] - np.float32(0.5)) * rough[s.who[at]] * np.float32(0.25)
            n = unit(s.bent[:, at] + shake)
            d = unit(v - 2 * dot(n, v) * n)
            out[at] += _seen_clearly(scene, o, d) / np.float32(MIRROR_SAMPLES)
    return out


def _seen_clearly(scene: Scene, o: Array, d: Array) -> Array:
    """Radiance along rays at the knots, textures in full, shadows from the middle of each lamp."""
    depth, who = scene.cast(o, d)
    seen = who >= 0
    p = o + d * np.where(seen, depth, 0)
    n, _ = _normals(scene, who, p, d, bumps=False)
    light = np.full(who.size, scene.ambient, dtype=np.float32)
    middle = np.full((2, who.size), 0.5, dtype=np.float32)
    for lamp in scene.lamps:
        light += _fallen(scene, p + n * OFF, n, lamp, middle)
    image = _painted(scene, who, p, n, np.broadcast_to(light[:, None], (who.size, 31)))
    if not seen.all():
        image[~seen] = scene.sky(d[:, ~seen])
    # A lamp's own image is left to the highlights; a single stray ray to it would be a spark.
    return np.minimum(image[:, KNOTS], np.float32(6))


def _compose(scene: Scene, s: Surface, light: Array, response: Array) -> Array:
    """Light (direct, highlight, 7 knots bounced, 7 knots mirrored) on textures, seen by the sensor."""
    rgb = np.empty((s.depth.size, 3), dtype=np.float32)
    mirror = np.array([m.gloss if m.mirror else 0.0 for m in scene.materials] + [0.0], dtype=np.float32)
    for part in _chunks(s.depth.size):
        who, d, given = s.who[part], s.view[:, part], light[part]
        seen = _painted(scene, who, s.place[:, part], s.bent[:, part], given[:, :1] + given[:, 2:9] @ SPREAD)
        at = np.flatnonzero(mirror[who] > 0)
        if at.size:
            cosine = np.clip(-dot(s.bent[:, part][:, at], d[:, at]), 0, 1)
            share = (mirror[who[at]] * (0.04 + 0.96 * (1 - cosine) ** 5))[:, None]
            seen[at] += share * (given[at, 9:] @ SPREAD - seen[at])
        seen += given[:, 1:2]
        sky = np.flatnonzero(who < 0)
        if sky.size:
            seen[sky] = scene.sky(np.ascontiguousarray(d[:, sky]))
        rgb[part] = seen @ response
    return rgb

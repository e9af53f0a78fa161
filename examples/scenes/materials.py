"""What surfaces are made of: a reflectance for every point, how it shines, and whether it glows.

Paint functions take local points and normals, (3, N), and return reflectance or emission, (N, 31).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenes import noise
from scenes.spectra import PAINT, Spectrum

Array = NDArray[np.float32]
Paint = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Material:
    """One stuff.

    Attributes:
        mean: Average reflectance, (31,), used where light bounces off it on to something else.
        paint: Reflectance at points; None for ``mean`` everywhere.
        gloss: Strength of the highlight and of the mirror image; 1 is a clear coat of refractive index 1.5.
        rough: Width of the highlight, from 0.02 (glazed) to 1 (none to speak of).
        mirror: Whether surroundings are seen in it, not lamps alone.
        bump: Height at local points, in the shape's own unit of length; its slope tilts the normal.
        glow: Light given off, (31,) as a multiple of the scene's light, or a paint function of the same.
        holes: True at local points where there is nothing, as between leaves.
    """

    mean: Spectrum
    paint: Paint | None = None
    gloss: float = 0.0
    rough: float = 0.5
    mirror: bool = False
    bump: Callable[[Array], Array] | None = None
    glow: Spectrum | Paint | None = None
    holes: Callable[[Array], NDArray[np.bool_]] | None = None


def mix(first: Array, second: Array, share: Array) -> Array:
    """From ``first`` (share 0) to ``second`` (share 1); spectra may be (31,) or (N, 31)."""
    return first + (second - first) * share[:, None]


def scaled(p: Array, *scale: float) -> Array:
    return p * np.asarray(scale, dtype=np.float32).reshape(-1, 1)


def plain(
    colour: str | Spectrum, gloss: float = 0.0, rough: float = 0.5, mirror: bool = False, mottle: float = 0.0
) -> Material:
    """One colour, a little uneven where ``mottle`` says so."""
    spectrum = PAINT[colour] if isinstance(colour, str) else colour
    if not mottle:
        return Material(spectrum, None, gloss, rough, mirror)

    def paint(p: Array, n: Array) -> Array:
        uneven = noise.fractal(p * np.float32(23)) * 0.6 + noise.fractal(p * np.float32(140), 2) * 0.4
        return np.clip(spectrum * (1 + mottle * (uneven - 0.5) * 2)[:, None], 0, 1)

    return Material(spectrum, paint, gloss, rough, mirror)


def wood(
    dark: str, light: str, ring: float = 26.0, gloss: float = 0.35, rough: float = 0.28, plank: float = 0.0,
    mirror: bool = False, seed: float = 0.0,
) -> Material:  # fmt: skip
    """Growth rings cut along the x axis, and planks of a width in z where ``plank`` is not 0."""

    def paint(p: Array, n: Array) -> Array:
        q = p + np.float32(seed)
        board = np.zeros(p.shape[1], dtype=np.float32)
        gap = board
        if plank:
            index = np.floor(p[2] / plank)
            board = noise.hashed(index.astype(np.int32))
            q = q + board * np.array([[9.0], [3.0], [5.0]], dtype=np.float32)
            inside = p[2] / plank - index
            gap = noise.smoothstep(0.035, 0.0, np.minimum(inside, 1 - inside))
        wander = noise.fractal(scaled(q, 1.6, 7, 7), 3)
        rings = np.sqrt((q[1] + 0.31) ** 2 + (q[2] * 0.7 + 0.25 * wander) ** 2) * ring + 1.6 * wander
        saw = rings - np.floor(rings)
        late = noise.smoothstep(0.25, 0.92, saw) * noise.smoothstep(1.0, 0.93, saw)
        pores = noise.value(scaled(q, 14, 420, 420))
        share = np.clip(0.78 - 0.5 * late - 0.34 * (pores - 0.5) + 0.3 * (board - 0.5) + 0.5 * (wander - 0.5), 0, 1)
        return mix(PAINT[dark], PAINT[light], share) * (1 - 0.85 * gap)[:, None]

    return Material((PAINT[dark] * 0.4 + PAINT[light] * 0.6), paint, gloss, rough, mirror)


def fruit(skin: str, blush: str | None = None, pores: float = 0.0, gloss: float = 0.7, rough: float = 0.2) -> Material:
    """Skin with a blush on one side, streaks from pole to pole, and pores (a citrus peel's dimples)."""

    def paint(p: Array, n: Array) -> Array:
        size = np.sqrt((p * p).sum(0)).max() + 1e-6
        q = p / size
        base = PAINT[skin] * (0.84 + 0.32 * noise.fractal(q * np.float32(5)))[:, None]
        if blush is not None:
            angle = np.arctan2(q[2], q[0])
            streak = noise.fractal(np.stack([angle * 9, q[1] * 0.9, q[0] * 0 + 3]).astype(np.float32))
            share = noise.smoothstep(0.30, 0.72, noise.fractal(q * np.float32(1.3) + 4, 2) * 0.62 + streak * 0.42)
            base = mix(base, PAINT[blush], share)
        stalk = noise.smoothstep(0.16, 0.05, np.hypot(q[0], q[2]).astype(np.float32))
        return mix(np.clip(base, 0, 1), PAINT["brown"], 0.75 * stalk)

    def dimples(p: Array) -> Array:
        return noise.value(p * np.float32(330)) * np.float32(pores)

    mean = PAINT[skin] if blush is None else (PAINT[skin] + PAINT[blush]) / 2
    return Material(mean, paint, gloss, rough, bump=dimples if pores else None)


def bricks(
    length: float = 0.23, height: float = 0.075, joint: float = 0.011, axes: tuple[int, int] = (0, 1)
) -> Material:
    """Running bond on the two named local axes."""

    def paint(p: Array, n: Array) -> Array:
        u, v = p[axes[0]], p[axes[1]]
        row = np.floor(v / height)
        shifted = u / length + 0.5 * (row % 2)
        column = np.floor(shifted)
        du, dv = (shifted - column) * length, v - row * height
        rim = np.minimum(np.minimum(du, length - du), np.minimum(dv, height - dv))
        rim = rim + 0.006 * (noise.value(p * np.float32(90)) - 0.5)
        share = noise.smoothstep(joint / 2 - 0.003, joint / 2 + 0.003, rim)
        tone = noise.hashed(column.astype(np.int32), row.astype(np.int32))
        fired = noise.hashed(row.astype(np.int32), column.astype(np.int32) + 77)
        grit = noise.fractal(p * np.float32(38))
        clay = mix(PAINT["brick"], PAINT["terracotta"], np.clip(tone * 0.9, 0, 1))
        clay = mix(clay, PAINT["charcoal"], noise.smoothstep(0.82, 1.0, fired) * 0.6)
        clay = clay * (0.62 + 0.7 * grit)[:, None]
        mortar = PAINT["mortar"] * (0.6 + 0.45 * grit)[:, None]
        return np.clip(mix(mortar, clay, share), 0, 1)

    return Material((PAINT["brick"] * 0.75 + PAINT["mortar"] * 0.25), paint, 0.1, 0.8)


def tiles(
    colour: str, side: float, joint: float = 0.006, vary: float = 0.1, gloss: float = 0.9, second: str | None = None,
    axes: tuple[int, int] = (0, 1), mirror: bool = True,
) -> Material:  # fmt: skip
    """Square glazed tiles with grout, chequered where a ``second`` colour is given."""

    def paint(p: Array, n: Array) -> Array:
        u, v = p[axes[0]] / side, p[axes[1]] / side
        cu, cv = np.floor(u), np.floor(v)
        rim = np.minimum(np.minimum(u - cu, cu + 1 - u), np.minimum(v - cv, cv + 1 - v)) * side
        share = noise.smoothstep(joint / 2 - 0.001, joint / 2 + 0.001, rim)
        tone = noise.hashed(cu.astype(np.int32), cv.astype(np.int32))
        glaze = PAINT[colour]
        if second is not None:
            glaze = mix(glaze, PAINT[second], ((cu + cv) % 2).astype(np.float32))
        cloud = noise.fractal(p * np.float32(3 / side), 3) - 0.5
        glaze = glaze * (1 + vary * (2 * tone - 1) + vary * cloud)[:, None]
        return np.clip(mix(PAINT["mortar"] * 0.6, glaze, share), 0, 1)

    mean = PAINT[colour] if second is None else (PAINT[colour] + PAINT[second]) / 2
    return Material(mean, paint, gloss, 0.08, mirror)


def cloth(colour: str | Spectrum, stripe: str | None = None, pitch: float = 0.05, weave: float = 700.0) -> Material:
    """Woven threads, with bands of a second colour along x."""
    spectrum = PAINT[colour] if isinstance(colour, str) else colour

    def paint(p: Array, n: Array) -> Array:
        thread = 0.93 + 0.05 * np.sin(p[0] * weave) * np.sin(p[2] * weave) + 0.1 * (noise.fractal(p * 60, 2) - 0.5)
        base: Array = spectrum
        if stripe is not None:
            phase = np.abs((p[0] / pitch) % 1 - 0.5).astype(np.float32)
            band = noise.smoothstep(0.38, 0.40, phase) + noise.smoothstep(0.03, 0.01, np.abs(phase - 0.3))
            base = mix(spectrum, PAINT[stripe], np.clip(band, 0, 1))
        return np.clip(base * thread.astype(np.float32)[:, None], 0, 1)

    def folds(p: Array) -> Array:
        return noise.fractal(scaled(p, 7, 3, 5), 3) * np.float32(0.03)

    return Material(spectrum, paint, bump=folds)


def leaves(colour: str = "leaf", size: float = 0.05, gaps: float = 0.0, other: str = "lime") -> Material:
    """A crown of leaves: cells of light and dark green, and air between them where ``gaps`` is above 0."""

    def paint(p: Array, n: Array) -> Array:
        q = p * np.float32(1 / size)
        depth = noise.fractal(q, 3)
        tone = noise.value(q * np.float32(0.31))
        green = mix(PAINT[colour], PAINT[other], np.clip(tone * 0.9 - 0.15, 0, 1))
        return np.clip(green * (0.25 + 1.5 * depth)[:, None], 0, 1)

    def ruffle(p: Array) -> Array:
        return noise.fractal(p * np.float32(1 / size), 2) * np.float32(size * 1.1)

    def between(p: Array) -> NDArray[np.bool_]:
        return noise.fractal(p * np.float32(0.8 / size), 3) < gaps

    return Material(PAINT[colour], paint, 0.25, 0.5, bump=ruffle, holes=between if gaps else None)


def picture(
    image: NDArray[np.float32], ink: Sequence[Spectrum], width: float, height: float, axes: tuple[int, int] = (0, 1),
    gloss: float = 0.0, glow: float = 0.0,
) -> Material:  # fmt: skip
    """A drawing laid over a face: each pixel is a share of one ink over the paper.

    Args:
        image: (rows, columns) between 0 and 1.
        ink: Spectra at 0 (paper) and 1 (ink).
        width, height: Size of the drawing on the two named axes, about the middle of the face.
        glow: Light given off, as a multiple of the drawing, instead of reflected.
    """
    rows, columns = image.shape

    def paint(p: Array, n: Array) -> Array:
        x = np.clip((p[axes[0]] / width + 0.5) * columns, 0, columns - 1).astype(np.int32)
        y = np.clip((0.5 - p[axes[1]] / height) * rows, 0, rows - 1).astype(np.int32)
        return mix(ink[0], ink[1], image[y, x])

    mean = ink[0] + (ink[1] - ink[0]) * np.float32(image.mean())
    if glow:
        return Material(PAINT["charcoal"], glow=lambda p, n: paint(p, n) * np.float32(glow))
    return Material(mean, paint, gloss, 0.3)


def patches(colours: Sequence[Sequence[str]], width: float, height: float, border: float = 0.08) -> Material:
    """A colour chart on a black board, facing z: rows of named paints."""
    table = np.stack([np.stack([PAINT[name] for name in row]) for row in colours])
    rows, columns = table.shape[:2]

    def paint(p: Array, n: Array) -> Array:
        x, y = (p[0] / width + 0.5) * columns, (0.5 - p[1] / height) * rows
        column, row = np.clip(x, 0, columns - 1).astype(np.int32), np.clip(y, 0, rows - 1).astype(np.int32)
        fx, fy = x - column, y - row
        rim = np.minimum(np.minimum(fx, 1 - fx), np.minimum(fy, 1 - fy))
        return np.where((rim > border)[:, None], table[row, column], PAINT["black"])

    return Material(table.mean((0, 1)), paint, 0.1, 0.6)


def lamp(level: float, colour: Spectrum | None = None) -> Material:
    """Something that glows with the scene's own light, tinted by a filter where ``colour`` is given."""
    spectrum = np.ones(31, dtype=np.float32) if colour is None else colour
    return Material(PAINT["white"], glow=(spectrum * np.float32(level)).astype(np.float32))

"""A village lane in open shade: brick and plaster, cobbles, leaves, and the blue sky that lights it all."""

from __future__ import annotations

import numpy as np

from scenes import noise
from scenes.lathe import Lathe, rod, tube
from scenes.materials import Material, bricks, leaves, mix, plain, scaled, wood
from scenes.solids import Array, Box, Ellipsoid, Ground, Solid, rotation
from scenes.spectra import NM, PAINT
from scenes.tracer import Group, Scene

# More of the short waves overhead than at the horizon; nothing of either in the light as a whole.
_BLUER = ((550 - NM) / 150).astype(np.float32)


def open_sky(d: Array) -> Array:
    """A clear evening sky with high cloud over wooded hills, as a factor of the light in the shade."""
    up = np.clip(d[1], 0.0, 1)
    level = 0.92 - 0.2 * up
    # Bluer than the light in the shade where the camera looks, and warmer by as much towards the zenith.
    tint = 0.10 + 0.28 * noise.smoothstep(0.02, 0.2, up) - 0.56 * noise.smoothstep(0.5, 0.75, up)
    out = level[:, None] * (1 + tint[:, None] * _BLUER)
    flat = scaled(d, 1, 0, 1) / (up + 0.12)
    veil = noise.fractal(scaled(flat, 0.8, 0, 1.7) + 7, 5)
    cloud = noise.smoothstep(0.46, 0.68, veil) * 0.85
    out = mix(out, np.full(31, 1.3, dtype=np.float32), cloud)
    azimuth = np.arctan2(d[0], -d[2])
    for number, (base, rise, haze) in enumerate(((0.085, 0.10, 0.72), (0.05, 0.085, 0.45), (0.005, 0.09, 0.16))):
        line = np.stack([azimuth * (2.2 + number), azimuth * 0 + 3 * number, azimuth * 0]).astype(np.float32)
        ridge = base + rise * noise.fractal(line, 4) - 0.03
        woods = noise.fractal(np.stack([azimuth * 90, d[1] * 160, azimuth * 0]).astype(np.float32), 3)
        green = PAINT["moss"] * (0.6 + 1.1 * woods)[:, None]
        hill = mix(green, np.full(31, 0.75, dtype=np.float32) * (1 + 0.1 * _BLUER), np.full(up.shape, haze, np.float32))
        edge = noise.smoothstep(0.0, 0.0035, ridge + 0.004 * woods - d[1])
        out = mix(out, hill, edge)
    return out.astype(np.float32)


def cobbles() -> Material:
    """Setts in the middle, and grass that grows in from both sides."""

    def paint(p: Array, n: Array) -> Array:
        rim, tone = noise.cellular(p[0] / 0.15, p[2] / 0.13)
        grit = noise.fractal(p * np.float32(45), 3)
        stone = mix(PAINT["stone"], PAINT["earth"], tone * 0.5) * (0.42 + 0.45 * tone + 0.55 * (grit - 0.5))[:, None]
        moss = mix(PAINT["earth"] * 0.5, PAINT["moss"], noise.value(p * np.float32(5)))
        laid = mix(moss, stone, noise.smoothstep(0.03, 0.12, rim))
        blade = noise.fractal(scaled(p, 55, 55, 18), 3)
        patch = noise.fractal(p * np.float32(2.2), 3)
        grass = mix(PAINT["grass"], PAINT["straw"] * 0.6, np.clip(patch * 1.3 - 0.55, 0, 1))
        grass = grass * (0.25 + 1.5 * blade)[:, None]
        verge = noise.smoothstep(0.95, 1.2, np.abs(p[0] - 0.15) + 0.5 * (patch - 0.5) + 0.15 * (blade - 0.5))
        return np.clip(mix(laid, grass, verge), 0, 1)

    def bulge(p: Array) -> Array:
        rim, _ = noise.cellular(p[0] / 0.15, p[2] / 0.13)
        return noise.smoothstep(0.0, 0.25, rim) * np.float32(0.02)

    return Material(PAINT["stone"] * 0.5 + PAINT["grass"] * 0.4, paint, 0.5, 0.45, bump=bulge)


def window(x: float, y: float, z: float) -> list[Solid]:
    """A white casement with six panes and a pair of shutters, in a wall that faces +x."""
    frame, shutter = plain("white", 0.3, mottle=0.04), plain("teal", 0.3, 0.4, mottle=0.15)
    glass = plain("black", 3.5, 0.03, mirror=True)
    out: list[Solid] = [
        Box(glass, (x + 0.01, y, z), (0.03, 1.15, 0.85)),
        Box(plain("stone", mottle=0.2), (x + 0.06, y - 0.64, z), (0.2, 0.08, 1.15), bevel=0.01),
        Box(frame, (x + 0.02, y, z), (0.05, 1.15, 0.05)),
    ]
    out += [Box(frame, (x + 0.02, y + dy, z), (0.05, 0.045, 0.85)) for dy in (-0.19, 0.19)]
    out += [Box(frame, (x + 0.025, y + dy, z), (0.07, 0.07, 0.95)) for dy in (-0.57, 0.57)]
    for side in (-1, 1):
        out.append(Box(frame, (x + 0.025, y, z + side * 0.44), (0.07, 1.2, 0.07)))
        out.append(Box(shutter, (x + 0.03, y, z + side * 0.73), (0.04, 1.25, 0.48), bevel=0.008))
        out += [Box(shutter, (x + 0.05, y + dy, z + side * 0.73), (0.03, 0.5, 0.36), bevel=0.02) for dy in (-0.3, 0.3)]
    return out


def door(x: float, z: float) -> list[Solid]:
    red = plain("crimson", 0.7, 0.25, mottle=0.08)
    out: list[Solid] = [
        Box(red, (x + 0.02, 1.05, z), (0.05, 2.1, 0.92)),
        Box(plain("white", 0.3, mottle=0.04), (x + 0.04, 2.14, z), (0.1, 0.1, 1.14)),
        Box(plain("stone", mottle=0.2), (x + 0.2, 0.06, z), (0.5, 0.14, 1.2), bevel=0.02),
        Ellipsoid(plain("straw", 1.0, 0.1, mirror=True), (x + 0.08, 1.02, z + 0.36), 0.032),
    ]
    out += [
        Box(plain("white", 0.3, mottle=0.04), (x + 0.04, 1.05, z + side * 0.52), (0.1, 2.1, 0.1)) for side in (-1, 1)
    ]
    out += [
        Box(red, (x + 0.045, y, z + dz), (0.03, h, 0.32), bevel=0.03)
        for dz in (-0.2, 0.2)
        for y, h in ((0.5, 0.6), (1.45, 0.9))
    ]
    return out


def pot(x: float, z: float, size: float, bloom: str, seed: int) -> list[Solid]:
    """A terracotta pot with a bush in flower."""
    clay = plain("terracotta", 0.15, 0.6, mottle=0.3)
    random = np.random.default_rng(seed)
    out: list[Solid] = [
        Lathe(clay, (x, 0, z), tube(0.7 * size, size, 1.5 * size, 0.02)),
        Lathe(clay, (x, 1.35 * size, z), tube(1.06 * size, 1.1 * size, 0.25 * size, 0.03)),
        Lathe(plain("earth", mottle=0.4), (x, 1.4 * size, z), rod(0.97 * size, 0.01)),
    ]
    crown = np.array([1.35, 1.15, 1.35]) * size
    green = leaves("leaf", 0.03, 0.44)
    out += [Ellipsoid(green, (x, 2.25 * size, z), crown * share) for share in (1.0, 0.84, 0.66)]
    for _ in range(16):
        d = random.normal(size=3)
        d = d / np.linalg.norm(d) * [1.36, 1.16, 1.36] * size
        if d[2] > -0.05:
            out.append(
                Ellipsoid(
                    plain(bloom, 0.1, mottle=0.3), (x + d[0], 2.25 * size + d[1], z + d[2]), random.uniform(0.02, 0.032)
                )
            )
    return out


def tree(x: float, z: float, height: float, seed: int) -> list[Solid]:
    random = np.random.default_rng(seed)
    bark = plain("walnut", mottle=0.5)
    out: list[Solid] = [Lathe(bark, (x, 0, z), tube(0.09 * height / 3, 0.05 * height / 3, 0.75 * height, 0.03))]
    for _ in range(14):
        dx, dy, dz = random.normal(size=3) * [0.2, 0.15, 0.2] * height
        r = random.uniform(0.17, 0.26) * height
        out.append(Ellipsoid(leaves("leaf", 0.09, 0.43), (x + dx, 0.86 * height + dy, z + dz), (r, 0.8 * r, r)))
        out.append(
            Ellipsoid(leaves("moss", 0.09, 0.43), (x + dx, 0.86 * height + dy, z + dz), (0.8 * r, 0.62 * r, 0.8 * r))
        )
    return out


def bench(x: float, z: float) -> list[Solid]:
    slat = wood("brown", "pine", 30, 0.2, 0.5)
    iron = plain("charcoal", 0.6, 0.3)
    along = rotation(90)
    out: list[Solid] = [Box(slat, (x + dx, 0.45, z), (1.5, 0.025, 0.085), along) for dx in (0.08, 0.18, 0.28, 0.38)]
    out += [Box(slat, (x + 0.03 - dy * 0.1, 0.55 + dy, z), (1.5, 0.085, 0.022), along) for dy in (0.05, 0.16, 0.27)]
    for dz in (-0.62, 0.62):
        out += [Box(iron, (x + dx, 0.22, z + dz), (0.04, 0.44, 0.04)) for dx in (0.06, 0.4)]
        out.append(Box(iron, (x + 0.02, 0.6, z + dz), (0.035, 0.5, 0.04), rotation(0, 0, 6)))
    return out


def lane() -> Scene:
    """Upright picture: the house on the left, a garden wall on the right, and the lane between them."""
    wall = -1.55
    plaster = plain("cream", mottle=0.16)
    roof = bricks(0.24, 0.16, 0.014, axes=(0, 2))
    house = [
        Box(bricks(axes=(2, 1)), (wall - 0.25, 3.0, -5.0), (0.5, 6.0, 9.0)),
        Box(plain("stone", mottle=0.2), (wall - 0.2, 0.22, -5.0), (0.48, 0.44, 9.02), bevel=0.02),
    ]
    farther = [
        Box(plaster, (3.4, 1.6, -14.2), (5.6, 3.2, 3.0)),
        Box(roof, (3.4, 3.9, -13.55), (6.0, 0.12, 2.6), rotation(0, 38)),
        Box(plain("brick", mottle=0.2), (2.3, 4.9, -14.2), (0.55, 1.3, 0.55)),
        Box(plain("navy", 0.4, mottle=0.1), (2.0, 1.0, -12.68), (0.95, 2.0, 0.06)),
    ]
    for x in (0.98, 3.05, 4.1):
        farther.append(Box(plain("white", 0.3), (x, 1.75, -12.68), (0.85, 1.1, 0.06)))
        farther.append(Box(plain("black", 3.5, 0.03, mirror=True), (x, 1.75, -12.65), (0.7, 0.95, 0.06)))
    garden: list[Solid] = [
        Box(bricks(0.28, 0.11, 0.02, axes=(2, 1)), (2.15, 0.5, -6.0), (0.35, 1.0, 9.0)),
        Box(plain("stone", mottle=0.25), (2.15, 1.03, -6.0), (0.45, 0.08, 9.04), bevel=0.02),
    ]
    hedge = [
        Ellipsoid(leaves("leaf", 0.05, 0.40), (2.7, 1.25, z), (0.55, 0.62, 0.8)) for z in (-2.9, -4.1, -5.4, -6.7, -8.2)
    ]
    return Scene(
        solids=[
            Ground(cobbles()),
            Group(house),
            Group(window(wall, 1.75, -2.75)),
            Group(window(wall, 1.75, -7.1)),
            Group(window(wall, 4.2, -2.75)),
            Group(window(wall, 4.2, -4.9)),
            Group(window(wall, 4.2, -7.1)),
            Group(door(wall, -4.9)),
            Group(pot(wall + 0.42, -4.05, 0.17, "red", 1)),
            Group(pot(wall + 0.42, -5.8, 0.19, "pink", 2)),
            Group(pot(1.6, -3.1, 0.2, "yellow", 3)),
            Group(bench(wall + 0.02, -2.7)),
            Group(garden),
            Group(hedge),
            Group(farther),
            Group(tree(3.3, -9.0, 4.4, 4)),
        ],
        lamps=[],
        sky=open_sky,
        ambient=0.35,
        eye=(0.45, 1.5, 2.2),
        target=(0.02, 1.62, -5.0),
        field=52,
        exposure=1.2,
    )

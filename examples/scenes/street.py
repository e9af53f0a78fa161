"""A street after rain, at night: a shop front and street lamps, all of them white LEDs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scenes import noise
from scenes.lane import pot
from scenes.lathe import Lathe, Outline, tube
from scenes.materials import Material, bricks, lamp, mix, picture, plain, scaled, wood
from scenes.solids import Array, Box, Cushion, Ellipsoid, Ground, Ring, Solid, rotation
from scenes.spectra import PAINT, edge, flat
from scenes.tracer import Group, Lamp, Scene


def lettering(text: str, columns: int, rows: int) -> Array:
    """Text as (rows, columns) between 0 (paper) and 1 (ink)."""
    canvas = Image.new("L", (columns, rows), 0)
    font = ImageFont.load_default(rows * 0.72)
    ImageDraw.Draw(canvas).text((columns / 2, rows / 2), text, 255, font, anchor="mm")
    return np.asarray(canvas, dtype=np.float32) / 255


def wet_asphalt() -> Material:
    """Grit, a kerb of paler slabs near the shop, and puddles where the surface is smooth."""

    def paint(p: Array, n: Array) -> Array:
        grit = noise.fractal(p * np.float32(60), 2)
        patch = noise.fractal(p * np.float32(0.9), 3)
        road = PAINT["asphalt"] * (0.35 + 1.0 * grit + 0.5 * (patch - 0.5))[:, None]
        joint = np.maximum(np.abs((p[0] / 0.6) % 1 - 0.5), np.abs((p[2] / 0.6) % 1 - 0.5))
        paving = PAINT["stone"] * ((0.45 + 0.4 * grit) * (1 - 0.6 * noise.smoothstep(0.48, 0.5, joint)))[:, None]
        out = mix(road, paving, noise.smoothstep(-1.62, -1.64, p[2]))
        on = noise.smoothstep(0.5, 0.48, np.abs((p[0] / 2.4) % 1 - 0.5) * 1.9)
        dash = noise.smoothstep(0.06, 0.05, np.abs(p[2] - 0.9)) * on
        return np.clip(mix(out, PAINT["white"] * 0.6, dash * noise.smoothstep(0.3, 0.5, grit + 0.1)), 0, 1)

    def ripple(p: Array) -> Array:
        dry = noise.smoothstep(0.46, 0.60, noise.fractal(scaled(p, 0.8, 1, 1.1), 3))
        return noise.fractal(p * np.float32(9), 2) * np.float32(0.010) * (0.08 + dry)

    return Material(PAINT["asphalt"], paint, 2.6, 0.2, True, bump=ripple)


def goods() -> Material:
    """The lit inside of the shop: shelves of bottles, boxes and jars, as seen through the pane."""
    colours = np.stack(
        [
            PAINT[name]
            for name in (
                "red",
                "orange",
                "lemon",
                "lime",
                "teal",
                "blue",
                "violet",
                "pink",
                "white",
                "straw",
                "terracotta",
                "cream",
            )
        ]
    )

    def glow(p: Array, n: Array) -> Array:
        row = np.floor(p[1] / 0.36)
        fy = p[1] / 0.36 - row
        column = np.floor(p[0] / 0.105 + 0.37 * row)
        fx = p[0] / 0.105 + 0.37 * row - column
        kind = noise.hashed(column.astype(np.int32), row.astype(np.int32))
        pick = (noise.hashed(row.astype(np.int32), column.astype(np.int32) + 9) * 11.99).astype(np.int32)
        tall = 0.35 + 0.45 * kind
        neck = np.where((kind > 0.5) & (fy > tall * 0.68), 0.16, 0.40)
        body = noise.smoothstep(0.0, 0.05, neck - np.abs(fx - 0.5)) * noise.smoothstep(0.0, 0.03, tall - fy)
        body = body * noise.smoothstep(0.06, 0.08, fy)
        label = noise.smoothstep(0.02, 0.0, np.abs(fy - tall * 0.4) - 0.07) * (kind > 0.3)
        round_off = 1 - 1.6 * (fx - 0.5) ** 2
        thing = mix(colours[pick], PAINT["white"], (label * 0.8).astype(np.float32)) * round_off[:, None]
        back = PAINT["cream"] * (0.42 - 0.22 * fy)[:, None]
        shelf = noise.smoothstep(0.07, 0.05, fy)
        out = mix(mix(back, thing, body.astype(np.float32)), PAINT["pine"] * 1.1, shelf.astype(np.float32))
        return out * (0.6 + 0.22 * p[1])[:, None]

    return Material(PAINT["cream"] * 0.5, gloss=1.0, rough=0.03, glow=glow)


def facade() -> Material:
    """Dark plaster whose upper windows are lit here and there."""

    def glow(p: Array, n: Array) -> Array:
        u, v = p[0] / 1.15, p[1] / 1.5
        cu, cv = np.floor(u), np.floor(v)
        lit = noise.hashed(cu.astype(np.int32), cv.astype(np.int32)) > 0.62
        fx, fy = np.abs(u - cu - 0.5), np.abs(v - cv - 0.5)
        pane = (fx < 0.27) & (fy < 0.30) & (fx > 0.012) & (np.abs(fy - 0.1) > 0.01) & lit
        curtain = 0.7 + 0.5 * noise.value(scaled(p, 14, 0.5, 1))
        return PAINT["cream"] * (0.75 * pane * curtain)[:, None]

    return Material(PAINT["stone"] * 0.3, glow=glow)


def car(x: float, z: float) -> list[Solid]:
    """A small hatchback, seen from the side."""
    body = plain("red", 1.2, 0.1, mirror=True)
    glass = plain("black", 2.5, 0.04, mirror=True)
    tyre, hub = plain("black", 0.2, 0.5), plain("silver", 1.5, 0.15, mirror=True)
    out: list[Solid] = [
        Cushion(body, (x, 0.56, z), (3.5, 0.62, 1.55), 0.24),
        Cushion(body, (x - 0.2, 1.0, z), (2.0, 0.86, 1.36), 0.3),
        Cushion(glass, (x - 0.2, 1.05, z), (1.72, 0.52, 1.39), 0.16),
        Box(body, (x - 0.25, 1.05, z), (0.09, 0.6, 1.42), bevel=0.02),
        Box(plain("charcoal", 0.5), (x, 0.36, z), (3.52, 0.1, 1.57), bevel=0.03),
        Ellipsoid(lamp(2.4), (x + 1.66, 0.62, z + 0.55), (0.1, 0.1, 0.17)),
        Ellipsoid(lamp(2.2, edge(606, 0.0, 1.0, 8)), (x - 1.68, 0.68, z + 0.58), (0.09, 0.11, 0.15)),
    ]
    for dx in (-1.08, 1.1):
        out.append(Ring(tyre, (x + dx, 0.31, z + 0.72), 0.235, 0.085))
        out.append(Ellipsoid(hub, (x + dx, 0.31, z + 0.72), (0.19, 0.19, 0.06)))
    return out


def lamp_post(x: float, z: float, height: float) -> list[Solid]:
    iron = plain("charcoal", 0.8, 0.3)
    pole = [(0, 0), (0.11, 0), (0.11, 0.35), (0.06, 0.5), (0.045, height), (0, height)]
    return [
        Lathe(iron, (x, 0, z), Outline(pole, smooth=False)),
        Box(iron, (x + 0.3, height, z), (0.75, 0.06, 0.08), bevel=0.02),
        Box(lamp(9.0), (x + 0.55, height - 0.045, z), (0.38, 0.03, 0.14), casts=False),
    ]


def night(d: Array) -> Array:
    """A dark sky with the town's own glow low down."""
    glow = 0.006 + 0.03 * np.exp(-np.maximum(d[1], 0) / 0.15)
    return (glow[:, None] * PAINT["sky"]).astype(np.float32)


def street() -> Scene:
    """A greengrocer's window across a wet street, with a parked car and two lamps."""
    front = -3.2
    timber = plain("green", 0.6, 0.3, mottle=0.1)
    sign = picture(lettering("GREENGROCER", 880, 96), (PAINT["navy"], flat(1.0)), 4.1, 0.45)
    glowing = picture(lettering("OPEN", 220, 96), (flat(0.02), edge(600, 0.05, 1.0, 10)), 0.5, 0.22, glow=2.6)
    stripes = picture(
        np.tile(np.repeat([0.0, 1.0], 8), 15)[None, :].astype(np.float32),
        (PAINT["white"], PAINT["green"]),
        4.5,
        9,
        axes=(0, 2),
    )
    shop: list[Solid] = [
        Box(bricks(), (0.3, 4.9, front - 0.2), (13.0, 4.0, 0.4)),
        Box(bricks(), (-4.3, 1.5, front - 0.2), (4.2, 3.0, 0.4)),
        Box(bricks(), (4.65, 1.5, front - 0.2), (4.9, 3.0, 0.4)),
        Box(goods(), (-0.55, 1.45, front - 0.18), (2.9, 1.85, 0.05), casts=False),
        Box(timber, (0, 0.27, front + 0.02), (4.4, 0.5, 0.12), bevel=0.02),
        Box(timber, (0, 2.72, front + 0.05), (4.5, 0.62, 0.16), bevel=0.02),
        Box(sign, (0, 2.74, front + 0.14), (4.2, 0.47, 0.02)),
        Box(stripes, (0, 2.2, front + 0.52), (4.5, 0.025, 1.05), rotation(0, 24)),
        Box(goods(), (1.5, 1.35, front - 0.20), (0.8, 1.7, 0.04), casts=False),
        Box(glowing, (-1.55, 1.95, front - 0.08), (0.55, 0.26, 0.02)),
    ]
    for x, wide in ((-2.12, 0.13), (-0.55, 0.06), (1.02, 0.13), (2.1, 0.13)):
        shop += [Box(timber, (x, 1.45, front), (wide, 2.1, 0.14), bevel=0.015)]
    shop.append(Box(timber, (1.56, 0.9, front + 0.02), (0.95, 0.1, 0.1), bevel=0.02))
    crates: list[Solid] = []
    random = np.random.default_rng(5)
    for number, (x, colour) in enumerate(((-1.75, "orange"), (-1.1, "lime"), (-0.45, "crimson"), (0.2, "lemon"))):
        crates.append(Box(wood("oak", "pine", seed=number), (x, 0.42, front + 0.45), (0.6, 0.2, 0.4), rotation(0, 14)))
        crates.append(Box(plain("walnut"), (x, 0.17, front + 0.4), (0.5, 0.34, 0.3)))
        for column in range(6):
            for row in range(4):
                shift = random.uniform(-0.008, 0.008, 3)
                place = (x - 0.235 + 0.094 * column, 0.545 - 0.021 * row, front + 0.31 + 0.09 * row)
                crates.append(Ellipsoid(plain(colour, 0.8, 0.25, mottle=0.15), tuple(np.add(place, shift)), 0.05))
    across = [
        Box(facade(), (-9.5, 5.0, front - 1.5), (6.0, 10.0, 0.5)),
        Box(facade(), (9.8, 4.4, front - 1.0), (6.0, 8.8, 0.5)),
    ]
    heads = ((-2.75, 3.75, -1.9), (4.1, 3.75, -1.9))
    return Scene(
        solids=[
            Ground(wet_asphalt()),
            Box(plain("stone", 0.6, 0.3, mottle=0.2), (0, 0.04, -1.66), (40, 0.1, 0.14), bevel=0.015),
            Group(shop),
            Group(crates),
            Group(across),
            Group(car(3.25, -0.75)),
            Group(lamp_post(heads[0][0] - 0.55, heads[0][2], heads[0][1])),
            Group(lamp_post(heads[1][0] - 0.55, heads[1][2], heads[1][1])),
            Group(pot(2.55, front + 0.4, 0.2, "pink", 8)),
            Lathe(plain("charcoal", 0.6, 0.3), (-2.6, 0, -1.95), tube(0.05, 0.05, 0.9, 0.049)),
        ],
        lamps=[
            *(Lamp((x, y - 0.08, z), 5.2, 0.12, aim=((0, -1, 0.12), 0.25)) for x, y, z in heads),
            Lamp((-0.2, 1.5, front + 0.12), 1.7, sides=((1.5, 0, 0), (0, 0.7, 0))),
            Lamp((0.0, 1.98, front + 0.55), 1.1, sides=((-1.9, 0, 0), (0, 0, -0.2))),
        ],
        sky=night,
        ambient=0.05,
        eye=(-0.5, 1.5, 5.6),
        target=(0.6, 1.72, -3.0),
        field=41,
        exposure=3.4,
    )

"""An office under fluorescent tubes: a desk with work on it, shelves of binders, a plant and a pin board."""

from __future__ import annotations

import numpy as np

from scenes import lathe, noise
from scenes.kitchen import book
from scenes.lathe import Lathe, rod
from scenes.materials import Material, lamp, leaves, mix, patches, picture, plain, tiles, wood
from scenes.solids import Array, Box, Cushion, Ellipsoid, Ring, Solid, rotation
from scenes.spectra import PAINT, flat
from scenes.street import lettering
from scenes.tracer import Group, Lamp, Scene


def page(seed: int, lines: int = 26) -> Array:
    """A typed sheet as (rows, columns): a heading, paragraphs and a chart, 1 where there is ink."""
    random = np.random.default_rng(seed)
    sheet = np.zeros((280, 200), dtype=np.float32)
    sheet[18:26, 24 : int(random.integers(90, 150))] = 0.9
    row = 44
    for line in range(lines):
        end = int(random.integers(80, 150)) if line % 6 == 5 else 176
        for start in range(24, end, 9):
            sheet[row : row + 3, start : start + int(random.integers(4, 9))] = 0.75
        row += 12 if line % 6 == 5 else 7
        if row > 255:
            break
    return sheet


def sheet(x: float, y: float, z: float, turn: Array, seed: int, size: float = 0.21) -> Box:
    """Paper lying on its back (the page on its upper side)."""
    ink = picture(page(seed), (PAINT["white"], PAINT["black"]), size, 1.41 * size)
    return Box(ink, (x, y, z), (size, 1.41 * size, 0.0012), turn, 0.0005)


def binders(x: float, y: float, z: float, width: float, seed: int) -> list[Solid]:
    """A shelf's worth of ring binders and books, spines to the front, one leaning here and there."""
    random = np.random.default_rng(seed)
    names = ("navy", "crimson", "green", "charcoal", "orange", "silver", "teal", "lemon", "white", "violet", "brown")
    out: list[Solid] = []
    left = x
    while left < x + width - 0.07:
        wide = float(random.choice([0.032, 0.045, 0.062, 0.075]))
        tall = float(random.uniform(0.24, 0.32))
        if random.random() < 0.12:
            left += 0.07
            continue
        name = str(random.choice(names))
        lean = float(random.uniform(-5, 0)) if random.random() < 0.15 else 0.0
        middle = (left + wide / 2, y + tall / 2, z)
        out.append(
            Box(plain(name, 0.4, 0.35, mottle=0.1), middle, (wide * 0.97, tall, 0.24), rotation(0, 0, lean), 0.004)
        )
        if wide > 0.04:
            label = plain("white", mottle=0.05)
            out.append(Box(label, (middle[0], middle[1] + 0.2 * tall, z + 0.12), (0.62 * wide, 0.28 * tall, 0.004)))
        left += wide + 0.001
    return out


def screen() -> Material:
    """A monitor that shows a spreadsheet, in the colours of its own backlight."""

    def glow(p: Array, n: Array) -> Array:
        u, v = p[0] / 0.047, p[1] / 0.0165
        cell = noise.hashed(np.floor(u).astype(np.int32), np.floor(v).astype(np.int32))
        fu, fv = u - np.floor(u), v - np.floor(v)
        text = (fv > 0.3) & (fv < 0.68) & (fu < 0.2 + 0.6 * cell) & (fu > 0.12) & (cell > 0.3)
        grid = (fu < 0.03) | (fv < 0.07)
        top = p[1] > 0.125
        out = np.where(grid[:, None], flat(0.55), flat(0.80))
        out = np.where(text[:, None], flat(0.12), out)
        out = np.where(((cell > 0.93) & ~text)[:, None], PAINT["lemon"], out)
        return np.where(top[:, None], PAINT["teal"] * 1.2, out) * np.float32(0.62)

    return Material(flat(0.02), None, 1.0, 0.05, True, glow=glow)


def keyboard() -> Material:
    def paint(p: Array, n: Array) -> Array:
        u, v = p[0] / 0.0195, p[2] / 0.0195
        gap = np.maximum(np.abs(u % 1 - 0.5), np.abs(v % 1 - 0.5))
        return mix(PAINT["silver"] * 1.3, PAINT["charcoal"], noise.smoothstep(0.38, 0.44, gap))

    return Material(PAINT["silver"], paint, 0.2)


def chair(x: float, z: float) -> list[Solid]:
    fabric, steel = plain("navy", mottle=0.35), plain("silver", 1.5, 0.2, mirror=True)
    turn = rotation(205)
    back = np.array([x, 0, z]) + turn @ np.array([0, 0.93, -0.26])
    out: list[Solid] = [
        Cushion(fabric, (x, 0.49, z), (0.5, 0.1, 0.48), 0.045, turn),
        Cushion(fabric, back, (0.46, 0.52, 0.08), 0.038, turn @ rotation(0, -8)),
        Lathe(steel, (x, 0.1, z), rod(0.032, 0.36)),
    ]
    out += [
        Box(plain("charcoal", 0.5), (x, 0.07, z), (0.62, 0.045, 0.05), rotation(36 * k), 0.015) for k in range(0, 5)
    ]
    return out


def desk() -> list[Solid]:
    """The desk top and what stands on it."""
    top = 0.74
    out: list[Solid] = [
        Box(
            wood("oak", "pine", 18, 0.5, 0.25, mirror=True), (0.15, top - 0.018, -0.15), (1.9, 0.036, 0.82), bevel=0.006
        ),
        Box(plain("silver", 0.6), (-0.72, 0.36, -0.15), (0.05, 0.72, 0.7)),
        Box(plain("silver", 0.6), (1.02, 0.36, -0.15), (0.05, 0.72, 0.7)),
        Box(plain("charcoal", 0.4, 0.3), (0.25, top + 0.30, -0.34), (0.62, 0.37, 0.03), rotation(-6), 0.008),
        Box(screen(), (0.2485, top + 0.30, -0.3235), (0.59, 0.34, 0.004), rotation(-6)),
        Box(plain("charcoal", 0.4), (0.255, top + 0.08, -0.37), (0.06, 0.16, 0.03), rotation(-6)),
        Box(plain("charcoal", 0.4), (0.255, top + 0.006, -0.35), (0.24, 0.012, 0.18), rotation(-6), 0.006),
        Box(keyboard(), (0.24, top + 0.008, -0.07), (0.43, 0.016, 0.14), rotation(-3), 0.005),
        Ellipsoid(plain("charcoal", 0.8, 0.2), (0.56, top + 0.012, -0.05), (0.03, 0.022, 0.05)),
        sheet(-0.26, top + 0.002, 0.02, rotation(14, -90), 1),
        sheet(-0.20, top + 0.004, 0.06, rotation(-4, -90), 2),
        Lathe(plain("crimson", 1.0, 0.1, mirror=True), (0.80, top, -0.02), lathe.mug(0.042, 0.095)),
        Ring(plain("crimson", 1.0, 0.1, mirror=True), (0.842, top + 0.05, 0.012), 0.026, 0.006, rotation(-40)),
        Lathe(plain("navy", 0.5), (-0.50, top, -0.26), lathe.mug(0.038, 0.10)),
        Lathe(plain("terracotta", 0.2, mottle=0.25), (0.86, top, -0.36), lathe.tube(0.07, 0.10, 0.14, 0.01)),
    ]
    out += [
        Ellipsoid(leaves("leaf", 0.018, g), (0.86, top + 0.27, -0.36), (r, r, r))
        for r, g in ((0.17, 0.46), (0.145, 0.42), (0.11, 0.36))
    ]
    for k, name in enumerate(("lemon", "crimson", "blue", "pine")):
        out.append(
            Box(
                plain(name, 0.4),
                (-0.515 + 0.012 * k, top + 0.105, -0.262 + 0.008 * (k % 2)),
                (0.007, 0.17, 0.007),
                rotation(30 * k, 5 * (k - 1.5), 6 * (k - 1.5)),
                0.002,
            )
        )
    return [
        *out,
        *book("green", (-0.47, top, 0.05), (0.16, 0.03, 0.22), 82),
        *book("orange", (-0.475, top + 0.03, 0.05), (0.15, 0.024, 0.2), 70),
    ]


def office() -> Scene:
    """A corner of the room, from standing height."""
    paint = plain("white", mottle=0.02)
    back = -1.55
    shelf = wood("oak", "pine", 20, 0.3, 0.4)
    shelves: list[Solid] = [
        Box(shelf, (-1.45, y, back + 0.15), (1.34, 0.025, 0.3)) for y in (0.42, 0.80, 1.18, 1.56, 1.94)
    ]
    shelves += [Box(shelf, (x, 0.98, back + 0.15), (0.025, 1.96, 0.3)) for x in (-2.12, -0.78)]
    shelves.append(Box(shelf, (-1.45, 0.98, back + 0.01), (1.34, 1.96, 0.01)))
    for number, y in enumerate((0.43, 0.81, 1.19, 1.57)):
        shelves += binders(-2.09, y + 0.004, back + 0.17, 1.28, 20 + number)
    pins: list[Solid] = [
        Box(plain("straw", mottle=0.5), (0.35, 1.62, back + 0.02), (1.3, 0.8, 0.03)),
        Box(plain("silver", 0.6), (0.35, 2.03, back + 0.03), (1.36, 0.04, 0.04)),
        Box(plain("silver", 0.6), (0.35, 1.21, back + 0.03), (1.36, 0.04, 0.04)),
    ]
    for k, (x, y) in enumerate(((-0.12, 1.72), (0.14, 1.66))):
        pins.append(sheet(x, y, back + 0.04, rotation(0, 0, (4, -3)[k]), 30 + k))
        pins.append(Ellipsoid(plain("red", 0.8), (x, y + 0.13, back + 0.05), 0.011))
    chart = patches((("crimson", "orange", "lemon", "lime"), ("teal", "sky", "blue", "violet")), 0.3, 0.2, 0.05)
    pins.append(Box(chart, (0.5, 1.78, back + 0.04), (0.3, 0.2, 0.002)))
    notes = (("lemon", 0.42), ("pink", 0.53), ("lime", 0.64))
    pins += [
        Box(plain(name), (x, 1.46, back + 0.04), (0.085, 0.085, 0.002), rotation(0, 0, 9 * x)) for name, x in notes
    ]
    card = Box(plain(flat(0.18)), (0.80, 1.73, back + 0.05), (0.22, 0.3, 0.004), rotation(0, 0, 2), 0.002)
    tubes: list[Solid] = []
    for x in (-0.85, 0.95):
        tubes.append(Box(plain("silver", 0.4), (x, 2.56, -0.35), (0.34, 0.05, 1.5)))
        tubes += [
            Box(lamp(7.0), (x + dx, 2.525, -0.35), (0.05, 0.04, 1.42), bevel=0.02, casts=False) for dx in (-0.08, 0.08)
        ]
    exit_sign = picture(lettering("EXIT", 200, 90), (PAINT["green"], flat(1.0)), 0.34, 0.16, glow=1.1)
    return Scene(
        solids=[
            Box(tiles("silver", 0.5, 0.004, 0.06, 0.5), (0, -0.05, 0), (8, 0.1, 8)),
            Box(paint, (0, 1.35, back - 0.05), (8, 2.7, 0.1)),
            Box(plain("sky", mottle=0.02), (2.25, 1.35, 0), (0.1, 2.7, 8)),
            Box(plain("white", mottle=0.02), (0, 2.65, 0), (8, 0.1, 8), casts=False),
            Group(shelves),
            Group(pins),
            Group(tubes),
            Group(desk()),
            Group(chair(1.02, 0.42)),
            Box(exit_sign, (1.62, 2.12, back + 0.03), (0.36, 0.18, 0.05)),
            card,
        ],
        lamps=[Lamp((x, 2.48, -0.1), 4.2, sides=((0.12, 0, 0), (0, 0, 0.75))) for x in (-0.85, 0.95)],
        sky=lambda d: np.full((d.shape[1], 31), 0.3, dtype=np.float32),
        ambient=0.28,
        eye=(-0.15, 1.62, 2.45),
        target=(-0.12, 1.22, -0.8),
        field=47,
        card=card,
        exposure=0.95,
    )

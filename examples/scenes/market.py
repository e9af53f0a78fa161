"""A market stall in the evening: crates of fruit and vegetables under bare tungsten bulbs."""

from __future__ import annotations

import numpy as np

from scenes import lathe
from scenes.lathe import Lathe, Outline, rod
from scenes.materials import cloth, fruit, lamp, leaves, picture, plain, wood
from scenes.solids import Array, Box, Ellipsoid, Solid, rotation
from scenes.spectra import PAINT, flat
from scenes.street import lettering
from scenes.tracer import Group, Lamp, Scene

_TILT = 24.0


def _lay(x: float, along: float, above: float) -> tuple[float, float, float]:
    """A place on the sloping stall: across it, up its slope, and out of it."""
    a = np.radians(_TILT)
    return (x, float(along * np.sin(a) + above * np.cos(a)), float(-along * np.cos(a) + above * np.sin(a)))


def crate(x: float, along: float, wide: float, deep: float, seed: int) -> list[Solid]:
    """A slatted box, open at the top."""
    slat = wood("oak", "pine", 22, 0.1, 0.6, seed=float(seed))
    turn = rotation(0, _TILT)
    out: list[Solid] = [Box(slat, _lay(x, along, 0.01), (wide, 0.012, deep), turn)]
    for side in (-1, 1):
        for height in (0.035, 0.085):
            out.append(Box(slat, _lay(x + side * wide / 2, along, height), (0.012, 0.04, deep), turn, 0.003))
            out.append(Box(slat, _lay(x, along + side * deep / 2, height), (wide + 0.012, 0.04, 0.012), turn, 0.003))
        posts = [_lay(x + side * wide / 2, along + end * deep / 2, 0.06) for end in (-1, 1)]
        out += [Box(slat, post, (0.026, 0.12, 0.026), turn, 0.003) for post in posts]
    return out


def heap(kind: str, x: float, along: float, wide: float, deep: float, seed: int) -> list[Solid]:
    """Two layers of one fruit in a crate."""
    random = np.random.default_rng(seed)
    radius = {"tomato": 0.04, "orange": 0.043, "lemon": 0.037, "apple": 0.043, "cabbage": 0.066, "plum": 0.03}[kind]
    skins = {
        "tomato": fruit("red", gloss=1.0, rough=0.14),
        "orange": fruit("orange", pores=0.0011, gloss=0.8, rough=0.33),
        "lemon": fruit("lemon", pores=0.001, gloss=0.8, rough=0.32),
        "apple": fruit("lime", "crimson", gloss=0.9, rough=0.2),
        "cabbage": leaves("leaf", 0.03, other="lime"),
        "plum": fruit("aubergine", "violet", gloss=0.5, rough=0.4),
    }
    skin = skins[kind]
    outlines = {"apple": lathe.apple, "lemon": lathe.lemon}
    shape = outlines[kind](radius) if kind in outlines else None
    lean = 180 if kind == "lemon" else 28
    out: list[Solid] = []
    for layer in range(2):
        step = 1.9 * radius
        inset = radius * (1.05 + 0.9 * layer)
        for u in np.arange(-wide / 2 + inset, wide / 2 - 0.8 * radius, step):
            for v in np.arange(-deep / 2 + inset, deep / 2 - 0.8 * radius, step):
                jitter = random.uniform(-0.1, 0.1, 3) * radius
                place = _lay(x + u + jitter[0], along + v + jitter[1], 0.02 + radius * (1 + 1.25 * layer) + jitter[2])
                turn = rotation(*random.uniform(-lean, lean, 3))
                if shape is not None:
                    out.append(Lathe(skin, place, shape, turn))
                else:
                    out.append(Ellipsoid(skin, place, (radius, radius * 0.93, radius), turn))
    return out


def price(text: str, x: float, along: float) -> list[Solid]:
    """A slate on a stick."""
    slate = picture(lettering(text, 220, 130), (PAINT["charcoal"], flat(0.8)), 0.15, 0.09)
    px, py, pz = _lay(x, along, 0.21)
    return [
        Box(slate, (px, py, pz), (0.16, 0.1, 0.008), rotation(0, -6), 0.003),
        Box(plain("pine"), (px, py - 0.09, pz - 0.006), (0.012, 0.14, 0.006)),
    ]


def dusk(d: Array) -> Array:
    return np.full((d.shape[1], 31), 0.04, dtype=np.float32)


def market() -> Scene:
    """Two rows of crates on a slope, price slates and a string of bulbs; a gray card in front."""
    rows: list[Solid | Group] = []
    wide, deep = 0.44, 0.36
    stock = (("tomato", "orange", "cabbage"), ("lemon", "plum", "apple"))
    prices = (("2.80", "1.95", "1.20"), ("0.45", "3.10", "2.40"))
    for row, kinds in enumerate(stock):
        for column, kind in enumerate(kinds):
            x, along = (column - 1) * 0.49, 0.22 + row * 0.42
            seed = 10 * row + column
            rows.append(Group(crate(x, along, wide, deep, seed)))
            rows.append(Group(heap(kind, x, along, wide, deep, seed)))
            rows.append(Group(price(prices[row][column], x + 0.06, along + deep / 2 + 0.01)))
    bulbs: list[Solid] = []
    lamps: list[Lamp] = []
    glass = Outline(
        [
            (0, -0.05),
            (0.016, -0.048),
            (0.03, -0.028),
            (0.033, -0.008),
            (0.026, 0.02),
            (0.014, 0.04),
            (0.013, 0.06),
            (0, 0.06),
        ]
    )
    for x, y, z in ((-0.50, 0.98, -0.35), (0.06, 0.93, -0.35), (0.58, 0.98, -0.35)):
        bulbs.append(Lathe(lamp(14.0), (x, y, z), glass, casts=False))
        bulbs.append(
            Lathe(
                plain("charcoal", 0.6),
                (x, y + 0.055, z),
                rod(0.019, 0.05),
                casts=False,
            )
        )
        bulbs.append(Box(plain("black"), (x, y + 0.4, z), (0.007, 0.6, 0.007), casts=False))
        lamps.append(Lamp((x, y, z), 0.20, 0.05))
    # A fourth bulb, behind the camera, lights the fronts.
    lamps.append(Lamp((0.5, 1.6, 1.5), 1.7, 0.12))
    card = Box(plain(flat(0.18)), (-0.52, 0.075, 0.17), (0.15, 0.15, 0.004), rotation(10, -18), 0.002)
    return Scene(
        solids=[
            Box(cloth("green", weave=400.0), (0, -0.22, 0.14), (2.6, 0.44, 0.62), bevel=0.02),
            Box(plain("white", mottle=0.03), (-0.52, 0.002, 0.2), (0.3, 0.002, 0.3)),
            Box(wood("walnut", "oak", 22, 0.1, 0.6), _lay(0, 0.45, -0.02), (2.2, 0.02, 1.0), rotation(0, _TILT)),
            Box(wood("brown", "walnut", 16, 0.2, 0.5, plank=0.0), (0, 0.8, -1.5), (6, 4, 0.06)),
            *rows,
            Group(bulbs),
            Lathe(plain("silver", 1.5, 0.12, mirror=True), (0.50, 0, 0.18), lathe.bowl(0.12, 0.06)),
            Group(
                [
                    Ellipsoid(
                        fruit("red", gloss=1.0, rough=0.14),
                        (0.5 + 0.05 * np.cos(a), 0.055, 0.18 + 0.05 * np.sin(a)),
                        0.031,
                    )
                    for a in (0.3, 2.4, 4.5)
                ]
            ),
            card,
        ],
        lamps=lamps,
        sky=dusk,
        ambient=0.12,
        eye=(-0.05, 0.98, 1.62),
        target=(0.0, 0.36, -0.28),
        field=36,
        card=card,
        exposure=1.25,
    )

"""A kitchen table in the evening: fruit, crockery and books under a table lamp, with a gray card."""

from __future__ import annotations

import numpy as np

from scenes import lathe
from scenes.lathe import Lathe, Outline, rod
from scenes.materials import Material, cloth, fruit, lamp, plain, tiles, wood
from scenes.noise import fractal
from scenes.solids import Array, Box, Ellipsoid, Ring, Solid, rotation
from scenes.spectra import PAINT, flat
from scenes.tracer import Group, Lamp, Scene


def book(colour: str, centre: tuple[float, float, float], size: tuple[float, float, float], yaw: float) -> list[Solid]:
    """A closed book lying flat, spine to the front: two boards, a spine and the block of pages."""
    x, y, z = centre
    wide, thick, deep = size
    turn = rotation(yaw)
    cover = plain(colour, 0.25, 0.4, mottle=0.12)

    def edges(p: Array, n: Array) -> Array:
        sheet = fractal(np.stack([p[0] * 4, p[1] * 900, p[2] * 4]).astype(np.float32), 2)
        return PAINT["ivory"] * (0.62 + 0.5 * sheet)[:, None]

    def at(dx: float, dy: float, dz: float) -> tuple[float, float, float]:
        shift = turn @ np.array([dx, dy, dz], dtype=np.float32)
        return (x + float(shift[0]), y + thick / 2 + float(shift[1]), z + float(shift[2]))

    board = 0.004
    return [
        Box(Material(PAINT["ivory"], edges), at(0, 0, -0.003), (wide - 0.012, thick - board, deep - 0.012), turn),
        Box(cover, at(0, thick / 2 - board / 2, 0), (wide, board, deep), turn, 0.0015),
        Box(cover, at(0, -thick / 2 + board / 2, 0), (wide, board, deep), turn, 0.0015),
        Box(cover, at(0, 0, deep / 2 - board / 2), (wide, thick, board), turn, 0.002),
    ]


def stalk(centre: tuple[float, float, float], lean: float) -> Box:
    return Box(plain("walnut"), centre, (0.004, 0.026, 0.004), rotation(20, 0, lean), 0.002)


def table_lamp(x: float, z: float) -> list[Solid]:
    """A ceramic foot, a brass neck, and a linen shade that the bulb shines through."""
    foot = Outline(
        [
            (0, 0),
            (0.075, 0),
            (0.078, 0.008),
            (0.062, 0.02),
            (0.085, 0.07),
            (0.095, 0.115),
            (0.08, 0.165),
            (0.04, 0.21),
            (0.018, 0.235),
            (0.014, 0.25),
            (0, 0.25),
        ]
    )

    def linen(p: Array, n: Array) -> Array:
        thread = fractal(np.stack([np.arctan2(p[0], p[2]) * 60, p[1] * 60, p[1] * 0]).astype(np.float32), 3)
        # Nearest the bulb the cloth is brightest.
        level = 0.75 + 2.6 * np.exp(-(((p[1] + 0.015) / 0.07) ** 2))
        return PAINT["ivory"] * (level * (0.86 + 0.28 * thread))[:, None]

    shade = Material(PAINT["ivory"], glow=linen)
    rim = plain("cream", 0.1)
    return [
        Lathe(plain("teal", 1.0, 0.12, mirror=True, mottle=0.16), (x, 0, z), foot),
        Lathe(plain("straw", 1.0, 0.2, mirror=True), (x, 0.24, z), rod(0.011, 0.09)),
        Lathe(shade, (x, 0.30, z), lathe.tube(0.165, 0.115, 0.205), casts=False),
        Lathe(rim, (x, 0.294, z), lathe.tube(0.167, 0.166, 0.007), casts=False),
        Ellipsoid(lamp(30.0), (x, 0.36, z), 0.032, casts=False),
    ]


def kitchen() -> Scene:
    """Fruit in a bowl, a mug, books, a cloth, a sheet of paper and a gray card before a tiled wall."""
    table = Box(wood("walnut", "oak", 30, 0.5, 0.2, plank=0.17, mirror=True), (0, -0.02, 0.1), (2.6, 0.04, 1.5))
    wall = Box(tiles("cream", 0.15, vary=0.07), (0, 0.6, -0.68), (4, 2.2, 0.1))

    bowl_at = (0.10, 0.0, -0.12)
    orange = fruit("orange", pores=0.0011, gloss=0.8, rough=0.34)
    red, green = fruit("crimson", "yellow", gloss=0.9, rough=0.2), fruit("lime", "yellow", gloss=0.8, rough=0.22)
    round_fruit, pear, lemon = lathe.apple(0.042), lathe.pear(0.043), lathe.lemon(0.034)
    peel = fruit("lemon", pores=0.001, gloss=0.8, rough=0.32)
    x, _, z = bowl_at
    heap: list[Solid] = [
        Lathe(plain("blue", 1.0, 0.1, mirror=True, mottle=0.2), bowl_at, lathe.bowl(0.16, 0.085)),
        Ellipsoid(orange, (x - 0.075, 0.085, z + 0.03), 0.044),
        Ellipsoid(orange, (x + 0.015, 0.087, z + 0.075), 0.043),
        Lathe(red, (x + 0.085, 0.09, z + 0.01), round_fruit, rotation(40, 12, -14)),
        Lathe(green, (x - 0.02, 0.092, z - 0.065), round_fruit, rotation(10, -10, 8)),
        Ellipsoid(orange, (x + 0.06, 0.085, z - 0.07), 0.042),
        Lathe(red, (x + 0.0, 0.145, z + 0.01), round_fruit, rotation(200, 14, 12)),
        stalk((x + 0.003, 0.182, z + 0.02), 18),
        stalk((x + 0.094, 0.13, z + 0.02), -20),
    ]
    loose: list[Solid] = [
        Lathe(peel, (-0.20, 0.029, 0.28), lemon, rotation(28, 0, 90)),
        Lathe(peel, (-0.095, 0.029, 0.335), lemon, rotation(-50, 0, 90)),
        Lathe(fruit("lime", "brown", gloss=0.6, rough=0.3), (0.30, 0.041, 0.14), pear, rotation(60, 0, 5)),
        stalk((0.297, 0.105, 0.14), 12),
    ]
    glaze = plain("white", 1.0, 0.08, mirror=True)
    mug_at = (-0.20, 0.0, 0.06)
    mug: list[Solid] = [
        Lathe(glaze, mug_at, lathe.mug(0.043, 0.095)),
        Ring(glaze, (mug_at[0] - 0.046, 0.05, mug_at[2] + 0.018), 0.027, 0.0062, rotation(22)),
        Lathe(plain("walnut", 1.0, 0.05, mirror=True), (mug_at[0], 0.07, mug_at[2]), rod(0.038, 0.008)),
    ]
    books = Group(
        [
            *book("navy", (0.47, 0.0, -0.22), (0.27, 0.042, 0.20), -14),
            *book("crimson", (0.46, 0.042, -0.22), (0.245, 0.032, 0.18), -6),
            *book("green", (0.475, 0.074, -0.23), (0.22, 0.026, 0.165), -20),
        ]
    )
    bottle = Outline(
        [
            (0, 0),
            (0.034, 0),
            (0.037, 0.006),
            (0.037, 0.1),
            (0.037, 0.175),
            (0.03, 0.205),
            (0.0155, 0.235),
            (0.0135, 0.27),
            (0.0135, 0.3),
            (0.016, 0.303),
            (0.016, 0.318),
            (0, 0.318),
        ]
    )
    card = Box(plain(flat(0.18)), (-0.40, 0.079, 0.15), (0.15, 0.155, 0.004), rotation(24, -16), 0.002)
    linen = cloth("white", "crimson", 0.085)
    rest: list[Solid] = [
        Box(linen, (0.24, 0.004, 0.27), (0.40, 0.006, 0.22), rotation(-11), 0.003),
        Box(plain("white", mottle=0.03), (-0.36, 0.0015, 0.235), (0.25, 0.001, 0.30), rotation(18), 0.0005),
        Lathe(plain("moss", 1.0, 0.06, mirror=True), (0.315, 0, -0.34), bottle),
        Lathe(plain("green", 0.4, 0.3), (0.315, 0.302, -0.34), rod(0.0165, 0.017)),
        card,
    ]
    lamp_at = (-0.33, -0.30)

    def ceiling(d: Array) -> Array:
        return np.full((d.shape[1], 31), 0.05, dtype=np.float32) * PAINT["ivory"]

    return Scene(
        solids=[
            table,
            wall,
            Group(table_lamp(*lamp_at)),
            Group(heap),
            Group(loose),
            Group(mug),
            books,
            *rest,
        ],
        lamps=[
            Lamp((lamp_at[0], 0.40, lamp_at[1]), 0.24, 0.075),
            Lamp((0.9, 1.7, 1.5), 3.8, sides=((-0.35, 0, 0.0), (0, 0.25, -0.25))),
        ],
        sky=ceiling,
        ambient=0.10,
        eye=(0.03, 0.47, 1.28),
        target=(0.0, 0.135, -0.05),
        field=36,
        card=card,
        exposure=1.1,
    )

"""A painter's table by a north window: wooden toys, yarn, crayons, a colour chart and a gray card."""

from __future__ import annotations

import numpy as np

from scenes import lathe, noise
from scenes.lathe import Lathe, Outline, rod
from scenes.materials import Material, cloth, patches, picture, plain, wood
from scenes.solids import Array, Box, Cushion, Ellipsoid, Ring, Solid, rotation
from scenes.spectra import PAINT, flat
from scenes.street import lettering
from scenes.tracer import Group, Lamp, Scene

_CHART = (
    ("brown", "terracotta", "sky", "moss", "violet", "teal"),
    ("orange", "blue", "crimson", "aubergine", "lime", "yellow"),
    ("navy", "green", "red", "lemon", "pink", "brick"),
    ("white", "silver", "stone", "gray", "charcoal", "black"),
)


def yarn(colour: str) -> Material:
    """A ball of wool: bands of thread wound one way and another."""

    def strands(p: Array) -> Array:
        size = np.float32(1 / 0.05)
        u, v = p[0] * size, p[1] * size
        first = np.sin(46 * (0.8 * u + 0.6 * v))
        second = np.sin(46 * (0.5 * u - 0.8 * p[2] * size))
        third = np.sin(46 * (0.7 * v + 0.7 * p[2] * size))
        which = noise.value(p * size * np.float32(1.3))
        return np.where(which < 0.4, first, np.where(which < 0.6, second, third)).astype(np.float32)

    def paint(p: Array, n: Array) -> Array:
        fibre = noise.fractal(p * np.float32(420), 2)
        return np.clip(PAINT[colour] * (0.72 + 0.22 * strands(p) + 0.5 * (fibre - 0.5))[:, None], 0, 1)

    return Material(PAINT[colour], paint, bump=lambda p: strands(p) * np.float32(0.0006))


def crayon(colour: str, x: float, z: float, yaw: float) -> list[Solid]:
    body = Outline([(0, -0.04), (0.0055, -0.04), (0.0055, 0.032), (0.0018, 0.045), (0, 0.0455)], False)
    wrap = Outline([(0, -0.03), (0.006, -0.03), (0.006, 0.024), (0, 0.024)], False)
    turn = rotation(yaw) @ rotation(0, 90)
    return [
        Lathe(plain(colour, 0.5, 0.35), (x, 0.006, z), body, turn),
        Lathe(plain((0.6 * PAINT[colour] + 0.25).astype(np.float32), 0.1), (x, 0.006, z), wrap, turn),
    ]


def studio() -> Scene:
    """Everything on a pale linen cloth, the chart and the card standing at the back."""
    turn = rotation(-9, -10)
    chart = Box(patches(_CHART, 0.27, 0.18), (0.155, 0.135, -0.14), (0.285, 0.195, 0.006), turn, 0.002)
    card = Box(plain(flat(0.18)), (-0.055, 0.079, -0.12), (0.12, 0.155, 0.004), rotation(4, -10), 0.002)
    blocks: list[Solid] = []
    letters = (("A", "red", -0.255, 0.03, 12), ("W", "blue", -0.17, 0.02, -8), ("B", "yellow", -0.215, 0.025, 4))
    for number, (letter, colour, x, z, yaw) in enumerate(letters):
        y = 0.033 if number < 2 else 0.098
        ink = picture(lettering(letter, 120, 120), (PAINT["pine"], PAINT[colour]), 0.056, 0.056, gloss=0.3)
        blocks.append(
            Cushion(
                wood("pine", "ivory", 40, 0.3, 0.4, seed=number), (x, y, z), (0.064, 0.064, 0.064), 0.006, rotation(yaw)
            )
        )
        shift = rotation(yaw) @ np.array([0, 0, 0.0322], dtype=np.float32)
        blocks.append(
            Box(ink, (x + float(shift[0]), y, z + float(shift[2])), (0.05, 0.05, 0.0012), rotation(yaw), 0.0004)
        )
    toys: list[Solid] = []
    for colour, y, r in (
        ("red", 0.012, 0.046),
        ("orange", 0.033, 0.040),
        ("lemon", 0.052, 0.034),
        ("green", 0.069, 0.028),
        ("blue", 0.084, 0.022),
    ):
        toys.append(Ring(plain(colour, 0.9, 0.16, mirror=True), (-0.09, y, 0.09), r - 0.010, 0.0105, rotation(0, 90)))
    toys.append(Ellipsoid(plain("crimson", 1.0, 0.12, mirror=True), (-0.09, 0.105, 0.09), 0.016))
    pot = Outline(
        [(0, 0), (0.032, 0), (0.034, 0.004), (0.034, 0.05), (0.036, 0.052), (0.036, 0.064), (0, 0.066)], False
    )
    crayons: list[Solid] = []
    for number, name in enumerate(("red", "lime", "violet", "orange", "teal")):
        crayons += crayon(name, 0.0 + 0.021 * number, 0.16 + 0.007 * (number % 2), -14 + 9 * number)
    wool = [
        Ellipsoid(yarn("pink"), (0.235, 0.047, 0.03), 0.048),
        Ellipsoid(yarn("teal"), (0.16, 0.04, 0.085), 0.041),
        Ellipsoid(yarn("lemon"), (0.255, 0.036, 0.125), 0.037),
    ]
    paints: list[Solid] = []
    for x, z, name in ((0.045, -0.02, "blue"), (0.115, 0.005, "crimson")):
        paints.append(Lathe(plain(name, 1.0, 0.07, mirror=True), (x, 0, z), pot))
        paints.append(
            Lathe(
                plain("white", 0.6, 0.2),
                (x, 0.052, z),
                rod(0.0375, 0.016),
            )
        )
    return Scene(
        solids=[
            Box(cloth("ivory", "sky", 0.21), (0, -0.01, 0.1), (1.6, 0.02, 1.3)),
            Box(plain("silver", mottle=0.05), (0, 0.4, -0.55), (3, 1.2, 0.04)),
            chart,
            Box(plain("charcoal", 0.3), (0.15, 0.022, -0.125), (0.31, 0.044, 0.035), rotation(-9)),
            card,
            Group(blocks),
            Group(toys),
            Group(crayons),
            Group(wool),
            Group(paints),
            Lathe(plain("white", 1.0, 0.08, mirror=True), (-0.205, 0, -0.15), lathe.mug(0.05, 0.11)),
            *[
                Box(
                    wood("oak", "pine", 60),
                    (-0.205 + 0.02 * k, 0.13, -0.15 + 0.012 * k),
                    (0.007, 0.2, 0.007),
                    rotation(0, 5 * k, 8 * k),
                )
                for k in (-1, 0, 1)
            ],
        ],
        lamps=[
            Lamp((-0.7, 0.9, 0.55), 1.75, sides=((-0.25, 0, -0.25), (0, 0.25, -0.2))),
            Lamp((0.6, 1.0, 0.9), 0.7, sides=((-0.2, 0, 0.2), (0, 0.25, -0.2))),
        ],
        sky=lambda d: np.full((d.shape[1], 31), 0.12, dtype=np.float32),
        ambient=0.2,
        eye=(0.02, 0.36, 0.78),
        target=(0.0, 0.052, 0.0),
        field=31,
        card=card,
        exposure=0.8,
    )

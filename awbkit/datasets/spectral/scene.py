"""A scene of 64 x 64 cells, each a mean over its surfaces, their relief and the incident light.

Surfaces occlude each other like fallen leaves, with sizes by the inverse cube, which gives pictures the scale
invariance of natural ones (D. L. Ruderman, "Origins of scaling in natural images", Vision Research 37, 1997; A. B. Lee,
D. Mumford and J. Huang, "Occlusion models for natural images", IJCV 41, 2001). Behind them lie sky and ground, or walls
and a floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.image import THUMBNAIL_SIZE as SIZE
from awbkit.colour.light_map import LightMap
from awbkit.datasets.spectral import reflectances
from awbkit.datasets.spectral.recipe import Recipe
from awbkit.datasets.spread import angular_spread

Floats = NDArray[np.float32]

_COLOURS = 3
"""Range of the main material's share in a scene of one material."""

_AXIS = np.arange(SIZE, dtype=np.float32) + np.float32(0.5)


@dataclass(frozen=True, eq=False)
class Scene:
    """Surfaces, and the fields of light on them.

    Attributes:
        weights: (M, 64, 64), the share of each cell that each surface covers; sums to 1 at most.
        surfaces: (2, M, 81), each surface's two reflectances, 0 to 1.
        texture: (64, 64), 0 to 1: the share of the second reflectance.
        shading: (64, 64), factor for the surfaces' orientation to the light, and their relief.
        gloss: (64, 64), specular reflection, in the light's own colour.
        lights: (L, 64, 64), strength of each light in each cell.
    """

    weights: Floats
    surfaces: NDArray[np.float64]
    texture: Floats
    shading: Floats
    gloss: Floats
    lights: Floats


def expose(scene: Scene, powers: NDArray[np.float64], sensitivity: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Render a scene for a camera (dichromatic reflection, S. A. Shafer 1985), with the RGB of a white in each cell.

    Args:
        scene: The scene.
        powers: (L, 81), spectral power of its lights.
        sensitivity: (81, 3), the camera's spectral sensitivity.

    Returns:
        Two arrays (64, 64, 3): the light from the scene, and the light that falls on it; every light has green 1 at
        full strength.
    """
    responses = powers[:, :, None] * sensitivity
    whites = responses.sum(axis=1, keepdims=True)
    responses, whites = responses / whites[..., 1:2], whites[:, 0] / whites[:, 0, 1:2]
    weights = scene.weights.reshape(len(scene.weights), -1).T
    sensors = np.moveaxis(responses, 0, 1).reshape(len(sensitivity), -1)
    plain, other = (
        (weights @ (surfaces @ sensors).astype(np.float32)).reshape(SIZE, SIZE, -1, 3) for surfaces in scene.surfaces
    )
    matt = plain + scene.texture[..., None, None] * (other - plain)
    reflected, incident = np.zeros((2, SIZE, SIZE, 3), np.float32)
    for index, field in enumerate(scene.lights):
        reflected += field[..., None] * matt[:, :, index]
        incident += field[..., None] * whites[index].astype(np.float32)
    reflected *= scene.shading[..., None]
    return reflected + scene.gloss[..., None] * incident, incident


def illuminant(
    light: Floats, incident: Floats, valid: NDArray[np.bool_], camera: Camera
) -> tuple[NDArray[np.float64], LightMap, float]:
    """The light of the whole scene, that of each cell, and the spread of the cells' lights.

    As for pairs of pictures (`awbkit.datasets.pair`), the light of the whole is the mean of the cells' r/g and b/g,
    weighted by the picture's green; for a grey scene that is the sum of red over the sum of green.

    Args:
        light: (64, 64, 3), the picture.
        incident: (64, 64, 3), RGB of the light in each cell.
        valid: (64, 64), the cells that count.
        camera: The RGB that all of them are in.

    Returns:
        RGB (3,), green = 1; the light of each cell, (64, 64), with the weights as its confidence; and the spread of the
        valid cells, as in :func:`awbkit.datasets.spread.angular_spread`.
    """
    ratio = incident[..., ::2] / incident[..., 1:2]
    weight = np.where(valid, light[..., 1], 0).astype(np.float64)
    red, blue = np.average(ratio.reshape(-1, 2), axis=0, weights=weight.ravel() if weight.any() else None)
    local = np.log(ratio)
    spread = angular_spread(local[valid].astype(np.float64))
    return np.array([red, 1.0, blue]), LightMap.of(local, weight, camera), spread


def scene_of_photograph(rng: np.random.Generator, recipe: Recipe, srgb: Floats, basis: NDArray[np.float64]) -> Scene:
    """Make a scene from a photograph: its pixels become reflectances, with the photograph's own shading.

    Args:
        rng: Random generator.
        recipe: The lights.
        srgb: (64, 64, 3), linear sRGB, 0 to 1.
        basis: (3, 81), :func:`awbkit.datasets.spectral.upsampling.basis`.
    """
    plain = np.ones((SIZE, SIZE), np.float32)
    weights = np.ascontiguousarray(np.moveaxis(srgb, 2, 0))
    return Scene(weights, np.stack([basis, basis]), 0 * plain, plain, 0 * plain, _lights(rng, recipe))


def procedural_scene(rng: np.random.Generator, recipe: Recipe) -> Scene:
    """Draw a scene of likely surfaces of the recipe's setting, most of them of a few dominant colours.

    If the recipe names a material, half to all of the surfaces are of that material, in three of its colours.
    """
    view = str(rng.choice(("wide", "near", "plain"), p=(0.7, 0.27, 0.03)))
    backdrop, behind = _backdrop(rng, recipe, view)
    palette = _palette(rng, recipe)
    leaves = 0 if view == "plain" else int(np.exp(rng.uniform(np.log(5), np.log(90))))
    weights = _coverage(rng, leaves, backdrop, upright=view == "wide")
    owners = np.concatenate([rng.integers(len(palette), size=leaves), len(palette) + np.arange(len(behind))])
    materials = reflectances.draw(rng, palette + behind, float(np.clip(rng.lognormal(-0.15, 0.4), 0.2, 1.6)))
    # Each surface of one material has its own tone.
    surfaces = np.minimum(materials[owners] * np.exp(rng.normal(-0.2, 0.6, (len(owners), 1))), 0.95)
    if recipe.material is not None:
        own = rng.random(len(owners)) < rng.uniform(0.5, 1)
        own[-1] = True
        deepened = float(rng.uniform(0.7, 1.4))
        colours = reflectances.draw(rng, [recipe.material] * _COLOURS, deepened)
        colours = colours[rng.integers(_COLOURS, size=len(owners))]
        tones = np.exp(rng.normal(-0.2, 0.5, (len(owners), 1)))
        surfaces = np.where(own[:, None], np.clip(colours * tones, 0.005, 0.95), surfaces)
    # Most textures are darker and more saturated, as by a thicker layer; some show another material.
    mixed = rng.random((len(owners), 1)) < 0.25
    others = np.where(mixed, materials[rng.permutation(owners)], surfaces ** rng.uniform(1, 2.2, (len(owners), 1)))
    texture = np.clip(rng.uniform(0.1, 0.6) + 0.5 * _noise(rng, 0.8), 0, 1)
    # Tilted about either axis, and rough.
    turn = np.stack([*rng.normal(0, 0.3, (2, len(owners))), rng.exponential(0.18, len(owners))]).astype(np.float32)
    down, across, rough = (turn @ weights.reshape(len(weights), -1)).reshape(3, SIZE, SIZE)
    ramp = (_AXIS - SIZE / 2) / (SIZE / 2)
    relief = down * ramp[:, None] + across * ramp + rough * _noise(rng, 0.4)
    shading = np.exp(np.minimum(relief, 0.7))
    return Scene(weights, np.stack([surfaces, others]), texture, shading, _gloss(rng, recipe), _lights(rng, recipe))


def _palette(rng: np.random.Generator, recipe: Recipe) -> list[str]:
    """Draw the families of the visible surfaces; a few dominate."""
    if recipe.is_outdoors:
        likely = {"foliage": 0.28, "earth": 0.28, "grey": 0.22, "pigment": 0.17, "white": 0.05}
    else:
        likely = {"pigment": 0.38, "earth": 0.26, "grey": 0.18, "white": 0.1, "skin": 0.05, "foliage": 0.03}
    shares = rng.dirichlet(6 * np.array(list(likely.values())))
    return [str(family) for family in rng.choice(list(likely), size=int(rng.integers(5, 24)), p=shares)]


def _backdrop(rng: np.random.Generator, recipe: Recipe, view: str) -> tuple[Floats, list[str]]:
    """Coverage (B, 64, 64) of the backdrop's layers, front first, the last everywhere; and their families."""
    if view != "wide":
        near = "foliage" if recipe.is_outdoors else "white"
        family = rng.choice(("grey", "earth", "pigment", near), p=(0.4, 0.2, 0.2, 0.2))
        return np.ones((1, SIZE, SIZE), np.float32), [str(family)]
    horizon = rng.uniform(0.3, 0.75) * SIZE
    tilt = rng.normal(0, 0.04)
    below = np.clip(_AXIS[:, None] - horizon - tilt * (_AXIS - SIZE / 2), 0, 1)
    everywhere = np.ones((SIZE, SIZE))
    if recipe.is_outdoors:
        skyline = _AXIS[:, None] - horizon + rng.uniform(1, 8) * np.maximum(_noise(rng, 1.4)[:1], -0.5) + 2
        sky = {"sun": "blue sky", "shade": "blue sky", "overcast": "overcast sky", "dusk": "blue sky"}
        behind = sky.get(recipe.setting, "grey")
        ground = str(rng.choice(("grey", "earth", "foliage"), p=(0.45, 0.3, 0.25)))
        middle = str(rng.choice(("foliage", "grey", "earth", "pigment"), p=(0.4, 0.25, 0.25, 0.1)))
        return np.stack([below, np.clip(skyline, 0, 1), everywhere]).astype(np.float32), [ground, middle, behind]
    corner = rng.uniform(0, 1) * SIZE
    left = np.clip(corner - _AXIS, 0, 1)[None, :] * everywhere
    wall = str(rng.choice(("white", "grey", "pigment", "earth"), p=(0.4, 0.25, 0.2, 0.15)))
    floor = str(rng.choice(("earth", "grey", "pigment"), p=(0.5, 0.3, 0.2)))
    return np.stack([below, left, everywhere]).astype(np.float32), [floor, wall, wall]


def _coverage(rng: np.random.Generator, count: int, backdrop: Floats, *, upright: bool) -> Floats:
    """Visible share of the leaves, front to back, and of the backdrop: (count + B, 64, 64), summing to 1.

    Args:
        rng: Random generator.
        count: Number of leaves: ellipses and boxes, with partial coverage at their edges.
        backdrop: (B, 64, 64), coverage of the layers behind.
        upright: Whether most leaves are upright, and nearer the ground than the sky.
    """
    smallest, largest = 1.4, rng.uniform(0.2, 0.5) * SIZE
    radius = smallest / np.sqrt(1 - rng.random(count) * (1 - (smallest / largest) ** 2))
    aspect = np.exp(rng.normal(0, 0.45, count))
    angle = np.where(rng.random(count) < (0.8 if upright else 0.4), 0.0, rng.uniform(0, np.pi, count))
    rows = rng.normal(0.62, 0.22, count) if upright else rng.random(count)
    shapes = np.stack([radius * aspect, radius / aspect, np.cos(angle), np.sin(angle), SIZE * rows])
    columns, boxes = rng.uniform(0, SIZE, count), rng.random(count) < rng.choice((0.2, 0.5, 0.8))
    weights = np.zeros((count + len(backdrop), SIZE, SIZE), np.float32)
    through = np.ones((SIZE, SIZE), np.float32)
    for index in range(count):
        wide, high, cosine, sine, row = shapes[:, index].tolist()
        column = float(columns[index])
        reach = np.hypot(wide, high) + 1
        top, left = max(int(row - reach), 0), max(int(column - reach), 0)
        window = (slice(top, max(int(row + reach) + 1, 0)), slice(left, max(int(column + reach) + 1, 0)))
        down, across = _AXIS[window[0], None] - np.float32(row), _AXIS[window[1]] - np.float32(column)
        u, v = cosine * across + sine * down, cosine * down - sine * across
        if boxes[index]:
            outside = np.maximum(np.abs(u) - wide, np.abs(v) - high)
        else:
            outside = (np.sqrt((u / wide) ** 2 + (v / high) ** 2) - 1) * min(wide, high)
        cover = np.clip(0.5 - outside, 0, 1) * through[window]
        weights[index][window] = cover
        through[window] -= cover
    for index, layer in enumerate(backdrop, count):
        weights[index] = layer * through
        through = through - weights[index]
    return weights


def _gloss(rng: np.random.Generator, recipe: Recipe) -> Floats:
    """Draw a few highlights, most of them small, some beyond the white level; fewer outdoors."""
    gloss = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(int(rng.poisson(0.5 if recipe.is_outdoors else 1.5))):
        row, column = rng.uniform(0, SIZE, 2)
        radius, strength = np.exp(rng.uniform(-0.7, 0.9)), np.exp(rng.uniform(-3, 1))
        down = np.exp(-(((_AXIS - row) / radius) ** 2) / 2)
        across = np.exp(-(((_AXIS - column) / radius) ** 2) / 2)
        gloss += (strength * down[:, None] * across).astype(np.float32)
    return gloss


def _lights(rng: np.random.Generator, recipe: Recipe) -> Floats:
    """Draw the strength (L, 64, 64) of each light in each cell.

    By day the first light is the sun, whose shadows have soft edges and are filled by skylight. Lamps fall off with
    distance; a further one often reaches a part of the scene only, as through a door or from under a shade.
    """
    count = len(recipe.lights)
    fields = np.empty((count, SIZE, SIZE), np.float32)
    for index, light in enumerate(fields):
        if recipe.is_outdoors and recipe.setting != "night":
            light[...] = (
                _sunlight(rng, count) if index == 0 else np.exp(rng.uniform(-2.3, -0.4)) * _unevenness(rng, 0.15)
            )
            continue
        row, column = rng.uniform(-0.5 * SIZE, 1.5 * SIZE, 2)
        height = rng.uniform(0.25, 1.0) * SIZE
        away = ((_AXIS - row) ** 2)[:, None] + (_AXIS - column) ** 2
        light[...] = (0.03 + 1 / (1 + away / height**2)) * _unevenness(rng, 0.25)
        if index:
            # A second light of a much lower strength would have no effect.
            light *= np.exp(rng.uniform(-1, 0.7)) * fields[0].mean() / light.mean() * _reach(rng)
    return fields


def _sunlight(rng: np.random.Generator, lights: int) -> Floats:
    """Draw sun and shadow; shadows get some of this light by reflection from other surfaces."""
    open_sky, least = (rng.normal(0.4, 0.8), rng.uniform(0.1, 1)) if lights == 1 else (rng.normal(0.1, 0.5), 0.05)
    lit = 1 / (1 + np.exp(-rng.uniform(2, 15) * (_noise(rng, 1.4) + open_sky)))
    return np.asarray(least + (1 - least) * lit, dtype=np.float32)


def _reach(rng: np.random.Generator) -> Floats:
    """Draw the reach of a light, 0.1 to 1: one side of a soft edge across the scene."""
    angle = rng.uniform(0, 2 * np.pi)
    along = np.sin(angle) * (_AXIS - SIZE / 2)[:, None] + np.cos(angle) * (_AXIS - SIZE / 2)
    side = 1 / (1 + np.exp(-rng.uniform(0.05, 1) * (along + rng.uniform(-0.2, 0.2) * SIZE)))
    return np.asarray(0.1 + 0.9 * side, dtype=np.float32)


def _unevenness(rng: np.random.Generator, amount: float) -> Floats:
    """Draw a smooth field of brightness (64, 64), lognormal with this standard deviation."""
    return np.asarray(np.exp(amount * _noise(rng, 1.4)), dtype=np.float32)


def _noise(rng: np.random.Generator, slope: float) -> Floats:
    """Draw Gaussian noise (64, 64), mean 0, variance 1, whose amplitude falls with frequency to the power ``slope``."""
    falloff = _falloff(slope)
    spectrum = rng.standard_normal((2, *falloff.shape), dtype=np.float32) * falloff
    field = np.fft.irfft2(spectrum[0] + 1j * spectrum[1])[:SIZE, :SIZE]
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


@cache
def _falloff(slope: float) -> Floats:
    # Larger than the scene, because the noise is periodic.
    rows, columns = np.fft.fftfreq(SIZE * 3 // 2)[:, None], np.fft.rfftfreq(SIZE * 3 // 2)
    radius = np.hypot(rows, columns)
    radius[0, 0] = np.inf
    return np.asarray(radius**-slope, dtype=np.float32)

"""Scenes, and how a camera's rays are answered in them.

Every picture has light of one spectrum only, so what is traced is a *factor* for each of the 31 bands: how much of
the light at that wavelength arrives. The light's power and the sensor's sensitivities come in at the very end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenes.materials import Material
from scenes.solids import FAR, Array, Solid, dot

# Light from all round varies slowly with wavelength: every fifth band carries it, and the rest are interpolated.
KNOTS = np.arange(0, 31, 5)
SPREAD = np.stack([np.interp(np.arange(31), KNOTS, row) for row in np.eye(7)]).astype(np.float32)


@dataclass(frozen=True)
class Lamp:
    """A round or rectangular source that throws light and soft shadows.

    Attributes:
        centre: World position of its middle.
        power: Irradiance at a distance of 1, facing it.
        radius: Of a ball; ignored where ``sides`` is given.
        sides: Two half-edges of a panel, which shines to the side that their cross product points to.
        aim: Unit direction of a cone of light, with the cosine of its half angle.
    """

    centre: tuple[float, float, float]
    power: float
    radius: float = 0.05
    sides: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    aim: tuple[tuple[float, float, float], float] | None = None

    @property
    def extent(self) -> float:
        """Half its width."""
        if self.sides is None:
            return self.radius
        return float(np.mean([np.linalg.norm(side) for side in self.sides]))

    def sample(self, p: Array, square: Array) -> tuple[Array, Array, Array]:
        """Towards a random point of the source: unit direction (3, N), distance (N,), irradiance facing it (N,)."""
        centre = np.asarray(self.centre, dtype=np.float32).reshape(3, 1)
        facing: Array | float = 1.0
        if self.sides is not None:
            u, v = (np.asarray(side, dtype=np.float32).reshape(3, 1) for side in self.sides)
            to = centre + u * (2 * square[0] - 1) + v * (2 * square[1] - 1) - p
        else:
            # A point in the ball stands for a point on its disc: soft shadows look the same.
            z, phi = 2 * square[0] - 1, 2 * np.pi * square[1]
            ring = np.sqrt(np.maximum(1 - z * z, 0))
            ball = np.stack([ring * np.cos(phi), z, ring * np.sin(phi)]).astype(np.float32)
            to = centre + ball * np.float32(self.radius) - p
        distance = np.sqrt(dot(to, to))
        d = to / distance
        if self.sides is not None:
            across = np.cross(np.asarray(self.sides[0]), np.asarray(self.sides[1]))
            axis = (across / np.linalg.norm(across)).astype(np.float32).reshape(3, 1)
            facing = np.maximum(-dot(d, axis), 0)
        if self.aim is not None:
            axis = np.asarray(self.aim[0], dtype=np.float32).reshape(3, 1)
            cosine = -dot(d, axis) / np.float32(np.linalg.norm(axis))
            facing = facing * np.clip((cosine - self.aim[1]) / (1 - self.aim[1]) * 1.8, 0, 1)
        return d, distance, (self.power * facing / (distance * distance)).astype(np.float32)


@dataclass(frozen=True)
class Group:
    """Solids that stand together, passed over at once by rays that miss the sphere around them."""

    members: Sequence[Solid]


@dataclass
class Node:
    """A sphere and what lies in it: further spheres, or the indices of a few solids."""

    centre: Array
    reach: np.float32
    parts: list[Node]
    solids: list[int]


def tree(solids: Sequence[Solid], indices: list[int], few: int = 3) -> Node:
    """Halve the solids along the axis on which they lie farthest apart, until few are left."""
    places = np.hstack([solids[index].centre for index in indices])
    centre = ((places.min(1) + places.max(1)) / 2).reshape(3, 1)
    away = np.sqrt(((places - centre) ** 2).sum(0)) + [float(solids[index].reach) for index in indices]
    node = Node(centre, np.float32(away.max()), [], indices)
    if len(indices) > few:
        order = [indices[at] for at in np.argsort(places[int(np.ptp(places, axis=1).argmax())], kind="stable")]
        middle = len(order) // 2
        node.parts, node.solids = [tree(solids, order[:middle], few), tree(solids, order[middle:], few)], []
    return node


Sky = Callable[[Array], Array]


@dataclass
class Scene:
    """What is there to be seen.

    Attributes:
        solids: Everything, in groups or alone.
        lamps: The sources that are sampled for shadows.
        sky: Factor, (N, 31), seen along unit directions (3, N) that hit nothing.
        ambient: Irradiance that bounced light is given in place of further bounces.
        eye, target, field: The camera: its place, what it looks at, and its vertical field of view in degrees.
        card: The gray card, if any: its mask is returned with the picture.
        exposure: Factor that makes the picture's diffuse white, by eye.
    """

    solids: Sequence[Solid | Group]
    lamps: Sequence[Lamp]
    sky: Sky
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    field: float
    ambient: float = 0.1
    card: Solid | None = None
    exposure: float = 1.0

    def __post_init__(self) -> None:
        self.flat: list[Solid] = []
        self.alone: list[int] = []
        self.groups: list[Node] = []
        for item in self.solids:
            first = len(self.flat)
            if isinstance(item, Group):
                self.flat.extend(item.members)
                self.groups.append(tree(self.flat, list(range(first, len(self.flat)))))
            else:
                self.flat.append(item)
                self.alone.append(first)
        self.materials: list[Material] = [solid.material for solid in self.flat]
        self.means = np.stack([material.mean[KNOTS] for material in self.materials])

    def rays(self, x: Array, y: Array, aspect: float) -> Array:
        """Unit directions through points of the picture, x and y from -1 (left, bottom) to 1."""
        forward = np.subtract(self.target, self.eye)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right = right / np.linalg.norm(right)
        up = np.cross(right, forward)
        half = np.tan(np.radians(self.field) / 2)
        d = forward[:, None] + np.outer(right, x * half * aspect) + np.outer(up, y * half)
        return (d / np.sqrt(dot(d, d))).astype(np.float32)

    def cast(self, o: Array, d: Array, limit: Array | None = None) -> tuple[Array, NDArray[np.int16]]:
        """Distance and index in `flat` of the first hit; index -1 where there is none.

        With ``limit``, this is a shadow test: only hits nearer than it count, and shapes that cast none are skipped.
        """
        best = np.full(d.shape[1], FAR) if limit is None else limit.copy()
        who = np.full(d.shape[1], -1, dtype=np.int16)
        for index in self.alone:
            self._try(index, o, d, best, who, limit is not None)
        for group in self.groups:
            self._descend(group, o, d, best, who, limit is not None)
        return best, who

    def _descend(self, node: Node, o: Array, d: Array, best: Array, who: NDArray[np.int16], shadow: bool) -> None:
        near = _within(o, d, node.centre, node.reach, best)
        if not near.size:
            return
        o, d = np.take(o, near, axis=1), np.take(d, near, axis=1)
        nearest, owner = best[near], who[near]
        for part in node.parts:
            self._descend(part, o, d, nearest, owner, shadow)
        for index in node.solids:
            self._try(index, o, d, nearest, owner, shadow)
        best[near], who[near] = nearest, owner

    def _try(self, index: int, o: Array, d: Array, best: Array, who: NDArray[np.int16], shadow: bool) -> None:
        solid = self.flat[index]
        if shadow and not solid.casts:
            return
        near = np.arange(d.shape[1]) if np.isinf(solid.reach) else _within(o, d, solid.centre, solid.reach, best)
        if not near.size:
            return
        back = solid.turn.T
        t = solid.meet(back @ (np.take(o, near, axis=1) - solid.centre), back @ np.take(d, near, axis=1))
        closer = t < best[near]
        at = near[closer]
        best[at] = t[closer]
        who[at] = index

    def lit(self, p: Array, n: Array, lamp: Lamp, square: Array) -> tuple[Array, Array, Array]:
        """One sample of a lamp: unit direction (3, N), cosine to the normal, irradiance facing it; 0 in shadow."""
        d, distance, power = lamp.sample(p, square)
        cosine = dot(n, d)
        seen = np.flatnonzero((cosine > 0) & (power > 1e-5))
        strength = np.zeros(p.shape[1], dtype=np.float32)
        if seen.size:
            blocked = self.cast(p[:, seen], d[:, seen], distance[seen] * np.float32(0.999))[1]
            strength[seen] = np.where(blocked < 0, power[seen], 0)
        return d, np.maximum(cosine, 0), strength


def _within(o: Array, d: Array, centre: Array, reach: np.float32, best: Array) -> NDArray[np.intp]:
    to = centre - o
    along = dot(to, d)
    reach2 = reach * reach
    room = along * along - dot(to, to) + reach2
    return np.flatnonzero((room > 0) & (along > -reach) & (along - reach < best))

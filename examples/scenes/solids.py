"""The shapes that scenes are built of. Each meets rays in its own frame: the origin at its centre, y up.

Points and directions are float32 of shape (3, N); a distance of infinity means that the ray passes by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenes.materials import Material

Array = NDArray[np.float32]
FAR = np.float32(np.inf)
NEAR = np.float32(1e-3)


def dot(a: Array, b: Array) -> Array:
    """Of columns; written out, for numpy is slow at summing three rows."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(a: Array) -> Array:
    return a / np.maximum(np.sqrt(dot(a, a)), np.float32(1e-9))


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Array:
    """Degrees about y, then x, then z; local to world."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).astype(np.float32)


class Solid:
    """A shape with a place, an attitude and a material.

    Attributes:
        centre: World position, (3, 1).
        turn: Local-to-world rotation, (3, 3).
        reach: Radius of a sphere about the centre that holds all of the shape.
        casts: Whether it throws shadows; a lamp's own shade does not.
    """

    def __init__(
        self,
        material: Material,
        centre: Sequence[float],
        reach: float,
        turn: Array | None = None,
        casts: bool = True,
    ) -> None:
        self.material = material
        self.centre = np.asarray(centre, dtype=np.float32).reshape(3, 1)
        self.reach = np.float32(reach)
        self.turn = rotation() if turn is None else turn
        self.casts = casts

    def meet(self, o: Array, d: Array) -> Array:
        """Distance along each local ray to the first hit beyond `NEAR`."""
        raise NotImplementedError

    def normal(self, p: Array) -> Array:
        """Outward unit normal at local points of the surface."""
        raise NotImplementedError


class Ellipsoid(Solid):
    """A sphere, or one squeezed along its axes."""

    def __init__(
        self,
        material: Material,
        centre: Sequence[float],
        radii: float | Sequence[float],
        turn: Array | None = None,
        casts: bool = True,
    ) -> None:
        self.radii = np.broadcast_to(np.asarray(radii, dtype=np.float32), (3,)).reshape(3, 1)
        super().__init__(material, centre, float(self.radii.max()), turn, casts)

    def meet(self, o: Array, d: Array) -> Array:
        o, d = o / self.radii, d / self.radii
        a, b, c = dot(d, d), dot(o, d), dot(o, o) - 1
        inside = b * b - a * c
        root = np.sqrt(np.maximum(inside, 0))
        first, second = (-b - root) / a, (-b + root) / a
        holes = self.material.holes
        if holes is None:
            t = np.where(first > NEAR, first, second)
        else:
            # A crown of leaves: where the near side has a gap, the far side shows through it.
            first = np.where(holes((o + d * first) * self.radii), FAR, first)
            second = np.where(holes((o + d * second) * self.radii), FAR, second)
            t = np.where(first > NEAR, first, second)
        return np.where((inside > 0) & (t > NEAR), t, FAR)

    def normal(self, p: Array) -> Array:
        n = p / (self.radii * self.radii)
        return unit(n)


class Box(Solid):
    """A block whose edges are shaded as if bevelled, since no real edge is perfectly sharp."""

    def __init__(
        self,
        material: Material,
        centre: Sequence[float],
        size: Sequence[float],
        turn: Array | None = None,
        bevel: float = 0.004,
        casts: bool = True,
    ) -> None:
        self.half = np.asarray(size, dtype=np.float32).reshape(3, 1) / 2
        self.bevel = np.float32(bevel)
        super().__init__(material, centre, float(np.linalg.norm(self.half)), turn, casts)

    def meet(self, o: Array, d: Array) -> Array:
        inverse = 1 / np.where(np.abs(d) < 1e-9, np.float32(1e-9), d)
        middle, span = -o * inverse, np.abs(inverse) * self.half
        low, high = middle - span, middle + span
        enter = np.maximum(np.maximum(low[0], low[1]), low[2])
        leave = np.minimum(np.minimum(high[0], high[1]), high[2])
        t = np.where(enter > NEAR, enter, leave)
        return np.where((enter < leave) & (t > NEAR), t, FAR)

    def normal(self, p: Array) -> Array:
        depth = self.half - np.abs(p)
        weight = np.clip(1 - (depth - depth.min(0)) / self.bevel, 0, 1)
        n = np.sign(p) * weight * weight
        return unit(n)


class Ground(Solid):
    """An endless plane, y = 0 of its frame."""

    def __init__(self, material: Material, centre: Sequence[float] = (0, 0, 0), turn: Array | None = None) -> None:
        super().__init__(material, centre, np.inf, turn)

    def meet(self, o: Array, d: Array) -> Array:
        t = -o[1] / np.where(np.abs(d[1]) < 1e-9, np.float32(1e-9), d[1])
        return np.where((t > NEAR) & (t < 300), t, FAR)

    def normal(self, p: Array) -> Array:
        n = np.zeros_like(p)
        n[1] = 1
        return n


class Marched(Solid):
    """A shape known by its signed distance, met by sphere tracing (Hart 1996)."""

    steps = 32
    fine = np.float32(4e-4)

    def distance(self, p: Array) -> Array:
        raise NotImplementedError

    def meet(self, o: Array, d: Array) -> Array:
        along = -dot(o, d)
        nearest = dot(o, o) - along * along
        half = np.sqrt(np.maximum(self.reach * self.reach - nearest, 0))
        t = np.maximum(along - half, NEAR)
        end = along + half
        out = np.full(t.shape, FAR)
        live = np.flatnonzero((half > 0) & (t < end))
        t, end = t[live], end[live]
        o, d = o[:, live], d[:, live]
        for _ in range(self.steps):
            if not live.size:
                break
            gap = self.distance(o + d * t)
            hit = gap < self.fine
            if hit.any():
                out[live[hit]] = t[hit]
            t = t + np.maximum(gap, self.fine)
            keep = np.flatnonzero(~hit & (t < end))
            if keep.size < live.size:
                live, t, end = live[keep], t[keep], end[keep]
                o, d = o[:, keep], d[:, keep]
        return out

    def normal(self, p: Array) -> Array:
        n = np.empty_like(p)
        step = np.float32(self.reach * 0.012)
        for axis in range(3):
            shift = np.zeros((3, 1), dtype=np.float32)
            shift[axis] = step
            n[axis] = self.distance(p + shift) - self.distance(p - shift)
        return unit(n)


class Ring(Marched):
    """A torus in its xy plane: mug handles, tyres."""

    def __init__(
        self, material: Material, centre: Sequence[float], radius: float, thick: float, turn: Array | None = None
    ) -> None:
        self.radius, self.thick = np.float32(radius), np.float32(thick)
        super().__init__(material, centre, radius + thick, turn)

    def distance(self, p: Array) -> Array:
        round_axis = np.sqrt(p[0] * p[0] + p[1] * p[1]) - self.radius
        return np.sqrt(round_axis * round_axis + p[2] * p[2]) - self.thick


class Cushion(Marched):
    """A box with truly rounded edges."""

    def __init__(
        self,
        material: Material,
        centre: Sequence[float],
        size: Sequence[float],
        radius: float,
        turn: Array | None = None,
    ) -> None:
        self.radius = np.float32(radius)
        self.half = np.asarray(size, dtype=np.float32).reshape(3, 1) / 2 - self.radius
        super().__init__(material, centre, float(np.linalg.norm(self.half)) + radius, turn)

    def distance(self, p: Array) -> Array:
        q = np.abs(p) - self.half
        outside = np.maximum(q, 0)
        return np.sqrt(dot(outside, outside)) + np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0) - self.radius

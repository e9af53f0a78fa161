"""Filters on pictures: smoothing light without smearing edges, and the glare of a real lens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenes.solids import Array


def smooth(light: Array, shape: tuple[int, int], place: Array, normal: Array, depth: Array, passes: int) -> Array:
    """Average light over neighbours on the same surface, twice as far apart at each pass.

    An edge-avoiding a-trous filter (Dammertz et al. 2010) on light alone, so textures stay sharp.

    Args:
        light: (N,) or (N, K).
        shape: Rows and columns of the grid that the N entries fill.
        place, normal: (3, N) of the surfaces; depth: (N,), their distance from the eye.
    """
    rows, columns = shape
    values = light.reshape(rows, columns, -1)
    p = np.ascontiguousarray(place.T).reshape(rows, columns, 3)
    n = np.ascontiguousarray(normal.T).reshape(rows, columns, 3)
    near = np.where(np.isfinite(depth), depth, 0).reshape(rows, columns)
    for number in range(passes):
        step = 1 << number
        # How far apart neighbours lie depends on distance; leaving the plane by that much means another surface.
        scale = 1 / np.maximum(near * np.float32(2.0 * step / columns), 1e-4)
        total = values.copy()
        weights = np.ones((rows, columns), dtype=np.float32)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            here, there = _overlap(rows, columns, dy * step, dx * step)
            off = np.einsum("ijk,ijk->ij", p[there] - p[here], n[here]) * scale[here]
            same = np.maximum(np.einsum("ijk,ijk->ij", n[there], n[here]), 0)
            same *= same
            same *= same
            same *= same
            weight = same * same * np.exp(-off * off) * np.float32(0.5 if dx and dy else 0.8)
            total[here] += values[there] * weight[..., None]
            weights[here] += weight
        values = total / weights[..., None]
    return values.reshape(light.shape)


def _overlap(rows: int, columns: int, dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    here = (slice(max(-dy, 0), rows - max(dy, 0)), slice(max(-dx, 0), columns - max(dx, 0)))
    there = (slice(max(dy, 0), rows - max(-dy, 0)), slice(max(dx, 0), columns - max(-dx, 0)))
    return here, there


def spread_to_fine(light: Array, shape: tuple[int, int], place: Array, normal: Array, depth: Array) -> Array:
    """From every second row and column to the whole grid, taking from neighbours on the same surface.

    Args:
        light: (N / 4, K) for the pixels at even rows and columns.
        shape, place, normal, depth: Of the fine grid, as in `smooth`.
    """
    rows, columns = shape
    p = np.ascontiguousarray(place.T).reshape(rows, columns, 3)
    n = np.ascontiguousarray(normal.T).reshape(rows, columns, 3)
    near = np.where(np.isfinite(depth), depth, 0).reshape(rows, columns)
    coarse = light.reshape(rows // 2, columns // 2, -1)
    scale = 1 / np.maximum(near * np.float32(3.0 / columns), 1e-4)
    out = np.empty((rows, columns, coarse.shape[2]), dtype=np.float32)
    column = np.arange(columns) // 2
    band = max(2, (1 << 15) // columns)
    for top in range(0, rows, band):
        strip = slice(top, min(top + band, rows))
        row = np.arange(strip.start, strip.stop) // 2
        total = np.zeros((row.size, columns, coarse.shape[2]), dtype=np.float32)
        weights = np.zeros((row.size, columns, 1), dtype=np.float32)
        for dy in (0, 1, -1):
            for dx in (0, 1, -1):
                y = np.clip(row + dy, 0, rows // 2 - 1)
                x = np.clip(column + dx, 0, columns // 2 - 1)
                grid = np.ix_(2 * y, 2 * x)
                off = np.einsum("ijk,ijk->ij", p[grid] - p[strip], n[strip]) * scale[strip]
                same = np.maximum(np.einsum("ijk,ijk->ij", n[grid], n[strip]), 0)
                same *= same
                same *= same
                same *= same
                far = np.float32(1.0 if not (dy or dx) else 0.35)
                weight = ((same * np.exp(-off * off) + np.float32(1e-5)) * far)[..., None]
                total += coarse[np.ix_(y, x)] * weight
                weights += weight
        out[strip] = total / weights
    return out.reshape(rows * columns, -1)


def blur(image: Array, sigma: float) -> Array:
    """A Gaussian blur of (H, W, 3), mirrored at the borders, by the Fourier transform."""
    margin = int(np.ceil(3 * sigma))
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    fy = np.fft.fftfreq(padded.shape[0])[:, None]
    fx = np.fft.rfftfreq(padded.shape[1])[None, :]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (fx * fx + fy * fy))[..., None]
    back = np.fft.irfft2(np.fft.rfft2(padded, axes=(0, 1)) * transfer, s=padded.shape[:2], axes=(0, 1))
    return back[margin : margin + image.shape[0], margin : margin + image.shape[1]].astype(np.float32)


def glare(image: Array, strength: float = 0.06) -> Array:
    """Light scattered in the lens: a halo about whatever is bright, wider the fainter."""
    out = image * np.float32(1 - strength)
    side = max(image.shape[:2])
    for share, width in ((0.5, 0.004), (0.3, 0.015), (0.2, 0.05)):
        out = out + blur(image, side * width) * np.float32(strength * share)
    return np.maximum(out, 0)


def vignette(shape: tuple[int, int], strength: float = 0.22) -> NDArray[np.float32]:
    """Fall-off towards the corners, (H, W, 1): 1 in the middle, 1 - ``strength`` at the corner."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] * shape[0]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :] * shape[1]
    r2 = (x * x + y * y) / np.float32(shape[0] ** 2 + shape[1] ** 2)
    return (1 - strength * r2 ** np.float32(1.3))[..., None].astype(np.float32)

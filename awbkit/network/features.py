"""What the network reads of a picture (experimental superset)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import AwbError
from awbkit.image import LinearImage

Float = NDArray[np.float32]
F = np.float32
SIDE = 64
GRID = GRID_SIDE = 16
GRID_CHANNELS = 5
STATISTICS = 138
_TINY = F(1e-6)


@dataclass(frozen=True, eq=False)
class Features:
    anchor: Float
    statistics: Float
    grid: Float


NAMES: list[str] = []


def _chroma(rgb: Float) -> Float:
    """(..., 3) -> (..., 2)"""
    logs = np.log(np.maximum(rgb, _TINY))
    return logs[..., 0::2] - logs[..., 1:2]


def describe(image: LinearImage, names: list[str] | None = None) -> Features:
    mask = image.valid.reshape(-1)
    count = int(np.count_nonzero(mask))
    if count == 0:
        raise AwbError("no valid pixel: every pixel is clipped, black or masked")
    planes = np.ascontiguousarray(image.pixels.reshape(-1, 3).T)
    whole = count == mask.size
    flat = planes if whole else planes[:, mask]
    flat = flat * (F(1) / flat.mean())
    # the anchor
    p = flat * flat
    p *= p
    first = np.sqrt(np.sqrt(p.mean(axis=1)))
    y = flat * (F(1) / first)[:, None]
    low = y.min(axis=0)
    white = low * low / y.max(axis=0)
    few = -(-count * 3 // 100)
    bright = y[:, white >= np.partition(white, count - few)[count - few]]
    anchor = first * (bright / bright.sum(axis=0)).mean(axis=1)
    anchor /= anchor[1]
    a = _chroma(anchor)

    y = flat * (F(1) / anchor)[:, None]
    s = y.sum(axis=0)
    level = F(1) / s.mean()
    y *= level
    s *= level
    low = y.min(axis=0)
    high = y.max(axis=0)
    white = low * low / high
    logs = np.log(np.maximum(y, _TINY))
    uv = logs[0::2] - logs[1]
    u, v = uv

    def spread(values: Float, fill: float = 0.0) -> Float:
        if whole:
            return values.reshape(*values.shape[:-1], SIDE, SIDE)
        out = np.full((*values.shape[:-1], SIDE * SIDE), F(fill))
        out[..., mask] = values
        return out.reshape(*values.shape[:-1], SIDE, SIDE)

    plane = spread(y)
    lplane = spread(logs)
    valid = image.valid
    # edges
    dx = np.abs(plane[:, :, 1:] - plane[:, :, :-1])
    dy = np.abs(plane[:, 1:] - plane[:, :-1])
    if not whole:
        dx *= valid[:, 1:] & valid[:, :-1]
        dy *= valid[1:] & valid[:-1]
    e1 = dx.sum(axis=(1, 2)) + dy.sum(axis=(1, 2))
    dx *= dx
    dx *= dx
    dy *= dy
    dy *= dy
    e4 = np.sqrt(np.sqrt(dx.sum(axis=(1, 2)) + dy.sum(axis=(1, 2))))
    # local contrast
    around = np.zeros((3, SIDE, SIDE), np.float32)
    around[:, 1:] += lplane[:, :-1]
    around[:, :-1] += lplane[:, 1:]
    around[:, :, 1:] += lplane[:, :, :-1]
    around[:, :, :-1] += lplane[:, :, 1:]
    n = np.zeros((SIDE, SIDE), np.float32)
    fv = valid.astype(np.float32)
    n[1:] += fv[:-1]
    n[:-1] += fv[1:]
    n[:, 1:] += fv[:, :-1]
    n[:, :-1] += fv[:, 1:]
    lap = lplane - around / np.maximum(n, F(1))
    contrast2 = np.abs(lap).sum(axis=0)
    contrast2 *= F(1 / 3)
    colour2 = np.abs(lap[0] - lap[1]) + np.abs(lap[2] - lap[1])
    contrast = contrast2.reshape(-1)[mask]
    colour = colour2.reshape(-1)[mask]
    grey = (colour + F(1e-3)) / (contrast + F(1e-2))

    ss = np.sort(s)
    ws = np.sort(white)
    gs = np.sort(grey)

    def rank(f: float) -> int:
        return max(1, -(-count * int(f * 1000) // 1000))

    masks = [s >= ss[count - rank(f)] for f in (0.01, 0.03, 0.10, 0.30)]
    masks += [s <= ss[rank(f) - 1] for f in (0.02, 0.10)]
    masks += [white >= ws[count - rank(f)] for f in (0.01, 0.03, 0.10)]
    masks += [grey <= gs[rank(f) - 1] for f in (0.01, 0.03)]
    d2 = u * u + v * v
    weights = np.empty((16, count), np.float32)
    weights[:11] = masks
    np.exp(d2 * F(-1 / (2 * 0.1**2)), out=weights[11])
    np.exp(d2 * F(-1 / (2 * 0.25**2)), out=weights[12])
    np.multiply(weights[11], s, out=weights[13])
    np.multiply(contrast, s, out=weights[14])
    weights[15] = s
    mass = weights.sum(axis=1)
    both = np.concatenate([y, uv])
    means = (weights @ both.T) / np.maximum(mass, _TINY)[:, None]  # (16, 5)
    y2 = y * y
    y4 = y2 * y2
    norms = np.stack([
        y.mean(axis=1), np.sqrt(y2.mean(axis=1)), np.sqrt(np.sqrt(y4.mean(axis=1))),
        np.sqrt(np.sqrt(np.sqrt((y4 * y4).mean(axis=1)))), y.max(axis=1),
    ])
    # blocks of 8 x 8 pixels
    sums = plane.reshape(3, 8, 8, 8, 8).sum(axis=(2, 4))
    tops = plane.reshape(3, 4, 16, 4, 16).max(axis=(2, 4)).reshape(3, -1)
    totals = sums.reshape(3, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(3, -1)
    seen = tops[0] > 0
    tops, totals = tops[:, seen], totals[:, seen]
    lsr = totals.sum(axis=1) / (totals / tops).sum(axis=1)
    blocks = sums.reshape(3, -1)
    blocks = blocks[:, blocks[0] > 0]
    bl = np.log(np.maximum(blocks, _TINY))
    bq = np.sort(bl[0::2] - bl[1], axis=1)
    m = bq.shape[1]
    blockq = bq[:, [m // 10, m // 2, (9 * m) // 10]]
    # first principal direction of the darkest and the brightest
    chosen = y[:, masks[1] | masks[4]]
    moment = chosen @ chosen.T
    axis = np.ones(3, np.float32)
    for _ in range(8):
        axis = moment @ axis
        axis /= axis.sum()

    rgbs = np.concatenate([norms, means[:11, :3], np.stack([e1, e4, lsr, axis])])
    stat = _chroma(rgbs)  # (20, 2)
    qs = np.sort(uv, axis=1)[:, [count // 20, count // 4, count // 2, (3 * count) // 4, (19 * count) // 20]]
    strips = plane.reshape(3, 3 + 1, 16, SIDE).sum(axis=(2, 3))
    stripc = _chroma(strips.T)
    mean = uv.mean(axis=1)
    cen = uv - mean[:, None]
    cov = cen @ cen.T / F(count)
    sel = uv[:, masks[3]]
    bc = sel - sel.mean(axis=1)[:, None]
    bcov = bc @ bc.T / F(sel.shape[1])
    sd = np.sqrt(np.diagonal(cov) + F(1e-6))
    bsd = np.sqrt(np.diagonal(bcov) + F(1e-6))
    # sectors of hue
    colourful = d2 > F(0.15**2)
    hi = (u > 0).astype(np.intp) + 2 * (v > 0) + 4 * (np.abs(u) > np.abs(v))
    sect = np.bincount(hi[colourful], minlength=8) / count
    sectb = np.bincount(hi[colourful], s[colourful], minlength=8) / count
    q = lambda a, f: np.log(max(a[min(count - 1, int(f * count))], F(1e-3)))
    shape = [
        ("sd", sd), ("corr", [cov[0, 1] / (sd[0] * sd[1])]), ("bsd", bsd), ("bcorr", [bcov[0, 1] / (bsd[0] * bsd[1])]),
        ("share", [count / SIDE**2]), ("contrast", [contrast.mean(), colour.mean()]),
        ("sq", [q(ss, f) for f in (0.1, 0.5, 0.9, 0.99, 1)]), ("wq", [q(ws, f) for f in (0.5, 0.9, 1)]),
        ("gq", [q(gs, f) for f in (0.01, 0.1)]), ("near", mass[11:13] / F(count)), ("near_s", [mass[13] / count]),
    ]
    groups = [
        ("norms", stat[:5]), ("bright", stat[5:9]), ("dark", stat[9:11]), ("white", stat[11:14]), ("greyest", stat[14:16]),
        ("edges", stat[16:18]), ("lsr", stat[18:19]), ("pca", stat[19:20]), ("set_uv", means[:11, 3:]),
        ("modes", means[11:14, 3:]), ("cw_uv", means[14:15, 3:]), ("s_uv", means[15:16, 3:]), ("cw", _chroma(means[14:15, :3])),
        ("mean", mean[None]), ("blockq", blockq.T), ("quant", qs.T), ("strips", stripc),
        *shape, ("sect", sect), ("sectb", sectb),
    ]
    parts = []
    for name, g in groups:
        g = np.asarray(g, np.float32).reshape(-1)
        parts.append(g)
        if names is not None:
            names += [name] * len(g)
    statistics = np.clip(np.concatenate(parts), -4, 4)

    k = SIDE // GRID
    gp = plane.reshape(3, GRID, k, GRID, k).sum(axis=(2, 4))
    gn = fv.reshape(GRID, k, GRID, k).sum(axis=(1, 3))
    some = gn > 0
    gl = np.log(np.maximum(gp / np.maximum(gn, F(1)), _TINY))
    grid = np.zeros((5, GRID, GRID), np.float32)
    grid[0] = np.clip(gl[0] - gl[1], -1.5, 1.5) * some
    grid[1] = np.clip(gl[2] - gl[1], -1.5, 1.5) * some
    grid[2] = np.clip(gl.mean(axis=0), -4, 3) * some
    grid[3] = np.minimum((contrast2 * fv).reshape(GRID, k, GRID, k).max(axis=(1, 3)), F(2))
    grid[4] = gn / F(k * k)
    return Features(a, statistics, grid)

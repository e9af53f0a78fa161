"""The network in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from awbkit.network.architecture import Architecture
from awbkit.network.features import GRID_SIDE, Features

Float = NDArray[np.float32]
Weights = Mapping[str, Float]

LIMIT = np.float32(4)
"""Normalised statistics are clipped to this, so that nothing runs away where nothing was trained."""

SCALES = {"anchor": np.float32(3), "attended": np.float32(4), "residual": np.float32(0.2)}
"""Inputs and outputs in units that bring them near 1."""

_STRIDE = GRID_SIDE + 2

UNSEEN_LOGIT = np.float32(-1e4)
"""The attention logit of a cell without a valid pixel."""


Note = Callable[[str, Float], None]
"""Receives the name and the outputs of a layer."""


def forward(
    architecture: Architecture,
    weights: Weights,
    features: Features,
    known: bool,
    *,
    note: Note = lambda name, out: None,
) -> tuple[Float, float]:
    """What the network makes of a picture.

    Args:
        architecture: Its dimensions.
        weights: By name, of the shapes that the architecture states.
        features: What it reads.
        known: Whether the anchor means something absolute, because the camera's white is known.
        note: Called with what passes from one layer of an awbnet to the next, and with the logits of its "attention".

    Returns:
        float32 (2,), the light's ln r/g and ln b/g less the anchor's, and the natural logarithm of the expected
        angular error in degrees.
    """
    parts: list[Float] = []
    if architecture.statistics:
        normal = (features.statistics.take(architecture.statistics) - weights["mean"]) / weights["std"]
        parts.append(np.minimum(np.maximum(normal, -LIMIT), LIMIT))
    parts.append(np.append(features.anchor * SCALES["anchor"], np.float32(1)) if known else np.zeros(3, np.float32))
    if architecture.channels:
        branch = _attention_means if architecture.family == "awbnet" else _inverted_residuals
        parts.append(branch(architecture, weights, features.grid, note))
    x = np.concatenate(parts)
    for number, rank in enumerate(architecture.hidden_ranks):
        if rank:
            x = weights[f"hidden.{number}.rank.weight"] @ x
            note(f"hidden.{number}.rank", x)
        x = np.maximum(weights[f"hidden.{number}.weight"] @ x + weights[f"hidden.{number}.bias"], 0)
        note(f"hidden.{number}", x)
    out = weights["output.weight"] @ x + weights["output.bias"]
    return out[:2] * SCALES["residual"], float(out[2])


def _attention_means(architecture: Architecture, weights: Weights, grid: Float, note: Note) -> Float:
    """(2 maps,) means of the cells' log-chroma, by attention."""
    x = np.maximum(_pointwise(weights, "stem", grid.reshape(len(grid), -1)), 0)
    note("stem", x)
    for number, rank in enumerate(architecture.block_ranks):
        x = _depthwise(weights, f"blocks.{number}.depthwise", x)
        note(f"blocks.{number}.depthwise", x)
        if rank:
            x = weights[f"blocks.{number}.pointwise.rank.weight"].reshape(rank, -1) @ x
            note(f"blocks.{number}.pointwise.rank", x)
        x = np.maximum(_pointwise(weights, f"blocks.{number}.pointwise", x), 0)
        note(f"blocks.{number}.pointwise", x)
    logits = weights["attention.weight"].reshape(architecture.maps, -1) @ x
    mask = grid[4].reshape(-1) > 0
    note("attention", logits * mask)
    logits = np.where(mask, logits, UNSEEN_LOGIT)
    attention = np.exp(logits - logits.max(axis=1, keepdims=True))
    pooled = attention @ grid[:2].reshape(2, -1).T
    return np.asarray((pooled / attention.sum(axis=1, keepdims=True)).reshape(-1) * SCALES["attended"])


def _inverted_residuals(architecture: Architecture, weights: Weights, grid: Float, note: Note) -> Float:
    """(channels,) means over the cells of what a stack of inverted residuals finds."""
    mobile = architecture.family == "mobilenet-v3"
    activation, gate = (_hard_swish, _hard_sigmoid) if mobile else (_swish, _sigmoid)
    x = activation(_pointwise(weights, "stem", grid.reshape(len(grid), -1)))
    for number in range(architecture.blocks):
        name = f"blocks.{number}"
        wide = activation(_pointwise(weights, f"{name}.expand", x))
        wide = activation(_depthwise(weights, f"{name}.depthwise", wide))
        squeezed = _pointwise(weights, f"{name}.squeeze", wide.mean(axis=1, keepdims=True))
        squeezed = np.maximum(squeezed, 0) if mobile else _swish(squeezed)
        wide = wide * gate(_pointwise(weights, f"{name}.excite", squeezed))
        x = x + _pointwise(weights, f"{name}.project", wide)
    return np.asarray(x.mean(axis=1))


def _pointwise(weights: Weights, name: str, x: Float) -> Float:
    matrix = weights[f"{name}.weight"]
    return np.asarray(matrix.reshape(matrix.shape[:2]) @ x + weights[f"{name}.bias"][:, None])


def _depthwise(weights: Weights, name: str, x: Float) -> Float:
    """3 x 3, zeros beyond the border; (channels, cells) to the same."""
    kernel = weights[f"{name}.weight"].reshape(-1, 9, 1)
    padded = np.zeros((len(x), GRID_SIDE + 3, _STRIDE), np.float32)
    padded[:, 1 : GRID_SIDE + 1, 1 : GRID_SIDE + 1] = x.reshape(-1, GRID_SIDE, GRID_SIDE)
    lines = padded.reshape(len(x), -1)
    # In rows that are padded too, each of the nine neighbours is the whole plane, shifted: nine contiguous products.
    found = lines[:, : GRID_SIDE * _STRIDE] * kernel[:, 0]
    for place in range(1, 9):
        start = place // 3 * _STRIDE + place % 3
        found += lines[:, start : start + GRID_SIDE * _STRIDE] * kernel[:, place]
    kept = found.reshape(len(x), GRID_SIDE, _STRIDE)[:, :, :GRID_SIDE]
    return np.asarray(kept.reshape(x.shape) + weights[f"{name}.bias"][:, None])


def _sigmoid(x: Float) -> Float:
    return np.asarray(1 / (1 + np.exp(-x)))


def _swish(x: Float) -> Float:
    return np.asarray(x * _sigmoid(x))


def _hard_sigmoid(x: Float) -> Float:
    return np.asarray(np.minimum(np.maximum(x + 3, 0), 6) * np.float32(1 / 6))


def _hard_swish(x: Float) -> Float:
    return np.asarray(x * _hard_sigmoid(x))

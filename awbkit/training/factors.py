"""Linear layers as products of two smaller ones.

A layer's matrix W is replaced by the approximation of a lower rank with the least error in the layer's output, not in
W. With the inputs' covariance C = R R', that is the truncated singular value decomposition of W R, times the inverse of
R; the bias takes up the error at the inputs' mean. P. H. Chen et al. (DRONE: Data-aware low-rank compression for large
NLP models, NeurIPS 2021) use the inputs' second moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from awbkit.network.architecture import Architecture

Float = NDArray[np.float32]
Weights = dict[str, Float]
Matrix = NDArray[np.float64]

_RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class Inputs:
    """Moments of a layer's inputs.

    Attributes:
        mean: (in,).
        covariance: (in, in).
    """

    mean: Matrix
    covariance: Matrix


def layers(architecture: Architecture) -> dict[str, int]:
    """The layers of an awbnet that can be factorised, by name, with their rank; 0 if they are not factorised."""
    blocks = {f"blocks.{place}.pointwise": rank for place, rank in enumerate(architecture.block_ranks)}
    return blocks | {f"hidden.{place}": rank for place, rank in enumerate(architecture.hidden_ranks)}


def layer_matrix(weights: Mapping[str, Float], name: str) -> Float:
    """The matrix (out, in) of a layer; of a factorised layer, the product."""
    second = _flat(weights[f"{name}.weight"])
    first = weights.get(f"{name}.rank.weight")
    return second if first is None else np.asarray(second @ _flat(first))


def spectrum(matrix: Float, covariance: Matrix) -> Matrix:
    """Singular values, descending, of the output of a layer (out, in) for inputs with a covariance (in, in)."""
    return np.asarray(np.linalg.svd(matrix.astype(np.float64) @ _root(covariance), compute_uv=False), dtype=np.float64)


def factors(matrix: Float, covariance: Matrix, rank: int) -> tuple[Float, Float]:
    """Two matrices, (out, rank) and (rank, in), whose product has the least output error against (out, in).

    Args:
        matrix: The layer's matrix.
        covariance: (in, in), of the inputs; with the identity, the product is the nearest matrix.
        rank: From 1 to the least of in and out.
    """
    root = _root(covariance)
    left, values, right = np.linalg.svd(matrix.astype(np.float64) @ root, full_matrices=False)
    # Both factors get the same scale, so that both train at the same rate.
    scale = np.sqrt(values[:rank])
    first = (scale[:, None] * right[:rank]) @ np.linalg.inv(root)
    return (left[:, :rank] * scale).astype(np.float32), first.astype(np.float32)


def greatest_rank(inputs: int, outputs: int) -> int:
    """The greatest rank at which two factors have fewer weights than their product; 0 if there is none."""
    return (inputs * outputs - 1) // (inputs + outputs)


def factorise(
    architecture: Architecture, weights: Mapping[str, Float], inputs: Mapping[str, Inputs], ranks: Mapping[str, int]
) -> tuple[Architecture, Weights]:
    """The network with some of its dense layers as products of two.

    Args:
        architecture: Of an awbnet.
        weights: The network's weights.
        inputs: Moments of the layers' inputs, by layer name.
        ranks: Ranks of the layers to factorise, by name.
    """
    found = dict(weights)
    for name, rank in ranks.items():
        matrix, given = layer_matrix(weights, name), inputs[name]
        second, first = factors(matrix, given.covariance, rank)
        missed = (matrix.astype(np.float64) - second.astype(np.float64) @ first) @ given.mean
        beyond = weights[f"{name}.weight"].shape[2:]
        found[f"{name}.weight"] = second.reshape(*second.shape, *beyond)
        found[f"{name}.rank.weight"] = first.reshape(*first.shape, *beyond)
        found[f"{name}.bias"] = (weights[f"{name}.bias"] + missed).astype(np.float32)
    built = _with_ranks(architecture, ranks)
    return built, {name: found[name] for name in built.shapes()}


def merge(architecture: Architecture, weights: Mapping[str, Float]) -> tuple[Architecture, Weights]:
    """Multiply out each pair of factors that has no fewer weights than its product; the answers stay the same."""
    found = dict(weights)
    ranks: dict[str, int] = {}
    for name, rank in layers(architecture).items():
        matrix = layer_matrix(weights, name)
        if rank > greatest_rank(*matrix.shape):
            found[f"{name}.weight"] = matrix.reshape(*matrix.shape, *weights[f"{name}.weight"].shape[2:])
            ranks[name] = 0
    built = _with_ranks(architecture, ranks)
    return built, {name: found[name] for name in built.shapes()}


def _flat(weight: Float) -> Float:
    """(out, in), of a linear layer or a pointwise convolution."""
    return weight.reshape(weight.shape[:2])


def _root(covariance: Matrix) -> Matrix:
    """A square root (in, in) of a covariance, of full rank: constant inputs must not cause a division by zero."""
    values, vectors = np.linalg.eigh(covariance)
    least = _RIDGE * max(float(values[-1]), 1e-30)
    root: Matrix = vectors * np.sqrt(np.maximum(values, least))
    return root


def _with_ranks(architecture: Architecture, changes: Mapping[str, int]) -> Architecture:
    ranks = {**layers(architecture), **changes}
    count = architecture.blocks
    return replace(architecture, block_ranks=tuple(ranks.values())[:count], hidden_ranks=tuple(ranks.values())[count:])

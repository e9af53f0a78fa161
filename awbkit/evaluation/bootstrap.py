"""How far figures would move with other scenes: the cluster bootstrap.

Scenes are drawn with replacement, each with all its images, because images of one scene err alike and as many new
images of old scenes would prove less. They are drawn within strata, so that every camera keeps its share: the scenes
of one data set that one camera saw alone, camera by camera, and those that several saw, which stay whole. The cameras
are taken as given; the intervals say nothing of other cameras.

Every method meets the same draws, so that differences between methods are paired. Intervals are percentile intervals,
B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. For the maximum they are too short
above: no draw has a worse image than the worst.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.evaluation.result import STATISTICS, Truth
from awbkit.evaluation.statistics import sorted_statistics

_CELLS_AT_ONCE = 1 << 20
"""Rounds times images that are worked on at a time; some 30 MB."""


@dataclass(frozen=True, eq=False)
class Resamples:
    """Draws of scenes, the same whenever they are asked for.

    Attributes:
        scene: (N,) number of each image's scene.
        stratum: (S,) number of each scene's stratum.
        rounds: How many draws.
        seed: Of the random numbers; each round has its own, so that draws do not depend on how many are made at once.
    """

    scene: NDArray[np.intp]
    stratum: NDArray[np.intp]
    rounds: int = 1000
    seed: int = 0

    @classmethod
    def of(cls, truth: Truth, rounds: int = 1000, seed: int = 0) -> Resamples:
        """Draws of the scenes of some images; images in another order get the same."""
        seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        keys = list(zip(truth.datasets, truth.scenes, strict=True))
        for key, camera in zip(keys, truth.cameras, strict=True):
            seen[key].add(camera)
        scenes = sorted(seen)
        kinds = [(key[0], *(seen[key] if len(seen[key]) == 1 else ())) for key in scenes]
        strata = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
        numbers = {key: number for number, key in enumerate(scenes)}
        return cls(
            np.array([numbers[key] for key in keys], dtype=np.intp),
            np.array([strata[kind] for kind in kinds], dtype=np.intp),
            rounds,
            seed,
        )

    def chunks(self) -> Iterator[tuple[slice, NDArray[np.uint16]]]:
        """Some rounds at a time: which, and (R, S) how often each scene was drawn in each."""
        scenes = len(self.stratum)
        order = np.argsort(self.stratum, kind="stable")
        sizes = np.bincount(self.stratum)
        size = sizes[self.stratum[order]]
        start = np.repeat(np.cumsum(sizes) - sizes, sizes)
        step = max(1, _CELLS_AT_ONCE // max(len(self.scene), scenes))
        for begin in range(0, self.rounds, step):
            rounds = range(begin, min(begin + step, self.rounds))
            counts = np.empty((len(rounds), scenes), np.uint16)
            for row, number in enumerate(rounds):
                drawn = start + np.random.default_rng((self.seed, number)).integers(0, size)
                counts[row, order] = np.bincount(drawn, minlength=scenes)
            yield slice(rounds.start, rounds.stop), counts


def resampled_statistics(
    errors: NDArray[np.float64], groups: Sequence[NDArray[np.intp]], resamples: Resamples
) -> NDArray[np.float64]:
    """Every statistic of each group in each round.

    Args:
        errors: (K, N), degrees, none NaN: for each method and metric the errors of all images.
        groups: G times the indices of some images.
        resamples: Of the same images.

    Returns:
        float64 (K, G, 7, rounds); NaN where a draw holds no image of a group.
    """
    found = np.empty((len(errors), len(groups), len(STATISTICS), resamples.rounds))
    orders = [[group[np.argsort(row[group], kind="stable")] for group in groups] for row in errors]
    for rounds, counts in resamples.chunks():
        for number, row in enumerate(errors):
            for place, order in enumerate(orders[number]):
                drawn = sorted_statistics(row[order], counts[:, resamples.scene[order]])
                found[number, place, :, rounds] = drawn.T
    return found


def resampled_means(
    values: NDArray[np.float64], shares: NDArray[np.float64], resamples: Resamples
) -> NDArray[np.float64]:
    """The mean of values over several fuzzy groups in each round.

    Args:
        values: (N,), none NaN.
        shares: (N, G), 0 to 1, how much of each image belongs to each group.
        resamples: Of the same images.

    Returns:
        float64 (G, rounds); NaN where a draw holds no image of a group.
    """
    scenes = len(resamples.stratum)
    sums = np.zeros((2, scenes, shares.shape[1]))
    np.add.at(sums[0], resamples.scene, shares * values[:, None])
    np.add.at(sums[1], resamples.scene, shares)
    found = np.empty((shares.shape[1], resamples.rounds))
    with np.errstate(invalid="ignore"):
        for rounds, counts in resamples.chunks():
            drawn = counts.astype(np.float64)
            found[:, rounds] = ((drawn @ sums[0]) / (drawn @ sums[1])).T
    return found


def interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 95 % percentile interval along the last axis, NaN left out: (..., 2)."""
    known = np.isfinite(values)
    if known.all():
        return np.moveaxis(np.percentile(values, (2.5, 97.5), axis=-1), 0, -1)
    flat = values.reshape(-1, values.shape[-1])
    ends = [
        np.percentile(row[np.isfinite(row)], (2.5, 97.5)) if np.isfinite(row).any() else np.full(2, np.nan)
        for row in flat
    ]
    return np.array(ends).reshape(*values.shape[:-1], 2)

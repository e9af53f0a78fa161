"""Evaluate answers against the truth: errors, summaries, comparisons and calibrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTICS, geometric_mean, statistics
from awbkit.datasets.prepared import Prepared
from awbkit.errors import UsageError
from awbkit.evaluation.angles import recovery_error, reproduction_error
from awbkit.evaluation.bootstrap import Resamples, interval, ratio_interval, resample_statistics
from awbkit.evaluation.calibration import calibrate
from awbkit.evaluation.protocols import NO_FIT
from awbkit.evaluation.result import (
    GEOMETRIC_MEAN,
    GREATEST_ERROR,
    POOLED,
    Comparison,
    Evaluation,
    MethodResult,
    Summary,
    Truth,
    camera_group,
)
from awbkit.evaluation.significance import NO_DIFFERENCE, bootstrap_p, holm, wilcoxon

ROUNDS = 1000


def truth_of(sets: Sequence[Prepared]) -> Truth:
    """Concatenate the labelled images of prepared data sets.

    Raises:
        UsageError: If there is no image, or two sets have the same name.
    """
    names = [prepared.name for prepared in sets]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two data sets are called {twice[0]!r}; rename one of the folders")
    rows = [(prepared.name, row) for prepared in sets for row in prepared.rows]
    if not rows:
        raise UsageError("there are no images to evaluate on")
    lights = np.concatenate([prepared.illuminants for prepared in sets])
    return Truth(
        images=[row.image for _, row in rows],
        datasets=[name for name, _ in rows],
        cameras=[row.camera for _, row in rows],
        scenes=[row.scene for _, row in rows],
        folds=[row.fold for _, row in rows],
        illuminants=lights / np.linalg.norm(lights, axis=1, keepdims=True),
    )


def select(truth: Truth, indices: NDArray[np.intp]) -> Truth:
    """Select images, in the order of ``indices``."""
    columns = ("images", "datasets", "cameras", "scenes", "folds")
    chosen = {name: [getattr(truth, name)[index] for index in indices.tolist()] for name in columns}
    return Truth(**chosen, illuminants=truth.illuminants[indices])


def restrict(result: MethodResult, indices: NDArray[np.intp], truth: Truth) -> MethodResult:
    """One method's answers for some of the images only.

    Args:
        result: The answers for all images.
        indices: The images to keep, ascending.
        truth: These images, as :func:`select` gives them.

    Raises:
        UsageError: If none of them has an estimate.
    """
    place = {int(old): new for new, old in enumerate(indices)}
    failures = {place[old]: why for old, why in result.failures.items() if old in place}
    kept = judge(result.method, result.estimates[indices], result.expected[indices], failures, truth)
    return replace(kept, trained_on=result.trained_on)


def judge(
    method: str,
    estimates: NDArray[np.float64],
    expected: NDArray[np.float64],
    failures: Mapping[int, str],
    truth: Truth,
) -> MethodResult:
    """Compute the errors of one method's answers.

    Args:
        method: The method's name.
        estimates: (N, 3), positive, on any scale; NaN without an estimate.
        expected: (N,) degrees; NaN if none is stated.
        failures: The reason by index of each image without an estimate; missing entries are added.
        truth: The images.

    Raises:
        UsageError: If an estimate is not positive, or there is no estimate.
    """
    known = np.asarray(np.isfinite(estimates).all(axis=1))
    if not known.any():
        reason = next(iter(failures.values()), "no estimate")
        raise UsageError(f"method {method} has no estimate for any image ({reason})")
    if not (estimates[known] > 0).all():
        raise UsageError(f"method {method}: every component of an estimate must be positive")
    unit = np.full((len(truth), 3), np.nan)
    unit[known] = estimates[known] / np.linalg.norm(estimates[known], axis=1, keepdims=True)
    missing = {int(index): failures.get(int(index), "no estimate") for index in np.flatnonzero(~known)}
    answered = np.where(known[:, None], unit, 1.0)
    errors = {
        "recovery": recovery_error(answered, truth.illuminants),
        "reproduction": reproduction_error(answered, truth.illuminants),
    }
    for values in errors.values():
        values[~known] = GREATEST_ERROR
    return MethodResult(method, unit, np.where(known, expected, np.nan), missing, errors)


def evaluate(
    truth: Truth,
    results: Sequence[MethodResult],
    *,
    protocol: str = NO_FIT,
    subset: str = "",
    rounds: int = ROUNDS,
    seed: int = 0,
    facts: Mapping[str, object] | None = None,
) -> Evaluation:
    """Evaluate methods on the same images.

    Args:
        truth: The images, at least one.
        results: One or more methods with distinct names.
        protocol: The sentence of :class:`awbkit.evaluation.protocols.Protocol`.
        subset: What distinguishes the images from the rest of their data sets; for the title.
        rounds: Rounds of the bootstrap, at least 100.
        seed: Seed of the bootstrap.
        facts: Further facts to reproduce the evaluation, such as :func:`dataset_facts`.

    Raises:
        UsageError: If there is no image or no method, two methods have one name, or there are too few rounds.
    """
    from awbkit.version import VERSION

    names = [result.method for result in results]
    if not len(truth) or not names:
        raise UsageError("there is nothing to evaluate: no image or no method")
    if len(set(names)) < len(names):
        twice = max(names, key=names.count)
        raise UsageError(f"two methods are called {twice!r}; rename one, in a file of estimates by its column `method`")
    if rounds < 100:
        raise UsageError(f"a bootstrap of {rounds} rounds is too short; ask for 1000")
    resamples = Resamples.of(truth, rounds, seed)
    groups, cameras = _groups(truth)
    keys = [(result, metric) for result in results for metric in METRICS]
    errors = np.array([result.errors[metric] for result, metric in keys])
    draws = resample_statistics(errors, list(groups.values()), resamples)
    scenes = {group: len(np.unique(resamples.scene[members])) for group, members in groups.items()}
    return Evaluation(
        title=", ".join(dict.fromkeys(truth.datasets)) + (f", only {subset}" if subset else ""),
        protocol=protocol,
        truth=truth,
        methods=list(results),
        summaries=[
            summary
            for (result, metric), drawn in zip(keys, draws, strict=True)
            for summary in _summaries(result, metric, groups, cameras, scenes, drawn)
        ],
        comparisons=[
            comparison
            for at, metric in enumerate(METRICS)
            for place, (group, members) in enumerate(groups.items())
            for comparison in _comparisons(
                results, metric, group, members, resamples.scene, draws[at :: len(METRICS), place, 0]
            )
        ],
        calibrations=[found for result in results if (found := calibrate(result, resamples)) is not None],
        facts={
            "version": VERSION,
            "bootstrap_rounds": rounds,
            "bootstrap_seed": seed,
            "failures": {result.method: len(result.failures) for result in results},
            **({"subset": subset} if subset else {}),
            **(facts or {}),
        },
    )


def dataset_facts(sets: Sequence[Prepared]) -> list[dict[str, Any]]:
    """The origin and content hash of each data set: the fact "datasets" of an evaluation."""
    keys = ("title", "layout", "options", "licence", "citation", "convention", "hash")
    return [{"name": s.name, "images": len(s), **{key: s.info.get(key) for key in keys}} for s in sets]


def _groups(truth: Truth) -> tuple[dict[str, NDArray[np.intp]], list[str]]:
    """The images of each group, and the names of the groups that are cameras."""
    datasets = list(dict.fromkeys(truth.datasets))
    pairs = set(zip(truth.datasets, truth.cameras, strict=True))
    of_set, of_camera = np.array(truth.datasets, dtype=object), np.array(truth.cameras, dtype=object)
    cameras = {
        camera_group(*pair): np.flatnonzero((of_set == pair[0]) & (of_camera == pair[1]))
        for pair in sorted(pairs, key=lambda pair: (datasets.index(pair[0]), pair[1]))
    }
    several = Counter(dataset for dataset, _ in pairs)
    whole = {
        dataset: np.flatnonzero(of_set == dataset) for dataset in datasets if len(datasets) > 1 and several[dataset] > 1
    }
    return {**cameras, **whole, POOLED: np.arange(len(truth))}, list(cameras)


def _summaries(
    result: MethodResult,
    metric: str,
    groups: Mapping[str, NDArray[np.intp]],
    cameras: Sequence[str],
    scenes: Mapping[str, int],
    draws: NDArray[np.float64],
) -> list[Summary]:
    """Summarise one method under one metric; ``draws`` are its statistics (groups, 7, rounds)."""
    rows, figures = [], {}
    for drawn, (group, members) in zip(draws, groups.items(), strict=True):
        figures[group] = np.array(list(statistics(result.errors[metric][members]).values()))
        rows.append((group, group, figures[group], interval(drawn, figures[group], scenes[group])))
    if len(cameras) > 1:
        places = [list(groups).index(camera) for camera in cameras]
        mean = geometric_mean([figures[camera] for camera in cameras])
        known = ratio_interval(geometric_mean(draws[places]), mean, min(scenes[camera] for camera in cameras))
        rows.append((GEOMETRIC_MEAN, POOLED, mean, known))
    return [
        Summary(
            method=result.method,
            group=group,
            metric=metric,
            images=len(groups[basis]),
            scenes=scenes[basis],
            values=dict(zip(STATISTICS, values.tolist(), strict=True)),
            intervals={name: (low, high) for name, (low, high) in zip(STATISTICS, known.tolist(), strict=True)},
        )
        for group, basis, values, known in rows
    ]


def _comparisons(
    results: Sequence[MethodResult],
    metric: str,
    group: str,
    members: NDArray[np.intp],
    scene: NDArray[np.intp],
    means: NDArray[np.float64],
) -> list[Comparison]:
    """Compare all pairs of methods on a group; ``means`` (methods, rounds) are the rounds' mean errors."""
    numbers, place, counts = np.unique(scene[members], return_inverse=True, return_counts=True)
    found: list[Comparison] = []
    for first, second in combinations(range(len(results)), 2):
        by_image = _zero_ties(results[first].errors[metric][members] - results[second].errors[metric][members])
        by_scene = _zero_ties(np.bincount(place, by_image) / counts)
        mean = float(_zero_ties(by_image.mean()))
        drawn = _zero_ties(means[first] - means[second])
        low, high = interval(drawn, mean, len(numbers)).tolist()
        found.append(
            Comparison(
                first=results[first].method,
                second=results[second].method,
                group=group,
                scenes=len(numbers),
                difference=mean,
                interval=(low, high),
                wins=float(np.mean(by_scene < 0) + np.mean(by_scene == 0) / 2),
                p_wilcoxon=wilcoxon(by_scene),
                p_bootstrap=bootstrap_p(mean, drawn, len(numbers)),
                metric=metric,
            )
        )
    return _apply_holm(found)


def _apply_holm(family: Sequence[Comparison]) -> list[Comparison]:
    by_rank = holm([pair.p_wilcoxon for pair in family])
    by_draw = holm([pair.p_bootstrap for pair in family])
    return [
        replace(pair, p_wilcoxon=ranked, p_bootstrap=drawn)
        for pair, ranked, drawn in zip(family, by_rank, by_draw, strict=True)
    ]


def _zero_ties(differences: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.where(np.abs(differences) < NO_DIFFERENCE, 0.0, differences)

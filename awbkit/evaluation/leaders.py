"""The ranking of the methods, for the head of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from awbkit.colour.error_statistics import STATISTICS
from awbkit.evaluation.result import GEOMETRIC_MEAN, POOLED, Comparison, Evaluation, Summary


def groups(evaluation: Evaluation, metric: str | None = None) -> list[str]:
    """Names of the groups with summaries: ``POOLED`` and ``GEOMETRIC_MEAN`` first, then in the evaluation's order."""
    found = dict.fromkeys(s.group for s in evaluation.summaries if metric in (None, s.metric))
    first = [group for group in (POOLED, GEOMETRIC_MEAN) if group in found]
    return first + [group for group in found if group not in first]


def summaries_of(evaluation: Evaluation, metric: str) -> dict[tuple[str, str], Summary]:
    """Summaries of one metric by method and group."""
    return {(s.method, s.group): s for s in evaluation.summaries if s.metric == metric}


def table_figure(summary: Summary, statistic: str) -> float:
    """A figure with the two decimals of the tables, so that equal entries are equally best; inf if unknown."""
    value = summary.values.get(statistic, math.nan)
    return round(value, 2) if math.isfinite(value) else math.inf


def best_figures(rows: Sequence[Summary]) -> dict[str, float]:
    """The least :func:`table_figure` of each statistic; NaN without rows."""
    return {name: min((table_figure(row, name) for row in rows), default=math.nan) for name in STATISTICS}


def ranking(evaluation: Evaluation) -> tuple[str, list[str]]:
    """The group for the ranking, and the methods by their mean recovery error in it, best first.

    The group is the geometric mean over cameras, if there is one, so that all cameras have the same weight; else all
    images pooled. Methods without a figure come last.
    """
    found = summaries_of(evaluation, "recovery")
    names = groups(evaluation, "recovery")
    group = GEOMETRIC_MEAN if GEOMETRIC_MEAN in names else POOLED

    def key(method: str) -> float:
        mean = found[method, group].values.get("mean", math.nan) if (method, group) in found else math.nan
        return mean if math.isfinite(mean) else math.inf

    return group, sorted((result.method for result in evaluation.methods), key=key)


def pairs_of(evaluation: Evaluation, group: str, metric: str = "recovery") -> dict[tuple[str, str], Comparison]:
    """The comparisons on one group under one metric by pair of methods, in both orders.

    Differences of a reversed pair change sign.
    """
    pairs = {}
    for each in evaluation.comparisons:
        if (each.group, each.metric) == (group, metric):
            low, high = each.interval
            pairs[each.first, each.second] = each
            pairs[each.second, each.first] = replace(
                each,
                first=each.second,
                second=each.first,
                difference=-each.difference,
                interval=(-high, -low),
                wins=1 - each.wins,
            )
    return pairs


def comparison_group(evaluation: Evaluation) -> str:
    """The group whose comparisons a report shows: that of the ranking, or else all images."""
    chosen, _ = ranking(evaluation)
    present = {comparison.group for comparison in evaluation.comparisons}
    return next((group for group in (chosen, POOLED) if group in present), evaluation.comparisons[0].group)


def ordered_pairs(evaluation: Evaluation, group: str, metric: str = "recovery") -> list[Comparison]:
    """Every pair of methods on one group once, the better first, by the ranking."""
    pairs, (_, order) = pairs_of(evaluation, group, metric), ranking(evaluation)
    found = [
        pairs[first, second]
        for place, first in enumerate(order)
        for second in order[place + 1 :]
        if (first, second) in pairs
    ]
    return [pairs[pair.second, pair.first] if pair.difference > 0 else pair for pair in found]

"""The common terms of all reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

from awbkit.evaluation.result import MethodResult, Truth

STATISTIC_TITLES = {
    "mean": "mean",
    "median": "median",
    "trimean": "trimean",
    "best25": "best 25 %",
    "worst25": "worst 25 %",
    "p95": "95 %",
    "max": "maximum",
}
"""Column heads for ``STATISTICS``."""


def count_text(number: int, noun: str) -> str:
    """A number with its noun: ``1 image``, ``9,280 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(truth: Truth) -> str:
    """The number of images, scenes and cameras."""
    scenes = len(set(zip(truth.datasets, truth.scenes, strict=True)))
    cameras = len(set(zip(truth.datasets, truth.cameras, strict=True)))
    return f"{count_text(len(truth), 'image')}, {count_text(scenes, 'scene')}, {count_text(cameras, 'camera')}"


def training_note(result: MethodResult) -> str:
    """One line on the data sets that a network was trained on; empty without any."""
    whole = [seen.dataset for seen in result.trained_on if seen.images == seen.total]
    partly = [
        f"{seen.dataset} ({seen.total - seen.images:,} of its {count_text(seen.total, 'picture')} judged were left out)"
        for seen in result.trained_on
        if seen.images < seen.total
    ]
    clauses = []
    if whole:
        clauses.append(f"was trained on {_list_text(whole)}; its figures there are not those of unseen pictures")
    if partly:
        clauses.append(
            f"was trained on other pictures of {_list_text(partly)}; only figures of what was left out are those of "
            "unseen pictures"
        )
    return f"{result.method} {'; it '.join(clauses)}" if clauses else ""


def _list_text(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def p_text(p: float) -> str:
    """A p value as papers print it."""
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

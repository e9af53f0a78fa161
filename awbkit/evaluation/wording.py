"""What reports call things, the same in all of them."""

from __future__ import annotations

import math

from awbkit.evaluation.result import Truth

STATISTIC_TITLES = {
    "mean": "mean",
    "median": "median",
    "trimean": "trimean",
    "best25": "best 25 %",
    "worst25": "worst 25 %",
    "p95": "95 %",
    "max": "maximum",
}
"""Heads of columns, for each of ``STATISTICS``."""


def counted(number: int, noun: str) -> str:
    """``1 image``, ``9,280 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(truth: Truth) -> str:
    """How many images, scenes and cameras."""
    scenes = len(set(zip(truth.datasets, truth.scenes, strict=True)))
    cameras = len(set(zip(truth.datasets, truth.cameras, strict=True)))
    return f"{counted(len(truth), 'image')}, {counted(scenes, 'scene')}, {counted(cameras, 'camera')}"


def p_text(p: float) -> str:
    """A p value as papers print it."""
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

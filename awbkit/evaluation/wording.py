"""The common terms of all reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

from awbkit.evaluation.result import MethodResult, Overlap, Truth
from awbkit.spelling import count_text


def size(truth: Truth) -> str:
    """The number of images, scenes and cameras."""
    scenes = len(set(zip(truth.datasets, truth.scenes, strict=True)))
    cameras = len(set(zip(truth.datasets, truth.cameras, strict=True)))
    return f"{count_text(len(truth), 'image')}, {count_text(scenes, 'scene')}, {count_text(cameras, 'camera')}"


def training_note(result: MethodResult) -> str:
    """One line on the data sets that a network was trained on; empty without any."""
    names = [overlap.dataset + _part_text(overlap) for overlap in result.trained_on]
    if not names:
        return ""
    return f"{result.method} was trained on {_list_text(names)}; on unseen pictures its errors are likely larger"


def _part_text(overlap: Overlap) -> str:
    """The number of images that were left out of the training; empty if there are none."""
    left = overlap.total - overlap.images
    return f" (not on {left:,} of its {count_text(overlap.total, 'picture')} here)" if left else ""


def _list_text(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def p_text(p: float) -> str:
    """A p value as papers print it."""
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

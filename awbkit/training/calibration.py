"""How sure a network is, in degrees: a line from what it states to what came of pictures that it had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UsageError
from awbkit.network.architecture import Architecture
from awbkit.network.model import GREATEST_LOG_ERROR, LEAST_ERROR
from awbkit.network.torch.network import network_of
from awbkit.training.bank import Bank
from awbkit.training.fit import Weights, answers, true_errors
from awbkit.training.split import Picture

FEWEST = 30
"""Pictures that a line takes; of fewer only the scale is believed. As many count for what was known before."""

Line = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Judged:
    """What a network stated of pictures that it had not seen, and by how much it missed.

    Attributes:
        stated: (N,), degrees.
        missed: (N,), degrees of recovery error.
    """

    stated: NDArray[np.float64]
    missed: NDArray[np.float64]


def judge(built: Architecture, weights: Weights, bank: Bank, *, matrices: bool) -> Judged:
    """Have a network answer for the pictures of a bank as they are.

    Args:
        built: The network.
        weights: Its.
        bank: The pictures.
        matrices: Whether cameras may keep theirs; without, none is known to have any.
    """
    estimates, log_errors = answers(network_of(built, weights), bank, matrices=matrices)
    stated = np.exp(np.minimum(log_errors.astype(np.float64), GREATEST_LOG_ERROR))
    return Judged(stated, true_errors(estimates, bank).astype(np.float64))


def line(parts: Sequence[Judged], before: Line | None = None) -> Line:
    """Offset and slope of the line through what was stated and what came, by least squares; each part counts alike.

    Errors spread about as far as what was stated, so a picture counts with its inverse square. Otherwise the few that
    a network is wildly unsure of lay the line flat for all.

    It is drawn towards a line known before, as by :data:`FEWEST` further pictures that lie on that: a handful of
    pictures says little of how a network errs. Where none is known, towards what the network states times how much
    more came on average: what it states of pictures that it was trained on is too little for others.

    Args:
        parts: Each judged by a network of its own.
        before: The line known before, of what the network was made of.
    """
    stated, missed = (np.concatenate([getattr(part, name) for part in parts] or [[]]) for name in ("stated", "missed"))
    offset, slope = start = before or (0.0, 1.0)
    if not len(stated):
        return start
    share = np.concatenate([np.full(len(part.stated), 1 / len(part.stated)) for part in parts if len(part.stated)])
    share /= share.sum()
    mean_missed = float(share @ missed)
    expected = offset + slope * float(share @ stated)
    scale = mean_missed / expected if expected > 0 else 0.0
    scaled = (offset * scale, slope * scale) if 0 < scale < np.inf else start
    if len(stated) < FEWEST:
        return scaled if before is None else _between(before, scaled, len(stated))
    weight = share / np.maximum(stated, LEAST_ERROR) ** 2
    weight /= weight.sum()
    centre = float(weight @ stated), float(weight @ missed)
    variance = float(weight @ (stated - centre[0]) ** 2)
    common = float(weight @ ((stated - centre[0]) * (missed - centre[1])))
    slope = common / variance if variance > 0 else 0.0
    found = (centre[1] - slope * centre[0], slope) if slope > 0 else (mean_missed, 0.0)
    return _between(before or scaled, found, len(stated))


def _between(before: Line, found: Line, count: int) -> Line:
    share = count / (count + FEWEST)
    offset, slope = (old + share * (new - old) for old, new in zip(before, found, strict=True))
    return offset, slope


def carried(after: Judged, before: Judged, own: Line, known: NDArray[np.bool_] | bool = True) -> Line:
    """The line of a network that was made of another, by the other's own and by how much more it misses.

    Args:
        after: What it stated of some pictures, and missed.
        before: The same of what it was made of, on the same pictures; both may have been trained on them.
        own: The line of what it was made of, which holds for pictures that are new.
        known: (N,), which pictures what it was made of was trained on; what is missed of the others counts as it is.
    """
    expected = own[0] + own[1] * before.stated + after.missed - before.missed
    return line([Judged(after.stated, np.where(known, expected, after.missed))], own)


def parts(trained: Sequence[Picture], calibration: str) -> list[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
    """What each further network for the calibration is called by, trained on and tested on.

    Of what is left out, no scene is seen in another set, and no camera either, unless nothing else is left.

    Raises:
        UsageError: If there is only one of what is to be left out.
    """
    if calibration == "validation":
        return []
    cameras = np.array([picture.camera for picture in trained])
    by_camera = calibration == "leave-one-camera-out"
    labels = cameras if by_camera else np.array([picture.dataset for picture in trained])
    scenes = np.array([f"{picture.dataset}/{picture.scene}" for picture in trained])
    names = sorted(set(labels.tolist()))
    if len(names) < 2:
        raise UsageError(f"calibration {calibration} needs several, and there is only {names[0]!r}; use validation")
    found = []
    for name in names:
        test = labels == name
        fit_on = ~test & ~np.isin(scenes, scenes[test])
        unseen = fit_on & ~np.isin(cameras, cameras[test])
        fit_on = unseen if unseen.any() else fit_on
        if fit_on.any():
            found.append((name, np.flatnonzero(fit_on), np.flatnonzero(test)))
    return found

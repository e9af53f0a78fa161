"""Calibration of the expected error: a line from the stated to the actual error, in degrees, on unseen pictures."""

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
"""Least number of pictures for a line; fewer fit the scale alone. A prior line has the weight of as many pictures."""

Line = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Errors:
    """Stated and actual errors of a network on pictures that it was not trained on.

    Attributes:
        expected: (N,), the expected error in degrees, as the network states it.
        actual: (N,), the recovery error in degrees.
    """

    expected: NDArray[np.float64]
    actual: NDArray[np.float64]


def measure_errors(built: Architecture, weights: Weights, bank: Bank, *, matrices: bool) -> Errors:
    """Run a network on the original pictures of a bank.

    Args:
        built: The network.
        weights: The network's weights.
        bank: The pictures.
        matrices: Whether the network may use the cameras' matrices.
    """
    estimates, log_errors = answers(network_of(built, weights), bank, matrices=matrices)
    stated = np.exp(np.minimum(log_errors.astype(np.float64), GREATEST_LOG_ERROR))
    return Errors(stated, true_errors(estimates, bank).astype(np.float64))


def line(parts: Sequence[Errors], before: Line | None = None) -> Line:
    """Fit offset and slope of actual against stated errors by least squares; all parts have the same weight.

    The spread of the errors grows with the stated error, so a picture's weight is the inverse square of that. Otherwise
    the few pictures with a very high stated error would flatten the line for all.

    A prior line counts as :data:`FEWEST` further pictures that lie on it, because a handful of pictures says little
    about a network's errors. The default prior is the stated error times the mean ratio of actual to stated errors: a
    network underestimates its errors on pictures that it was not trained on.

    Args:
        parts: Errors on groups of pictures, each by a network of its own.
        before: The prior line: that of the network's origin.
    """
    stated, missed = (
        np.concatenate([getattr(part, name) for part in parts] or [[]]) for name in ("expected", "actual")
    )
    offset, slope = start = before or (0.0, 1.0)
    if not len(stated):
        return start
    share = np.concatenate(
        [np.full(len(part.expected), 1 / len(part.expected)) for part in parts if len(part.expected)]
    )
    share /= share.sum()
    mean_missed = float(share @ missed)
    expected = offset + slope * float(share @ stated)
    scale = mean_missed / expected if expected > 0 else 0.0
    scaled = (offset * scale, slope * scale) if 0 < scale < np.inf else start
    if len(stated) < FEWEST:
        return scaled if before is None else _blend(before, scaled, len(stated))
    weight = share / np.maximum(stated, LEAST_ERROR) ** 2
    weight /= weight.sum()
    centre = float(weight @ stated), float(weight @ missed)
    variance = float(weight @ (stated - centre[0]) ** 2)
    common = float(weight @ ((stated - centre[0]) * (missed - centre[1])))
    slope = common / variance if variance > 0 else 0.0
    found = (centre[1] - slope * centre[0], slope) if slope > 0 else (mean_missed, 0.0)
    return _blend(before or scaled, found, len(stated))


def _blend(before: Line, found: Line, count: int) -> Line:
    share = count / (count + FEWEST)
    offset, slope = (old + share * (new - old) for old, new in zip(before, found, strict=True))
    return offset, slope


def carry_over(after: Errors, before: Errors, own: Line, known: NDArray[np.bool_] | bool = True) -> Line:
    """The line of a derived network, from its origin's line and the increase in error.

    Args:
        after: Errors of the derived network.
        before: Errors of its origin on the same pictures; both networks may have been trained on them.
        own: The origin's line, which holds for new pictures.
        known: (N,), whether the origin was trained on each picture; errors on the other pictures count unchanged.
    """
    expected = own[0] + own[1] * before.expected + after.actual - before.actual
    return line([Errors(after.expected, np.where(known, expected, after.actual))], own)


def parts(trained: Sequence[Picture], calibration: str) -> list[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
    """The name, the training pictures and the test pictures of each further network for the calibration.

    Training pictures share no scene with the test pictures, and no camera either, unless nothing else is left.

    Raises:
        UsageError: If there is only one camera or data set to leave out.
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

"""The difference between the answers of an export and of its model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.errors import CheckFailed
from awbkit.export.cases import Case
from awbkit.network.features import describe
from awbkit.network.inference import forward
from awbkit.network.integer.arithmetic import OCTAVE, Int
from awbkit.network.integer.model import DEGREE, IntegerModel, white_logs
from awbkit.network.model import Model
from awbkit.network.models import AnyModel

Answer = Callable[[Case], tuple[NDArray[np.float64], float]]
"""The light (3,) of a case in its camera's RGB, and the expected error in degrees."""


_LARGE = 7.5
"""Degrees: half of one is then two of the steps that TensorFlow Lite's output of 8 bits has."""


@dataclass(frozen=True)
class Difference:
    """Degrees between the answers.

    Attributes:
        pictures: How many were compared.
        mean: Mean angle between the two lights.
        maximum: Greatest angle between the two lights.
        expected_error: Greatest difference of the expected errors. Large ones count in proportion, since outputs of
            8 bits are logarithms.
    """

    pictures: int
    mean: float
    maximum: float
    expected_error: float


def measure_difference(reference: Answer, cases: Iterable[Case], answer: Answer) -> Difference:
    """Measure how far two functions differ in their answers.

    Args:
        reference: Gives the expected answers.
        cases: Each with a valid pixel.
        answer: Gives the answers of the export.
    """
    angles, differences = [], []
    for case in cases:
        light, degrees = answer(case)
        expected_light, expected_degrees = reference(case)
        angle = angular_error(light.tolist(), expected_light.tolist()) if np.isfinite(light).all() else np.inf
        angles.append(angle)
        differences.append(abs(degrees - expected_degrees) / max(expected_degrees / _LARGE, 1))
    return Difference(len(angles), float(np.mean(angles)), max(angles), max(differences))


def verify(found: Difference, most: Difference, what: str) -> Difference:
    """Refuse answers that are too far apart.

    Args:
        found: The differences.
        most: The greatest differences allowed.
        what: Name of the export, for the message.

    Raises:
        CheckFailed: If any difference is greater, or not a number.
    """
    # In this form NaN fails, too.
    if not (found.mean <= most.mean and found.maximum <= most.maximum and found.expected_error <= most.expected_error):
        raise CheckFailed(
            f"{what} answers {found.mean:.3f} degrees from the reference on average and {found.maximum:.3f} at most, "
            f"its expected error {found.expected_error:.3f} at most, where {most.mean:g}, {most.maximum:g} and "
            f"{most.expected_error:g} are allowed; report this with the model"
        )
    return found


def runner(model: AnyModel) -> Answer:
    """The function that computes a model's own answers."""
    return partial(_integer_answer, model) if isinstance(model, IntegerModel) else partial(_float_answer, model)


def _integer_answer(model: IntegerModel, case: Case) -> tuple[NDArray[np.float64], float]:
    return in_degrees(*model.answer(case.pixels, white_logs(case.white)))


def in_degrees(light: Int, error: int) -> tuple[NDArray[np.float64], float]:
    """The answer of a quantised model in the form of all answers: RGB of the light, and the error in degrees."""
    return np.asarray(2.0 ** (np.insert(light, 1, 0) / OCTAVE)), error / DEGREE


def _float_answer(model: Model, case: Case) -> tuple[NDArray[np.float64], float]:
    pixels, valid = case.pixels.astype(np.float32), np.asarray((case.pixels > 0).all(axis=2))
    features = describe(LinearImage(pixels if case.white is None else pixels / case.white, valid, Camera()))
    residual, log_error = forward(model.architecture, model.weights, features, case.white is not None)
    chroma = np.exp((features.anchor + residual).astype(np.float64))
    white = 1 if case.white is None else case.white
    return np.insert(chroma, 1, 1) * white, model.expected_error(log_error, matrix=case.white is not None)

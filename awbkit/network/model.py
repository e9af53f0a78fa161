"""Trained networks, from a picture to its light."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import DOMAINS, Domain
from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import THUMBNAIL_SIZE, LinearImage
from awbkit.errors import AwbError
from awbkit.network import weights as store
from awbkit.network.architecture import Architecture
from awbkit.network.features import describe
from awbkit.network.inference import forward

DOMAIN_OF_SPACE: dict[str, Domain] = {"camera": "raw", "linear-srgb": "rendered"}
"""The domain of pictures by their camera's space."""

LEAST_ERROR, GREATEST_ERROR = 0.1, 15.0
"""Degrees. Of what networks state beyond, less comes on pictures they have not seen; it says that nothing is known."""

GREATEST_LOG_ERROR = 10.0


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network.

    Attributes:
        name: As records and reports call it.
        architecture: Its dimensions.
        weights: float32 arrays by name, of the architecture's shapes; nobody may write to them.
        domain: "raw" for camera RGB, "rendered" for photographs that a camera already balanced.
        calibration: (a, b): the expected error in degrees is a + b times what the network states.
        calibration_without_matrix: The same of pictures whose camera has no matrix.
        training: How it came about: recipe, data sets and their licences.
    """

    name: str
    architecture: Architecture
    weights: Mapping[str, NDArray[np.float32]]
    domain: str
    calibration: tuple[float, float] = (0.0, 1.0)
    calibration_without_matrix: tuple[float, float] = (0.0, 1.0)
    training: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ValueError(f"there is no domain {self.domain!r}")
        for offset, slope in (self.calibration, self.calibration_without_matrix):
            if not (math.isfinite(offset) and math.isfinite(slope) and slope >= 0):
                raise ValueError("a calibration is two finite numbers, the second not negative")
        store.check(self.weights, {name: (shape, np.float32) for name, shape in self.architecture.shapes().items()})
        for name, array in self.weights.items():
            if not np.isfinite(array).all():
                raise ValueError(f"the weights {name} are not finite")
        if self.architecture.statistics and not (self.weights["std"] > 0).all():
            raise ValueError("a standard deviation is not positive")

    def estimate(self, image: LinearImage) -> Illuminant:
        """The light of a picture, in the RGB of its camera, with the error that is to be expected of it.

        The white of a camera without a matrix is unknown. The network then reads the picture alone, without the
        anchor, and the expected error is calibrated for such pictures.

        Args:
            image: Of any size; seen as a thumbnail.

        Raises:
            AwbError: If no pixel is valid, or the picture is of the other domain.
        """
        check_domain(self.name, self.domain, image)
        small = image if image.valid.shape == (THUMBNAIL_SIZE, THUMBNAIL_SIZE) else image.thumbnail()
        white = white_of(image.camera)
        features = describe(to_canonical(small))
        # Absurd weights overflow; the light that follows is refused below.
        with np.errstate(over="ignore", invalid="ignore"):
            residual, log_error = forward(self.architecture, self.weights, features, white is not None)
            red, blue = np.exp((features.anchor + residual).astype(np.float64)).tolist()
        rgb = np.array([red, 1.0, blue]) * (1.0 if white is None else white)
        return Illuminant.of(rgb, image.camera, expected_error=self.expected_error(log_error, matrix=white is not None))

    def expected_error(self, log_error: float, *, matrix: bool = True) -> float:
        """The expected angular error in degrees, from 0.1 to 15, from the logarithm that the network states.

        Args:
            log_error: The network's third number.
            matrix: Whether the picture's camera has one.
        """
        offset, slope = self.calibration if matrix else self.calibration_without_matrix
        return min(max(offset + slope * math.exp(min(log_error, GREATEST_LOG_ERROR)), LEAST_ERROR), GREATEST_ERROR)

    @property
    def digest(self) -> str:
        """SHA-256 of the model as a file holds it."""
        import hashlib

        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """As a file holds it; the same bytes for the same model."""
        return store.to_bytes(store.header_of(self), self.weights)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model, or the one of a run folder of `awbkit train`.

        Raises:
            UnreadableFile: If the file or folder holds no model.
        """
        return store.read(path, cls.from_arrays)

    @classmethod
    def from_arrays(cls, header: Mapping[str, Any], arrays: store.Arrays) -> Model:
        """The model of a file's header and arrays.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: If they make no such model.
        """
        if "bits" in header:
            raise ValueError("it is quantised; name the model that it was made of")
        known, unknown = _line(header["calibration"]), _line(header["calibration_without_matrix"])
        architecture = Architecture.from_json(header["architecture"])
        training, domain = dict(header["training"]), str(header["domain"])
        return cls(store.name_of(header), architecture, arrays, domain, known, unknown, training)


def _line(entry: Any) -> tuple[float, float]:
    offset, slope = entry
    return float(offset), float(slope)


def check_domain(name: str, domain: str, image: LinearImage) -> None:
    """Refuse a picture that is not of a model's domain.

    Raises:
        AwbError: Then.
    """
    found = DOMAIN_OF_SPACE[image.camera.space]
    if found != domain:
        remedy = f"use a model trained with --domain {found}"
        if found == "rendered":
            remedy += ", or --encoding camera where its numbers are a sensor's own"
        raise AwbError(f"model {name} is for {domain} pictures, and this one is {found}; {remedy}")


def to_canonical(image: LinearImage) -> LinearImage:
    """The picture divided by its camera's white under D65; as it is where that is not known."""
    white = white_of(image.camera)
    if white is None:
        return image
    # By whole rows, which is four times as fast as by pixels of three numbers.
    rows = np.divide(image.pixels.reshape(len(image.pixels), -1), np.tile(white, image.pixels.shape[1]))
    pixels = np.asarray(rows.reshape(image.pixels.shape), dtype=np.float32)
    return LinearImage(pixels, image.valid, image.camera)


@lru_cache(maxsize=256)
def white_of(camera: Camera) -> NDArray[np.float32] | None:
    """float32 (3,), a camera's RGB of D65, green = 1; None where it has no matrix."""
    white = camera.white_d65
    return None if white is None else np.array(white, dtype=np.float32)

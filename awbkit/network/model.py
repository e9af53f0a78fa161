"""Models in files: weights as safetensors (https://huggingface.co/docs/safetensors), the rest as JSON in their header.

Nothing in such a file is code, and whatever is wrong with one is found before anything is computed with it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.camera import Camera
from awbkit.errors import AwbError, UnreadableFile
from awbkit.illuminant import Illuminant
from awbkit.image import THUMBNAIL_SIZE, LinearImage
from awbkit.network.architecture import Architecture
from awbkit.network.features import describe
from awbkit.network.inference import forward

SCHEMA = 2
KEY = "awbkit"
SUFFIX = ".safetensors"

DOMAINS = {"camera": "raw", "linear-srgb": "rendered"}
"""The domain of pictures by their camera's space."""

SHIPPED = ("awbnet-nano", "awbnet-s", "awbnet-m", "awbnet-s-open")

_LARGEST_FILE = 16 << 20
_LEAST_ERROR, _GREATEST_ERROR = 0.1, 60.0
_REMEDY = "name a model that awbkit train wrote"


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
        if self.domain not in DOMAINS.values():
            raise ValueError(f"there is no domain {self.domain!r}")
        for offset, slope in (self.calibration, self.calibration_without_matrix):
            if not (math.isfinite(offset) and math.isfinite(slope) and slope >= 0):
                raise ValueError("a calibration is two finite numbers, the second not negative")
        shapes = self.architecture.shapes()
        if missing := [name for name in shapes if name not in self.weights]:
            raise ValueError(f"the weights {missing[0]} are missing")
        if surplus := [name for name in self.weights if name not in shapes]:
            raise ValueError(f"the weights {surplus[0]} belong to no layer")
        for name, shape in shapes.items():
            array = self.weights[name]
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(f"the weights {name} are {array.dtype} {array.shape}, not float32 {shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"the weights {name} are not finite")
            array.setflags(write=False)
        if self.architecture.statistics and not (self.weights["std"] > 0).all():
            raise ValueError("a standard deviation is not positive")

    def estimate(self, image: LinearImage) -> Illuminant:
        """The light of a picture, in the RGB of its camera, with the error that is to be expected of it.

        Of a camera without a matrix nobody knows which colour is white to it. Then the network goes by the picture
        alone, without what it knows of lights, and the error to be expected is that of such pictures.

        Args:
            image: Of any size; seen as a thumbnail.

        Raises:
            AwbError: If no pixel is valid, or the picture is of the other domain.
        """
        domain = DOMAINS[image.camera.space]
        if domain != self.domain:
            raise AwbError(
                f"model {self.name} is for {self.domain} pictures, and this one is {domain}; use a model trained "
                f"with --domain {domain}"
            )
        small = image if image.valid.shape == (THUMBNAIL_SIZE, THUMBNAIL_SIZE) else image.thumbnail()
        white = white_of(image.camera)
        features = describe(canonical(small))
        residual, log_error = forward(self.architecture, self.weights, features, white is not None)
        red, blue = np.exp((features.anchor + residual).astype(np.float64)).tolist()
        rgb = np.array([red, 1.0, blue]) * (1.0 if white is None else white)
        return Illuminant.of(rgb, image.camera, expected_error=self.expected(log_error, matrix=white is not None))

    def expected(self, log_error: float, *, matrix: bool = True) -> float:
        """The expected angular error in degrees, from 0.1 to 60, of what the network states.

        Args:
            log_error: The network's third number.
            matrix: Whether the picture's camera has one.
        """
        offset, slope = self.calibration if matrix else self.calibration_without_matrix
        return min(max(offset + slope * math.exp(min(log_error, 10.0)), _LEAST_ERROR), _GREATEST_ERROR)

    @property
    def digest(self) -> str:
        """SHA-256 of the model as a file holds it."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """As a file holds it; the same bytes for the same model."""
        from safetensors.numpy import save

        header = {
            "schema": SCHEMA,
            "name": self.name,
            "architecture": self.architecture.to_json(),
            "domain": self.domain,
            "calibration": list(self.calibration),
            "calibration_without_matrix": list(self.calibration_without_matrix),
            "training": dict(self.training or {}),
        }
        arrays = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        return bytes(save(arrays, {KEY: json.dumps(header, sort_keys=True)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model, or the one of a run folder of `awbkit train`.

        Raises:
            UnreadableFile: If it is none.
        """
        place = Path(path)
        place = place / f"model{SUFFIX}" if place.is_dir() else place
        try:
            size = place.stat().st_size
        except OSError as error:
            raise UnreadableFile(place, (error.strerror or str(error)).lower(), _REMEDY) from None
        if size > _LARGEST_FILE:
            raise UnreadableFile(place, f"has {size >> 20} MB, which no model of awbkit has", _REMEDY)
        return _parsed(place)


def _parsed(place: Path) -> Model:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None:
                raise UnreadableFile(place, "holds weights, but no model of awbkit", _REMEDY)
            header = json.loads(text)
            if header["schema"] != SCHEMA:
                remedy = (
                    "update awbkit" if header["schema"] > SCHEMA else "train it again, or use the awbkit of its time"
                )
                raise UnreadableFile(place, f"is of schema {header['schema']}, this awbkit reads {SCHEMA}", remedy)
            architecture = Architecture.from_json(header["architecture"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        known, unknown = _line(header["calibration"]), _line(header["calibration_without_matrix"])
        name, domain = str(header["name"]), str(header["domain"])
        return Model(name, architecture, weights, domain, known, unknown, dict(header["training"]))
    except SafetensorError as error:
        raise UnreadableFile(place, f"is no sound safetensors file ({error})", _REMEDY) from None
    except OSError as error:
        raise UnreadableFile(place, (error.strerror or str(error)).lower(), _REMEDY) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableFile(place, f"is no model of awbkit ({error})", _REMEDY) from None


def _line(entry: Any) -> tuple[float, float]:
    offset, slope = entry
    return float(offset), float(slope)


def loaded(path: str) -> Model:
    """:meth:`Model.load`, once in a process for each file, until it changes."""
    place = Path(path)
    place = place / f"model{SUFFIX}" if place.is_dir() else place
    try:
        status = place.stat()
    except OSError:
        return Model.load(path)
    return _kept(str(place.resolve()), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _kept(path: str, changed: int, size: int) -> Model:
    return Model.load(path)


def named(name: str, domain: str) -> Model:
    """A model by the name of one that is shipped, or else by its path.

    A shipped name always means the shipped model, even where a file or folder of that name lies in the working
    directory: write ./awbnet-s for that. The same command then gives the same network wherever it is called.

    Args:
        name: One of ``SHIPPED``; "awbnet", which means awbnet-s as it does as a method; or the path of a model file or
            of a run folder.
        domain: "raw" or "rendered": which of the two models of a shipped name.

    Raises:
        UnreadableFile: If it is none of these.
    """
    name = "awbnet-s" if name == "awbnet" else name
    return Model.load(shipped(name, domain) if name in SHIPPED else name)


def shipped(name: str, domain: str) -> Path:
    """Where the model of this name for a domain lies: in the package, or beside it in a checkout.

    Raises:
        UnreadableFile: If it is in neither.
    """
    file = name + ("" if domain == "raw" else f"-{domain}") + SUFFIX
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "models", package.parent / "models"):
        if (folder / file).is_file():
            return folder / file
    raise UnreadableFile(package / "models" / file, "is missing", "install awbkit again")


def canonical(image: LinearImage) -> LinearImage:
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

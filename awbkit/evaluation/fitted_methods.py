"""Methods that are fitted to labelled images, and their registry.

Each method is fitted to every camera that has enough images. For all other cameras it is fitted once, in RGB divided by
each camera's white under D65 (the canonical white); the answer is multiplied by that white again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.errors import UsageError
from awbkit.evaluation import corrected_moments
from awbkit.evaluation.examples import Examples

FloatArray = NDArray[np.float64]


class Model(Protocol):
    """The result of a fit; its estimates are in the RGB of the examples."""

    def predict(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Estimates (N, 3), positive, on any scale, and expected errors (N,) in degrees, NaN if there are none."""


@dataclass(frozen=True)
class TrainableMethod:
    """A method before the fit.

    Attributes:
        name: Name in ``--method``.
        describe: Computes the features of an image: float64 (F,). May raise AwbError.
        divide: Converts features (N, F) to those of the same images with their RGB divided by whites (N, 3).
        fit: Fits the method to examples.
        min_images: Least number of images of a camera for a fit to that camera alone.
    """

    name: str
    describe: Callable[[LinearImage], FloatArray]
    divide: Callable[[FloatArray, FloatArray], FloatArray]
    fit: Callable[[Examples], Model]
    min_images: int

    def __str__(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, eq=False)
class FittedMethod:
    """A method fitted to some images; picklable.

    Attributes:
        method: Name of the method in the registry.
        camera_models: The model of each camera with a fit of its own, in its RGB. Cameras of one name with different
            matrices are different cameras.
        canonical_model: The model in canonical RGB for all other cameras; None if no camera has a matrix.
    """

    method: str
    camera_models: Mapping[Camera, Model]
    canonical_model: Model | None

    def estimate(self, image: LinearImage) -> Illuminant:
        """The light of ``image``, in the RGB of its camera.

        Raises:
            AwbError: If no pixel is valid, or the camera has neither a fit nor a matrix.
        """
        estimates, expected = self.estimate_all(find_method(self.method).describe(image)[None], [image.camera])
        stated = float(expected[0])
        return Illuminant.of(estimates[0], image.camera, expected_error=None if np.isnan(stated) else stated)

    def estimate_all(self, features: FloatArray, cameras: Sequence[Camera]) -> tuple[FloatArray, FloatArray]:
        """Estimates (N, 3), unit length, and expected errors (N,) of images with ``features`` (N, F).

        Raises:
            UsageError: If one of the cameras has neither a fit nor a matrix.
        """
        estimates, expected = np.empty((len(features), 3)), np.empty(len(features))
        for camera in dict.fromkeys(cameras):
            chosen = np.array([other == camera for other in cameras])
            if (own := self.camera_models.get(_space_of(camera))) is not None:
                found, expected[chosen] = own.predict(features[chosen])
            else:
                if self.canonical_model is None or camera.white_d65 is None:
                    raise _matrix_error(self.method, camera.name)
                whites = np.tile(camera.white_d65, (int(chosen.sum()), 1))
                divided = find_method(self.method).divide(features[chosen], whites)
                found, expected[chosen] = self.canonical_model.predict(divided)
                found = found * whites
            estimates[chosen] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return estimates, expected


def fit(
    method: TrainableMethod,
    features: FloatArray,
    lights: FloatArray,
    cameras: Sequence[Camera],
    scenes: Sequence[tuple[str, str]],
) -> FittedMethod:
    """Fit a method.

    Args:
        method: A method of the registry.
        features: (N, F), the method's features of each image, in the camera's RGB.
        lights: (N, 3), the true illuminants, unit length.
        cameras: The N images' cameras; cameras that differ only in their white of the shot are fitted as one.
        scenes: The N images' data sets and scenes.
    """
    numbers = {key: place for place, key in enumerate(sorted(set(scenes)))}
    number = np.array([numbers[key] for key in scenes], dtype=np.intp)
    spaces = {camera: _space_of(camera) for camera in set(cameras)}
    members: defaultdict[Camera, list[int]] = defaultdict(list)
    for place, camera in enumerate(cameras):
        members[spaces[camera]].append(place)
    camera_models = {
        camera: method.fit(Examples(features[chosen], lights[chosen], np.ones((len(chosen), 3)), number[chosen]))
        for camera, chosen in members.items()
        if len(chosen) >= method.min_images
    }
    white_of = {camera: camera.white_d65 for camera in set(cameras)}
    known = np.flatnonzero([white_of[camera] is not None for camera in cameras])
    canonical_model = None
    if len(known):
        whites = np.array([white for camera in cameras if (white := white_of[camera]) is not None])
        divided = lights[known] / whites
        divided /= np.linalg.norm(divided, axis=1, keepdims=True)
        canonical_model = method.fit(Examples(method.divide(features[known], whites), divided, whites, number[known]))
    return FittedMethod(method.name, camera_models, canonical_model)


def check(method: TrainableMethod, fit_cameras: Sequence[Camera], test_cameras: Sequence[Camera]) -> None:
    """Check, before any work, that a fit to images by some cameras can answer for others.

    Raises:
        UsageError: If it cannot.
    """
    counts: Counter[Camera] = Counter()
    for camera, count in Counter(fit_cameras).items():
        counts[_space_of(camera)] += count
    canonical = any(camera.white_d65 is not None for camera in set(fit_cameras))
    for camera in set(test_cameras):
        if counts[_space_of(camera)] < method.min_images and (not canonical or camera.white_d65 is None):
            raise _matrix_error(method.name, camera.name if camera.white_d65 is None else "every camera to fit on")


def _space_of(camera: Camera) -> Camera:
    """The camera without its chosen white, which differs from shot to shot."""
    return replace(camera, as_shot=None)


def _matrix_error(method: str, camera: str) -> UsageError:
    enough = find_method(method).min_images
    images = (
        "without images of its own to fit on"
        if enough == 1
        else f"with fewer than {enough} images of its own to fit on"
    )
    return UsageError(
        f"method {method} cannot answer for a camera {images}: {camera or 'the unnamed camera'} has no colour matrix; "
        "give it one in cameras.json and prepare the data set again"
    )


@dataclass(frozen=True)
class _Constant:
    light: tuple[float, float, float]

    def predict(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        return np.tile(self.light, (len(features), 1)), np.full(len(features), np.nan)


def _fit_constant(examples: Examples) -> _Constant:
    """The mean illuminant, whatever the picture: the usual yardstick of the field's tables."""
    red, green, blue = examples.lights.mean(axis=0).tolist()
    return _Constant((red, green, blue))


def _describe_nothing(_: LinearImage) -> FloatArray:
    return np.empty(0)


def _keep_features(features: FloatArray, _: FloatArray) -> FloatArray:
    return features


_TRAINABLE_METHODS = {
    entry.name: entry
    for entry in (
        TrainableMethod(
            name="constant",
            describe=_describe_nothing,
            divide=_keep_features,
            fit=_fit_constant,
            min_images=1,
        ),
        TrainableMethod(
            name="corrected-moments",
            describe=corrected_moments.describe,
            divide=corrected_moments.divide,
            fit=corrected_moments.fit,
            min_images=corrected_moments.MIN_IMAGES,
        ),
    )
}


def trainable_names() -> tuple[str, ...]:
    """The names of all fitted methods."""
    return tuple(_TRAINABLE_METHODS)


def find_method(name: str) -> TrainableMethod:
    """Look up a method.

    Raises:
        UsageError: If no method has this name.
    """
    if name not in _TRAINABLE_METHODS:
        raise UsageError(f"unknown method {name!r}; methods that are fitted: {', '.join(_TRAINABLE_METHODS)}")
    return _TRAINABLE_METHODS[name]

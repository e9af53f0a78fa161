"""The list of methods, the one and only, and the way from ``shades-of-gray:p=6`` to an estimate."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap, as_illuminant, as_light_map
from awbkit.errors import AwbError, UsageError
from awbkit.estimators import installed, own
from awbkit.estimators.as_shot import as_shot
from awbkit.estimators.awbnet import shipped_network
from awbkit.estimators.bright_gray import bright_gray
from awbkit.estimators.general_gray_world import general_gray_world
from awbkit.estimators.gray_edge import gray_edge, gray_edge_2
from awbkit.estimators.gray_index import gray_index
from awbkit.estimators.gray_world import gray_world
from awbkit.estimators.local_surface_reflectance import local_surface_reflectance
from awbkit.estimators.parameter import Description, Value, parameters_of
from awbkit.estimators.pca import pca
from awbkit.estimators.shades_of_gray import shades_of_gray
from awbkit.estimators.white_patch import white_patch
from awbkit.network.model import DOMAIN_OF_SPACE
from awbkit.network.models import load_once
from awbkit.network.weights import SUFFIX, place_of
from awbkit.spelling import assignments, suggestion

Answer = Illuminant | LightMap | NDArray[np.float64]
Estimator = Callable[..., Answer]
"""A function of a LinearImage and keyword-only parameters.

RGB of any scale will do. An Illuminant can state an expected error as well, and a LightMap the light in each cell.
"""

_METHODS: dict[str, tuple[Estimator, str]] = {
    "gray-world": (gray_world, "mean of the pixels"),
    "white-patch": (white_patch, "high percentile of each channel"),
    "shades-of-gray": (shades_of_gray, "Minkowski norm of the pixels"),
    "general-gray-world": (general_gray_world, "Minkowski norm of the smoothed pixels"),
    "gray-edge": (gray_edge, "Minkowski norm of the gradient"),
    "gray-edge-2": (gray_edge_2, "Minkowski norm of the second derivatives"),
    "pca": (pca, "first principal component of the darkest and brightest pixels"),
    "gray-index": (gray_index, "mean of the greyest pixels"),
    "local-surface-reflectance": (
        local_surface_reflectance,
        "sum of the pixels over the sum of the pixels normalised to their patch's maximum",
    ),
    "bright-gray": (bright_gray, "mean of the brightest pixels with the least colour"),
    "awbnet": (shipped_network("awbnet-s"), "the network awbnet-s, under 5,000 weights"),
    "awbnet-nano": (shipped_network("awbnet-nano"), "a network of under 1,000 weights"),
    "awbnet-m": (shipped_network("awbnet-m"), "a network of under 20,000 weights"),
    "awbnet-s-open": (shipped_network("awbnet-s-open"), "awbnet-s trained on openly licensed data only"),
    "as-shot": (as_shot, "the white that the camera itself chose"),
}
"""The estimator and the summary of each method; the module of the estimator has the ``CITATION``."""

DEFAULT = "awbnet"
"""The most accurate of the methods above that is small, on photographs of cameras that it was not trained on."""

_NETWORKS = tuple(name for name in _METHODS if name.startswith("awbnet"))

_SPELLINGS = {"awbnet-s": "awbnet"}
"""What else methods are called, as in the card of the models."""


@dataclass(frozen=True)
class Method:
    """A method and the values of all its parameters.

    Attributes:
        name: As in ``--method``; also the path of a model, and the place of a function of the user's own.
        values: Name and value of each parameter, in the order of the function's signature.
        fallback: Answers where this method expects to err by more than the limit, or is for the other domain of
            pictures; see :meth:`with_fallback`.
        max_expected_error: That limit, in degrees.
        function: The estimator, where a program gave it; else it is found by the name.
        code: SHA-256 of the code of a method that is not awbkit's, once :func:`awbkit.own_code.probe` has loaded it.
    """

    name: str
    values: tuple[tuple[str, Value], ...] = ()
    fallback: Method | None = None
    max_expected_error: float = math.inf
    function: own.Function | None = field(default=None, repr=False)
    code: str = field(default="", compare=False, repr=False)

    @property
    def parameters(self) -> dict[str, Value]:
        """The values by name."""
        return dict(self.values)

    @property
    def is_network(self) -> bool:
        """Whether this is a network, shipped or of the user's own: these state an expected error."""
        return self.function is None and (is_model(self.name) or canonical_name(self.name) in _NETWORKS)

    @property
    def is_own(self) -> bool:
        """Whether this is code that is not awbkit's: a function of the user's own, or of an installed package."""
        return self.function is not None or not (canonical_name(self.name) in _METHODS or is_model(self.name))

    @property
    def runs_own_code(self) -> bool:
        """Whether this method or its fallback :attr:`is_own`."""
        return self.is_own or (self.fallback is not None and self.fallback.runs_own_code)

    def with_fallback(self, fallback: Method, max_expected_error: float) -> Method:
        """This method with another one to fall back on.

        The fallback answers for a picture where this method states an expected error above the limit. It also answers
        where this method refuses the picture: a network for raw pictures refuses rendered ones, and the reverse.

        Args:
            fallback: The other method.
            max_expected_error: The limit in degrees, positive.

        Raises:
            UsageError: If the limit is not positive and finite, this method never states an expected error, or it
                would fall back on itself.
        """
        if not 0 < max_expected_error < math.inf:
            raise UsageError(f"the greatest expected error is a positive number of degrees, not {max_expected_error:g}")
        if not (self.is_network or self.is_own):
            raise UsageError(f"method {self.name} states no expected error that a fallback could go by; use awbnet")
        if self.function is fallback.function and _same_network(self.name, fallback.name):
            raise UsageError(f"method {self.name} cannot be its own fallback; name another, such as bright-gray")
        return replace(self, fallback=fallback, max_expected_error=max_expected_error)

    def answer(self, image: LinearImage) -> tuple[Illuminant, Method]:
        """The light of ``image``, in the RGB of its camera, and which method found it: this one or its fallback.

        Of a light map it is the mean. Where the fallback cannot answer, or is a network that expects to err by more,
        this method's own answer stands, however unsure.

        Raises:
            AwbError: If the image has no valid pixel, or lacks what the method needs.
        """
        return self._answer(image)[1:]

    def light_map(self, image: LinearImage) -> LightMap:
        """The light in each cell of ``image``, as whichever method answers states it; one cell for a single light.

        Raises:
            AwbError: As :meth:`answer`.
        """
        return as_light_map(self._answer(image)[0], image.camera)

    def _answer(self, image: LinearImage) -> tuple[Answer, Illuminant, Method]:
        if self.fallback is not None and self._is_of_another_domain(image):
            return self.fallback._answer(image)
        answer = self._ask(image)
        try:
            light = as_illuminant(answer, image.camera)
        except UsageError:
            raise AwbError(f"{self.name} finds no light in what is valid; try another --method") from None
        expected = light.expected_error or 0.0
        if self.fallback is not None and expected > self.max_expected_error:
            # An answer that is unsure is more than none.
            with suppress(AwbError):
                other = self.fallback._answer(image)
                if (other[1].expected_error or 0.0) <= expected:
                    return other
        return answer, light, self

    def _ask(self, image: LinearImage) -> Answer:
        if self.function is None and (builtin := _METHODS.get(canonical_name(self.name))):
            return builtin[0](image, **self.parameters)
        if self.function is None and is_model(self.name):
            return load_once(self.name).estimate(image)
        return own.ask(self.load(), self.name, image, **self.parameters)

    def load(self) -> own.Function:
        """The function of a method that is not awbkit's.

        Raises:
            UsageError: If it cannot be loaded.
        """
        if self.function is not None:
            return self.function
        code = _own_code(self.name)
        return installed.load_installed(self.name) if code is None else code.load()

    def _is_of_another_domain(self, image: LinearImage) -> bool:
        if self.function is not None or not is_model(self.name):
            return False
        return load_once(self.name).domain != DOMAIN_OF_SPACE[image.camera.space]

    @property
    def digest(self) -> str:
        """SHA-256 of the weights of a model of the user's own, or ``code``; empty for what comes with awbkit.

        Raises:
            UnreadableFile: If the model cannot be read.
        """
        return self.code if self.is_own or not is_model(self.name) else load_once(self.name).digest

    def estimate(self, image: LinearImage) -> Illuminant:
        """The light of ``image``, as :meth:`answer` finds it."""
        return self.answer(image)[0]

    def __str__(self) -> str:
        """The shortest specification that :func:`parse` reads as this method, or the name of its function."""
        if not self.values:
            return self.name
        defaults = {parameter.name: parameter.default for parameter in describe(self.name).parameters}
        given = ",".join(
            f"{key}={repr(value).removesuffix('.0')}" for key, value in self.values if value != defaults[key]
        )
        return f"{self.name}:{given}" if given else self.name


def is_model(name: str) -> bool:
    """Whether a method's name is the path of a model: a file that ends in .safetensors, or a run of `awbkit train`."""
    try:
        is_run = (Path(name) / f"model{SUFFIX}").is_file()
    except OSError:
        # No file has so long a name, or it lies where nobody may look.
        is_run = False
    return name.endswith(SUFFIX) or (canonical_name(name) not in _METHODS and is_run)


def _own_code(name: str) -> own.OwnCode | None:
    """The place of the user's own function; None for an installed estimator, which comes first."""
    code = own.find_own(name)
    if code is None or code.place.endswith(".py") or name.partition(":")[0] not in installed.installed_names():
        return code
    return None


def _same_network(first: str, second: str) -> bool:
    if not (is_model(first) and is_model(second)):
        return canonical_name(first) == canonical_name(second)
    # A run folder and the model in it are one.
    return place_of(first).resolve() == place_of(second).resolve()


def _check_model(path: str) -> None:
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"method {path}: no such file; name a model that awbkit train wrote, or one of what awbkit methods lists"
        ) from None
    except OSError:
        # The reading below says why it cannot be read.
        pass
    load_once(path)


def canonical_name(specification: str) -> str:
    """The specification without spaces around it, the method by the name that records have: of awbnet-s, awbnet."""
    name, colon, rest = specification.strip().partition(":")
    return f"{_SPELLINGS.get(name.strip(), name)}{colon}{rest}"


def method_names() -> tuple[str, ...]:
    """The names of all methods: awbkit's, then those that other packages install."""
    return (*_METHODS, *(name for name in installed.installed_names() if name not in _METHODS))


def builtin_names() -> tuple[str, ...]:
    """The names of awbkit's methods."""
    return tuple(_METHODS)


@cache
def describe(name: str) -> Description:
    """What one method is called, does, takes and cites.

    Raises:
        UsageError: If there is no such method; the message names the nearest.
    """
    if is_model(name):
        return Description(name, "a network of your own", (), "none: it is yours")
    name = canonical_name(name)
    if name not in _METHODS:
        if name in installed.installed_names():
            return installed.describe_installed(name)
        if own.find_own(name) is not None:
            return Description(name, "a function of your own", (), "none: it is yours")
        meant = suggestion(name, [*method_names(), *_SPELLINGS])
        raise UsageError(f"unknown method {name!r}{meant}; methods: {', '.join(method_names())}, {own.FORM}")
    function, summary = _METHODS[name]
    return Description(name, summary, parameters_of(function), sys.modules[function.__module__].CITATION)


def parse(specification: str) -> Method:
    """The method that a text names: ``NAME[:key=value,...]``, the path of a model, or the place of a function.

    Parameters not given take their defaults. The names of awbkit come first: for a run folder that is called
    awbnet-s, write ./awbnet-s. A model is read here, so that a missing or damaged one is reported once and not for
    every picture. The user's own code does not run here.

    Raises:
        UsageError: If the method or a parameter is unknown, or a value is not allowed. One line, with the nearest
            name and all that could have been meant.
        UnreadableFile: If a model is there, but cannot be read.
    """
    if is_model(specification.strip()):
        _check_model(specification.strip())
        return Method(specification.strip())
    if is_own_code(specification):
        return Method(specification.strip())
    name, colon, rest = canonical_name(specification).partition(":")
    description = describe(name.strip())
    known = {parameter.name: parameter for parameter in description.parameters}
    given: dict[str, Value] = {}
    examples = {key: f"{parameter.default:g}" for key, parameter in known.items()}
    for key, text in assignments(colon + rest, f"method {description.name}", "parameter", examples):
        try:
            given[key] = known[key].parse(text)
        except UsageError as error:
            raise UsageError(f"method {description.name}: {error}") from None
    return Method(description.name, tuple((key, given.get(key, known[key].default)) for key in known))


def is_own_code(specification: str) -> bool:
    """Whether a specification names a function by its place, as :mod:`awbkit.estimators.own` has it."""
    name = canonical_name(specification).partition(":")[0].strip()
    return name not in _METHODS and _own_code(specification.strip()) is not None


def as_method(method: str | Method | own.Function) -> Method:
    """The method that an argument of the Python interface stands for: a specification, a method, or a function.

    Raises:
        UsageError: If it is none of these, or as :func:`parse`.
        UnreadableFile: As :func:`parse`.
    """
    if isinstance(method, str):
        return parse(method)
    if isinstance(method, Method):
        return method
    if not callable(method):
        raise UsageError(f"method: a name, a Method or a function of a LinearImage, not {type(method).__name__}")
    return Method(own.name_of(method), function=method)

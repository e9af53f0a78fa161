"""Estimators of the user's own: a Python function, by the file or module that it is in.

    PATH.py:FUNCTION          package.module:FUNCTION

The function is called with a :class:`awbkit.image.LinearImage` and returns an RGB on any scale, an
:class:`awbkit.illuminant.Illuminant`, or either of them and the recovery error in degrees that it expects.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import math
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from awbkit.errors import AwbError, UsageError
from awbkit.illuminant import Illuminant
from awbkit.image import LinearImage

FORM = "PATH.py:FUNCTION or package.module:FUNCTION"


@dataclass(frozen=True)
class OwnMethod:
    """A function by its name; small and picklable, loaded in whatever process calls it.

    Attributes:
        place: A path that ends with ``.py``, or a module's name.
        function: Name of the function in it; dots lead to attributes.
    """

    place: str
    function: str

    def __str__(self) -> str:
        """As the user writes it."""
        return f"{self.place}:{self.function}"

    @property
    def digest(self) -> str:
        """SHA-256 of the file, so that an edited function is known for another; empty for a module."""
        path = Path(self.place)
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""

    def load(self) -> Callable[[LinearImage], Any]:
        """The function.

        Raises:
            UsageError: If it cannot be had; the message says where loading failed.
        """
        return _loaded(self)

    def estimate(self, image: LinearImage) -> Illuminant:
        """What the function makes of an image.

        The function gets pixels of its own, so that it may write to them; what it prints goes to standard error.

        Raises:
            AwbError: If it fails, or returns no light.
        """
        function = self.load()
        copy = replace(image, pixels=image.pixels.copy(), valid=image.valid.copy())
        try:
            with contextlib.redirect_stdout(sys.stderr):
                answer = function(copy)
        except AwbError:
            raise
        except Exception as error:
            raise AwbError(f"{self} failed{_where(error, self)}: {_described(error)}") from error
        return self._checked(answer, image)

    def _checked(self, answer: Any, image: LinearImage) -> Illuminant:
        expected = None
        if isinstance(answer, tuple) and len(answer) == 2:
            answer, expected = answer
        if isinstance(answer, Illuminant):
            light = answer
        else:
            try:
                light = Illuminant.of(np.asarray(answer, dtype=np.float64), image.camera)
            except (TypeError, ValueError) as error:
                raise AwbError(f"{self} returned no light: {_described(error, UsageError)}") from None
        if expected is None:
            return light
        try:
            degrees = float(expected)
        except (TypeError, ValueError):
            degrees = math.nan
        if not 0 <= degrees < math.inf:
            raise AwbError(f"{self} returned {expected!r} as its expected error; that is a number of degrees, or None")
        return replace(light, expected_error=degrees)


def own_method(specification: str) -> OwnMethod | None:
    """The function that a specification of this form names; None where it is of another form."""
    place, colon, function = specification.strip().rpartition(":")
    if not colon or not all(part.isidentifier() for part in function.split(".")):
        return None
    if place.endswith(".py") or all(part.isidentifier() for part in place.split(".")):
        return OwnMethod(place, function)
    return None


@lru_cache(maxsize=64)
def _loaded(method: OwnMethod) -> Callable[[LinearImage], Any]:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found: Any = _module(method.place)
    except Exception as error:
        raise UsageError(f"{method.place} cannot be loaded{_where(error, method)}: {_described(error)}") from error
    for part in method.function.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UsageError(f"{method.place} has no function {method.function!r}; an estimator is named {FORM}")
    return found  # type: ignore[no-any-return]


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        # The installed command has its own folder on the path, and not the one that it is called in.
        _add_to_path(Path.cwd())
        return importlib.import_module(place)
    path = Path(place).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {place}")
    specification = importlib.util.spec_from_file_location(f"awbkit_own_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    _add_to_path(path.parent)
    specification.loader.exec_module(module)
    return module


def _add_to_path(folder: Path) -> None:
    # For good, because functions import more when they are called; last, so that it hides nothing.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _described(error: Exception, *plain: type[Exception]) -> str:
    message = " ".join(str(error).split())
    return message if isinstance(error, plain) and message else f"{type(error).__name__}: {message}".rstrip(": ")


def _where(error: Exception, method: OwnMethod) -> str:
    """The last line of the user's own file that was being run."""
    if not method.place.endswith(".py"):
        return ""
    own = str(Path(method.place).resolve())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return f" at line {lines[-1]}" if lines else ""

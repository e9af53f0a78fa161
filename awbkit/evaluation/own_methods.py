"""The user's own estimators: a Python function in a file or module.

    PATH.py:FUNCTION          package.module:FUNCTION

The function is called with a :class:`awbkit.colour.image.LinearImage` and returns an RGB on any scale, an
:class:`awbkit.colour.illuminant.Illuminant`, or a :class:`awbkit.colour.light_map.LightMap`, whose mean is evaluated.
It may return a pair: one of these, and the recovery error in degrees that it expects.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import math
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap, as_illuminant, as_light_map
from awbkit.errors import AwbError, UsageError
from awbkit.work import batch
from awbkit.work.executor import Crash

FORM = "PATH.py:FUNCTION or package.module:FUNCTION"

Light = TypeVar("Light", Illuminant, LightMap)


@dataclass(frozen=True)
class OwnMethod:
    """The name of a function; small and picklable. The process that calls the function loads it.

    Attributes:
        place: A path that ends with ``.py``, or a module's name.
        function: Name of the function in it; dots lead to attributes.
        digest: SHA-256 of the sources that are loaded with it, which tells an edited function apart; empty until
            :meth:`probe`.
    """

    place: str
    function: str
    digest: str = field(default="", compare=False)

    def __str__(self) -> str:
        """The specification, as the user writes it."""
        return f"{self.place}:{self.function}"

    def probe(self) -> OwnMethod:
        """Load the function once, and return it with its digest.

        Another process loads it, because it may crash or write to standard output.

        Raises:
            UsageError: If it cannot be loaded; the message says where loading failed.
        """
        with contextlib.closing(batch.run(_digest_of, [self], isolate=True)) as outcomes:
            outcome = next(outcomes)
        if isinstance(outcome.error, Crash):
            raise UsageError(f"{self.place} cannot be loaded: it ended its process ({outcome.error.ending})")
        if outcome.error is not None:
            raise outcome.error
        return replace(self, digest=outcome.result or "")

    def load(self) -> Callable[[LinearImage], Any]:
        """Load the function.

        Raises:
            UsageError: If it cannot be loaded; the message says where loading failed.
        """
        return _load_function(self)

    def estimate(self, image: LinearImage) -> Illuminant:
        """The light that the function finds in an image; the mean of a map.

        The function gets a copy of the pixels, so that it may write to them; its output goes to standard error.

        Raises:
            AwbError: If it fails, or returns no light.
        """
        return self._answer(image, as_illuminant)

    def light_map(self, image: LinearImage) -> LightMap:
        """The light that the function finds in each cell of an image; one cell for a single light.

        Raises:
            AwbError: As :meth:`estimate`.
        """
        return self._answer(image, as_light_map)

    def _answer(self, image: LinearImage, read: Callable[[Any, Camera], Light]) -> Light:
        function = self.load()
        copy = replace(image, pixels=image.pixels.copy(), valid=image.valid.copy())
        try:
            with contextlib.redirect_stdout(sys.stderr):
                answer = function(copy)
        except AwbError:
            raise
        except (Exception, SystemExit) as error:
            raise AwbError(f"{self} failed{_where(error, self)}: {_describe_error(error)}") from error
        expected = None
        if isinstance(answer, tuple) and len(answer) == 2:
            answer, expected = answer
        try:
            light = read(answer, image.camera)
        except (TypeError, ValueError) as error:
            raise AwbError(f"{self} returned no light: {_describe_error(error, UsageError)}") from None
        if expected is None:
            return light
        try:
            degrees = float(expected)
        except (TypeError, ValueError):
            degrees = math.nan
        if not 0 <= degrees < math.inf:
            raise AwbError(f"{self} returned {expected!r} as its expected error; return a number of degrees, or None")
        return replace(light, expected_error=degrees)


def find_own_method(specification: str) -> OwnMethod | None:
    """Parse a specification of this form; None for other forms."""
    place, colon, function = specification.strip().rpartition(":")
    if not colon or not all(part.isidentifier() for part in function.split(".")):
        return None
    if place.endswith(".py") or all(part.isidentifier() for part in place.split(".")):
        return OwnMethod(place, function)
    return None


@lru_cache(maxsize=64)
def _load_function(method: OwnMethod) -> Callable[[LinearImage], Any]:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found: Any = _module(method.place)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{method.place} cannot be loaded{_where(error, method)}: {_describe_error(error)}") from error
    for part in method.function.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UsageError(f"{method.place} has no function {method.function!r}; name an estimator as {FORM}")
    return found  # type: ignore[no-any-return]


def _digest_of(method: OwnMethod) -> str:
    """Check a function; call this in a fresh process, where no other function's modules are loaded."""
    method.load()
    digest = hashlib.sha256()
    for name, path in _sources(method):
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _sources(method: OwnMethod) -> Iterator[tuple[str, Path]]:
    """The loaded modules and their files, except libraries, which are assumed not to change."""
    paths = sysconfig.get_paths()
    libraries = {Path(paths[key]).resolve() for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    for name, module in sorted(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "").resolve()
        package = name.partition(".")[0]
        if package == "awbkit" or not path.is_file():
            continue
        installed = {"site-packages", "dist-packages"}.intersection(path.parts) or libraries.intersection(path.parents)
        if not installed or package == method.place.partition(".")[0]:
            yield name, path


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        # The installed command has its own folder on the path, not the working directory.
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
    # Permanent, because functions import more when they are called; last, so that it shadows nothing.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _describe_error(error: BaseException, *plain: type[Exception]) -> str:
    message = " ".join(str(error).split())
    if isinstance(error, SystemExit):
        return f"SystemExit: {message}; an estimator must return, not exit"
    return message if isinstance(error, plain) and message else f"{type(error).__name__}: {message}".rstrip(": ")


def _where(error: BaseException, method: OwnMethod) -> str:
    """The last line of the user's own file in the traceback."""
    if not method.place.endswith(".py"):
        return ""
    own = str(Path(method.place).resolve())
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return f" at line {lines[-1]}" if lines else ""

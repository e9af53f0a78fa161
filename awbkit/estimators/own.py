"""The user's own estimators: a Python function in a file or module, or any callable.

    PATH.py:FUNCTION          package.module:FUNCTION

The function is called with a :class:`awbkit.colour.image.LinearImage` and returns an RGB on any scale, an
:class:`awbkit.colour.illuminant.Illuminant`, or a :class:`awbkit.colour.light_map.LightMap`. It may return a pair: one
of these, and the recovery error in degrees that it expects.

Such a name runs code. It comes from the user alone: from options, arguments, and what is installed, never from a
record, a recipe or a model.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import math
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap, as_illuminant
from awbkit.errors import AwbError, UsageError

FORM = "PATH.py:FUNCTION or package.module:FUNCTION"

Function = Callable[..., Any]

_LOCK = threading.RLock()
"""For one load at a time: two could otherwise swap standard output in the wrong order."""


@dataclass(frozen=True)
class OwnCode:
    """Where a function is; small and picklable. The process that calls the function loads it.

    Attributes:
        place: A path that ends with ``.py``, or a module's name.
        function: Name of the function in it; dots lead to attributes.
    """

    place: str
    function: str

    def __str__(self) -> str:
        """The specification, as the user writes it."""
        return f"{self.place}:{self.function}"

    def load(self) -> Function:
        """Load the function, anew where its file has changed; what the code prints goes to standard error.

        Raises:
            UsageError: If it cannot be loaded; the message says where loading failed.
        """
        path = os.path.realpath(self.place) if self.place.endswith(".py") else ""
        stamp: tuple[int, ...] = ()
        if path:
            with contextlib.suppress(OSError):
                state = Path(path).stat()
                stamp = state.st_mtime_ns, state.st_size
        with _LOCK:
            return _load_function(self, path, stamp)


def find_own(specification: str) -> OwnCode | None:
    """Parse a specification of this form; None for other forms."""
    place, colon, function = specification.strip().rpartition(":")
    if not colon or not all(part.isidentifier() for part in function.split(".")):
        return None
    if place.endswith(".py") or all(part.isidentifier() for part in place.split(".")):
        return OwnCode(place, function)
    return None


def name_of(function: Function) -> str:
    """What records and tables call a callable: its own name, or that of its type."""
    return str(getattr(function, "__name__", type(function).__name__))


def ask(function: Function, name: str, image: LinearImage, **parameters: float) -> Illuminant | LightMap:
    """What a function answers for an image.

    The function gets a copy of the pixels, so that it may write to them.

    Args:
        function: Of the user.
        name: Its name in messages.
        image: The image.
        parameters: Keyword arguments for the function.

    Raises:
        AwbError: If it fails, or returns no light.
    """
    copy = replace(image, pixels=image.pixels.copy(), valid=image.valid.copy())
    try:
        answer = function(copy, **parameters)
    except AwbError:
        raise
    except (Exception, SystemExit) as error:
        raise AwbError(f"{name} failed{_where(error, _file_of(function))}: {_describe_error(error)}") from error
    expected = None
    if isinstance(answer, tuple) and len(answer) == 2:
        answer, expected = answer
    try:
        light = as_illuminant(answer, image.camera)
    except (TypeError, ValueError) as error:
        raise AwbError(f"{name} returned no light: {_describe_error(error, UsageError)}") from None
    found = answer if isinstance(answer, LightMap) else light
    return found if expected is None else replace(found, expected_error=_degrees(expected, name))


def check_portable(function: Function) -> None:
    """See that worker processes can import a callable.

    Raises:
        UsageError: If they cannot.
    """
    try:
        pickled = pickle.dumps(function)
    except Exception:
        pickled = None
    # Workers start without the main script, where a function of a notebook or of the script itself is.
    if pickled is None or b"__main__" in pickled:
        raise UsageError(
            f"method: {name_of(function)} cannot be sent to worker processes; define it at the top of a module that "
            "they can import, or leave jobs at 1"
        )


def _degrees(expected: object, name: str) -> float:
    try:
        degrees = float(expected)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        degrees = math.nan
    if not 0 <= degrees < math.inf:
        raise AwbError(f"{name} returned {expected!r} as its expected error; return a number of degrees, or None")
    return degrees


@lru_cache(maxsize=64)
def _load_function(code: OwnCode, path: str, stamp: tuple[int, ...]) -> Function:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found: Any = _module(code.place, path)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{code.place} cannot be loaded{_where(error, path)}: {_describe_error(error)}") from error
    for part in code.function.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UsageError(f"{code.place} has no function {code.function!r}; name an estimator as {FORM}")
    return found  # type: ignore[no-any-return]


def _module(place: str, path: str) -> Any:
    if not path:
        # The installed command has its own folder on the path, not the working directory.
        _add_to_path(Path.cwd())
        return importlib.import_module(place)
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {place}")
    import hashlib

    # Two files of one name are two modules.
    key = hashlib.sha256(os.fsencode(file)).hexdigest()[:12]
    specification = importlib.util.spec_from_file_location(f"awbkit_own_{file.stem}_{key}", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    _add_to_path(file.parent)
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


def _file_of(function: Function) -> str:
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return str(getattr(code, "co_filename", ""))


def _where(error: BaseException, path: str) -> str:
    """The last line of the user's own file in the traceback."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f" at line {lines[-1]}" if path and lines else ""

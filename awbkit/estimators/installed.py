"""Estimators that other packages install, by the entry points of the group ``awbkit.estimators``.

    [project.entry-points."awbkit.estimators"]
    my-estimator = "my_package.module:function"

The function is of the same form as awbkit's own, so keyword-only parameters with a
:class:`awbkit.estimators.parameter.Range` can be set as those can; or it is of the form of
:mod:`awbkit.estimators.own`.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from awbkit.errors import UsageError
from awbkit.estimators.own import Function
from awbkit.estimators.parameter import Description, parameters_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "awbkit.estimators"


@cache
def _entries() -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points  # here, because built-in methods need none

    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def installed_names() -> tuple[str, ...]:
    """The names of all installed estimators."""
    return tuple(sorted(_entries()))


@cache
def load_installed(name: str) -> Function:
    """The function of an installed estimator.

    Raises:
        UsageError: If two packages install this name, or the function cannot be imported.
    """
    entry = _entry(name)
    try:
        function: Any = entry.load()
    except Exception as error:
        message = " ".join(str(error).split())
        raise UsageError(
            f"method {name} of {_package(entry)} cannot be loaded: {type(error).__name__}: {message}; update or "
            "uninstall that package"
        ) from error
    if not callable(function):
        raise UsageError(f"method {name} of {_package(entry)} is no function; update or uninstall that package")
    return function  # type: ignore[no-any-return]


def describe_installed(name: str) -> Description:
    """What ``awbkit methods`` says of an installed estimator.

    Raises:
        UsageError: As :func:`load_installed`.
    """
    entry, function = _entry(name), load_installed(name)
    text = (inspect.getdoc(function) or "").strip().partition("\n")[0].rstrip(".")
    cited = getattr(sys.modules.get(getattr(function, "__module__", "")), "CITATION", None)
    return Description(
        name,
        text or f"of the package {_package(entry)}",
        parameters_of(function),
        cited if isinstance(cited, str) else f"none; installed by {_package(entry)}",
    )


def module_of(name: str) -> str:
    """The module that an installed estimator is in."""
    return _entry(name).module


def _entry(name: str) -> EntryPoint:
    entries = {(entry.value, _package(entry)): entry for entry in _entries()[name]}
    if len(entries) > 1:
        packages = " and ".join(sorted(package for _, package in entries))
        raise UsageError(f"method {name} is installed by {packages}; uninstall one of them")
    return next(iter(entries.values()))


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.module

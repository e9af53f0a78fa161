"""What a method says about its parameters: ``p: Annotated[float, Range(1, math.inf, "Minkowski norm")] = 5.0``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from awbkit.errors import UsageError

Value = float | int


@dataclass(frozen=True)
class Range:
    """The values that a parameter may take, both ends included.

    Attributes:
        minimum: The smallest.
        maximum: The largest; may be infinity.
        help: One line on what the parameter means, no capital, no full stop.
    """

    minimum: float
    maximum: float
    help: str

    def __str__(self) -> str:
        """In words: "at least 1", "from 0 to 50"."""
        if math.isinf(self.maximum):
            return f"at least {self.minimum:g}"
        return f"from {self.minimum:g} to {self.maximum:g}"


@dataclass(frozen=True)
class Parameter:
    """One keyword-only parameter of a method.

    Attributes:
        name: As the user writes it.
        type: int or float.
        default: The value where the user gives none.
        range: The values allowed, and what the parameter means.
    """

    name: str
    type: type[float] | type[int]
    default: Value
    range: Range

    def parse(self, text: str) -> Value:
        """The value written as ``text``.

        Raises:
            UsageError: If the text is not a number of the parameter's type, or out of its range.
        """
        try:
            value = self.type(text)
        except ValueError:
            value = math.nan
        if not self.range.minimum <= value <= self.range.maximum:
            kind = "a whole number " if self.type is int else ""
            raise UsageError(f"{self.name} must be {kind}{self.range}, not {text!r}")
        return value


@dataclass(frozen=True)
class Description:
    """What ``awbkit methods`` says of one method.

    Attributes:
        name: As in ``--method``.
        summary: One line.
        parameters: In the order of the function's signature.
        citation: Authors, title, venue, year and DOI.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    citation: str


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The keyword-only parameters of a function that have a default and a :class:`Range`."""
    try:
        keywords = [
            signed
            for signed in inspect.signature(function).parameters.values()
            if signed.kind is inspect.Parameter.KEYWORD_ONLY and signed.default is not inspect.Parameter.empty
        ]
        hints = get_type_hints(function, include_extras=True) if keywords else {}
    except (TypeError, ValueError, NameError):
        # A callable of a kind that has no signature, or whose types cannot be looked up.
        return ()
    found = []
    for signed in keywords:
        hint = hints.get(signed.name)
        ranges = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Range)]
        if ranges and getattr(hint, "__origin__", None) in (int, float):
            found.append(Parameter(signed.name, hint.__origin__, signed.default, ranges[0]))  # type: ignore[union-attr]
    return tuple(found)

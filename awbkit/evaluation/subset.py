"""A part of the labelled images: those of one camera, one fold, some scenes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UsageError
from awbkit.evaluation.result import Truth
from awbkit.spelling import suggestion

COLUMNS = {"image": "images", "dataset": "datasets", "camera": "cameras", "scene": "scenes", "fold": "folds"}
"""The keys of conditions, and where a :class:`Truth` has their values."""

_FORM = re.compile(r"\s*(\w*)\s*(!?=)(.*)", re.DOTALL)
_MOST_VALUES = 8


@dataclass(frozen=True)
class Condition:
    """What an image must have.

    Attributes:
        key: One of ``COLUMNS``.
        value: The value, or a pattern with ``*``, ``?`` and ``[abc]``; capitals matter.
        negated: Whether the image must have any other value.
    """

    key: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.key}{'!=' if self.negated else '='}{self.value}"

    def holds(self, value: str) -> bool:
        """Whether a value of the key fits."""
        return (value == self.value or fnmatchcase(value, self.value)) != self.negated


def parse_condition(text: str) -> Condition:
    """The condition written as ``KEY=VALUE`` or ``KEY!=VALUE``.

    Raises:
        UsageError: If it is of another form, or there is no such key.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"where: {text!r} is not of the form KEY=VALUE or KEY!=VALUE; keys: {', '.join(COLUMNS)}")
    key, sign, value = found.groups()
    if key not in COLUMNS:
        raise UsageError(f"where: no column {key!r}{suggestion(key, COLUMNS)}; keys: {', '.join(COLUMNS)}")
    return Condition(key, value.strip(), sign == "!=")


def choose(truth: Truth, conditions: Sequence[Condition]) -> NDArray[np.bool_]:
    """Which images fulfil the conditions, bool (N,).

    Of several with ``=`` on one key, one suffices; all others must hold.

    Raises:
        UsageError: If no image does; the message lists values that there are.
    """
    chosen = np.ones(len(truth), dtype=np.bool_)
    for key, column in COLUMNS.items():
        values: Sequence[str] = getattr(truth, column)
        wanted = [condition for condition in conditions if condition.key == key and not condition.negated]
        unwanted = [condition for condition in conditions if condition.key == key and condition.negated]
        for condition in wanted:
            if not any(map(condition.holds, values)):
                raise UsageError(f"no image has {condition}; values of {key}: {_list(values)}")
        chosen &= [
            (not wanted or any(c.holds(value) for c in wanted)) and all(c.holds(value) for c in unwanted)
            for value in values
        ]
    if not chosen.any():
        raise UsageError(f"no image has {describe(conditions)}; leave out a condition")
    return chosen


def describe(conditions: Sequence[Condition]) -> str:
    """The conditions in words, for titles and messages."""
    parts = []
    for key in dict.fromkeys(condition.key for condition in conditions):
        parts.append(" or ".join(str(c) for c in conditions if c.key == key and not c.negated))
        parts += [str(c) for c in conditions if c.key == key and c.negated]
    return " and ".join(part for part in parts if part)


def _list(values: Sequence[str]) -> str:
    known = list(dict.fromkeys(values))
    return ", ".join(map(repr, known[:_MOST_VALUES])) + (", ..." if len(known) > _MOST_VALUES else "")

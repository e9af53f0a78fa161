"""What a method says about its parameters: ``p: Annotated[float, Range(1, math.inf, "Minkowski norm")] = 5.0``."""

from __future__ import annotations

import math
from dataclasses import dataclass


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

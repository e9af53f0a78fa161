"""Marks in the table for numbers that say less than they seem to, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HIGHEST_CCT = 25_000
"""Kelvin; the end of the daylight locus of CIE 15, where the coldest lights of photographs lie."""

FAR_DUV = 0.02
"""A light this far from the black body's colours is plainly green or magenta, and its CCT describes it badly."""

_EXPLANATIONS = {
    "± deg": "the error that the method expects",
    ">=": "that or more",
    ">25000": "colder than any daylight; the number would mean nothing",
    "~": f"green or magenta (Duv beyond {FAR_DUV}), so the CCT says little",
    "-": "no CCT: far from any black body, or a camera without a colour matrix",
}


class Marks:
    """Turns numbers into cells, and remembers which marks occurred."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def temperature(self, record: Mapping[str, Any]) -> str:
        """The cell of the CCT."""
        cct, duv = record.get("cct"), record.get("duv") or 0.0
        if cct is None:
            return self._mark("-") if record.get("illuminant") is not None else ""
        if cct > HIGHEST_CCT:
            return self._mark(f">{HIGHEST_CCT}")
        return f"{self._mark('~') if abs(duv) > FAR_DUV else ''}{cct:.0f}"

    def expected_error(self, record: Mapping[str, Any]) -> str:
        """The cell of the expected error, which networks state up to a limit."""
        expected = record.get("expected_error")
        if expected is None:
            return ""
        from awbkit.network.model import GREATEST_ERROR

        self._mark("± deg")
        return f"{self._mark('>=')} {GREATEST_ERROR:.0f}" if expected >= GREATEST_ERROR else f"{expected:.1f}"

    def _mark(self, sign: str) -> str:
        self._seen.add(sign)
        return sign

    def legend(self) -> str:
        """The marks that occurred and what they mean; empty where none did."""
        return "; ".join(f"{sign}: {text}" for sign, text in _EXPLANATIONS.items() if sign in self._seen)

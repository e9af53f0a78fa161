"""Help with misspelt names."""

from __future__ import annotations

from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """A phrase with the known name most like ``name``, to go into a message; empty where none is."""
    import difflib  # here, because only a mistake needs it

    matches = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=1)
    return f", did you mean {matches[0]!r}?" if matches else ""

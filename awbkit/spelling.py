"""How the user spells names and their parameters, help with misspelt ones, and the number of a noun in a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from awbkit.errors import UsageError


def suggestion(name: str, known: Iterable[str]) -> str:
    """A phrase with the known name most like ``name``, to go into a message; empty where none is."""
    import difflib  # here, because only a mistake needs it

    matches = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=1)
    return f", did you mean {matches[0]!r}?" if matches else ""


def count_text(number: int, noun: str) -> str:
    """A number with its noun: ``1 image``, ``9,280 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def is_or_are(number: int) -> str:
    """The verb after :func:`count_text`."""
    return "is" if number == 1 else "are"


def assignments(text: str, owner: str, noun: str, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys and values of ``:key=value,...``, in this order.

    Args:
        text: From the colon on; empty where nothing is given.
        owner: What the keys belong to, for messages, such as "method pca".
        noun: What a key is called, such as "parameter".
        known: All keys, each with an example of its value; the example may be empty.

    Raises:
        UsageError: If a key is unknown or given twice, or has no value.
    """
    given = set()
    for item in text[1:].split(",") if text else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if key not in known:
            takes = f"{noun}s: {', '.join(known)}" if known else "it takes none"
            raise UsageError(f"{owner} has no {noun} {key!r}{suggestion(key, known)}; {takes}")
        if not equals:
            raise UsageError(f"{owner}: {key} needs a value{known[key] and f', as in {key}={known[key]}'}")
        if key in given:
            raise UsageError(f"{owner}: {key} is given twice")
        given.add(key)
        yield key, value

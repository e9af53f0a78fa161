"""Common parts of the loaders: unique files, original images, and checks of truths."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import Illuminant
from awbkit.datasets.pixels import read_codes
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.documents import MalformedText, parse_json
from awbkit.store.source import Source


def one_file(source: Source, *patterns: str) -> str | None:
    """Find a unique file; identical copies are allowed.

    Args:
        source: The source.
        patterns: Patterns for :meth:`Source.find`; the first with a match counts.

    Returns:
        Its name; None without a match.

    Raises:
        UnreadableFile: If several files match and differ.
    """
    for pattern in patterns:
        names = source.find(pattern)
        if names:
            first = source.read(names[0])
            for other in names[1:]:
                if source.read(other) != first:
                    problem = f"holds {names[0]} and {other}, which differ"
                    raise UnreadableFile(source.path, problem, "remove the one that does not belong to the images")
            return names[0]
    return None


def json_object(source: Source, name: str, problem: str, remedy: str) -> dict[str, Any]:
    """Read a file of JSON that holds one object.

    Args:
        source: The source.
        name: The file's name in the source.
        problem: What to say of other JSON.
        remedy: How to mend a file that holds no object.

    Raises:
        UnreadableFile: If it is missing, no JSON, or JSON of another kind.
    """
    where = f"{source.path}/{name}"
    try:
        value = parse_json(source.text(name))
    except MalformedText as error:
        raise UnreadableFile(where, str(error), remedy) from None
    if not isinstance(value, dict):
        raise UnreadableFile(where, problem, remedy)
    return value


def stem(name: str) -> str:
    """The name of a file without folders and suffix."""
    return PurePosixPath(name).stem


def by_stem(names: Iterable[str]) -> dict[str, list[str]]:
    """Files by their stem in lower case, in the order given."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(stem(name).lower(), []).append(name)
    return found


def original_codes(source: Source, name: str, sizes: Collection[tuple[int, int]] | None = None) -> NDArray[np.uint16]:
    """Read the 16-bit linear numbers of an image, uint16 (H, W, 3).

    Args:
        source: The source.
        name: The image's name in the source.
        sizes: Allowed widths and heights of the originals; None for any.

    Raises:
        UnreadableFile: If it is missing or damaged.
        UnsupportedImage: If it is no original: stores 8 bits, or has another size.
    """
    where = f"{source.path}/{name}"
    codes = read_codes(source, name)
    if codes.dtype != np.uint16:
        raise UnsupportedImage(where, "stores 8 bits, and the originals 16", "take the original, which is linear")
    height, width = codes.shape[:2]
    if sizes is not None and (width, height) not in sizes:
        expected = " or ".join(f"{wide} x {high}" for wide, high in sizes)
        problem = f"has {width} x {height} pixels, and the originals {expected}"
        raise UnsupportedImage(where, problem, "take the original, in which the place of the target is known")
    return cast("NDArray[np.uint16]", codes)


def truth_problem(light: Sequence[float]) -> str:
    """The reason why three numbers are no light, or an empty string."""
    try:
        Illuminant.of(light)
    except UsageError:
        return f"its truth {', '.join(f'{value:g}' for value in light)} is no light"
    return ""

"""What the loaders of published data sets share: the one file of a kind, original images, usable truths."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from typing import cast

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import Illuminant
from awbkit.datasets.pixels import read_codes
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.source import Source


def one_file(source: Source, *patterns: str) -> str | None:
    """The file that holds something of which there is one; copies of it do no harm.

    Args:
        source: Where to look.
        patterns: As :meth:`Source.find` takes them; the first that matches anything counts.

    Returns:
        Its name; None if there is none.

    Raises:
        UnreadableFile: If there are several that differ.
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
    """The 16-bit linear numbers of an image, uint16 (H, W, 3).

    Args:
        source: Where it is.
        name: Its name there.
        sizes: The widths and heights that the originals have; None for any.

    Raises:
        UnreadableFile: If it is not there or damaged.
        UnsupportedImage: If it is no original: stores 8 bits, or has another size.
    """
    where = f"{source.path}/{name}"
    codes = read_codes(source, name)
    if codes.dtype != np.uint16:
        raise UnsupportedImage(where, "stores 8 bits, and the originals 16", "take the original PNG, which is linear")
    height, width = codes.shape[:2]
    if sizes is not None and (width, height) not in sizes:
        expected = " or ".join(f"{wide} x {high}" for wide, high in sizes)
        problem = f"has {width} x {height} pixels, and the originals {expected}"
        raise UnsupportedImage(where, problem, "take the original, in which the place of the target is known")
    return cast("NDArray[np.uint16]", codes)


def truth_problem(light: Sequence[float]) -> str:
    """Why three numbers are no light, or an empty string."""
    try:
        Illuminant.of(light)
    except UsageError:
        return f"its truth {', '.join(f'{value:g}' for value in light)} is no light"
    return ""

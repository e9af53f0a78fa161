"""Untrusted NumPy files: no code in them is run, and every defect is reported."""

from __future__ import annotations

import re
import tokenize
import warnings
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

DAMAGE = (
    *(OSError, ValueError, TypeError, KeyError, EOFError, OverflowError, MemoryError, RecursionError),
    *(AttributeError, NotImplementedError, SyntaxError, tokenize.TokenError, BadZipFile, zlib.error),
)
"""The errors that NumPy raises on malformed files, whose headers it parses as Python literals."""

# Python's message about a header that is no literal contains addresses in memory.
_AT_AN_ADDRESS = re.compile(r"[:,]?\s*<[\w.]+ object at 0x[0-9a-f]+>")


def map_array(path: Path, kind: type[np.generic], cell: tuple[int, ...]) -> NDArray[Any]:
    """Map the array in a ``.npy`` file into memory.

    Args:
        path: The file.
        kind: Type of its numbers.
        cell: The shape, without the first axis.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not such an array; the message continues a sentence.
    """
    if not path.is_file() and path.exists():
        raise ValueError("is no file")
    with path.open("rb") as file:
        if file.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            raise ValueError("is damaged (it does not begin like an array)")
    try:
        with warnings.catch_warnings():
            # A header of Python 2 or of some odd number is read, or is damaged.
            warnings.simplefilter("ignore")
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE as error:
        reason = _AT_AN_ADDRESS.sub("", " ".join(str(error).split()))
        raise ValueError(f"is damaged ({reason[:100] or type(error).__name__})") from None
    if array.dtype != kind or array.ndim != len(cell) + 1 or array.shape[1:] != cell:
        raise ValueError(f"has the shape {array.shape} of {array.dtype}")
    return array

"""Samples that a decoder left out, found by handing it memory whose contents are known.

LibRaw decodes into memory that it does not clear, and gives up on much damage without a word. Its caller then gets the
old contents of that memory, perhaps another photograph. Here this memory is filled with one byte. Samples that equal
the byte are decoded again over another byte; those that change with it were never written. Whatever else a decoder
takes from fresh memory is at least the same on every run.

Only the GNU C library can fill memory. With others nothing is filled and nothing found.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILLS = (0xFE, 0x5A)
"""The bytes. As a sample, the first lies beyond the white level of nearly all sensors: one decoding is then enough."""

_M_PERTURB = -6
_EVERY = 4
"""Every how many rows one is looked at. Decoders give up by strips and tiles, which are higher."""


class _Filler:
    """The C library's fill byte, which threads share; those that need another one wait."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._users = 0
        self._byte = 0

    @contextmanager
    def fill(self, byte: int) -> Iterator[None]:
        """Have new memory filled with this byte meanwhile."""
        set_fill = _setter()
        with self._free:
            self._free.wait_for(lambda: not self._users or self._byte == byte)
            self._users += 1
            self._byte = byte
            if set_fill is not None:
                # The library fills new memory with the complement.
                set_fill(_M_PERTURB, byte ^ 0xFF)
        try:
            yield
        finally:
            with self._free:
                self._users -= 1
                if not self._users:
                    if set_fill is not None:
                        set_fill(_M_PERTURB, 0)
                    self._free.notify_all()


_FILLER = _Filler()


@cache
def _setter() -> Callable[[int, int], int] | None:
    """The C library's ``mallopt``, where it is the one that fills memory."""
    if sys.platform != "linux":
        return None
    library: Any = ctypes.CDLL(None)
    return library.mallopt if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt") else None


def filled_memory(which: int = 0) -> AbstractContextManager[None]:
    """While this is open, memory that C code takes without clearing it holds one of ``FILLS``, in all threads."""
    return _FILLER.fill(FILLS[which])


def has_unwritten_samples(samples: NDArray[np.generic], again: Callable[[], NDArray[np.generic]]) -> bool:
    """Whether a decoder left out any sample; every fourth row is looked at.

    Args:
        samples: uint16 (H, W) or (H, W, C), decoded in memory filled with the first of ``FILLS``.
        again: Decodes the same once more, in memory filled with the second.
    """
    rows = samples[::-_EVERY]
    first, second = (np.array([byte] * rows.dtype.itemsize, np.uint8).view(rows.dtype)[0] for byte in FILLS)
    suspect = [index for index, row in enumerate(rows) if (row == first).any()]
    if not suspect:
        return False
    repeated = again()[::-_EVERY]
    if repeated.shape != rows.shape:
        return True
    return bool(((rows[suspect] == first) & (repeated[suspect] == second)).any())

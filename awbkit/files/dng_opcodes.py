"""Opcode lists of a DNG: whether they are whole, and whether LibRaw applies those of a lossy DNG in full.

A lossy DNG stores 8 bits and an opcode MapPolynomial for each colour, which turns them into linear numbers. Where a
list has none for some colour, LibRaw (to 0.22) maps this colour through uninitialised memory. Adobe, "Digital Negative
(DNG) Specification" 1.7.1.0, chapter 7.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

OPCODE_LISTS = {51008: "OpcodeList1", 51009: "OpcodeList2", 51022: "OpcodeList3"}
_MAP_POLYNOMIAL = 8
_HIGHEST_DEGREE = 8


def read_opcodes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and the parameters of each opcode in a list.

    Raises:
        ValueError: The list ends before the last of them.
    """
    if len(content) < 4:
        raise ValueError("the list has no length")
    (count,) = struct.unpack_from(">I", content)
    at = 4
    for index in range(count):
        if at + 16 > len(content):
            raise ValueError(f"it announces {count} opcodes and holds {index}")
        opcode, _, _, size = struct.unpack_from(">4I", content, at)
        at += 16
        if at + size > len(content):
            raise ValueError(f"opcode {index + 1} of {count} reaches beyond the end of the list")
        yield opcode, content[at : at + size]
        at += size


def maps_all(content: bytes, planes: int) -> bool:
    """Whether LibRaw finds a polynomial for each colour of a lossy DNG.

    Args:
        content: Its OpcodeList2.
        planes: How many colours there are.

    Raises:
        ValueError: The list is damaged.
    """
    found = set()
    for opcode, parameters in read_opcodes(content):
        if opcode != _MAP_POLYNOMIAL:
            continue
        if len(parameters) < 36:
            raise ValueError("a polynomial is too short")
        plane, degree = (struct.unpack_from(">I", parameters, at)[0] for at in (16, 32))
        if degree > _HIGHEST_DEGREE or len(parameters) < 36 + 8 * (degree + 1):
            raise ValueError("a polynomial is too short or has too many terms")
        found.add(plane)
    return set(range(planes)) <= found

"""MATLAB files: what scipy writes comes back, and no hostile or foreign file does harm."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from awbkit.datasets.matlab import cells, number, numbers, read_mat
from awbkit.errors import UnreadableFile
from tests.helpers.dataset_files import cell, mat_bytes

loadmat = pytest.importorskip("scipy.io").loadmat

VARIABLES = {
    "lights": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    "level": 2048,
    "names": cell(["Canon600D_0001", "Canon600D_0002"]),
    "files": np.array([("a.tif",), ("b.tif",)], dtype=[("name", object)]),
    "folds": cell([np.array([[1, 3]], np.uint16), np.array([[2]], np.uint8)]),
}
HEADER = mat_bytes({})[:128]


def matrix(flags: int, *lengths: int, rest: bytes = b"") -> bytes:
    """One variable x of a class and shape."""
    dimensions = struct.pack(f"<II{len(lengths)}i", 5, 4 * len(lengths), *lengths)
    body = struct.pack("<IIII", 6, 8, flags, 0) + dimensions + bytes(-len(dimensions) % 8)
    body += struct.pack("<HH4s", 1, 1, b"x\0\0\0") + rest
    return struct.pack("<II", 14, len(body)) + body


def nest_cells(depth: int) -> bytes:
    part = matrix(6, 1, 1, rest=struct.pack("<IId", 9, 8, 1.0))
    for _ in range(depth):
        part = matrix(1, 1, 1, rest=part)
    return part


def compress(part: bytes) -> bytes:
    squeezed = zlib.compress(part, 9)
    return struct.pack("<II", 15, len(squeezed)) + squeezed


@pytest.mark.parametrize("compressed", [False, True])
def test_variables_come_back(compressed: bool) -> None:
    read = read_mat(mat_bytes(VARIABLES, compressed=compressed), "a.mat")
    assert numbers(read, "lights", 3, "a.mat").tolist() == [[1, 2, 3], [4, 5, 6]]
    assert number(read, "level", "a.mat") == 2048
    assert cells(read, "names", "a.mat") == ["Canon600D_0001", "Canon600D_0002"]
    assert cells(read, "files", "a.mat") == ["a.tif", "b.tif"]
    assert [fold.ravel().tolist() for fold in cells(read, "folds", "a.mat")] == [[1, 3], [2]]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    arrays(
        st.sampled_from([np.float64, np.float32, np.int8, np.uint16, np.int64, np.uint8]),
        array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=5),
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.booleans(),
)
def test_agrees_with_scipy(values: np.ndarray, text: str, compressed: bool) -> None:
    data = mat_bytes({"values": values, "text": cell([text, values])}, compressed=compressed)
    read, theirs = read_mat(data, "a.mat"), loadmat(io.BytesIO(data))
    assert read["values"].shape == theirs["values"].shape  # type: ignore[union-attr]
    np.testing.assert_array_equal(read["values"], theirs["values"])
    assert read["text"][0] == "".join(theirs["text"][0, 0].ravel())  # type: ignore[index]
    np.testing.assert_array_equal(read["text"][1], values)  # type: ignore[index]


def test_big_endian_files_and_tables_of_letters() -> None:
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    body = struct.pack(">IIII", 6, 8, 4, 0) + struct.pack(">IIii", 5, 8, 2, 3)
    body += struct.pack(">HH4s", 1, 1, b"x\0\0\0") + struct.pack(">II12s4x", 4, 12, "aXbYcZ".encode("utf-16-be"))
    read = read_mat(header + struct.pack(">II", 14, len(body)) + body, "a.mat")
    assert cells(read, "x", "a.mat") == ["abc", "XYZ"]


def test_the_writer_of_these_tests_writes_what_is_read() -> None:
    """The hostile files below are refused for their content, and not for a mistake of this test."""
    assert number(read_mat(HEADER + matrix(6, 1, 1, rest=struct.pack("<IId", 9, 8, 7.0)), "a.mat"), "x", "") == 7
    assert "x" in read_mat(HEADER + compress(nest_cells(3)), "a.mat")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no MATLAB file of level 5"),
        (b"PK\3\4" + bytes(400), "no MATLAB file of level 5"),
        (b"<!DOCTYPE html>" + b" " * 400, "no MATLAB file of level 5"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(126) + b"IM" + bytes(600), r"7\.3 .*-v7"),
        (mat_bytes(VARIABLES)[:-40], "damaged"),
        (mat_bytes(VARIABLES, compressed=False)[:-40], "damaged"),
        (HEADER + compress(matrix(6, 1, 1, rest=struct.pack("<II", 9, 17 << 20) + bytes(17 << 20))), "more than 16 MB"),
        (HEADER + compress(compress(nest_cells(1))), "damaged"),
        (HEADER + nest_cells(2_000), "damaged"),
        (HEADER + matrix(1, 1, 2**29), "damaged"),
        (HEADER + matrix(6, 2**31 - 1, 2**31 - 1, rest=struct.pack("<IId", 9, 8, 1.0)), "damaged"),
        (HEADER + matrix(2, 1, 2**30, rest=struct.pack("<III", 5 | 4 << 16, 1, 0)), "damaged"),
        (HEADER + matrix(6, -1, -1, rest=struct.pack("<IId", 9, 8, 1.0)), "damaged"),
        (HEADER + struct.pack("<II", 14, 2**31) + bytes(64), "damaged"),
    ],
    ids=[
        *("empty", "zip", "web page", "level 7.3", "cut short", "cut short, plain", "bomb", "folded twice", "deep"),
        *("cells of nothing", "overflow", "structures of nothing", "negative", "longer than the file"),
    ],
)
def test_refuses(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=rf"set/a\.mat: .*{message}"):
        read_mat(data, "set/a.mat")


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_escapes_the_error(data: st.DataObject) -> None:
    whole = bytearray(mat_bytes(VARIABLES, compressed=False))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_mat(bytes(whole), "a.mat")
        numbers(read, "lights", 3, "a.mat")
        cells(read, "names", "a.mat")
        cells(read, "files", "a.mat")
        cells(read, "folds", "a.mat")
    except UnreadableFile:
        pass


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda read: numbers(read, "truth", 3, "a.mat"), "no variable truth, but .*lights"),
        (lambda read: numbers(read, "lights", 4, "a.mat"), r"lights \(2 x 3\) is no table of 4 columns"),
        (lambda read: numbers(read, "names", 1, "a.mat"), "names"),
        (lambda read: number(read, "lights", "a.mat"), "lights"),
        (lambda read: cells(read, "lights", "a.mat"), "neither a list of cells"),
    ],
)
def test_says_what_is_not_there(ask: object, message: str) -> None:
    read = read_mat(mat_bytes(VARIABLES), "a.mat")
    with pytest.raises(UnreadableFile, match=message):
        ask(read)  # type: ignore[operator]

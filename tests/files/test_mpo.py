"""JPEGs with several pictures: the first is corrected, and the loss of the others is told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from awbkit.files.mpo import count_others, list_others
from tests.helpers.command import awbkit

RNG = np.random.default_rng(4)
FIRST, SECOND, THIRD = (
    Image.fromarray(np.kron(RNG.integers(30, 220, (8, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)) for _ in range(3)
)


def join_pictures(*others: Image.Image) -> bytes:
    out = io.BytesIO()
    FIRST.save(out, "MPO", save_all=True, append_images=others, quality=95, subsampling=0)
    return out.getvalue()


def jpeg() -> bytes:
    out = io.BytesIO()
    FIRST.save(out, "JPEG", quality=95)
    return out.getvalue()


def with_segment(payload: bytes, marker: int) -> bytes:
    whole = jpeg()
    return whole[:2] + bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload + whole[2:]


def with_kind(content: bytes, kind: int) -> bytes:
    """With another type of the second picture: the low bytes of its attributes, 16 bytes after the first's."""
    at = content.index(b"MPF\0") + 4
    order = "little" if content[at : at + 2] == b"II" else "big"
    first = content.rindex((0x030000).to_bytes(4, order), at, at + 90)
    return content[: first + 16] + kind.to_bytes(4, order) + content[first + 20 :]


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (jpeg(), 0),
        (join_pictures(SECOND), 1),
        (join_pictures(SECOND, THIRD), 2),
        (with_kind(join_pictures(SECOND), 0x020002), 1),
        (with_kind(join_pictures(SECOND), 0x010001), 0),
        (join_pictures(SECOND)[:-2] + b"hdrgm:Version", 0),
        (join_pictures(SECOND)[:600], 0),
        (b"", 0),
        (b"\xff\xd8\xff\xe2\0\x08MPF\0II", 0),
    ],
    ids=["one", "two", "three", "stereo", "preview", "gain map", "cut short", "empty", "no index"],
)
def test_how_many_others(content: bytes, number: int) -> None:
    assert count_others(content) == number


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mpo", "a.jpg"])
@pytest.mark.parametrize("to", ["jpg", "png"])
def test_the_loss_is_told(name: str, to: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(join_pictures(SECOND))
    ran = awbkit("correct", tmp_path, "-d", tmp_path / "out", "--to", to, "--gains", "1.0001,1,1", "-q")
    assert ran.code == 0
    assert "was written without 1 more picture behind the first" in ran.record["warning"]
    with Image.open(ran.record["output"]) as written:
        assert written.format == {"jpg": "JPEG", "png": "PNG"}[to]
        assert np.abs(np.asarray(written, float) - np.asarray(FIRST, float)).mean() < 4
    assert awbkit("estimate", tmp_path / name, "-m", "gray-world").record["warning"] is None


def test_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    ran = awbkit("correct", tmp_path / "a.jpg", "-d", tmp_path / "out", "--gains", "1,1,1", "-q")
    assert ran.record["warning"] is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (jpeg(), []),
        (join_pictures(SECOND, THIRD), ["2 more pictures behind the first"]),
        (with_kind(join_pictures(SECOND), 0x010001), []),
        (with_segment(b"urn:iso:std:iso:ts:21496:-1\0", 0xE2) + jpeg(), ["its gain map"]),
        (
            with_segment(b"http://ns.adobe.com/xap/1.0/\0 GCamera:MotionPhoto='1'", 0xE1) + b"ftypmp42",
            ["its motion clip"],
        ),
        (with_segment(b"http://ns.adobe.com/xap/1.0/\0 GCamera:MotionPhoto='1'", 0xE1), []),
        (jpeg() + b"SEFT", ["what stood behind its end"]),
        (jpeg() + bytes(100), []),
    ],
)
def test_what_stands_behind(content: bytes, words: list[str]) -> None:
    assert list_others(content) == words


def test_a_copy_holds_all_and_so_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(join_pictures(SECOND))
    ran = awbkit("correct", tmp_path / "a.jpg", "-d", tmp_path / "out", "--gains", "1,1,1", "-q")
    assert ran.record["warning"] is None
    assert (tmp_path / "out" / "a_awb.jpg").read_bytes() == join_pictures(SECOND)

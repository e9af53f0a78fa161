"""Damaged samples of JPEGs: refused, whatever libjpeg says of them; files that encoders write so are read."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import awbkit as api
from awbkit.errors import AwbWarning, UnreadableFile
from awbkit.files.decode import decode_jpeg
from awbkit.files.jpeg import segments
from awbkit.files.jpeg_scans import check_scans
from tests.helpers.command import awbkit

RNG = np.random.default_rng(23)
PATCHES = np.kron(RNG.integers(30, 220, (30, 40, 3)), np.ones((8, 8, 1)))
PICTURE = np.clip(PATCHES + RNG.normal(0, 6, PATCHES.shape), 0, 255).astype(np.uint8)
FLAT = np.full((480, 640, 3), 255, np.uint8)
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
    "4:2:0": {"subsampling": 2},
}


def jpeg(pixels: np.ndarray = PICTURE, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", **{"quality": 95, "subsampling": 0} | options)
    return out.getvalue()


def scan(content: bytes) -> int:
    """Where the samples begin."""
    last = segments(content)[-1]
    return last.offset + len(bytes(last))


def replace(content: bytes, at: float, new: bytes) -> bytes:
    """Bytes of the samples, from a fraction of them on, overwritten."""
    start = int(scan(content) + at * (len(content) - scan(content)))
    return content[:start] + new + content[start + len(new) :]


def zeros(content: bytes) -> bytes:
    return replace(content, 0.4, bytes(len(content) * 3 // 10))


def sector(content: bytes) -> bytes:
    return replace(content, 0.5, bytes(512))


def noise(content: bytes) -> bytes:
    return replace(content, 0.4, RNG.integers(0, 255, len(content) // 4).astype(np.uint8).tobytes())


def shifted(content: bytes) -> bytes:
    start = scan(content) + len(content) // 4
    return replace(content, 0.5, content[start : start + len(content) // 4])


def ones(content: bytes) -> bytes:
    return replace(content, 0.5, b"\xff" * 600)


DAMAGE = (zeros, sector, noise, shifted, ones)
SOURCES = {name: jpeg(**options) for name, options in KINDS.items()}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_samples_are_refused(kind: str, damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(damage(SOURCES[kind]))
    for work in (
        lambda: api.estimate(path, "gray-world"),
        lambda: api.correct(path, tmp_path / "out.jpg", illuminant=(1, 1, 0.999)),
        lambda: api.correct(path, tmp_path / "out.png", illuminant=(1, 1, 0.999)),
    ):
        with pytest.raises(UnreadableFile, match="copy it again"):
            work()
    assert not (tmp_path / "out.jpg").exists()
    assert not (tmp_path / "out.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", [("estimate",), ("estimate", "--region", "8,8,50,50"), ("correct", "--gains", "1,1,1")])
def test_commands_call_damaged_samples_damaged(how: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(zeros(SOURCES["baseline"]))
    folder = ("-d", tmp_path / "out") if how[0] == "correct" else ()
    ran = awbkit(how[0], path, *how[1:], *folder, "-q")
    assert ran.code == 1
    assert "its JPEG data has a hole of zeros; the file is damaged or was not copied in full" in ran.complaint


@pytest.mark.parametrize("marker", [0x02, 0x96, 0xBF, 0xC0, 0xF3])
def test_a_stray_marker_is_damage_and_no_foreign_coding(marker: int) -> None:
    content = SOURCES["baseline"]
    for damaged in (replace(content, 0.5, bytes((0xFF, marker))), content[:2] + bytes((0xFF, marker)) + content[2:]):
        with pytest.raises(UnreadableFile, match="copy it again"):
            decode_jpeg("a.jpg", damaged)
    with pytest.raises(ValueError, match=f"has the marker 0x{marker:02X} among its samples"):
        check_scans(replace(content, 0.5, bytes((0xFF, marker))))


def before_end(padding: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:-2] + padding + content[-2:]


@pytest.mark.parametrize("padding", [b"\7", b"\1\2\3\4", bytes(40), b"\xff" * 400, bytes(3) + b"\xff" * 9])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_before_the_end_is_harmless(kind: str, padding: bytes) -> None:
    expected = decode_jpeg("a.jpg", SOURCES[kind])
    assert np.array_equal(decode_jpeg("a.jpg", before_end(padding)(SOURCES[kind])), expected)


@pytest.mark.parametrize("rest", [b"rest" * 5, bytes(200), b"abcd" * 20])
@pytest.mark.parametrize("kind", KINDS)
def test_more_than_padding_before_the_end_is_damage(kind: str, rest: bytes) -> None:
    with pytest.raises(UnreadableFile, match="extraneous bytes before marker 0xd9"):
        decode_jpeg("a.jpg", before_end(rest)(SOURCES[kind]))


def in_head(content: bytes) -> bytes:
    first = segments(content)[1].offset
    return content[:first] + b"stray" + content[first:]


@pytest.mark.parametrize("kind", KINDS)
def test_stray_bytes_in_the_head_hide_no_damage(kind: str) -> None:
    content = in_head(SOURCES[kind])
    assert np.array_equal(decode_jpeg("a.jpg", content), decode_jpeg("a.jpg", SOURCES[kind]))
    for damage in (noise, shifted):
        with pytest.raises(UnreadableFile):
            decode_jpeg("a.jpg", damage(content))


@pytest.mark.parametrize(("number", "warns"), [(0, False), (5, False), (300, True)])
def test_many_stray_bytes_in_the_head_are_told(number: int, warns: bool, tmp_path: Path) -> None:
    content = SOURCES["baseline"]
    first = segments(content)[1].offset
    (tmp_path / "a.jpg").write_bytes(content[:first] + bytes(number) + b"\xff" * 500 + content[first:])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AwbWarning)
        api.estimate(tmp_path / "a.jpg", "gray-world")
    assert len(caught) == warns
    assert all(f"has {number} stray bytes in its head" in str(entry.message) for entry in caught)


def half_flat() -> np.ndarray:
    pixels = FLAT.copy()
    pixels[:240, :320] = PICTURE
    return pixels


@pytest.mark.parametrize("quality", [10, 75, 100])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pixels", [FLAT, FLAT * 0, FLAT // 2, half_flat()], ids=["white", "black", "gray", "half"])
def test_flat_pictures_are_sound(pixels: np.ndarray, kind: str, quality: int) -> None:
    content = jpeg(pixels, **KINDS[kind] | {"quality": quality})
    assert decode_jpeg("a.jpg", content).shape == pixels.shape


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", SOURCES["baseline"][:100], b"\xff\xd8\xff\xda\0\2"])
def test_unsound_heads_are_left_to_the_decoder(content: bytes) -> None:
    check_scans(content)
    with pytest.raises(UnreadableFile):
        decode_jpeg("a.jpg", content)


def test_data_sets_refuse_them_too(tmp_path: Path) -> None:
    from awbkit.datasets.pixels import read_codes
    from awbkit.store.source import Source

    (tmp_path / "a.jpg").write_bytes(SOURCES["baseline"])
    (tmp_path / "b.jpg").write_bytes(sector(SOURCES["baseline"]))
    source = Source.open(tmp_path)
    assert read_codes(source, "a.jpg").shape == PICTURE.shape
    with pytest.raises(UnreadableFile, match="hole of zeros"):
        read_codes(source, "b.jpg")

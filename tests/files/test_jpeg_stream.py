"""JPEG streams by their markers: sound ones pass, damaged ones are named, and no bytes end in anything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.files.jpeg_stream import BASELINE, LOSSLESS, check_scan, read_stream
from tests.helpers.dng_files import jpeg, lossless, scene

LINEAR = scene(np.random.default_rng(2))
SAMPLES = np.rint(LINEAR[..., 1] * 4000).astype(np.uint16)
COLOURS = np.rint(LINEAR * 250).astype(np.uint8)
STREAMS = {"lossless": lossless(SAMPLES), "baseline": jpeg(COLOURS), "optimised": jpeg(COLOURS, optimize=True)}


def check(content: bytes) -> tuple[int, int | None]:
    """The frame's kind and the offset of the stream's end."""
    data = np.frombuffer(content, np.uint8)
    stream = read_stream(data)
    return stream.frame, check_scan(data, stream)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("behind", [b"", b"\0", bytes(1000), b"\xff\xd8\xff"])
def test_a_sound_stream_ends_where_it_says(name: str, behind: bytes) -> None:
    content = STREAMS[name]
    assert check(content + behind) == (LOSSLESS if name == "lossless" else BASELINE, len(content))
    filled = content[:-2] + b"\xff\xff" + content[-2:]
    assert check(filled)[1] == len(filled)
    assert check(content[:-2])[1] is None


def test_headers_are_read() -> None:
    stream = read_stream(np.frombuffer(STREAMS["lossless"], np.uint8))
    assert (stream.width, stream.height, stream.components, stream.restart) == (192, 128, 1, 0)
    stream = read_stream(np.frombuffer(STREAMS["baseline"], np.uint8))
    assert (stream.width, stream.height, stream.components) == (192, 128, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (bytes(2000), "is not there"),
        (b"\xff\xd8", "is cut off in its headers"),
        (b"\xff\xd8\xff\xd9", "ends before its samples"),
        (b"\xff\xd8" + bytes(100), "has damaged headers"),
        (STREAMS["lossless"][:40], "is cut off in its headers"),
        (STREAMS["lossless"][:2000], "ends before its last sample"),
        (STREAMS["baseline"][:3000] + bytes(700), "has a hole of 7[0-9]+ zero bytes"),
        (STREAMS["baseline"][:3000] + b"\xff" * 700, "has a hole of 7[0-9]+ bytes of 255"),
        (STREAMS["baseline"][:3000] + b"\xff\xda", "foreign marker"),
    ],
)
def test_damage_is_named(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(content)


@given(st.sampled_from(sorted(STREAMS)), st.integers(0, 20_000), st.binary(max_size=60), st.integers(0, 20_000))
def test_no_damage_ends_in_anything_but_a_sentence(name: str, at: int, noise: bytes, length: int) -> None:
    content = STREAMS[name]
    damaged = (content[:at] + noise + content[at + len(noise) :])[:length]
    try:
        frame, end = check(damaged)
    except ValueError as error:
        frame, end, words = 0xC0, None, str(error)
    else:
        words = "is sound"
    assert words.split()[0] in ("is", "has", "says", "ends")
    assert 0xC0 <= frame <= 0xCF
    assert end is None or end <= len(damaged)


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(noise: bytes) -> None:
    for content in (noise, b"\xff\xd8" + noise, STREAMS["lossless"][:30] + noise):
        with pytest.raises(ValueError, match=r"^(is|has|says|ends) "):
            check(content)

"""JPEG segments and quantisation tables: what is read from a file, and what is written like it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from awbkit.files import jpeg, jpeg_metadata
from tests.helpers.jpeg_files import PLAIN, SOUND, XMP, dqt, insert, payloads, picture, save, segment


class TestSegments:
    def test_lists_every_segment_and_rebuilds_the_file(self) -> None:
        data = insert(save(picture()), segment(0xE1, XMP), segment(0xFE, b"hello"))
        found = jpeg.segments(data)
        assert [s.marker for s in found[:3]] == [0xE1, 0xFE, 0xE0]
        assert found[-1].marker == 0xDA
        head = b"\xff\xd8" + b"".join(map(bytes, found))
        assert data.startswith(head)

    @pytest.mark.parametrize("stray", [b"\xff\xff\xff", b"\xff\x01", b"\xff\xd0", b"junk", b"\xff\x00\x12"])
    def test_passes_over_what_libjpeg_passes_over(self, stray: bytes) -> None:
        data = save(picture())
        padded = data[:2] + stray + data[2:]
        assert [s.payload for s in jpeg.segments(padded)] == [s.payload for s in jpeg.segments(data)]

    @pytest.mark.parametrize(
        "broken",
        [
            b"",
            b"\xff",
            b"\xff\xd8",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n" + bytes(30),
            b"\xff\xd8\xff\xd9",
            b"\xff\xd8\xff\xe1\x00\x01",
            b"\xff\xd8\xff\xe1\xff\xff\x00",
            b"\xff\xd8" + b"\xff" * 5000,
            b"\xff\xd8\xff\xdb\x00",
        ],
    )
    def test_broken_files_are_value_errors(self, broken: bytes) -> None:
        with pytest.raises(ValueError, match="JPEG"):
            jpeg.segments(broken)

    @given(st.binary(max_size=300), st.integers(0, 700), st.integers(0, 700))
    @settings(max_examples=100, deadline=None)
    def test_garbage_never_raises_anything_else(self, noise: bytes, start: int, length: int) -> None:
        data = SOUND[:start] + noise + SOUND[start + length :]
        for function in (jpeg.segments, jpeg.read_info, lambda d: jpeg_metadata.graft(PLAIN, d, lambda old: old)):
            try:
                function(data)
            except ValueError as error:
                assert str(error)  # noqa: PT017


class TestReadInfo:
    @pytest.mark.parametrize(("name", "expected"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_sampling_and_process(self, name: str, expected: int, progressive: bool) -> None:
        info = jpeg.read_info(save(picture(), quality=83, subsampling=name, progressive=progressive))
        assert (info.subsampling, info.is_progressive) == (expected, progressive)
        assert info.components == 3

    @pytest.mark.parametrize(
        ("factors", "expected"),
        [
            ((0x12, 0x11, 0x11), 0),
            ((0x41, 0x11, 0x11), 0),
            ((0x21, 0x11, 0x21), 0),
            ((0x22, 0x22, 0x22), 0),
            ((0x22, 0x12, 0x12), 1),
            ((0x22, 0x11, 0x11), 2),
            ((0x42, 0x21, 0x21), 2),
            ((0x22, 0x00, 0x00), 0),
        ],
    )
    def test_other_samplings_lose_no_chroma(self, factors: tuple[int, int, int], expected: int) -> None:
        data = bytearray(save(picture()))
        frame = next(s.offset for s in jpeg.segments(bytes(data)) if s.marker == 0xC0)
        for index, factor in enumerate(factors):
            data[frame + 11 + 3 * index] = factor
        assert jpeg.read_info(bytes(data)).subsampling == expected

    def test_tables_match_pillow(self) -> None:
        data = save(picture(), quality=71)
        with Image.open(io.BytesIO(data)) as image:
            assert list(jpeg.read_info(data).qtables) == [tuple(image.quantization[i]) for i in (0, 1)]

    def test_four_components(self) -> None:
        out = io.BytesIO()
        Image.new("CMYK", (32, 32), (1, 2, 3, 4)).save(out, "JPEG")
        info = jpeg.read_info(out.getvalue())
        assert (info.components, info.subsampling) == (4, 0)

    def test_components_of_red_green_and_blue(self) -> None:
        out = io.BytesIO()
        Image.fromarray(picture()[..., :3].copy()).save(out, "JPEG", keep_rgb=True)
        whole = out.getvalue()
        assert jpeg.read_info(whole).is_rgb
        adobe = next(s for s in jpeg.segments(whole) if s.marker == 0xEE)
        unmarked = whole[: adobe.offset] + whole[adobe.offset + len(bytes(adobe)) :]
        assert jpeg.read_info(unmarked).is_rgb
        assert not jpeg.read_info(save(picture())).is_rgb
        # libjpeg takes JFIF at its word, which is YCbCr.
        assert not jpeg.read_info(insert(whole, segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\0\0"))).is_rgb

    def test_gray(self) -> None:
        out = io.BytesIO()
        Image.new("L", (32, 32), 90).save(out, "JPEG", quality=60)
        info = jpeg.read_info(out.getvalue())
        assert (info.components, len(info.qtables), info.subsampling) == (1, 1, 0)

    @pytest.mark.parametrize("cut", ["frame", "table"])
    def test_broken_headers_are_value_errors(self, cut: str) -> None:
        parts = jpeg.segments(save(picture()))
        wanted = {"frame": 0xC0, "table": 0xDB}[cut]
        shorter = [s._replace(payload=s.payload[:7]) if s.marker == wanted else s for s in parts]
        with pytest.raises(ValueError, match="JPEG"):
            jpeg.read_info(b"\xff\xd8" + b"".join(map(bytes, shorter)))


class TestEncode:
    @pytest.mark.parametrize("quality", [5, 40, 75, 92, 100])
    @pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 1}, {"progressive": True}])
    def test_tables_survive_byte_for_byte(self, quality: int, options: dict[str, object]) -> None:
        source = save(picture(), quality=quality, **options)
        encoded = jpeg.encode(picture(seed=1), jpeg.read_info(source))
        if quality > 5:
            assert dqt(encoded) == dqt(source)
        assert jpeg.read_info(encoded) == jpeg.read_info(source)

    def test_one_and_three_tables(self) -> None:
        first, second, third = [list(range(1, 65)), list(range(2, 66)), list(range(3, 67))]
        for tables, expected in [([first], 1), ([first, second, third], 3), ([first, first], 2)]:
            source = save(picture(), qtables=tables)
            info = jpeg.read_info(source)
            assert len(info.qtables) == expected
            encoded = jpeg.encode(picture(), info)
            assert jpeg.read_info(encoded).qtables == info.qtables
            with Image.open(io.BytesIO(encoded)) as image:
                image.load()

    def test_wide_tables_are_cut_to_baseline(self, capfd: pytest.CaptureFixture[str]) -> None:
        table = list(range(200, 264))
        encoded = jpeg.encode(picture(), jpeg.JpegInfo((tuple(table),), 2, False, 3))
        assert jpeg.read_info(encoded).qtables == (tuple(min(v, 255) for v in table),)
        assert payloads(encoded, 0xC0), "baseline frame"
        assert capfd.readouterr() == ("", "")

    def test_source_without_tables(self) -> None:
        encoded = jpeg.encode(picture(), jpeg.JpegInfo((), 2, False, 3))
        assert dqt(encoded) == dqt(save(picture(), quality=95))
        assert jpeg.read_info(encoded).subsampling == 0

    def test_pixels_equal_those_of_an_rgb_image(self) -> None:
        source = save(picture(), quality=90, subsampling=1)
        encoded = jpeg.encode(picture(seed=3), jpeg.read_info(source))
        assert encoded == save(picture(seed=3), quality=90, subsampling=1)

    @pytest.mark.parametrize("subsampling", [0, 2])
    def test_progressive_noise_under_the_finest_tables(self, subsampling: int) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (500, 500, 4), dtype=np.uint8)
        encoded = jpeg.encode(noise, jpeg.JpegInfo(((1,) * 64,), subsampling, True, 3))
        with Image.open(io.BytesIO(encoded)) as image:
            close = np.abs(np.asarray(image.convert("RGB")).astype(int) - noise[..., :3])
        if subsampling == 0:
            assert close.max() < 5

    def test_progressive_noise_just_above_the_limit_of_the_queue(self) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (500, 500, 4), dtype=np.uint8)
        encoded = jpeg.encode(noise, jpeg.JpegInfo(((17,) * 64,), 0, True, 3))
        assert len(encoded) < 2 * 500 * 500

    @pytest.mark.parametrize(
        "pixels",
        [
            np.zeros((8, 8, 3), np.uint8),
            np.zeros((8, 8, 4), np.uint16),
            np.zeros((8, 8), np.uint8),
            np.zeros((8, 16, 4), np.uint8)[:, ::2],
        ],
    )
    def test_other_arrays_are_value_errors(self, pixels: np.ndarray) -> None:
        with pytest.raises(ValueError, match="C-contiguous"):
            jpeg.encode(pixels, jpeg.JpegInfo((), 0, False, 3))

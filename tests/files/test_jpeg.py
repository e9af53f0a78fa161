"""JPEG segments, quantisation tables, and metadata carried from one file to another."""

from __future__ import annotations

import io
import struct
import timeit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from awbkit.files import jpeg, jpeg_metadata

MAKER_NOTE = b"Canon\0" + bytes(range(256)) * 3
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", 900, 0) + b"e" * 900
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """A smooth gradient with some noise, opaque RGBX."""
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(seed).integers(0, 12, (height, width, 4))
    levels = np.stack([columns * 3, rows * 4, columns + rows, columns * 0], axis=-1) % 240
    return np.ascontiguousarray((levels + noise).astype(np.uint8))


def save(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(out, "JPEG", **options)
    return out.getvalue()


def dqt(data: bytes) -> dict[int, bytes]:
    """Quantisation tables as they stand in the file, by identifier, read without the code under test."""
    tables, position = {}, 2
    while data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        while data[position + 1] == 0xDB and body:
            size = 129 if body[0] >> 4 else 65
            tables[body[0] & 15], body = body[1:size], body[size:]
        position += 2 + length
    return tables


def payloads(data: bytes, marker: int, start: bytes = b"") -> list[bytes]:
    return [s.payload for s in jpeg.segments(data) if s.marker == marker and s.payload.startswith(start)]


def segment(marker: int, payload: bytes) -> bytes:
    return bytes(jpeg.Segment(marker, 0, payload))


def insert(data: bytes, *parts: bytes) -> bytes:
    return data[:2] + b"".join(parts) + data[2:]


def without_jfif(data: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


def exif_block(thumbnail: bytes, order: str = "<", tail: bytes = b"") -> bytes:
    """A block with Make, an Exif directory that holds a MakerNote, and IFD1 with a thumbnail."""
    make, main, sub, small = b"Canon\0", 8, 64, 96
    note_at = 160
    small_at = note_at + len(MAKER_NOTE)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    block = bytearray(small_at) + thumbnail + tail
    block[:8] = mark + struct.pack(order + "I", main)
    entries = [
        (main, [(271, 2, len(make), 56), (274, 3, 1, 6 if order == "<" else 6 << 16), (34665, 4, 1, sub)], small),
        (sub, [(37500, 7, len(MAKER_NOTE), note_at)], 0),
        (
            small,
            [(0x103, 3, 1, 6 if order == "<" else 6 << 16), (0x201, 4, 1, small_at), (0x202, 4, 1, len(thumbnail))],
            0,
        ),
    ]
    for at, fields, following in entries:
        packed = struct.pack(order + "H", len(fields)) + b"".join(struct.pack(order + "HHII", *f) for f in fields)
        packed += struct.pack(order + "I", following)
        block[at : at + len(packed)] = packed
    block[56 : 56 + len(make)] = make
    block[note_at:small_at] = MAKER_NOTE
    return bytes(block)


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
        assert (info.subsampling, info.progressive) == (expected, progressive)
        assert (info.components, info.precision, info.adobe_transform) == (3, 8, None)

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

    def test_adobe_segment_and_four_components(self) -> None:
        out = io.BytesIO()
        Image.new("CMYK", (32, 32), (1, 2, 3, 4)).save(out, "JPEG")
        info = jpeg.read_info(out.getvalue())
        assert (info.components, info.subsampling, info.adobe_transform) == (4, 0, 0)

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

    def test_ten_megabytes_within_three_milliseconds(self) -> None:
        data = save(picture()) + bytes(10_000_000)
        assert min(timeit.repeat(lambda: jpeg.read_info(data), number=1, repeat=20)) < 0.003

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
        encoded = jpeg.encode(picture(), jpeg.JpegInfo((tuple(table),), 2, False, 3, 8, None))
        assert jpeg.read_info(encoded).qtables == (tuple(min(v, 255) for v in table),)
        assert payloads(encoded, 0xC0), "baseline frame"
        assert capfd.readouterr() == ("", "")

    def test_source_without_tables(self) -> None:
        encoded = jpeg.encode(picture(), jpeg.JpegInfo((), 2, False, 3, 8, None))
        assert dqt(encoded) == dqt(save(picture(), quality=95))
        assert jpeg.read_info(encoded).subsampling == 0

    def test_pixels_equal_those_of_an_rgb_image(self) -> None:
        source = save(picture(), quality=90, subsampling=1)
        encoded = jpeg.encode(picture(seed=3), jpeg.read_info(source))
        assert encoded == save(picture(seed=3), quality=90, subsampling=1)

    @pytest.mark.parametrize("subsampling", [0, 2])
    def test_progressive_noise_under_the_finest_tables(self, subsampling: int) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (500, 500, 4), dtype=np.uint8)
        encoded = jpeg.encode(noise, jpeg.JpegInfo(((1,) * 64,), subsampling, True, 3, 8, None))
        with Image.open(io.BytesIO(encoded)) as image:
            close = np.abs(np.asarray(image.convert("RGB")).astype(int) - noise[..., :3])
        if subsampling == 0:
            assert close.max() < 5

    def test_progressive_noise_just_above_the_limit_of_the_queue(self) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (500, 500, 4), dtype=np.uint8)
        encoded = jpeg.encode(noise, jpeg.JpegInfo(((17,) * 64,), 0, True, 3, 8, None))
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
            jpeg.encode(pixels, jpeg.JpegInfo((), 0, False, 3, 8, None))


def photoshop(*resources: tuple[int, bytes, bytes]) -> bytes:
    out = b""
    for identifier, name, data in resources:
        label = bytes([len(name)]) + name
        label += bytes(len(label) % 2)
        out += b"8BIM" + struct.pack(">H", identifier) + label + struct.pack(">I", len(data)) + data
        out += bytes(len(data) % 2)
    return out


PHOTOSHOP = b"Photoshop 3.0\0"
IPTC = (0x0404, b"", b"\x1c\x02\x05\x00\x05Title")
OLD_THUMBNAIL = save(picture(40, 30, seed=5), quality=80)
PLAIN = save(picture(seed=9), quality=90)


def rich_source(thumbnail: bytes = OLD_THUMBNAIL, order: str = "<", **options: object) -> bytes:
    base = save(picture(), dpi=(300, 300), icc_profile=PROFILE, **options)
    return insert(
        base[:20] + base[20:],
        segment(0xE1, b"Exif\0\0" + exif_block(thumbnail, order)),
        segment(0xE1, XMP),
        segment(0xE1, EXTENDED_XMP),
        segment(0xE2, b"MPF\0MM\0*" + bytes(80)),
        segment(0xED, PHOTOSHOP + photoshop(IPTC, (0x040C, b"", b"odd"), (0x03ED, b"abc", b"12345"))),
        segment(0xE5, b"private\0\1\2\3"),
        segment(0xEE, b"Adobe\0\x64" + bytes(4) + b"\x01"),
        segment(0xFE, "Kommentar: für alle".encode()),
    )


SOUND = rich_source()


class TestGraft:
    def test_segments_survive_byte_for_byte(self) -> None:
        joined = jpeg_metadata.graft(PLAIN, SOUND, lambda old: old)
        for marker, start in [(0xE1, b"Exif"), (0xE1, b"http"), (0xE2, b"ICC"), (0xE5, b""), (0xFE, b"")]:
            assert payloads(joined, marker, start) == payloads(SOUND, marker, start) != []
        assert payloads(joined, 0xE0)[0][:12] == payloads(SOUND, 0xE0)[0][:12]

    def test_pixels_and_tables_are_those_of_the_new_file(self) -> None:
        joined = jpeg_metadata.graft(PLAIN, SOUND, None)
        assert dqt(joined) == dqt(PLAIN)
        with Image.open(io.BytesIO(joined)) as image, Image.open(io.BytesIO(PLAIN)) as plain:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(plain))
            assert image.info["dpi"] == (300, 300)
            assert image.info["icc_profile"] == PROFILE
            assert image.getexif()[271] == "Canon"
            assert image.getexif()[274] == 6
            assert image.getexif().get_ifd(34665)[37500] == MAKER_NOTE

    def test_what_is_no_longer_true_is_dropped(self) -> None:
        joined = jpeg_metadata.graft(PLAIN, SOUND + b"trailing image", None)
        assert payloads(joined, 0xEE) == []
        assert payloads(joined, 0xE2, b"MPF") == []
        assert joined.endswith(PLAIN[-40:])

    def test_source_without_jfif_gives_none(self) -> None:
        source = insert(without_jfif(save(picture())), segment(0xE1, b"Exif\0\0" + exif_block(OLD_THUMBNAIL)))
        joined = jpeg_metadata.graft(PLAIN, source, None)
        assert payloads(joined, 0xE0) == []
        assert joined[2:4] == b"\xff\xe1", "Exif comes first, as CIPA DC-008 wants"
        with Image.open(io.BytesIO(joined)) as image, Image.open(io.BytesIO(PLAIN)) as plain:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(plain))

    def test_profile_in_several_segments(self) -> None:
        profile = PROFILE[:16] + b"RGB " + PROFILE[20:] + np.random.default_rng(0).bytes(150_000)
        source = save(picture(), icc_profile=profile)
        joined = jpeg_metadata.graft(PLAIN, source)
        assert len(payloads(joined, 0xE2)) == 3
        with Image.open(io.BytesIO(joined)) as image:
            assert image.info["icc_profile"] == profile

    def test_profile_of_another_colour_model_gives_way(self) -> None:
        source = save(picture(), icc_profile=PROFILE[:16] + b"CMYK" + PROFILE[20:])
        assert payloads(jpeg_metadata.graft(PLAIN, source), 0xE2) == []
        own = save(picture(), icc_profile=PROFILE)
        assert payloads(jpeg_metadata.graft(own, source), 0xE2) == payloads(own, 0xE2)
        assert payloads(jpeg_metadata.graft(own, own), 0xE2) == payloads(own, 0xE2)

    def test_adobe_segment_of_the_new_file_stays(self) -> None:
        out = io.BytesIO()
        Image.fromarray(picture()[..., :3].copy()).save(out, "JPEG", keep_rgb=True)
        joined = jpeg_metadata.graft(out.getvalue(), SOUND)
        assert jpeg.read_info(joined).adobe_transform == 0

    def test_jfif_thumbnails_go_and_density_stays(self) -> None:
        jfif = segment(0xE0, b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c\x02\x01" + bytes(6))
        jfxx = segment(0xE0, b"JFXX\0\x10" + OLD_THUMBNAIL)
        joined = jpeg_metadata.graft(PLAIN, insert(without_jfif(PLAIN), jfif, jfxx))
        assert payloads(joined, 0xE0) == [b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c\0\0"]

    def test_photoshop_thumbnail_goes_and_iptc_stays(self) -> None:
        joined = jpeg_metadata.graft(PLAIN, SOUND)
        assert payloads(joined, 0xED) == [PHOTOSHOP + photoshop(IPTC, (0x03ED, b"abc", b"12345"))]
        with Image.open(io.BytesIO(joined)) as image:
            assert image.info["photoshop"][0x0404] == IPTC[2]

    def test_photoshop_resource_across_segments(self) -> None:
        whole = photoshop((0x0409, b"", bytes(70_000)), IPTC, (0x0422, b"", b"x" * 70_000))
        parts = [segment(0xED, PHOTOSHOP + whole[i : i + 65_000]) for i in range(0, len(whole), 65_000)]
        joined = jpeg_metadata.graft(PLAIN, insert(PLAIN, *parts))
        rest = b"".join(p[len(PHOTOSHOP) :] for p in payloads(joined, 0xED))
        assert rest == photoshop(IPTC, (0x0422, b"", b"x" * 70_000))

    def test_photoshop_resources_that_cannot_be_followed_stay(self) -> None:
        broken = PHOTOSHOP + photoshop((0x040C, b"", b"12"), IPTC)[:-3]
        assert payloads(jpeg_metadata.graft(PLAIN, insert(PLAIN, segment(0xED, broken))), 0xED) == [broken]

    @pytest.mark.parametrize(("encoded", "source"), [(b"nothing", SOUND), (PLAIN, b"nothing"), (PLAIN, PLAIN[:90])])
    def test_anything_but_a_jpeg_is_a_value_error(self, encoded: bytes, source: bytes) -> None:
        with pytest.raises(ValueError, match="JPEG"):
            jpeg_metadata.graft(encoded, source)


class TestThumbnail:
    """The thumbnail in IFD1, seen through Pillow's own reader."""

    @staticmethod
    def read(data: bytes) -> bytes | None:
        with Image.open(io.BytesIO(data)) as image:
            exif = image.getexif()
            assert exif.get_ifd(34665)[37500] == MAKER_NOTE
            small = exif.get_ifd(ExifTags.IFD.IFD1)
        if 0x201 not in small:
            return None
        block = payloads(data, 0xE1, b"Exif")[0][6:]
        return block[small[0x201] : small[0x201] + small[0x202]]

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_shorter_one_goes_in_place(self, order: str) -> None:
        new = save(picture(40, 30, seed=6), quality=20)
        assert len(new) < len(OLD_THUMBNAIL)
        seen = []
        source = rich_source(order=order)
        joined = jpeg_metadata.graft(PLAIN, source, lambda old: seen.append(old) or new)
        assert seen == [OLD_THUMBNAIL]
        assert self.read(joined) == new
        before, after = (payloads(data, 0xE1, b"Exif")[0] for data in (source, joined))
        assert len(before) == len(after)
        assert after[: before.index(MAKER_NOTE)].count(b"Canon") == 1
        assert after.endswith(bytes(len(OLD_THUMBNAIL) - len(new)))

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("tail", [b"", bytes(7), b"more private data"])
    def test_longer_one_grows_the_block(self, order: str, tail: bytes) -> None:
        new = save(picture(80, 60, seed=6), quality=90)
        assert len(new) > len(OLD_THUMBNAIL)
        block = exif_block(OLD_THUMBNAIL, order, tail)
        source = insert(PLAIN, segment(0xE1, b"Exif\0\0" + block))
        joined = jpeg_metadata.graft(PLAIN, source, lambda old: new)
        assert self.read(joined) == new
        assert OLD_THUMBNAIL not in joined
        assert tail.strip(b"\0") in joined

    @pytest.mark.parametrize("renew", [None, lambda old: None, lambda old: b"\xff\xd8" + bytes(65_530)])
    def test_none_or_one_too_long_leaves_no_thumbnail(self, renew: object) -> None:
        joined = jpeg_metadata.graft(PLAIN, SOUND, renew)  # type: ignore[arg-type]
        assert self.read(joined) is None
        assert OLD_THUMBNAIL not in joined

    def test_uncompressed_thumbnail_is_unlinked(self) -> None:
        block = exif_block(b"RGBRGBRGB")
        joined = jpeg_metadata.graft(PLAIN, insert(PLAIN, segment(0xE1, b"Exif\0\0" + block)), lambda old: old)
        assert self.read(joined) is None

    @pytest.mark.parametrize(
        "block", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\0", b"garbage!" * 9]
    )
    def test_blocks_that_are_no_tiff_stay_as_they_are(self, block: bytes) -> None:
        joined = jpeg_metadata.graft(PLAIN, insert(PLAIN, segment(0xE1, b"Exif\0\0" + block)), lambda old: b"x")
        assert payloads(joined, 0xE1) == [b"Exif\0\0" + block]

    @given(st.binary(max_size=40), st.integers(0, 200), st.booleans())
    @settings(max_examples=100, deadline=None)
    def test_garbage_inside_never_grows_past_a_segment(self, noise: bytes, at: int, renew: bool) -> None:
        block = exif_block(OLD_THUMBNAIL)
        block = block[:at] + noise + block[at + len(noise) :]
        source = insert(PLAIN, segment(0xE1, b"Exif\0\0" + block))
        joined = jpeg_metadata.graft(PLAIN, source, (lambda old: old + bytes(5)) if renew else None)
        assert jpeg.segments(joined)[-1].marker == 0xDA

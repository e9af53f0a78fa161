"""Metadata carried from one JPEG to another, and the thumbnail that is made anew within."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from awbkit.files import jpeg, jpeg_metadata
from tests.helpers.jpeg_files import (
    IPTC,
    MAKER_NOTE,
    OLD_THUMBNAIL,
    PHOTOSHOP,
    PLAIN,
    PROFILE,
    SOUND,
    dqt,
    exif_block,
    insert,
    payloads,
    photoshop,
    picture,
    rich_source,
    save,
    segment,
    without_jfif,
)


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
        assert [payload[11] for payload in payloads(joined, 0xEE)] == [0]

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

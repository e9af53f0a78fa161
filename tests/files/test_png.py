"""What a PNG's chunks say survives a correction, byte for byte, and goes with it to other formats."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import awbkit
from awbkit.errors import AwbWarning, UnsupportedImage
from awbkit.files.png import graft, read_metadata
from tests.helpers.pictures import TUNGSTEN, encode
from tests.helpers.png_files import Chunks, around_pixels, chunk, digits, read_chunks, write_png

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
IIM = b"\x1c\x02\x78\x00\x07A scene"
RESOURCES = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IIM)) + IIM
THUMBNAIL_RESOURCE = b"8BIM\x04\x0c\0\0\0\0\0\x03odd\0"


def exif(orientation: int = 6, thumbnail: bytes = b"") -> bytes:
    made = Image.Exif()
    made[271], made[274] = "Acme", orientation
    block = bytearray(made.tobytes().removeprefix(b"Exif\0\0"))
    if thumbnail:
        at = len(block) + len(block) % 2
        link = 8 + 2 + 12 * 2
        struct.pack_into(">I", block, link, at)
        small = struct.pack(">H2HII2HIII", 2, 0x201, 4, 1, at + 30, 0x202, 4, 1, len(thumbnail), 0)
        block += bytes(at - len(block)) + small + thumbnail
    return bytes(block)


@pytest.fixture
def pixels(scene: np.ndarray) -> np.ndarray:
    return encode(scene * TUNGSTEN)


def correct_to(source: Path, suffix: str = ".png") -> Path:
    target = source.with_name(f"out{suffix}")
    awbkit.correct(source, target, illuminant=TUNGSTEN)
    return target


BEFORE: Chunks = [
    (b"gAMA", struct.pack(">I", 45455)),
    (b"sRGB", b"\0"),
    (b"bKGD", struct.pack(">3H", 1, 2, 3)),
    (b"sBIT", b"\x08\x08\x08"),
    (b"pHYs", struct.pack(">IIB", 3780, 3780, 1)),
    (b"oFFs", struct.pack(">iiB", -5, 9, 0)),
    (b"sCAL", b"\x01" + b"1.5\x002.5"),
    (b"tIME", struct.pack(">H5B", 2024, 5, 6, 7, 8, 9)),
    (b"tEXt", b"Creation Time\x002024-05-06"),
    (b"tEXt", "Größe\0ganz".encode("latin-1")),
    (b"tEXt", "Author\0Jürgen Müller".encode("latin-1")),
    (b"tEXt", b"Author\0the second of that name"),
    (b"tEXt", b"\0no keyword at all"),
    (b"zTXt", b"Comment\0\0" + zlib.compress("café".encode("latin-1"), 1)),
    (b"iTXt", "Title\0\0\0de\0Titel\0Größe 日本".encode()),
    (b"iTXt", b"Warning\0\1\0\0\0" + zlib.compress("pas de café".encode(), 9)),
    (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    (b"tEXt", b"Raw profile type icc\0" + digits(b"icc", b"no profile")),
    (b"orNT", b"\x06"),
    (b"vpAg", bytes(9)),
    (b"prVt", b"a private chunk that may be copied"),
]
BEHIND: Chunks = [
    (b"tEXt", b"Copyright\0me"),
    (b"eXIf", exif()),
    (b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(digits(b"iptc", RESOURCES))),
    (b"prVt", b""),
]


class TestOntoNewPixels:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize("alpha", [False, True])
    def test_ancillary_chunks_survive_byte_for_byte_and_in_their_order(
        self, dtype: type, alpha: bool, scene: np.ndarray, tmp_path: Path
    ) -> None:
        pixels = encode(scene * TUNGSTEN, dtype)
        if alpha:
            pixels = np.dstack([pixels, np.full_like(pixels[..., :1], 7)])
        before = [(k, bytes([8 * pixels.itemsize] * (3 + alpha)) if k == b"sBIT" else c) for k, c in BEFORE]
        source = write_png(tmp_path / "a.png", pixels, before, BEHIND)
        assert around_pixels(correct_to(source)) == (before, BEHIND)

    def test_nothing_is_made_up(self, pixels: np.ndarray, tmp_path: Path) -> None:
        assert around_pixels(correct_to(write_png(tmp_path / "a.png", pixels))) == ([], [])

    def test_palette_becomes_rgb(self, tmp_path: Path) -> None:
        palette = bytes([10, 20, 30, 90, 80, 70, 200, 100, 50, 60, 61, 62])
        before: Chunks = [
            (b"gAMA", struct.pack(">I", 45455)),
            (b"sBIT", b"\x08\x08\x08"),
            (b"PLTE", palette),
            (b"tRNS", b"\x00\x80"),
            (b"hIST", struct.pack(">4H", 1, 2, 3, 4)),
            (b"bKGD", b"\x02"),
            (b"tEXt", b"Title\0x"),
        ]
        numbers = np.arange(16, dtype=np.uint8).reshape(4, 4) % 4
        out = correct_to(write_png(tmp_path / "a.png", numbers, before, bits=2))
        assert around_pixels(out)[0] == [
            (b"gAMA", struct.pack(">I", 45455)),
            (b"sBIT", b"\x08\x08\x08\x08"),
            (b"bKGD", struct.pack(">3H", 200, 100, 50)),
            (b"tEXt", b"Title\0x"),
        ]
        assert pyvips.Image.new_from_file(str(out)).numpy()[0, :, 3].tolist() == [0, 128, 255, 255]

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_transparent_colour_becomes_alpha(self, dtype: type, pixels: np.ndarray, tmp_path: Path) -> None:
        deep = pixels.astype(dtype)
        key = deep[40, 60].tolist()
        source = write_png(tmp_path / "a.png", deep, [(b"tRNS", struct.pack(">3H", *key))])
        out = correct_to(source)
        assert around_pixels(out) == ([], [])
        clear = pyvips.Image.new_from_file(str(out)).numpy()[..., 3] == 0
        assert np.array_equal(clear, (deep == np.array(key, dtype)).all(axis=2))

    @pytest.mark.parametrize(
        ("bits", "stays"), [(b"\x08\x08\x08", True), (b"\x05\x06\x05", False), (b"\x08\x08\x07", False), (b"", False)]
    )
    def test_significant_bits(self, bits: bytes, stays: bool, pixels: np.ndarray, tmp_path: Path) -> None:
        out = correct_to(write_png(tmp_path / "a.png", pixels, [(b"sBIT", bits)]))
        assert around_pixels(out)[0] == ([(b"sBIT", bits)] if stays else [])

    def test_index_of_the_old_compressed_data_goes_without_a_word(self, pixels: np.ndarray, tmp_path: Path) -> None:
        out = correct_to(write_png(tmp_path / "a.png", pixels, [(b"iDOT", bytes(28))]))
        assert around_pixels(out) == ([], [])

    @pytest.mark.parametrize("kind", [b"sPLT", b"pCAL", b"cLLI", b"dSIG", b"caBX", b"prVW", b"msOG"])
    def test_what_depends_on_the_old_pixels_is_told_of(self, kind: bytes, pixels: np.ndarray, tmp_path: Path) -> None:
        source = write_png(tmp_path / "a.png", pixels, [(kind, b"x\0\x08")], [(b"tEXt", b"Title\0x")])
        with pytest.warns(AwbWarning, match=f"without chunk {kind.decode()}"):
            out = correct_to(source)
        assert around_pixels(out) == ([], [(b"tEXt", b"Title\0x")])

    def test_what_stands_behind_the_end_is_told_of(self, pixels: np.ndarray, tmp_path: Path) -> None:
        source = write_png(tmp_path / "a.png", pixels, tail=b"an older picture")
        with pytest.warns(AwbWarning, match="behind its end"):
            assert around_pixels(correct_to(source)) == ([], [])

    def test_interlaced_stays_interlaced(self, pixels: np.ndarray, tmp_path: Path) -> None:
        pyvips.Image.new_from_array(pixels).pngsave(str(tmp_path / "a.png"), interlace=True)
        assert read_chunks(correct_to(tmp_path / "a.png"))[0][1][12] == 1

    @pytest.mark.parametrize("kind", ["eXIf", "exif", "APP1"])
    def test_thumbnail_gets_the_new_colours(self, kind: str, pixels: np.ndarray, tmp_path: Path) -> None:
        small = io.BytesIO()
        Image.fromarray(pixels[::2, ::2]).save(small, "JPEG", quality=95, subsampling=0)
        block = exif(thumbnail=small.getvalue())
        name = f"Raw profile type {kind}\0".encode()
        place = (b"eXIf", block) if kind == "eXIf" else (b"tEXt", name + digits(b"exif", b"Exif\0\0" + block))
        out = correct_to(write_png(tmp_path / "a.png", pixels, behind=[place]))
        renewed = read_metadata(str(out)).exif
        assert renewed is not None
        assert renewed[:34] == block[:34]
        with Image.open(io.BytesIO(renewed[renewed.index(b"\xff\xd8\xff") :])) as thumbnail:
            card = np.asarray(thumbnail)[19:29, 27:37]
        assert np.ptp(card.mean(axis=(0, 1))) < 3

    def test_photoshop_thumbnail_goes_and_iptc_stays(self, pixels: np.ndarray, tmp_path: Path) -> None:
        text = b"Raw profile type 8bim\0" + digits(b"8bim", RESOURCES + THUMBNAIL_RESOURCE)
        out = correct_to(write_png(tmp_path / "a.png", pixels, [(b"tEXt", text)]))
        assert around_pixels(out)[0] == [(b"tEXt", b"Raw profile type 8bim\0" + digits(b"8bim", RESOURCES))]

    @pytest.mark.parametrize("keyword", [b"XML:com.adobe.xmp\0\0\0\0\0", b"XML:com.adobe.xmp\0\1\0\0\0"])
    def test_what_xmp_announces_behind_the_picture_goes(
        self, keyword: bytes, pixels: np.ndarray, tmp_path: Path
    ) -> None:
        packet = (
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            b'<rdf:Description rdf:about="" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
            b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" GCamera:MotionPhoto="1"/></rdf:RDF></x:xmpmeta>'
        )
        text = keyword + (zlib.compress(packet) if keyword[-4] else packet)
        found = read_metadata(str(correct_to(write_png(tmp_path / "a.png", pixels, [(b"iTXt", text)])))).xmp
        assert found is not None
        assert b"Rating" in found
        assert b"MotionPhoto" not in found


def raw(kind: bytes, name: bytes, block: bytes) -> tuple[bytes, bytes]:
    if kind == b"tEXt":
        return kind, b"Raw profile type " + name + b"\0" + digits(name, block)
    return kind, b"Raw profile type " + name + b"\0\0" + zlib.compress(digits(b"generic profile", block))


class TestReading:
    @pytest.mark.parametrize("behind", [False, True])
    @pytest.mark.parametrize(
        "place",
        [
            (b"eXIf", exif()),
            (b"eXIf", b"Exif\0\0" + exif()),
            raw(b"tEXt", b"exif", b"Exif\0\0" + exif()),
            raw(b"zTXt", b"exif", b"Exif\0\0" + exif()),
            raw(b"zTXt", b"APP1", b"Exif\0\0" + exif()),
            raw(b"tEXt", b"app1", exif()),
        ],
    )
    def test_picture_is_seen_as_displayed(
        self, place: tuple[bytes, bytes], behind: bool, pixels: np.ndarray, tmp_path: Path
    ) -> None:
        where = {"behind" if behind else "before": [place]}
        photo = awbkit.open(write_png(tmp_path / "a.png", pixels, **where))
        assert (photo.width, photo.height, photo.orientation) == (96, 128, 6)
        assert photo.camera.name == "Acme"

    def test_chunk_of_its_own_counts_before_a_raw_profile(self, pixels: np.ndarray, tmp_path: Path) -> None:
        old = raw(b"tEXt", b"exif", b"Exif\0\0" + exif(3))
        photo = awbkit.open(write_png(tmp_path / "a.png", pixels, [old], [(b"eXIf", exif(6))]))
        assert photo.orientation == 6

    @pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".avif"])
    def test_blocks_go_to_other_formats(self, suffix: str, pixels: np.ndarray, tmp_path: Path) -> None:
        blocks = [
            raw(b"tEXt", b"exif", b"Exif\0\0" + exif(1)),
            raw(b"zTXt", b"xmp", XMP),
            raw(b"zTXt", b"iptc", RESOURCES),
        ]
        source = write_png(tmp_path / "a.png", pixels, behind=blocks)
        if suffix in (".webp", ".avif"):
            with pytest.warns(AwbWarning, match="without IPTC"):
                out = correct_to(source, suffix)
        else:
            out = correct_to(source, suffix)
        with Image.open(out) as image:
            assert image.getexif()[271] == "Acme"
            packet = image.info.get("xmp") or image.tag_v2[700]
            assert bytes(packet) == XMP
            if suffix == ".jpg":
                assert image.info["photoshop"][0x0404] == IIM
            elif suffix == ".tif":
                assert bytes(image.tag_v2[33723]) == IIM
                assert bytes(image.tag_v2[34377]) == RESOURCES
            assert image.info.get("jfif_unit", 0) == 0
            assert suffix == ".jpg" or image.info.get("dpi", (1, 1)) == (1, 1)

    def test_text_that_other_formats_have_no_place_for_is_told_of(self, pixels: np.ndarray, tmp_path: Path) -> None:
        source = write_png(tmp_path / "a.png", pixels, [(b"tEXt", "Größe\0x".encode("latin-1"))])
        with pytest.warns(AwbWarning, match="without the text 'Größe'"):
            correct_to(source, ".jpg")

    @pytest.mark.parametrize(
        "content",
        [
            b"Raw profile type exif",
            b"Raw profile type exif\0",
            b"Raw profile type exif\0\nexif\n",
            b"Raw profile type exif\0\nexif\n      99\n45786",
            b"Raw profile type exif\0\nexif\n       6\nno digits\n",
            b"Raw profile type exif\0\nexif\n99999999999999\n457869660000\n",
        ],
    )
    @pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
    def test_damaged_text_stays_and_means_nothing(
        self, kind: bytes, content: bytes, pixels: np.ndarray, tmp_path: Path
    ) -> None:
        source = write_png(tmp_path / "a.png", pixels, behind=[(kind, content)])
        assert awbkit.open(source).orientation == 1
        assert around_pixels(correct_to(source))[1] == [(kind, content)]

    @pytest.mark.slow
    def test_text_without_end_takes_no_memory(self, pixels: np.ndarray, tmp_path: Path) -> None:
        bomb = zlib.compressobj()
        packed = b"".join([bomb.compress(bytes(1 << 20)) for _ in range(60)]) + bomb.flush()
        content = b"Raw profile type exif\0\0" + packed
        source = write_png(tmp_path / "a.png", pixels, behind=[(b"zTXt", content)])
        assert awbkit.open(source).orientation == 1
        assert around_pixels(correct_to(source))[1] == [(b"zTXt", content)]


SMALL = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
SMALL += chunk(b"bKGD", b"\x01") + chunk(b"sBIT", b"\x08\x08\x08") + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")
SMALL += chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(*raw(b"tEXt", b"exif", exif())) + chunk(b"IEND", b"")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=12), st.integers(0, len(SMALL)), st.integers(0, len(SMALL)))
def test_garbage_costs_no_exception_but_value_error(noise: bytes, at: int, length: int) -> None:
    broken = SMALL[:at] + noise + SMALL[at + len(noise) : at + len(noise) + length]
    try:
        joined, _ = graft(SMALL, broken, lambda old: old)
    except ValueError:
        return
    assert joined.startswith(SMALL[:33])
    assert joined.endswith(chunk(b"IEND", b""))


@pytest.mark.parametrize(("encoded", "source"), [(b"", SMALL), (SMALL, b""), (SMALL[:8], SMALL), (b"GIF89a", SMALL)])
def test_anything_but_a_png_is_a_value_error(encoded: bytes, source: bytes) -> None:
    with pytest.raises(ValueError, match="PNG"):
        graft(encoded, source)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_a_profile_that_cannot_be_read_may_be_left_aside(tmp_path: Path, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 28, 3), np.uint8)
    damaged = b"name\0\0" + zlib.compress(b"profile")[:-1]
    path = write_png(tmp_path / "damaged.png", pixels, [(b"iCCP", damaged[:-4] + b"none")])
    with pytest.raises(UnsupportedImage, match=r"the embedded profile .*pass --encoding srgb"):
        awbkit.correct(path, tmp_path / f"out{suffix}", illuminant=(1, 1, 0.9))
    awbkit.correct(path, tmp_path / f"out{suffix}", illuminant=(1, 1, 0.9), encoding="srgb")
    assert not awbkit.open(tmp_path / f"out{suffix}", encoding="srgb").profile

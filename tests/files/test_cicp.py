"""Colour declared without an ICC profile: code points in PNG, AVIF and HEIC; gamma and chromaticities in PNG."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import pyvips
from PIL import Image, ImageCms

import awbkit
from awbkit.errors import AwbError, UnsupportedImage
from awbkit.files.cicp import encoding_of_code_points, read_declaration
from awbkit.files.encoding import (
    LINEAR,
    SRGB,
    Curve,
    Encoding,
    build_profile,
    linear_to_srgb,
    parse_profile,
    power,
    primaries_to_srgb,
)
from tests.helpers.command import awbkit as run
from tests.helpers.pictures import ADOBE_PRIMARIES, P3_PRIMARIES, PROFILES, SRGB_PRIMARIES, TUNGSTEN

CARD = "48,32,32,32"
D65 = (0.3127, 0.3290)
P3 = Encoding("P3", SRGB.curves, primaries_to_srgb(P3_PRIMARIES, D65))


def encode_light(linear: np.ndarray, encoding: Encoding) -> np.ndarray:
    """8-bit numbers of linear sRGB, dithered: the mean of a patch is then finer than a step."""
    own = np.clip(linear @ np.linalg.inv(encoding.matrix).T, 0, 1)
    dither = np.random.default_rng(1).uniform(-0.5, 0.5, own.shape)
    return np.clip(np.rint(encoding.encode(own) * 255 + dither), 0, 255).astype(np.uint8)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(path: Path, pixels: np.ndarray, **chunks: bytes) -> Path:
    """A PNG with these chunks before its pixels."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body += b"".join(chunk(kind.encode(), content) for kind, content in chunks.items())
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def gama(value: float) -> bytes:
    return struct.pack(">I", round(value * 1e5))


def chrm(primaries: tuple[tuple[float, float], ...], white: tuple[float, float] = D65) -> bytes:
    return struct.pack(">8I", *(round(v * 1e5) for point in (white, *primaries) for v in point))


def cicp_png(path: Path, pixels: np.ndarray, primaries: int, transfer: int) -> Path:
    return png(path.with_suffix(".png"), pixels, cICP=bytes([primaries, transfer, 0, 1]))


def avif(path: Path, pixels: np.ndarray, primaries: int, transfer: int) -> Path:
    path = path.with_suffix(".avif")
    codes = {"primaries": primaries, "transfer": transfer, "matrix": 6}
    ten_bits = np.rint(pixels * (1023 / 255)).astype(np.uint16)
    options = {"level": 98, "speed": 10, "bitspersample": 10, "pixelformat": "444"}
    path.write_bytes(imagecodecs.avif_encode(ten_bits, **options, **codes))
    return path


def heic(path: Path, pixels: np.ndarray, primaries: int, transfer: int) -> Path:
    path = path.with_suffix(".heic")
    image = pillow_heif.from_bytes("RGB", pixels.shape[1::-1], pixels.tobytes())
    stream = io.BytesIO()
    image.save(stream, quality=95, chroma=444)
    old, new = (b"nclx" + struct.pack(">HH", *points) for points in ((1, 13), (primaries, transfer)))
    assert stream.getvalue().count(old) == 1
    path.write_bytes(stream.getvalue().replace(old, new))
    return path


WRITERS = pytest.mark.parametrize("write", [cicp_png, avif, heic])
Write = Callable[[Path, np.ndarray, int, int], Path]


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


def estimate_card(path: Path) -> np.ndarray:
    return np.asarray(awbkit.estimate(path, region=CARD).rgb)


def estimated_as_srgb(path: Path) -> np.ndarray:
    return np.asarray(awbkit.estimate(path, region=CARD, encoding="srgb").rgb)


@WRITERS
class TestCodePoints:
    @pytest.mark.slow
    @pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 14), (12, 4), (1, 13), (2, 2), (1, 1)])
    def test_the_same_light_in_any_encoding(
        self, tmp_path: Path, scene: np.ndarray, write: Write, primaries: int, transfer: int
    ) -> None:
        encoding = encoding_of_code_points("", primaries, transfer)
        pixels = encode_light(scene * TUNGSTEN, encoding)
        path = write(tmp_path / "a", pixels, primaries, transfer)
        assert angle(estimate_card(path), TUNGSTEN) < 0.3
        assert (angle(estimated_as_srgb(path), TUNGSTEN) < 0.3) == (encoding is SRGB)
        photo = awbkit.open(path)
        assert (photo.profile is None) == (encoding is SRGB)

    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".avif", ".heic"])
    def test_an_output_is_neutral_and_labelled(
        self, tmp_path: Path, scene: np.ndarray, write: Write, suffix: str
    ) -> None:
        path = write(tmp_path / "a", encode_light(scene * TUNGSTEN, P3), 12, 13)
        out = tmp_path / f"out{suffix}"
        awbkit.correct(path, out, illuminant=estimate_card(path))
        result = awbkit.open(out)
        assert result.profile is not None
        encoding = parse_profile(result.profile)
        assert encoding is not None
        assert encoding.name == "P3, sRGB curve"
        assert encoding.matrix == pytest.approx(P3.matrix, abs=1e-4)
        # A step of 8 bits, as codecs round twice, is up to half a degree.
        assert angle(estimate_card(out), np.ones(3)) < (0.3 if suffix in (".png", ".tif") else 0.9)

    @pytest.mark.slow
    @pytest.mark.parametrize("transfer", [16, 18])
    def test_hdr_is_refused_in_one_line(self, tmp_path: Path, scene: np.ndarray, write: Write, transfer: int) -> None:
        path = write(tmp_path / "a", encode_light(scene, SRGB), 9, transfer)
        ran = run("estimate", path)
        assert ran.code == 1
        assert "is HDR (PQ or HLG); convert it to SDR first" in ran.complaint
        assert len(estimated_as_srgb(path)) == 3

    def test_an_srgb_output_has_no_profile(self, tmp_path: Path, scene: np.ndarray, write: Write) -> None:
        path = write(tmp_path / "a", encode_light(scene * TUNGSTEN, SRGB), 1, 13)
        awbkit.correct(path, tmp_path / "out.png", illuminant=estimate_card(path))
        assert awbkit.open(tmp_path / "out.png").profile is None

    @pytest.mark.slow
    def test_garbage(self, tmp_path: Path, rng: np.random.Generator, scene: np.ndarray, write: Write) -> None:
        path = write(tmp_path / "a", encode_light(scene, P3), 12, 13)
        kind, sound = path.suffix[1:], path.read_bytes()
        header = min(len(sound), 400)
        for _ in range(300):
            broken = bytearray(sound)
            for at in rng.integers(0, header, rng.integers(1, 6)):
                broken[at] = rng.choice([0, 1, 0x7F, 0xFF, rng.integers(256)])
            path.write_bytes(broken[: rng.integers(0, header)] if rng.random() < 0.3 else broken)
            try:
                found = read_declaration(str(path), kind, None)
            except UnsupportedImage:
                continue
            assert found is None or np.isfinite(found.matrix).all()


class TestPng:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("encoding", "chunks"),
        [
            (Encoding("", (power(1.8),) * 3), {"gAMA": gama(1 / 1.8)}),
            (LINEAR, {"gAMA": gama(1), "cHRM": chrm(SRGB_PRIMARIES)}),
            (SRGB, {"gAMA": gama(0.45455)}),
            (SRGB, {"gAMA": gama(0.45455), "cHRM": chrm(SRGB_PRIMARIES)}),
            (SRGB, {"sRGB": b"\0", "gAMA": gama(1), "cHRM": chrm(P3_PRIMARIES)}),
            (P3, {"cHRM": chrm(P3_PRIMARIES)}),
            (P3, {"cICP": bytes([12, 13, 0, 1]), "sRGB": b"\0"}),
            (P3, {"cICP": bytes([12, 13, 0, 1]), "iCCP": b"x\0\0" + zlib.compress(PROFILES["prophoto"])}),
            (
                Encoding("", (power(563 / 256),) * 3, primaries_to_srgb(ADOBE_PRIMARIES, D65)),
                {"gAMA": gama(256 / 563), "cHRM": chrm(ADOBE_PRIMARIES)},
            ),
            (P3, {"iCCP": b"x\0\0" + zlib.compress(PROFILES["display-p3"]), "gAMA": gama(1)}),
        ],
    )
    def test_precedence_and_curves(
        self, tmp_path: Path, scene: np.ndarray, encoding: Encoding, chunks: dict[str, bytes]
    ) -> None:
        path = png(tmp_path / "a.png", encode_light(scene * TUNGSTEN, encoding), **chunks)
        assert angle(estimate_card(path), TUNGSTEN) < 0.3
        awbkit.correct(path, tmp_path / "b.png", illuminant=estimate_card(path))
        assert angle(estimate_card(tmp_path / "b.png"), np.ones(3)) < 0.3
        awbkit.correct(path, tmp_path / "b.jpg", illuminant=estimate_card(path))
        assert angle(estimate_card(tmp_path / "b.jpg"), np.ones(3)) < 0.5
        fields = pyvips.Image.new_from_file(str(tmp_path / "b.jpg")).get_fields()
        assert ("icc-profile-data" in fields) == (encoding is not SRGB)

    @pytest.mark.parametrize(
        "chunks",
        [
            {"gAMA": gama(0)},
            {"gAMA": b"\xff" * 4},
            {"gAMA": b"\0"},
            {"cHRM": bytes(32)},
            {"cHRM": b"\xff" * 32},
            {"cHRM": bytes(5)},
            {"cHRM": chrm(((0.3, 0.3),) * 3)},
            {"cHRM": chrm(SRGB_PRIMARIES, (0.3, 0.0))},
            {"cICP": b"\1"},
            {"cICP": bytes([12, 13, 1, 1])},
            {"cICP": bytes([255, 255, 0, 255])},
        ],
    )
    def test_what_makes_no_sense_is_passed_over(
        self, tmp_path: Path, scene: np.ndarray, chunks: dict[str, bytes]
    ) -> None:
        path = png(tmp_path / "a.png", encode_light(scene * TUNGSTEN, SRGB), **chunks)
        assert read_declaration(str(path), "png", None) in (None, SRGB)

    def test_an_option_goes_before_the_declaration(self, tmp_path: Path, scene: np.ndarray) -> None:
        path = cicp_png(tmp_path / "a", encode_light(scene * TUNGSTEN, SRGB), 12, 13)
        assert angle(estimated_as_srgb(path), TUNGSTEN) < 0.3
        with pytest.raises(AwbError, match="no embedded profile"):
            awbkit.open(path, encoding="icc")


def test_code_points_of_a_thumbnail_do_not_count(tmp_path: Path, scene: np.ndarray) -> None:
    path = heic(tmp_path / "a", encode_light(scene, P3), 12, 13)
    data = path.read_bytes()
    at = data.index(b"ipma") + 8
    # The item that the properties belong to becomes another one than the primary.
    path.write_bytes(data[: at + 4] + struct.pack(">H", 9) + data[at + 6 :])
    assert read_declaration(str(path), "heic", None) is None


def test_a_profile_goes_before_code_points_in_heif(tmp_path: Path, scene: np.ndarray) -> None:
    path = heic(tmp_path / "a", encode_light(scene, P3), 12, 16)
    assert read_declaration(str(path), "heic", b"profile") is None


class TestProfile:
    @pytest.mark.parametrize("points", [(12, 13), (9, 8), (5, 4), (11, 13), (1, 8), (1, 5), (1, 13)])
    def test_reads_back(self, points: tuple[int, int]) -> None:
        encoding = encoding_of_code_points("", *points)
        parsed = parse_profile(build_profile(encoding))
        assert parsed is not None
        assert parsed.name == encoding.name
        assert parsed.matrix == pytest.approx(encoding.matrix, abs=1e-4)
        assert [curve.kind for curve in parsed.curves] == [curve.kind for curve in encoding.curves]
        assert parsed.curves[0].values == pytest.approx(encoding.curves[0].values, abs=1e-5)

    def test_of_any_parametric_curve(self) -> None:
        curve = Curve("parametric", (2.2, 0.9, 0.1, 0.2, 0.05, 0.01, 0.02))
        parsed = parse_profile(build_profile(Encoding("x", (curve, SRGB.curves[0], LINEAR.curves[0]))))
        assert parsed is not None
        assert parsed.curves[0].values == pytest.approx(curve.values, abs=1e-5)
        assert [c.kind for c in parsed.curves[1:]] == ["srgb", "linear"]

    def test_another_colour_engine_agrees(self) -> None:
        codes = np.array([[[200, 120, 90], [128, 128, 128], [255, 255, 255], [90, 140, 120]]], np.uint8)
        profile = ImageCms.ImageCmsProfile(io.BytesIO(build_profile(P3)))
        target = ImageCms.createProfile("sRGB")
        theirs = np.asarray(ImageCms.profileToProfile(Image.fromarray(codes), profile, target))
        ours = linear_to_srgb(P3.decode(codes / 255) @ P3.matrix.T) * 255
        assert theirs == pytest.approx(ours, abs=1.5)

"""Raw files: what is seen of the mosaic, where it is displayed, and what is developed from it."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import rawpy

import awbkit
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.files.encoding import SRGB, parse_profile
from awbkit.files.exif import read_make_model, read_orientation
from awbkit.files.raw import RawPhoto
from tests.helpers.raw_files import BAYER, CAMERA, QUAD, RGGB, XTRANS, mosaic, rationals, write_dng

LIGHT = np.array([0.5, 1.0, 0.7])
NEUTRAL = tuple(LIGHT)
CARD = (32, 48, 64, 96)
"""Top, left, bottom, right of the gray card."""


@pytest.fixture
def linear(rng: np.random.Generator) -> np.ndarray:
    """Camera RGB (128, 192, 3) under LIGHT: patches that are gray in the mean, a brighter gray card, a clipped lamp."""
    patches = rng.uniform(0.05, 0.5, (8, 12, 3))
    patches *= 0.3 / patches.mean(axis=(0, 1))
    image = np.kron(patches, np.ones((16, 16, 1)))
    image[CARD[0] : CARD[2], CARD[1] : CARD[3]] = 0.6
    image[96:112, 144:176] = 3
    return image * LIGHT


def open_raw(path: Path) -> RawPhoto:
    photo = awbkit.open(path)
    assert isinstance(photo, RawPhoto)
    return photo


def degrees(first: Any, second: Any) -> float:
    return float(awbkit.angular_error(np.asarray(first), np.asarray(second)))


def temperature(photo: RawPhoto) -> float:
    found = awbkit.estimate(photo, "as-shot").cct_duv
    assert found is not None
    return found[0]


VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"pattern": pattern} for name, pattern in BAYER.items()},
    "x-trans": {"pattern": XTRANS},
    "quad bayer": {"pattern": QUAD},
    "8 bits": {"black": 2, "white": 255, "bits": 8},
    "10 bits": {"black": 16, "white": 1023, "bits": 10},
    "12 bits": {"bits": 12},
    "14 bits": {"black": 512, "white": 16383, "bits": 14},
    "16 bits": {"black": 512, "white": 65000},
    "lossless JPEG": {"lossless_jpeg": True},
    "lossless JPEG of 14 bits": {"black": 512, "white": 16383, "lossless_jpeg": True, "bits": 14},
    "black level of each place": {"black": np.array([[100, 300], [500, 200]])},
    "without a matrix": {"matrix": None},
    "a camera that LibRaw knows": {"make": "Canon", "model": "Canon EOS 600D", "matrix": None},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_gray_card_and_gray_world(name: str, linear: np.ndarray, tmp_path: Path) -> None:
    options = {"pattern": RGGB, "black": 64, "white": 4095} | VARIANTS[name]
    samples = mosaic(linear, *(options[key] for key in ("pattern", "black", "white")))
    path = write_dng(tmp_path / "a.dng", samples.astype(np.uint8 if options.get("bits") == 8 else np.uint16), **options)
    top, left, bottom, right = CARD
    card = awbkit.estimate(path, region=f"{left + 4},{top + 4},{right - left - 8},{bottom - top - 8}")
    assert degrees(card.rgb, LIGHT) < 0.15
    seen = linear[(linear < 1).all(axis=2)].mean(axis=0)
    assert degrees(awbkit.estimate(path, "gray-world").rgb, seen) < 0.3


@pytest.mark.parametrize("dtype", [np.uint16, np.float16])
@pytest.mark.parametrize("orientation", [1, 6])
def test_three_samples_a_pixel(dtype: type, orientation: int, linear: np.ndarray, tmp_path: Path) -> None:
    scaled = np.clip(linear, 0, 1)
    levels = {"black": 64, "white": 4095} if dtype is np.uint16 else {"black": 0, "white": 1}
    samples = (np.rint(64 + scaled * (4095 - 64)) if dtype is np.uint16 else scaled).astype(dtype)
    path = write_dng(tmp_path / "a.dng", samples, orientation=orientation, **levels)
    seen = linear[(linear < 1).all(axis=2)].mean(axis=0)
    assert degrees(awbkit.estimate(path, "gray-world").rgb, seen) < 0.15


def test_floating_point_mosaic(linear: np.ndarray, tmp_path: Path) -> None:
    samples = (mosaic(linear, RGGB, 0, 65535) / 65535).astype(np.float16)
    path = write_dng(tmp_path / "a.dng", samples, black=0, white=1)
    seen = linear[(linear < 1).all(axis=2)].mean(axis=0)
    assert degrees(awbkit.estimate(path, "gray-world").rgb, seen) < 0.3


def test_clipped_samples_are_not_seen(linear: np.ndarray, tmp_path: Path) -> None:
    image = linear.copy()
    image[:, :96] = [0.2, 0.99, 0.2]
    photo = open_raw(write_dng(tmp_path / "a.dng", mosaic(image, RGGB)))
    thumbnail = photo.thumbnail()
    assert not thumbnail.valid[:, :31].any()
    assert thumbnail.valid[:32, 34:].all()
    assert thumbnail.pixels[thumbnail.valid].max() < 0.98


def test_a_dng_too_small_for_libraw_is_told_as_such(linear: np.ndarray, tmp_path: Path) -> None:
    path = write_dng(tmp_path / "small.dng", mosaic(linear[:8, :8], RGGB))
    with pytest.raises(UnsupportedImage, match="is a DNG that LibRaw does not read"):
        awbkit.open(path)


def test_thumbnail_is_the_mean_of_whole_periods(linear: np.ndarray, tmp_path: Path) -> None:
    image = open_raw(write_dng(tmp_path / "a.dng", mosaic(linear, RGGB, 0, 65535), black=0, white=65535)).thumbnail()
    samples = mosaic(linear, RGGB, 0, 65535).reshape(64, 2, 96, 2) / 65535
    rgb = np.stack([samples[:, 0, :, 0], (samples[:, 0, :, 1] + samples[:, 1, :, 0]) / 2, samples[:, 1, :, 1]], axis=2)
    columns = np.arange(65) * 96 // 64
    expected = np.stack([rgb[:, a:b].mean(axis=1) for a, b in pairwise(columns)], axis=1)
    assert image.valid[:40].all()
    np.testing.assert_allclose(image.pixels[:40], expected[:40], atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("margins", [(0, 0), (12, 30), (11, 29)])
def test_regions_lie_where_they_are_displayed(
    orientation: int, margins: tuple[int, int], linear: np.ndarray, tmp_path: Path
) -> None:
    image = np.full_like(linear, 0.02)
    image[CARD[0] : CARD[2], CARD[1] : CARD[3]] = 0.5 * LIGHT
    top, left = margins
    padded = np.full((128 + top + 8, 192 + left + 10), 4000, np.uint16)
    padded[top : top + 128, left : left + 192] = mosaic(image, RGGB)
    active = (top, left, top + 128, left + 192)
    path = write_dng(tmp_path / "a.dng", padded, orientation=orientation, active=active)
    photo = open_raw(path)
    with rawpy.imread(str(path)) as raw:
        shown = raw.postprocess(no_auto_bright=True, user_wb=[1, 1, 1, 1])
    assert (photo.height, photo.width) == shown.shape[:2]
    bright = shown[..., 1] > shown[..., 1].max() / 2
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    y, x, height, width = rows[0], columns[0], len(rows), len(columns)
    inside = photo.crop(awbkit.Region(int(x) + 4, int(y) + 4, width - 8, height - 8))
    np.testing.assert_allclose(inside.pixels, np.broadcast_to(0.5 * LIGHT, inside.pixels.shape), atol=1e-3)
    around = photo.crop(awbkit.Region(int(x) - 8, int(y) - 8, width + 16, height + 16)).pixels[..., 1] > 0.3
    assert around.sum() * 4 == pytest.approx(width * height, rel=0.15)
    assert np.flatnonzero(around.any(axis=1))[0] == pytest.approx(4, abs=1)
    assert np.flatnonzero(around.any(axis=0))[0] == pytest.approx(4, abs=1)


class TestCamera:
    def test_as_shot_neutral(self, linear: np.ndarray, tmp_path: Path) -> None:
        photo = open_raw(write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), neutral=NEUTRAL))
        assert photo.camera.as_shot == pytest.approx(NEUTRAL)
        assert photo.camera.name == "Acme One"
        assert awbkit.estimate(photo, "as-shot").rgb == pytest.approx(LIGHT / np.linalg.norm(LIGHT))

    def test_as_shot_white_xy(self, linear: np.ndarray, tmp_path: Path) -> None:
        photo = open_raw(write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), white_xy=(0.3457, 0.3585)))
        assert photo.camera.as_shot == pytest.approx(CAMERA.rgb_of_xy(0.3457, 0.3585), rel=1e-3)
        assert temperature(photo) == pytest.approx(5003, abs=20)

    def test_from_the_table_of_libraw(self, linear: np.ndarray, tmp_path: Path) -> None:
        known = {"make": "Canon", "model": "Canon EOS 600D", "matrix": None}
        photo = open_raw(write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), neutral=NEUTRAL, **known))
        assert photo.camera.name == "Canon EOS 600D"
        assert photo.camera.as_shot == pytest.approx(NEUTRAL)
        assert 4000 < temperature(photo) < 6500

    def test_unknown_one_has_no_temperature(self, linear: np.ndarray, tmp_path: Path) -> None:
        photo = open_raw(write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), matrix=None))
        assert photo.camera.matrices == ()
        assert photo.camera.as_shot is None
        assert awbkit.estimate(photo, "gray-world").cct_duv is None

    def test_is_told_without_unpacking_twice(self, linear: np.ndarray, tmp_path: Path) -> None:
        header_only = open_raw(write_dng(tmp_path / "a.dng", mosaic(linear, RGGB)))
        unpacked = open_raw(write_dng(tmp_path / "b.dng", mosaic(linear, RGGB), matrix=None))
        assert header_only.first_thumbnail is None
        np.testing.assert_array_equal(unpacked.thumbnail().pixels, header_only.thumbnail().pixels)
        assert unpacked.thumbnail() is unpacked.first_thumbnail


class TestDamage:
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 0.999])
    @pytest.mark.parametrize("lossless_jpeg", [False, True])
    @pytest.mark.parametrize("matrix", [True, False])
    def test_cut_short(
        self,
        share: float,
        lossless_jpeg: bool,
        matrix: bool,
        linear: np.ndarray,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        options: dict[str, Any] = {} if matrix else {"matrix": None}
        path = write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), lossless_jpeg=lossless_jpeg, **options)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(UnreadableFile, match=r"a\.dng: .*copy it again") as caught:
            awbkit.estimate(path, "gray-world")
        assert "\n" not in str(caught.value)
        with pytest.raises(UnreadableFile, match="copy it again"):
            awbkit.correct(path, tmp_path / "b.png", illuminant=LIGHT)
        assert capfd.readouterr() == ("", "")
        assert not (tmp_path / "b.png").exists()

    def test_raf_and_cr3_headers_announce_more_than_there_is(self, tmp_path: Path) -> None:
        from awbkit.files.extents import is_cut_short

        raf = b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">6I", 200, 300, 500, 40, 540, 460)
        cr3 = struct.pack(">I4s4sI8s", 24, b"ftyp", b"crx ", 1, b"crx isom") + struct.pack(">I4sQ", 1, b"mdat", 976)
        for head in (raf, cr3):
            path = tmp_path / "a"
            path.write_bytes(head.ljust(1000, b"\0"))
            assert not is_cut_short(path)
            path.write_bytes(head.ljust(999, b"\0"))
            assert is_cut_short(path)

    def test_damaged_header_of_another_maker(self, tmp_path: Path) -> None:
        path = tmp_path / "a.cr3"
        path.write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(200))
        with pytest.raises(UnreadableFile, match="raw file with a damaged header"):
            awbkit.open(path)


class TestDevelop:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("suffix", "deep"), [(".tif", True), (".png", True), (".jpg", False), (".webp", False), (".avif", True)]
    )
    @pytest.mark.parametrize("cat", [None, "bradford", "cat16"])
    def test_gray_is_neutral_and_the_lamp_white(
        self, suffix: str, deep: bool, cat: str | None, linear: np.ndarray, tmp_path: Path
    ) -> None:
        path = write_dng(tmp_path / "a.dng", mosaic(linear, RGGB, 512, 16383), black=512, white=16383)
        out = tmp_path / f"b{suffix}"
        awbkit.correct(path, out, illuminant=LIGHT, cat=cat)
        image = pyvips.Image.new_from_file(str(out))
        pixels = image.numpy().astype(float) / (65535 if image.format == "ushort" else 255)
        assert (image.format == "ushort") == deep
        assert pixels.shape == (128, 192, 3)
        lossy = suffix in (".jpg", ".webp", ".avif")
        card = pixels[CARD[0] + 6 : CARD[2] - 6, CARD[1] + 6 : CARD[3] - 6].mean(axis=(0, 1))
        assert np.ptp(card) < (0.008 if lossy else 0.0008)
        lamp = pixels[100:108, 150:170].mean(axis=(0, 1))
        assert np.ptp(lamp) < 0.01
        assert lamp.min() > 0.97

    def test_gains_keep_green(self, linear: np.ndarray, tmp_path: Path) -> None:
        path = write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), neutral=NEUTRAL)
        awbkit.correct(path, tmp_path / "b.tif", illuminant=LIGHT)
        card = pyvips.Image.new_from_file(str(tmp_path / "b.tif")).numpy()[CARD[0] + 8 : CARD[2] - 8, 60:80]
        encoded = 1.055 * 0.6 ** (1 / 2.4) - 0.055
        assert card.mean() / 65535 == pytest.approx(encoded, rel=0.01)

    @pytest.mark.parametrize("orientation", [1, 3, 6, 8])
    def test_is_upright_and_says_so(self, orientation: int, linear: np.ndarray, tmp_path: Path) -> None:
        exposure = rationals(33434, (0.01,))
        path = write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), orientation=orientation, extra=[exposure])
        awbkit.correct(path, tmp_path / "b.jpg", illuminant=LIGHT)
        image = pyvips.Image.new_from_file(str(tmp_path / "b.jpg"))
        assert (image.height, image.width) == ((128, 192) if orientation in (1, 3) else (192, 128))
        exif = bytes(image.get("exif-data"))
        assert read_orientation(exif) == 1
        assert read_make_model(exif) == "Acme One"
        assert "1/100" in image.get("exif-ifd2-ExposureTime")
        assert parse_profile(bytes(image.get("icc-profile-data"))) == SRGB
        card = np.zeros((128, 192), bool)
        card[CARD[0] + 6 : CARD[2] - 6, CARD[1] + 6 : CARD[3] - 6] = True
        turned = np.rot90(card, {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
        assert np.ptp(image.numpy()[turned].mean(axis=0)) < 2
        assert image.numpy()[turned].std() < 2

    def test_strength_leaves_a_part_of_the_cast(self, linear: np.ndarray, tmp_path: Path) -> None:
        path = write_dng(tmp_path / "a.dng", mosaic(linear, RGGB), neutral=NEUTRAL)
        casts = []
        for strength in (0.0, 0.5, 1.0):
            awbkit.correct(path, tmp_path / "b.png", illuminant=LIGHT, strength=strength, if_exists="replace")
            pixels = pyvips.Image.new_from_file(str(tmp_path / "b.png")).numpy()
            casts.append(float(np.ptp(pixels[CARD[0] + 8 : CARD[2] - 8, 60:80].mean(axis=(0, 1)))))
        assert casts[0] > casts[1] > casts[2]

    @pytest.mark.slow
    def test_x_trans(self, rng: np.random.Generator, tmp_path: Path) -> None:
        image = np.kron(rng.uniform(0.1, 0.9, (9, 9, 1)), np.ones((64, 64, 3))) * LIGHT
        path = write_dng(tmp_path / "a.dng", mosaic(image, XTRANS), XTRANS)
        awbkit.correct(path, tmp_path / "b.tif", method="gray-world")
        pixels = pyvips.Image.new_from_file(str(tmp_path / "b.tif")).numpy()[80:110, 80:110].astype(float)
        assert np.ptp(pixels.mean(axis=(0, 1))) / 65535 < 0.003

    def test_pattern_that_libraw_would_get_wrong(self, linear: np.ndarray, tmp_path: Path) -> None:
        path = write_dng(tmp_path / "a.dng", mosaic(linear, QUAD), QUAD)
        with pytest.raises(UnsupportedImage, match="colour filters"):
            awbkit.correct(path, tmp_path / "b.png", illuminant=LIGHT)

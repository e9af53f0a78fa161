"""Which page of a TIFF is the picture, and that its channels come out as they went in."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import awbkit
from awbkit.errors import AwbWarning, UnsupportedImage
from awbkit.files.pages import read_pages
from tests.corpus.tiff import ycbcr
from tests.helpers.pictures import TUNGSTEN, encode

NEARLY_NEUTRAL = (1.0, 1.0, 1.0 - 1e-7)
"""Not so neutral that nothing is done, and so near that no number may change."""


def tiff(path: Path, *pages: tuple[np.ndarray, dict[str, Any]], **options: Any) -> Path:
    with tifffile.TiffWriter(path, **options) as writer:
        for pixels, how in pages:
            writer.write(pixels, **{"photometric": "rgb", "metadata": None, **how})
    return path


@pytest.fixture
def main(scene: np.ndarray) -> np.ndarray:
    return encode(scene * TUNGSTEN, np.uint16)


def small(main: np.ndarray, step: int = 4) -> np.ndarray:
    return (main[::step, ::step] // 256).astype(np.uint8)


REDUCED = {"subfiletype": 1}
PLAIN: dict[str, Any] = {}


class TestPages:
    @pytest.mark.slow
    @pytest.mark.parametrize("flag", [REDUCED, PLAIN])
    @pytest.mark.parametrize("first", [False, True])
    @pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
    @pytest.mark.parametrize("suffix", [".tif", ".png"])
    def test_small_copy_before_or_behind_the_picture(
        self, flag: dict[str, Any], first: bool, options: dict[str, Any], suffix: str, main: np.ndarray, tmp_path: Path
    ) -> None:
        pages = [(main, {"compression": "lzw"}), (small(main), flag)]
        source = tiff(tmp_path / "a.tif", *(pages[::-1] if first else pages), **options)
        photo = awbkit.open(source)
        assert (photo.width, photo.height) == (128, 96)
        with pytest.warns(AwbWarning, match="without 1 smaller copy"):
            awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=NEARLY_NEUTRAL)
        again = awbkit.open(tmp_path / f"b{suffix}")
        assert np.array_equal(again.pixels().numpy(), main)
        if suffix == ".tif":
            with tifffile.TiffFile(tmp_path / "b.tif") as written:
                assert len(written.pages) == 1
                assert written.pages[0].compression == tifffile.COMPRESSION.LZW

    @pytest.mark.parametrize("suffix", [".tif", ".jpg"])
    def test_picture_below_its_small_copy(self, suffix: str, main: np.ndarray, tmp_path: Path) -> None:
        source = tiff(
            tmp_path / "a.tif",
            (small(main), {"subfiletype": 1, "subifds": 1, "extratags": [(271, 2, 0, "Acme", True)]}),
            (encode(np.zeros((96, 128, 3))) + small(main, 1), {"extratags": [(274, 3, 1, 6, True)]}),
        )
        photo = awbkit.open(source)
        assert (photo.width, photo.height) == (96, 128)
        with pytest.warns(AwbWarning, match="smaller copy"):
            awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=TUNGSTEN)
        again = awbkit.open(tmp_path / f"b{suffix}")
        assert (again.width, again.height) == (96, 128)
        assert b"Acme" in (tmp_path / f"b{suffix}").read_bytes()

    def test_metadata_is_that_of_the_picture_and_then_of_the_copy(self, main: np.ndarray, tmp_path: Path) -> None:
        copy_fields = [(271, 2, 0, "Acme", True), (315, 2, 0, "of the copy", True), (274, 3, 1, 3, True)]
        source = tiff(
            tmp_path / "a.tif",
            (small(main), {**REDUCED, "extratags": copy_fields, "resolution": (72, 72)}),
            (main, {"extratags": [(315, 2, 0, "of the picture", True)]}),
        )
        with pytest.warns(AwbWarning, match="smaller copy"):
            awbkit.correct(source, tmp_path / "b.tif", illuminant=TUNGSTEN)
        with tifffile.TiffFile(tmp_path / "b.tif") as written:
            tags = {tag.code: tag.value for tag in written.pages[0].tags}
        assert tags[271] == "Acme"
        assert tags[315] == "of the picture"
        assert tags[274] == 1

    @pytest.mark.parametrize("shape", [(24, 32), (23, 32), (48, 64), (120, 160), (12, 16)])
    def test_shapes_of_small_copies(self, shape: tuple[int, int], tmp_path: Path) -> None:
        large = np.zeros((400, 534, 3), np.uint8) if shape == (120, 160) else np.zeros((96, 128, 3), np.uint8)
        source = tiff(tmp_path / "a.tif", (large, PLAIN), (np.zeros((*shape, 3), np.uint8), PLAIN))
        assert read_pages(source).copies == 1

    @pytest.mark.parametrize("shape", [(96, 128), (64, 64), (90, 120), (20, 64), (49, 65)])
    def test_pictures_of_their_own_are_refused(self, shape: tuple[int, int], main: np.ndarray, tmp_path: Path) -> None:
        other = np.full((*shape, 3), 99, np.uint8)
        for number, pages in enumerate((((main, PLAIN), (other, PLAIN)), ((other, PLAIN), (main, PLAIN)))):
            with pytest.raises(UnsupportedImage, match="has 2 pages"):
                awbkit.open(tiff(tmp_path / f"{number}.tif", *pages))

    def test_sub_image_of_its_own_is_told_of(self, main: np.ndarray, tmp_path: Path) -> None:
        mask = np.zeros((96, 128), np.uint8)
        source = tiff(tmp_path / "a.tif", (main, {"subifds": 1}), (mask, {"photometric": "minisblack"}))
        with pytest.warns(AwbWarning, match="without 1 sub-image"):
            awbkit.correct(source, tmp_path / "b.tif", illuminant=NEARLY_NEUTRAL)
        assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), main)

    def test_picture_of_which_all_pages_say_that_they_are_reduced(self, main: np.ndarray, tmp_path: Path) -> None:
        source = tiff(tmp_path / "a.tif", (small(main), REDUCED), (main, REDUCED))
        assert awbkit.open(source).width == 128

    def test_pages_in_a_circle(self, main: np.ndarray, tmp_path: Path) -> None:
        source = tiff(tmp_path / "a.tif", (main, PLAIN))
        with tifffile.TiffFile(source) as read:
            page = read.pages[0].aspage()
            link = page.offset + 2 + 12 * len(page.tags)
        data = bytearray(source.read_bytes())
        struct.pack_into("<I", data, link, page.offset)
        source.write_bytes(data)
        found = read_pages(source)
        assert (found.copies, found.others, found.sub_images) == (0, 0, 0)


class TestChannels:
    def test_ycbcr_gains_no_alpha(self, tmp_path: Path) -> None:
        source = ycbcr(tmp_path / "a.tif")
        assert awbkit.open(source).pixels().bands == 3
        for suffix in (".tif", ".png"):
            awbkit.correct(source, tmp_path / f"b{suffix}", illuminant=(1, 0.9, 0.8))
            assert awbkit.open(tmp_path / f"b{suffix}").pixels().bands == 3

    @pytest.mark.slow
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
    def test_premultiplied_alpha_stays_and_colours_are_corrected_beneath_it(
        self, dtype: type, scene: np.ndarray, tmp_path: Path
    ) -> None:
        top = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
        straight = encode(scene, np.uint16) / 65535
        alpha = np.linspace(0, 1, 128)[None, :, None] * np.ones((96, 1, 1))
        stored = np.concatenate([straight * alpha, alpha], axis=2) * top
        stored = stored.astype(dtype) if dtype is np.float32 else np.rint(stored).astype(dtype)
        source = tiff(tmp_path / "a.tif", (stored, {"extrasamples": ["assocalpha"]}))
        awbkit.correct(source, tmp_path / "same.tif", illuminant=NEARLY_NEUTRAL)
        with tifffile.TiffFile(tmp_path / "same.tif") as written:
            assert written.pages[0].extrasamples == (1,)
            assert np.abs(written.pages[0].asarray().astype(float) - stored).max() <= (1e-5 if top == 1 else 1)
        if dtype is np.float32:
            return
        awbkit.correct(source, tmp_path / "b.tif", illuminant=TUNGSTEN)
        awbkit.correct(source, tmp_path / "b.png", illuminant=TUNGSTEN)
        opaque = tiff(tmp_path / "opaque.tif", (np.rint(straight * top).astype(dtype), PLAIN))
        awbkit.correct(opaque, tmp_path / "c.png", illuminant=TUNGSTEN)
        ours = tifffile.imread(tmp_path / "b.tif") / top
        expected, png = (awbkit.open(tmp_path / f"{n}.png").pixels().numpy() / top for n in "cb")
        solid = alpha[..., 0] > 0.5
        assert np.abs(ours[..., :3] - expected * alpha)[solid].max() < 0.02
        assert np.abs(png[..., :3] - expected)[solid].max() < 0.02

    def test_a_channel_that_is_no_alpha_stays_one_and_goes_to_no_other_format(
        self, main: np.ndarray, tmp_path: Path
    ) -> None:
        infrared = np.zeros_like(main[..., :1])
        source = tiff(tmp_path / "a.tif", (np.dstack([main, infrared]), {"extrasamples": ["unspecified"]}))
        alone = tiff(tmp_path / "alone.tif", (main, PLAIN))
        assert awbkit.estimate(source).rgb == pytest.approx(awbkit.estimate(alone).rgb)
        awbkit.correct(source, tmp_path / "b.tif", illuminant=NEARLY_NEUTRAL)
        with tifffile.TiffFile(tmp_path / "b.tif") as written:
            assert written.pages[0].extrasamples == (0,)
            assert np.array_equal(written.pages[0].asarray(), np.dstack([main, infrared]))
        with pytest.warns(AwbWarning, match="without a channel that is no alpha"):
            awbkit.correct(source, tmp_path / "b.png", illuminant=NEARLY_NEUTRAL)
        assert np.array_equal(awbkit.open(tmp_path / "b.png").pixels().numpy(), main)

    @pytest.mark.parametrize("byteorder", ["<", ">"])
    def test_planes_of_half_floats(self, byteorder: str, scene: np.ndarray, tmp_path: Path) -> None:
        half = scene.astype(np.float16)
        planes = {"planarconfig": "separate"}
        source = tiff(tmp_path / "a.tif", (np.moveaxis(half, -1, 0), planes), byteorder=byteorder)
        assert np.array_equal(awbkit.open(source).pixels().numpy(), half.astype(np.float32))

    def test_five_channels_are_refused(self, main: np.ndarray, tmp_path: Path) -> None:
        extra = {"extrasamples": ["unassalpha", "unspecified"]}
        source = tiff(tmp_path / "a.tif", (np.dstack([main, main[..., :2]]), extra))
        with pytest.raises(UnsupportedImage, match="5 channels"):
            awbkit.open(source)

    def test_no_resolution_is_made_up(self, main: np.ndarray, tmp_path: Path) -> None:
        source = tiff(tmp_path / "a.tif", (main, PLAIN))
        data = bytearray(source.read_bytes())
        for tag in (282, 283, 296):
            at = data.find(struct.pack("<H", tag), 8)
            data[at : at + 2] = struct.pack("<H", 65000 + tag % 100)
        source.write_bytes(data)
        awbkit.correct(source, tmp_path / "b.tif", illuminant=TUNGSTEN)
        with tifffile.TiffFile(tmp_path / "b.tif") as written:
            assert not {282, 283, 296} & {tag.code for tag in written.pages[0].tags}

"""Cube and Cube+ from a small copy of their layout."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from awbkit.datasets.cube_plus import CubePlus
from awbkit.errors import AwbError, UnreadableFile, UnsupportedImage
from awbkit.store.source import Source
from tests.helpers.dataset_files import draw_greys, list_samples, load_example, off, paint, write_png, zip_folder

BLACK, SATURATION = 2048, 15_100
LIGHTS = {1: (0.26, 0.49, 0.25), 2: (0.17, 0.46, 0.37), 10: (0.33, 0.48, 0.19)}
LINES = 10


def write_truth(path: Path, lights: dict[int, tuple[float, float, float]], lines: int = LINES) -> None:
    rows = (lights.get(number, (0.2, 0.5, 0.3)) for number in range(1, lines + 1))
    path.write_text("".join(f"{red:.12f} {green:.12f} {blue:.12f}\r\n" for red, green, blue in rows))


def write_copy(folder: Path) -> Path:
    for number, light in LIGHTS.items():
        codes = draw_greys(2601, 1732, light, black=BLACK, white=SATURATION, seed=number)
        paint(codes, slice(1050, None), slice(2050, None), black=BLACK, white=SATURATION)
        # Clipped numbers scatter a little.
        codes[:400, :1000] = SATURATION
        codes[:400:2, :1000] = SATURATION - 100
        write_png(folder / "PNG" / f"{number}.PNG", codes)
    write_truth(folder / "cube+_gt.txt", LIGHTS)
    write_truth(folder / "cube+_left_gt.txt", {})
    write_truth(folder / "cube+_right_gt.txt", {})
    return folder


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_copy(tmp_path_factory.mktemp("cube") / "cube")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """The names of a copy, without pictures."""
    for number in LIGHTS:
        path = tmp_path / "cube" / "PNG" / f"{number}.PNG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    write_truth(tmp_path / "cube" / "cube+_gt.txt", LIGHTS)
    return tmp_path / "cube"


@pytest.mark.slow
def test_image_n_has_line_n(copy: Path) -> None:
    samples, skipped = list_samples(CubePlus(), copy)
    assert {int(name): sample.illuminant for name, sample in samples.items()} == LIGHTS
    assert {sample.camera for sample in samples.values()} == {"Canon EOS 550D"}
    assert set(skipped) == {"3", "4", "5", "6", "7", "8", "9"}
    assert "no image" in skipped["3"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 10])
def test_target_and_clipped_region_are_not_seen(copy: Path, number: int) -> None:
    example = load_example(CubePlus(), copy, str(number))
    assert off(example.image, LIGHTS[number]) < 0.05
    valid = example.image.valid
    assert not valid[39:, 51:].any(), "the target"
    assert not valid[:14, :24].any(), "the clipped region"
    assert valid[20:, :50].all()
    # 1.0 is the greatest number of 14 bits, whatever the picture's own maximum.
    assert example.image.pixels.max() == pytest.approx(0.7 * (SATURATION - BLACK) / (16383 - BLACK), rel=0.1)


def test_the_camera_has_its_matrix(copy: Path) -> None:
    assert CubePlus().cameras(Source.open(copy), ["Canon EOS 550D"])["Canon EOS 550D"].white_d65 is not None


@pytest.mark.slow
def test_downloads_as_they_come_say_the_same(copy: Path, tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    shutil.copy(copy / "cube+_gt.txt", downloads)
    for first, last, numbers in ((1, 5, (1, 2)), (6, 10, (10,))):
        part = tmp_path / f"PNG_{first}_{last}"
        part.mkdir()
        for number in numbers:
            shutil.copy(copy / "PNG" / f"{number}.PNG", part)
        zip_folder(part).rename(downloads / f"PNG_{first}_{last}.zip")
    samples, _ = list_samples(CubePlus(), downloads)
    assert {int(name): sample.illuminant for name, sample in samples.items()} == LIGHTS
    image, same = (load_example(CubePlus(), place, "10").image for place in (downloads, copy))
    assert np.array_equal(image.pixels, same.pixels)


def test_the_older_cube(empty: Path) -> None:
    (empty / "cube+_gt.txt").rename(empty / "cube_gt.txt")
    assert set(list_samples(CubePlus(), empty)[0]) == {"1", "2", "10"}


def test_the_newer_truth_of_two(empty: Path) -> None:
    write_truth(empty / "cube_gt.txt", {})
    assert list_samples(CubePlus(), empty)[0]["2"].illuminant == LIGHTS[2]


def test_other_pictures_are_passed_over(empty: Path) -> None:
    for name in ("readme.png", "PNG/1_preview.png", "JPG/1.JPG", "PNG/mask.png"):
        (empty / name).parent.mkdir(exist_ok=True)
        (empty / name).touch()
    assert set(list_samples(CubePlus(), empty)[0]) == {"1", "2", "10"}


def lines(*texts: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "cube+_gt.txt").write_text("\n".join(texts)) and None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lines("0.3 0.5 0.2"), "has no line 2"),
        (lines("0.3 0.5 0.2", "", "0.3 0.5 0.2"), "'' is not three numbers"),
        (lines("0.3 0.5 0.2", "0.3 0.5", "0.3 0.5 0.2"), "'0.3 0.5' is not three numbers"),
        (lines("0.3 0.5 0.2", "2 0.3 0.5 0.2"), "is not three numbers"),
        (lines("0.3 0.5 0.2", "0.3 green 0.2"), "is not three numbers"),
        (lines("0.3 0.5 0.2", "nan 0.5 0.2"), "is no light"),
        (lines("0.3 0.5 0.2", "0 0.5 0.2"), "is no light"),
        (lambda f: shutil.copytree(f / "PNG", f / "test" / "PNG"), "have one number"),
    ],
    ids=["too few lines", "empty line", "two numbers", "four numbers", "word", "nan", "zero", "two data sets"],
)
def test_skips(empty: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(empty)
    samples, skipped = list_samples(CubePlus(), empty)
    assert "2" not in samples
    assert message in skipped["2"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "cube+_gt.txt").unlink(), r"holds no cube\+_gt\.txt or cube_gt\.txt; put it beside"),
        (lambda f: write_truth(f / "PNG" / "cube+_gt.txt", {}), "which differ"),
        (lambda f: (f / "cube+_gt.txt").write_bytes(b"\xff\xfe0\0"), "not UTF-8 text"),
    ],
    ids=["no truth", "two truths", "no text"],
)
def test_refuses(empty: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(empty)
    with pytest.raises(UnreadableFile, match=message):
        list_samples(CubePlus(), empty)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        (np.full((866, 1300, 3), 5000, np.uint16), UnsupportedImage, "has 1300 x 866 pixels.*originals 2601 x 1732"),
        (np.full((2601, 1732, 3), 5000, np.uint16), UnsupportedImage, "has 1732 x 2601 pixels"),
        (np.full((1732, 2601, 3), 50, np.uint8), UnsupportedImage, "stores 8 bits"),
        (None, UnsupportedImage, "is empty"),
    ],
    ids=["reduced", "turned", "8 bits", "empty"],
)
def test_images_that_cannot_be_used(empty: Path, codes: np.ndarray | None, error: type[AwbError], message: str) -> None:
    if codes is not None:
        write_png(empty / "PNG" / "2.PNG", codes)
    with pytest.raises(error, match=message):
        load_example(CubePlus(), empty, "2")


@pytest.mark.slow
def test_a_black_picture_has_nothing_valid(empty: Path) -> None:
    write_png(empty / "PNG" / "2.PNG", np.full((1732, 2601, 3), 2040, np.uint16))
    assert not load_example(CubePlus(), empty, "2").image.valid.any()

"""Gehler-Shi from a small copy of its layout."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from awbkit.datasets.colour_chart import quadrilateral
from awbkit.datasets.gehler_shi import GehlerShi
from awbkit.datasets.layout import parse
from awbkit.errors import AwbError, UnreadableFile, UnsupportedImage
from awbkit.store.source import Source
from tests.helpers.dataset_files import (
    cell,
    draw_greys,
    list_samples,
    load_example,
    off,
    paint,
    write_mat,
    write_png,
    zip_folder,
)

pytest.importorskip("scipy")

SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
PUBLISHED = SHARED / "data" / "gehler-shi.csv"

NAMES = ["8D5U5524", "8D5U5530", "IMG_0281", "IMG_0300", "IMG_0903"]
RECOMMENDED = np.array([[0.5, 0.7, 0.4], [0.6, 0.7, 0.3], [0.3, 0.8, 0.6], [0.4, 0.8, 0.5], [0.7, 0.6, 0.2]])
LEGACY = RECOMMENDED[:, ::-1].copy()
FOLDS = [[5, 2], [1], [3, 4]]
SIZES = {"8D5U5524": (204, 136), "8D5U5530": (136, 204), "IMG_0281": (219, 146), "IMG_0300": (219, 146)}


def write_copy(folder: Path) -> Path:
    """Five images, one of them upright, one turned against its chart's coordinates."""
    for name, light in zip(NAMES, RECOMMENDED, strict=True):
        width, height = SIZES.get(name, (146, 219))
        black, white = (129, 3692) if name.startswith("IMG") else (0, 3300)
        codes = draw_greys(width, height, light, black=black, white=white)
        rows, columns = slice(height // 4, height // 2), slice(width // 4, width // 2)
        paint(codes, rows, columns, black=black, white=white)
        codes[: height // 8, : width // 2] = white
        write_png(folder / "png" / f"{name}.png", codes)
        wide, high = (2193, 1460) if name == "IMG_0903" else (width * 10, height * 10)
        left, right, top, bottom = columns.start * 10, columns.stop * 10, rows.start * 10, rows.stop * 10
        # As published, the corners go from left to right and top to bottom, not around; patches follow.
        corners = [(left, top), (right, top), (left, bottom), (right, bottom), (left + 5, top + 5)]
        lines = [f"{x:.6e} {y:.6e}" for x, y in [(wide, high), *corners]]
        path = folder / "coordinates" / f"{name}_macbeth.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\r\n".join(lines) + "\r\n")
    write_mat(folder / "ColorCheckerData.mat", REC_groundtruth=RECOMMENDED, final_coord=np.zeros((4, 2, 5)))
    write_mat(folder / "groundtruth_568" / "real_illum_568..mat", real_rgb=LEGACY)
    files = np.array([[(f"{name}.tif", 12.0)] for name in NAMES], dtype=[("name", object), ("bytes", object)])
    write_mat(
        folder / "experiment" / "threefoldCVsplit.mat",
        Xfiles=files,
        te_split=cell([np.array([fold], np.uint16) for fold in FOLDS]).T,
        tr_split=cell([np.array([[1]])] * 3).T,
    )
    return folder


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_copy(tmp_path_factory.mktemp("gehler") / "shi")


@pytest.fixture
def spare(copy: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(copy, tmp_path / "shi")


def test_every_image_has_its_row_camera_and_fold(copy: Path) -> None:
    samples, skipped = list_samples(GehlerShi(), copy)
    assert list(samples) == NAMES
    assert not skipped
    for name, light in zip(NAMES, RECOMMENDED, strict=True):
        assert samples[name].illuminant == tuple(light)
        assert samples[name].camera == ("Canon EOS 5D" if name.startswith("IMG") else "Canon EOS-1D")
    assert [samples[name].fold for name in NAMES] == ["2", "1", "3", "3", "1"]


def test_the_legacy_truth_only_when_asked_for(copy: Path) -> None:
    layout = parse("gehler-shi:truth=legacy")
    samples, _ = list_samples(layout, copy)
    assert samples["IMG_0281"].illuminant == tuple(LEGACY[2])
    assert "legacy" in layout.about_source().convention
    assert "recommended" in GehlerShi().about_source().convention


@pytest.mark.parametrize(("name", "row"), [("8D5U5524", 0), ("8D5U5530", 1), ("IMG_0281", 2), ("IMG_0300", 3)])
def test_chart_and_clipped_region_are_not_seen(copy: Path, name: str, row: int) -> None:
    example = load_example(GehlerShi(), copy, name)
    assert off(example.image, RECOMMENDED[row]) < 0.15
    assert example.image.pixels.max() == pytest.approx(0.7, abs=0.1)
    valid = example.image.valid
    assert not valid[17:31, 17:31].any(), "the chart"
    assert not valid[1:7, 1:30].any(), "the clipped region"
    assert valid.mean() > 0.75


def test_cameras_have_their_matrices(copy: Path) -> None:
    cameras = GehlerShi().cameras(Source.open(copy), ["Canon EOS 5D", "Canon EOS-1D"])
    assert all(camera.white_d65 is not None for camera in cameras.values())


@pytest.mark.parametrize("within", ["", "cs/chroma/data/canon_dataset/568_dataset/"])
def test_a_zip_file_says_the_same(copy: Path, tmp_path: Path, within: str) -> None:
    path = zip_folder(Path(shutil.copytree(copy, tmp_path / "shi")), within=within)
    samples, _ = list_samples(GehlerShi(), path)
    plain, _ = list_samples(GehlerShi(), copy)
    assert [(s.image, s.illuminant, s.fold) for s in samples.values()] == [
        (s.image, s.illuminant, s.fold) for s in plain.values()
    ]
    image, same = (load_example(GehlerShi(), place, "IMG_0281").image for place in (path, copy))
    assert np.array_equal(image.pixels, same.pixels)


def test_missing_images_do_not_shift_the_truth(spare: Path) -> None:
    for name in ("8D5U5524", "IMG_0300"):
        (spare / "png" / f"{name}.png").unlink()
    samples, skipped = list_samples(GehlerShi(), spare)
    assert {name: sample.illuminant for name, sample in samples.items()} == {
        name: tuple(RECOMMENDED[NAMES.index(name)]) for name in ("8D5U5530", "IMG_0281", "IMG_0903")
    }
    assert set(skipped) == {"8D5U5524", "IMG_0300"}
    assert "no image" in skipped["IMG_0300"]


def test_without_folds_there_are_none(spare: Path) -> None:
    (spare / "experiment" / "threefoldCVsplit.mat").unlink()
    samples, _ = list_samples(GehlerShi(), spare)
    assert {sample.fold for sample in samples.values()} == {""}


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the list of names (AWBKIT_SHARED or ../shared) is not here")
def test_rows_go_by_the_published_names(spare: Path) -> None:
    """Row n belongs to the image that Hemrit et al. numbered n, and 568 other names are refused."""
    with PUBLISHED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    shutil.rmtree(spare / "coordinates")
    shutil.rmtree(spare / "png")
    (spare / "experiment" / "threefoldCVsplit.mat").unlink()
    truth = np.empty((568, 3))
    for row in rows:
        number, _, name = row["image"].partition("_")
        truth[int(number) - 1] = [float(row[channel]) for channel in "rgb"]
        (spare / "png").mkdir(exist_ok=True)
        (spare / "png" / f"{name}.png").touch()
        path = spare / "coordinates" / f"{name}_macbeth.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("2041 1359\n10 10\n100 10\n10 100\n100 100\n")
    write_mat(spare / "ColorCheckerData.mat", REC_groundtruth=truth)
    samples, skipped = list_samples(GehlerShi(), spare)
    assert not skipped
    assert len(samples) == 568
    for row in rows:
        sample = samples[row["image"].partition("_")[2]]
        assert sample.illuminant == tuple(float(row[channel]) for channel in "rgb")
        assert sample.camera == row["camera"]
    (spare / "coordinates" / "IMG_0903_macbeth.txt").rename(spare / "coordinates" / "IMG_0282x_macbeth.txt")
    with pytest.raises(UnreadableFile, match="are not the published 568"):
        list_samples(GehlerShi(), spare)


def drop(*names: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


COORDINATES = "coordinates/IMG_0281_macbeth.txt"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop("ColorCheckerData.mat"), r"holds no ColorCheckerData.*truth=legacy.*never mix"),
        (drop("ColorCheckerData.mat", "groundtruth_568/real_illum_568..mat"), r"put it beside the images$"),
        (write("ColorCheckerData.mat", "no such page"), "no MATLAB file"),
        (
            lambda f: write_mat(f / "ColorCheckerData.mat", REC_groundtruth=RECOMMENDED[:4]),
            "has 4 rows, but there are 5",
        ),
        (lambda f: write_mat(f / "ColorCheckerData.mat", REC_groundtruth=RECOMMENDED.T), "no table of 3 columns"),
        (lambda f: write_mat(f / "ColorCheckerData.mat", real_rgb=LEGACY), "no variable REC_groundtruth, but real_rgb"),
        (lambda f: write_mat(f / "two" / "ColorCheckerData.mat", REC_groundtruth=LEGACY), "which differ"),
        (
            lambda f: write_mat(
                f / "experiment" / "threefoldCVsplit.mat",
                Xfiles=np.array([(f"{name}.tif",) for name in NAMES], dtype=[("name", object)]),
                te_split=cell([np.array([[1, 2, 3]]), np.array([[3, 4, 5]])]),
            ),
            "do not test every image once",
        ),
        (
            lambda f: (f / "coordinates" / "IMG_0281_macbeth.txt").rename(f / "coordinates" / "IMG_0282_macbeth.txt"),
            "are not the published 568",
        ),
    ],
    ids=[
        *("truth of the other kind only", "no truth", "web page for a truth", "too few rows", "turned table"),
        *("other variable", "two truths", "overlapping folds", "names that differ"),
    ],
)
def test_refuses(spare: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(spare)
    with pytest.raises(UnreadableFile, match=message):
        list_samples(GehlerShi(), spare)


def spoil_truth(folder: Path) -> None:
    truth = RECOMMENDED.copy()
    truth[2] = np.nan, 0, -1
    write_mat(folder / "ColorCheckerData.mat", REC_groundtruth=truth)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop(COORDINATES), "its chart would show"),
        (write(COORDINATES, "2193 1460\n1 2\n"), "no list of a size and four corners"),
        (write(COORDINATES, "2193 1460\n1 2\n3 4\n5 x\n7 8\n"), "no list of a size and four corners"),
        (write(COORDINATES, "2193 1460\n1 2 3\n3 4 3\n5 6 3\n7 8 3\n"), "no list of a size and four corners"),
        (write(COORDINATES, "0 1460\n1 2\n3 2\n1 9\n3 9\n"), "no list of a size and four corners"),
        (write(COORDINATES, "2193 1460\n1 2\n3000 2\n1 9\n3000 9\n"), "outside the picture"),
        (write(COORDINATES, "2193 1460\n5 5\n5 5\n5 5\n5 5\n"), "form no chart"),
        (write(COORDINATES, "2193 1460\n0 0\n900 0\n0 900\n100 100\n"), "form no chart"),
        (spoil_truth, "is no light"),
        (lambda f: shutil.copy(f / "png" / "IMG_0281.png", f / "IMG_0281.png"), "have one name; keep one"),
        (lambda f: (f / "png" / "IMG_0281.png").rename(f / "png" / "87_IMG_0281.png"), "levels differ"),
    ],
    ids=[
        *("no coordinates", "cut short", "not numbers", "three columns", "no size", "outside", "a point", "concave"),
        *("no light", "twice", "renumbered"),
    ],
)
def test_skips(spare: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(spare)
    samples, skipped = list_samples(GehlerShi(), spare)
    assert "IMG_0281" not in samples
    assert any(message in reason for name, reason in skipped.items() if name.endswith("IMG_0281"))
    assert {"8D5U5524", "IMG_0300", "IMG_0903"} <= set(samples)


@pytest.mark.parametrize(
    ("name", "change", "error", "message"),
    [
        ("IMG_0903", None, UnsupportedImage, "the chart's place is given for 2193 x 1460.*neither turned"),
        ("IMG_0281", lambda path: path.write_bytes(path.read_bytes()[:300]), UnreadableFile, "IMG_0281"),
        ("IMG_0281", lambda path: path.write_bytes(b""), UnsupportedImage, "is empty"),
        (
            "IMG_0281",
            lambda path: write_png(path, np.full((146, 219, 3), 90, np.uint8)),
            UnsupportedImage,
            "stores 8 bits",
        ),
    ],
    ids=["turned", "cut short", "empty", "8 bits"],
)
def test_images_that_cannot_be_used(
    spare: Path, name: str, change: Callable[[Path], object] | None, error: type[AwbError], message: str
) -> None:
    if change:
        change(spare / "png" / f"{name}.png")
    with pytest.raises(error, match=message):
        load_example(GehlerShi(), spare, name)


def test_the_mask_of_a_slanted_chart_has_its_area() -> None:
    corners = np.array([[30.0, 10.0], [90.0, 40.0], [10.0, 50.0], [70.0, 80.0]])
    mask = quadrilateral(corners, 100, 120)
    # Shoelace formula of the corners in turn (30, 10), (90, 40), (70, 80), (10, 50).
    assert mask.sum() == pytest.approx(3000, rel=0.01)
    assert mask[45, 50]
    assert not mask[12, 60]

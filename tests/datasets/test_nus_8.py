"""NUS-8 from a small copy of its layout."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from awbkit.datasets.layout import parse
from awbkit.datasets.nus_8 import Nus8
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

WIDTH, HEIGHT = 300, 200
LEVELS = {"Canon600D": (2048, 15303), "SonyA57": (128, 4093), "NikonD40": (0, 3981)}
NUMBERS = {"Canon600D": (1, 2, 10), "SonyA57": (1, 3), "NikonD40": (7,)}
CAMERAS = {"Canon600D": "Canon EOS 600D", "SonyA57": "Sony SLT-A57", "NikonD40": "Nikon D40"}
CHART = (101, 150, 31, 120)
"""First and last row, first and last column, from 1."""


def names_of(body: str) -> list[str]:
    return [f"{body}_{number:04d}" for number in NUMBERS[body]]


def light_of(name: str) -> tuple[float, float, float]:
    number = int(name[-2:])
    return 0.3 + 0.05 * number, 0.8, 0.5 - 0.02 * number


def truth(body: str, **changed: Any) -> dict[str, Any]:
    """The variables of a camera's .mat file, the newest image first: a reader that counts images would fail."""
    names = names_of(body)[::-1]
    black, white = LEVELS[body]
    return {
        "groundtruth_illuminants": np.array([light_of(name) for name in names]),
        "groundtruth_colors": np.zeros((24, 3, len(names))),
        "CC_coords": np.array([CHART] * len(names), np.uint16),
        "darkness_level": np.float64(black),
        "saturation_level": np.uint16(white),
        "all_image_names": cell(names),
        **changed,
    }


def write_copy(folder: Path) -> Path:
    for body, (black, white) in LEVELS.items():
        for name in names_of(body):
            codes = draw_greys(WIDTH, HEIGHT, light_of(name), black=black, white=white)
            paint(codes, slice(CHART[0] - 1, CHART[1]), slice(CHART[2] - 1, CHART[3]), black=black, white=white)
            # Clipped, but under the saturation level, as sensors bend before they clip.
            codes[:40, 150:] = round(black + 0.97 * (white - black))
            write_png(folder / body / "PNG" / f"{name}.PNG", codes)
            mask = folder / body / "CHECKER" / f"{name}_mask.txt"
            mask.parent.mkdir(exist_ok=True)
            mask.write_text("31,101,90,50\n0,0,10,10\n")
        write_mat(folder / body / f"{body}_gt.mat", **truth(body))
    return folder


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_copy(tmp_path_factory.mktemp("nus") / "nus")


@pytest.fixture
def spare(copy: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(copy, tmp_path / "nus")


def test_every_image_has_the_light_of_its_name(copy: Path) -> None:
    samples, skipped = list_samples(Nus8(), copy)
    assert set(samples) == {*names_of("Canon600D"), *names_of("SonyA57")}
    assert list(skipped) == ["Nikon D40"]
    for name, sample in samples.items():
        assert sample.illuminant == light_of(name)
        assert sample.camera == CAMERAS[name.partition("_")[0]]


def test_the_ninth_camera_only_when_asked_for(copy: Path) -> None:
    samples, skipped = list_samples(parse("nus-8:d40=yes"), copy)
    assert samples["NikonD40_0007"].camera == "Nikon D40"
    assert not skipped


@pytest.mark.parametrize("name", ["Canon600D_0002", "Canon600D_0010", "SonyA57_0003"])
def test_chart_and_clipped_region_are_not_seen(copy: Path, name: str) -> None:
    example = load_example(Nus8(), copy, name)
    assert example.illuminant == light_of(name)
    assert off(example.image, light_of(name)) < 0.15
    valid = example.image.valid
    assert not valid[34:46, 8:24].any(), "the chart"
    assert not valid[1:11, 34:62].any(), "the clipped region"
    assert valid.mean() > 0.7
    assert example.image.pixels.max() == pytest.approx(0.7, abs=0.1)


def test_every_camera_has_its_matrix(copy: Path) -> None:
    bodies = ("Canon EOS-1Ds Mark III", "Canon EOS 600D", "Fujifilm X-M1", "Nikon D5200", "Olympus E-PL6")
    more = ("Panasonic DMC-GX1", "Samsung NX2000", "Sony SLT-A57", "Nikon D40")
    cameras = Nus8().cameras(Source.open(copy), (*bodies, *more))
    assert len({camera.white_d65 for camera in cameras.values()} - {None}) == 9


def test_downloads_as_they_come_say_the_same(copy: Path, tmp_path: Path) -> None:
    """A zip file of pictures for each camera, its .mat file beside them, nothing in folders."""
    flat = tmp_path / "downloads"
    flat.mkdir()
    for body in LEVELS:
        pictures = Path(shutil.copytree(copy / body / "PNG", tmp_path / f"{body}_PNG"))
        zip_folder(pictures).rename(flat / f"{body}_PNG.zip")
        shutil.copy(copy / body / f"{body}_gt.mat", flat)
    samples, _ = list_samples(Nus8(), flat)
    plain, _ = list_samples(Nus8(), copy)
    assert {name: sample.illuminant for name, sample in samples.items()} == {
        name: sample.illuminant for name, sample in plain.items()
    }
    image, same = (load_example(Nus8(), place, "SonyA57_0001").image for place in (flat, copy))
    assert np.array_equal(image.pixels, same.pixels)


def test_names_may_have_a_suffix_or_another_case(spare: Path) -> None:
    names = ["canon600d_0010.PNG", "CANON600D_0002", "Canon600D_0001.png"]
    write_mat(spare / "Canon600D" / "Canon600D_gt.mat", **truth("Canon600D", all_image_names=cell(names)))
    samples, _ = list_samples(Nus8(), spare)
    assert {name: samples[name].illuminant for name in names_of("Canon600D")} == {
        name: light_of(name) for name in names_of("Canon600D")
    }


NAN_ROW = np.array([[np.nan] * 3, [0.4, 0.8, 0.46], [0.35, 0.8, 0.48]])


@pytest.mark.parametrize(
    ("changed", "image", "message"),
    [
        ({"groundtruth_illuminants": NAN_ROW}, "Canon600D_0010", "is no light"),
        ({"groundtruth_illuminants": np.ones((2, 3))}, "Canon600D_0010", "3 names, 2 lights and 3 charts"),
        ({"CC_coords": np.array([(0, 0, 0, 0), CHART, CHART])}, "Canon600D_0010", "where its chart is"),
        ({"CC_coords": np.array([(150, 101, 1, 9), CHART, CHART])}, "Canon600D_0010", "where its chart is"),
        ({"CC_coords": np.array([(np.nan,) * 4, CHART, CHART])}, "Canon600D_0010", "where its chart is"),
        ({"CC_coords": np.ones((3, 2))}, "Canon600D_0010", "no table of 4 columns"),
        ({"all_image_names": cell(["Canon600D_0002"] * 3)}, "Canon600D_0002", "has 3 rows"),
        ({"all_image_names": cell(["a", "b", "c"])}, "Canon600D_0010", "has no row in Canon600D_gt.mat"),
        ({"all_image_names": np.ones((3, 1))}, "Canon600D_0010", "neither a list of cells"),
        ({"darkness_level": np.float64(16000)}, "Canon600D_0010", "black at 16000 and saturation at 15303"),
        ({"saturation_level": np.ones((2, 1))}, "Canon600D_0010", "not one number but 2"),
        ({"saturation_level": np.empty((0, 1))}, "Canon600D_0010", "not one number but 0"),
    ],
    ids=[
        *("no light", "too few lights", "no chart", "chart upside down", "chart nowhere", "chart of two numbers"),
        *("one name thrice", "other names", "numbers for names", "black above saturation", "two levels", "no level"),
    ],
)
def test_skips(spare: Path, changed: dict[str, Any], image: str, message: str) -> None:
    write_mat(spare / "Canon600D" / "Canon600D_gt.mat", **truth("Canon600D", **changed))
    samples, skipped = list_samples(Nus8(), spare)
    assert image not in samples
    assert message in skipped[image]
    assert set(names_of("SonyA57")) <= set(samples), "the other cameras are of use"


@pytest.mark.parametrize(
    ("spoil", "image", "message"),
    [
        (lambda f: (f / "Canon600D" / "Canon600D_gt.mat").unlink(), "Canon600D_0001", "there is no Canon600D_gt.mat"),
        (lambda f: (f / "Canon600D" / "PNG" / "Canon600D_0001.PNG").unlink(), "Canon600D_0001", "but no image"),
        (
            lambda f: shutil.copy(f / "Canon600D" / "PNG" / "Canon600D_0001.PNG", f / "Canon600D_0001.png"),
            "Canon600D_0001",
            "lies in the source 2 times",
        ),
        (lambda f: (f / "Canon600D" / "Canon600D_gt.mat").write_bytes(b"404"), "Canon600D_0001", "no MATLAB file"),
    ],
    ids=["no truth", "no image", "two images", "web page for a truth"],
)
def test_skips_what_does_not_fit_together(
    spare: Path, spoil: Callable[[Path], object], image: str, message: str
) -> None:
    spoil(spare)
    samples, skipped = list_samples(Nus8(), spare)
    assert image not in samples
    assert message in skipped[image]


def test_refuses_a_source_without_any_truth(spare: Path) -> None:
    for path in spare.rglob("*_gt.mat"):
        path.unlink()
    with pytest.raises(UnreadableFile, match=r"holds no <Camera>_gt\.mat"):
        list_samples(Nus8(), spare)


@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        (np.full((140, 300, 3), 5000, np.uint16), UnsupportedImage, "300 x 140 pixels, but its chart lies in rows 101"),
        (np.full((200, 110, 3), 5000, np.uint16), UnsupportedImage, "columns 31 to 120.*neither turned nor reduced"),
        (np.full((200, 300, 3), 50, np.uint8), UnsupportedImage, "stores 8 bits"),
        (np.full((200, 300), 5000, np.uint16), UnsupportedImage, "channels"),
        (None, UnreadableFile, "SonyA57_0001"),
    ],
    ids=["reduced", "turned", "8 bits", "grey", "cut short"],
)
def test_images_that_cannot_be_used(spare: Path, codes: np.ndarray | None, error: type[AwbError], message: str) -> None:
    path = spare / "SonyA57" / "PNG" / "SonyA57_0001.PNG"
    if codes is None:
        path.write_bytes(path.read_bytes()[:200])
    else:
        write_png(path, codes)
    with pytest.raises(error, match=message):
        load_example(Nus8(), spare, "SonyA57_0001")

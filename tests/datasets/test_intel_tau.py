"""INTEL-TAU on small copies of its layout."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.intel_tau import scene_of
from awbkit.datasets.layout import parse
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.estimators import parse as parse_method
from awbkit.store.source import Source
from tests.helpers.dataset_files_c import greys, list_samples, load_examples, prepare, reasons, zip_folder

LIGHTS = {
    "Canon_5DSR/field_1_cameras/C_5DSR_field_001": (0.45, 0.83, 0.33),
    "Canon_5DSR/field_3_cameras/C_5DSR_field3cam_001": (0.5, 0.8, 0.3),
    "Canon_5DSR/lab_printouts/C_5DSR_lab_printouts_001": (0.4, 0.8, 0.4),
    "Canon_5DSR/lab_realscene/C_5DSR_lab_realscene_001": (0.3, 0.8, 0.4),
    "Canon_5DSR/lab_realscene/C_5DSR_lab_realscene_006": (0.35, 0.8, 0.4),
    "Nikon_D810/field_1_cameras/N_D810_field_001": (0.6, 0.7, 0.3),
    "Nikon_D810/field_3_cameras/N_D810_field3cam_001": (0.55, 0.75, 0.35),
    "Nikon_D810/lab_printouts/N_D810_lab_printouts_150": (0.5, 0.8, 0.4),
    "Nikon_D810/lab_realscene/N_D810_lab_realscene_005": (0.5, 0.8, 0.5),
    "Sony_IMX135_BLCCSC/field_3_cameras/S_IMX135_BLCCSC_field3cam_001": (0.5, 0.77, 0.36),
    "Sony_IMX135_BLCCSC/lab_printouts/S_IMX135_BLCCSC_lab_printouts_300": (0.5, 0.7, 0.36),
}

SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"


def write(folder: Path, name: str, light: tuple[float, float, float], suffix: str = ".tiff") -> Path:
    """A picture of greys under a light, nothing clipped, and its white."""
    path = folder / f"{name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = (np.kron(greys(light, (12, 16)), np.ones((8, 8, 1))) * 60000).astype(np.uint16)
    tifffile.imwrite(path, codes, photometric="rgb", compression="zlib" if suffix == ".tif" else None)
    path.with_suffix(".wp").write_text(" ".join(f"{value:.6f}" for value in light) + "\n")
    return path


def write_set(folder: Path) -> Path:
    for name, light in LIGHTS.items():
        write(folder, name, light)
    return folder


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("tau") / "INTEL-TAU")


def test_whites_cameras_and_pixels(download: Path) -> None:
    layout, source = parse("intel-tau"), Source.open(download)
    samples = list_samples(layout, source)
    assert sorted(samples) == sorted(name.rpartition("/")[2] for name in LIGHTS)
    method = parse_method("gray-world")
    for name, light in LIGHTS.items():
        sample = samples[name.rpartition("/")[2]]
        expected = {"C": "Canon EOS 5DS R", "N": "Nikon D810", "S": "Sony IMX135"}[sample.image[0]]
        assert sample.camera == expected
        assert sample.illuminant == light
        example = layout.load(source, sample)
        assert angular_error(method.estimate(example.image).rgb, light) < 0.1
        # Only what is brighter than 0.98 of the picture's own maximum is taken for clipped.
        assert 0.9 < example.image.valid.mean() < 1


def test_scenes(download: Path) -> None:
    scene = {name: sample.scene for name, sample in list_samples(parse("intel-tau"), Source.open(download)).items()}
    three = scene["C_5DSR_field3cam_001"]
    assert three == scene["N_D810_field3cam_001"] == scene["S_IMX135_BLCCSC_field3cam_001"]
    assert scene["C_5DSR_field_001"] != scene["N_D810_field_001"] != three
    assert scene["C_5DSR_lab_realscene_001"] == scene["N_D810_lab_realscene_005"] != scene["C_5DSR_lab_realscene_006"]
    # The Nikon shows the first print in the third light last.
    assert scene["C_5DSR_lab_printouts_001"] == scene["N_D810_lab_printouts_150"]
    assert len(set(scene.values())) == 7


def test_cameras_have_their_matrices(download: Path) -> None:
    layout, source = parse("intel-tau"), Source.open(download)
    cameras = layout.cameras(source, ["Canon EOS 5DS R", "Nikon D810", "Sony IMX135"])
    assert all(camera.white_d65 is not None for camera in cameras.values())


def test_archives_as_they_come(download: Path, tmp_path: Path) -> None:
    """One for each camera; the Sony's without the camera's own folder."""
    for camera in ("Canon_5DSR", "Nikon_D810"):
        zip_folder(download / camera, tmp_path / f"{camera}_1080p.zip")
    zip_folder(download / "Sony_IMX135_BLCCSC" / "field_3_cameras", tmp_path / "Sony_IMX135_BLCCSC_1080p.zip")
    layout = parse("intel-tau")
    packed, plain = load_examples(layout, Source.open(tmp_path)), load_examples(layout, Source.open(download))
    assert set(plain) - set(packed) == {"S_IMX135_BLCCSC_lab_printouts_300"}
    for name, example in packed.items():
        assert np.array_equal(example.image.pixels, plain[name].image.pixels)
        assert example.illuminant == plain[name].illuminant


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("canon_5dsr/FIELD_1_CAMERAS/0001", ".tif"),
        ("Canon_5DSR_1080p/Canon_5DSR/field_1_cameras/0001", ".tiff"),
        ("C_5DSR_field_0001", ".TIFF"),
    ],
)
def test_names_in_other_spellings(tmp_path: Path, name: str, suffix: str) -> None:
    write(tmp_path, name, (0.5, 0.8, 0.3), suffix)
    ((image, sample),) = list_samples(parse("intel-tau"), Source.open(tmp_path)).items()
    assert (image, sample.camera, sample.scene) == (name.rpartition("/")[2], "Canon EOS 5DS R", image)


@pytest.mark.parametrize(
    ("text", "light"),
    [
        ("0.5 0.8 0.3", (0.5, 0.8, 0.3)),
        ("\ufeff0.5,0.8,0.3\r\n", (0.5, 0.8, 0.3)),
        ("5.0e-01\t0.8\n3e-1\n", (0.5, 0.8, 0.3)),
        ("0.649 0.463", (0.649, 1.0, 0.463)),
    ],
)
def test_whites_in_other_forms(tmp_path: Path, text: str, light: tuple[float, float, float]) -> None:
    path = write(tmp_path, "C_5DSR_field_001", (1, 1, 1))
    path.with_suffix(".wp").write_text(text, encoding="utf-8")
    (sample,) = list_samples(parse("intel-tau"), Source.open(tmp_path)).values()
    assert sample.illuminant == light


def test_clipping_counts_from_the_pictures_own_maximum(tmp_path: Path) -> None:
    path = write(tmp_path, "C_5DSR_field_001", (0.5, 0.8, 0.3))
    codes = tifffile.imread(path) // 2
    codes[:32, :, 1] = 40000
    codes[32:64, :64, 2] = 0
    tifffile.imwrite(path, codes, photometric="rgb")
    (example,) = load_examples(parse("intel-tau"), Source.open(tmp_path)).values()
    assert not example.image.valid[:21].any()
    assert not example.image.valid[22:42, :31].any()
    assert example.image.valid[43:].all()
    np.testing.assert_allclose(example.image.pixels[50, 50], codes[75, 100] / 65535, rtol=0.3)


def test_prepares(download: Path, tmp_path: Path) -> None:
    done = prepare(parse("intel-tau"), Source.open(download), tmp_path / "out")
    assert len(done) == len(LIGHTS)
    assert set(done.cameras) == {"Canon EOS 5DS R", "Nikon D810", "Sony IMX135"}


@pytest.mark.parametrize(
    ("white", "reason"),
    [
        (None, "no C_5DSR_field_001.wp beside it"),
        ("", "three numbers"),
        ("0.5", "three numbers"),
        ("0.5 0.8 0.3 1", "three numbers"),
        ("red green blue", "three numbers"),
        ("0.5 0 0.3", "is no light"),
        ("0.5 -0.8 0.3", "is no light"),
        ("nan 0.8 0.3", "is no light"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_skips_with_a_reason(tmp_path: Path, white: str | bytes | None, reason: str) -> None:
    path = write(tmp_path, "C_5DSR_field_001", (1, 1, 1)).with_suffix(".wp")
    path.unlink()
    if white is not None:
        path.write_bytes(white if isinstance(white, bytes) else white.encode())
    (why,) = reasons(parse("intel-tau"), Source.open(tmp_path)).values()
    assert reason in why
    assert "\n" not in why


def test_says_what_belongs_to_nothing(tmp_path: Path) -> None:
    write(tmp_path, "Canon_5DSR/field_1_cameras/C_5DSR_field_001", (1, 1, 1))
    (tmp_path / "Canon_5DSR" / "field_1_cameras" / "C_5DSR_field_002.wp").write_text("1 1 1")
    write(tmp_path, "extra/holiday", (1, 1, 1))
    why = reasons(parse("intel-tau"), Source.open(tmp_path))
    assert "no picture beside it" in why["Canon_5DSR/field_1_cameras/C_5DSR_field_002.wp"]
    assert "which camera" in why["extra/holiday.tiff"]


class TestRefuses:
    def test_another_folder(self, tmp_path: Path) -> None:
        write(tmp_path, "holiday", (1, 1, 1))
        with pytest.raises(UnreadableFile, match="field_1_cameras"):
            list(parse("intel-tau").samples(Source.open(tmp_path)))

    def test_the_raw_release(self, tmp_path: Path) -> None:
        (tmp_path / "S_IMX135_field3cam_001.plain16").write_bytes(b"raw")
        with pytest.raises(UnreadableFile, match="1080p TIFF"):
            list(parse("intel-tau").samples(Source.open(tmp_path)))

    def test_pictures_of_8_bits(self, tmp_path: Path) -> None:
        path = write(tmp_path, "C_5DSR_field_001", (1, 1, 1))
        tifffile.imwrite(path, np.full((64, 64, 3), 90, np.uint8), photometric="rgb")
        with pytest.raises(UnsupportedImage, match="8 bits"):
            load_examples(parse("intel-tau"), Source.open(tmp_path))

    @pytest.mark.parametrize("keep", [0, 4, 2000])
    def test_damaged_pictures(self, tmp_path: Path, keep: int) -> None:
        path = write(tmp_path, "C_5DSR_field_001", (1, 1, 1))
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises((UnreadableFile, UnsupportedImage), match="C_5DSR_field_001"):
            load_examples(parse("intel-tau"), Source.open(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "unpack.py").is_file() or importlib.util.find_spec("imagecodecs") is None,
    reason="the labelled thumbnails (AWBKIT_SHARED or ../shared) or imagecodecs, which decodes them, are not here",
)
def test_real_pictures_are_seen_as_published_figures_see_them(tmp_path: Path) -> None:
    """Gray-world over the pixels whose channels are all above 0 and under 0.98 of the picture's maximum."""
    specification = importlib.util.spec_from_file_location("unpack", SHARED / "unpack.py")
    assert specification is not None
    assert specification.loader is not None
    unpack = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(unpack)
    rows = (SHARED / "intel-tau.csv").read_text().splitlines()[1:41]
    expected = {}
    for row, frame in zip(rows, unpack.frames(SHARED / "intel-tau.jxls"), strict=False):
        image, _, *white = row.split(",")[:5]
        tifffile.imwrite(tmp_path / f"{image}.tiff", frame, photometric="rgb")
        (tmp_path / f"{image}.wp").write_text(" ".join(white))
        seen = ((frame > 0) & (frame < 0.98 * frame.max())).all(axis=2)
        expected[image] = frame[seen].mean(axis=0, dtype=np.float64)
    examples = load_examples(parse("intel-tau"), Source.open(tmp_path))
    assert set(examples) == set(expected)
    method = parse_method("gray-world")
    for image, example in examples.items():
        assert angular_error(method.estimate(example.image).rgb, expected[image]) < 1e-3


def test_a_number_without_end_is_no_number_of_a_scene() -> None:
    assert scene_of("field3cam_" + "9" * 5000)

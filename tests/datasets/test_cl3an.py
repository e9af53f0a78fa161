"""CL3AN in the three layouts that it is published in, from the names to the prepared light."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.cl3an import Cl3an
from awbkit.datasets.layout import Layout, Omission, Sample, parse
from awbkit.datasets.prepare import Preparation
from awbkit.errors import AwbError, UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.source import Source
from tests.helpers.pair_scenes import Array, Pair, Scene, render
from tests.helpers.pictures import encode

WARM = (1.0, 0.62, 0.28)
COOL = (0.7, 1.0, 1.5)


@cache
def pair(scene: int, *lights: tuple[float, float, float]) -> Pair:
    return render(Scene(scene, lights, shape=(150, 200), shift=(1, 0)))


@cache
def png(scene: int, *lights: tuple[float, float, float]) -> bytes:
    """The input under these lights; without any, the scene's reference."""
    rendered = pair(scene, *(lights or (WARM,)))
    return imagecodecs.png_encode(encode(rendered.picture if lights else rendered.reference), level=1)


PUBLISHED = {
    "Train/GT/12_GT.png": png(12),
    "Train/GT/7_AMB_GT.png": png(7),
    "Train/IN_CR/12/12_1_IN.png": png(12, WARM),
    "Train/IN_CR/12/12_2_IN.png": png(12, WARM, COOL),
    "Train/IN_CR/7/7_1_IN.png": png(7, COOL),
    "Train/IN_SH/12/12_1_IN.png": png(12, (1.0, 1.0, 1.0)),
    "Train/IN_SH/7/7_1_IN.png": png(7, (1.0, 1.0, 1.0)),
    "Validation/GT/12_GT.png": png(3),
    "Validation/IN_CR/12/12_4_IN.png": png(3, COOL),
    "Validation/IN_SH/12/12_1_SH_IN.png": png(3, (1.0, 1.0, 1.0)),
    "Testing/GT/31_GT.png": png(3),
    "Testing/colour/31_2_IN.png": png(3, COOL),
    "Testing/31/deep/31_1_SH_IN.png": png(3, (1.0, 1.0, 1.0)),
    "Testing/preview.png": b"",
    "README.txt": b"24 MP",
}
CHALLENGE = {
    "gt/4_GT.png": png(12),
    "gt/9_2_GT.png": png(7),
    "input/4_1_IN.png": png(12, COOL),
    "input/9_2_IN.png": png(7, WARM),
}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def list_samples(path: Path, layout: Layout | None = None) -> tuple[dict[str, Sample], dict[str, str]]:
    found = list((layout or Cl3an()).samples(Source.open(path)))
    samples = {one.image: one for one in found if isinstance(one, Sample)}
    skipped = {one.image: one.reason for one in found if isinstance(one, Omission)}
    assert len(samples) + len(skipped) == len(found)
    return samples, skipped


SAMPLES = {
    "train/IN_CR/12/12_1_IN": ("train/12", "train", "coloured", "Train/GT/12_GT.png"),
    "train/IN_CR/12/12_2_IN": ("train/12", "train", "coloured", "Train/GT/12_GT.png"),
    "train/IN_CR/7/7_1_IN": ("train/7", "train", "coloured", "Train/GT/7_AMB_GT.png"),
    "train/IN_SH/12/12_1_IN": ("train/12", "train", "shadow", "Train/GT/12_GT.png"),
    "train/IN_SH/7/7_1_IN": ("train/7", "train", "shadow", "Train/GT/7_AMB_GT.png"),
    "validation/IN_CR/12/12_4_IN": ("validation/12", "validation", "coloured", "Validation/GT/12_GT.png"),
    "validation/IN_SH/12/12_1_SH_IN": ("validation/12", "validation", "shadow", "Validation/GT/12_GT.png"),
    "test/colour/31_2_IN": ("test/31", "test", "coloured", "Testing/GT/31_GT.png"),
    "test/31/deep/31_1_SH_IN": ("test/31", "test", "shadow", "Testing/GT/31_GT.png"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "download",
    [
        pytest.param(lambda folder: write_files(folder, PUBLISHED), id="folder"),
        pytest.param(lambda folder: write_files(folder / "CL3AN", PUBLISHED).parent, id="folder in a folder"),
        pytest.param(lambda folder: write_zip(folder / "CL3AN.zip", PUBLISHED), id="zip"),
        pytest.param(
            lambda folder: (
                [
                    write_zip(folder / f"{split}-20250801-{part}.zip", {n: PUBLISHED[n] for n in names[part::2]})
                    for split in ("Train", "Validation", "Testing")
                    for names in [[n for n in PUBLISHED if n.startswith(split)]]
                    for part in (0, 1)
                ]
                and folder
            ),
            id="folder of zips in parts",
        ),
    ],
)
def test_the_published_layout_however_it_was_downloaded(tmp_path: Path, download: Callable[[Path], Path]) -> None:
    path = download(tmp_path)
    samples, skipped = list_samples(path)
    assert not skipped
    wrapper = "CL3AN/" if (tmp_path / "CL3AN").is_dir() else ""
    found = {
        image: (one.scene, one.fold, one.details["lights"], one.files[1].removeprefix(wrapper))
        for image, one in samples.items()
    }
    assert found == SAMPLES
    assert {one.camera for one in samples.values()} == {"CL3AN sRGB"}
    example = Cl3an().load(Source.open(path), samples["train/IN_CR/12/12_1_IN"])
    assert angular_error(example.illuminant, WARM) < 0.3


@pytest.mark.parametrize("folder", ["Train", "training", "Validation-001", "Testing"])
def test_one_split_alone_is_known_by_the_name_of_its_folder(tmp_path: Path, folder: str) -> None:
    files = {name.removeprefix("Train/"): data for name, data in PUBLISHED.items() if name.startswith("Train/")}
    samples, _ = list_samples(write_files(tmp_path / folder, files))
    split = {"V": "validation", "T": "train", "t": "train"}[folder[0]] if folder != "Testing" else "test"
    assert {one.fold for one in samples.values()} == {split}
    assert f"{split}/IN_CR/7/7_1_IN" in samples


def test_the_challenge_layout(tmp_path: Path) -> None:
    samples, skipped = list_samples(write_files(tmp_path / "NTIRE", CHALLENGE))
    assert not skipped
    assert {image: (one.scene, one.fold, one.files) for image, one in samples.items()} == {
        "input/4_1_IN": ("4", "", ("input/4_1_IN.png", "gt/4_GT.png")),
        "input/9_2_IN": ("9", "", ("input/9_2_IN.png", "gt/9_2_GT.png")),
    }


def test_folders_distinguish_names_that_two_downloads_share(tmp_path: Path) -> None:
    both = {f"{track}/train/{name}": data for track in ("colour", "white") for name, data in CHALLENGE.items()}
    samples, skipped = list_samples(write_files(tmp_path, both))
    assert not skipped
    assert set(samples) == {f"{t}/train/input/{n}" for t in ("colour", "white") for n in ("4_1_IN", "9_2_IN")}


def test_options_choose_the_inputs(tmp_path: Path) -> None:
    write_files(tmp_path, PUBLISHED)
    coloured, _ = list_samples(tmp_path, parse("cl3an:lights=coloured"))
    shadow, skipped = list_samples(tmp_path, parse("cl3an:lights=shadow"))
    assert len(coloured) == 5
    assert len(shadow) == 4
    assert not coloured.keys() & shadow.keys()
    assert not skipped
    with pytest.raises(UsageError, match="lights must be one of all, coloured, shadow"):
        parse("cl3an:lights=blue")


@pytest.mark.slow
def test_the_light_comes_out_right(tmp_path: Path) -> None:
    source = Source.open(write_files(tmp_path, PUBLISHED))
    samples, _ = list_samples(tmp_path)
    for image, scene, lights in (
        ("train/IN_CR/12/12_1_IN", 12, (WARM,)),
        ("train/IN_CR/12/12_2_IN", 12, (WARM, COOL)),
        ("train/IN_CR/7/7_1_IN", 7, (COOL,)),
        ("train/IN_SH/12/12_1_IN", 12, ((1.0, 1.0, 1.0),)),
        ("validation/IN_CR/12/12_4_IN", 3, (COOL,)),
        ("test/colour/31_2_IN", 3, (COOL,)),
    ):
        example = Cl3an().load(source, samples[image])
        truth = pair(scene, *lights).mean if len(lights) > 1 else np.array(lights[0])
        assert angular_error(example.illuminant, truth.tolist()) < (0.3 if len(lights) == 1 else 2.5)
        assert example.spread is not None
        assert (example.spread < 3) == (len(lights) == 1)
        assert example.light_map is not None
        assert example.light_map.known.shape == (64, 64)
        assert example.light_map.known.mean() > 0.5
        assert angular_error(example.light_map.mean().rgb, truth.tolist()) < (0.5 if len(lights) == 1 else 2.5)
        assert example.image.valid.shape == (64, 64)
        # The thumbnail is the input's, in linear sRGB.
        picture = pair(scene, *lights).picture
        assert example.image.pixels[10, 10].max() < 1
        assert example.image.pixels.mean() == pytest.approx(picture[picture.max(axis=2) < 0.98].mean(), rel=0.1)


@pytest.mark.slow
def test_it_is_prepared_with_its_local_lights(tmp_path: Path) -> None:
    write_files(tmp_path / "set", PUBLISHED | {"Train/IN_CR/99/99_1_IN.png": png(12, WARM)})
    layout = parse("cl3an:lights=coloured")
    with Preparation(layout, Source.open(tmp_path / "set"), tmp_path / "out") as preparation:
        list(preparation.run())
        prepared = preparation.finish(allow_missing=True)
    assert len(prepared.rows) == 5
    assert all(prepared.light_map(index) for index in range(5))
    by_image = {row.image: row for row in prepared.rows}
    row = by_image["train/IN_CR/7/7_1_IN"]
    assert angular_error(row.illuminant, COOL) < 0.3
    assert row.spread is not None
    assert row.spread < 3
    assert {row.fold for row in prepared.rows} == {"train", "validation", "test"}
    assert [one.image for one in preparation.omissions] == ["train/IN_CR/99/99_1_IN"]
    assert "whose own balance counts as white" in (tmp_path / "out" / "dataset.json").read_text()
    assert next(iter(prepared.images())).camera.space == "linear-srgb"


@pytest.mark.parametrize(
    ("files", "image", "reason"),
    [
        ({"Train/IN_CR/99/99_1_IN.png": b""}, "train/IN_CR/99/99_1_IN", "no reference has the key '99'"),
        ({"Train/GT/12_2_GT.png": b""}, "train/IN_CR/12/12_1_IN", "2 references have the key '12'"),
        ({"Train/GT/55_GT.png": b""}, "Train/GT/55_GT.png", "no input belongs to this reference"),
        ({"Elsewhere/IN_CR/5/5_1_IN.png": b""}, "Elsewhere/IN_CR/5/5_1_IN", "no reference has the key '5'"),
    ],
)
def test_what_cannot_be_paired_is_skipped(tmp_path: Path, files: dict[str, bytes], image: str, reason: str) -> None:
    samples, skipped = list_samples(write_files(tmp_path, PUBLISHED | files))
    assert reason in skipped[image]
    assert image not in samples
    assert samples


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"GT/1_GT.png": b""}, "holds no input for its references; the layout cl3an is GT/<key>_GT.png"),
        ({"IN_CR/1/1_1_IN.png": b""}, "holds no reference in a folder GT"),
        ({"a.png": b"", "b/c.txt": b""}, "holds no reference in a folder GT"),
        ({"GT/1_GT.jpg": b"", "IN_CR/1/1_1_IN.jpg": b""}, "holds no reference in a folder GT"),
    ],
)
def test_a_source_of_another_layout_is_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        list_samples(write_files(tmp_path, files))


def _png(pixels: Array) -> bytes:
    return imagecodecs.png_encode(np.ascontiguousarray(pixels), level=1)


GRAY = np.full((150, 200, 3), 128, np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "data", "error", "message"),
    [
        ("IN_CR/12/12_1_IN", png(12, WARM)[:2000], UnreadableFile, "12_1_IN.png"),
        ("GT/12_GT", png(12)[:2000], UnreadableFile, "12_GT.png"),
        ("GT/12_GT", b"", AwbError, "12_GT.png"),
        ("IN_CR/12/12_1_IN", _png(GRAY[..., 0]), UnsupportedImage, "12_1_IN.png"),
        ("IN_CR/12/12_1_IN", _png(GRAY[:, :190]), UnsupportedImage, "190 x 150 pixels and its reference 200 x 150"),
        ("IN_CR/12/12_1_IN", _png(GRAY[:9, :9]), UnsupportedImage, "9 x 9 pixels is too small"),
        ("GT/12_GT", _png(GRAY[:9, :9]), UnsupportedImage, "9 x 9 pixels is too small"),
        ("IN_CR/12/12_1_IN", png(7, WARM), UnsupportedImage, "do they show the same scene"),
        ("IN_CR/12/12_1_IN", _png(GRAY // 200), UnsupportedImage, "neither clipped nor dark"),
        ("IN_CR/12/12_1_IN", _png(GRAY * 0 + 255), UnsupportedImage, "neither clipped nor dark"),
    ],
)
def test_a_pair_without_a_light_is_refused_with_the_reason(
    tmp_path: Path, changed: str, data: bytes, error: type[AwbError], message: str
) -> None:
    write_files(tmp_path, PUBLISHED | {f"Train/{changed}.png": data})
    samples, _ = list_samples(tmp_path)
    with pytest.raises(error, match=message) as caught:
        Cl3an().load(Source.open(tmp_path), samples["train/IN_CR/12/12_1_IN"])
    assert "\n" not in str(caught.value)
    # The others still can be read.
    assert Cl3an().load(Source.open(tmp_path), samples["train/IN_CR/7/7_1_IN"]).illuminant


def test_a_missing_reference_is_said_to_be_missing(tmp_path: Path) -> None:
    samples, _ = list_samples(write_files(tmp_path, PUBLISHED))
    (tmp_path / "Train/GT/7_AMB_GT.png").unlink()
    with pytest.raises(UnreadableFile, match=r"7_AMB_GT\.png"):
        Cl3an().load(Source.open(tmp_path), samples["train/IN_CR/7/7_1_IN"])

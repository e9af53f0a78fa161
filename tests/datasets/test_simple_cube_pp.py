"""SimpleCube++ and Cube++ from small copies of their layouts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import parse
from awbkit.datasets.simple_cube_pp import SimpleCubePP
from awbkit.errors import AwbError, UnreadableFile, UnsupportedImage
from awbkit.store.source import Source
from tests.helpers.dataset_files import draw_greys, list_samples, load_example, off, paint, write_png, zip_folder

BLACK, SATURATION = 2048, 15_000
SPLITS = {
    "train": {"00_0002": (0.26, 0.49, 0.25), "05_9539": (0.17, 0.46, 0.37)},
    "test": {"00_0004": (0.33, 0.48, 0.19)},
}
MEAN, LEFT, RIGHT = (0.26, 0.48, 0.26), (0.4, 0.45, 0.15), (0.2, 0.45, 0.35)
NAN = ("", "", "")
FACES = [f"{face}_{channel}" for face in ("mean", "left", "right", "left_white", "right_white") for channel in "rgb"]
FULL = {"01_0001": (MEAN, MEAN, MEAN), "01_0002": (NAN, LEFT, RIGHT), "01_0003": (MEAN, MEAN, MEAN)}
PROPERTIES = [
    "image,estimation,EXIF:ISO,EXIF:ApertureValue,EXIF:ExposureTime,MakerNotes:NormalWhiteLevel,EXIF:Model",
    "01_0001,full,200,8.0,1/50,15000,Canon EOS 600D",
    "01_0002,full,100,4,0.01,15000,Canon EOS 550D",
    "01_0003,full,,n/a,0.01,15000,",
]


def picture(width: int, height: int, light: tuple[float, float, float]) -> np.ndarray:
    """With a target of another colour in the lower right and a clipped region in the upper left."""
    rows, columns = height * 125 // 216, width * 175 // 648
    codes = draw_greys(width, height, light, black=BLACK, white=SATURATION)
    paint(codes, slice(height - rows, None), slice(width - columns, None), black=BLACK, white=SATURATION)
    codes[: height // 4, : width // 3] = SATURATION
    return codes


def write_simple(folder: Path, names: tuple[str, str, str] = ("mean_r", "mean_g", "mean_b")) -> Path:
    for split, lights in SPLITS.items():
        for image, light in lights.items():
            write_png(folder / split / "PNG" / f"{image}.png", picture(648, 432, light))
        rows = [",".join(("image", *names)), *(f"{image},{r},{g},{b}" for image, (r, g, b) in lights.items())]
        (folder / split / "gt.csv").write_text("\n".join(rows) + "\n")
        jpeg = folder / "auxiliary" / "JPG" / f"{split}_00_0002.jpg"
        jpeg.parent.mkdir(parents=True, exist_ok=True)
        jpeg.touch()
        (folder / "auxiliary" / f"{split}_properties.csv").write_text("image,ds_version\n00_0002,0.0\n")
    return folder


def write_full(folder: Path, *, pictures: bool = True) -> Path:
    (folder / "PNG").mkdir(parents=True)
    for image in FULL:
        if pictures and image == "01_0001":
            write_png(folder / "PNG" / f"{image}.png", picture(2592, 1728, MEAN))
        else:
            (folder / "PNG" / f"{image}.png").touch()
    rows = [",".join(("image", *FACES))]
    for image, faces in FULL.items():
        rows.append(",".join(str(value) for value in (image, *sum(faces, ()), *LEFT, *RIGHT)))
    (folder / "gt.csv").write_text("\r\n".join(rows) + "\r\n", encoding="utf-8-sig")
    (folder / "properties.csv").write_text("\n".join(PROPERTIES) + "\n")
    return folder


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_simple(tmp_path_factory.mktemp("simple") / "SimpleCube++")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_full(tmp_path_factory.mktemp("full") / "Cube++")


@pytest.fixture
def spare(simple: Path, tmp_path: Path) -> Path:
    """A copy of SimpleCube++ that a test may spoil."""
    return shutil.copytree(simple, tmp_path / "SimpleCube++")


def test_every_image_has_its_line_and_split(simple: Path) -> None:
    samples, skipped = list_samples(SimpleCubePP(), simple)
    assert not skipped
    assert {(s.fold, s.image): s.illuminant for s in samples.values()} == {
        (split, image): light for split, lights in SPLITS.items() for image, light in lights.items()
    }
    assert {sample.camera for sample in samples.values()} == {"Canon EOS 550D"}


def test_columns_as_the_description_has_them(tmp_path: Path) -> None:
    samples, _ = list_samples(SimpleCubePP(), write_simple(tmp_path / "set", ("r", "g", "b")))
    assert samples["00_0004"].illuminant == SPLITS["test"]["00_0004"]


@pytest.mark.parametrize("image", ["00_0002", "05_9539"])
def test_target_and_clipped_region_are_not_seen(simple: Path, image: str) -> None:
    example = load_example(SimpleCubePP(), simple, image)
    assert off(example.image, SPLITS["train"][image]) < 0.05
    valid = example.image.valid
    assert not valid[27:, 47:].any(), "the target, 250 rows and 175 columns"
    assert valid[26:, :46].all()
    assert valid[:26, 47:].all()
    assert not valid[:16, :21].any(), "the clipped region"


def test_a_target_that_is_black_already(spare: Path) -> None:
    path = spare / "train" / "PNG" / "00_0002.png"
    codes = picture(648, 432, SPLITS["train"]["00_0002"])
    codes[182:, 473:] = 0
    write_png(path, codes)
    assert off(load_example(SimpleCubePP(), spare, "00_0002").image, SPLITS["train"]["00_0002"]) < 0.05


@pytest.mark.parametrize("within", ["", "SimpleCube++/"])
def test_a_zip_file_says_the_same(simple: Path, tmp_path: Path, within: str) -> None:
    path = zip_folder(Path(shutil.copytree(simple, tmp_path / "SimpleCube++")), within=within)
    samples, _ = list_samples(SimpleCubePP(), path)
    plain, _ = list_samples(SimpleCubePP(), simple)
    assert [(s.image, s.illuminant, s.fold) for s in samples.values()] == [
        (s.image, s.illuminant, s.fold) for s in plain.values()
    ]
    image, same = (load_example(SimpleCubePP(), place, "00_0004").image for place in (path, simple))
    assert np.array_equal(image.pixels, same.pixels)


def test_one_split_alone(simple: Path) -> None:
    samples, _ = list_samples(SimpleCubePP(), simple / "train")
    assert set(samples) == set(SPLITS["train"])


@pytest.mark.slow
def test_cube_pp_gives_camera_and_exposure(full: Path) -> None:
    samples, skipped = list_samples(SimpleCubePP(), full)
    assert {name: sample.camera for name, sample in samples.items()} == {
        "01_0001": "Canon EOS 600D",
        "01_0003": "Canon EOS 550D",
    }
    assert samples["01_0001"].exposure == pytest.approx(2 / 50 / 64)
    assert samples["01_0003"].exposure is None
    assert samples["01_0001"].fold == ""
    assert list(skipped) == ["01_0002"]
    assert "mixed=yes" in skipped["01_0002"]


def test_cube_pp_masks_its_target(full: Path) -> None:
    example = load_example(SimpleCubePP(), full, "01_0001")
    assert off(example.image, MEAN) < 0.05
    assert not example.image.valid[27:, 47:].any()
    assert example.image.valid[26:, :46].all()


def test_mixed_lights_lie_halfway_between_the_faces(full: Path) -> None:
    light = list_samples(parse("simple-cube-pp:mixed=yes"), full)[0]["01_0002"].illuminant
    assert light is not None
    half = angular_error(LEFT, RIGHT) / 2
    assert angular_error(light, LEFT) == pytest.approx(half, rel=1e-6)
    assert angular_error(light, RIGHT) == pytest.approx(half, rel=1e-6)


def test_cube_pp_in_parts(full: Path, tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    for name in ("gt.csv", "properties.csv"):
        shutil.copy(full / name, downloads)
    part = tmp_path / "part"
    shutil.copytree(full / "PNG", part / "PNG")
    zip_folder(part).rename(downloads / "PNG_1.zip")
    assert set(list_samples(SimpleCubePP(), downloads)[0]) == {"01_0001", "01_0003"}


@pytest.mark.parametrize("model", ["Canon EOS 550D", "Canon EOS 600D"])
def test_cameras_have_their_matrices(full: Path, model: str) -> None:
    assert SimpleCubePP().cameras(Source.open(full), [model])[model].white_d65 is not None


HEADER = "image,mean_r,mean_g,mean_b\n"


@pytest.mark.parametrize(
    ("spoil", "image", "message"),
    [
        (lambda f: (f / "train" / "PNG" / "00_0002.png").unlink(), "00_0002", "has a truth but no image"),
        (lambda f: (f / "train" / "gt.csv").write_text(HEADER + "05_9539,1,1,1\n"), "00_0002", "has no line for it"),
        (lambda f: (f / "train" / "gt.csv").write_text(HEADER + "00_0002,1,,1\n"), "00_0002", "not three numbers"),
        (lambda f: (f / "train" / "gt.csv").write_text(HEADER + "00_0002,1\n"), "00_0002", "not three numbers"),
        (
            lambda f: (f / "train" / "gt.csv").write_text(HEADER + "00_0002,nan,nan,nan\n"),
            "00_0002",
            "not three numbers",
        ),
        (lambda f: (f / "train" / "gt.csv").write_text(HEADER + "00_0002,0,1,1\n"), "00_0002", "no light"),
        (
            lambda f: shutil.copytree(f / "train" / "PNG", f / "train" / "more" / "PNG"),
            "00_0002",
            "have one number",
        ),
    ],
    ids=["no image", "no line", "empty cell", "short line", "nan", "zero", "two images"],
)
def test_skips(spare: Path, spoil: Callable[[Path], object], image: str, message: str) -> None:
    spoil(spare)
    samples, skipped = list_samples(SimpleCubePP(), spare)
    assert image not in samples
    assert message in skipped[image]
    assert "00_0004" in samples


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: [path.unlink() for path in f.rglob("gt.csv")], r"holds no gt\.csv"),
        (lambda f: (f / "train" / "gt.csv").write_text("name,r,g,b\n1,1,1,1\n"), "no column 'image'"),
        (lambda f: (f / "train" / "gt.csv").write_text(""), "no column 'image' or no lines"),
        (lambda f: (f / "train" / "gt.csv").write_text(HEADER + "a,1,1,1\na,1,1,2\n"), "two lines for one image"),
        (lambda f: write_full(f / "Cube++", pictures=False), "but one set alone can be read"),
    ],
    ids=["no truth", "other table", "empty table", "one image twice", "both data sets"],
)
def test_refuses(spare: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(spare)
    with pytest.raises(UnreadableFile, match=message):
        list_samples(SimpleCubePP(), spare)


@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        (np.full((216, 324, 3), 5000, np.uint16), UnsupportedImage, "has 324 x 216 pixels.*originals 648 x 432"),
        (np.full((432, 648, 3), 50, np.uint8), UnsupportedImage, "stores 8 bits"),
        (None, UnreadableFile, "00_0002"),
    ],
    ids=["reduced", "8 bits", "cut short"],
)
def test_images_that_cannot_be_used(spare: Path, codes: np.ndarray | None, error: type[AwbError], message: str) -> None:
    path = spare / "train" / "PNG" / "00_0002.png"
    if codes is None:
        path.write_bytes(path.read_bytes()[:200])
    else:
        write_png(path, codes)
    with pytest.raises(error, match=message):
        load_example(SimpleCubePP(), spare, "00_0002")

"""AMBIENT6K on small copies of its layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import parse
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.estimators import parse as parse_method
from awbkit.store.source import Source
from tests.helpers.dataset_files_c import list_samples, load_examples, prepare, write_png, zip_folder
from tests.helpers.pictures import encode


def picture(seed: int, light: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Code values of grey patches (90, 120, 3), in sRGB."""
    grey = np.random.default_rng(seed).uniform(0.1, 0.8, (9, 12, 1))
    return encode(np.kron(grey * light, np.ones((10, 10, 1))))


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs of one scene and one of another in Train, one pair in Test, an input alone in Benchmarck."""
    root = tmp_path_factory.mktemp("ambient") / "AMBIENT6K"
    for number, scene in ((1, 90), (2, 90), (3, 91)):
        write_png(root / "Train" / f"{number}_in.png", picture(number))
        write_png(root / "Train" / f"{number}_gt.png", picture(scene)[: 80 + scene - 90])
    write_png(root / "Test" / "1_in.png", picture(4))
    write_png(root / "Test" / "1_gt.png", picture(92)[:70])
    write_png(root / "Benchmarck" / "1_in.png", picture(5))
    return root


def test_inputs_are_neutral_and_share_scenes(download: Path) -> None:
    samples = list_samples(parse("ambient6k"), Source.open(download))
    assert list(samples) == ["benchmark/1_in", "test/1_in", "train/1_in", "train/2_in", "train/3_in"]
    assert {sample.illuminant for sample in samples.values()} == {(1.0, 1.0, 1.0)}
    assert [sample.fold for sample in samples.values()] == ["benchmark", "test", "train", "train", "train"]
    assert samples["train/1_in"].scene == samples["train/2_in"].scene != samples["train/3_in"].scene
    assert len({sample.scene for sample in samples.values()}) == 4


def test_references_come_once_a_scene(download: Path) -> None:
    source = Source.open(download)
    references = list_samples(parse("ambient6k:pictures=references"), source)
    assert list(references) == ["test/1_gt", "train/1_gt", "train/3_gt"]
    assert len(list_samples(parse("ambient6k:pictures=both"), source)) == 8


def test_the_light_of_every_picture_is_neutral(download: Path) -> None:
    method = parse_method("gray-world")
    for example in load_examples(parse("ambient6k"), Source.open(download)).values():
        assert example.image.camera.space == "linear-srgb"
        assert example.image.valid.mean() > 0.9
        assert angular_error(method.estimate(example.image).rgb, example.illuminant) < 0.01


def test_what_is_clipped_is_masked(tmp_path: Path) -> None:
    codes = picture(1)
    codes[:45] = 255
    codes[45:, :60, 2] = 0
    write_png(tmp_path / "Train" / "1_in.png", codes)
    (example,) = load_examples(parse("ambient6k"), Source.open(tmp_path)).values()
    assert not example.image.valid[:31].any()
    assert not example.image.valid[33:, :31].any()
    assert example.image.valid[33:, 33:].all()


def test_an_archive_is_the_same_as_a_folder(download: Path, tmp_path: Path) -> None:
    packed = load_examples(parse("ambient6k"), Source.open(zip_folder(download, tmp_path / "AMBIENT6K.zip")))
    plain = load_examples(parse("ambient6k"), Source.open(download))
    assert list(packed) == list(plain)
    for name, example in packed.items():
        assert np.array_equal(example.image.pixels, plain[name].image.pixels)


def test_inputs_and_references_may_come_apart(tmp_path: Path) -> None:
    """As the authors offer them: a folder of inputs, as an archive, and another one of references."""
    for number in (1, 2, 3):
        write_png(tmp_path / "rgb" / f"{number}_IN.PNG", picture(number))
        write_png(tmp_path / "set" / "train_gt" / f"{number}_gt.png", picture(90 + number // 3)[: 80 + number // 3])
    zip_folder(tmp_path / "rgb", tmp_path / "set" / "Train_inputs.zip")
    samples = list_samples(parse("ambient6k"), Source.open(tmp_path / "set"))
    assert list(samples) == ["train/1_in", "train/2_in", "train/3_in"]
    scenes = [sample.scene for sample in samples.values()]
    assert scenes[0] == scenes[1] != scenes[2]


def test_prepares(download: Path, tmp_path: Path) -> None:
    done = prepare(parse("ambient6k"), Source.open(download), tmp_path / "out")
    np.testing.assert_allclose(done.illuminants, 3**-0.5, atol=1e-5)
    (camera,) = done.cameras.values()
    np.testing.assert_allclose(camera.white_d65, 1, atol=1e-6)


class TestRefuses:
    @pytest.mark.parametrize(
        "name",
        ["Train/readme.txt", "Train/1.png", "IN_CR/kitchen_1/kitchen_1_IN.png", "Train/1_in.jpg", "Train/a1_in.png"],
    )
    def test_other_names(self, tmp_path: Path, name: str) -> None:
        """Above all CL3AN's, whose light is coloured."""
        write_png(tmp_path / name, picture(1))
        with pytest.raises(UnreadableFile, match="<N>_in"):
            list(parse("ambient6k").samples(Source.open(tmp_path)))

    @pytest.mark.parametrize(
        ("data", "kind"),
        [(b"", UnsupportedImage), (b"no picture", UnsupportedImage), (b"\x89PNG\r\n\x1a\n cut short", UnreadableFile)],
    )
    def test_damaged_pictures(self, tmp_path: Path, data: bytes, kind: type[Exception]) -> None:
        (tmp_path / "1_in.png").write_bytes(data)
        layout, source = parse("ambient6k"), Source.open(tmp_path)
        with pytest.raises(kind, match="1_in"):
            layout.load(source, list_samples(layout, source)["1_in"])

    def test_other_options(self) -> None:
        with pytest.raises(UsageError, match="inputs, references, both"):
            parse("ambient6k:pictures=some")

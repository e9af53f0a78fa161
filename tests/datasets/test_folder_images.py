"""The images of the layout ``folder``: encodings, levels, cameras; and a published set, if it is here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import parse
from awbkit.errors import FileError, UnreadableFile, UsageError
from awbkit.estimators import parse as parse_method
from awbkit.store.source import Source
from tests.helpers.labelled_folder import PNG, folder_of, list_samples, the_sample
from tests.helpers.pictures import PROFILES, encode, with_profile
from tests.helpers.raw_files import CAMERA, RGGB, mosaic, write_dng
from tests.store.test_source import write_zip

LIGHT = (0.5, 1.0, 0.7)
GREY = np.kron(np.linspace(0.05, 0.6, 64).reshape(8, 8, 1), np.ones((16, 16, 1))) * np.array(LIGHT)
MATRIX = [[0.6941, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]


def write_image(path: Path, linear: np.ndarray, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = {
        "linear 16": lambda: np.rint(linear * 65535).astype(np.uint16),
        "linear 8": lambda: np.rint(linear * 255).astype(np.uint8),
        "float": lambda: linear.astype(np.float32),
        "sRGB 16": lambda: encode(linear, np.uint16),
        "sRGB 8": lambda: encode(linear),
    }[kind]()
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(pixels, level=1))
    elif path.suffix == ".jpg":
        Image.fromarray(pixels).save(path, quality=98, subsampling=0)
    else:
        import tifffile

        tifffile.imwrite(path, pixels, photometric="rgb")


class TestImages:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("layout", "file", "kind", "camera"),
        [
            ("folder", "a.png", "linear 16", "Canon EOS 550D"),
            ("folder", "a.tif", "linear 16", "Canon EOS 550D"),
            ("folder", "a.tif", "float", "Canon EOS 550D"),
            ("folder", "a.png", "sRGB 8", "Canon EOS 550D (sRGB)"),
            ("folder", "a.tif", "sRGB 8", "Canon EOS 550D (sRGB)"),
            ("folder", "a.jpg", "sRGB 8", "Canon EOS 550D (sRGB)"),
            ("folder:encoding=linear", "a.png", "linear 8", "Canon EOS 550D"),
            ("folder:encoding=srgb", "a.png", "sRGB 16", "Canon EOS 550D (sRGB)"),
        ],
    )
    @pytest.mark.parametrize("archived", [False, True])
    def test_encodings(self, tmp_path: Path, layout: str, file: str, kind: str, camera: str, archived: bool) -> None:
        write_image(tmp_path / "images" / file, GREY, kind)
        source = folder_of(tmp_path, "image,camera,r,g,b\na,Canon EOS 550D,0.5,1,0.7\n", [])
        if archived:
            source = Source.open(write_zip(tmp_path / "x.zip", {name: source.read(name) for name in source.members}))
        sample = the_sample(source, layout)
        assert sample.camera == camera
        example = parse(layout).load(source, sample)
        image = example.image if example.image.valid.shape == (64, 64) else example.image.thumbnail()
        tolerance = 0.04 if file.endswith("jpg") or kind.endswith("8") else 2e-4
        assert image.pixels == pytest.approx(GREY[::2, ::2], rel=tolerance, abs=0.003)
        found = parse_method("gray-world").estimate(example.image).rgb
        assert angular_error(found, LIGHT) < (0.5 if kind.endswith("8") else 0.01)
        known = parse(layout).cameras(source, [camera])[camera]
        assert known.name == camera
        assert known.space == ("linear-srgb" if "sRGB" in camera else "camera")
        assert known.matrices

    @pytest.mark.parametrize("archived", [False, True])
    def test_an_embedded_profile_is_honoured(self, tmp_path: Path, archived: bool) -> None:
        pixels = np.full((64, 64, 3), (200, 120, 60), np.uint8)
        with_profile(pixels, PROFILES["display-p3"], tmp_path / "a.png")
        source = folder_of(tmp_path, "image,r,g,b\na,0.5,1,0.7\n", [])
        if archived:
            source = Source.open(write_zip(tmp_path / "x.zip", {name: source.read(name) for name in source.members}))
        sample = the_sample(source)
        assert sample.camera == "sRGB"
        # Display P3 to sRGB by the published matrix (CSS Color 4, section 17).
        linear = ((pixels[0, 0] / 255 + 0.055) / 1.055) ** 2.4
        matrix = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]
        assert parse("folder").load(source, sample).image.pixels[0, 0] == pytest.approx(matrix @ linear, abs=1e-3)
        assert parse("folder").cameras(source, ["sRGB"])["sRGB"].matrices == LINEAR_SRGB.matrices

    def test_levels(self, tmp_path: Path) -> None:
        codes = np.full((64, 64, 3), 1129, np.uint16)
        codes[0, 0, 0], codes[0, 1, 1], codes[0, 2] = 129, 3650, 3600
        (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(codes))
        source = folder_of(tmp_path, "image,r,g,b\na,1,1,1\n", [])
        layout = parse("folder:black=129,white=3692")
        image = layout.load(source, the_sample(source)).image
        assert image.pixels[1, 1] == pytest.approx([1000 / 3563] * 3)
        assert image.valid[0, :4].tolist() == [False, False, True, True]

    def test_raw_files_with_their_own_matrix(self, tmp_path: Path) -> None:
        large = np.kron(GREY, np.ones((2, 2, 1)))
        write_dng(tmp_path / "a.dng", mosaic(large, RGGB))
        source = folder_of(tmp_path, "image,r,g,b\na,0.5,1,0.7\n", [])
        sample = the_sample(source)
        assert sample.camera == "Acme One"
        assert (
            angular_error(parse_method("gray-world").estimate(parse("folder").load(source, sample).image).rgb, LIGHT)
            < 0.1
        )
        camera = parse("folder").cameras(source, ["Acme One"])["Acme One"]
        assert (camera.name, camera.as_shot) == ("Acme One", None)
        assert np.array(camera.matrices[0][1]) == pytest.approx(np.array(CAMERA.matrices[0][1]), abs=1e-4)

    def test_the_table_names_the_camera_of_a_raw_file(self, tmp_path: Path) -> None:
        write_dng(tmp_path / "a.dng", mosaic(GREY, RGGB))
        source = folder_of(tmp_path, "image,r,g,b,camera\na,0.5,1,0.7,mine\n", [])
        assert the_sample(source).camera == "mine"
        assert parse("folder").cameras(source, ["mine"])["mine"].matrices

    def test_raw_files_in_archives_are_left(self, tmp_path: Path) -> None:
        raw = write_dng(tmp_path / "a.dng", mosaic(GREY, RGGB)).read_bytes()
        path = write_zip(tmp_path / "x.zip", {"ground_truth.csv": b"image,r,g,b\na,1,1,1\n", "a.dng": raw})
        assert list_samples(Source.open(path)) == (
            [],
            {"a": "is a raw file in an archive; unpack the archive and name the folder"},
        )

    @pytest.mark.parametrize(
        ("name", "data", "problem"),
        [
            ("a.png", PNG[:-30], r"a\.png: .*copied in full"),
            ("a.png", b"", r"a\.png: is empty"),
            ("a.png", bytes(imagecodecs.png_encode(np.zeros((4, 4), np.uint16))), r"a\.png: has 1 channels"),
            ("a.tif", b"II*\0" + bytes(20), r"a\.tif: "),
            ("a.jpg", b"\xff\xd8\xff\xe0 no more", r"a\.jpg: "),
            ("a.dng", b"II*\0" + bytes(20), r"a\.dng: "),
        ],
    )
    @pytest.mark.parametrize("archived", [False, True])
    def test_an_image_that_cannot_be_read_costs_only_itself(
        self, tmp_path: Path, name: str, data: bytes, problem: str, archived: bool
    ) -> None:
        (tmp_path / name).write_bytes(data)
        source = folder_of(tmp_path, f"image,r,g,b\nb,1,1,1\n{name},1,1,1\n", ["b.png"])
        if archived:
            source = Source.open(write_zip(tmp_path / "x.zip", {name: source.read(name) for name in source.members}))
        samples, _ = list_samples(source)
        parse("folder").load(source, samples[0])
        if len(samples) == 1:
            assert archived
            assert name == "a.dng"
            return
        with pytest.raises(FileError, match=problem) as caught:
            parse("folder").load(source, samples[1])
        assert caught.value.path == f"{source.path}/{name}"


class TestOptions:
    @pytest.mark.parametrize(
        "layout",
        ["folder:encoding=gamma", "folder:black=100,white=50", "folder:white=-1", "folder:black=nan", "folder:gain=2"],
    )
    def test_refused(self, layout: str) -> None:
        with pytest.raises(UsageError):
            parse(layout)


class TestCameras:
    def read_cameras(self, tmp_path: Path, text: str) -> Mapping[str, Camera]:
        (tmp_path / "cameras.json").write_text(text, encoding="utf-8")
        source = folder_of(tmp_path, "image,r,g,b,camera\na,1,1,1,Canon EOS 550D\n")
        return parse("folder").cameras(source, ["Canon EOS 550D"])

    def test_cameras_json_comes_first(self, tmp_path: Path) -> None:
        entry = {
            "matrices": [{"cct": 2856, "xyz_to_camera": MATRIX}, {"cct": 6504, "xyz_to_camera": np.eye(3).tolist()}]
        }
        cameras = self.read_cameras(tmp_path, json.dumps({"Canon EOS 550D": entry, "other": entry}))
        assert list(cameras) == ["Canon EOS 550D"]
        assert [cct for cct, _ in cameras["Canon EOS 550D"].matrices] == [2856, 6504]
        assert np.array(cameras["Canon EOS 550D"].matrices[0][1]) == pytest.approx(np.array(MATRIX))

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("{", r"cameras\.json: is no JSON"),
            ("[]", "is no object of cameras by name; the form is"),
            ("[" * 100_000, r"cameras\.json: nests more than 100 levels"),
            (f"[{'9' * 5000}]", r"cameras\.json: holds a number of 5000 digits"),
            ('{"\\ud800": {}}', r"cameras\.json: holds half a surrogate pair"),
            ('{"X": {}, "X": {}}', r"cameras\.json: states 'X' twice"),
            ('{"X": {"matrices": [{"cct": 1e999}]}}', "which is too large for any program"),
            (
                f'{{"X": {{"matrices": [{{"cct": {"9" * 300}, "xyz_to_camera": [[1e300,0,0],[0,1,0],[0,0,1]]}}]}}}}',
                "'X'",
            ),
            ('{"X": {"matrices": 7}}', "'X'"),
            ('{"X": {"matrices": {"a": 1}}}', "'X'"),
            ('{"X": []}', "'X'"),
            ('{"X": {}}', "'X' lacks 'matrices'"),
            ('{"X": {"matrix": []}}', "'X' lacks 'matrices'"),
            ('{"X": {"matrices": []}}', "'X' lacks 'matrices'"),
            ('{"X": {"matrices": [{"cct": 6504}]}}', "'X' lacks 'xyz_to_camera'"),
            ('{"X": {"matrices": [{"cct": 6504, "xyz_to_camera": [[1, 2], [3, 4]]}]}}', "'X': .*3x3"),
            ('{"X": {"matrices": [{"cct": -1, "xyz_to_camera": [[1,0,0],[0,1,0],[0,0,1]]}]}}', "'X': .*positive"),
            ('{"X": {"matrices": [{"cct": "warm", "xyz_to_camera": [[1,0,0],[0,1,0],[0,0,1]]}]}}', "'X': "),
            ('{"X": {"matrices": [{"cct": 6504, "xyz_to_camera": [[0,0,0],[0,1,0],[0,0,1]]}]}}', "'X': .*singular"),
        ],
    )
    def test_what_it_must_be(self, tmp_path: Path, text: str, problem: str) -> None:
        with pytest.raises(UnreadableFile, match=problem):
            self.read_cameras(tmp_path, text)

    def test_two_that_contradict_each_other(self, tmp_path: Path) -> None:
        for name, cct in (("one", 6504), ("two", 5000)):
            entry = {"X": {"matrices": [{"cct": cct, "xyz_to_camera": MATRIX}]}}
            (tmp_path / name).mkdir()
            (tmp_path / name / "cameras.json").write_text(json.dumps(entry))
        with pytest.raises(UnreadableFile, match=r"two/cameras\.json: 'X' is another camera"):
            parse("folder").cameras(folder_of(tmp_path, "image,r,g,b\n"), ["X"])


SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "data" / "unpack.py").is_file(),
    reason="the labelled thumbnails (AWBKIT_SHARED or ../shared) are not here",
)
def test_figures_of_gehler_shi(tmp_path: Path) -> None:
    import runpy

    runpy.run_path(str(SHARED / "data" / "unpack.py"))["main"](tmp_path, ["gehler-shi"])
    source = Source.open(tmp_path / "gehler-shi")
    samples, skipped = list_samples(source)
    assert not skipped
    layout, estimator = parse("folder"), parse_method("shades-of-gray:p=5")
    examples = (layout.load(source, sample) for sample in samples)
    errors = [angular_error(estimator.estimate(example.image).rgb, example.illuminant) for example in examples]
    assert float(np.mean(errors)) == pytest.approx(4.06, abs=0.01)
    assert float(np.median(errors)) == pytest.approx(2.39, abs=0.01)

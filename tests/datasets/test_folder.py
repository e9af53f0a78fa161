"""The layout ``folder``: tables and the files that they mean, cameras, encodings; and two published sets, if here."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import angular_error
from awbkit.datasets.labels import Files, read_labels
from awbkit.datasets.layout import Sample, Skipped, parse
from awbkit.errors import FileError, UnreadableFile, UsageError
from awbkit.estimators import parse as parse_method
from awbkit.store.source import Source
from tests.helpers.pictures import PROFILES, encode, with_profile
from tests.helpers.raw_files import CAMERA, RGGB, mosaic, write_dng
from tests.store.test_source import write_tar, write_zip

LIGHT = (0.5, 1.0, 0.7)
GREY = np.kron(np.linspace(0.05, 0.6, 64).reshape(8, 8, 1), np.ones((16, 16, 1))) * np.array(LIGHT)
PNG = bytes(imagecodecs.png_encode(np.full((4, 4, 3), 1000, np.uint16), level=1))
MATRIX = [[0.6941, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]


def folder_of(root: Path, table: str | bytes | None = None, images: Sequence[str] = ("images/a.png",)) -> Source:
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG)
    if table is not None:
        (root / "ground_truth.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return Source.open(root)


def found_in(source: Source, layout: str = "folder") -> tuple[list[Sample], dict[str, str]]:
    found = list(parse(layout).samples(source))
    skipped = {f.image: f.reason for f in found if isinstance(f, Skipped)}
    return [f for f in found if isinstance(f, Sample)], skipped


def the_sample(source: Source, layout: str = "folder") -> Sample:
    (sample,), skipped = found_in(source, layout)
    assert not skipped
    return sample


class TestTables:
    @pytest.mark.parametrize(
        "table",
        [
            "image,r,g,b\na,0.5,1,0.7\n",
            "image,r,g,b\na,0.5,1,0.7",
            "b,G,Image,R\n0.7,1,a.png,0.5\n",
            "image;r;g;b\na;0.5;1;0.7\n",
            "image;r;g;b\na;0,5;1,0;0,7\n",
            "image\tr\tg\tb\na\t0.5\t1\t0.7\n",
            "image,r,g,b\r\na,0.5,1,0.7\r\n",
            "image,r,g,b\ra,0.5,1,0.7\r",
            '"image","r","g","b"\n"a","0.5","1","0.7"\n',
            "\n  \nimage,r,g,b\n\n,,,\n a , 0.5 ,1, 0.7 \n\n",
            '"image, or its name",image,r,g,b\n"x, y",a,5e-1,1e0,.7\n',
            "image,r,g,b\nimages\\a.png,0.5,1,0.7\n",
            "image,r,g,b\nIMAGES/A.PNG,0.5,1,0.7\n",
        ],
    )
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    def test_any_dialect(self, tmp_path: Path, table: str, mark: bytes) -> None:
        sample = the_sample(folder_of(tmp_path, mark + table.encode()))
        assert (sample.files, sample.illuminant) == (("images/a.png",), LIGHT)
        assert sample.scene == sample.image

    def test_all_columns(self, tmp_path: Path) -> None:
        table = (
            "image,camera,scene,fold,exposure,photographer,r,g,b\n"
            "a,Canon EOS 550D,kitchen,2,0.125,Ada,0.5,1,0.7\nb,,,,n/a,,1,1,1\n"
        )
        first, second = found_in(folder_of(tmp_path, table, ["a.png", "b.png"]))[0]
        assert (first.camera, first.scene, first.fold, first.exposure) == ("Canon EOS 550D", "kitchen", "2", 0.125)
        assert (second.camera, second.scene, second.fold, second.exposure) == ("", "b", "", None)

    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1).map(
                    lambda text: text.replace("/", "x").replace("\\", "x")
                ),
                *[st.floats(1e-3, 1e3) for _ in range(3)],
                st.text("abc, ;'é", max_size=5).map(str.strip),
            ),
            max_size=5,
        ),
        st.sampled_from([",", ";", "\t"]),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    )
    def test_what_csv_writes_is_read_back(
        self, rows: list[tuple[str, float, float, float, str]], delimiter: str, end: str, quoting: int
    ) -> None:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([("image", "r", "g", "b", "scene"), *rows])
        labels = list(read_labels(out.getvalue(), "t"))
        assert [(label.image, *label.illuminant, label.scene) for label in labels] == rows
        assert [label.line for label in labels] == list(range(2, len(rows) + 2))
        assert not any(label.problem for label in labels)

    @pytest.mark.parametrize(
        ("table", "problem"),
        [
            ("", "its first line names no column image, r, g, b; begin it with image,r,g,b"),
            ("image,r,g\n", "no column b"),
            ("a,0.5,1,0.7\n", "no column image, r, g, b"),
            ("image r g b\na 1 1 1\n", "no column image, r, g, b"),
            ("image,r,g,b,R\n", "two columns r"),
            ('image,r,g,b\na,1,1,1\n"b,1,1,1\nc,1,1,1\n', "is no table .unexpected end of data. in line 4"),
            (b"image,r,g,b\n\xe4,1,1,1\n", "is not UTF-8 text"),
            (None, "holds no ground_truth.csv; write one with the columns image,r,g,b"),
        ],
    )
    def test_tables_that_cannot_be_read(self, tmp_path: Path, table: str | bytes | None, problem: str) -> None:
        with pytest.raises(UnreadableFile, match=problem):
            found_in(folder_of(tmp_path, table))

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("a,0,1,1", "r, g, b are 0, 1, 1 and no light"),
            ("a,-1,1,1", "and no light"),
            ("a,nan,1,1", "and no light"),
            ("a,1,inf,1", "and no light"),
            ("a,1e-9,1,1", "and no light"),
            ("a,1,1", "r, g, b are 1, 1,  and no light"),
            ('a,"0,5",1,1', "and no light"),
            ("a,red,1,1", "and no light"),
            ("a,2,1,1,1,6", "has 6 cells under 5 columns"),
            ("a,1,1,1,dim", "the exposure dim is no positive number"),
            ("a,1,1,1,-2", "the exposure -2 is no positive number"),
            ("c,1,1,1", "there is no image file c"),
            ("../a,1,1,1", "there is no image file"),
            ("/etc/a.png,1,1,1", "there is no image file"),
            (",1,1,1", "names no image"),
            ("twin,1,1,1", "twin could be any of images/1/twin.png, images/2/twin.png; write the path below"),
        ],
    )
    def test_lines_that_cannot_be_used(self, tmp_path: Path, line: str, problem: str) -> None:
        table = f"image,r,g,b,exposure\nb,1,1,1\n\n{line}\n"
        source = folder_of(tmp_path, table, ["images/a.png", "b.png", "images/1/twin.png", "images/2/twin.png"])
        samples, skipped = found_in(source)
        assert [sample.image for sample in samples] == ["b"]
        reason = skipped[line.partition(",")[0]]
        assert reason.startswith("line 4 of ground_truth.csv: ")
        assert problem in reason

    def test_images_without_a_line(self, tmp_path: Path) -> None:
        _, skipped = found_in(
            folder_of(tmp_path, "image,r,g,b\na,1,1,1\n", ["a.png", "images/x10.png", "images/x9.tif"])
        )
        assert list(skipped.items()) == [
            (name, "no line in ground_truth.csv names it") for name in ("images/x9.tif", "images/x10.png")
        ]

    def test_lines_that_repeat_and_lines_that_contradict(self, tmp_path: Path) -> None:
        table = "image,r,g,b\na,1,1,1\nb,1,1,1\na.png,1,1,1\nb,1,1,2\n"
        samples, skipped = found_in(folder_of(tmp_path, table, ["a.png", "b.png"]))
        assert [sample.image for sample in samples] == ["a"]
        assert skipped == {
            "a.png": "line 4 of ground_truth.csv: line 2 says the same already",
            "b": "lines 3 and 5 of ground_truth.csv contradict each other",
        }


class TestNames:
    @pytest.mark.parametrize(
        ("image", "files", "found"),
        [
            ("a", ["a.png", "images/a.png", "x/a.png"], "a.png"),
            ("a", ["images/a.png", "masks/a.png"], "images/a.png"),
            ("a", ["x/y/a.jpg", "x/y/ba.jpg", "x/a/b.jpg"], "x/y/a.jpg"),
            ("y/a.jpg", ["x/y/a.jpg", "x/z/a.jpg", "xy/a.jpg"], "x/y/a.jpg"),
            ("y/a", ["x/y/a.jpg", "x/z/a.jpg"], "x/y/a.jpg"),
            ("a.1", ["a.1.png", "a.2.png"], "a.1.png"),
            ("a.dng", ["a.dng", "a.jpg"], "a.dng"),
            ("a.jpg", ["a.jpg.png", "x/a.jpg"], "a.jpg.png"),
            ("A", ["a.png", "A.tif"], "A.tif"),
            ("cafe\u0301", ["caf\u00e9.png"], "caf\u00e9.png"),
        ],
    )
    def test_the_file_that_is_meant(self, image: str, files: list[str], found: str) -> None:
        assert Files("", files).find(image) == found
        assert Files("set/", [f"set/{file}" for file in files]).find(image) == f"set/{found}"

    @pytest.mark.parametrize(
        ("image", "files", "problem"),
        [
            ("a", ["a.dng", "a.jpg"], "could be any of a.dng, a.jpg"),
            ("a", ["1/a.png", "2/a.png", "3/a.png", "4/a.png"], "any of 1/a.png, 2/a.png, 3/a.png, ..."),
            ("a", ["A.png", "A.tif"], "could be any of"),
            ("a", ["ba.png", "a/b.png"], "no image file a"),
            ("a.jpg", ["a.png"], "no image file a.jpg"),
        ],
    )
    def test_no_file_or_several(self, image: str, files: list[str], problem: str) -> None:
        with pytest.raises(LookupError, match=problem.replace(".", r"\.")):
            Files("", files).find(image)

    @given(
        st.lists(
            st.lists(st.sampled_from(["a", "b", "images", "a.b", "é"]), min_size=1, max_size=3).map("/".join),
            min_size=1,
            unique=True,
        )
    )
    def test_a_whole_path_always_finds_its_file(self, stems: list[str]) -> None:
        files = Files("", [f"{stem}.png" for stem in stems])
        assert [files.find(f"{stem}.png") for stem in stems] == [f"{stem}.png" for stem in stems]
        assert [files.find(stem) for stem in stems] == [f"{stem}.png" for stem in stems]


class TestSeveralTables:
    def test_each_speaks_of_what_lies_below_it(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "nikon", "image,r,g,b,scene\na,1,1,1,s\n", ["images/a.png"])
        folder_of(tmp_path / "sony", "image,r,g,b,scene\na,2,1,1,s\n", ["images/a.png"])
        source = folder_of(tmp_path, "image,r,g,b\na,3,1,1\nnikon/images/a.png,4,1,1\n", ["a.png"])
        samples, skipped = found_in(source)
        assert {sample.image: (sample.files[0], sample.scene, sample.illuminant) for sample in samples} == {
            "a": ("a.png", "a", (3, 1, 1)),
            "nikon/a": ("nikon/images/a.png", "s", (1, 1, 1)),
            "sony/a": ("sony/images/a.png", "s", (2, 1, 1)),
        }
        assert skipped == {
            "nikon/images/a.png": "line 3 of ground_truth.csv: nikon/ground_truth.csv has a line for it, too"
        }

    def test_a_single_one_names_its_images_itself_however_deep(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "download" / "set", "image,r,g,b\na,1,1,1\n")
        source = folder_of(tmp_path, None, ["sample.png"])
        assert the_sample(source).image == "a"

    @pytest.mark.parametrize("write", [write_zip, write_tar])
    def test_from_an_archive(self, tmp_path: Path, write: object) -> None:
        files = {"set/ground_truth.csv": b"image,r,g,b\na,0.5,1,0.7\n", "set/images/a.png": PNG}
        source = Source.open(write(tmp_path / "set.archive", files))  # type: ignore[operator]
        sample = the_sample(source)
        assert parse("folder").load(source, sample).image.pixels.max() == np.float32(1000 / 65535)


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
        assert found_in(Source.open(path)) == (
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
        samples, _ = found_in(source)
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
    def given(self, tmp_path: Path, text: str) -> Mapping[str, Camera]:
        (tmp_path / "cameras.json").write_text(text, encoding="utf-8")
        source = folder_of(tmp_path, "image,r,g,b,camera\na,1,1,1,Canon EOS 550D\n")
        return parse("folder").cameras(source, ["Canon EOS 550D"])

    def test_cameras_json_comes_first(self, tmp_path: Path) -> None:
        entry = {
            "matrices": [{"cct": 2856, "xyz_to_camera": MATRIX}, {"cct": 6504, "xyz_to_camera": np.eye(3).tolist()}]
        }
        cameras = self.given(tmp_path, json.dumps({"Canon EOS 550D": entry, "other": entry}))
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
            self.given(tmp_path, text)

    def test_two_that_contradict_each_other(self, tmp_path: Path) -> None:
        for name, cct in (("one", 6504), ("two", 5000)):
            entry = {"X": {"matrices": [{"cct": cct, "xyz_to_camera": MATRIX}]}}
            (tmp_path / name).mkdir()
            (tmp_path / name / "cameras.json").write_text(json.dumps(entry))
        with pytest.raises(UnreadableFile, match=r"two/cameras\.json: 'X' is another camera"):
            parse("folder").cameras(folder_of(tmp_path, "image,r,g,b\n"), ["X"])


SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))


@pytest.mark.skipif(
    not (SHARED / "data" / "unpack.py").is_file(),
    reason="the labelled thumbnails (AWBKIT_SHARED or ../shared) are not here",
)
def test_figures_of_gehler_shi(tmp_path: Path) -> None:
    import runpy

    runpy.run_path(str(SHARED / "data" / "unpack.py"))["main"](tmp_path, ["gehler-shi"])
    source = Source.open(tmp_path / "gehler-shi")
    samples, skipped = found_in(source)
    assert not skipped
    layout, estimator = parse("folder"), parse_method("shades-of-gray:p=5")
    examples = (layout.load(source, sample) for sample in samples)
    errors = [angular_error(estimator.estimate(example.image).rgb, example.illuminant) for example in examples]
    assert float(np.mean(errors)) == pytest.approx(4.06, abs=0.01)
    assert float(np.median(errors)) == pytest.approx(2.39, abs=0.01)

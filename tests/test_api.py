"""awbkit as a library: its names, its three lines, its types, and that it leaves the command line alone."""

from __future__ import annotations

import inspect
import io
import itertools
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mypy import api as mypy
from PIL import Image

import awbkit
from awbkit import errors
from tests.helpers.command import CARD, DAYLIGHT, angle, write_jpeg, write_raw, write_tiff
from tests.helpers.command import awbkit as command
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.pictures import TUNGSTEN

NAMES = {
    *("LINEAR_SRGB", "AwbError", "AwbWarning", "Camera", "Correction", "Illuminant", "LightMap"),
    *("LinearImage", "Photo", "Region", "angular_error"),
    *("CheckFailed", "FileError", "MissingExtra", "OutputError", "UnreadableFile", "UnsupportedImage", "UsageError"),
    *("apply_correction", "common_illuminant", "correct", "correct_many"),
    *("estimate", "estimate_many", "evaluate", "methods"),
}

LINEAR = awbkit.LinearImage.from_array(np.ones((4, 4, 3)))


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "photo.jpg", scene)
    write_tiff(tmp_path / "photo.tif", scene)
    write_raw(tmp_path / "photo.dng", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestNames:
    def test_they_are_locked(self) -> None:
        assert set(awbkit.__all__) == NAMES
        # Not in __all__, or a star import would hide the built-in.
        assert set(dir(awbkit)) == NAMES | {"open", "__version__"}
        for name in [*NAMES, "open"]:
            assert getattr(awbkit, name) is not None

    def test_they_are_documented(self) -> None:
        for name in NAMES - {"LINEAR_SRGB"}:
            assert inspect.getdoc(getattr(awbkit, name)), name

    def test_no_other_name(self) -> None:
        with pytest.raises(AttributeError, match="module 'awbkit' has no attribute 'estimat'"):
            awbkit.estimat  # noqa: B018

    def test_a_star_import_keeps_the_built_in_open(self) -> None:
        space: dict[str, object] = {}
        exec("from awbkit import *", space)
        assert "open" not in space


class TestThreeLines:
    @pytest.mark.parametrize(
        ("name", "output", "truth"), [("photo.jpg", "out.jpg", TUNGSTEN), ("photo.dng", "out.tif", DAYLIGHT)]
    )
    def test_a_photograph(self, folder: Path, name: str, output: str, truth: np.ndarray) -> None:
        light = awbkit.estimate(name, region=CARD)
        assert awbkit.estimate(name, region=tuple(map(int, CARD.split(",")))) == light
        awbkit.correct(name, output, illuminant=light)
        assert angle(awbkit.estimate(output, region=CARD).rgb, (1, 1, 1)) < 0.5
        assert angle(light.rgb, truth) < 0.3

    def test_pixels(self, scene: np.ndarray) -> None:
        light = awbkit.estimate(scene * TUNGSTEN, "shades-of-gray:p=6")
        assert angle(light.rgb, TUNGSTEN * awbkit.estimate(scene, "shades-of-gray:p=6").rgb) < 0.1

    def test_what_is_estimated_is_what_is_corrected_for(self, folder: Path) -> None:
        assert awbkit.correct("photo.jpg", "out.jpg", method="pca") == awbkit.estimate("photo.jpg", "pca")

    def test_an_open_photograph(self, folder: Path) -> None:
        photo = awbkit.open("photo.dng")
        assert (photo.width, photo.height, photo.camera.name) == (128, 96, "Acme One")
        assert awbkit.estimate(photo) == awbkit.estimate("photo.dng")
        awbkit.correct(photo, Path("out.png"), illuminant=DAYLIGHT, cat="bradford", strength=0.5)
        assert Path("out.png").is_file()

    def test_one_light_for_a_set(self) -> None:
        lights = [awbkit.Illuminant.of(TUNGSTEN**power) for power in (0.5, 1, 1.1)]
        assert angle(awbkit.common_illuminant(lights).rgb, TUNGSTEN) < 1e-6

    @pytest.mark.slow
    def test_the_command_line_stays_out(self, folder: Path) -> None:
        code = "import sys, awbkit; awbkit.estimate('photo.jpg'); print(*sys.modules)"
        modules = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.decode().split()
        assert "awbkit.api" in modules
        assert not {"typer", "rich", "awbkit.cli", "torch", "scipy", "matplotlib", "colour"}.intersection(modules)


FAILURES = [
    (lambda: awbkit.estimate("gone.jpg"), "gone.jpg: no such file; check the spelling"),
    (lambda: awbkit.estimate("photo.jpg", "gray"), "unknown method 'gray'"),
    (lambda: awbkit.estimate("photo.jpg", region="1,2,3"), "four whole numbers"),
    (lambda: awbkit.estimate("photo.jpg", region=(1, 2, 3)), "four whole numbers"),
    (lambda: awbkit.estimate("photo.jpg", region=(1, 2, 3.5, 4)), "four whole numbers"),  # type: ignore[arg-type]
    (lambda: awbkit.estimate("photo.jpg", region=7), "four whole numbers"),  # type: ignore[arg-type]
    (lambda: awbkit.estimate("photo.jpg", region=(0, 0, 0, 4)), "at least 1 pixel wide"),
    (lambda: awbkit.estimate("photo.jpg", region=(-1, 0, 2, 4)), "start at or after 0,0"),
    (lambda: awbkit.estimate("photo.jpg", region="0,0,999,9"), "outside the picture, which is 128 x 96"),
    (lambda: awbkit.estimate("photo.jpg", encoding="gamma"), "encoding"),
    (lambda: awbkit.estimate(np.ones((4, 4, 3)), region="0,0,9,2"), "outside the picture, which is 4 x 4"),
    (lambda: awbkit.estimate(LINEAR, region="0,0,2,2"), "region: a LinearImage has none"),
    (lambda: awbkit.estimate(LINEAR, encoding="camera"), "encoding: 'camera' is for files and arrays"),
    (lambda: awbkit.estimate(np.ones((4, 4, 3), np.int64)), "uint8, uint16 or floating point, not int64"),
    (lambda: awbkit.estimate(np.ones((4, 4))), "the shape (H, W, 3) or (H, W, 4), not (4, 4)"),
    (lambda: awbkit.estimate(np.ones((3, 9, 9))), "not (3, 9, 9); put the channels last"),
    (lambda: awbkit.estimate(np.ones((0, 4, 3))), "not (0, 4, 3)"),
    (lambda: awbkit.estimate(np.ones((4, 4, 3)), encoding="icc"), "encoding: of an array it is auto, srgb, linear or"),
    (lambda: awbkit.estimate(awbkit.open("photo.jpg"), encoding="srgb"), "encoding: 'srgb' is for files and arrays"),
    (lambda: awbkit.estimate(7), "source: give a path, the bytes of a file"),  # type: ignore[arg-type]
    (lambda: awbkit.estimate(b""), "the picture in memory: is empty"),
    (lambda: awbkit.estimate(b"no picture"), "the picture in memory: is not an image"),
    (lambda: awbkit.estimate(io.StringIO("text")), 'open it with mode "rb"'),  # type: ignore[arg-type]
    (lambda: awbkit.estimate(Image.new("L", (9, 9))), "the picture in memory: has Pillow's mode L"),
    (lambda: awbkit.correct(np.ones((4, 4, 3)), "out.png"), "output and to are for files"),
    (lambda: awbkit.correct("photo.jpg", to="gif"), "to: one of jpg"),
    (lambda: awbkit.correct("photo.jpg", "out.png", to="png"), "to: an output has the format of its suffix"),
    (lambda: awbkit.estimate(np.zeros((4, 4, 3))), "valid"),
    (lambda: awbkit.correct("photo.jpg", "photo.jpg"), "is the input itself"),
    (lambda: awbkit.correct("photo.jpg", "photo.tif"), "photo.tif: the output exists already"),
    (lambda: awbkit.correct("photo.jpg", "out.gif"), "cannot write .gif"),
    (lambda: awbkit.correct("photo.jpg", "out.jpg", illuminant=(1, 0, 1)), "three positive numbers"),
    (lambda: awbkit.correct("photo.jpg", "out.jpg", illuminant=(1, 1)), "three positive numbers"),
    (lambda: awbkit.correct("photo.jpg", "out.jpg", illuminant=(1e-9, 1, 1)), "more than a million apart"),
    (
        lambda: awbkit.correct("photo.jpg", "out.jpg", illuminant=awbkit.estimate("photo.dng")),
        "illuminant: it is in camera RGB, and photo.jpg in linear-srgb RGB",
    ),
    (lambda: awbkit.correct("photo.jpg", "out.jpg", cat="cat97"), "cat97"),
    (lambda: awbkit.correct("photo.jpg", "out.jpg", strength=2), "strength must lie between 0 and 1"),
    (lambda: awbkit.correct("photo.jpg", "out.jpg", if_exists="maybe"), "maybe"),
    (lambda: awbkit.common_illuminant([]), "at least one estimate"),
    (
        lambda: awbkit.common_illuminant([awbkit.estimate("photo.jpg"), awbkit.estimate("photo.dng")]),
        "all by one camera",
    ),
]


@pytest.mark.parametrize(("call", "message"), FAILURES)
def test_failures_are_of_one_tree_and_write_nothing(folder: Path, call: object, message: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert callable(call)
    with pytest.raises(awbkit.AwbError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_users_are_type_checked(folder: Path) -> None:
    root = Path(__file__).parents[1]
    (folder / "user.py").write_text(
        """\
import numpy as np
import awbkit

photo = awbkit.open("photo.dng")
light: awbkit.Illuminant = awbkit.estimate(photo, "pca")
red, green, blue = light.gains
cct, duv = light.cct_duv or (0.0, 0.0)
awbkit.correct(photo, "out.tif", illuminant=light, strength=0.5)
awbkit.estimate(np.zeros((4, 4, 3), np.float32)).rgb[0].is_integer()
awbkit.estimate("photo.jpg", metod="pca")
awbkit.correct("photo.jpg", 3)
light.cct_duv[0]
"""
    )
    # The settings and the cache of a check of awbkit itself, after which little is left to do.
    checked = ["--config-file", f"{root / 'pyproject.toml'}", "--cache-dir", f"{root / '.mypy_cache'}"]
    out, err, code = mypy.run([*checked, "--no-error-summary", "user.py"])
    assert (code, err) == (1, "")
    assert [line.split(": ")[0] for line in out.splitlines() if ": error: " in line] == [
        f"user.py:{number}" for number in (10, 11, 12)
    ]


def test_evaluate_judges_prepared_folders(tmp_path: Path) -> None:
    write_prepared(tmp_path / "set", ["Canon EOS 550D", "Nikon D810"] * 6)
    found = awbkit.evaluate(tmp_path / "set", ["gray-world", "constant"], rounds=100)
    assert [judged.method for judged in found.methods] == ["gray-world", "constant"]
    (pooled,) = [
        row for row in found.summaries if (row.method, row.group, row.metric) == ("gray-world", "pooled", "recovery")
    ]
    assert pooled.images == 12
    assert pooled.values["mean"] == pytest.approx(float(found.methods[0].errors["recovery"].mean()))
    with pytest.raises(awbkit.AwbError, match="no prepared data set"):
        awbkit.evaluate(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
@pytest.mark.parametrize("suffix", ["jpg", "tif", "dng"])
def test_names_that_are_not_utf8(folder: Path, suffix: str) -> None:
    name = os.fsdecode(b"\xff." + suffix.encode())
    (folder / f"photo.{suffix}").rename(folder / name)
    light = awbkit.estimate(name, "gray-world")
    assert light.rgb == awbkit.estimate((folder / name).read_bytes(), "gray-world").rgb
    awbkit.correct(name, "out.tif", illuminant=light)
    assert Path("out.tif").exists()
    with pytest.raises(awbkit.AwbError, match="has a name that is not UTF-8"):
        awbkit.open(name)


class TestRepresentation:
    def test_is_one_short_line(self, folder: Path) -> None:
        write_prepared(folder / "set", ["Canon EOS 550D", "Nikon D810"] * 6)
        image = awbkit.open("photo.jpg").thumbnail()
        things = {
            "<RenderedPhoto photo.jpg, 128 x 96, linear-srgb>": awbkit.open("photo.jpg"),
            "<LinearImage 64 x 64, linear-srgb, 100% valid>": image,
            "<LightMap 2 x 1 cells, linear-srgb, 50% known>": awbkit.LightMap.of([[[0, 0], [np.nan, np.nan]]]),
            "<Evaluation of gray-world on 12 images of set>": awbkit.evaluate("set", "gray-world", rounds=100),
            "<Illuminant (0.5774, 0.5774, 0.5774), linear-srgb, 6504 K, Duv +0.0032>": awbkit.Illuminant.of((1, 1, 1)),
            "<Illuminant (0.2673, 0.5345, 0.8018), camera, 'An <X>', expected error 2.5 degrees>": awbkit.Illuminant.of(
                (1, 2, 3), awbkit.Camera("An <X>"), expected_error=2.5
            ),
        }
        assert {repr(thing): thing for thing in things.values()} == things

    def test_in_a_notebook_is_a_swatch_and_escaped(self) -> None:
        html = awbkit.Illuminant.of((1, 2, 4), awbkit.Camera("An <X>"))._repr_html_()
        # Gamma 2.2 of 1/4, 1/2 and 1.
        assert "background:#88baff" in html
        assert "An &lt;X&gt;" in html

    def test_of_a_light_as_a_dictionary_is_its_record(self, folder: Path) -> None:
        light = awbkit.estimate("photo.jpg")
        record = command("estimate", "photo.jpg").record
        stated = json.loads(json.dumps(light.to_dict()))
        assert stated.keys() < record.keys()
        assert stated["illuminant"] == pytest.approx(record["illuminant"], abs=1e-6)
        assert stated["cct"] == pytest.approx(record["cct"], abs=0.5)
        assert [stated[key] for key in ("space", "camera", "spread")] == [
            record[key] for key in ("space", "camera", "spread")
        ]


class TestErrors:
    def test_the_docstring_draws_the_tree(self) -> None:
        drawn = re.findall(r"^( +)(\w+)  ", errors.__doc__ or "", re.MULTILINE)
        assert {name for _, name in drawn} == {name for name in NAMES if isinstance(getattr(awbkit, name), type)} & {
            name for name, value in vars(errors).items() if isinstance(value, type)
        }
        for (indent, name), (deeper, child) in itertools.pairwise(drawn):
            if len(deeper) > len(indent):
                assert issubclass(getattr(awbkit, child), getattr(awbkit, name))

    def test_debug_logs_say_who_answered(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG, "awbkit"):
            awbkit.estimate("photo.jpg", "gray-world")
            awbkit.correct("photo.jpg", "out.jpg", illuminant=(3, 2, 1))
        assert [record.name for record in caplog.records] == ["awbkit", "awbkit"]
        assert caplog.messages[0].startswith("photo.jpg: gray-world: <Illuminant (")
        assert caplog.messages[1].startswith("photo.jpg: corrected for <Illuminant (")

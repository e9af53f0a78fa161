"""Estimates of other programs: the formats, the match of paths to images, and the lines that are refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from awbkit.cli.output import ESTIMATE_KEYS, Format, open_writer
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.errors import UnreadableFile, UsageError
from awbkit.evaluation.image_index import ImageIndex
from awbkit.evaluation.predictions import Predictions, read_predictions, read_truth
from awbkit.evaluation.result import Truth
from awbkit.record_files import read_records
from awbkit.records import light_of
from tests.helpers.evaluation_cases import MATRIX


def truth_of(*images: str, datasets: list[str] | None = None) -> Truth:
    count = len(images)
    return Truth(
        images=images,
        datasets=datasets or ["set"] * count,
        cameras=["X"] * count,
        scenes=images,
        folds=[""] * count,
        illuminants=np.tile(np.array([1, 2, 2]) / 3, (count, 1)),
    )


def read(text: str | bytes, *images: str, name: str = "mine.jsonl") -> Predictions:
    data = text.encode() if isinstance(text, str) else text
    return read_predictions([(io.BytesIO(data), name)], truth_of(*(images or ("a", "b"))))


def awbkit_file(format: Format) -> bytes:
    """What ``awbkit estimate`` writes: two images, one method each, and a failure."""
    stream = io.StringIO()
    light = {"illuminant": (0.333333, 0.666667, 0.666667), "gains": (2.0, 1.0, 1.0), "chromaticity": (0.2, 0.4)}
    with open_writer(format, ESTIMATE_KEYS, stream) as writer:
        for name in "ab":
            record = {"path": f"images/{name}.png", "status": "ok", "method": "pca", "space": "linear-srgb", **light}
            writer.write({**record, "expected_error": 2.5})
        writer.write(
            {"path": "images/c.png", "status": "error", "error": "is truncated; copy it again", "method": "pca"}
        )
        text = stream
    return text.getvalue().encode()


@pytest.mark.parametrize("format", [Format.JSONL, Format.JSON, Format.CSV])
def test_awbkits_own_records_are_accepted_as_they_are(format: Format) -> None:
    found = read(awbkit_file(format), "a", "b", "c")
    (result,) = found.results
    assert result.method == "pca"
    assert result.errors["recovery"][:2] == pytest.approx([0, 0], abs=1e-3)
    assert result.expected[:2].tolist() == [2.5, 2.5]
    assert result.failures == {2: "is truncated; copy it again"}
    assert found.srgb_count == 2
    assert not found.unknown_paths


@pytest.mark.parametrize(
    "text",
    [
        '{"path": "a", "illuminant": [1, 2, 2]}\n{"path": "b", "gains": [2, 1, 1]}\n',
        '\ufeff\n[{"image": "a.png", "illuminant": [10, 20, 20]},\n {"image": "b", "gains": [4, 2, 2]}]',
        '{\n "file": "a",\n "illuminant": [1, 2, 2]\n}\n\n{\n "filename": "b",\n "illuminant": [1, 2, 2]\n}',
        "image,r,g,b\na,1,2,2\nb,1,2,2\n",
        "path;R;G;B\r\na;0,5;1,0;1,0\r\n\r\nb;1;2;2\r\n",
        "Image\tIlluminant_R\tIlluminant_G\tIlluminant_B\na\t1\t2\t2\nb\t1\t2\t2",
        "filename,gain_r,gain_g,gain_b,note\na,2,1,1,x\nb,2,1,1,y",
        '"image", "r", "g", "b"\n"a", 1e0, 2, 2\n"b", 1, 2, 2',
    ],
)
def test_forms(text: str) -> None:
    (result,) = read(text).results
    assert result.method == "mine"
    assert result.errors["recovery"] == pytest.approx([0, 0], abs=1e-9)
    assert np.isnan(result.expected).all()


def test_several_methods_in_several_files() -> None:
    truth = truth_of("a", "b")
    first = (
        b'{"path": "a", "method": "one", "illuminant": [1, 1, 1]}\n{"path": "a", "method": "two", "gains": [2, 1, 1]}'
    )
    second = b"image,method,r,g,b,expected_error\na,three,1,2,2,0.5\nb,three,1,2,2,\nb,one,1,2,2,1"
    found = read_predictions([(io.BytesIO(first), "x.jsonl"), (io.BytesIO(second), "y.csv")], truth)
    assert [result.method for result in found.results] == ["one", "two", "three"]
    assert [result.failures for result in found.results] == [{}, {1: "no estimate"}, {}]
    assert found.results[2].expected[0] == 0.5
    assert np.isnan(found.results[2].expected[1])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"path": "a", "illuminant": null}', "mine.jsonl, line 1: the record states no light"),
        (
            '{"path": "a", "illuminant": [NaN, 1, 1]}',
            "line 1: illuminant of the record must consist of numbers, not nan",
        ),
        (
            '{"path": "a", "illuminant": [-0.1, 1, 1]}',
            "line 1: illuminant of the record: an illuminant needs",
        ),
        (
            '{"path": "a", "gains": [0, 1, 1]}',
            "line 1: gains of the record: an illuminant needs",
        ),
        ('{"path": "a", "status": "error"}', "failed, without a reason"),
        ("image,r,g,b\na,,,", "line 2: the record states no light"),
        ("image,r,g,b\na,nan,1,1", "line 2: the record states no light"),
        ("image,r,g,b\na", "line 2: the record states no light"),
        ('{"path": "b", "illuminant": [1, 1, 1]}', "no estimate"),
    ],
)
def test_what_is_no_light_counts_as_failed(text: str, why: str) -> None:
    other = '\n{"path": "b", "illuminant": [1, 2, 2]}' if text.startswith("{") else "\nb,1,2,2"
    (result,) = read(text + ("" if '"b"' in text else other)).results
    assert why in result.failures[0]
    assert np.isnan(result.estimates[0]).all()
    assert result.errors["recovery"][0] == 90


def test_a_file_without_a_single_estimate_says_what_it_lacks() -> None:
    with pytest.raises(UsageError, match='line 1: states no light under "illuminant", "gains"'):
        read('{"path": "a", "light": [1, 1, 1]}')


@pytest.mark.parametrize("light", ['"r": 1, "g": 2, "b": 2', '"rgb": [1, 2, 2]', '"illuminant": [1, 2, 2]'])
def test_names_that_programs_give_a_light(light: str) -> None:
    (result,) = read(f'{{"image": "a", {light}}}').results
    np.testing.assert_allclose(result.estimates[0], np.array([1, 2, 2]) / 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.jsonl is empty; give JSON Lines"),
        ("image,r,g\na,1,2", "line 1: the header names no column b; give JSON"),
        ("r,g,b\n1,2,2", "line 1: the header names no column image"),
        ("image,r,g,b,r\na,1,2,2,1", "line 1: the header names two columns r; rename one of them"),
        ("image,r,g,b\na,1,2,2\nb,1,two,2", "line 3: illuminant g is 'two', not a number"),
        ("image,r,g,b\n,1,2,2", "line 2: names no picture"),
        ('image,r,g,b\n"a,1,2,2', "is no table"),
        ('{"path": "a"', "line 1: is no JSON"),
        ('{"path": "a", "illuminant": [1, 2, 2]}\n{"path": }', "line 2: is no JSON"),
        ('{"path": "a", "illuminant": [1, 2, 2]}\n\n7', "line 3: not a record but 7"),
        ('[{"path": "a", "illuminant": [1, 2, 2]}, 7]', "record 2: not a record but 7"),
        ('{"illuminant": [1, 2, 2]}', 'line 1: names no picture under "path" or "image"'),
        ('{"path": 7, "illuminant": [1, 2, 2]}', "line 1: names no picture"),
        ('{"path": "a", "illuminant": [1, 2]}', "line 1: illuminant must be three numbers or null, not [1, 2]"),
        ('{"path": "a", "illuminant": "red"}', "line 1: illuminant must be three numbers or null, not 'red'"),
        ('{"path": "a", "illuminant": [1, true, 2]}', "line 1: illuminant must be three numbers"),
        ('{"path": "a", "illuminant": [1, 2, 1' + "0" * 400 + "]}", "line 1: holds a number of 401 digits"),
        ('{"path": "a", "gains": {"r": 1}}', "line 1: gains must be three numbers"),
        ('{"path": "a", "illuminant": [1, 2, 2], "expected_error": -1}', "line 1: expected_error must be a number"),
        ('{"path": "a", "illuminant": [1, 2, 2], "expected_error": "1"}', "line 1: expected_error must be a number"),
        (
            '{"path": "a", "gains": [2, 1, 1]}\n{"path": "a.png", "gains": [2, 1, 1]}',
            "line 2: mine has a second estimate for a",
        ),
        ('{"path": "x", "gains": [2, 1, 1]}', "no path matches a labelled image (x)"),
        (b'{"path": "\xff", "gains": [1, 1, 1]}', "line 1: is not UTF-8 text"),
        ("[" * 100_000, "line 1: nests more than 100 levels"),
    ],
)
def test_refusals_name_the_line(text: str | bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


D810 = Camera("X", matrices=((6504.0, MATRIX),))

EDITS = [
    {},
    {"gains": [2, 1, 1.5]},
    {"illuminant": [3, 4, 2]},
    {"chromaticity": [0.3, 0.4]},
    {"cct": 4321},
    {"duv": 0.0123},
    {"cct": 5000, "duv": -0.004},
    {"illuminant": None},
    dict.fromkeys(("illuminant", "gains", "chromaticity")),
]


@pytest.mark.parametrize("format", [Format.JSONL, Format.JSON, Format.CSV])
@pytest.mark.parametrize("edit", EDITS, ids=str)
@pytest.mark.parametrize("camera", [D810, LINEAR_SRGB], ids=["raw", "photograph"])
def test_an_edited_record_means_the_light_that_correct_takes(
    camera: Camera, edit: dict[str, object], format: Format
) -> None:
    light = Illuminant.of((0.5, 0.9, 0.6), camera)
    assert light.cct_duv is not None
    record = {
        "path": "a",
        "illuminant": light.rgb,
        "gains": light.gains,
        "chromaticity": light.chromaticity,
        "cct": light.cct_duv[0],
        "duv": light.cct_duv[1],
        "space": camera.space,
        **edit,
    }
    stream = io.StringIO()
    with open_writer(format, ESTIMATE_KEYS, stream) as writer:
        writer.write(record)
    data = stream.getvalue().encode()
    (stated,) = read_records(io.BytesIO(data), "x")
    truth = truth_of("a")
    found = read_predictions([(io.BytesIO(data), "x")], truth, {("set", "X"): camera})
    expected = np.array(light_of(stated.record, camera).rgb)
    np.testing.assert_allclose(found.results[0].estimates[0], expected / np.linalg.norm(expected), rtol=1e-12)
    assert found.temperature_count == any(key in edit for key in ("cct", "duv"))


def test_a_temperature_says_nothing_without_a_matrix() -> None:
    (result,) = read('{"path": "a", "illuminant": [1, 2, 2], "cct": 9000}\n{"path": "b", "cct": 9000}').results
    np.testing.assert_allclose(result.estimates[0], np.array([1, 2, 2]) / 3)
    assert "no known colour matrix" in result.failures[1]


@pytest.mark.parametrize("other", [{"gains": [1, 1, 1]}, {"cct": 9000}], ids=str)
def test_a_record_that_contradicts_itself_is_no_estimate(other: dict[str, object]) -> None:
    data = json.dumps({"path": "a", "illuminant": [1, 2, 2], **other}).encode()
    with pytest.raises(UsageError, match="disagree; set those that you do not mean to null"):
        read_predictions([(io.BytesIO(data), "x")], truth_of("a"), {("set", "X"): D810})


def test_images_that_are_not_labelled_are_named() -> None:
    found = read("image,r,g,b\na,1,2,2\nq,1,2,2\nz/b.png,1,2,2")
    assert found.unknown_paths == ["q"]
    assert found.results[0].failures == {}


@pytest.mark.parametrize(
    ("path", "image"),
    [
        ("cam1/001.png", "cam1/001"),
        ("/data/set/cam2/001.png", "cam2/001"),
        ("./cam2\\001.tiff", "cam2/001"),
        ("cam3/001.png", "001"),
        ("only", "deep/only.png"),
        ("only.jpg", "deep/only.png"),
        ("both.dng", "both.dng"),
        ("both.png", "both.png"),
        ("v1.2", "v1.2"),
        ("v1.2.png", "v1.2"),
        ("IMG.001", "IMG.001"),
        ("cafe\u0301.png", "caf\u00e9"),
        ("elsewhere/deep/only.png", "deep/only.png"),
        ("elsewhere/only.png", None),
        ("nothing", None),
        ("", None),
        ("onl", None),
    ],
)
def test_paths_and_the_images_that_they_mean(path: str, image: str | None) -> None:
    images = ["cam1/001", "cam2/001", "001", "deep/only.png", "both.dng", "both.png", "v1.2", "IMG.001", "caf\u00e9"]
    found = ImageIndex(images, ["set"] * len(images)).find(path)
    assert (None if found is None else images[found]) == image


def test_a_path_that_could_mean_several_images_is_refused() -> None:
    names = ImageIndex(["a/1", "b/1", "c.png", "c.dng"], ["set"] * 4)
    with pytest.raises(LookupError, match="1 could be any of a/1 of set, b/1 of set"):
        names.find("1")
    with pytest.raises(LookupError, match=r"could be any of c\.png of set, c\.dng of set"):
        names.find("c.jpg")
    with pytest.raises(UsageError, match=r"mine.jsonl, line 1: .* could be any of .*; write more of the path"):
        read('{"path": "1", "gains": [1, 1, 1]}', "a/1", "b/1")


def test_the_data_set_tells_images_of_one_name_apart() -> None:
    names = ImageIndex(["0001", "0001"], ["cube-plus", "nus-8"])
    assert names.find("/data/nus-8/0001.png") == 1
    with pytest.raises(LookupError, match="0001 of cube-plus, 0001 of nus-8"):
        names.find("0001.png")


def test_truth_of_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "ground_truth.csv").write_text("image,r,g,b,camera,scene,fold\na,2,4,4,X,s,1\nb,1,1,1,,,\n")
    truth = read_truth(folder / "ground_truth.csv")
    assert list(truth.images) == ["a", "b"]
    assert truth.datasets == ["holiday", "holiday"]
    assert truth.cameras == ["X", "unknown camera"]
    assert truth.scenes == ["s", "b"]
    assert truth.folds == ["1", ""]
    assert truth.illuminants[0] == pytest.approx([1 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"image,r,g,b\na,1,1,1\nb,1,0,1\n", "line 3: r, g, b are 1, 0, 1 and no light"),
        (b"image,r,g,b\na,1,1,1\nb,1,1,1\na,1,1,1\n", "lines 2 and 4 both label a"),
        (b"image,r,g\na,1,1\n", "names no column b"),
        (b"image,r,g,b\n", "has no lines below its header"),
        (b"image,r,g,b\n\xff,1,1,1\n", "is not UTF-8"),
    ],
)
def test_truth_that_is_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "ground_truth.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=message):
        read_truth(path)


@pytest.mark.slow
def test_many_records_are_read_quickly() -> None:
    """Ten thousand images; matching must not compare each with each."""
    images = [f"set/camera{i % 3}/image_{i:05}" for i in range(10_000)]
    lines = "\n".join(json.dumps({"path": f"/data/{image}.png", "illuminant": [1, 2, 2]}) for image in images)
    (result,) = read(lines, *images).results
    assert not result.failures

"""`awbkit correct`: every way to name the light, what comes out of it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips

from awbkit.files.encoding import srgb_to_linear
from tests.helpers.command import CARD, DAYLIGHT, Ran, angle, awbkit, write_jpeg, write_raw, write_tiff
from tests.helpers.pictures import TUNGSTEN

NEUTRAL = (1, 1, 1)


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "a.jpg", scene)
    write_tiff(tmp_path / "b.tif", scene)
    write_raw(tmp_path / "c.dng", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def card(path: Path | str) -> np.ndarray:
    """Mean linear RGB of the gray card, of any format."""
    image = pyvips.Image.new_from_file(str(path)).numpy()
    pixels = image[36:60, 52:76, :3] / np.iinfo(image.dtype).max
    return srgb_to_linear(pixels).mean((0, 1))


def numbers(values: np.ndarray) -> str:
    return ",".join(f"{value:.6f}" for value in values)


class TestLight:
    @pytest.mark.slow
    @pytest.mark.parametrize(("name", "light"), [("a.jpg", TUNGSTEN), ("b.tif", TUNGSTEN), ("c.dng", DAYLIGHT)])
    @pytest.mark.parametrize("way", ["region", "illuminant", "gains"])
    def test_the_card_becomes_gray(self, folder: Path, name: str, light: np.ndarray, way: str) -> None:
        value = {"region": CARD, "illuminant": numbers(light), "gains": numbers(1 / light)}[way]
        ran = awbkit("correct", name, f"--{way}", value, "-d", "out")
        assert (ran.code, ran.err) == (0, "")
        assert ran.record["method"] == ("region" if way == "region" else "given")
        assert angle(ran.record["illuminant"], light) < 0.3
        assert angle(card(ran.record["output"]), NEUTRAL) < 0.5

    def test_brightness_is_kept(self, folder: Path) -> None:
        before = card("a.jpg") @ (0.2126, 0.7152, 0.0722)
        awbkit("correct", "a.jpg", "--illuminant", numbers(TUNGSTEN), "-o", "out.png")
        assert card("out.png") @ (0.2126, 0.7152, 0.0722) == pytest.approx(before, rel=0.02)

    def test_an_estimator_is_the_default(self, folder: Path) -> None:
        assert awbkit("correct", "a.jpg", "--dry-run").record["method"] == "awbnet"
        assert awbkit("correct", "a.jpg", "--dry-run", "-m", "pca").record["method"] == "pca"

    @pytest.mark.parametrize("name", ["a.jpg", "c.dng"])
    def test_temperature_and_duv(self, folder: Path, name: str) -> None:
        plain = awbkit("correct", name, "--dry-run", "--cct", 3200).record
        greener = awbkit("correct", name, "--dry-run", "--cct", 3200, "--duv", 0.01).record
        assert (plain["cct"], plain["duv"], plain["method"]) == (3200, 0, "given")
        assert (greener["cct"], greener["duv"]) == (3200, 0.01)

    def test_temperature_needs_a_matrix_and_costs_only_the_file_without(self, folder: Path, scene: np.ndarray) -> None:
        write_raw(folder / "none.dng", scene, matrix=False, model="Unknown")
        ran = awbkit("correct", "a.jpg", "none.dng", "--cct", 3200, "--dry-run", "-q")
        assert (ran.code, [record["status"] for record in ran.records]) == (1, ["planned", "error"])
        assert "has no known colour matrix to turn 3200 K into RGB; give --gains or --illuminant" in ran.complaint

    @pytest.mark.parametrize("name", ["a.jpg", "c.dng"])
    def test_strength(self, folder: Path, name: str) -> None:
        light = np.array([0.5, 1, 0.4])
        ratios = []
        for strength in (0, 0.5, 1):
            record = awbkit("correct", name, "--illuminant", numbers(light), "--strength", strength, "--dry-run").record
            ratios.append(np.log(record["illuminant"]) - np.log(record["illuminant"][1]))
        assert ratios[1] == pytest.approx((ratios[0] + ratios[2]) / 2, abs=1e-4)
        assert angle(np.exp(ratios[2]), light) < 1e-3
        if name == "a.jpg":
            assert ratios[0] == pytest.approx(0, abs=1e-5)

    @pytest.mark.slow
    @pytest.mark.parametrize("cat", ["von-kries", "bradford", "cat02", "cat16", "sharp"])
    @pytest.mark.parametrize(("name", "light"), [("b.tif", TUNGSTEN), ("c.dng", DAYLIGHT)])
    def test_cats_agree_on_gray(self, folder: Path, name: str, light: np.ndarray, cat: str) -> None:
        awbkit("correct", name, "--cat", cat, "--illuminant", numbers(light), "-o", f"{cat}.tif")
        assert angle(card(f"{cat}.tif"), NEUTRAL) < 0.5

    def test_cat_needs_a_matrix(self, folder: Path, scene: np.ndarray) -> None:
        write_raw(folder / "none.dng", scene, matrix=False, model="Unknown")
        ran = awbkit("correct", "none.dng", "--cat", "cat16", "-d", "out")
        assert ran.code == 1
        assert "matrix" in ran.complaint
        assert not Path("out").exists()


class TestShared:
    @pytest.mark.slow
    def test_one_light_for_each_camera(self, folder: Path, scene: np.ndarray) -> None:
        write_jpeg(folder / "a2.jpg", scene, TUNGSTEN**0.5)
        write_jpeg(folder / "a3.jpg", scene, TUNGSTEN**1.2)
        write_raw(folder / "c2.dng", scene, DAYLIGHT**0.5)
        write_raw(folder / "other.dng", scene, DAYLIGHT**1.5, model="Two")
        ran = awbkit("correct", ".", "--shared", "-m", "white-patch:percentile=99", "--dry-run")
        assert ran.code == 0
        lights = {record["path"]: tuple(record["gains"]) for record in ran.records}
        assert lights["a.jpg"] == lights["a2.jpg"] == lights["a3.jpg"] == lights["b.tif"]
        assert lights["c.dng"] == lights["c2.dng"] != lights["other.dng"]
        assert {record["method"] for record in ran.records} == {"white-patch:percentile=99, shared"}
        assert angle(1 / np.array(lights["a.jpg"]), TUNGSTEN) < 1

    @pytest.mark.slow
    def test_a_bad_file_is_kept_apart(self, folder: Path) -> None:
        Path("bad.jpg").write_text("hello")
        ran = awbkit("correct", ".", "gone.jpg", "--shared", "-d", "out", "-q")
        assert [record["status"] for record in ran.records] == ["ok", "ok", "error", "ok", "error"]
        assert "bad.jpg: is not an image" in ran.err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([".", "--gains", "1,1,1"], "the light that you name is already the same for all"),
            (["-", "-o", "out.jpg"], "--shared reads every picture twice"),
        ],
    )
    def test_refusals(self, folder: Path, arguments: list[str], message: str) -> None:
        ran = awbkit("correct", "--shared", *arguments)
        assert (ran.code, message in ran.complaint) == (2, True)


class TestOutputs:
    def test_beside_the_input_unless_told_otherwise(self, folder: Path) -> None:
        before = contents(folder)
        ran = awbkit("correct", ".")
        assert [record["output"] for record in ran.records] == ["a_awb.jpg", "b_awb.tif", "c_awb.tif"]
        after = contents(folder)
        assert {name: after[name] for name in before} == before
        assert set(after) - set(before) == {"a_awb.jpg", "b_awb.tif", "c_awb.tif"}

    def test_trees_are_mirrored(self, folder: Path, scene: np.ndarray) -> None:
        write_jpeg(folder / "in" / "x y" / "é.jpg", scene)
        write_jpeg(folder / "in" / "z.jpg", scene)
        awbkit("correct", "-r", "in", "-d", "out", "--name", "{parent}-{name}.png")
        assert set(contents(folder / "out")) == {"in-z.jpg.png", "x y/x y-é.jpg.png"}

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp", "avif"])
    def test_formats(self, folder: Path, kind: str) -> None:
        ran = awbkit("correct", "a.jpg", "c.dng", "--region", CARD, "--to", kind, "-d", "out")
        assert [record["output"] for record in ran.records] == [f"out/a_awb.{kind}", f"out/c_awb.{kind}"]
        for record in ran.records:
            assert angle(card(record["output"]), NEUTRAL) < 1.5

    def test_a_second_run_passes_over_the_results_of_the_first(self, folder: Path) -> None:
        awbkit("correct", ".")
        before = contents(folder)
        again = awbkit("correct", ".", "--if-exists", "skip")
        assert (again.code, [record["path"] for record in again.records]) == (0, ["a.jpg", "b.tif", "c.dng"])
        assert {record["status"] for record in again.records} == {"skipped"}
        assert "0 done, 3 skipped" in again.complaint
        assert contents(folder) == before

    def test_existing_outputs(self, folder: Path) -> None:
        Path("a_awb.jpg").write_bytes(b"mine")
        ran = awbkit("correct", "a.jpg")
        assert (ran.code, ran.record["output"]) == (1, "a_awb.jpg")
        assert ran.complaint == (
            "awbkit: a.jpg: a_awb.jpg: the output exists already; --if-exists replace or skip settles it"
        )
        assert awbkit("correct", "a.jpg", "--if-exists", "skip").record["status"] == "skipped"
        assert Path("a_awb.jpg").read_bytes() == b"mine"
        assert awbkit("correct", "a.jpg", "--if-exists", "replace").record["status"] == "ok"
        assert card("a_awb.jpg").shape == (3,)

    def test_a_dry_run_says_where_and_writes_nothing(self, folder: Path) -> None:
        before = contents(folder)
        ran = awbkit("correct", ".", "-d", "out", "--dry-run", "--format", "table")
        assert ran.code == 0
        facts, _, *rows, _ = ran.out.splitlines()
        assert facts == "to out, method awbnet"
        assert [line.split()[:2] for line in rows] == [
            ["a.jpg", "a_awb.jpg"],
            ["b.tif", "b_awb.tif"],
            ["c.dng", "c_awb.tif"],
        ]
        assert contents(folder) == before
        assert not Path("out").exists()

    @pytest.mark.parametrize("name", ["a.jpg", "c.dng"])
    def test_standard_input(self, folder: Path, name: str) -> None:
        ran = awbkit("correct", "-", "--region", CARD, "-o", "out.png", stdin=Path(name).read_bytes())
        assert (ran.code, ran.record["path"]) == (0, "-")
        assert angle(card("out.png"), NEUTRAL) < 0.5

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["bad\udcff.jpg", "bad\udcff.tif", "bad\udcff.dng", "new\nline.jpg"])
    def test_any_name_will_do(self, folder: Path, name: str) -> None:
        origin = {"jpg": "a.jpg", "tif": "b.tif", "dng": "c.dng"}[name[-3:]]
        try:
            Path(name).write_bytes(Path(origin).read_bytes())
        except OSError:
            pytest.skip("this file system refuses the name")
        ran = awbkit("correct", name, "-d", "out\udcfe")
        assert (ran.code, ran.err) == (0, "")
        awbkit("correct", origin, "-d", "plain")
        (named,) = contents(folder / "out\udcfe").values()
        (plain,) = contents(folder / "plain").values()
        assert named == plain

    @pytest.mark.slow
    def test_workers_change_no_byte(self, folder: Path, scene: np.ndarray) -> None:
        for index in range(4):
            write_jpeg(folder / f"more{index}.jpg", scene * (0.4 + 0.1 * index))
        one, two = (awbkit("correct", ".", "-j", jobs, "-d", f"out{jobs}", "-q") for jobs in (1, 2))
        assert [record["path"] for record in one.records] == [record["path"] for record in two.records]
        assert contents(folder / "out1") == contents(folder / "out2")

    def test_an_output_that_cannot_be_written_is_named(self, folder: Path) -> None:
        Path("file").touch()
        ran = awbkit("correct", "a.jpg", "-d", "file/out")
        assert ran.code == 1
        assert ran.complaint.startswith("awbkit: a.jpg: file/out/a_awb.jpg: cannot be written: ")
        assert "write elsewhere" in ran.complaint

    def test_a_file_that_is_no_picture_costs_only_itself(self, folder: Path) -> None:
        Path("plain").write_bytes(b"a letter")
        ran = awbkit("correct", "plain", "b.tif", "-d", "out", "-q")
        assert (ran.code, [record["status"] for record in ran.records]) == (1, ["error", "ok"])
        assert "plain: is not an image" in ran.complaint


USAGE: list[tuple[list[str], str]] = [
    ([], "no picture named"),
    ([".", "--gains", "2,1,1", "--cct", "4000"], "--gains and --cct each say what the light is"),
    ([".", "--from", "x", "-m", "pca"], "--method and --from each say what the light is"),
    ([".", "--duv", "0.01"], "--duv goes with --cct"),
    ([".", "--cct", "20"], "between 1000 and 100000 K"),
    ([".", "--cct", "nan"], "between 1000 and 100000 K"),
    ([".", "--cct", "4000", "--duv", "1"], "between -0.05 and 0.05"),
    ([".", "--gains", "2,1"], "--gains takes 3 positive numbers r,g,b, not '2,1'"),
    ([".", "--gains", "2,1,-1"], "--gains takes 3 positive numbers"),
    ([".", "--gains", "nan,1,1"], "--gains takes 3 positive numbers"),
    ([".", "--gains", "1e-300,1,1"], "more than a million apart"),
    ([".", "--illuminant", "1,1,0"], "--illuminant takes 3 positive numbers"),
    ([".", "--illuminant", ""], "--illuminant takes 3 positive numbers"),
    ([".", "--method", ""], "unknown method ''"),
    ([".", "--region", "0,0,1"], "four whole numbers"),
    ([".", "--strength", "nan"], "--strength must lie between 0 and 1"),
    ([".", "--strength", "2"], "2.0 is not in the range"),
    ([".", "--cat", "cat97"], "'cat97' is not one of 'von-kries', 'bradford', 'cat02', 'cat16', 'sharp'"),
    ([".", "--to", "gif"], "'gif' is not one of 'jpg', 'png'"),
    ([".", "-o", "x.jpg"], "-o names the output of one input, but there are 3"),
    (["a.jpg", "-o", "a.jpg"], "inputs are never changed"),
    (["a.jpg", "-o", "./sub/../a.jpg"], "inputs are never changed"),
    (["a.jpg", "-o", "-", "-d", "out"], "-o - writes one picture and nothing else to standard output; leave out -d"),
    (["a.jpg", "-o", "-", "--name", "x.jpg"], "leave out --name"),
    (["a.jpg", "-o", "-", "--format", "json"], "leave out --format"),
    (["a.jpg", "-o", "-", "--dry-run"], "leave out --dry-run"),
    (["a.jpg", "-o", "-", "--shared"], "leave out --shared"),
    (["a.jpg", "b.jpg", "-o", "-"], "-o - writes one picture, but there are 2; name a folder with -d"),
    (["a.jpg", "-o", "x.gif"], "cannot write .gif; give it one of .jpg"),
    (["a.jpg", "-o", "x"], "cannot write a file without a suffix"),
    (["a.jpg", "-o", "x.jpg", "-d", "out"], "-o names one file and -d a folder"),
    (["a.jpg", "-o", "x.jpg", "--to", "png"], "leave out --to and --name"),
    (["a.jpg", "-o", "x.jpg", "--name", "{stem}.png"], "leave out --to and --name"),
    ([".", "-d", "a.jpg"], "-d a.jpg is a file"),
    ([".", "--name", "{stem}{ext}"], "inputs are never changed"),
    ([".", "--name", "x{ext}", "-d", "out"], "b.tif and c.dng would both be written to out/x.tif"),
    ([".", "--name", "{stem}.gif"], "cannot write .gif"),
    ([".", "--name", "{date}"], "no field {date}"),
    ([".", "--name", ""], "must be a file name"),
    ([".", "--name", "sub/{stem}"], "without folders"),
    (["-"], "standard input has no name to derive one from; name the output with -o"),
    (["-", "-d", "out"], "name the output with -o"),
    ([".", "--sidecar", "xmp", "--to", "jpg"], "--sidecar writes white balance only"),
    ([".", "--sidecar", "xmp", "--name", "{stem}.txt"], "editors look for sidecars that end in .xmp"),
    (["-", "--sidecar", "xmp"], "name the output with -o"),
    ([".", "-0"], "-0 says how lists separate paths"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "message"), USAGE)
def test_usage(folder: Path, arguments: list[str], message: str) -> None:
    before = contents(folder)
    Path("sub").mkdir()
    ran: Ran = awbkit("correct", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaint.startswith("awbkit: ")
    assert message in ran.complaint
    assert contents(folder) == before


@pytest.mark.slow
def test_outputs_of_pictures_without_a_suffix_of_their_own(scene: np.ndarray, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    for name, write in (
        ("a", write_jpeg),
        ("b.mpo", write_jpeg),
        ("b.jpg", write_jpeg),
        ("c.scan", write_tiff),
        ("d.bin", write_raw),
    ):
        write(shots / name, scene)
    (shots / "e.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\2\0qt  ")
    (shots / "e.mp4").write_bytes(b"\0\0\0\x14ftypisom\0\0\2\0isom")
    ran = awbkit("correct", shots, "-d", tmp_path / "out", "-m", "gray-world")
    assert ran.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("a_awb.jpg", "b.mpo_awb.jpg", "b_awb.jpg", "c.scan_awb.tif", "d.bin_awb.tif"),
    ]
    told = f"awbkit: 2 files in {shots} are no pictures that awbkit reads (1 .mov, 1 .mp4); they were passed over"
    assert told in ran.err.splitlines()
    assert awbkit("estimate", shots, "-m", "gray-world").err.count("passed over") == 1
    assert awbkit("estimate", shots, "-m", "gray-world", "-q").err == ""
    sidecars = awbkit("correct", shots, "-d", tmp_path / "xmp", "-m", "gray-world", "--sidecar", "xmp", "-q")
    assert [Path(record["path"]).name for record in sidecars.records if record["status"] == "ok"] == ["d.bin"]

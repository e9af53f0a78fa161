"""`awbkit dataset`: prepare, inspect and layouts as a user calls them."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest

from tests.helpers.command import awbkit
from tests.helpers.labelled_folder import write_labelled_folder

pytestmark = pytest.mark.slow

LAYOUTS = (
    *("cl3an", "gehler-shi", "nus-8", "cube-plus", "simple-cube-pp", "intel-tau", "lsmi", "ambient6k", "awb-nn"),
    *("folder", "rendered"),
)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write_labelled_folder(tmp_path / "set", 8)


def test_prepare_says_what_it_did(labelled: Path, tmp_path: Path) -> None:
    ran = awbkit("dataset", "prepare", "folder", labelled, "-o", tmp_path / "out", "-j", "1")
    assert (ran.code, ran.out) == (0, "")
    assert "8 images prepared, 0 skipped" in ran.complaint
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["hash"] in ran.complaint


def test_a_single_image_is_counted_as_one(tmp_path: Path) -> None:
    ran = awbkit(
        "dataset", "prepare", "folder", write_labelled_folder(tmp_path / "set", 1), "-o", tmp_path / "out", "-j", "1"
    )
    assert "awbkit: 1 image prepared, 0 skipped" in ran.err


def test_a_set_that_lost_a_part_is_to_be_prepared_again(labelled: Path, tmp_path: Path) -> None:
    awbkit("dataset", "prepare", "folder", labelled, "-o", tmp_path / "out", "-j", "1")
    (tmp_path / "out" / "index.csv").unlink()
    ran = awbkit("dataset", "inspect", tmp_path / "out")
    assert ran.code == 1
    assert "is a prepared data set without its index.csv; prepare it again" in ran.complaint


def test_a_set_that_is_not_whole_is_not_made(labelled: Path, tmp_path: Path) -> None:
    (labelled / "images" / "img3.png").unlink()
    (labelled / "images" / "img5.png").write_bytes(b"")
    ran = awbkit("dataset", "prepare", "folder", labelled, "-o", tmp_path / "out", "-j", "1")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert len(lines) == 3
    assert all(any(name in line for line in lines[:2]) for name in ("img3", "img5"))
    assert "is not made, as 2 of 8 images are missing (img3: " in lines[2]
    assert not (tmp_path / "out").exists()


def test_what_is_missing_although_it_may_is_said_listed_and_counts_as_failure(labelled: Path, tmp_path: Path) -> None:
    (labelled / "images" / "img3.png").unlink()
    (labelled / "images" / "img5.png").write_bytes(b"")
    ran = awbkit("dataset", "prepare", "folder", labelled, "-o", tmp_path / "out", "-j", "1", "--allow-missing")
    assert ran.code == 1
    assert "6 images prepared, 2 skipped" in ran.err.splitlines()[2]
    with (tmp_path / "out" / "skipped.csv").open(newline="") as file:
        assert {row["image"] for row in csv.DictReader(file)} == {"img3", "img5"}


@pytest.mark.parametrize(("options", "place"), [((), "out.unfinished"), (("--allow-missing",), "out")])
def test_many_skipped_are_counted_rather_than_all_told(
    labelled: Path, tmp_path: Path, options: tuple[str, ...], place: str
) -> None:
    with (labelled / "ground_truth.csv").open("a") as file:
        file.writelines(f"missing{number},Nikon D810,,1,1,1\n" for number in range(50))
    ran = awbkit("dataset", "prepare", "folder", labelled, "-o", tmp_path / "out", "-j", "1", *options)
    assert ran.code == 1
    first, second, _ = ran.err.splitlines()
    assert first == (
        "awbkit: 50 images, such as missing0: line 10 of ground_truth.csv: there is no image file missing0"
    )
    assert second == f"awbkit: {tmp_path / place / 'skipped.csv'} lists all 50 that are skipped"
    assert len((tmp_path / place / "skipped.csv").read_text().splitlines()) == 51


def test_a_zip_gives_the_same_hash_as_the_folder(labelled: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in labelled.rglob("*.*"):
            archive.write(path, path.relative_to(labelled))
    for source in (labelled, tmp_path / "set.zip"):
        awbkit("dataset", "prepare", "folder", source, "-o", tmp_path / f"out-{source.name}", "-q")
    hashes = {json.loads((out / "dataset.json").read_text())["hash"] for out in tmp_path.glob("out-*")}
    assert len(hashes) == 1


def test_an_existing_output(labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert awbkit("dataset", "prepare", "folder", labelled, "-o", out, "-q").code == 0
    before = (out / "dataset.json").stat().st_mtime_ns
    refused = awbkit("dataset", "prepare", "folder", labelled, "-o", out)
    assert refused.code == 1
    assert "--if-exists" in refused.complaint
    assert awbkit("dataset", "prepare", "folder", labelled, "-o", out, "--if-exists", "skip").code == 0
    assert (out / "dataset.json").stat().st_mtime_ns == before
    assert awbkit("dataset", "prepare", "folder", labelled, "-o", out, "--if-exists", "replace", "-q").code == 0
    assert (out / "dataset.json").stat().st_mtime_ns > before


def test_rendered_data_needs_no_download(tmp_path: Path) -> None:
    ran = awbkit("dataset", "prepare", "rendered:count=6,seed=3", "-o", tmp_path / "out", "-j", "1")
    assert ran.code == 0
    found = json.loads(awbkit("dataset", "inspect", tmp_path / "out", "--format", "json").out)
    assert sum(camera["images"] for camera in found["cameras"]) == 6
    assert found["light_maps"] == 1
    assert "of 100% of the images" in awbkit("dataset", "inspect", tmp_path / "out", "--format", "table").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nosuch", "set"], 2, "unknown layout 'nosuch'"),
        (["gehler_shi", "set"], 2, "did you mean 'gehler-shi'"),
        (["folder:nosuch=1", "set"], 2, "no option 'nosuch'"),
        (["folder:encoding=jpeg", "set"], 2, "must be one of auto, linear, srgb"),
        (["folder:black=much", "set"], 2, "must be a number"),
        (["rendered:count=0"], 2, "must be a whole number from 1"),
        (["folder"], 2, "name its folder or archive"),
        (["folder", "nowhere"], 1, "no such file or folder"),
        (["cube-plus", "set"], 1, "set"),
        (["cl3an", "set"], 1, "set"),
    ],
)
def test_what_prepare_refuses(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = awbkit("dataset", "prepare", *arguments, "-o", "out")
    assert ran.code == code
    assert message in ran.complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_prepare_without_output(labelled: Path) -> None:
    ran = awbkit("dataset", "prepare", "folder", labelled)
    assert ran.code == 2
    assert "-o" in ran.complaint


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "rendered"])
def test_every_layout_says_so_when_a_folder_is_not_of_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = awbkit("dataset", "prepare", name, tmp_path / "empty", "-o", tmp_path / "out")
    assert ran.code == 1
    assert "empty" in ran.complaint
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.unfinished").exists()


class TestInspect:
    @pytest.fixture
    def prepared(self, labelled: Path, tmp_path: Path) -> Path:
        awbkit("dataset", "prepare", "folder", labelled, "-o", tmp_path / "out", "-q")
        return tmp_path / "out"

    def test_as_json(self, prepared: Path) -> None:
        document = json.loads(awbkit("dataset", "inspect", prepared).out)
        assert document["images"] == 8
        assert document["layout"] == "folder"
        assert "light_maps" not in document
        assert [camera["camera"] for camera in document["cameras"]] == ["Canon EOS 550D", "Nikon D810"]
        assert all(camera["images"] == camera["scenes"] == 4 for camera in document["cameras"])

    def test_as_a_table(self, prepared: Path) -> None:
        out = awbkit("dataset", "inspect", prepared, "--format", "table").out
        assert "8 images" in out
        assert "Nikon D810" in out
        assert all(len(line) <= 80 for line in out.splitlines())

    def test_verify(self, prepared: Path) -> None:
        assert awbkit("dataset", "inspect", prepared, "--verify").code == 0
        with (prepared / "thumbnails.npy").open("r+b") as file:
            file.seek(5000)
            file.write(b"changed")
        ran = awbkit("dataset", "inspect", prepared, "--verify")
        assert ran.code == 3
        assert "prepare it again" in ran.complaint

    @pytest.mark.parametrize(("old", "new"), [('"licence": "as', '"licence": "not as'), ("0.9369", "0.9368")])
    def test_verify_covers_licence_and_matrices(self, prepared: Path, old: str, new: str) -> None:
        text = (prepared / "dataset.json").read_text()
        assert old in text
        (prepared / "dataset.json").write_text(text.replace(old, new))
        assert awbkit("dataset", "inspect", prepared, "--verify").code == 3

    def test_what_is_no_prepared_folder(self, labelled: Path) -> None:
        ran = awbkit("dataset", "inspect", labelled)
        assert ran.code == 1
        assert "no dataset.json" in ran.complaint


def test_layouts_lists_all_with_licence_and_citation() -> None:
    rows = json.loads(awbkit("dataset", "layouts").out)
    assert [row["name"] for row in rows] == list(LAYOUTS)
    for row in rows:
        assert row["title"]
        assert row["licence"]
        assert row["convention"]
        assert row["name"] == "folder" or row["citation"]
    table = awbkit("dataset", "layouts", "--format", "table").out
    assert all(name in table for name in LAYOUTS)

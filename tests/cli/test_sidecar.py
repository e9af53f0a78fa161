"""`awbkit correct --sidecar xmp`: white balance for raw editors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command import CARD, awbkit, write_jpeg, write_raw


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A camera's folder: each raw beside its JPEG."""
    for name in ("a", "b"):
        write_raw(tmp_path / f"{name}.dng", scene)
        write_jpeg(tmp_path / f"{name}.jpg", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def setting(path: str, name: str) -> str:
    (value,) = re.findall(rf'crs:{name}="([^"]*)"', Path(path).read_text())
    return value


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_raws_of_a_folder_get_one_and_their_jpegs_none(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    ran = awbkit("correct", ".", "--sidecar", "xmp", "--region", CARD)
    assert (ran.code, ran.complaint[:23]) == (0, "awbkit: 2 files, 2 done")
    assert [(record["path"], record["output"]) for record in ran.records] == [("a.dng", "a.xmp"), ("b.dng", "b.xmp")]
    assert names(folder) == ["a.dng", "a.jpg", "a.xmp", "b.dng", "b.jpg", "b.xmp"]
    assert {path: path.read_bytes() for path in before} == before
    assert int(setting("a.xmp", "Temperature")) == ran.records[0]["cct"]
    assert int(setting("a.xmp", "Tint")) == pytest.approx(3000 * ran.records[0]["duv"], abs=0.6)


def test_a_given_temperature_is_what_the_editor_shows(folder: Path) -> None:
    awbkit("correct", "a.dng", "--sidecar", "xmp", "--cct", 3456, "--duv", 0.01)
    assert (setting("a.xmp", "Temperature"), setting("a.xmp", "Tint")) == ("3456", "+30")


def test_an_existing_sidecar_keeps_what_else_it_says(folder: Path) -> None:
    awbkit("correct", "a.dng", "--sidecar", "xmp", "--cct", 3000)
    text = Path("a.xmp").read_text().replace("crs:Tint=", 'crs:Exposure2012="+0.50" crs:Tint=')
    Path("a.xmp").write_text(text)
    ran = awbkit("correct", "a.dng", "--sidecar", "xmp", "--cct", 6000)
    assert (ran.code, "a.xmp: the output exists already" in ran.complaint) == (1, True)
    assert Path("a.xmp").read_text() == text
    assert awbkit("correct", "a.dng", "--sidecar", "xmp", "--cct", 6000, "--if-exists", "replace").code == 0
    assert (setting("a.xmp", "Temperature"), setting("a.xmp", "Exposure2012")) == ("6000", "+0.50")


def test_estimates_of_a_mixed_folder(folder: Path) -> None:
    estimates = awbkit("estimate", ".").out.encode()
    ran = awbkit("correct", "--from", "-", "--sidecar", "xmp", "-d", "out", stdin=estimates)
    assert (ran.code, names(folder / "out")) == (0, ["a.xmp", "b.xmp"])


def test_names_as_other_editors_have_them(folder: Path) -> None:
    awbkit("correct", ".", "--sidecar", "xmp", "--name", "{name}{ext}", "-d", "out")
    assert names(folder / "out") == ["a.dng.xmp", "b.dng.xmp"]


def test_standard_input(folder: Path) -> None:
    ran = awbkit("correct", "-", "--sidecar", "xmp", "-o", "x.xmp", stdin=Path("a.dng").read_bytes())
    assert (ran.code, setting("x.xmp", "WhiteBalance")) == (0, "Custom")


def test_a_dry_run_writes_none(folder: Path) -> None:
    ran = awbkit("correct", ".", "--sidecar", "xmp", "--dry-run")
    assert [record["status"] for record in ran.records] == ["planned", "planned"]
    assert not list(folder.glob("*.xmp"))


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_rendered_picture_that_was_named_is_a_failure(folder: Path, dry: list[str]) -> None:
    ran = awbkit("correct", "a.jpg", "a.dng", "--sidecar", "xmp", "-q", *dry)
    assert (ran.code, ran.records[0]["status"]) == (1, "error")
    assert "a.jpg: is no raw file; sidecars steer raw editors; leave out --sidecar" in ran.complaint
    Path("jpeg").write_bytes(Path("a.jpg").read_bytes())
    assert "jpeg: is no raw file" in awbkit("correct", "jpeg", "--sidecar", "xmp", *dry).complaint


def test_a_folder_without_raws_is_told(folder: Path, scene: np.ndarray) -> None:
    write_jpeg(folder / "sub" / "x.jpg", scene)
    ran = awbkit("correct", "sub", "--sidecar", "xmp")
    assert (ran.code, "there is no raw file among the pictures" in ran.complaint) == (1, True)


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_camera_without_a_matrix_has_no_temperature_to_state(folder: Path, scene: np.ndarray, dry: list[str]) -> None:
    write_raw(folder / "none.dng", scene, matrix=False, model="Unknown")
    ran = awbkit("correct", "none.dng", "--sidecar", "xmp", *dry)
    assert (ran.code, "has no colour temperature that a sidecar could state" in ran.complaint) == (1, True)
    assert not Path("none.xmp").exists()

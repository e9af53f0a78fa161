"""Figures for a paper: whole files, the same bytes, text of strangers, and what is refused before the work."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from xml.dom import minidom

import pytest

from awbkit.errors import AwbWarning, OutputError, collect_warnings
from awbkit.evaluation.figures import write_figures
from awbkit.store.outputs import IfExists
from tests.helpers import evaluation_cases
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.hostile_text import HOSTILE

pytestmark = pytest.mark.slow

ALL = {f"{name}.{kind}" for name in ("cumulative", "means", "risk-coverage", "calibration") for kind in ("svg", "pdf")}


@pytest.fixture(autouse=True)
def library() -> None:
    pytest.importorskip("matplotlib")


def test_every_figure_in_both_forms(tmp_path: Path) -> None:
    shown = evaluation_cases.evaluation(failed=[3])
    run = {"command": "awbkit evaluate one", "python": "3.11.4", "numpy": "2.0", "platform": "Linux x86_64"}
    shown = replace(shown, facts={**shown.facts, "run": run})
    written = write_figures(tmp_path / "new", shown, "reproduction", IfExists.FAIL)
    assert {path.name for path in written} == ALL
    for path in written:
        data = path.read_bytes()
        if path.suffix == ".svg":
            svg = minidom.parseString(data).documentElement
            assert svg is not None
            assert float(svg.getAttribute("width").removesuffix("pt")) == pytest.approx(3.4 * 72)
            assert b"Command: awbkit evaluate one" in data
        else:
            assert data.startswith(b"%PDF-")
            assert b"/Type3" not in data  # which publishers refuse
    again = write_figures(tmp_path / "again", shown, "reproduction", IfExists.FAIL)
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]


def test_without_expected_errors_there_is_nothing_on_confidence(tmp_path: Path) -> None:
    shown = evaluation_cases.evaluation(methods=("only",), cameras=(("one", "Canon"),), expected=False)
    write_figures(tmp_path, shown, "recovery", IfExists.FAIL)
    assert {path.name for path in tmp_path.iterdir()} == {name for name in ALL if name[:2] in ("cu", "me")}


def test_what_exists_is_kept_or_replaced_as_the_user_says(tmp_path: Path) -> None:
    shown = evaluation_cases.evaluation(expected=False)
    (tmp_path / "means.svg").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_figures(tmp_path, shown, "recovery", IfExists.FAIL)
    write_figures(tmp_path, shown, "recovery", IfExists.SKIP)
    assert (tmp_path / "means.svg").read_text() == "mine"
    write_figures(tmp_path, shown, "recovery", IfExists.REPLACE)
    assert (tmp_path / "means.svg").read_bytes().startswith(b"<?xml")


def test_names_of_strangers_are_drawn_as_they_are(tmp_path: Path) -> None:
    names = ["_hidden", "$x^{", *(text for text in HOSTILE if text.isascii())]
    shown = evaluation_cases.evaluation(methods=names, expected=False)
    write_figures(tmp_path, shown, "recovery", IfExists.FAIL)
    for path in tmp_path.glob("*.svg"):
        drawn = minidom.parse(str(path))
        assert not drawn.getElementsByTagName("script")
        # The outlines of each label stand behind a comment with its text.
        assert "_hidden" in path.read_text()


def test_characters_that_the_font_lacks_are_said(tmp_path: Path) -> None:
    shown = evaluation_cases.evaluation(methods=("日本語",), expected=False)
    with collect_warnings() as found:
        write_figures(tmp_path, shown, "recovery", IfExists.FAIL)
    assert found == ["its font lacks some characters of the names; rename the methods or data sets"]
    assert issubclass(AwbWarning, UserWarning)


class TestCommand:
    @pytest.fixture(autouse=True)
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write_prepared(tmp_path / "set", ["Canon EOS 550D", "Nikon D810"] * 6)

    def test_figures_come_beside_the_report(self, tmp_path: Path) -> None:
        ran = awbkit("evaluate", "set", "-m", "awbnet", "-m", "pca", "--figures", "figures", "--rounds", "100")
        assert ran.code == 0, ran.err
        assert ran.out.startswith("{")
        assert {path.name for path in (tmp_path / "figures").iterdir()} == ALL

    def test_what_exists_is_refused_before_the_work(self, tmp_path: Path) -> None:
        (tmp_path / "figures").mkdir()
        (tmp_path / "figures" / "calibration.pdf").touch()
        ran = awbkit("evaluate", "set", "--figures", "figures")
        assert (ran.code, ran.out) == (2, "")
        assert "calibration.pdf: exists already; --if-exists replace or skip settles it" in ran.complaint

    def test_a_missing_library_is_said_before_the_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        ran = awbkit("evaluate", "set", "--figures", "figures")
        assert (ran.code, ran.out) == (1, "")
        assert "--figures needs an optional dependency; install it with: " in ran.complaint
        assert "[figures]" in ran.complaint

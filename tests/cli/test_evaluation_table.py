"""An evaluation on a terminal, in plain words."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from awbkit.cli import evaluation_table
from awbkit.evaluation.result import Calibration, Comparison
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared

PAIR = Comparison("a", "b", "all", 24, -1.5, (-2.0, -1.0), 0.75, 0.0301, 0.0004)
CALIBRATION = Calibration("net", 24, 0.5, 0.25, 0.5, (), (1.0, 0.9, 0.8), (2.0, 1.8, 1.5), (2.0, 1.0, 0.5), (1.0, 0.5))


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        (
            PAIR,
            "The mean recovery error of a is 1.50° lower than that of b "
            "(95 % interval 1.00 to 2.00, p = 0.030 by Wilcoxon, p < 0.001 by bootstrap)",
        ),
        (
            replace(PAIR, interval=(math.nan, math.nan), p_bootstrap=math.nan),
            "The mean recovery error of a is 1.50° lower than that of b (p = 0.030 by Wilcoxon)",
        ),
        (
            replace(PAIR, difference=0.0, interval=(math.nan, math.nan), p_bootstrap=math.nan, p_wilcoxon=math.nan),
            "a and b have the same mean recovery error",
        ),
    ],
)
def test_a_comparison_is_a_sentence(pair: Comparison, sentence: str) -> None:
    assert evaluation_table._sentence(pair) == sentence


@pytest.mark.parametrize(
    ("calibration", "beginning"),
    [
        (
            CALIBRATION,
            "On average net expects an error 0.25° too large (rank correlation with the actual errors 0.50). ",
        ),
        (
            replace(CALIBRATION, bias=-0.25, rank_correlation=math.nan),
            "On average net expects an error 0.25° too small. ",
        ),
        (replace(CALIBRATION, bias=0.001), "On average net expects the errors that it makes (rank "),
    ],
)
def test_a_calibration_is_two_sentences(calibration: Calibration, beginning: str) -> None:
    sentence = evaluation_table._calibration_sentence(calibration)
    assert sentence.startswith(beginning)
    assert sentence.endswith(
        "The mean error is 2.00°, and 1.50° on the 80 % of the images with the smallest expected errors."
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cameras", "methods", "first", "has_protocol"),
    [
        (["Nikon D810"], ["gray-world"], "set / Nikon D810  1 image, recovery error in degrees", False),
        ([""] * 20, ["gray-world"], "set / camera without a name  20 images, recovery error in degrees", False),
        (["Nikon D810"] * 20, ["constant"], "set / Nikon D810  20 images, recovery error in degrees", True),
    ],
)
def test_counts_cameras_and_protocols(
    cameras: list[str],
    methods: list[str],
    first: str,
    has_protocol: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_prepared(tmp_path / "set", cameras, matrices=all(cameras))
    options = [word for method in methods for word in ("-m", method)]
    ran = awbkit("evaluate", "set", *options, "--format", "table", "-j", "1", "--rounds", "100")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == first
    assert bool(re.search(r"^(k-fold|folds): ", ran.out, re.MULTILINE)) == has_protocol
    assert "nothing was fitted" not in ran.out

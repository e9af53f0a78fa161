"""Evaluations as JSON and CSV."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbkit.colour.error_statistics import STATISTICS
from awbkit.evaluation.document import CSV_COLUMNS, csv_rows, to_document
from tests.helpers.evaluation_cases import evaluation


def test_the_keys_are_fixed() -> None:
    document = to_document(evaluation(failed=[3]), per_image=True)
    assert list(document) == [
        *("schema", "title", "protocol", "images", "scenes", "facts"),
        *("methods", "summaries", "comparisons", "calibrations", "per_image"),
    ]
    assert document["schema"] == 1
    assert list(document["summaries"][0]) == ["method", "group", "metric", "images", "scenes", "values", "intervals"]
    assert list(document["summaries"][0]["values"]) == list(STATISTICS)
    assert list(document["comparisons"][0]) == [
        *("first", "second", "group", "scenes", "difference", "interval", "wins", "p_wilcoxon", "p_bootstrap"),
        "metric",
    ]
    assert list(document["calibrations"][0]) == [
        *("method", "images", "calibration_error", "bias", "rank_correlation", "bins"),
        *("coverage", "risk", "oracle", "area", "oracle_area"),
    ]
    assert list(document["per_image"][0]) == ["image", "dataset", "camera", "scene", "fold", "truth", "methods"]
    assert list(document["per_image"][0]["methods"][0]) == [
        *("method", "estimate", "recovery", "reproduction", "expected_error", "failure")
    ]


@pytest.mark.parametrize("per_image", [False, True])
def test_json_says_the_same_after_a_round_trip(per_image: bool) -> None:
    document = to_document(evaluation(failed=[0]), per_image=per_image)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_figures_have_four_decimals_and_p_four_digits() -> None:
    shown = evaluation()
    document = to_document(shown)
    first = shown.summaries[0]
    assert document["summaries"][0]["values"]["mean"] == round(first.values["mean"], 4)
    assert document["summaries"][0]["intervals"]["mean"] == [
        round(0.9 * first.values["mean"], 4),
        round(1.1 * first.values["mean"], 4),
    ]
    tiny = replace(shown, comparisons=[replace(shown.comparisons[0], p_wilcoxon=1.23456e-12, difference=-1e-9)])
    (comparison,) = to_document(tiny)["comparisons"]
    assert comparison["p_wilcoxon"] == 1.235e-12
    assert json.dumps(comparison["difference"]) == "0.0"


def test_each_image_has_its_truth_answers_and_errors() -> None:
    shown = evaluation(failed=[3])
    entry = to_document(shown, per_image=True)["per_image"][3]
    assert entry["truth"] == pytest.approx(shown.truth.illuminants[3].tolist(), abs=5e-7)
    good, bad = entry["methods"]
    assert good["recovery"] == round(float(shown.methods[0].errors["recovery"][3]), 4)
    assert good["estimate"] == pytest.approx(shown.methods[0].estimates[3].tolist(), abs=5e-7)
    assert good["failure"] is None
    assert bad["estimate"] is None
    assert bad["expected_error"] is None
    assert bad["failure"] == "no valid pixels"
    assert bad["recovery"] > 0
    assert to_document(shown)["methods"][1]["failures"] == [{"image": "image_0003", "reason": "no valid pixels"}]


def test_unknown_figures_are_null() -> None:
    shown = evaluation()
    nothing = (float("nan"), float("nan"))
    first = replace(shown.summaries[0], values={"mean": float("inf")}, intervals={"mean": nothing})
    comparison = replace(shown.comparisons[0], interval=nothing, p_wilcoxon=float("nan"))
    document = to_document(replace(shown, summaries=[first], comparisons=[comparison]))
    assert document["summaries"][0]["values"] == {"mean": None}
    assert document["summaries"][0]["intervals"] == {"mean": [None, None]}
    assert document["comparisons"][0]["p_wilcoxon"] is None
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("fact", "plain"),
    [
        (np.float64(1.5), 1.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (float("nan"), None),
        (Path("a") / "b", "a/b"),
        ({"b", "a"}, ["a", "b"]),
        ((1, True, None), [1, True, None]),
        ({1: {"x": np.int64(3)}}, {"1": {"x": 3}}),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_facts_of_any_kind_become_json(fact: object, plain: object) -> None:
    assert to_document(replace(evaluation(2), facts={"fact": fact}))["facts"] == {"fact": plain}


def test_csv_has_a_value_for_every_column() -> None:
    shown = evaluation()
    found = list(csv_rows(shown))
    assert CSV_COLUMNS[:8] == ("method", "group", "metric", "images", "scenes", "mean", "mean_low", "mean_high")
    assert len(CSV_COLUMNS) == 5 + 3 * 7 + 1
    assert [len(row) for row in found] == [len(CSV_COLUMNS)] * len(shown.summaries)
    first = dict(zip(CSV_COLUMNS, found[0], strict=True))
    values = shown.summaries[0].values
    assert first["method"] == "good"
    assert first["images"] == 40
    assert first["p95"] == round(values["p95"], 4)
    assert first["max_high"] == round(1.1 * values["max"], 4)


def test_csv_leaves_empty_what_is_not_known() -> None:
    shown = evaluation(1)
    bare = replace(shown.summaries[0], values={"mean": 1.0, "median": float("nan")}, intervals={})
    (row,) = csv_rows(replace(shown, summaries=[bare]))
    assert row[5:11] == [1.0, None, None, None, None, None]

"""Evaluations as Markdown tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from awbkit.colour.error_statistics import STATISTICS
from awbkit.evaluation.markdown import to_markdown
from awbkit.evaluation.result import Comparison, Evaluation, Summary
from tests.helpers.evaluation_cases import evaluation


def figures(method: str, mean: float, group: str = "pooled") -> Summary:
    values = {**dict.fromkeys(STATISTICS, 5.0), "mean": mean}
    intervals = {**dict.fromkeys(STATISTICS, (4.5, 5.5)), "mean": (mean - 0.1, mean + 0.1)}
    return Summary(method, group, "recovery", 1234, 900, values, intervals)


def small(*summaries: Summary, comparisons: tuple[Comparison, ...] = ()) -> Evaluation:
    names = tuple(dict.fromkeys(summary.method for summary in summaries))
    shown = evaluation(methods=names, expected=False)
    return replace(shown, summaries=summaries, comparisons=comparisons)


def rows(text: str) -> list[list[str]]:
    """Cells of all lines of all tables; a pipe with a backslash belongs to its cell."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.replace("\\|", "\0").strip("|").split("|")] for line in lines]


def test_a_table_to_the_letter() -> None:
    text = to_markdown(small(figures("gray-world", 4.0), figures("pca:percent=3.5", 3.456)))
    assert text == (
        "**one, two**: 40 images, 40 scenes, 2 cameras. Protocol: none: nothing was fitted.\n"
        "\n"
        "Recovery angular error in degrees, pooled, 1,234 images; in parentheses the 95 % interval:\n"
        "\n"
        "| method          |                 mean |               median |              trimean |            best 25 %"
        " |           worst 25 % |                 95 % |              maximum |\n"
        "| --------------- | -------------------: | -------------------: | -------------------: | -------------------:"
        " | -------------------: | -------------------: | -------------------: |\n"
        "| gray-world      |     4.00 (3.90–4.10) | **5.00** (4.50–5.50) | **5.00** (4.50–5.50) | **5.00** (4.50–5.50)"
        " | **5.00** (4.50–5.50) | **5.00** (4.50–5.50) | **5.00** (4.50–5.50) |\n"
        "| pca:percent=3.5 | **3.46** (3.36–3.56) | **5.00** (4.50–5.50) | **5.00** (4.50–5.50) | **5.00** (4.50–5.50)"
        " | **5.00** (4.50–5.50) | **5.00** (4.50–5.50) | **5.00** (4.50–5.50) |\n"
    )


def test_every_line_has_the_cells_of_its_head() -> None:
    text = to_markdown(evaluation(methods=("a", "b|c", "d\\|e")), metrics=("recovery", "reproduction"))
    found = rows(text)
    tables = [line for line in found if line[0] in ("method", "better")]
    assert len(tables) == 2 * 3 + 2
    assert {len(line) for line in found} == {8, 6}
    assert text.count("Reproduction angular error") == 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a|b", "a\\|b"),
        ("*bold*_it_", "\\*bold\\*\\_it\\_"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("`code`", "\\`code\\`"),
        ("[a](b)", "\\[a\\](b)"),
        ("two\nlines\r\n| x", "two lines \\| x"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_names_stay_text(name: str, shown: str) -> None:
    text = to_markdown(small(figures(name, 1.0)))
    assert f"\n| {shown} " in text


def test_pairs_name_the_better_first() -> None:
    pair = Comparison("slow", "fast", "pooled", 900, 0.5, (0.25, 0.75), 0.3, 2e-9, 0.004)
    text = to_markdown(small(figures("slow", 3.0), figures("fast", 2.5), comparisons=(pair,)))
    assert rows(text)[-1] == ["fast", "slow", "−0.50 (−0.75 to −0.25)", "70 %", "\\< 0.001", "0.004"]


def test_pairs_that_the_ranking_group_contradicts_are_still_told_right() -> None:
    """The first leads by the geometric mean, the second on the pooled images, where the two are compared."""
    pair = Comparison("a", "b", "pooled", 900, 0.5, (0.25, 0.75), 0.3, 0.04, 0.04)
    summaries = [
        figures("a", 3.0),
        figures("b", 2.5),
        figures("a", 1.0, "geometric mean"),
        figures("b", 2.0, "geometric mean"),
    ]
    camera = replace(pair, group="one / Canon", difference=9.0)
    text = to_markdown(small(*summaries, comparisons=(camera, pair)))
    assert rows(text)[-1][:3] == ["b", "a", "−0.50 (−0.75 to −0.25)"]
    assert "degrees, pooled; difference" in text


def test_what_is_not_known_is_a_dash() -> None:
    unknown = Summary("a", "pooled", "recovery", 1, 1, dict.fromkeys(STATISTICS, np.nan), {})
    single = replace(figures("b", 2.0), intervals=dict.fromkeys(STATISTICS, (np.nan, np.nan)))
    found = rows(to_markdown(small(unknown, single)))
    assert found[2] == ["a", *["–"] * 7]
    assert found[3][:2] == ["b", "**2.00**"]


def test_a_difference_without_an_interval_stands_alone() -> None:
    shown = evaluation()
    pairs = [replace(each, interval=(np.nan, np.nan), p_bootstrap=np.nan) for each in shown.comparisons]
    assert "nan" not in to_markdown(replace(shown, comparisons=pairs))


def test_missing_estimates_are_told() -> None:
    assert "90 degrees: bad 2." in to_markdown(evaluation(failed=[1, 2]))
    assert "nothing to correct" not in to_markdown(evaluation())

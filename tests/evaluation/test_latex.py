"""Evaluations as LaTeX: known cells, balanced braces, and text that means nothing to TeX."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from awbkit.escaping import latex, latex_comment
from awbkit.evaluation.latex import to_latex
from awbkit.evaluation.result import Evaluation
from tests.helpers import evaluation_cases
from tests.helpers.hostile_text import HOSTILE

UNESCAPED = re.compile(r"(?<!\\)[&%#_^~]")


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluation_cases.evaluation()


def test_each_table_is_whole(evaluation: Evaluation) -> None:
    text = to_latex(evaluation, ("recovery", "reproduction"))
    tables = re.findall(r"\\begin\{table\}.*?\\end\{table\}", text, re.DOTALL)
    groups = {(summary.metric, summary.group) for summary in evaluation.summaries}
    assert len(tables) == len(groups) + 2
    for table in tables:
        assert re.findall(r"\\(toprule|midrule|bottomrule)", table) == ["toprule", "midrule", "bottomrule"]
        columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", table)
        assert columns is not None
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns[1])}
        assert table.count("{") == table.count("}")


def test_the_cells_are_the_figures(evaluation: Evaluation) -> None:
    text = to_latex(evaluation)
    for summary in evaluation.summaries:
        if summary.metric == "recovery":
            assert f"{summary.values['median']:.2f}" in text
    pooled = [s for s in evaluation.summaries if (s.metric, s.group) == ("recovery", "pooled")]
    assert rf"\textbf{{{min(s.values['max'] for s in pooled):.2f}}}" in text


def test_how_to_run_it_again_is_in_comments(evaluation: Evaluation) -> None:
    run = {"command": "awbkit evaluate 50%\nset", "python": "3.11.4", "numpy": "2.0", "platform": "Linux x86_64"}
    text = to_latex(replace(evaluation, facts={**evaluation.facts, "version": "0.1", "run": run}))
    head = text.partition("\n\n")[0].splitlines()
    assert all(line.startswith("% ") for line in head)
    assert "% Command: awbkit evaluate 50% set" in head
    assert "% Versions: awbkit 0.1, Python 3.11.4, numpy 2.0, Linux x86_64" in head


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("shades-of-gray:p=6", "shades-of-gray:p=6"),
        ("a_b & 50 % #1 $x$ {y}", r"a\_b \& 50 \% \#1 \$x\$ \{y\}"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("a--b,,c", "a-{}-b,{},c"),
        ("[2cm] *", "{[}2cm{]} {*}"),
        ("< 0.001", r"\textless{} 0.001"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_means_nothing_to_tex(text: str, escaped: str) -> None:
    assert latex(text) == escaped


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_cell(text: str) -> None:
    assert not UNESCAPED.search(latex(text))
    assert not re.search(r"\\(?!text|[&%$#_{}])", latex(text))
    for shown in (latex(text), latex_comment(text)):
        assert len(shown.splitlines()) <= 1
        assert shown.isprintable()

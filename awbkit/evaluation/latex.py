"""An evaluation as LaTeX tables for a paper, by the package booktabs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTIC_TITLES, STATISTICS
from awbkit.escaping import latex, latex_comment
from awbkit.evaluation.leaders import (
    best_figures,
    comparison_group,
    groups,
    ordered_pairs,
    summaries_of,
    table_figure,
)
from awbkit.evaluation.rerun import facts_in_lines
from awbkit.evaluation.result import Evaluation, Summary
from awbkit.evaluation.wording import p_text, size, training_note
from awbkit.spelling import count_text


def to_latex(evaluation: Evaluation, metrics: Sequence[str] = ("recovery",)) -> str:
    """A table for each group, the best of each column in bold, and a table of the pairwise comparisons.

    Args:
        evaluation: The evaluation.
        metrics: Some of ``METRICS``, in the order of the tables.

    Returns:
        LaTeX with a final line break, to be read by ``\\input``. Comments at the head say what it needs and how it
        was made.
    """
    comments = [
        r"Needs \usepackage{booktabs,textcomp}.",
        f"{evaluation.title}: {size(evaluation.truth)}. Protocol: {evaluation.protocol}",
        *(training_note(result) for result in evaluation.methods),
        *(
            f"{result.method}: {count_text(len(result.failures), 'image')} without an estimate, counted as 90 degrees"
            for result in evaluation.methods
            if result.failures
        ),
        *facts_in_lines(evaluation.facts),
    ]
    blocks = ["\n".join(f"% {latex_comment(line)}" for line in comments if line)]
    for metric in (metric for metric in metrics if metric in METRICS):
        blocks += [_group(evaluation, metric, group) for group in groups(evaluation, metric)]
    compared = {comparison.metric for comparison in evaluation.comparisons}
    blocks += [_comparisons(evaluation, metric) for metric in metrics if metric in compared]
    return "\n\n".join(blocks) + "\n"


def _group(evaluation: Evaluation, metric: str, group: str) -> str:
    found = summaries_of(evaluation, metric)
    rows = [found[result.method, group] for result in evaluation.methods if (result.method, group) in found]
    best = best_figures(rows)
    heads = ["Method", *(STATISTIC_TITLES[name].capitalize() for name in STATISTICS)]
    lines = [[latex(row.method), *(_cell(row, name, best[name]) for name in STATISTICS)] for row in rows]
    counted = f"{count_text(rows[0].images, 'image')}, {count_text(rows[0].scenes, 'scene')}"
    caption = (
        f"{metric.capitalize()} angular error in degrees, {latex(evaluation.title)}, {latex(group)}: {counted}. "
        "In parentheses: 95\\,\\% bootstrap interval over scenes."
    )
    return _table(caption, heads, lines, "l" + "r" * len(STATISTICS))


def _cell(row: Summary, name: str, best: float) -> str:
    value = row.values.get(name, math.nan)
    if not math.isfinite(value):
        return "--"
    text = f"\\textbf{{{value:.2f}}}" if table_figure(row, name) == best else f"{value:.2f}"
    low, high = row.intervals.get(name, (math.nan, math.nan))
    if name != "mean" or not (math.isfinite(low) and math.isfinite(high)):
        return text
    return f"{text} ({low:.2f}--{high:.2f})"


def _comparisons(evaluation: Evaluation, metric: str) -> str:
    group = comparison_group(evaluation)
    lines = []
    for pair in ordered_pairs(evaluation, group, metric):
        low, high = pair.interval
        ends = f" ({_signed(low)} to {_signed(high)})" if math.isfinite(low) and math.isfinite(high) else ""
        tests = [latex(p_text(p)) for p in (pair.p_wilcoxon, pair.p_bootstrap)]
        wins = f"{100 * pair.wins:.0f}\\,\\%"
        lines.append([latex(pair.first), latex(pair.second), _signed(pair.difference) + ends, wins, *tests])
    caption = (
        f"Pairs of methods, {latex(evaluation.title)}, {latex(group)}: difference of the mean {metric} errors in "
        "degrees with its 95\\,\\% interval, share of the scenes on which the first is better, and p by Wilcoxon's "
        "signed-rank test and by paired bootstrap, both over scenes and corrected by Holm's method."
    )
    heads = ["Better", "Worse", "Difference", "Wins", "$p$ (Wilcoxon)", "$p$ (bootstrap)"]
    return _table(caption, heads, lines, "llrrrr")


def _signed(value: float) -> str:
    return f"${value:+.2f}$"


def _table(caption: str, heads: Sequence[str], lines: Sequence[Sequence[str]], columns: str) -> str:
    rows = [" & ".join(cells) + r" \\" for cells in ([head.replace("%", r"\%") for head in heads], *lines)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            rows[0],
            r"\midrule",
            *rows[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )

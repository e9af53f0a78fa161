"""An evaluation as GitHub-flavoured Markdown, for a README or a paper's supplement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTIC_TITLES, STATISTICS
from awbkit.escaping import markdown
from awbkit.evaluation.leaders import best_figures, comparison_group, groups, ordered_pairs, summaries_of, table_figure
from awbkit.evaluation.rerun import facts_in_lines
from awbkit.evaluation.result import Evaluation, Summary
from awbkit.evaluation.wording import p_text, size, training_note
from awbkit.spelling import count_text


def to_markdown(evaluation: Evaluation, metrics: Sequence[str] = ("recovery",)) -> str:
    """Tables of all groups, with 95 % intervals and the best of each column in bold, then the pairwise comparisons.

    Args:
        evaluation: The evaluation.
        metrics: Some of ``METRICS``, in the order of the tables.

    Returns:
        Markdown with a final line break.
    """
    blocks = [f"**{markdown(evaluation.title)}**: {size(evaluation.truth)}. Protocol: {markdown(evaluation.protocol)}"]
    blocks += [f"{markdown(note)}." for result in evaluation.methods if (note := training_note(result))]
    for metric in (metric for metric in metrics if metric in METRICS):
        for group in groups(evaluation, metric):
            blocks += _group(evaluation, metric, group)
    compared = {comparison.metric for comparison in evaluation.comparisons}
    for metric in (metric for metric in metrics if metric in compared):
        blocks += _comparisons(evaluation, metric)
    failed = [(result.method, len(result.failures)) for result in evaluation.methods if result.failures]
    if failed:
        listed = ", ".join(f"{markdown(method)} {count:,}" for method, count in failed)
        blocks.append(f"Images without an estimate, counted as 90 degrees: {listed}.")
    if lines := facts_in_lines(evaluation.facts):
        blocks += ["To run it again:", "\n".join(f"- {markdown(line)}" for line in lines)]
    return "\n\n".join(blocks) + "\n"


def _group(evaluation: Evaluation, metric: str, group: str) -> list[str]:
    found = summaries_of(evaluation, metric)
    rows = [found[result.method, group] for result in evaluation.methods if (result.method, group) in found]
    best = best_figures(rows)
    head = f"{metric.capitalize()} angular error in degrees, {markdown(group)}, {count_text(rows[0].images, 'image')}"
    lines = [["method", *(STATISTIC_TITLES[name] for name in STATISTICS)]]
    lines += [[markdown(row.method), *(_cell(row, name, best[name]) for name in STATISTICS)] for row in rows]
    return [f"{head}; in parentheses the 95 % interval:", _table(lines)]


def _cell(row: Summary, name: str, best: float) -> str:
    value = row.values.get(name, math.nan)
    if not math.isfinite(value):
        return "–"
    text = f"**{value:.2f}**" if table_figure(row, name) == best else f"{value:.2f}"
    ends = row.intervals.get(name)
    return f"{text} ({ends[0]:.2f}–{ends[1]:.2f})" if ends and all(map(math.isfinite, ends)) else text


def _comparisons(evaluation: Evaluation, metric: str) -> list[str]:
    """Every pair of methods, the better first, on the group of the ranking, or else on all images."""
    group = comparison_group(evaluation)
    lines = [["better", "worse", "difference of means", "wins", "p (Wilcoxon)", "p (bootstrap)"]]
    for found in ordered_pairs(evaluation, group, metric):
        low, high = found.interval
        ends = f" ({low:+.2f} to {high:+.2f})" if math.isfinite(low) and math.isfinite(high) else ""
        difference = f"{found.difference:+.2f}{ends}".replace("-", "−")
        tests = [markdown(p_text(p)) for p in (found.p_wilcoxon, found.p_bootstrap)]
        lines.append([markdown(found.first), markdown(found.second), difference, f"{100 * found.wins:.0f} %", *tests])
    head = f"Pairs of methods, {metric} error in degrees, {markdown(group)}"
    return [f"{head}; difference with its 95 % interval, p Holm-corrected:", _table(lines)]


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Format a table whose first line is the head; columns of figures are aligned to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    words = sum(title in ("method", "better", "worse") for title in lines[0])
    rule = ["-" * max(width, 3) if at < words else "-" * (max(width, 3) - 1) + ":" for at, width in enumerate(widths)]

    def line(cells: Iterable[str]) -> str:
        padded = [c.ljust(widths[i]) if i < words else c.rjust(widths[i]) for i, c in enumerate(cells)]
        return f"| {' | '.join(padded)} |"

    return "\n".join([line(lines[0]), line(rule), *(line(cells) for cells in lines[1:])])

"""An evaluation on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from awbkit.colour.error_statistics import STATISTICS
from awbkit.escaping import printable
from awbkit.evaluation.leaders import pairs_of, ranking
from awbkit.evaluation.protocols import NO_FIT
from awbkit.evaluation.rerun import facts_in_lines
from awbkit.evaluation.result import POOLED, Calibration, Comparison, Evaluation, Summary
from awbkit.evaluation.wording import p_text, training_note
from awbkit.spelling import count_text

_TITLES = {"p95": "95th"}
_WIDE = 100
_MOST_PAIRS = 6


def print_evaluation(evaluation: Evaluation, metric: str, stream: TextIO) -> None:
    """The statistics of each group, comparisons, and calibrations.

    Args:
        evaluation: What to print.
        metric: The error, "recovery" or "reproduction".
        stream: The output, usually standard output.
    """
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    rows = [row for row in evaluation.summaries if row.metric == metric]
    groups = list(dict.fromkeys(row.group for row in rows))
    # With a single camera, its group and the pooled group are the same images.
    for group in groups[:1] if len(groups) == 2 else groups:
        _print_group(console, group, metric, [row for row in rows if row.group == group])
    notes = [note for result in evaluation.methods if (note := training_note(result))]
    for note in notes:
        console.print(Text(printable(note)))
    if notes:
        console.print()
    _print_comparisons(console, evaluation, metric)
    for found in evaluation.calibrations:
        console.print(Text(_calibration_sentence(found)))
    # That nothing was fitted goes without saying where nothing could be.
    if evaluation.protocol and evaluation.protocol != NO_FIT:
        console.print(Text(printable(evaluation.protocol), "dim"))
    if subset := evaluation.facts.get("subset"):
        console.print(Text(printable(f"only {subset}"), "dim"))
    for line in facts_in_lines(evaluation.facts):
        console.print(Text(printable(line), "dim"))


def _print_group(console: Console, group: str, metric: str, rows: Sequence[Summary]) -> None:
    count = count_text(rows[0].images, "image")
    if rows[0].scenes != rows[0].images:
        count += f", {count_text(rows[0].scenes, 'scene')}"
    console.print(Text.assemble((printable(group), "bold"), f"  {count}, {metric} error in degrees"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("method", overflow="fold", max_width=max(25, console.width - 71))
    intervals = console.width >= _WIDE
    for name in STATISTICS:
        table.add_column(_TITLES.get(name, name), justify="right", no_wrap=True)
        if intervals and name == "mean":
            table.add_column("95 % interval", justify="right", no_wrap=True)
    best = {name: min(row.values[name] for row in rows) for name in STATISTICS}
    for row in rows:
        cells: list[Text] = []
        for name in STATISTICS:
            value = row.values[name]
            leads = len(rows) > 1 and round(value, 2) == round(best[name], 2)
            cells.append(Text(f"{value:.2f}", "bold" if leads else ""))
            if intervals and name == "mean":
                low, high = row.intervals[name]
                cells.append(Text("" if math.isnan(low) else f"{low:.2f} to {high:.2f}", "dim"))
        table.add_row(printable(row.method), *cells)
    console.print(table)
    console.print()


def _print_comparisons(console: Console, evaluation: Evaluation, metric: str) -> None:
    # Each pair is there in both orders; print the one whose first method has the lower error.
    both = pairs_of(evaluation, POOLED, metric)
    turned = {frozenset(names): pair for names, pair in both.items() if pair.difference <= 0}
    pairs = list(turned.values())
    if len(pairs) > _MOST_PAIRS:
        best = ranking(evaluation)[1][0]
        pairs = [pair for pair in pairs if best in (pair.first, pair.second)]
    for pair in pairs:
        console.print(Text(_sentence(pair)))
    if pairs:
        console.print()


def _sentence(pair: Comparison) -> str:
    low, high = -pair.interval[1], -pair.interval[0]
    facts = [] if math.isnan(low) else [f"95 % interval {low:.2f} to {high:.2f}"]
    for name, p in (("Wilcoxon", pair.p_wilcoxon), ("bootstrap", pair.p_bootstrap)):
        if math.isfinite(p):
            facts.append(f"p {p_text(p) if p < 0.001 else f'= {p_text(p)}'} by {name}")
    first, second = printable(pair.first), printable(pair.second)
    if round(pair.difference, 2) == 0:
        sentence = f"{first} and {second} have the same mean recovery error"
    else:
        sentence = f"The mean recovery error of {first} is {-pair.difference:.2f}° lower than that of {second}"
    return f"{sentence} ({', '.join(facts)})" if facts else sentence


def _calibration_sentence(found: Calibration) -> str:
    method = printable(found.method)
    at_80 = found.risk[list(found.coverage).index(0.8)]
    if round(found.bias, 2) == 0:
        bias = f"On average {method} expects the errors that it makes"
    else:
        bias = (
            f"On average {method} expects an error {abs(found.bias):.2f}° too {'large' if found.bias > 0 else 'small'}"
        )
    order = found.rank_correlation
    rank = "" if math.isnan(order) else f" (rank correlation with the actual errors {order:.2f})"
    return (
        f"{bias}{rank}. The mean error is {found.risk[0]:.2f}°, and {at_80:.2f}° on the 80 % of the images with the "
        "smallest expected errors."
    )

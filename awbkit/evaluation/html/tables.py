"""The tables of the page: figures by method, pairs of methods, cameras, and failures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from awbkit.colour.error_statistics import STATISTIC_TITLES, STATISTICS
from awbkit.escaping import markup
from awbkit.evaluation.html.directions import CameraImages
from awbkit.evaluation.leaders import best_figures, groups, pairs_of, summaries_of, table_figure
from awbkit.evaluation.result import Calibration, Comparison, Evaluation, Summary
from awbkit.evaluation.wording import p_text
from awbkit.html.svg import element, figure_text, marker, shorten
from awbkit.spelling import count_text

_MAX_FAILURES = 20
_SIGNIFICANCE = 0.05


def key(method: int) -> str:
    """A method's mark from the charts, to stand beside its name."""
    mark = element("g", marker(method, 7, 7), class_=f"m{method}")
    return element("svg", mark, class_="key", viewBox="0 0 14 14", aria_hidden="true")


def figures_table(evaluation: Evaluation, metric: str, group: str) -> str:
    """A table of all statistics of all methods on one group, with intervals; the best of each column in bold."""
    found = summaries_of(evaluation, metric)
    names = [result.method for result in evaluation.methods]
    rows = [(index, found[name, group]) for index, name in enumerate(names) if (name, group) in found]
    best = best_figures([row for _, row in rows])
    columns = "".join(f'<th scope="col" class="number">{STATISTIC_TITLES[name]}</th>' for name in STATISTICS)
    lines = [
        f'<tr class="m{index}"><th scope="row">{key(index)}{markup(row.method)}</th>'
        + "".join(_figure_cell(row, name, best[name]) for name in STATISTICS)
        + "</tr>"
        for index, row in rows
    ]
    size = (
        f"{count_text(rows[0][1].images, 'image')}, {count_text(rows[0][1].scenes, 'scene')}" if rows else "no figures"
    )
    caption = f"{metric.capitalize()} angular error in degrees, {markup(group)}: {size}. Small: 95 % interval."
    table = _table("figures sortable", f"{metric} error, {group}", f'<th scope="col">method</th>{columns}', lines)
    return f'<p class="caption">{caption}</p>{table}'


def pairs(evaluation: Evaluation, metric: str, group: str) -> str:
    """A table of all pairs of methods on one group; row minus column, negative where the row is better."""
    found = pairs_of(evaluation, group, metric)
    names = [result.method for result in evaluation.methods]
    heads = "".join(
        f'<th scope="col" class="m{i}">{key(i)}{markup(shorten(name, 28))}</th>' for i, name in enumerate(names)
    )
    lines = []
    for row, first in enumerate(names):
        cells = "".join(
            f'<td class="m{at}"></td>' if row == at else _pair(found.get((first, names[at])), at)
            for at in range(len(names))
        )
        lines.append(f'<tr class="m{row}"><th scope="row">{key(row)}{markup(first)}</th>{cells}</tr>')
    scenes = next(iter(found.values())).scenes
    caption = (
        f"Row minus column, mean {metric} error in degrees, {markup(group)}: {count_text(scenes, 'scene')}. "
        "Below it the 95 % interval, the share of scenes on which the row is better, and p."
    )
    return f'<p class="caption">{caption}</p>' + _table(
        "pairs", f"Pairs of methods, {metric} error, {group}", f"<td></td>{heads}", lines
    )


def pair_groups(evaluation: Evaluation) -> list[str]:
    """The groups on which methods were compared, in the order of all groups."""
    present = list(dict.fromkeys(comparison.group for comparison in evaluation.comparisons))
    known = [group for group in groups(evaluation) if group in present]
    return known + [group for group in present if group not in known]


def calibrations_table(calibrations: Sequence[Calibration], methods: Mapping[str, int]) -> str:
    """The figures of calibration."""
    heads = ("images", "calibration error", "bias", "rank correlation", "area under risk", "the same, perfect")
    lines = [
        f'<tr><th scope="row">{key(methods[c.method])}{markup(c.method)}</th>'
        f'<td class="number">{c.images:,}</td>'
        + "".join(
            f'<td class="number">{figure_text(value)}</td>'
            for value in (c.calibration_error, c.bias, c.rank_correlation, *c.area)
        )
        + "</tr>"
        for c in calibrations
    ]
    columns = "".join(f'<th scope="col" class="number">{head}</th>' for head in heads)
    return _table("figures", "Calibration", f'<th scope="col">method</th>{columns}', lines)


def cameras(members: Sequence[CameraImages], scenes: Sequence[str]) -> str:
    """The cameras, a row for each camera of each data set."""
    lines = [
        f'<tr><th scope="row">{markup(each.label)}</th><td>{markup(each.dataset)}</td>'
        f'<td class="number">{len(each.indices):,}</td>'
        f'<td class="number">{len({scenes[index] for index in each.indices.tolist()}):,}</td>'
        f"<td>{'known' if each.camera.matrices else 'not known'}</td></tr>"
        for each in members
    ]
    heads = '<th scope="col">camera</th><th scope="col">data set</th><th scope="col" class="number">images</th>'
    heads += '<th scope="col" class="number">scenes</th><th scope="col">colour matrix</th>'
    return _table("plain", "Cameras", heads, lines)


def failures(evaluation: Evaluation) -> str:
    """The images without an estimate and the reasons, by method; long lists are cut."""
    parts = []
    for result in evaluation.methods:
        if not result.failures:
            continue
        listed = sorted(result.failures.items())
        named = [(evaluation.truth.images[index], reason) for index, reason in listed[:_MAX_FAILURES]]
        items = [
            f"<li><code>{markup(shorten(n, 120))}</code>: {markup(shorten(reason, 300))}</li>" for n, reason in named
        ]
        if len(listed) > _MAX_FAILURES:
            items.append(f"<li>and {len(listed) - _MAX_FAILURES:,} more</li>")
        summary = f"{markup(result.method)}: no estimate for {count_text(len(listed), 'image')}"
        parts.append(f"<details><summary>{summary}</summary><ul>{''.join(items)}</ul></details>")
    return "".join(parts)


def facts(value: object) -> str:
    """Nested facts as definition lists."""
    if isinstance(value, Mapping):
        items = [
            f"<dt>{markup(str(name).replace('_', ' '))}</dt><dd>{facts(each)}</dd>" for name, each in value.items()
        ]
        return f'<dl class="facts">{"".join(items)}</dl>'
    if isinstance(value, list | tuple):
        if any(isinstance(each, Mapping | list | tuple) for each in value):
            return "".join(facts(each) for each in value)
        return markup(", ".join(str(each) for each in value)) or "–"
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None or value == "" else markup(str(value))


def _table(kind: str, label: str, heads: str, lines: Sequence[str]) -> str:
    """A table in a frame that scrolls.

    Args:
        kind: Classes of the table.
        label: Its name for screen readers.
        heads: HTML of the cells of the head.
        lines: HTML of the rows.
    """
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{markup(label)}"><table class="{kind}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _figure_cell(row: Summary, name: str, best: float) -> str:
    value = row.values.get(name, math.nan)
    if not math.isfinite(value):
        return '<td class="number" data-v="1e9">–</td>'
    text = f"<b>{value:.2f}</b>" if table_figure(row, name) == best else f"{value:.2f}"
    low, high = row.intervals.get(name, (math.nan, math.nan))
    interval = f"<small>{low:.2f}–{high:.2f}</small>" if math.isfinite(low) and math.isfinite(high) else ""
    return f'<td class="number" data-v="{value:.6g}">{text}{interval}</td>'


def _pair(found: Comparison | None, column: int) -> str:
    if found is None:
        return f'<td class="m{column}">–</td>'
    p = found.p_wilcoxon
    side = "" if not p < _SIGNIFICANCE else "better" if found.difference < 0 else "worse"
    low, high = (figure_text(end) for end in found.interval)
    tested, sign = p_text(p), "+" if found.difference > 0 else ""
    return (
        f'<td class="{f"m{column} {side}".strip()}"><b>{sign}{figure_text(found.difference)}</b>'
        f"<small>{low} to {high}</small>"
        f"<small>{100 * found.wins:.0f} %, p {'' if tested.startswith('<') else '= '}{markup(tested)}</small></td>"
    )

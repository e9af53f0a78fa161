"""The sections of the page, from top to bottom, each a function from the evaluation to HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from awbkit.choices import METRICS
from awbkit.colour.image import LinearImage
from awbkit.escaping import markup
from awbkit.evaluation.html import tables
from awbkit.evaluation.html.charts import chromaticity as lights
from awbkit.evaluation.html.charts import confidence as belief
from awbkit.evaluation.html.charts import distribution
from awbkit.evaluation.html.controls import choice, method_boxes, to_labels
from awbkit.evaluation.html.directions import CameraImages, signed_errors_by_camera
from awbkit.evaluation.html.gallery import gallery
from awbkit.evaluation.leaders import groups, pairs_of, ranking, summaries_of
from awbkit.evaluation.result import FEWEST_SCENES, POOLED, Evaluation
from awbkit.evaluation.wording import p_text, size, training_note
from awbkit.html.scales import error_range, round_up
from awbkit.html.svg import figure_text, shorten
from awbkit.spelling import count_text


def metrics_of(evaluation: Evaluation) -> list[str]:
    """The metrics of the evaluation."""
    return [metric for metric in METRICS if metric in evaluation.methods[0].errors]


def head(evaluation: Evaluation) -> str:
    """Title, the result in two sentences, key figures and the protocol."""
    group, order = ranking(evaluation)
    failed = sum(len(result.failures) for result in evaluation.methods)
    tiles = [
        ("images", f"{len(evaluation.truth):,}", size(evaluation.truth).split(", ", 1)[1]),
        ("methods", f"{len(evaluation.methods)}", count_text(failed, "missing estimate") if failed else "all answered"),
    ]
    found = summaries_of(evaluation, "recovery").get((order[0], group))
    if found and np.isfinite(found.values.get("mean", np.nan)):
        low, high = found.intervals.get("mean", (np.nan, np.nan))
        interval = f"95 % interval {low:.2f}–{high:.2f}" if np.isfinite(low) else ""
        tiles.append(
            (f"lowest mean error, {group}", f"{found.values['mean']:.2f}°", f"{order[0]}; {interval}".strip("; "))
        )
        tiles.append(("its median", f"{found.values['median']:.2f}°", ""))
        tiles.append(("its worst 25 %", f"{found.values['worst25']:.2f}°", ""))
    cells = "".join(
        f"<div><dt>{markup(name)}</dt><dd>{markup(value)}<small>{markup(note)}</small></dd></div>"
        for name, value, note in tiles
    )
    notes = "".join(f"<p>{markup(note)}.</p>" for result in evaluation.methods if (note := training_note(result)))
    return (
        f"<header><h1>{markup(shorten(evaluation.title, 160))}</h1>"
        f'<p class="lead">{_verdict(evaluation, group, order)}</p>{notes}'
        f'<p class="quiet">Protocol: {markup(evaluation.protocol)}</p><dl class="tiles">{cells}</dl></header>'
    )


def controls(evaluation: Evaluation) -> str:
    """Controls of the whole page: the methods in the charts, and the error."""
    labels = [
        f"{tables.key(index)}<span>{markup(shorten(result.method, 48))}</span>"
        for index, result in enumerate(evaluation.methods)
    ]
    metrics = metrics_of(evaluation)
    chosen = choice("metric", "Error", to_labels(metrics)) if len(metrics) > 1 else ""
    return f'<div class="bar">{method_boxes(labels)}{chosen}</div>'


def results(evaluation: Evaluation) -> str:
    """The main table of each group, and a chart of all means."""
    metrics, names = metrics_of(evaluation), groups(evaluation)
    parts = [choice("group", "Images", to_labels(names))] if len(names) > 1 else []
    for at, metric in enumerate(metrics):
        present = {summary.group for summary in evaluation.summaries if summary.metric == metric}
        for place, group in enumerate(names):
            if group in present:
                table = tables.figures_table(evaluation, metric, group)
                parts.append(f'<div class="several" data-metric="{at}"><div data-group="{place}">{table}</div></div>')
    figures = [
        f'<figure data-metric="{at}"><h3>{title}</h3>'
        + distribution.intervals(_names(evaluation), names, summaries_of(evaluation, metric), metric, statistic)
        + "</figure>"
        for at, metric in enumerate(metrics)
        for statistic, title in (("mean", "Mean error"), ("worst25", "Mean of the worst 25 %"))
    ]
    note = (
        "Recovery error is the angle between the estimate and the true light in camera RGB. Reproduction error "
        "(Finlayson and Zakizadeh, 2014) is the angle between a corrected white surface and gray, the cast that stays "
        f"in the picture. Intervals: bootstrap of {FEWEST_SCENES} scenes or more. Geometric mean: over cameras."
    )
    return _section("results", "Results", note, *parts, _panels(figures, "several"))


def distributions(evaluation: Evaluation, members: Sequence[CameraImages]) -> str:
    """Cumulative curves of all images, and for each camera the shape of the errors."""
    names, panels = _names(evaluation), []
    for at, metric in enumerate(metrics_of(evaluation)):
        errors = [result.errors[metric] for result in evaluation.methods]
        curves = distribution.cumulative_curves(names, errors, metric)
        caption = "All images. Marks: 25, 50, 75 and 95 % of the images."
        panels.append(f'<figure data-metric="{at}">{curves}<figcaption class="reading">{caption}</figcaption></figure>')
        ends = error_range(np.concatenate(errors))
        for each in members:
            strip = distribution.strips(names, [values[each.indices] for values in errors], metric, ends)
            panels.append(f'<figure data-metric="{at}">{_camera_head(each)}{strip}</figure>')
    note = (
        "Up and to the left is better. By camera: the density of the errors, a thin line from the 5th to the 95th "
        "percentile, a thick one over the middle half, a gap at the median and the mark at the mean."
    )
    return _section("distributions", "Error distributions", note, _panels(panels, "several"))


def chromaticity(evaluation: Evaluation, members: Sequence[CameraImages]) -> str:
    """The true lights of each camera, and one method's estimates."""
    panels = [f"<figure>{_camera_head(each)}{lights.chromaticities(evaluation, each)}</figure>" for each in members]
    note = (
        "Gray: density of the true lights. Dots: estimates, larger where there are more. "
        f"Arrows: from the truth to the estimate for the {lights.ARROWS} greatest errors. Where the camera's matrix is "
        "known, axes are relative to D65, a line shows black bodies and a dashed one CIE daylight. To the right is "
        "warmer."
    )
    methods = _method_choice("method", "Estimates of", evaluation)
    return _section("lights", "Lights and estimates", note, methods, _panels(panels))


def direction(evaluation: Evaluation, members: Sequence[CameraImages]) -> str:
    """The directions of each method's errors."""
    truth = evaluation.truth.illuminants
    components = [signed_errors_by_camera(truth, result.estimates, members) for result in evaluation.methods]
    extent = np.abs(np.concatenate(components))
    extent = extent[np.isfinite(extent)]
    reach = round_up(max(float(np.percentile(extent, 95)), 1.0)) if extent.size else 1.0
    groups_of = [each.indices for each in members]
    panels = []
    for index, result in enumerate(evaluation.methods):
        chart = lights.directions(index, result.method, components[index], groups_of, reach)
        known = components[index][np.isfinite(components[index]).all(axis=1)]
        figures = "no estimates"
        if len(known):
            bias, spread = known.mean(axis=0).tolist(), known.std(axis=0).tolist()
            parts = [
                f"{_signed_text(mean)} ± {figure_text(deviation)}°"
                for mean, deviation in zip(bias, spread, strict=True)
            ]
            figures = f"along {parts[0]}, across {parts[1]}"
        panels.append(
            f"<figure><h3>{tables.key(index)}{markup(result.method)}</h3>{chart}<figcaption>{figures}</figcaption></figure>"
        )
    legend = ""
    if len(members) > 1:
        marks = zip(lights.letters(len(members)), members, strict=True)
        items = [f"<li><b>{letter}</b> {markup(each.label)}</li>" for letter, each in marks if letter]
        legend = f'<ol class="legend">{"".join(items)}</ol>'
    note = (
        "Each error as a warm or cool part along the locus of black bodies (without a camera matrix, along the main "
        "axis of the true lights) and a green or magenta part across it; the squares of the two add up to the square "
        "of the recovery error. A light estimated too warm makes the picture too cool. Letters are the means of single "
        "cameras; below are mean and standard deviation. Errors beyond the chart are drawn at its edge."
    )
    return _section("direction", "Where the errors point", note, legend, _panels(panels, "small"))


def confidence(evaluation: Evaluation) -> str:
    """Calibration and risk against coverage; empty if no method states an expected error."""
    if not evaluation.calibrations:
        return ""
    methods = {result.method: index for index, result in enumerate(evaluation.methods)}
    figures = [
        f"<figure>{plot(evaluation.calibrations, methods)}</figure>"
        for plot in (belief.reliability, belief.risk_coverage)
    ]
    note = (
        "First: groups of images with similar expected errors; on the line, the actual error equals the expected one. "
        "Second: the mean error of the most certain images alone (El-Yaniv and Wiener, 2010); dashed: with a perfect "
        "order of the images."
    )
    table = tables.calibrations_table(evaluation.calibrations, methods)
    return _section("confidence", "Stated confidence", note, _panels(figures, "several"), table)


def comparisons(evaluation: Evaluation) -> str:
    """Pairs of methods; empty for a single method."""
    names = tables.pair_groups(evaluation)
    if not names:
        return ""
    parts = [choice("pair", "Images", to_labels(names))] if len(names) > 1 else []
    compared = {(comparison.metric, comparison.group) for comparison in evaluation.comparisons}
    for place, metric in enumerate(metrics_of(evaluation)):
        shown = [
            f'<div data-pair="{at}">{tables.pairs(evaluation, metric, group)}</div>'
            for at, group in enumerate(names)
            if (metric, group) in compared
        ]
        parts.append(f'<div class="several" data-metric="{place}">{"".join(shown)}</div>')
    note = (
        "▼ and blue: the row has the lower error; ▲ and orange: the column has. Coloured where the Wilcoxon "
        "signed-rank test over scenes, Holm-corrected for the number of all pairs, has p < 0.05; the interval is by "
        "paired bootstrap. The switches above choose the error and the methods shown."
    )
    return _section("pairs", "Method against method", note, *parts)


def galleries(evaluation: Evaluation, images: Callable[[int], LinearImage], count: int, *, each: bool) -> str:
    """Galleries of the worst images of the best method, or of each; empty for a count of 0."""
    if count == 0:
        return ""
    shown = range(len(evaluation.methods)) if each else [_best_index(evaluation)]
    parts = [_method_choice("worst", "Worst of", evaluation) if each else ""]
    for index in shown:
        title = f"<h3>{tables.key(index)}{markup(evaluation.methods[index].method)}</h3>"
        parts.append(f'<div data-worst="{index}">{title}{gallery(evaluation, index, images, count)}</div>')
    number = count_text(min(count, len(evaluation.truth)), "image")
    note = (
        f"The {number} with the greatest recovery error. All three pictures have one exposure and go through the "
        "camera's matrix to sRGB; before is balanced for D65, or raw where the matrix is not known. Clipped and masked "
        "areas are gray, as bright as their surroundings. The pictures stay under the licences below."
    )
    return _section("worst", "The worst", note, *parts)


def basis(evaluation: Evaluation, members: Sequence[CameraImages]) -> str:
    """What was measured: cameras, data sets, licences, hashes, seeds, and failures."""
    failed = tables.failures(evaluation)
    missing = "<p>An image without an estimate counts as 90 degrees, the greatest possible error.</p>" if failed else ""
    return _section(
        "measured",
        "What was measured",
        "",
        tables.cameras(members, evaluation.truth.scenes),
        missing + failed,
        tables.facts(evaluation.facts) if evaluation.facts else "",
    )


def _section(name: str, title: str, note: str, *parts: str) -> str:
    explained = f'<p class="quiet">{note}</p>' if note else ""
    return f'<section id="{name}"><h2>{title}</h2>{explained}{"".join(parts)}</section>'


def _panels(figures: Sequence[str], kind: str = "") -> str:
    return f'<div class="{f"panels {kind}".strip()}">{"".join(figures)}</div>'


def _method_choice(name: str, legend: str, evaluation: Evaluation) -> str:
    """Radio buttons of the methods, the best one checked; empty for a single method."""
    names = _names(evaluation)
    return choice(name, legend, to_labels(names), _best_index(evaluation)) if len(names) > 1 else ""


def _names(evaluation: Evaluation) -> list[str]:
    return [result.method for result in evaluation.methods]


def _best_index(evaluation: Evaluation) -> int:
    return _names(evaluation).index(ranking(evaluation)[1][0])


def _camera_head(each: CameraImages) -> str:
    images = count_text(len(each.indices), "image")
    source = f"{each.dataset}, {images}" if each.dataset and each.dataset != each.label else images
    return f'<h3>{markup(each.label)} <span class="quiet">{markup(source)}</span></h3>'


def _signed_text(value: float) -> str:
    text = figure_text(value)
    return f"+{text}" if value > 0 and float(text) else text


def _verdict(evaluation: Evaluation, group: str, order: Sequence[str]) -> str:
    """The best method and its lead, in words."""
    images = count_text(len(evaluation.truth), "image")
    if len(order) == 1:
        return f"{markup(order[0])} on {images}."
    figure = summaries_of(evaluation, "recovery").get((order[0], group))
    by = f" ({markup(group)}: {figure_text(figure.values['mean'])}°)" if figure else ""
    text = f"Of {len(order)} methods on {images}, <b>{markup(order[0])}</b> has the lowest mean error{by}."
    found = pairs_of(evaluation, POOLED).get((order[0], order[1]))
    if found is None:
        return text
    side = "below" if found.difference < 0 else "above"
    low, high = (figure_text(end) for end in found.interval)
    return (
        f"{text} Over all images pooled it is {figure_text(abs(found.difference))}° {side} {markup(order[1])}, the "
        f"next (difference {low} to {high}, p {_p_relation(found.p_wilcoxon)})."
    )


def _p_relation(p: float) -> str:
    text = p_text(p)
    return markup(text) if text.startswith("<") else f"= {text}"

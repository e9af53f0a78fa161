"""The charts of an evaluation: scales, binning, directions of errors, and what is drawn where."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import angular_error
from awbkit.colour.temperature import cct_duv_to_xy, xy_to_cct_duv
from awbkit.escaping import markup
from awbkit.evaluation.html.charts.binning import bin_hexagons, density
from awbkit.evaluation.html.charts.chromaticity import chromaticities, directions, letters
from awbkit.evaluation.html.charts.confidence import reliability, risk_coverage
from awbkit.evaluation.html.charts.distribution import cumulative_curves, intervals, strips
from awbkit.evaluation.html.directions import group_by_camera, planckian_locus, signed_errors
from awbkit.evaluation.leaders import summaries_of
from awbkit.html.scales import Scale, error_range, pad_range, round_down, round_up
from awbkit.html.svg import element, figure_text, number, shorten
from tests.helpers.evaluation_cases import CAMERA, calibration, evaluation, unit

SVG = "{http://www.w3.org/2000/svg}"
positive = st.floats(1e-6, 1e6)


def parse(svg: str) -> ET.Element:
    """The chart as an XML tree; a chart that is not well-formed raises an error."""
    return ET.fromstring(svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


def marks(svg: str, series: str) -> list[tuple[float, float]]:
    """Places of the markers of one method."""
    group = next(each for each in parse(svg).iter(f"{SVG}g") if each.get("class") == f"series {series}")
    found = [each.get("transform", "") for each in group.iter(f"{SVG}path") if each.get("class", "").startswith("mark")]
    return [(float(x), float(y)) for x, y in (re.findall(r"-?[\d.]+", each) for each in found)]


@pytest.mark.parametrize(
    ("scale", "value", "place"),
    [
        (Scale(0, 10, 100, 200), 5, 150),
        (Scale(0, 10, 200, 100), 2.5, 175),
        (Scale(0.1, 10, 0, 100, log=True), 1, 50),
        (Scale(0, 10, 100, 200), 99, 200),
        (Scale(0.1, 10, 0, 100, log=True), 0, 0),
    ],
)
def test_numbers_have_places(scale: Scale, value: float, place: float) -> None:
    assert scale.at(value) == pytest.approx(place)


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 10, 0, 1), [0, 2, 4, 6, 8, 10]),
        (Scale(-0.31, 0.29, 0, 1), [-0.3, -0.2, -0.1, 0, 0.1, 0.2]),
        (Scale(0.1, 5, 0, 1, log=True), [0.1, 0.2, 0.5, 1, 2, 5]),
        (Scale(1.9, 6, 0, 1, log=True), [2, 5]),
    ],
)
def test_ticks_are_round(scale: Scale, ticks: list[float]) -> None:
    assert scale.ticks() == pytest.approx(ticks)


@given(positive)
def test_round_numbers_bracket_a_value(value: float) -> None:
    assert round_down(value) <= value * (1 + 1e-9)
    assert round_up(value) >= value * (1 - 1e-9)
    assert round_up(value) <= 2.5 * value * (1 + 1e-9)
    assert round_down(value) >= value / 2.5 * (1 - 1e-9)


@pytest.mark.parametrize(
    ("errors", "ends"),
    [
        ([0.3, 1.0, 30.0], (0.2, 50.0)),
        ([0.0, 0.0], (0.01, 0.1)),
        ([50.0, 170.0], (5.0, 200.0)),
        ([np.nan], (0.1, 10.0)),
    ],
)
def test_the_axis_of_errors(errors: list[float], ends: tuple[float, float]) -> None:
    assert error_range(np.array(errors)) == pytest.approx(ends)


@given(st.lists(st.floats(-1e3, 1e3), max_size=5))
def test_linear_axes_have_a_length(values: list[float]) -> None:
    low, high = pad_range(values)
    assert low < high
    assert all(low < value < high for value in values)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.5, 20))
def test_every_point_is_counted_in_the_hexagon_around_it(seed: int, radius: float) -> None:
    points = np.random.default_rng(seed).uniform(-100, 100, (200, 2))
    cells = bin_hexagons(points, radius)
    assert cells.counts.sum() == len(points)
    assert np.array_equal(np.bincount(cells.cell), cells.counts)
    away = np.linalg.norm(points - cells.centres[cells.cell], axis=1)
    assert away.max() <= radius * (1 + 1e-9)
    nearest = np.linalg.norm(points[:, None] - cells.centres, axis=2).min(axis=1)
    assert nearest == pytest.approx(away)


def test_density_peaks_where_the_values_are() -> None:
    values = np.random.default_rng(0).normal(2, 0.5, 20_000)
    heights, grid = density(values, -1, 5), np.linspace(-1, 5, 64)
    assert heights.max() == 1
    assert grid[heights.argmax()] == pytest.approx(2, abs=0.15)
    assert heights == pytest.approx(np.exp(-0.5 * ((grid - 2) / 0.5) ** 2), abs=0.06)


@pytest.mark.parametrize("values", [[1.0], [1.0] * 50, [-9.0, 99.0]])
def test_density_of_few_values(values: list[float]) -> None:
    heights = density(np.array(values), 0, 5)
    assert np.isfinite(heights).all()
    assert heights.max() == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 白", "plain é 白"),
        ("<script>", "&lt;script&gt;"),
        ("a\"b'c&d", "a&quot;b&#x27;c&amp;d"),
        ("line\nbreak", "line\\u{a}break"),
        ("rtl\u202egnp", "rtl\\u{202e}gnp"),
        ("\udcff.png", "\\u{dcff}.png"),
        ("\x00\x1b[31m", "\\u{0}\\u{1b}[31m"),
    ],
)
def test_foreign_text_cannot_act(text: str, shown: str) -> None:
    assert markup(text) == shown
    assert markup(text).encode("utf-8")


@pytest.mark.parametrize(
    ("value", "text"), [(1.25, "1.2"), (-0.04, "0"), (3.0, "3"), (-2.06, "-2.1"), (1234.5, "1234.5")]
)
def test_coordinates_are_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(1.005, "1.00"), (-0.004, "0.00"), (-1.5, "−1.50"), (np.nan, "–")])
def test_figures(value: float, text: str) -> None:
    assert figure_text(value) == text


@pytest.mark.parametrize(("text", "short"), [("abc", "abc"), ("abcdefghij", "abc…ij"), ("", "")])
def test_long_names_keep_both_ends(text: str, short: str) -> None:
    assert shorten(text, 6) == short


def test_attributes_are_escaped() -> None:
    tree = ET.fromstring(element("g", class_="a", aria_label='"><script>', x=1.26))
    assert tree.attrib == {"class": "a", "aria-label": '"><script>', "x": "1.3"}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([CAMERA, LINEAR_SRGB, Camera("no matrix")]))
def test_parts_of_an_error_add_up_to_the_angle(seed: int, camera: Camera) -> None:
    random = np.random.default_rng(seed)
    truth, estimates = np.exp(random.normal(0, 0.4, (2, 8, 3)))
    parts = signed_errors(truth, estimates, camera)
    angles = [angular_error(a, b) for a, b in zip(estimates.tolist(), truth.tolist(), strict=True)]
    assert np.hypot(*parts.T) == pytest.approx(angles)


def test_an_error_along_the_locus_has_no_green() -> None:
    truth = np.array([CAMERA.rgb_of_xy(*cct_duv_to_xy(cct)) for cct in (3000, 5000, 8000)])
    warmer = np.array([CAMERA.rgb_of_xy(*cct_duv_to_xy(cct)) for cct in (2900, 4800, 7500)])
    greener = np.array([CAMERA.rgb_of_xy(*cct_duv_to_xy(cct, 0.005)) for cct in (3000, 5000, 8000)])
    along, across = signed_errors(truth, warmer, CAMERA).T
    assert (along > 0.3).all()
    assert abs(across) == pytest.approx(0, abs=0.05)
    assert (signed_errors(truth, greener, CAMERA)[:, 1] > 0.5).all()
    assert signed_errors(warmer, truth, CAMERA)[:, 0] == pytest.approx(-along, abs=0.05)


def test_without_a_matrix_the_lights_themselves_tell_warm_from_cool() -> None:
    ccts = np.linspace(2500, 8000, 12)
    truth = np.array([CAMERA.rgb_of_xy(*cct_duv_to_xy(cct)) for cct in ccts])
    warmer = np.array([CAMERA.rgb_of_xy(*cct_duv_to_xy(0.95 * cct)) for cct in ccts])
    known, guessed = (signed_errors(truth, warmer, camera) for camera in (CAMERA, Camera("no matrix")))
    assert guessed[:, 0] == pytest.approx(known[:, 0], rel=0.1)


@pytest.mark.parametrize("camera", [CAMERA, Camera("no matrix")])
def test_missing_estimates_and_perfect_ones(camera: Camera) -> None:
    truth = np.array([[0.5, 1.0, 0.6], [0.5, 1.0, 0.6]])
    parts = signed_errors(truth, np.array([[np.nan] * 3, [1.0, 2.0, 1.2]]), camera)
    assert np.isnan(parts[0]).all()
    assert parts[1] == pytest.approx([0, 0], abs=1e-6)


def test_the_locus_lies_at_its_temperatures() -> None:
    locus = planckian_locus(CAMERA)
    assert locus is not None
    assert (np.diff(locus.ccts) < 0).all()
    for cct, rgb in zip(locus.ccts[::16].tolist(), locus.rgb[::16].tolist(), strict=True):
        xy = CAMERA.white_xy(rgb)
        assert xy is not None
        found = xy_to_cct_duv(*xy)
        assert found == pytest.approx((cct, 0), rel=1e-3, abs=1e-5)
    assert planckian_locus(Camera("no matrix")) is None


def test_images_are_grouped_by_data_set_and_camera() -> None:
    shown = evaluation(6, cameras=(("one", "Canon"), ("two", "Canon"), ("two", "")))
    members = group_by_camera(shown.truth)
    assert [(each.dataset, each.label, each.indices.tolist()) for each in members] == [
        ("one", "Canon", [0, 3]),
        ("two", "Canon", [1, 4]),
        ("two", "two", [2, 5]),
    ]


def test_the_cumulative_curve_reads_the_quantiles() -> None:
    errors = np.geomspace(0.5, 50, 1001)
    svg = cumulative_curves(["only"], [errors], "recovery")
    data = parse(svg).attrib
    axis = Scale(*(float(data[f"data-{end}"]) for end in ("low", "high", "left", "right")), log=True)
    quantiles = np.quantile(errors, (0.25, 0.5, 0.75, 0.95))
    assert [x for x, _ in marks(svg, "m0")] == pytest.approx(axis(quantiles).tolist(), abs=0.06)
    assert "only 5.00" in data["aria-label"]
    line = next(each for each in parse(svg).iter(f"{SVG}path") if each.get("class") == "line").get("d", "")
    points = np.array([pair.split() for pair in line[1:].split("L")], dtype=float)
    assert np.interp(axis.at(5.0), points[:, 0], points[:, 1]) == pytest.approx((300 + 26) / 2, abs=1)
    assert (np.diff(points[:, 1]) <= 0).all()


def test_strips_show_quartiles_where_they_are() -> None:
    errors = np.geomspace(1, 10, 101)
    svg = strips(["only"], [errors], "recovery", (0.1, 100.0))
    box = next(each for each in parse(svg).iter(f"{SVG}path") if each.get("class") == "box").get("d", "")
    axis = Scale(0.1, 100, 8, 432, log=True)
    start, _, end = (float(value) for value in re.findall(r"[\d.]+", box))
    assert [start, end] == pytest.approx(axis(np.percentile(errors, (25, 75))).tolist(), abs=0.06)
    assert f"mean {errors.mean():.2f}, median 3.16" in "".join(parse(svg).itertext())


def test_intervals_are_drawn_in_order_of_the_figures() -> None:
    shown = evaluation(80, methods=("a", "b", "c"))
    svg = intervals(["a", "b", "c"], ["pooled"], summaries_of(shown, "recovery"), "recovery", "mean")
    places = [marks(svg, f"m{index}")[0][0] for index in range(3)]
    assert places == sorted(places)


def test_chromaticities_show_lights_arrows_and_locus() -> None:
    shown = evaluation(60, cameras=(("one", "Canon"),))
    (canon,) = group_by_camera(shown.truth, lambda index: CAMERA)
    tree = parse(chromaticities(shown, canon, arrows=5))
    classes = [each.get("class", "") for each in tree.iter(f"{SVG}path")]
    assert classes.count("arrow") == 10
    assert "planckian" in classes
    assert "daylight" in classes
    worst = shown.truth.images[int(shown.methods[0].errors["recovery"].argmax())]
    assert any((each.text or "").startswith(worst) for each in tree.iter(f"{SVG}title"))
    plain = chromaticities(shown, replace(canon, camera=Camera("Canon")), arrows=0)
    assert "planckian" not in plain
    assert "D65" not in plain


def test_estimates_far_outside_are_counted_and_pointed_to() -> None:
    shown = evaluation(300, methods=("only",), cameras=(("one", "Canon"),))
    result = shown.methods[0]
    result.estimates[0] = unit(np.array([1.0, 1e-4, 1e-4]))
    result.errors["recovery"][0] = 60.0
    (canon,) = group_by_camera(shown.truth, lambda index: CAMERA)
    svg = chromaticities(shown, canon, arrows=1)
    assert "1 outside" in svg
    arrow = next(each for each in parse(svg).iter(f"{SVG}path") if each.get("class") == "arrow").get("d", "")
    assert max(float(value) for value in re.findall(r"(?<=L)[\d.]+", arrow)) <= 432


def test_directions_mark_the_mean_of_each_camera() -> None:
    components = np.repeat([[2.0, 1.0], [-1.0, 0.0], [np.nan, np.nan]], 4, axis=0)
    groups = [np.arange(4), np.arange(4, 8), np.arange(8, 12)]
    tree = parse(directions(0, "only", components, groups, 5.0))
    bias = [each for each in tree.iter(f"{SVG}circle") if each.get("class") == "bias"]
    axis = Scale(-5, 5, 30, 410)
    assert [float(each.get("cx", "")) for each in bias] == pytest.approx([axis.at(2), axis.at(-1)], abs=0.06)
    assert "mean 0.50 degrees too warm, 0.50 degrees too green" in tree.attrib["aria-label"]


def test_letters_end_with_the_alphabet() -> None:
    assert letters(3) == ["A", "B", "C"]
    assert letters(28)[25:] == ["Z", "", ""]
    parse(directions(0, "many", np.zeros((28, 2)), [np.array([index]) for index in range(28)], 1.0))


def test_calibration_lies_on_the_line_where_it_is_right() -> None:
    stated = calibration(evaluation().methods[0])
    honest = [each.__class__(each.images, each.expected, each.expected, each.interval) for each in stated.bins]
    svg = reliability([stated.__class__(**{**vars(stated), "bins": honest})], {"good": 0})
    # Both axes run from 0 to the same number: 40 to 432 across, 300 to 26 up.
    assert [(x - 40) / 392 for x, _ in marks(svg, "m0")] == pytest.approx(
        [(300 - y) / 274 for _, y in marks(svg, "m0")], abs=1e-3
    )


def test_bins_without_an_interval_have_a_mark_but_no_whisker() -> None:
    stated = calibration(evaluation().methods[0])
    bins = [replace(each, interval=(np.nan, np.nan)) if place else each for place, each in enumerate(stated.bins)]
    svg = reliability([replace(stated, bins=bins)], {"good": 0})
    assert "nan" not in svg
    assert svg.count('class="whisker"') == 1
    assert len(marks(svg, "m0")) == len(bins)


def test_a_method_without_estimates_has_no_mean() -> None:
    tree = parse(directions(0, "silent", np.full((3, 2), np.nan), [np.arange(3)], 5.0))
    assert tree.attrib["aria-label"] == "Signed errors of silent: no estimates."


def test_risk_falls_with_coverage_from_right_to_left() -> None:
    svg = risk_coverage([calibration(evaluation().methods[0])], {"good": 0})
    places = marks(svg, "m0")
    assert places[0][0] == 428
    assert [x for x, _ in places] == sorted((x for x, _ in places), reverse=True)
    assert [y for _, y in places] == sorted(y for _, y in places)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return float(
        np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
    )


@pytest.mark.parametrize("theme", [0, 1])
def test_colours_can_be_seen(theme: int) -> None:
    """WCAG 2.2: text 4.5 to 1, graphics 3 to 1."""
    style = files("awbkit.html").joinpath("base.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style.split(":root")[theme + 1].split("}")[0]))

    def contrast(name: str, ground: str = "paper") -> float:
        lighter, darker = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)

    assert min(contrast(f"p{index}") for index in range(8)) >= 3
    assert min(contrast(name, ground) for name in ("ink", "quiet", "link") for ground in ("paper", "faint")) >= 4.5
    assert min(contrast("ink", ground) for ground in ("good", "bad")) >= 4.5

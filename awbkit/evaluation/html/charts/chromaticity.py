"""Charts of lights and their estimates, and of the errors' directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.temperature import daylight_xy
from awbkit.evaluation.html.charts.binning import Cells, bin_hexagons
from awbkit.evaluation.html.directions import CameraImages, log_chroma, planckian_locus
from awbkit.evaluation.result import Evaluation
from awbkit.html.scales import Scale
from awbkit.html.svg import (
    WIDTH,
    chart,
    dots,
    element,
    figure_text,
    hexagons,
    horizontal_axis,
    label,
    number,
    polyline,
    series,
    title,
    vertical_axis,
)
from awbkit.spelling import count_text

ARROWS = 8
"""Number of the greatest errors that a plot of chromaticities shows one by one."""

_CELL = 7.0
_MAX_SINGLE_DOTS = 2
"""Greatest number of estimates in a cell that are drawn one by one."""

_LABEL_CCTS = (2000, 2500, 3000, 4000, 5000, 6500, 10_000)
_DAYLIGHT = np.geomspace(4000, 25_000, 24)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def chromaticities(evaluation: Evaluation, members: CameraImages, arrows: int = ARROWS) -> str:
    """True lights and estimates of one camera in log-chromaticity, relative to D65 where the camera has a matrix.

    The density of the truth is grey. Estimates are dots that grow with their number; arrows lead from truth to estimate
    for the greatest errors. The chart contains all methods, and the page shows one of them at a time.

    Args:
        evaluation: The evaluation.
        members: The images of the camera.
        arrows: Number of arrows.
    """
    indices, white = members.indices, members.camera.white_d65
    base = white or (1.0, 1.0, 1.0)
    lights = log_chroma(evaluation.truth.illuminants[indices], base)
    guesses = [log_chroma(result.estimates[indices], base) for result in evaluation.methods]
    x, y = _square_axes(lights, guesses)
    against = " − that of D65" if white else ""
    parts = [
        *horizontal_axis(x, y.end, y.start, f"ln(r/g){against}"),
        *vertical_axis(y, x.start, x.end, f"ln(b/g){against}"),
    ]
    places = np.stack([x(lights[:, 0]), y(lights[:, 1])], axis=1)
    cells = bin_hexagons(places, _CELL)
    parts += _hexagons("truth", cells, _CELL)
    for index, (result, guess) in enumerate(zip(evaluation.methods, guesses, strict=True)):
        errors = result.errors["recovery"][indices]
        shown = _are_within(guess, x, y)
        drawn = [title(result.method), *_dots(np.stack([x(guess[shown, 0]), y(guess[shown, 1])], axis=1))]
        estimated = np.asarray(np.isfinite(guess).all(axis=1))
        if outside := int((estimated & ~shown).sum()):
            drawn.append(label(x.end, y.end - 10, f"{outside:,} outside", class_="tick", text_anchor="end"))
        worst = [i for i in np.argsort(-errors, kind="stable").tolist() if estimated[i]][:arrows]
        for i in worst:
            tip = f"{evaluation.truth.images[indices[i]]}: {figure_text(errors[i])}°"
            end = lights[i] + _share_within(lights[i], guess[i], x, y) * (guess[i] - lights[i])
            path = _arrow(places[i], np.array([x.at(end[0]), y.at(end[1])]))
            drawn.append(element("path", title(tip), class_="arrow", d=path))
        parts.append(element("g", series(index, drawn), data_method=str(index)))
    parts += _loci(members.camera, x, y)
    description = (
        f"True lights of {members.label}, {count_text(len(indices), 'image')}, and the estimates, in log-chromaticity."
    )
    return chart(y.start + 40, description, parts)


def directions(
    method: int,
    name: str,
    components: NDArray[np.float64],
    groups: Sequence[NDArray[np.intp]],
    reach: float,
) -> str:
    """The signed errors of one method: a cloud, rings of equal error, and the mean of each group as a letter.

    Args:
        method: Index of the method.
        name: Its name.
        components: (N, 2) degrees, along the lights and across them, NaN without an estimate.
        groups: Indices of each group's images.
        reach: Half the side of the chart, degrees; errors beyond it are drawn at the edge.
    """
    x, y = Scale(-reach, reach, 30, WIDTH - 30), Scale(-reach, reach, WIDTH - 50, 10)
    parts = [*horizontal_axis(x, y.end, y.start, "too cool  ←  along the lights, degrees  →  too warm")]
    ticks = y.ticks(6)
    parts.append(
        element(
            "path", class_="grid", d="".join(f"M{number(x.start)} {number(y.at(v))}H{number(x.end)}" for v in ticks)
        )
    )
    parts += [label(x.start - 4, y.at(v) + 4, figure_text(v, 0), class_="tick", text_anchor="end") for v in ticks]
    finite = np.asarray(np.isfinite(components).all(axis=1))
    known = components[finite]
    if len(known):
        cells = bin_hexagons(np.stack([x(known[:, 0]), y(known[:, 1])], axis=1), 8)
        parts.append(series(method, _hexagons("cell", cells, 8)))
    for radius in (value for value in x.ticks(6) if value > 0):
        size = number(x.at(radius) - x.at(0))
        parts.append(element("circle", class_="ring", cx=x.at(0), cy=y.at(0), r=size))
    cross = f"M{number(x.at(0))} {number(y.start)}V{number(y.end)}M{number(x.start)} {number(y.at(0))}H{number(x.end)}"
    parts.append(element("path", class_="zero", d=cross))
    parts.append(label(x.at(0) + 6, y.end + 13, "↑ too green", class_="axis"))
    parts.append(label(x.at(0) + 6, y.start - 7, "↓ too magenta", class_="axis"))
    for letter, indices in zip(_LETTERS, groups, strict=False):
        chosen = components[indices[finite[indices]]]
        if len(chosen):
            along, across = chosen.mean(axis=0).tolist()
            parts.append(element("circle", class_="bias", cx=x.at(along), cy=y.at(across), r=9.0))
            parts.append(label(x.at(along), y.at(across) + 4.5, letter, class_="letter", text_anchor="middle"))
    mean = "no estimates"
    if len(known):
        along, across = known.mean(axis=0).tolist()
        mean = f"mean {along:.2f} degrees too warm, {across:.2f} degrees too green"
    description = f"Signed errors of {name}: {mean}."
    return chart(WIDTH - 10, description, parts)


def letters(count: int) -> list[str]:
    """Letters of the groups in :func:`directions`; empty for groups beyond the alphabet, which have no mark."""
    return [*_LETTERS[:count], *[""] * (count - len(_LETTERS))]


def _hexagons(kind: str, cells: Cells, radius: float) -> list[str]:
    """A path of the cells of each level."""
    return [
        element("path", class_=f"{kind} d{level}", d=hexagons(cells.centres[cells.levels == level], radius))
        for level in sorted(set(cells.levels.tolist()))
    ]


def _square_axes(lights: NDArray[np.float64], guesses: Sequence[NDArray[np.float64]]) -> tuple[Scale, Scale]:
    """Axes of equal scale that contain all true lights and all but the most distant 1 % of the estimates."""
    known = [guess[np.isfinite(guess).all(axis=1)] for guess in guesses]
    ends = [np.percentile(guess, (0.5, 99.5), axis=0) for guess in known if len(guess)]
    points = np.concatenate([lights, *ends])
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(float((high - low).max()) * 0.54, 0.05)
    middle = (low + high) / 2
    x = Scale(middle[0] - half, middle[0] + half, 48, WIDTH - 8)
    return x, Scale(middle[1] - half, middle[1] + half, 26 + x.end - x.start, 26)


def _dots(points: NDArray[np.float64]) -> list[str]:
    """Dots of estimates; many in one cell become one dot that grows with their number."""
    cells = bin_hexagons(points, _CELL)
    alone = cells.counts[cells.cell] <= _MAX_SINGLE_DOTS
    drawn = [element("path", class_="estimates", d=dots(points[alone]), stroke_width="2.4")] if alone.any() else []
    for level in range(5):
        chosen = cells.centres[(cells.levels == level) & (cells.counts > _MAX_SINGLE_DOTS)]
        if len(chosen):
            drawn.append(element("path", class_="estimates", d=dots(chosen), stroke_width=number(3.2 + 2 * level)))
    return drawn


def _share_within(start: NDArray[np.float64], end: NDArray[np.float64], x: Scale, y: Scale) -> float:
    """The share, 0 to 1, of a line from a point within the axes that lies within them."""
    share = 1.0
    for scale, begin, stop in zip((x, y), start.tolist(), end.tolist(), strict=True):
        edge = scale.high if stop > begin else scale.low
        if not scale.low <= stop <= scale.high:
            share = min(share, max((edge - begin) / (stop - begin), 0.0))
    return share


def _arrow(start: NDArray[np.float64], end: NDArray[np.float64]) -> str:
    """Path data of an arrow with a ring at its start."""
    length = float(np.hypot(*(end - start)))
    foot = f"M{number(start[0] - 2)} {number(start[1])}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0"
    if length < 1:
        return foot
    ahead = (end - start) / length
    side = np.array([-ahead[1], ahead[0]])
    barbs = [end - 6 * ahead + 2.6 * side, end, end - 6 * ahead - 2.6 * side]
    head = "L".join(f"{number(px)} {number(py)}" for px, py in barbs)
    return f"{foot}M{number(start[0])} {number(start[1])}L{number(end[0])} {number(end[1])}M{head}"


def _loci(camera: Camera, x: Scale, y: Scale) -> list[str]:
    """Planckian locus with temperatures, and the daylight locus, as far as they lie within the axes."""
    white, locus = camera.white_d65, planckian_locus(camera)
    if white is None or locus is None:
        return []
    parts = []
    daylights = [camera.rgb_of_xy(*daylight_xy(cct)) for cct in _DAYLIGHT.tolist()]
    colours = [rgb for rgb in daylights if rgb is not None]
    for kind, tip, rgb in (("planckian", "black bodies", locus.rgb), ("daylight", "CIE daylight", np.array(colours))):
        points = log_chroma(rgb, white) if len(rgb) else np.empty((0, 2))
        points = points[_are_within(points, x, y)]
        if len(points) > 1:
            parts.append(element("path", title(tip), class_=kind, d=polyline(x(points[:, 0]), y(points[:, 1]))))
    for cct in _LABEL_CCTS:
        nearest = int(np.argmin(abs(locus.ccts / cct - 1)))
        point = log_chroma(locus.rgb[nearest : nearest + 1], white)
        if _are_within(point, x, y)[0] and abs(locus.ccts[nearest] / cct - 1) < 0.05:
            px, py = x.at(point[0, 0]), y.at(point[0, 1])
            parts.append(element("circle", class_="kelvin", cx=px, cy=py, r=2.4))
            if py > y.end + 14:
                parts.append(label(px + 6, py - 5, f"{cct} K", class_="over"))
    return parts


def _are_within(points: NDArray[np.float64], x: Scale, y: Scale) -> NDArray[np.bool_]:
    """Whether each point (N, 2) lies within the axes; NaN does not."""
    low, high = np.array([x.low, y.low]), np.array([x.high, y.high])
    return np.asarray(np.all((points >= low) & (points <= high), axis=1))

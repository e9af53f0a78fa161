"""Figures of an evaluation for a paper, as SVG and PDF, one column wide, drawn by matplotlib.

The methods differ in colour, line and mark, so that the figures can be read in print without colours.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from awbkit.errors import MissingExtra, UsageError, warn
from awbkit.escaping import printable
from awbkit.evaluation.leaders import groups, summaries_of
from awbkit.evaluation.rerun import facts_in_lines
from awbkit.evaluation.result import Evaluation
from awbkit.html.scales import error_range
from awbkit.html.svg import shorten
from awbkit.store.outputs import IfExists, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("svg", "pdf")

_WIDTH = 3.4
"""Inches: one column of a page of two."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by readers who do not see all colours (M. Okabe and K. Ito, Color Universal Design, 2008)."""

_LINES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)))
_MARKS = ("o", "s", "^", "D", "v", "P", "*", "X")
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)

_STYLE: dict[str, Any] = {
    "font.size": 8,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws the same
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.85",
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.fonttype": "path",
    "svg.hashsalt": "awbkit",
    "text.parse_math": False,
    "axes.unicode_minus": True,
}


def check_figures(folder: Path, if_exists: IfExists) -> None:
    """See, before any work, that figures can be drawn and written.

    Raises:
        MissingExtra: If matplotlib is not installed.
        UsageError: If a figure exists and must not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("--figures", "figures") from None
    if if_exists is IfExists.FAIL:
        for name in (f"{figure}.{kind}" for figure in _FIGURES for kind in KINDS):
            if (folder / name).exists():
                raise UsageError(f"--figures {folder / name}: exists already; --if-exists replace or skip settles it")


def write_figures(folder: Path, evaluation: Evaluation, metric: str, if_exists: IfExists) -> list[Path]:
    """Write each figure that the evaluation has the numbers for, as SVG and as PDF.

    The same evaluation gives the same bytes. Metadata of the files say how to run it again.

    Args:
        folder: Created where it is missing.
        evaluation: What to draw.
        metric: The error, "recovery" or "reproduction"; confidence is always about the recovery error.
        if_exists: Action where a file exists.

    Returns:
        The files written.

    Raises:
        OutputError: If a file exists and must not, or cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    written = []
    # A user's own settings change nothing; and the backend, which a context would not restore, is not touched.
    settings: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    with matplotlib.rc_context(settings | _STYLE):
        for name, draw in _FIGURES.items():
            figure = Figure(figsize=(_WIDTH, _height(name, evaluation)), layout="constrained")
            if not draw(figure.add_subplot(), evaluation, metric):
                continue
            for kind in KINDS:
                path = folder / f"{name}.{kind}"
                stream = io.BytesIO()
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    figure.savefig(stream, format=kind, metadata=_metadata(kind, evaluation))
                if any("missing from" in str(each.message) for each in caught):
                    warn(path, "its font lacks some characters of the names", "rename the methods or data sets")
                if write_whole(path, if_exists, stream.getvalue()):
                    written.append(path)
    return written


def _cumulative(axes: Axes, evaluation: Evaluation, metric: str) -> bool:
    """Share of the images with at most each error."""
    errors = [result.errors[metric] for result in evaluation.methods]
    low, high = error_range(np.concatenate(errors))
    for index, (result, values) in enumerate(zip(evaluation.methods, errors, strict=True)):
        reached = np.arange(1, len(values) + 1) / len(values)
        axes.step(np.sort(values), reached, where="post", **_line(index), label=_label(result.method))
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1)
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(f"{metric} angular error (degrees)")
    axes.set_ylabel("share of images")
    _legend(axes)
    return True


def _means(axes: Axes, evaluation: Evaluation, metric: str) -> bool:
    """Mean error of each group, with its 95 % interval."""
    found, names = summaries_of(evaluation, metric), groups(evaluation, metric)
    count = len(evaluation.methods)
    for index, result in enumerate(evaluation.methods):
        rows = [(place, found[result.method, group]) for place, group in enumerate(names)]
        at = [place + 0.7 * ((index + 0.5) / count - 0.5) for place, _ in rows]
        middle = np.array([row.values["mean"] for _, row in rows])
        ends = np.array([row.intervals.get("mean", (np.nan, np.nan)) for _, row in rows])
        reach = np.abs(ends - middle[:, None]).T
        style: dict[str, Any] = {"color": _COLOURS[index % len(_COLOURS)], "marker": _MARKS[index % len(_MARKS)]}
        axes.errorbar(middle, at, xerr=reach, linestyle="none", elinewidth=0.9, **style, label=_label(result.method))
    axes.set_yticks(range(len(names)), [_label(name, 26) for name in names], fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"mean {metric} error (degrees)", loc="right")
    _legend(axes)
    return True


def _risk(axes: Axes, evaluation: Evaluation, metric: str) -> bool:
    """Mean error of the most certain images; thin, with a perfect order of the images."""
    for index, each in _calibrated(evaluation):
        share = [100 * value for value in each.coverage]
        axes.plot(share, each.risk, **_line(index), label=_label(each.method))
        axes.plot(share, each.oracle, color=_COLOURS[index % len(_COLOURS)], linewidth=0.6)
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("images kept, the most certain first (%)")
    axes.set_ylabel("mean recovery error (degrees)")
    _legend(axes)
    return bool(evaluation.calibrations)


def _calibration(axes: Axes, evaluation: Evaluation, metric: str) -> bool:
    """Actual against expected error, by bins of similar expected error."""
    high = 0.0
    for index, each in _calibrated(evaluation):
        expected = [one.expected for one in each.bins]
        actual = np.array([one.actual for one in each.bins])
        reach = np.abs(np.array([one.interval for one in each.bins]) - actual[:, None]).T
        style = {**_line(index), "marker": _MARKS[index % len(_MARKS)]}
        axes.errorbar(expected, actual, yerr=reach, elinewidth=0.7, **style, label=_label(each.method))
        high = max(high, *expected, *actual.tolist())
    axes.plot([0, high], [0, high], color="0.5", linewidth=0.6)
    axes.set_xlim(0, 1.05 * high or 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("expected error (degrees)")
    axes.set_ylabel("mean recovery error (degrees)")
    _legend(axes)
    return bool(evaluation.calibrations)


_FIGURES: dict[str, Callable[[Any, Evaluation, str], bool]] = {
    "cumulative": _cumulative,
    "means": _means,
    "risk-coverage": _risk,
    "calibration": _calibration,
}
"""The figures by the names of their files; each says whether the evaluation has the numbers for it."""


def _calibrated(evaluation: Evaluation) -> Iterator[tuple[int, Any]]:
    """The calibrations, each with the index of its method, which decides on its colour."""
    places = {result.method: index for index, result in enumerate(evaluation.methods)}
    return ((places[each.method], each) for each in evaluation.calibrations)


def _height(name: str, evaluation: Evaluation) -> float:
    legend = 0.13 * -(-len(evaluation.methods) // 2)
    if name != "means":
        return 2.3 + legend
    return 0.7 + legend + len(groups(evaluation)) * (0.12 + 0.11 * len(evaluation.methods))


def _line(index: int) -> dict[str, Any]:
    return {"color": _COLOURS[index % len(_COLOURS)], "linestyle": _LINES[index % len(_LINES)]}


def _label(name: str, length: int = 32) -> str:
    # matplotlib leaves out of legends what begins with an underscore.
    text = shorten(printable(" ".join(name.split())), length)
    return f" {text}" if text.startswith("_") else text


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.figure.legend(handles, labels, loc="outside upper center", ncols=2)


def _metadata(kind: str, evaluation: Evaluation) -> dict[str, str | None]:
    title = printable(evaluation.title)
    facts = "\n".join(map(printable, _lines(evaluation)))
    if kind == "svg":
        return {"Title": title, "Description": facts, "Creator": "awbkit", "Date": None}
    return {"Title": title, "Subject": facts, "Creator": "awbkit", "CreationDate": None}


def _lines(evaluation: Evaluation) -> Sequence[str]:
    return [f"Protocol: {evaluation.protocol}", *facts_in_lines(evaluation.facts)]

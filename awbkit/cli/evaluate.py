"""`awbkit evaluate`: errors of estimators on labelled images, with confidence intervals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from awbkit.choices import Metric, ProtocolName
from awbkit.cli import options
from awbkit.cli.terminal import say
from awbkit.errors import CheckFailed, UsageError, collect_warnings
from awbkit.escaping import csv_line, json_text, printable
from awbkit.spelling import count_text
from awbkit.store.outputs import IfExists

if TYPE_CHECKING:
    from awbkit.evaluation.result import Evaluation, MethodResult, Truth

_what_option = options.panel("What to judge")
_how_option = options.panel("How")
_show_option = options.panel("What to show")
_check_option = options.panel("Checks: exit code 3 if any method errs more, in degrees")


def _limit(value: float | None) -> float | None:
    if value is not None and not value >= 0:
        raise typer.BadParameter(f"a limit is a number of degrees, not {value:g}")
    return value


Limit = Annotated[float | None, _check_option(metavar="DEG", callback=_limit)]


def evaluate(
    prepared: Annotated[
        list[Path] | None, typer.Argument(metavar="PREPARED...", help="Folders that `dataset prepare` made.")
    ] = None,
    method: Annotated[
        list[str] | None,
        _what_option(
            "--method",
            "-m",
            metavar="NAME[:KEY=VALUE,...]",
            help="Estimator, or all; repeatable. Besides `awbkit methods`: constant, corrected-moments, fitted by the "
            "protocol; and FILE.py:FUNCTION, one of your own.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        _what_option(
            metavar="FILE.py:FUNCTION",
            help="An estimator of your own, or package.module:FUNCTION: from an awbkit.LinearImage to RGB; repeatable.",
        ),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        _what_option(
            metavar="FILE", help="Estimates of another program, JSON Lines or CSV; - is standard input; repeatable."
        ),
    ] = None,
    truth: Annotated[
        Path | None, _what_option(metavar="FILE", help="ground_truth.csv for --predictions, in place of PREPARED.")
    ] = None,
    camera: Annotated[
        list[str] | None, _what_option(metavar="NAME", help="Only pictures by this camera; repeatable.")
    ] = None,
    where: Annotated[
        list[str] | None,
        _what_option(
            metavar="KEY=VALUE",
            help="Only pictures with this image, dataset, camera, scene or fold; * fits any text, != all others; "
            "repeatable.",
        ),
    ] = None,
    protocol: Annotated[
        Literal["auto", ProtocolName],
        _how_option(help="How to fit methods; auto: none if no method is fitted, else published folds, else k-fold."),
    ] = "auto",
    folds: Annotated[int, _how_option(metavar="K", min=2, help="Folds of k-fold.")] = 10,
    rounds: Annotated[int, _how_option(metavar="N", min=100, max=100_000, help="Rounds of the bootstrap.")] = 1000,
    seed: Annotated[int, _how_option(min=0, help="Seed of the bootstrap.")] = 0,
    format: Annotated[
        Literal["table", "json", "csv", "markdown", "latex"] | None,
        _show_option(help="Default: a table on a terminal, else json."),
    ] = None,
    metric: Annotated[
        Metric, _show_option(help="The error in tables and checks; json and csv have both.")
    ] = "recovery",
    per_image: Annotated[
        bool, _show_option("--per-image", help="With json: also each image's estimates and errors.")
    ] = False,
    html: Annotated[Path | None, _show_option(metavar="FILE", help="One self-contained page to look at.")] = None,
    figures: Annotated[
        Path | None,
        _show_option(metavar="DIR", help="Figures for a paper, as SVG and PDF; needs the extra figures."),
    ] = None,
    worst: Annotated[int, _show_option(metavar="N", min=0, help="Images in the page's gallery.")] = 24,
    gallery: Annotated[Literal["best", "each"], _show_option(help="Methods in the gallery.")] = "best",
    if_exists: Annotated[IfExists, _show_option(help="What to do if the page or a figure exists.")] = IfExists.FAIL,
    over: Annotated[
        Literal["pooled", "cameras"],
        _check_option(help="Checks look at all images, or at the geometric mean over cameras."),
    ] = "pooled",
    max_mean: Limit = None,
    max_median: Limit = None,
    max_worst25: Limit = None,
    max_p95: Limit = None,
    resume: Annotated[
        Path | None, options.run_option(metavar="FILE", help="Keep estimates in FILE; after an interruption, continue.")
    ] = None,
    jobs: options.Jobs = 0,
    quiet: options.Quiet = False,
) -> None:
    """Judge estimators on prepared data sets, or estimates of any program against a ground truth.

    Angular errors per camera, pooled, and their geometric mean over cameras; 95 % intervals over scenes; paired tests;
    calibration of the expected errors.
    """
    from awbkit.cli import evaluation_inputs as inputs
    from awbkit.evaluation.html.page import PageOptions, write_page
    from awbkit.evaluation.wording import training_note
    from awbkit.work import batch

    if html is not None and if_exists is IfExists.FAIL and html.exists():
        raise UsageError(f"--html {html}: exists already; --if-exists replace or skip settles it")
    if figures is not None:
        from awbkit.evaluation.figures import check_figures, write_figures

        check_figures(figures, if_exists)
    request = inputs.Inputs(
        prepared or [], [*(method or []), *(model or [])], predictions or [], truth, camera or [], where or []
    )
    evaluation, images = request.evaluate(
        quiet,
        protocol=protocol,
        folds=folds,
        rounds=rounds,
        seed=seed,
        jobs=jobs or batch.default_jobs(),
        resume=resume,
    )
    if html is not None:
        page = PageOptions(worst=worst, gallery=gallery)
        write_page(html, evaluation, images, options=page, if_exists=if_exists)
    if figures is not None:
        with collect_warnings() as found:
            write_figures(figures, evaluation, metric, if_exists)
        for warning in found:
            say(f"{figures}: {warning}")
    _write(evaluation, format, metric, per_image)
    for result in evaluation.methods:
        _tell_failures(result, evaluation.truth)
        if note := training_note(result):
            say(note)
    limits = {"mean": max_mean, "median": max_median, "worst25": max_worst25, "p95": max_p95}
    _check(evaluation, metric, over, {name: limit for name, limit in limits.items() if limit is not None})
    if any(result.failures for result in evaluation.methods):
        raise typer.Exit(1)


def _write(evaluation: Evaluation, format: str | None, metric: str, per_image: bool) -> None:
    from awbkit.evaluation.document import CSV_COLUMNS, csv_rows, to_document
    from awbkit.evaluation.markdown import to_markdown

    format = format or ("table" if sys.stdout.isatty() else "json")
    if format == "table":
        from awbkit.cli.evaluation_table import print_evaluation

        print_evaluation(evaluation, metric, sys.stdout)
    elif format == "markdown":
        print(to_markdown(evaluation, (metric,)), end="")
    elif format == "latex":
        from awbkit.evaluation.latex import to_latex

        print(to_latex(evaluation, (metric,)), end="")
    elif format == "csv":
        sys.stdout.writelines(map(csv_line, (CSV_COLUMNS, *csv_rows(evaluation))))
    else:
        print(json_text(to_document(evaluation, per_image=per_image), indent=2))


def _tell_failures(result: MethodResult, truth: Truth) -> None:
    if result.failures:
        index, reason = min(result.failures.items())
        count = f"{result.method} has no estimate for {len(result.failures)} of {count_text(len(truth), 'image')}"
        say(f"{count}, which count as 90 degrees ({truth.images[index]}: {reason})")


def _check(evaluation: Evaluation, metric: str, over: str, limits: dict[str, float]) -> None:
    from awbkit.evaluation.result import GEOMETRIC_MEAN, POOLED

    rows = [row for row in evaluation.summaries if row.metric == metric]
    group = GEOMETRIC_MEAN if over == "cameras" and any(row.group == GEOMETRIC_MEAN for row in rows) else POOLED
    exceeded = [
        f"{row.method}: {name} {row.values[name]:.4g} degrees, {limit:g} allowed"
        for row in rows
        if row.group == group
        for name, limit in limits.items()
        if not row.values[name] <= limit
    ]
    if exceeded:
        raise CheckFailed(printable(f"check failed ({group}, {metric} error): {'; '.join(exceeded)}"))

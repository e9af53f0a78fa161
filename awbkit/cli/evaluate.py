"""`awbkit evaluate`: errors of estimators on labelled images, with confidence intervals."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from awbkit.choices import Metric, ProtocolName
from awbkit.cli import options
from awbkit.cli.terminal import Progress, say
from awbkit.errors import CheckFailed, UsageError
from awbkit.escaping import csv_line, json_text, printable
from awbkit.store.outputs import IfExists

if TYPE_CHECKING:
    from awbkit.colour.image import LinearImage
    from awbkit.datasets.prepared import Prepared
    from awbkit.evaluation.html.page import Images
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
            "protocol.",
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
    truth: Annotated[Path | None, _what_option(metavar="FILE", help="ground_truth.csv for --predictions.")] = None,
    protocol: Annotated[
        Literal["auto", ProtocolName],
        _how_option(help="How to fit methods; auto: none if no method is fitted, else published folds, else k-fold."),
    ] = "auto",
    folds: Annotated[int, _how_option(metavar="K", min=2, help="Folds of k-fold.")] = 10,
    rounds: Annotated[int, _how_option(metavar="N", min=100, max=100_000, help="Rounds of the bootstrap.")] = 1000,
    seed: Annotated[int, _how_option(min=0, help="Seed of the bootstrap.")] = 0,
    format: Annotated[
        Literal["table", "json", "csv", "markdown"] | None,
        _show_option(help="Default: a table on a terminal, else json."),
    ] = None,
    metric: Annotated[
        Metric, _show_option(help="The error in tables and checks; json and csv have both.")
    ] = "recovery",
    per_image: Annotated[
        bool, _show_option("--per-image", help="With json: also each image's estimates and errors.")
    ] = False,
    html: Annotated[Path | None, _show_option(metavar="FILE", help="One self-contained page to look at.")] = None,
    worst: Annotated[int, _show_option(metavar="N", min=0, help="Images in the page's gallery.")] = 24,
    gallery: Annotated[Literal["best", "each"], _show_option(help="Methods in the gallery.")] = "best",
    if_exists: Annotated[IfExists, _show_option(help="What to do if the page exists.")] = IfExists.FAIL,
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
    from awbkit.evaluation.html.page import PageOptions, write_page
    from awbkit.evaluation.wording import training_note
    from awbkit.work import batch

    if html is not None and if_exists is IfExists.FAIL and html.exists():
        raise UsageError(f"--html {html}: exists already; --if-exists replace or skip settles it")
    images: Images | None
    if predictions:
        if method or model:
            raise UsageError("--predictions take the place of --method and --model; give one or the other")
        if (truth is None) == (not prepared):
            raise UsageError("--predictions are judged against either PREPARED or --truth FILE; give one of them")
        sets = [] if truth else _open_sets(prepared)
        evaluation, images = _of_predictions(sets, predictions, truth, rounds, seed)
    else:
        if truth is not None:
            raise UsageError("--truth is for --predictions; give them too")
        sets = _open_sets(prepared)
        evaluation = _of_methods(
            sets,
            _names(method, model),
            quiet,
            protocol=protocol,
            folds=folds,
            rounds=rounds,
            seed=seed,
            jobs=jobs or batch.default_jobs(),
            resume=resume,
        )
        images = _images_of(evaluation, sets)
    if html is not None:
        page = PageOptions(worst=worst, gallery=gallery)
        write_page(html, evaluation, images, options=page, if_exists=if_exists)
    _write(evaluation, format, metric, per_image)
    for judged in evaluation.methods:
        _tell_failures(judged, evaluation.truth)
        if note := training_note(judged):
            say(note)
    limits = {"mean": max_mean, "median": max_median, "worst25": max_worst25, "p95": max_p95}
    _check(evaluation, metric, over, {name: limit for name, limit in limits.items() if limit is not None})
    if any(judged.failures for judged in evaluation.methods):
        raise typer.Exit(1)


def _open_sets(folders: Sequence[Path] | None) -> list[Prepared]:
    from awbkit.datasets.prepared import Prepared

    if not folders:
        raise UsageError("no prepared data set named; make one with awbkit dataset prepare, or give --predictions")
    return [Prepared.open(folder) for folder in folders]


def _names(method: Sequence[str] | None, model: Sequence[str] | None) -> list[str]:
    from awbkit.estimators import registry

    everything = [name for name in registry.method_names() if name != "as-shot"]
    named = [
        name for given in method or () for name in (everything if given == "all" else [registry.canonical_name(given)])
    ]
    return list(dict.fromkeys([*named, *(model or ())])) or [registry.DEFAULT]


def _of_methods(sets: Sequence[Prepared], names: Sequence[str], quiet: bool, **options: Any) -> Evaluation:
    from awbkit.evaluation.run import evaluate_methods

    progress = Progress(sys.stderr, enabled=not quiet)
    try:
        return evaluate_methods(
            sets,
            names,
            **options,
            on_start=progress.expect,
            on_step=lambda step: progress.advance(failed=step.failures > 0, count=step.images),
        )
    finally:
        progress.erase()


def _images_of(evaluation: Evaluation, sets: Sequence[Prepared]) -> Images:
    """Maps the index of a judged image to its thumbnail."""
    places = {
        (prepared.name, row.image): (prepared, index) for prepared in sets for index, row in enumerate(prepared.rows)
    }

    def image(index: int) -> LinearImage:
        prepared, row = places[evaluation.truth.datasets[index], evaluation.truth.images[index]]
        return prepared.image(row)

    return image


def _of_predictions(
    sets: Sequence[Prepared], files: Sequence[str], truth: Path | None, rounds: int, seed: int
) -> tuple[Evaluation, Images | None]:
    from awbkit.evaluation.evaluate import dataset_facts, evaluate, truth_of
    from awbkit.evaluation.predictions import read_predictions, read_truth

    labelled = read_truth(truth) if truth is not None else truth_of(sets)
    cameras = {(one.name, name): camera for one in sets for name, camera in one.cameras.items()}
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(options.open_input("--predictions", name)) for name in files]
        found = read_predictions(list(zip(streams, files, strict=True)), labelled, cameras)
    if found.unknown_paths:
        some = ", ".join(found.unknown_paths[:3])
        say(f"{len(found.unknown_paths)} estimates are for no labelled image and are ignored ({some})")
    if found.srgb_count:
        say(f"{found.srgb_count} estimates are in linear sRGB; the truth must be in the same RGB")
    if found.temperature_count:
        say(
            f"{found.temperature_count} estimates state another cct and duv than their RGB has; the cct and duv count, "
            "as in correct --from"
        )
    facts = {"datasets": dataset_facts(sets)} if truth is None else {"truth": truth.name}
    evaluation = evaluate(labelled, found.results, rounds=rounds, seed=seed, facts=facts)
    return evaluation, _images_of(evaluation, sets) if truth is None else None


def _write(evaluation: Evaluation, format: str | None, metric: str, per_image: bool) -> None:
    from awbkit.evaluation.document import CSV_COLUMNS, csv_rows, to_document
    from awbkit.evaluation.markdown import to_markdown

    format = format or ("table" if sys.stdout.isatty() else "json")
    if format == "table":
        from awbkit.cli.evaluation_table import print_evaluation

        print_evaluation(evaluation, metric, sys.stdout)
    elif format == "markdown":
        print(to_markdown(evaluation, (metric,)), end="")
    elif format == "csv":
        sys.stdout.writelines(map(csv_line, (CSV_COLUMNS, *csv_rows(evaluation))))
    else:
        print(json_text(to_document(evaluation, per_image=per_image), indent=2))


def _tell_failures(judged: MethodResult, truth: Truth) -> None:
    if judged.failures:
        index, reason = min(judged.failures.items())
        count = f"{judged.method} has no estimate for {len(judged.failures)} of {len(truth)} images"
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

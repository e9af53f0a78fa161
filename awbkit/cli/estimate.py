"""`awbkit estimate`: the light of each picture."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from awbkit.cli import options
from awbkit.cli.output import ESTIMATE_KEYS
from awbkit.cli.pictures import Pictures

if TYPE_CHECKING:
    from awbkit.records import Record


@options.expand
def estimate(
    paths: options.Paths = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            "-m",
            metavar="NAME[:KEY=VALUE,...]",
            help="Estimator; repeat it for several in one pass, or all. `awbkit methods` lists them; "
            "FILE.py:FUNCTION is one of your own.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="A gray card's rectangle, in pixels as displayed, in place of a method."),
    ] = None,
    fallback: options.Fallback = None,
    max_expected_error: options.MaxExpectedError = None,
    *,
    pictures: Pictures,
) -> None:
    """Estimate the light of pictures: its RGB, gains, chromaticity, colour temperature and Duv."""
    from awbkit.cli.outline import outline_of
    from awbkit.cli.report import open_report
    from awbkit.errors import UsageError
    from awbkit.estimators import registry
    from awbkit.files.photo import Region
    from awbkit.records import error_record
    from awbkit.store.find import FoundImage, OtherFiles
    from awbkit.tasks import estimate_file
    from awbkit.work import batch

    if method and region is not None:
        raise UsageError("--region takes the place of a method; give one of them")
    if region is not None and (fallback is not None or max_expected_error is not None):
        raise UsageError("a gray card needs no fallback; leave out --fallback and --max-expected-error")
    named = [one for name in method or () for one in (registry.method_names() if name == "all" else (name,))]
    methods = options.choose_methods(named or [registry.DEFAULT], fallback, max_expected_error)
    task = partial(
        estimate_file,
        methods=methods,
        region=Region.parse(region) if region is not None else None,
        encoding=pictures.encoding,
        max_pixels=pictures.max_pixels or None,
    )
    passed_over = OtherFiles()
    found = pictures.find(paths, passed_over)
    # A list on standard input may still grow, so its pictures are estimated as they arrive; others are counted first.
    known = None if pictures.files_from == "-" else list(found)
    outline = outline_of(known, methods if region is None else (), other="region")
    with open_report(pictures, ESTIMATE_KEYS, None if known is None else len(known), passed_over, outline) as report:
        outcomes = batch.run(
            task,
            found if known is None else known,
            jobs=options.count_jobs(pictures.jobs, known),
            fail_fast=pictures.fail_fast,
            local=lambda item: isinstance(item, FoundImage) and item.is_stream,
            isolate=any(method.runs_own_code for method in methods),
        )
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                records = outcome.result or [error_record(options.path_of(outcome.item), outcome.reason)]
                report.add(*(record for record in records if not _is_beside_the_point(record, method)))
    raise typer.Exit(report.exit_code)


def _is_beside_the_point(record: Record, named: list[str] | None) -> bool:
    """Whether this is the failure of as-shot on a raw that states no white, where nobody named as-shot itself."""
    asked = named is not None and "all" in named and "as-shot" not in named
    return asked and record.get("status") == "error" and record.get("method") == "as-shot"

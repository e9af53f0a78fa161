"""`awbkit correct`: remove the colour cast of pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from awbkit.choices import CATS, Cat, OutputFormat
from awbkit.cli import options
from awbkit.cli.output import CORRECT_KEYS
from awbkit.cli.pictures import Pictures
from awbkit.errors import AwbError, FileError, OutputError, UnsupportedImage, UsageError
from awbkit.store.find import IMAGE_SUFFIXES, RAW_SUFFIXES, RENDERED_SUFFIXES, STDIN, FoundImage, OtherFiles
from awbkit.store.outputs import (
    DEFAULT_NAME,
    RAW_OUTPUT_SUFFIX,
    IfExists,
    PlannedOutput,
    plan_outputs,
    suffix_by_content,
)
from awbkit.store.signatures import kind_of

if TYPE_CHECKING:
    from awbkit.records import Record
    from awbkit.tasks import CorrectItem
    from awbkit.work.outcome import Outcome


_light_option = options.panel("The light to correct for (one of these; by default an estimate)")
_correction_option = options.panel("The correction")
_output_option = options.panel("Outputs")


@dataclass(frozen=True)
class _Pictures(Pictures):
    jobs: options.Jobs = 0


@options.expand
def correct(
    paths: options.Paths = None,
    method: Annotated[
        list[str] | None,
        _light_option(
            "--method", "-m", metavar="NAME[:KEY=VALUE,...]", help="Estimator, or FILE.py:FUNCTION of your own."
        ),
    ] = None,
    fallback: options.Fallback = None,
    max_expected_error: options.MaxExpectedError = None,
    region: Annotated[
        str | None, _light_option(metavar="X,Y,W,H", help="A gray card's rectangle, as displayed.")
    ] = None,
    gains: Annotated[str | None, _light_option(metavar="R,G,B", help="Gains that make the light neutral.")] = None,
    illuminant: Annotated[str | None, _light_option(metavar="R,G,B", help="RGB of the light.")] = None,
    cct: Annotated[float | None, _light_option(metavar="KELVIN", help="Colour temperature.")] = None,
    duv: Annotated[
        float | None, _light_option(metavar="DUV", help="With --cct: distance from the Planckian locus.")
    ] = None,
    estimates: Annotated[
        str | None,
        _light_option(
            "--from",
            metavar="FILE",
            help="Estimates by `awbkit estimate`, edited or not, which also name the pictures; - is standard input.",
        ),
    ] = None,
    shared: Annotated[bool, _light_option("--shared", help="One light for all pictures by the same camera.")] = False,
    cat: Annotated[
        Cat | None,
        _correction_option(metavar="CAT", help=f"Adapt through {', '.join(CATS)}; by default gains in the RGB itself."),
    ] = None,
    strength: Annotated[
        float, _correction_option(metavar="SHARE", min=0, max=1, help="How much of the cast to remove, 0 to 1.")
    ] = 1.0,
    auto_bright: Annotated[bool, _correction_option("--auto-bright", help="Brighten raws until 1 % is white.")] = False,
    output: Annotated[
        Path | None, _output_option("--output", "-o", metavar="FILE", help="For one picture; - is standard output.")
    ] = None,
    directory: Annotated[
        Path | None, _output_option("--directory", "-d", metavar="DIR", help="For many; trees are mirrored.")
    ] = None,
    name: Annotated[
        str | None,
        _output_option(
            metavar="TEMPLATE",
            help=f"Pattern of output names, of {{stem}} {{name}} {{parent}} {{ext}}; default {DEFAULT_NAME}.",
        ),
    ] = None,
    to: Annotated[
        OutputFormat | None,
        _output_option(case_sensitive=False, help="File format; default the input's, 16-bit tif for raw."),
    ] = None,
    if_exists: Annotated[IfExists, _output_option(help="What to do with existing outputs.")] = IfExists.FAIL,
    sidecar: Annotated[
        Literal["xmp"] | None,
        _output_option(
            help="Write no picture but a sidecar with the white balance, for raw editors. --if-exists replace keeps "
            "the other settings of an existing sidecar."
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        _output_option(metavar="FILE.html", help="Page of every picture before and after, the least sure first."),
    ] = None,
    dry_run: Annotated[bool, _output_option("--dry-run", help="Show what would be written; write nothing.")] = False,
    *,
    pictures: _Pictures,
) -> None:
    """Correct pictures for the colour of their light, and write copies; originals are never changed."""
    from awbkit.cli import before_after, one_picture
    from awbkit.cli import light as lights
    from awbkit.cli.outline import outline_of
    from awbkit.cli.report import open_report
    from awbkit.tasks import CorrectItem, CorrectOptions, Light
    from awbkit.work import batch

    light = lights.choose_light(method, region, gains, illuminant, cct, duv, estimates, fallback, max_expected_error)
    if not 0 <= strength <= 1:
        raise UsageError(f"--strength must lie between 0 and 1, not {strength}")
    if sidecar and (to or cat or auto_bright):
        raise UsageError("--sidecar writes white balance only; leave out --to, --cat and --auto-bright")
    to_stdout = output == STDIN
    if to_stdout:
        others = {"-d": directory, "--name": name, "--dry-run": dry_run, "--shared": shared, "--compare": compare}
        one_picture.check_standard_output(pictures, others)
    elif output is not None and (to or name is not None):
        raise UsageError("-o names the output in full; leave out --to and --name")
    if estimates is not None and (paths or pictures.files_from is not None or pictures.recursive):
        raise UsageError("--from names the pictures itself; leave out paths, --files-from and -r")
    if compare is not None:
        if sidecar or dry_run:
            other = "--sidecar" if sidecar else "--dry-run"
            raise UsageError(f"--compare shows pictures that were written, and {other} writes none; leave one out")
        before_after.check_page("--compare", compare, if_exists)
    if estimates is not None and shared:
        raise UsageError("--shared needs estimators; the estimates of --from are for one picture each")
    records = lights.read_estimates(estimates) if estimates is not None else {}
    passed_over = OtherFiles()
    found: Sequence[FoundImage | FileError]
    found = lights.find_pictures(records) if estimates is not None else list(pictures.find(paths, passed_over))
    if sidecar:
        found = _raws(found, named=estimates is None)
    how = CorrectOptions(
        cat=cat,
        strength=strength,
        encoding=pictures.encoding,
        if_exists=if_exists,
        auto_bright=auto_bright,
        sidecar=sidecar is not None,
        dry_run=dry_run,
        max_pixels=pictures.max_pixels or None,
    )
    if to_stdout:
        stated = light or Light(record=next(iter(records.values()), None))
        raise typer.Exit(one_picture.write_one(found, stated, how, _suffix(to, sidecar), pictures))
    planned = plan_outputs(
        found,
        suffix=_suffix(to, sidecar),
        output=output,
        directory=directory,
        name=name if name is not None else "{stem}{ext}" if sidecar else DEFAULT_NAME,
    )
    _check_formats(planned, output, name, to, sidecar)
    if compare is not None:
        before_after.check_readable_twice(planned)
    jobs = options.count_jobs(pictures.jobs, planned)
    pooled: dict[Path, Light | AwbError] = {}
    if shared and light is not None:
        sources = [entry for entry in planned if isinstance(entry, PlannedOutput)]
        pooled = lights.share_light(
            sources, light, encoding=how.encoding, max_pixels=how.max_pixels, jobs=jobs, quiet=pictures.quiet
        )
    items: list[CorrectItem | AwbError] = []
    for entry in planned:
        if not isinstance(entry, PlannedOutput):
            items.append(entry)
            continue
        path = entry.source.path
        own = pooled.get(path) or light or Light(record=records[str(path)])
        items.append(own if isinstance(own, AwbError) else CorrectItem(entry, own))
    listing = replace(pictures, failed_list=None) if dry_run else pictures
    inputs = [entry.source if isinstance(entry, PlannedOutput) else entry for entry in planned]
    outputs = [entry.output for entry in planned if isinstance(entry, PlannedOutput)]
    methods = (light.method,) if light is not None and light.method is not None and not shared else ()
    origin = None if light is None else f"{light.name}, shared" if shared else light.name
    outline = outline_of(inputs, methods, outputs, origin)
    with (
        before_after.open_page(compare, len(items), if_exists, quiet=pictures.quiet) as page,
        open_report(listing, CORRECT_KEYS, len(items), passed_over, outline) as report,
    ):
        outcomes = batch.run(
            before_after.task_of(how, page),
            items,
            jobs=jobs,
            fail_fast=pictures.fail_fast,
            local=lambda item: isinstance(item, CorrectItem) and item.planned.source.is_stream,
            isolate=light is not None and light.method is not None and light.method.runs_own_code,
        )
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                record, exhibit = outcome.result or (_failure(outcome), None)
                report.add(record)
                if page is not None:
                    before_after.add(page, record, exhibit)
    raise typer.Exit(report.exit_code)


def _failure(outcome: Outcome[CorrectItem, Any]) -> Record:
    from awbkit.records import error_record
    from awbkit.tasks import CorrectItem

    # The record's path is the input, so an error of the output has to name its own path.
    reason = str(outcome.error) if isinstance(outcome.error, OutputError) else outcome.reason
    if isinstance(outcome.item, CorrectItem):
        planned = outcome.item.planned
        return {**error_record(planned.source.path, reason), "output": planned.output}
    return error_record(options.path_of(outcome.item), reason)


def _raws(found: Sequence[FoundImage | FileError], *, named: bool) -> list[FoundImage | FileError]:
    """Leave out the rendered pictures that a folder holds; a rendered picture that the user named is an error."""
    from awbkit.tasks import NO_RAW

    result: list[FoundImage | FileError] = []
    for item in found:
        if not isinstance(item, FoundImage) or not _is_rendered(item):
            result.append(item)
        elif named and item.root is None:
            result.append(UnsupportedImage(item.path, *NO_RAW))
    if found and not result:
        raise AwbError("there is no raw file among the pictures; sidecars steer raw editors, so leave out --sidecar")
    return result


def _is_rendered(item: FoundImage) -> bool:
    suffix = item.path.suffix.lower()
    if suffix in IMAGE_SUFFIXES or item.is_stream:
        return suffix in RENDERED_SUFFIXES
    return kind_of(item.path) not in (None, "raw", "tiff")


def _check_formats(
    planned: Sequence[PlannedOutput | FileError],
    output: Path | None,
    name: str | None,
    to: str | None,
    sidecar: str | None,
) -> None:
    """Refuse outputs in a format that cannot be written, before any work starts."""
    from awbkit.files.write import format_of

    stdin = any(isinstance(entry, PlannedOutput) and entry.source.is_stdin for entry in planned)
    if stdin and output is None and (sidecar or not to):
        raise UsageError("the picture on standard input has no name to derive one from; name the output with -o")
    given = output if output is not None else Path(name) if name is not None else None
    if given is None or given.name.endswith(("{ext}", "{name}")):
        return
    if not sidecar:
        format_of(given)
    elif given.suffix.lower() != ".xmp":
        raise UsageError(f"{given}: editors look for sidecars that end in .xmp")


def _suffix(to: str | None, sidecar: str | None) -> Callable[[Path], str]:
    def suffix(source: Path) -> str:
        if sidecar is not None:
            return ".xmp"
        if to is not None:
            return f".{to}"
        known = source.suffix.lower()
        if known in RAW_SUFFIXES:
            return RAW_OUTPUT_SUFFIX
        if known in RENDERED_SUFFIXES or source == STDIN or not source.is_file():
            return source.suffix
        return suffix_by_content(source)

    return suffix

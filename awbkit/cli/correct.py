"""`awbkit correct`: pictures without the cast of their light."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from awbkit.cli import options
from awbkit.cli.output import CORRECT_KEYS
from awbkit.errors import AwbError, UnreadableFile, UsageError
from awbkit.files.find import RAW_SUFFIXES, Found
from awbkit.files.outputs import DEFAULT_NAME, IfExists, Planned, plan_outputs

if TYPE_CHECKING:
    from awbkit.records import Record
    from awbkit.tasks import Light

_RAW_OUTPUT_SUFFIX = ".tif"


class CatName(StrEnum):
    """Chromatic adaptation transforms."""

    VON_KRIES = "von-kries"
    BRADFORD = "bradford"
    CAT02 = "cat02"
    CAT16 = "cat16"
    SHARP = "sharp"


class OutputKind(StrEnum):
    """File formats that outputs can have."""

    JPG = "jpg"
    PNG = "png"
    TIF = "tif"
    WEBP = "webp"
    AVIF = "avif"
    HEIC = "heic"


class SidecarKind(StrEnum):
    """Sidecar formats."""

    XMP = "xmp"


_LIGHT = "The light to correct for (one of these; by default an estimate)"
_HOW = "The correction"
_OUTPUT = "Outputs"


def correct(
    paths: options.Paths = None,
    method: Annotated[
        str | None,
        typer.Option("--method", "-m", metavar="NAME[:KEY=VALUE,...]", help="Estimator.", rich_help_panel=_LIGHT),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="A gray card's rectangle, as displayed.", rich_help_panel=_LIGHT),
    ] = None,
    gains: Annotated[
        str | None,
        typer.Option(metavar="R,G,B", help="Gains that make the light neutral.", rich_help_panel=_LIGHT),
    ] = None,
    illuminant: Annotated[
        str | None, typer.Option(metavar="R,G,B", help="The light's own RGB.", rich_help_panel=_LIGHT)
    ] = None,
    cct: Annotated[
        float | None, typer.Option(metavar="KELVIN", help="Colour temperature.", rich_help_panel=_LIGHT)
    ] = None,
    duv: Annotated[
        float | None, typer.Option(help="With --cct: distance from the Planckian locus.", rich_help_panel=_LIGHT)
    ] = None,
    estimates: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Estimates by `awbkit estimate`, edited or not; - is standard input. They name the pictures too.",
            rich_help_panel=_LIGHT,
        ),
    ] = None,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="One light for all pictures by the same camera.", rich_help_panel=_LIGHT),
    ] = False,
    cat: Annotated[
        CatName | None,
        typer.Option(help="Adapt through this transform; by default gains in the RGB itself.", rich_help_panel=_HOW),
    ] = None,
    strength: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the cast to remove.", rich_help_panel=_HOW)
    ] = 1.0,
    auto_bright: Annotated[
        bool, typer.Option("--auto-bright", help="Brighten raws until 1 % is white.", rich_help_panel=_HOW)
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="For one picture.", rich_help_panel=_OUTPUT)
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--directory", "-d", metavar="DIR", help="For many; trees are mirrored.", rich_help_panel=_OUTPUT),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help=f"Of output names, of {{stem}} {{name}} {{parent}} {{ext}}; default {DEFAULT_NAME}.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    to: Annotated[
        OutputKind | None,
        typer.Option(help="File format; default the input's, 16-bit tif for raw.", rich_help_panel=_OUTPUT),
    ] = None,
    if_exists: Annotated[
        IfExists, typer.Option(help="What to do with existing outputs.", rich_help_panel=_OUTPUT)
    ] = IfExists.FAIL,
    sidecar: Annotated[
        SidecarKind | None,
        typer.Option(help="Write the white balance for a raw editor instead of a picture.", rich_help_panel=_OUTPUT),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written; write nothing.", rich_help_panel=_OUTPUT)
    ] = False,
    recursive: options.Recursive = False,
    files_from: options.FilesFrom = None,
    null: options.Null = False,
    encoding: options.Encoding = options.EncodingName.AUTO,
    format: options.OutputFormat = None,
    jobs: options.Jobs = 0,
    failed_list: options.FailedListFile = None,
    fail_fast: options.FailFast = False,
    quiet: options.Quiet = False,
) -> None:
    """Correct pictures for the colour of their light and write them anew; originals are never touched."""
    from awbkit import batch
    from awbkit.cli.report import open_report
    from awbkit.records import error_record
    from awbkit.tasks import CorrectItem, CorrectOptions, correct_file

    light = _light(method, region, gains, illuminant, cct, duv, estimates)
    if sidecar and (output or to or cat or auto_bright):
        raise UsageError("--sidecar writes white balance only; leave out -o, --to, --cat and --auto-bright")
    if light is None:
        records = _read_estimates(str(estimates))
        found = _estimated(records, paths, files_from, shared)
    else:
        records = {}
        found = list(options.inputs(paths, files_from, null=null, recursive=recursive))
    planned = plan_outputs(
        found,
        suffix=_suffix(to, sidecar),
        output=output,
        directory=directory,
        name=name or ("{stem}{ext}" if sidecar else DEFAULT_NAME),
    )
    if output is not None and not sidecar:
        from awbkit.files.write import format_of

        format_of(output)
    how = CorrectOptions(
        cat=cat.value if cat else None,
        strength=strength,
        encoding=encoding.value,
        if_exists=if_exists,
        auto_bright=auto_bright,
        sidecar=sidecar is not None,
        dry_run=dry_run,
    )
    jobs = options.chosen_jobs(jobs, planned)
    from awbkit.tasks import Light

    lights = {} if light is None or not shared else _shared(planned, light, encoding.value, jobs)
    items: list[CorrectItem | AwbError] = []
    for entry in planned:
        if not isinstance(entry, Planned):
            items.append(entry)
            continue
        path = entry.source.path
        chosen = lights.get(path) or light or Light(record=records[str(path)])
        items.append(chosen if isinstance(chosen, AwbError) else CorrectItem(entry, chosen))
    with open_report(
        CORRECT_KEYS, format=format, total=len(items), failed_list=failed_list, nul=null, quiet=quiet
    ) as report:
        outcomes = batch.run(
            partial(correct_file, options=how),
            items,
            jobs=jobs,
            fail_fast=fail_fast,
            local=lambda item: isinstance(item, CorrectItem) and item.planned.source.is_stream,
        )
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                report.add(outcome.result or error_record(_path(outcome.item), outcome.reason))
    raise typer.Exit(report.exit_code)


def _path(item: object) -> Path | str:
    from awbkit.tasks import CorrectItem

    return options.path_of(item.planned.source if isinstance(item, CorrectItem) else item)


def _light(
    method: str | None,
    region: str | None,
    gains: str | None,
    illuminant: str | None,
    cct: float | None,
    duv: float | None,
    estimates: str | None,
) -> Light | None:
    """The light that the options name; None for a file of estimates."""
    from awbkit.estimators import registry
    from awbkit.files.photo import Region
    from awbkit.tasks import Light
    from awbkit.temperature import cct_duv_to_xy

    given = {
        "--method": method,
        "--region": region,
        "--gains": gains,
        "--illuminant": illuminant,
        "--cct": cct,
        "--from": estimates,
    }
    named = [option for option, value in given.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} each say what the light is; give one of them")
    if duv is not None and cct is None:
        raise UsageError("--duv goes with --cct")
    if estimates is not None:
        return None
    if region is not None:
        return Light(region=Region.parse(region))
    if gains is not None:
        red, green, blue = options.numbers("--gains", gains, 3)
        return Light(rgb=(1 / red, 1 / green, 1 / blue))
    if illuminant is not None:
        red, green, blue = options.numbers("--illuminant", illuminant, 3)
        return Light(rgb=(red, green, blue))
    if cct is not None:
        cct_duv_to_xy(cct, duv or 0.0)
        return Light(cct_duv=(cct, duv or 0.0))
    return Light(method=registry.parse(method or registry.DEFAULT))


def _suffix(to: OutputKind | None, sidecar: SidecarKind | None) -> Callable[[Path], str]:
    def suffix(source: Path) -> str:
        if sidecar is not None:
            return ".xmp"
        if to is not None:
            return f".{to.value}"
        return _RAW_OUTPUT_SUFFIX if source.suffix.lower() in RAW_SUFFIXES else source.suffix

    return suffix


def _read_estimates(source: str) -> dict[str, Record]:
    """The records of an earlier run by path, in their order."""
    import sys

    from awbkit.cli.output import read_records

    with contextlib.ExitStack() as stack:
        try:
            stream = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
        except OSError as error:
            raise UsageError(f"--from {source}: {(error.strerror or '').lower()}") from None
        name = "standard input" if source == "-" else source
        records: dict[str, Record] = {}
        for record in read_records(stream, name):
            path = str(Path(record["path"]))
            if path in records:
                raise UsageError(
                    f"{name}: two estimates for {path}; keep one, such as with jq 'select(.method == ...)'"
                )
            records[path] = record
    if not records:
        raise UsageError(f"{name}: holds no estimate; give it what `awbkit estimate --format jsonl` wrote")
    return records


def _estimated(
    records: dict[str, Record], paths: list[str] | None, files_from: str | None, shared: bool
) -> list[Found | UnreadableFile]:
    if paths or files_from is not None:
        raise UsageError("--from names the pictures itself; leave the paths out")
    if shared:
        raise UsageError("--shared needs estimators; the estimates of --from are for one picture each")
    # Relative paths are mirrored below -d, as if the current folder had been named.
    here = Path()
    return [Found(path, None if path.is_absolute() or ".." in path.parts else here) for path in map(Path, records)]


def _shared(
    planned: list[Planned | UnreadableFile], light: Light, encoding: str, jobs: int
) -> dict[Path, Light | AwbError]:
    """For every picture the one light of its camera's set, or the reason why it has none."""
    from awbkit import batch
    from awbkit.tasks import Light, light_of_file, shared_lights

    if light.method is None and light.region is None:
        raise UsageError("--shared pools estimates; with a light given, all pictures share that already")
    sources = [entry.source for entry in planned if isinstance(entry, Planned)]
    if any(source.is_stream for source in sources):
        raise UsageError("--shared reads every picture twice, which standard input cannot; name files")
    outcomes = list(batch.run(partial(light_of_file, light=light, encoding=encoding), sources, jobs=jobs))
    paths = [source.path for source in sources]
    lights = shared_lights([(path, o.result) for path, o in zip(paths, outcomes, strict=True) if o.result])
    result: dict[Path, Light | AwbError] = {path: Light(rgb=common.rgb) for path, common in lights.items()}
    for path, outcome in zip(paths, outcomes, strict=True):
        if outcome.error is not None:
            result[path] = UnreadableFile(path, outcome.reason)
    return result

"""`awbkit dataset`: convert published data sets to one form, and show the result."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from awbkit.cli import options
from awbkit.cli.output import wants_json
from awbkit.cli.terminal import Progress, clock, say
from awbkit.escaping import json_text, printable
from awbkit.spelling import count_text
from awbkit.store.outputs import IfExists

if TYPE_CHECKING:
    from rich.console import Console

    from awbkit.datasets.prepare import Preparation
    from awbkit.datasets.prepared import Prepared

_MOST_REPORTS = 20

dataset = typer.Typer(
    help="Convert published data sets to one form that opens at once.",
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
)

Layout = Annotated[
    str,
    typer.Argument(metavar="LAYOUT[:KEY=VALUE,...]", help="Layout of the download; see `awbkit dataset layouts`."),
]


@dataset.command()
def prepare(
    layout: Layout,
    source: Annotated[
        str | None, typer.Argument(help="The download: a folder, an archive, or a folder of archives.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="The prepared data set.")
    ] = None,
    if_exists: Annotated[IfExists, typer.Option(help="What to do if the output exists.")] = IfExists.FAIL,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard an unfinished run, which is resumed by default.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Complete the set even if images are missing or damaged.")
    ] = False,
    jobs: options.Jobs = 0,
    quiet: options.Quiet = False,
) -> None:
    """Convert a data set to the prepared form: thumbnails, masks, true illuminants, scenes, folds and cameras.

    After an interruption, or once missing images are in place, run it again: it continues where it stopped.
    """
    from awbkit.datasets import layout as layouts
    from awbkit.datasets.prepare import OMISSIONS_FILE, Preparation, check_output, clear_remains
    from awbkit.errors import UsageError
    from awbkit.store.source import Source
    from awbkit.work import batch

    chosen = layouts.parse(layout)
    if output is None:
        raise UsageError("no output named; give a folder with -o")
    if source is None and chosen.needs_source:
        raise UsageError(f"layout {chosen.name} reads a download; name its folder or archive after the layout")
    clear_remains(output)
    if if_exists is IfExists.SKIP and (output / "dataset.json").is_file():
        if not quiet:
            say(f"{output} exists and is left as it is")
        return
    check_output(output, if_exists)
    origin = Source("") if source is None else Source.open(source)
    with Preparation(chosen, origin, output, restart=restart) as preparation:
        if preparation.resumed_count and not quiet:
            say(f"continuing after {count_text(preparation.resumed_count, 'image')} of an earlier run")
        seconds, reports = _run(preparation, jobs or batch.default_jobs(), quiet)
        skipped, missing = len(preparation.omissions), len(preparation.gaps)
        if skipped > reports:
            place = output if allow_missing or not missing else preparation.work_folder
            say(f"{place / OMISSIONS_FILE} lists all {skipped} that are skipped")
        prepared = preparation.finish(if_exists, allow_missing=allow_missing)
    if not quiet:
        images = count_text(len(prepared), "image")
        say(f"{images} prepared, {skipped} skipped, {clock(seconds)}; {prepared.info['hash']}")
    raise typer.Exit(1 if missing else 0)


@dataset.command()
def inspect(
    prepared: Annotated[Path, typer.Argument(metavar="PREPARED", help="A folder that `dataset prepare` made.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute the content hash; exit code 3 if it differs.")
    ] = False,
    format: options.ResultFormat = None,
) -> None:
    """Describe a prepared data set: origin, licence, cameras, lights, scenes and folds."""
    from awbkit.datasets.prepared import Prepared
    from awbkit.datasets.summary import folds, light_map_share, summarise
    from awbkit.errors import CheckFailed

    prepared_set = Prepared.open(prepared)
    share = light_map_share(prepared_set)
    document = {
        **{key: value for key, value in prepared_set.info.items() if key != "cameras"},
        "folds": folds(prepared_set),
        **({"light_maps": round(share, 4)} if share else {}),
        "cameras": [dataclasses.asdict(camera) for camera in summarise(prepared_set)],
    }
    if wants_json(format):
        print(json_text(document, indent=2))
    else:
        _print_summary(prepared_set, share)
    if verify:
        if f"sha256:{prepared_set.content_hash()}" != prepared_set.info.get("hash"):
            raise CheckFailed(f"{prepared}: the files are not those that were prepared; prepare it again")
        say("the content hash is the one that the data set states")


@dataset.command()
def layouts(
    format: options.ResultFormat = None,
) -> None:
    """List the layouts that `prepare` reads: their data sets, options, licences and papers."""
    from awbkit.datasets import layout as registry

    entries = [registry.layout_class(name) for name in registry.layout_names()]
    if wants_json(format):
        rows = [
            {
                "name": kind.name,
                **dataclasses.asdict(kind.about),
                "options": [
                    {"name": option.name, "default": option.default, **dict(option.metadata)}
                    for option in dataclasses.fields(kind)
                ],
            }
            for kind in entries
        ]
        print(json_text(rows, indent=2))
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    for kind in entries:
        console.print(Text.assemble((kind.name, "bold"), f"  {kind.about.title}"))
        for option in dataclasses.fields(kind):
            default = "yes" if option.default is True else "no" if option.default is False else option.default
            choices = option.metadata.get("choices")
            line = Text(f"{option.name}={default}", "cyan")
            line.append(
                f"  {option.metadata.get('help', '')}" + (f" ({', '.join(choices)})" if choices else ""), "default"
            )
            console.print(Padding(line, (0, 0, 0, 4)))
        for title, text in (
            ("truth", kind.about.convention),
            ("licence", kind.about.licence),
            ("cite", kind.about.citation),
            ("from", kind.about.download),
        ):
            if text:
                _print_field(console, title, text, indent=4)
        console.print()


def _print_field(console: Console, title: str, text: str, indent: int = 0) -> None:
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 0, 0, 0))
    line.add_column(width=12 + indent, no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(" " * indent + title, "dim"), Text(printable(text)))
    console.print(line)


def _run(preparation: Preparation, jobs: int, quiet: bool) -> tuple[float, int]:
    """Do the work; return its seconds, and the number of skipped images that are reported by name."""
    from awbkit.cli.failures import Failures
    from awbkit.datasets.layout import Omission

    progress = Progress(sys.stderr, len(preparation.samples) - preparation.resumed_count, enabled=not quiet)
    failures = Failures(noun="images")
    for skipped in preparation.omissions:
        failures.add({"path": skipped.image}, skipped.reason)
    try:
        with contextlib.closing(preparation.run(jobs)) as steps:
            for step in steps:
                if isinstance(step, Omission):
                    failures.add({"path": step.image}, step.reason)
                progress.advance(failed=isinstance(step, Omission))
    finally:
        progress.erase()
        reports = failures.flush(_MOST_REPORTS)
    return progress.seconds, reports


def _print_summary(prepared: Prepared, light_maps: float) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from awbkit.datasets.summary import folds, summarise

    console = Console(highlight=False, markup=False, emoji=False)
    info = prepared.info
    title = printable(info.get("title", "no title"))
    skipped = printable(str(info.get("skipped", "?")))
    console.print(Text(f"{title}: {count_text(len(prepared), 'image')}, {skipped} skipped", "bold"))
    options = ", ".join(f"{key}={value}" for key, value in info.get("options", {}).items())
    parts = folds(prepared)
    for title, value in (
        ("layout", info.get("layout", "") + (f" ({options})" if options else "")),
        ("licence", info.get("licence", "")),
        ("illuminant", info.get("convention", "")),
        ("cite", info.get("citation", "")),
        ("folds", ", ".join(f"{fold}: {count}" for fold, count in parts.items()) or "none published"),
        *([("light maps", f"of {light_maps:.0%} of the images")] if light_maps else []),
        ("hash", info.get("hash", "")),
    ):
        _print_field(console, title, str(value))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("camera", overflow="ellipsis", no_wrap=True, max_width=max(12, console.width - 64))
    for title in ("images", "scenes", "CCT 5 %", "50 %", "95 %", "cast", "lights > 1", "valid"):
        table.add_column(title, justify="right", no_wrap=True)
    for camera in summarise(prepared):
        table.add_row(
            printable(camera.camera) or "(no name)",
            str(camera.images),
            str(camera.scenes),
            *(f"{value:.0f}" for value in camera.cct or ()),
            *([] if camera.cct else ["no matrix", "", ""]),
            f"{camera.cast:.2f}°",
            "?" if camera.several_lights is None else f"{camera.several_lights:.0%}",
            f"{camera.valid:.0%}",
        )
    console.print()
    console.print(table)

"""`awbkit compare`: pictures before and after a correction, on one page."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from awbkit.choices import EncodingName
from awbkit.cli import options
from awbkit.cli.before_after import check_page, open_page
from awbkit.cli.failures import Failures
from awbkit.cli.terminal import Progress, say
from awbkit.errors import AwbError, FileError, UnreadableFile, UsageError
from awbkit.spelling import count_text
from awbkit.store.find import FoundImage, OtherFiles, find
from awbkit.store.limits import MAX_PIXELS
from awbkit.store.outputs import IfExists

if TYPE_CHECKING:
    from awbkit.before_after.matching import Matching
    from awbkit.records import Record


def compare(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A picture, or a folder of pictures.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The same, corrected.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="The page.")],
    estimates: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Records of the pictures before, for their lights; - is standard input.",
        ),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Descend into subfolders.")] = False,
    encoding: Annotated[
        EncodingName, typer.Option(help="How rendered files store light; auto: the embedded profile, else sRGB.")
    ] = "auto",
    max_pixels: Annotated[
        int, typer.Option(metavar="N", min=0, show_default="2^28", help="Refuse larger pictures; 0: no limit.")
    ] = MAX_PIXELS,
    if_exists: Annotated[IfExists, typer.Option(help="What to do if the page exists.")] = IfExists.FAIL,
    jobs: options.Jobs = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show pictures before and after a correction, side by side on one page.

    Pictures of two folders belong together by name: x.jpg with x.jpg, x_awb.jpg or x.tif.
    """
    from awbkit.before_after.exhibit import ExhibitOptions, exhibit_match
    from awbkit.work import batch

    check_page("-o", output, if_exists)
    records = _read_lights(estimates)
    matching, unreadable = _find_matches(before, after, recursive)
    failures = Failures()
    for each in unreadable:
        failures.add({"path": each.path}, each.reason)
    if matching.remark:
        say(matching.remark)
    items = [(match, records.get(os.path.realpath(match.before.path))) for match in matching.matches]
    if estimates is not None and (missing := sum(record is None for _, record in items)):
        pictures = count_text(len(items), "picture")
        say(f"--from {estimates} has no record of {missing} of {pictures}, which are shown without a light")
    progress = Progress(sys.stderr, len(items), enabled=not quiet)
    with open_page(output, len(items), if_exists, quiet=quiet) as page:
        if page is None:
            return
        task = partial(exhibit_match, options=ExhibitOptions(page.size, encoding, max_pixels or None))
        outcomes = batch.run(task, items, jobs=options.count_jobs(jobs, items))
        try:
            with contextlib.closing(outcomes):
                for (match, _), outcome in zip(items, outcomes, strict=True):
                    if outcome.result is not None:
                        page.add(outcome.result)
                    else:
                        # Either of the two files may be the one that cannot be read.
                        error = outcome.error
                        path = error.path if isinstance(error, FileError) else str(match.before.path)
                        page.add_failure(path, outcome.reason)
                        failures.add({"path": path}, outcome.reason)
                    progress.advance(failed=outcome.result is None)
        finally:
            progress.erase()
            failures.flush()
    raise typer.Exit(1 if progress.failed or unreadable else 0)


def _read_lights(estimates: str | None) -> dict[str, Record]:
    """The records of a file, by the real path of their picture."""
    from awbkit.cli.light import read_estimates

    found = read_estimates(estimates) if estimates is not None else {}
    return {os.path.realpath(path): record for path, record in found.items()}


def _find_matches(before: str, after: str, recursive: bool) -> tuple[Matching, list[UnreadableFile]]:
    """The pictures in two places that belong together, and the files and folders that cannot be read.

    Raises:
        AwbError: If no pictures belong together.
    """
    from awbkit.before_after.matching import Match, Matching, match

    if "-" in (before, after):
        raise UsageError("awbkit compare reads files and folders, and not standard input; name them")
    sides: list[list[FoundImage]] = []
    unreadable: list[UnreadableFile] = []
    for place in (before, after):
        images: list[FoundImage] = []
        for found in find([place], recursive=recursive, passed_over=OtherFiles()):
            if not isinstance(found, FoundImage):
                if found.path == place:
                    raise found
                unreadable.append(found)
            else:
                images.append(found)
        sides.append(images)
    if all(len(images) == 1 and images[0].root is None for images in sides):
        if os.path.realpath(before) == os.path.realpath(after):
            raise UsageError(f"{before} and {after} are one file; name the corrected one second")
        return Matching([Match(sides[0][0], sides[1][0])], [], []), []
    matching = match(*sides)
    if not matching.matches:
        hint = "" if recursive else "; -r descends into subfolders"
        raise AwbError(f"no picture in {before} belongs to one in {after} by its name (x.jpg, x_awb.jpg){hint}")
    return matching, unreadable

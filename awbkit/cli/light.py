"""Where `awbkit correct` gets the light from: its options, or the records of an earlier run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.cli import options
from awbkit.errors import AwbError, UnreadableFile, UsageError
from awbkit.store.find import STDIN, FoundImage, find

if TYPE_CHECKING:
    from awbkit.records import Record
    from awbkit.store.outputs import PlannedOutput
    from awbkit.tasks import Light


def choose_light(
    methods: Sequence[str] | None,
    region: str | None,
    gains: str | None,
    illuminant: str | None,
    cct: float | None,
    duv: float | None,
    estimates: str | None,
    fallback: str | None = None,
    max_expected_error: float | None = None,
) -> Light | None:
    """The light that the options name; None for a file of estimates.

    Raises:
        UsageError: If they name several lights, or one that does not exist.
    """
    from awbkit.colour.illuminant import Illuminant
    from awbkit.colour.temperature import cct_duv_to_xy
    from awbkit.estimators import registry
    from awbkit.files.photo import Region
    from awbkit.tasks import Light

    given: dict[str, object] = {
        "--method": methods or None,
        "--region": region,
        "--gains": gains,
        "--illuminant": illuminant,
        "--cct": cct,
        "--from": estimates,
    }
    named = [option for option, value in given.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} each say what the light is; give one of them")
    if methods is not None and len(methods) > 1:
        raise UsageError("a picture is corrected for one light; give one --method")
    if (fallback is not None or max_expected_error is not None) and set(named) - {"--method"}:
        raise UsageError(f"--fallback goes with --method; leave out --fallback or {named[0]}")
    if duv is not None and cct is None:
        raise UsageError("--duv goes with --cct")
    if estimates is not None:
        return None
    if region is not None:
        return Light(region=Region.parse(region))
    if gains is not None:
        red, green, blue = options.split_numbers("--gains", gains)
        return Light(rgb=Illuminant.of((1 / red, 1 / green, 1 / blue)).rgb)
    if illuminant is not None:
        return Light(rgb=Illuminant.of(options.split_numbers("--illuminant", illuminant)).rgb)
    if cct is not None:
        cct_duv_to_xy(cct, duv or 0.0)
        return Light(cct_duv=(cct, duv or 0.0))
    (method,) = options.choose_methods(methods or [registry.DEFAULT], fallback, max_expected_error)
    return Light(method=method)


def read_estimates(source: str) -> dict[str, Record]:
    """The records of an earlier run by path, in their order.

    Raises:
        UsageError: If the stream holds no records, or more than one estimate of a file.
    """
    from awbkit.record_files import read_records

    records: dict[str, Record] = {}
    with options.open_input("--from", source) as stream:
        for stated in read_records(stream, "standard input" if source == "-" else source):
            path = str(Path(stated.record["path"]))
            if path == str(STDIN):
                raise UsageError(
                    f"{stated.where}: an estimate of standard input names no file; set its path to the picture's"
                )
            if path in records:
                raise UsageError(
                    f"{stated.where}: two estimates for {path}; keep one, such as with jq 'select(.method == ...)'"
                )
            records[path] = stated.record
    return records


def find_pictures(records: dict[str, Record]) -> list[FoundImage | UnreadableFile]:
    """The pictures that the records name, each with the root of the tree that -d mirrors.

    The root of relative paths is the current folder, and the root of absolute paths is the folder common to them.
    """
    plain = [path for path in map(Path, records) if ".." not in path.parts]
    folders = [path.parent for path in plain if path.is_absolute()]
    common = Path(os.path.commonpath(folders)) if folders else None
    roots = {path: common if path.is_absolute() else Path() for path in plain}
    result: list[FoundImage | UnreadableFile] = []
    for path in map(Path, records):
        # Unlike Path.is_dir, this accepts a name that no file can have.
        if os.path.isdir(path):  # noqa: PTH112
            result.append(UnreadableFile(path, "is a folder", "an estimate is about one picture"))
            continue
        result += [
            item if isinstance(item, UnreadableFile) else FoundImage(path, roots.get(path))
            for item in find([str(path)])
        ]
    return result


def share_light(
    planned: Sequence[PlannedOutput], light: Light, *, encoding: str, max_pixels: int | None, jobs: int, quiet: bool
) -> dict[Path, Light | AwbError]:
    """The light that all pictures of a camera share, for each picture by path, or the error of a picture without one.

    Raises:
        UsageError: If there are no estimates to pool, or a picture cannot be read twice.
    """
    from awbkit.cli.terminal import Progress
    from awbkit.tasks import shared_lights

    if light.region is not None:
        raise UsageError(
            "--shared would pool the same rectangle of every picture; run `awbkit estimate --region` on the picture "
            "with the gray card, and give its light as --illuminant"
        )
    if light.method is None:
        raise UsageError(
            "--shared pools estimates, and the light that you name is already the same for all; leave out --shared"
        )
    sources = [entry.source for entry in planned]
    if any(source.is_stream for source in sources):
        raise UsageError("--shared reads every picture twice, and a stream can be read only once; name files")
    progress = Progress(sys.stderr, len(sources), enabled=not quiet)
    try:
        return shared_lights(
            sources,
            light,
            encoding=encoding,
            max_pixels=max_pixels,
            jobs=jobs,
            on_file=lambda failed: progress.advance(failed=failed),
        )
    finally:
        progress.erase()

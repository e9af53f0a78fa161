"""The work on one file, as worker processes get it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit import api
from awbkit.colour.illuminant import Illuminant
from awbkit.errors import AwbError, FileError, UnreadableFile, UnsupportedImage, UsageError, collect_warnings
from awbkit.estimators.registry import Method
from awbkit.files.photo import Region
from awbkit.files.rendered import RenderedPhoto
from awbkit.files.source import open_as, open_source
from awbkit.records import SCHEMA, Record, error_record, estimate_record, light_of, light_of_cct
from awbkit.store.find import FoundImage
from awbkit.store.limits import MAX_PIXELS
from awbkit.store.outputs import IfExists, PlannedOutput, skips, suffix_by_content, tidy
from awbkit.store.streams import spool_stream

if TYPE_CHECKING:
    from awbkit.correction.von_kries import Correction
    from awbkit.files.source import AnyPhoto

NO_RAW = ("is no raw file", "sidecars steer raw editors; leave out --sidecar")
"""Problem and remedy of a rendered picture for which the user wants a sidecar."""


@contextlib.contextmanager
def open_input_photo(found: FoundImage, encoding: str, max_pixels: int | None) -> Iterator[AnyPhoto]:
    """Open a photograph. A stream, or a file whose name codecs cannot take, is opened by a temporary name.

    Raises:
        FileError: Naming the file as the user did.
    """
    if not found.is_stream:
        with open_source(found.path, encoding=encoding, max_pixels=max_pixels) as photo:
            yield photo
        return
    with (
        spool_stream(found.path, found.is_stdin, max_pixels) as path,
        open_as(str(found.path), path, encoding, max_pixels) as photo,
    ):
        yield photo


def estimate_file(
    found: FoundImage,
    *,
    methods: tuple[Method, ...],
    region: Region | None = None,
    encoding: str = "auto",
    max_pixels: int | None = MAX_PIXELS,
) -> list[Record]:
    """A record for each method; the file is read once."""
    start = time.perf_counter()
    records: list[Record] = []
    with collect_warnings() as warnings, open_input_photo(found, encoding, max_pixels) as photo:
        if region is not None:
            light = api.estimate_region(photo, region)
            records.append(estimate_record(found.path, photo, "region", light, _ms(start)))
        else:
            image = photo.thumbnail()
            for method in methods:
                try:
                    with _output_aside(method):
                        light, answered = method.answer(image)
                except AwbError as error:
                    records.append(error_record(found.path, " ".join(str(error).split()), str(method)))
                else:
                    fell_back = str(method) if answered is not method else None
                    records.append(estimate_record(found.path, photo, str(answered), light, _ms(start), fell_back))
                    start = time.perf_counter() if len(methods) > 1 else start
    return [{**record, "warning": "; ".join(warnings) or None} for record in records]


def _output_aside(method: Method) -> contextlib.AbstractContextManager[object]:
    """Send to standard error what code of the user's own prints, because records go to standard output."""
    return contextlib.redirect_stdout(sys.stderr) if method.runs_own_code else contextlib.nullcontext()


@dataclass(frozen=True)
class Light:
    """Where the light to correct for comes from; exactly one of the first five is set.

    Attributes:
        method: An estimator.
        region: A gray card's rectangle.
        rgb: The light's own RGB, in the file's space.
        cct_duv: Its temperature in kelvin and its Duv.
        record: An estimate of an earlier run.
        label: What records give as the method of ``rgb`` and ``cct_duv``.
    """

    method: Method | None = None
    region: Region | None = None
    rgb: tuple[float, float, float] | None = None
    cct_duv: tuple[float, float] | None = None
    record: Record | None = None
    label: str = "given"

    def answer(self, photo: AnyPhoto) -> tuple[Illuminant, str, str | None]:
        """The light in this photograph, its method for the record, and the method that it stands in for, if any."""
        if self.method is None:
            return self.of(photo), self.name, None
        with _output_aside(self.method):
            light, answered = self.method.answer(photo.thumbnail())
        return light, str(answered), self.name if answered is not self.method else None

    def of(self, photo: AnyPhoto) -> Illuminant:
        """The light in this photograph."""
        if self.method is not None:
            with _output_aside(self.method):
                return self.method.estimate(photo.thumbnail())
        if self.region is not None:
            return api.estimate_region(photo, self.region)
        if self.rgb is not None:
            return Illuminant.of(self.rgb, photo.camera)
        if self.cct_duv is not None:
            return light_of_cct(*self.cct_duv, photo.camera)
        return light_of(self.record or {}, photo.camera)

    @property
    def name(self) -> str:
        """The method in the record."""
        if self.method is not None:
            return str(self.method)
        if self.record is not None:
            return str(self.record.get("method") or self.label)
        return "region" if self.region is not None else self.label


@dataclass(frozen=True)
class CorrectItem:
    """One file to correct. An output without a suffix gets that of the input's own format."""

    planned: PlannedOutput
    light: Light


@dataclass(frozen=True)
class CorrectOptions:
    """The options for all files of a run.

    Attributes:
        cat: A chromatic adaptation transform, or None for gains.
        strength: Share of the cast to remove, 0 to 1.
        encoding: How rendered files' numbers stand for light.
        if_exists: What to do where an output exists.
        auto_bright: Stretch the brightness of developed raw files.
        sidecar: Write an XMP sidecar in place of a picture.
        dry_run: Open and estimate, but write nothing.
        max_pixels: Refuse pictures that claim more; None for no limit.
    """

    cat: str | None = None
    strength: float = 1.0
    encoding: str = "auto"
    if_exists: IfExists = IfExists.FAIL
    auto_bright: bool = False
    sidecar: bool = False
    dry_run: bool = False
    max_pixels: int | None = MAX_PIXELS


def correct_file(item: CorrectItem, *, options: CorrectOptions) -> Record:
    """Correct one file and say what was done."""
    from awbkit.correction.von_kries import Correction

    start = time.perf_counter()
    found, output = item.planned.source, item.planned.output
    if item.light.record is not None and item.light.record.get("status") == "error":
        raise FileError(found.path, f"has no estimate ({item.light.record.get('error') or 'it failed'})")
    if not options.dry_run:
        tidy(output)
    if skips(output, options.if_exists):
        return {"schema": SCHEMA, "path": found.path, "output": output, "status": "skipped"}
    with collect_warnings() as warnings, open_input_photo(found, options.encoding, options.max_pixels) as photo:
        light, name, fell_back = item.light.answer(photo)
        correction = Correction(light, options.cat, options.strength)
        # Everything that can be wrong with the light is found before a picture is decoded in vain.
        correction.matrix()
        if not output.suffix:
            output = output.with_suffix(suffix_by_content(Path(photo.path)))
        write = (_sidecar_writer if options.sidecar else _picture_writer)(photo, correction, output, options)
        record = estimate_record(found.path, photo, name, correction.light, 0, fell_back)
        status = "planned" if options.dry_run else "ok" if write() else "skipped"
    warning = "; ".join(warnings) or None
    return {**record, "output": output, "status": status, "ms": _ms(start), "warning": warning}


def correct_alone(item: CorrectItem, *, options: CorrectOptions) -> tuple[Record, None]:
    """:func:`correct_file` where no page is to show the picture."""
    return correct_file(item, options=options), None


def _picture_writer(
    photo: AnyPhoto, correction: Correction, output: Path, options: CorrectOptions
) -> Callable[[], bool]:
    from awbkit.files.write import format_of

    format_of(output)
    return partial(api.write, photo, correction, output, options.if_exists, auto_bright=options.auto_bright)


def _sidecar_writer(
    photo: AnyPhoto, correction: Correction, output: Path, options: CorrectOptions
) -> Callable[[], bool]:
    from awbkit.files import sidecar

    if isinstance(photo, RenderedPhoto):
        raise UnsupportedImage(photo.path, *NO_RAW)
    temperature = correction.light.cct_duv
    if temperature is None:
        raise UsageError(
            "the light has no colour temperature that a sidecar could state (no camera matrix, or far off)"
        )
    cct, duv = temperature
    return partial(sidecar.write, output, cct, sidecar.tint_from_duv(duv), options.if_exists)


def _ms(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def light_of_file(found: FoundImage, *, light: Light, encoding: str, max_pixels: int | None = MAX_PIXELS) -> Illuminant:
    """The light of one file, to be pooled with that of others."""
    # The file's warnings are dropped here, because they come again when it is corrected.
    with collect_warnings(), open_input_photo(found, encoding, max_pixels) as photo:
        return light.of(photo)


def shared_lights(
    sources: Sequence[FoundImage],
    light: Light,
    *,
    encoding: str,
    max_pixels: int | None,
    jobs: int,
    on_file: Callable[[bool], object],
) -> dict[Path, Light | AwbError]:
    """The light that all files of a camera share, for each file by path, or the error of a file without one.

    Args:
        sources: Files that can be read more than once.
        light: The method that finds the light of each file.
        encoding: How rendered files' numbers stand for light.
        max_pixels: Refuse pictures that claim more; None for no limit.
        jobs: How many processes.
        on_file: Called after each file with whether it failed.
    """
    from awbkit.fusion.common import common_illuminants
    from awbkit.work import batch

    failures: dict[Path, Light | AwbError] = {}
    found: list[tuple[Path, Illuminant]] = []
    run = batch.run(
        partial(light_of_file, light=light, encoding=encoding, max_pixels=max_pixels),
        sources,
        jobs=jobs,
        isolate=light.method is not None and light.method.runs_own_code,
    )
    with contextlib.closing(run):
        for source, outcome in zip(sources, run, strict=True):
            if outcome.result is None:
                failures[source.path] = UnreadableFile(source.path, outcome.reason)
            else:
                found.append((source.path, outcome.result))
            on_file(outcome.result is None)
    label = f"{light.name}, shared"
    lights = {path: Light(rgb=common.rgb, label=label) for path, common in common_illuminants(found).items()}
    return lights | failures

"""What the page shows of one picture, as worker processes make it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.before_after.plane import Place, place_of
from awbkit.before_after.preview import Preview, PreviewSize, make_preview
from awbkit.choices import RGB_COMPONENTS
from awbkit.colour.illuminant import Illuminant
from awbkit.errors import AwbError, UsageError, collect_warnings
from awbkit.files.raw import RawPhoto
from awbkit.records import Record, is_uncertain, light_of
from awbkit.store.find import FoundImage
from awbkit.store.limits import MAX_PIXELS
from awbkit.tasks import CorrectItem, CorrectOptions, correct_file, open_input_photo

if TYPE_CHECKING:
    from awbkit.before_after.matching import Match
    from awbkit.files.source import AnyPhoto

_SAME_SHAPE = 0.02
"""Greatest relative difference of aspect ratios; small pictures are rounded to whole pixels."""


@dataclass(frozen=True)
class Exhibit:
    """A picture before and after its correction.

    Attributes:
        before: The picture's path.
        after: The path of the corrected one.
        before_preview: None where it could not be made.
        after_preview: The same.
        size: Width and height before, as displayed, in pixels; None where the picture cannot be opened.
        is_raw: Whether the picture before is a raw file, shown as the camera balanced it.
        light: The light that was corrected for, with its expected error; None where nothing says.
        place: Its place on the chromaticity plane.
        method: Where the light comes from.
        remarks: What is odd, each a plain text.
    """

    before: Path
    after: Path
    before_preview: Preview | None = None
    after_preview: Preview | None = None
    size: tuple[int, int] | None = None
    is_raw: bool = False
    light: Illuminant | None = None
    place: Place | None = None
    method: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def expected_error(self) -> float | None:
        """Degrees; None where the method states none."""
        return self.light.expected_error if self.light is not None else None

    @property
    def is_uncertain(self) -> bool:
        """Whether it expects to err by much."""
        return is_uncertain(self.expected_error)


@dataclass(frozen=True)
class ExhibitOptions:
    """How exhibits are made.

    Attributes:
        size: How large previews may be.
        encoding: How rendered files' numbers stand for light.
        max_pixels: Refuse pictures that claim more; None for no limit.
        auto_bright: Stretch the brightness of raw files.
    """

    size: PreviewSize
    encoding: str = "auto"
    max_pixels: int | None = MAX_PIXELS
    auto_bright: bool = False


def correct_and_exhibit(
    item: CorrectItem, *, options: CorrectOptions, exhibit: ExhibitOptions
) -> tuple[Record, Exhibit]:
    """Correct one file, and show it before and after; a preview that fails costs the page a picture and no more."""
    record = correct_file(item, options=options)
    made = make_exhibit(item.planned.source, item.planned.output, record, options=exhibit)
    if record["status"] == "skipped":
        made = replace(made, remarks=("the output existed and was kept", *made.remarks))
    return record, made


def exhibit_match(item: tuple[Match, Record | None], *, options: ExhibitOptions) -> Exhibit:
    """Show two files that belong together.

    Raises:
        FileError: If one of them cannot be read.
    """
    match, record = item
    made = make_exhibit(match.before, match.after.path, record, options=options, is_strict=True)
    if record is not None and record.get("status") == "error":
        remark = f"the record states no light: {record.get('error') or 'it failed'}"
        made = replace(made, remarks=(remark, *made.remarks))
    return made


def make_exhibit(
    before: FoundImage, after: Path, record: Record | None, *, options: ExhibitOptions, is_strict: bool = False
) -> Exhibit:
    """The exhibit of a picture, its correction and its record.

    Args:
        before: The picture.
        after: The corrected one.
        record: States the light, if it is known.
        options: How the exhibit is made.
        is_strict: Raise errors; else they become remarks.

    Raises:
        FileError: In strict mode, if a picture cannot be read.
    """
    made = Exhibit(before.path, after)
    try:
        with collect_warnings(), open_input_photo(before, options.encoding, options.max_pixels) as photo:
            made = replace(made, size=(photo.width, photo.height), is_raw=isinstance(photo, RawPhoto))
            made = _with_light(made, photo, record)
            made = replace(made, before_preview=make_preview(photo, options.size, auto_bright=options.auto_bright))
    except AwbError as error:
        if is_strict:
            raise
        made = _with_remark(made, f"no preview before: {error}")
    # What is developed of a raw file is sRGB, whatever the user says about rendered files.
    encoding = "auto" if made.is_raw else options.encoding
    try:
        with collect_warnings(), open_input_photo(FoundImage(after), encoding, options.max_pixels) as photo:
            size = photo.width, photo.height
            made = replace(made, after_preview=make_preview(photo, options.size))
    except AwbError as error:
        if is_strict:
            raise
        return _with_remark(made, f"no preview after: {error}")
    if made.size is not None and abs(size[0] * made.size[1] / size[1] / made.size[0] - 1) > _SAME_SHAPE:
        made = _with_remark(made, "the shapes differ: {} x {} before, {} x {} after".format(*made.size, *size))
    return made


def _with_remark(made: Exhibit, remark: str) -> Exhibit:
    return replace(made, remarks=(*made.remarks, remark))


def _with_light(made: Exhibit, photo: AnyPhoto, record: Record | None) -> Exhibit:
    if record is None or all(record.get(key) is None for key in (*RGB_COMPONENTS, "cct")):
        return made
    try:
        light = light_of(record, photo.camera)
    except UsageError as error:
        return _with_remark(made, f"the record's light cannot be used: {error}")
    light = replace(light, expected_error=record.get("expected_error"))
    return replace(made, light=light, place=place_of(light), method=str(record.get("method") or ""))

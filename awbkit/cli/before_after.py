"""The page of `awbkit correct --compare` and `awbkit compare`: checked before the work, written after it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.cli.terminal import say
from awbkit.errors import UsageError
from awbkit.store.outputs import IfExists, PlannedOutput, skips

if TYPE_CHECKING:
    from awbkit.before_after.exhibit import Exhibit
    from awbkit.before_after.page import Draft
    from awbkit.records import Record
    from awbkit.tasks import CorrectItem, CorrectOptions

_SUFFIXES = (".html", ".htm")


def check_page(option: str, path: Path, if_exists: IfExists) -> None:
    """Refuse a page that cannot be written, before any work starts.

    Raises:
        UsageError: If its name does not end in ``.html``; it could be that of a picture.
        OutputError: If it exists and must not.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{option} {path}: a page ends in .html; name it so")
    skips(path, if_exists)


def check_readable_twice(planned: Sequence[object]) -> None:
    """Refuse pictures that can be read only once.

    Raises:
        UsageError: If one of the planned outputs is made of a stream.
    """
    if any(isinstance(entry, PlannedOutput) and entry.source.is_stream for entry in planned):
        raise UsageError("--compare reads every picture twice, and a stream can be read only once; name files")


@contextlib.contextmanager
def open_page(path: Path | None, count: int, if_exists: IfExists, *, quiet: bool) -> Iterator[Draft | None]:
    """A page for ``count`` pictures, written where the context ends without an error.

    Yields:
        The page; None where no page is named, or it exists and is to stay.

    Raises:
        OutputError: If the page exists and must not, or cannot be written.
    """
    if path is None:
        yield None
        return
    if skips(path, if_exists):
        if not quiet:
            say(f"{path} exists and stays as it is; --if-exists replace makes it anew")
        yield None
        return
    from awbkit.before_after.page import open_draft
    from awbkit.before_after.preview import PreviewSize

    with open_draft(PreviewSize.of(count)) as draft:
        yield draft
        if draft.write(path, if_exists) and not quiet:
            # The table of results may still be in a buffer.
            sys.stdout.flush()
            say(f"{path}: {_summary(draft)}")


def task_of(how: CorrectOptions, page: Draft | None) -> Callable[[CorrectItem], tuple[Record, Exhibit | None]]:
    """The work on one file: its correction, and what a page shows of it."""
    if page is None:
        from awbkit.tasks import correct_alone

        return partial(correct_alone, options=how)
    from awbkit.before_after.exhibit import ExhibitOptions, correct_and_exhibit

    made = ExhibitOptions(page.size, how.encoding, how.max_pixels, how.auto_bright)
    return partial(correct_and_exhibit, options=how, exhibit=made)


def add(page: Draft, record: Record, exhibit: Exhibit | None) -> None:
    """Put a picture on the page, or the reason why it is not there."""
    if exhibit is not None:
        page.add(exhibit)
    else:
        page.add_failure(str(record["path"]), str(record.get("error") or "failed"))


def _summary(draft: Draft) -> str:
    pictures = f"{len(draft)} picture{'' if len(draft) == 1 else 's'} before and after"
    if not draft.stated:
        return pictures
    from awbkit.records import UNCERTAIN

    return f"{pictures}, {draft.uncertain} uncertain (expected error over {UNCERTAIN:g} degrees)"

"""One corrected picture on standard output, for `awbkit correct FILE -o - | PROGRAM`."""

from __future__ import annotations

import contextlib
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.cli.failures import Failures
from awbkit.errors import FileError, UsageError
from awbkit.store.find import FoundImage
from awbkit.store.outputs import PlannedOutput
from awbkit.store.parts import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from awbkit.cli.pictures import Pictures
    from awbkit.tasks import CorrectOptions, Light


def check_standard_output(pictures: Pictures, others: Mapping[str, object]) -> None:
    """Refuse what cannot go with ``-o -``, before anything is read.

    Args:
        pictures: The options of the run.
        others: Options that ask for more than one picture on standard output, by name.

    Raises:
        UsageError: If one of them is given, or standard output is a terminal.
    """
    given = [name for name, value in {"--format": pictures.format, **others}.items() if value]
    if given:
        raise UsageError(f"-o - writes one picture and nothing else to standard output; leave out {given[0]}")
    if sys.stdout.isatty():
        raise UsageError("-o - would print the bytes of a picture on your terminal; add > FILE or | PROGRAM")


def write_one(
    found: Sequence[FoundImage | FileError],
    light: Light,
    how: CorrectOptions,
    suffix: Callable[[Path], str],
    pictures: Pictures,
) -> int:
    """Correct the one picture, copy it to standard output when it is whole, and return the exit code.

    Args:
        found: The input.
        light: What to correct for.
        how: How to correct.
        suffix: From the input to the suffix of its output; empty where the content decides.
        pictures: The options of the run.

    Raises:
        UsageError: If there is not exactly one input.
    """
    from awbkit.cli.report import FailedList, details
    from awbkit.cli.terminal import say
    from awbkit.tasks import CorrectItem, correct_file
    from awbkit.work import batch

    if len(found) != 1:
        raise UsageError(f"-o - writes one picture, but there are {len(found)}; name a folder with -d")
    (source,) = found
    failed_list = FailedList(pictures.failed_list, nul=pictures.null) if pictures.failed_list is not None else None
    failures = Failures(at_once=True)
    with scratch() as folder:
        item = (
            CorrectItem(PlannedOutput(source, folder / f"picture{suffix(source.path)}"), light)
            if isinstance(source, FoundImage)
            else source
        )
        outcomes = batch.run(
            partial(correct_file, options=how),
            [item],
            local=lambda item: isinstance(item, CorrectItem) and item.planned.source.is_stream,
            # What other code prints must not get among the bytes of the picture.
            isolate=light.method is not None and light.method.runs_own_code,
        )
        with contextlib.closing(outcomes):
            outcome = next(outcomes)
        record = outcome.result
        if record is None:
            failures.add({"path": source.path}, outcome.reason)
            if failed_list is not None:
                failed_list.add(str(source.path))
        else:
            if record["warning"]:
                failures.add(record, str(record["warning"]), "warning: ")
            if pictures.verbose:
                say(details({**record, "output": "standard output"}))
            with Path(record["output"]).open("rb") as written:
                shutil.copyfileobj(written, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    if failed_list is not None:
        failed_list.close()
    return 1 if record is None else 0

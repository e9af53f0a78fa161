"""The outcome of one item of a batch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from awbkit.errors import AwbError, FileError
from awbkit.store.refusals import WRITING_ONLY, reading_error, writing_error

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """The outcome of one item: a result, or an error.

    Attributes:
        item: The item itself.
        result: What the task returned; None where there is an error.
        error: Why there is no result.
    """

    item: T | AwbError
    result: R | None
    error: AwbError | None

    @property
    def reason(self) -> str:
        """Problem and remedy on one line, without the path; empty where there is no error."""
        if self.error is None:
            return ""
        return self.error.reason if isinstance(self.error, FileError) else " ".join(str(self.error).split())


def attempt(task: Callable[[T], R], item: T | AwbError) -> Outcome[T, R]:
    """Do an item in this process; any error becomes the item's outcome."""
    if isinstance(item, AwbError):
        return Outcome(item, None, item)
    try:
        return Outcome(item, task(item), None)
    except Exception as error:
        return Outcome(item, None, user_error(error))


def user_error(error: Exception) -> AwbError:
    """The error for the user: ours as they are, any other on one line with its type."""
    if isinstance(error, AwbError):
        return error
    if isinstance(error, MemoryError):
        return AwbError("not enough memory; run fewer jobs at a time with -j")
    if isinstance(error, OSError) and error.errno is not None:
        # Code that writes raises errors of its own, so nearly all others are failures to read.
        if error.errno in WRITING_ONLY:
            name = error.filename2 or error.filename
            refused: FileError = writing_error(os.fsdecode(name or b""), error)
        else:
            refused = reading_error(os.fsdecode(error.filename or b""), error)
        return refused if error.filename else AwbError(refused.reason)
    message = " ".join(str(error).split())
    return AwbError(f"unexpected {type(error).__name__}{': ' if message else ''}{message}; please report this")

"""Answers on disk as they come, so that a killed evaluation goes on where it stopped."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from awbkit.datasets.prepared import ARRAYS
from awbkit.errors import OutputError
from awbkit.evaluation.work import Answers, Chunk
from awbkit.store.documents import parse_line
from awbkit.store.refusals import unwritable

_SECONDS_AT_RISK = 1.0


class AnswerJournal:
    """A file of JSON Lines, one for each chunk of images that is done; a context that completes it.

    Attributes:
        known: What the file held already; the chunks are without their folders.
    """

    def __init__(self, path: Path, plan: str) -> None:
        """Open a journal, or begin one.

        Args:
            path: The file.
            plan: A digest of all that the answers depend on.

        Raises:
            OutputError: If the file is of another plan, is damaged or no journal, or cannot be written.
        """
        self._path = path
        self._synced = time.monotonic()
        self.known: list[tuple[Chunk, Answers]] = []
        head = json.dumps({"plan": plan}).encode() + b"\n"
        try:
            if not path.exists() or path.stat().st_size == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(head)
            with path.open("rb") as file:
                if file.read(len(head)) != head:
                    raise OutputError(path, "is of another evaluation", "name another file, or remove it")
            length = len(head)
            for number, line in enumerate(self._lines(), 2):
                try:
                    self.known.append(_read(parse_line(line)))
                except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError):
                    raise self.damaged(f"line {number} holds no answers") from None
                length += len(line)
            self._file = path.open("r+b")
            self._file.truncate(length)
            self._file.seek(length)
        except OSError as error:
            raise unwritable(path, error) from error

    def __enter__(self) -> AnswerJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def damaged(self, how: str) -> OutputError:
        """The error for a file whose answers cannot be used."""
        return OutputError(self._path, f"is damaged: {how}", "remove it, and the evaluation starts afresh")

    def add(self, chunk: Chunk, answers: Answers) -> None:
        """Keep the answers for a chunk.

        Raises:
            OutputError: If they cannot be written.
        """
        try:
            self._file.write(json.dumps(_written(chunk, answers)).encode() + b"\n")
            self._file.flush()
            if time.monotonic() - self._synced > _SECONDS_AT_RISK:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _lines(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            # A line cut short is the last thing that a killed process wrote.
            yield from (line for line in itertools.islice(file, 1, None) if line.endswith(b"\n"))


def states(folder: Path) -> list[tuple[str, int, int]]:
    """What gives away that a file of a prepared folder was changed in place, without reading it through."""
    paths = [folder / name for name in ("dataset.json", "index.csv", *ARRAYS)]
    found = [(path.name, path.stat()) for path in paths if path.exists()]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in found]


def _written(chunk: Chunk, answers: Answers) -> dict[str, Any]:
    return {
        "start": chunk.start,
        "rows": chunk.rows,
        "tested": chunk.tested,
        "methods": chunk.methods,
        "estimates": answers.estimates.tolist(),
        "expected": answers.expected.tolist(),
        "features": [[*key, features.tolist()] for key, features in answers.features.items()],
        "failures": [[*key, why] for key, why in answers.failures.items()],
    }


def _read(entry: dict[str, Any]) -> tuple[Chunk, Answers]:
    chunk = Chunk(Path(), entry["start"], *(tuple(entry[key]) for key in ("rows", "tested", "methods")))
    shape = len(chunk.rows), len(chunk.methods)
    answers = Answers(
        np.array(entry["estimates"], dtype=np.float64).reshape(*shape, 3),
        np.array(entry["expected"], dtype=np.float64).reshape(shape),
        {(place, method): np.array(features, dtype=np.float64) for place, method, features in entry["features"]},
        {(place, method): why for place, method, why in entry["failures"]},
    )
    return chunk, answers

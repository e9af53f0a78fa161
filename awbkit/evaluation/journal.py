"""The journal of an evaluation: answers on disk, so that a killed run continues where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from awbkit.datasets.prepared import ARRAYS
from awbkit.errors import OutputError
from awbkit.evaluation.work import Answers, Chunk
from awbkit.store.journal import Journal
from awbkit.store.refusals import writing_error


class AnswerJournal(Journal):
    """A file of JSON Lines, one for each chunk of images that is done.

    Attributes:
        entries: Answers that the file held before; the chunks lack their folders.
    """

    def __init__(self, path: Path, plan: str) -> None:
        """Open or create a journal.

        Args:
            path: The file.
            plan: A digest of everything that the answers depend on.

        Raises:
            OutputError: If the file belongs to another plan, is damaged, is no journal, or cannot be written.
        """
        self._place = path
        self.entries: list[tuple[Chunk, Answers]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(
                path,
                plan,
                lambda entry: self.entries.append(_from_entry(entry)),
                other_plan=OutputError(path, "is of another evaluation", "name another file, or remove it"),
                damaged=lambda line: self.damage_error(f"{line} holds no answers"),
            )
        except OSError as error:
            raise writing_error(path, error) from error

    def damage_error(self, how: str) -> OutputError:
        """The error for a file whose answers cannot be used."""
        return OutputError(self._place, f"is damaged: {how}", "remove it, and the evaluation starts anew")

    def keep(self, chunk: Chunk, answers: Answers) -> None:
        """Append the answers for a chunk.

        Raises:
            OutputError: If they cannot be written.
        """
        try:
            self.add(_to_entry(chunk, answers))
        except OSError as error:
            raise writing_error(self._place, error) from error


def states(folder: Path) -> list[tuple[str, int, int]]:
    """A cheap signature of a file of a prepared folder, which changes with the file."""
    paths = [folder / name for name in ("dataset.json", "index.csv", *ARRAYS)]
    found = [(path.name, path.stat()) for path in paths if path.exists()]
    return [(name, state.st_size, state.st_mtime_ns) for name, state in found]


def _to_entry(chunk: Chunk, answers: Answers) -> dict[str, Any]:
    return {
        "start": chunk.start,
        "rows": chunk.rows,
        "tested": chunk.test,
        "methods": chunk.methods,
        "estimates": answers.estimates.tolist(),
        "expected": answers.expected.tolist(),
        "features": [[*key, features.tolist()] for key, features in answers.features.items()],
        "failures": [[*key, why] for key, why in answers.failures.items()],
    }


def _from_entry(entry: dict[str, Any]) -> tuple[Chunk, Answers]:
    chunk = Chunk(Path(), entry["start"], *(tuple(entry[key]) for key in ("rows", "tested", "methods")))
    shape = len(chunk.rows), len(chunk.methods)
    answers = Answers(
        np.array(entry["estimates"], dtype=np.float64).reshape(*shape, 3),
        np.array(entry["expected"], dtype=np.float64).reshape(shape),
        {(place, method): np.array(features, dtype=np.float64) for place, method, features in entry["features"]},
        {(place, method): why for place, method, why in entry["failures"]},
    )
    return chunk, answers

"""The results of a preparation on disk, and the journal that lists the complete ones."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import THUMBNAIL_SIZE as SIZE
from awbkit.datasets.prepared import COLUMNS, Row
from awbkit.errors import OutputError
from awbkit.store.journal import Journal

_FILE = "journal.jsonl"


@dataclass(frozen=True, eq=False)
class StoredSample:
    """One sample in its stored form: a row of the index and of each array."""

    row: Row
    thumbnail: NDArray[np.uint16]
    valid: NDArray[np.bool_]
    light_map: NDArray[np.float16] | None


class SampleJournal:
    """Arrays that grow, and lines that say which samples they hold, in the order in which they were added.

    Attributes:
        rows: The rows of all samples in the journal, by their keys.
    """

    _ARRAYS: ClassVar = {
        "thumbnails": np.dtype(("<u2", (SIZE, SIZE, 3))),
        "valid": np.dtype(("|b1", (SIZE, SIZE))),
        "local": np.dtype(("<f2", (SIZE, SIZE, 2))),
    }

    def __init__(self, folder: Path, plan: str, names: Mapping[str, tuple[str, ...]]) -> None:
        """Open a journal, or begin one.

        Args:
            folder: The folder of the journal and its arrays.
            plan: A digest of all that the samples depend on in common; a sample's key covers the rest.
            names: Image, camera, scene and fold of each sample, by its key.

        Raises:
            OutputError: If the folder holds the work of another plan, or is damaged.
        """
        self._folder = folder
        self._names = names
        self.rows: dict[str, Row] = {}
        self._places: dict[str, int] = {}
        self._count = 0
        self._files: dict[str, IO[bytes]] = {}
        self._journal = Journal(
            folder / _FILE,
            plan,
            self._take,
            other_plan=OutputError(
                folder,
                "holds the unfinished work of another source or other options",
                "--restart throws it away; or name another folder with -o",
            ),
            damaged=lambda _: OutputError(folder, "holds unfinished work that is damaged", "--restart throws it away"),
            before_sync=self._sync_arrays,
        )
        for name in self._ARRAYS:
            if name != "local" or (folder / name).exists():
                self._open(name)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a folder holds a journal."""
        return (folder / _FILE).exists()

    def add(self, key: str, sample: StoredSample) -> None:
        """Add one sample."""
        if sample.light_map is not None and "local" not in self._files:
            self._open("local")
        parts = {"thumbnails": sample.thumbnail, "valid": sample.valid, "local": sample.light_map}
        for name, file in self._files.items():
            part = parts[name]
            file.write(_unknown_light() if part is None else part.tobytes())
        self._note(key, sample.row)
        self._journal.add({"key": key, "row": sample.row.cells()})

    def sync(self) -> None:
        """Write the added samples to the disk: first the arrays, then the lines that count them."""
        self._journal.sync()

    def close(self) -> None:
        """Write the rest to the disk, and close the files."""
        if self.is_in(self._folder):
            self.sync()
        with self._journal:
            for file in self._files.values():
                file.close()

    def write_arrays(self, folder: Path, keys: Sequence[str]) -> None:
        """The arrays of these samples, in this order, as .npy files."""
        places = [self._places[key] for key in keys]
        for name in self._files:
            cell = self._ARRAYS[name]
            with (folder / f"{name}.npy").open("wb") as target, (self._folder / name).open("rb") as source:
                header = {"descr": cell.base.str, "fortran_order": False, "shape": (len(keys), *cell.shape)}
                np.lib.format.write_array_header_1_0(target, header)
                for place in places:
                    source.seek(place * cell.itemsize)
                    target.write(source.read(cell.itemsize))

    def _note(self, key: str, row: Row) -> None:
        self.rows[key], self._places[key] = row, self._count
        self._count += 1

    def _open(self, name: str) -> None:
        file = (self._folder / name).open("ab")
        size = self._ARRAYS[name].itemsize
        # Cells after the last line of the journal do not count; those that a new array lacks are unknown.
        file.truncate(min(file.tell(), self._count * size))
        file.seek(0, os.SEEK_END)
        for _ in range(self._count - file.tell() // size):
            file.write(_unknown_light())
        self._files[name] = file

    def _take(self, entry: Any) -> None:
        key, row = entry["key"], Row.of(dict(zip(COLUMNS, entry["row"], strict=True)))
        if self._names.get(key, row.names) != row.names:
            raise ValueError(key)
        self._note(key, row)

    def _sync_arrays(self) -> None:
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())


def _unknown_light() -> bytes:
    return np.full((SIZE, SIZE, 2), np.nan, np.float16).tobytes()

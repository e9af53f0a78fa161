"""The work of an evaluation's worker processes: all methods on a chunk of images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.prepared import Prepared
from awbkit.evaluation.fitted_methods import TrainableMethod
from awbkit.evaluation.methods import AnyMethod
from awbkit.work.outcome import user_error


@dataclass(frozen=True)
class Chunk:
    """Images of one prepared folder.

    Attributes:
        folder: The folder.
        start: Index of its first image among the images of all folders.
        rows: Rows of the images in the folder.
        test: Whether each row is a test image; the others serve the fit only.
        methods: Indices of the methods to run.
    """

    folder: Path
    start: int
    rows: tuple[int, ...]
    test: tuple[bool, ...]
    methods: tuple[int, ...]

    @property
    def parts(self) -> list[Chunk]:
        """Divide the work into single images and methods."""
        return [
            Chunk(self.folder, self.start, (row,), (test,), (method,))
            for row, test in zip(self.rows, self.test, strict=True)
            for method in self.methods
        ]


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers for a chunk; images and methods by their index in it.

    Attributes:
        estimates: float64 (images, methods, 3), unit length; NaN without an estimate.
        expected: float64 (images, methods), degrees; NaN if none is stated.
        features: A fitted method's features of an image.
        failures: The reason why a method has no answer for an image.
        seconds: Time of the work.
    """

    estimates: NDArray[np.float64]
    expected: NDArray[np.float64]
    features: dict[tuple[int, int], NDArray[np.float64]]
    failures: dict[tuple[int, int], str]
    seconds: float = 0.0


def answer(chunk: Chunk, *, methods: tuple[AnyMethod, ...]) -> Answers:
    """Run methods on the images of a chunk, and record failures by image.

    Args:
        chunk: The work.
        methods: All methods of the run.

    Raises:
        UnreadableFile: If the prepared folder cannot be read.
    """
    begin = time.monotonic()
    prepared = _open(chunk.folder, *_version_of(chunk.folder))
    estimates = np.full((len(chunk.rows), len(chunk.methods), 3), np.nan)
    expected = np.full((len(chunk.rows), len(chunk.methods)), np.nan)
    features: dict[tuple[int, int], NDArray[np.float64]] = {}
    failures: dict[tuple[int, int], str] = {}
    for place, (row, test) in enumerate(zip(chunk.rows, chunk.test, strict=True)):
        image = prepared.image(row)
        for number, method in enumerate(methods[index] for index in chunk.methods):
            try:
                if isinstance(method, TrainableMethod):
                    features[place, number] = method.describe(image)
                elif test:
                    light = method.estimate(image)
                    estimates[place, number] = light.rgb
                    expected[place, number] = np.nan if light.expected_error is None else light.expected_error
            except Exception as error:
                failures[place, number] = " ".join(str(user_error(error)).split())
    return Answers(estimates, expected, features, failures, time.monotonic() - begin)


def _version_of(folder: Path) -> tuple[Path, int, int]:
    """A value that changes when the folder is prepared anew, or when a relative path leads to another folder."""
    try:
        status = (folder / "dataset.json").stat()
    except OSError:
        # Why it cannot be read is told where it is opened.
        return folder, 0, 0
    return folder.resolve(), status.st_mtime_ns, status.st_ino


@lru_cache(maxsize=8)
def _open(folder: Path, place: Path, changed: int, inode: int) -> Prepared:
    return Prepared.open(folder)

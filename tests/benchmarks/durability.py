"""What it costs that outputs are synced to the disk, file and folder, before and after they get their names.

    python tests/benchmarks/durability.py [FOLDER]

Medians over pairs of alternating runs, with the syncs and without, on the disk of FOLDER (by default that of temporary
files): 200 outputs of 200 kB by ``atomic_write``, 20 photographs of 12 megapixels by ``correct``, and 500 images by
``dataset prepare`` with its 3 arrays.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

import awbkit
from awbkit.datasets.layout import parse
from awbkit.datasets.prepare import Preparation
from awbkit.store.outputs import IfExists, write_whole
from awbkit.store.source import Source
from tests.helpers.command import write_jpeg
from tests.helpers.labelled_folder import write_labelled_folder

PAIRS = 7


def seconds(work: Callable[[Path], None], folder: Path, *, synced: bool) -> float:
    folder.mkdir()
    os.sync()
    begun = time.perf_counter()
    if synced:
        work(folder)
    else:
        with mock.patch("os.fsync"):
            work(folder)
    took = time.perf_counter() - begun
    shutil.rmtree(folder)
    return took


def compare(name: str, work: Callable[[Path], None], place: Path) -> None:
    with_, without = [], []
    for pair in range(PAIRS):
        for synced in (True, False) if pair % 2 else (False, True):
            (with_ if synced else without).append(seconds(work, place / "out", synced=synced))
    ratios = np.divide(with_, without)
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    print(
        f"{name:<40}{np.median(with_) * 1000:8.0f} ms  without {np.median(without) * 1000:8.0f} ms  "
        f"ratio {middle:.2f} ({low:.2f} to {high:.2f})",
        flush=True,
    )


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        place = Path(name)
        generator = np.random.default_rng(1)
        blob = generator.bytes(200_000)
        smooth = np.kron(generator.uniform(0.05, 0.7, (30, 40, 3)), np.ones((100, 100, 1)))
        photograph = write_jpeg(place / "a.jpg", smooth + generator.normal(0, 0.01, smooth.shape))
        source = Source.open(write_labelled_folder(place / "set", 500))

        def write(folder: Path) -> None:
            for index in range(200):
                write_whole(folder / f"{index}.bin", IfExists.FAIL, blob)

        def correct(folder: Path) -> None:
            for index in range(20):
                awbkit.correct(photograph, folder / f"{index}.jpg", method="gray-world")

        def prepare(folder: Path) -> None:
            with Preparation(parse("folder"), source, folder / "set") as preparation:
                list(preparation.run())
                preparation.finish()

        compare("200 outputs of 200 kB", write, place)
        compare("correct, 20 photographs of 12 MP", correct, place)
        compare("dataset prepare, 500 images", prepare, place)


if __name__ == "__main__":
    main()

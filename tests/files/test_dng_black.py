"""Black levels of single rows and columns of a DNG, taken off though LibRaw does not."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import pyvips

import awbkit
from awbkit.errors import AwbWarning, FileError
from tests.helpers.raw_files import RGGB, mosaic, rationals, write_dng

LIGHT = (0.5, 1.0, 0.7)
ROWS = np.arange(96) * 4.0
COLUMNS = np.arange(128) * -2.0 + 254


def develop(path: Path) -> np.ndarray:
    awbkit.correct(path, path.with_suffix(".tif"), illuminant=LIGHT)
    return np.asarray(pyvips.Image.new_from_file(str(path.with_suffix(".tif"))).numpy()).astype(float)


def deltas(*, rows: np.ndarray | None = ROWS, columns: np.ndarray | None = COLUMNS) -> list[object]:
    stated = ((50716, rows), (50715, columns))
    return [rationals(tag, values, signed=True) for tag, values in stated if values is not None]


@pytest.mark.parametrize("kind", ["mosaic", "linear"])
@pytest.mark.parametrize("which", ["rows", "columns", "both"])
def test_they_are_taken_off(tmp_path: Path, scene: np.ndarray, kind: str, which: str) -> None:
    of_rows = ROWS if which != "columns" else None
    of_columns = COLUMNS if which != "rows" else None
    added = np.zeros((96, 128)) + (0 if of_rows is None else of_rows[:, None])
    added += 0 if of_columns is None else of_columns
    mean = round(added.mean())
    plain = mosaic(scene * 0.8, RGGB, 300, 3600)
    if kind == "linear":
        plain, added = np.rint(300 + scene * 2400).astype(np.uint16), added[..., None]
    levels = {"black": 300, "white": 3600 + mean}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        striped = (plain + added).astype(np.uint16)
        path = write_dng(tmp_path / "a.dng", striped, extra=deltas(rows=of_rows, columns=of_columns), **levels)
        ours = awbkit.open(path).thumbnail().pixels, develop(path)
    even = (plain + mean).astype(np.uint16)
    alike = deltas(rows=np.full(96, float(mean)), columns=None)
    path = write_dng(tmp_path / "b.dng", even, extra=alike, **levels)
    theirs = awbkit.open(path).thumbnail().pixels, develop(path)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_clipped_samples_stay_clipped(tmp_path: Path) -> None:
    samples = np.full((96, 128), 4095, np.uint16)
    path = write_dng(tmp_path / "a.dng", samples, extra=deltas())
    assert not awbkit.open(path).thumbnail().valid.any()


def test_they_count_from_the_active_area(tmp_path: Path, scene: np.ndarray) -> None:
    plain = mosaic(scene * 0.8, RGGB, 300, 3600)
    striped = plain.copy()
    striped[8:88, 16:112] += ROWS[:80, None].astype(np.uint16)
    path = write_dng(
        tmp_path / "a.dng", striped, black=300, white=3600 + 158, active=(8, 16, 88, 112),
        extra=deltas(rows=ROWS[:80], columns=None),
    )  # fmt: skip
    even = write_dng(tmp_path / "b.dng", plain + 158, black=458, white=3600 + 158, active=(8, 16, 88, 112))
    assert np.abs(awbkit.open(path).thumbnail().pixels - awbkit.open(even).thumbnail().pixels).max() < 1e-3


def test_levels_that_cannot_be_taken_off_are_told_of(tmp_path: Path, scene: np.ndarray) -> None:
    cases = {
        "floats.dng": ((scene[..., 1] * 0.5).astype(np.float32), {"black": 0, "white": 1, "bits": 32}, ROWS / 4000),
        "short.dng": (mosaic(scene, RGGB), {}, ROWS[:50]),
    }
    for name, (samples, options, rows) in cases.items():
        path = write_dng(tmp_path / name, samples, extra=deltas(rows=rows, columns=None), **options)
        with pytest.warns(AwbWarning, match="states black levels for each row or column, of which LibRaw takes"):
            awbkit.open(path)


def test_levels_that_are_all_alike_are_nothing_special(tmp_path: Path, scene: np.ndarray) -> None:
    samples = mosaic(scene, RGGB, 100)
    path = write_dng(tmp_path / "a.dng", samples, black=64, extra=deltas(rows=np.full(96, 36.0), columns=None))
    even = write_dng(tmp_path / "b.dng", samples, black=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(awbkit.open(path).thumbnail().pixels, awbkit.open(even).thumbnail().pixels)


AREAS = [(0, 0, 0, 0), (50, 60, 8, 16), (0, 0, (1 << 32) - 1, (1 << 32) - 1), (0, 0, 96, 1 << 31)]


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("has_levels", [False, True])
def test_an_active_area_that_makes_no_sense(tmp_path: Path, area: tuple[int, ...], has_levels: bool) -> None:
    samples = np.full((96, 128), 1000, np.uint16)
    path = write_dng(tmp_path / "a.dng", samples, active=area, extra=deltas() if has_levels else ())  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(FileError):
            assert awbkit.open(path).thumbnail().pixels.shape[2] == 3


def test_fractions_over_zero_are_told_of(tmp_path: Path, scene: np.ndarray) -> None:
    rows = (50716, 10, 96, (1, 0) * 96, True)
    path = write_dng(tmp_path / "a.dng", mosaic(scene, RGGB), extra=[rows])
    with pytest.warns(AwbWarning, match="states black levels"):
        awbkit.open(path)

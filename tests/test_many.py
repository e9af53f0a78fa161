"""Many pictures from Python: order, errors as values, processes, threads."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import awbkit
from tests.helpers.command import write_jpeg


@pytest.fixture
def photo(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "photo.jpg", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photo.jpg"


@pytest.mark.parametrize("jobs", [1, 2])
def test_lights_and_errors_come_in_the_order_of_the_sources(photo: Path, jobs: int) -> None:
    frame = np.full((70, 70, 3), (200, 150, 100), np.uint8)
    sources: list[Any] = [photo, "missing.jpg", frame, photo.read_bytes(), io.BytesIO(photo.read_bytes()), 7]
    found = list(awbkit.estimate_many(sources, "gray-world", jobs=jobs))
    of_photo = awbkit.estimate(photo, "gray-world").rgb
    lights = [light.rgb if isinstance(light, awbkit.Illuminant) else str(light) for light in found]
    assert lights[0] == lights[3] == lights[4] == of_photo
    assert lights[1] == "missing.jpg: no such file; check the spelling and the folder"
    assert lights[2] == awbkit.estimate(frame, "gray-world").rgb
    assert str(lights[5]).startswith("source: give a path")


def test_sources_may_be_endless(photo: Path) -> None:
    drawn: list[int] = []

    def sources() -> Iterator[Path]:
        for number in itertools.count():
            drawn.append(number)
            yield photo

    lights = awbkit.estimate_many(sources(), "gray-world")
    assert len(list(itertools.islice(lights, 3))) == 3
    assert len(drawn) == 3


def test_what_goes_for_no_source_is_raised_at_once(photo: Path) -> None:
    with pytest.raises(awbkit.AwbError, match="fallback and max_expected_error go together"):
        awbkit.estimate_many([photo], fallback="gray-world")
    with pytest.raises(awbkit.AwbError, match="gray-wrld"):
        awbkit.estimate_many([photo], "gray-wrld")


@pytest.mark.parametrize("jobs", [1, 2])
def test_corrected_files_and_pixels(photo: Path, jobs: int) -> None:
    frame = np.full((70, 70, 3), (200, 150, 100), np.uint8)
    pairs: list[Any] = [(photo, "a.jpg"), (photo, "photo.jpg"), (frame, None)]
    written, refused, pixels = awbkit.correct_many(pairs, jobs=jobs, method="gray-world")
    assert written.rgb == awbkit.estimate(photo, "gray-world").rgb
    assert Path("a.jpg").exists()
    assert "is the input itself" in str(refused)
    np.testing.assert_array_equal(pixels, awbkit.correct(frame, method="gray-world"))


def test_threads_do_not_mix_their_pictures(photo: Path) -> None:
    frames = [np.full((90, 90, 3), (80 + 15 * n, 120, 200 - 15 * n), np.uint8) for n in range(8)]
    expected = [awbkit.estimate(frame, "gray-world").rgb for frame in frames]

    def estimated(number: int) -> list[tuple[float, ...]]:
        lights = awbkit.estimate_many([frames[number], photo], "gray-world")
        return [light.rgb for light in lights if isinstance(light, awbkit.Illuminant)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(estimated, [n % 8 for n in range(64)]))
    assert [first for first, _ in found] == [expected[n % 8] for n in range(64)]
    assert {second for _, second in found} == {awbkit.estimate(photo, "gray-world").rgb}

"""Small faithful copies of published data sets: rendered pictures in 16 bits, MATLAB files, archives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.datasets.layout import Example, Layout, Omission, Sample
from awbkit.store.source import Source

MAGENTA = (0.5, 0.05, 0.5)
"""The colour of targets: no light in these tests is near it."""


def draw_greys(width: int, height: int, light: Sequence[float], *, black: int, white: int, seed: int = 1) -> np.ndarray:
    """Grey patches under one light, behind a black level: uint16 (height, width, 3).

    The brightest channel of the brightest patch lies at 0.7 of the way to white, so that nothing clips.
    """
    grey = np.random.default_rng(seed).uniform(0.2, 0.7, (8, 12, 1))
    cell = -(-height // 8), -(-width // 12), 1
    pixels = np.kron(grey, np.ones(cell))[:height, :width] * (np.array(light) / max(light))
    return np.round(black + pixels * (white - black)).astype(np.uint16)


def paint(codes: np.ndarray, rows: slice, columns: slice, *, black: int, white: int) -> None:
    """A target of a colour of its own."""
    codes[rows, columns] = np.round(black + np.array(MAGENTA) * (white - black))


def write_png(path: Path, codes: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(codes, level=1))


def mat_bytes(variables: dict[str, Any], *, compressed: bool = True) -> bytes:
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, variables, do_compression=compressed)
    return file.getvalue()


def write_mat(path: Path, **variables: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mat_bytes(variables))


def cell(values: Sequence[Any]) -> np.ndarray:
    """A MATLAB cell array (N x 1)."""
    array = np.empty((len(values), 1), dtype=object)
    for index, value in enumerate(values):
        array[index, 0] = value
    return array


def zip_folder(folder: Path, *, within: str = "") -> Path:
    """The same as a zip file beside the folder; ``within`` is a folder around everything."""
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{within}{file.relative_to(folder)}")
    return path


def list_samples(layout: Layout, path: Path) -> tuple[dict[str, Sample], dict[str, str]]:
    """The samples by name, and the reasons of what was skipped by name."""
    samples, skipped = {}, {}
    for one in layout.samples(Source.open(path)):
        if isinstance(one, Omission):
            skipped[one.image] = one.reason
        else:
            assert one.image not in samples
            samples[one.image] = one
    return samples, skipped


def load_example(layout: Layout, path: Path, image: str) -> Example:
    return layout.load(Source.open(path), list_samples(layout, path)[0][image])


def off(image: LinearImage, light: Sequence[float]) -> float:
    """Degrees between a light and the mean of the valid pixels, which are grey."""
    assert image.valid.any()
    return angular_error(image.pixels[image.valid].mean(axis=0).tolist(), light)

"""Small labelled folders, as the layout ``folder`` reads them, and what it finds in one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np

from awbkit.datasets.layout import Omission, Sample, parse
from awbkit.store.source import Source

CAMERAS = ("Canon EOS 550D", "Nikon D810")


def light_of(index: int) -> tuple[float, float, float]:
    """The true illuminant of one image: from warm to cold."""
    return 0.4 + 0.05 * (index % 9), 1.0, 0.9 - 0.06 * (index % 7)


def write_labelled_folder(folder: Path, count: int, *, size: int = 64, scenes: int | None = None) -> Path:
    """``count`` images of random grey patches under known lights, and their ground_truth.csv."""
    images = folder / "images"
    images.mkdir(parents=True)
    generator = np.random.default_rng(5)
    with (folder / "ground_truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "camera", "scene", "r", "g", "b"))
        for index in range(count):
            grey = generator.uniform(0.05, 0.9, (size, size, 1))
            pixels = grey * (np.array(light_of(index)) / max(light_of(index)))
            name = f"img{index + 1}"
            (images / f"{name}.png").write_bytes(imagecodecs.png_encode((pixels * 65535).astype(np.uint16), level=1))
            scene = f"scene{index % scenes}" if scenes else name
            writer.writerow((name, CAMERAS[index % 2], scene, *light_of(index)))
    return folder


PNG = bytes(imagecodecs.png_encode(np.full((4, 4, 3), 1000, np.uint16), level=1))


def folder_of(root: Path, table: str | bytes | None = None, images: Sequence[str] = ("images/a.png",)) -> Source:
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG)
    if table is not None:
        (root / "ground_truth.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return Source.open(root)


def list_samples(source: Source, layout: str = "folder") -> tuple[list[Sample], dict[str, str]]:
    found = list(parse(layout).samples(source))
    skipped = {f.image: f.reason for f in found if isinstance(f, Omission)}
    return [f for f in found if isinstance(f, Sample)], skipped


def the_sample(source: Source, layout: str = "folder") -> Sample:
    (sample,), skipped = list_samples(source, layout)
    assert not skipped
    return sample

"""Accuracy and speed of every classical method on real photographs: INTEL-TAU, Cube+ and Gehler-Shi as thumbnails.

    python ../shared/data/unpack.py THUMBNAILS
    python tests/benchmarks/estimators_on_thumbnails.py THUMBNAILS [METHOD[:key=value,...] ...]

Recovery angular error in degrees: mean, median, trimean, mean of the worst quarter, for each camera (the two of
Gehler-Shi are one group), and the geometric mean over the five groups. Processor time in milliseconds for one 64x64
thumbnail, the best of five passes over a hundred of them. Any other folder of SET/images/NAME.png (16-bit linear camera
RGB) with SET/ground_truth.csv (image,camera,r,g,b) will do as well.
"""

from __future__ import annotations

import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from awbkit.estimators import Method, names, parse
from awbkit.illuminant import angular_error
from awbkit.image import LinearImage

STATISTICS = ("mean", "median", "trimean", "worst 25 %")
CLIP = 0.98
"""Valid pixels lie under this share of the image's own maximum, because the thumbnails were scaled to it."""


@dataclass(frozen=True)
class Labelled:
    """One thumbnail, its true illuminant, and the group that its error counts in."""

    image: LinearImage
    truth: NDArray[np.float64]
    group: str


def load(folder: Path) -> list[Labelled]:
    """Every thumbnail under ``folder``."""
    items = []
    for table in sorted(folder.glob("*/ground_truth.csv")):
        rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
        for row in rows:
            pixels = imagecodecs.png_decode((table.parent / "images" / f"{row['image']}.png").read_bytes())
            truth = np.array([float(row[channel]) for channel in "rgb"])
            name = table.parent.name
            group = f"{name} {row['camera']}" if name == "intel-tau" else name
            items.append(Labelled(LinearImage.from_array(pixels / max(1, pixels.max()), clip=CLIP), truth, group))
    if not items:
        sys.exit(f"{folder}: no SET/ground_truth.csv in this folder; unpack the thumbnails into it first")
    return items


def statistics(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, median, trimean and mean of the worst quarter."""
    first, median, third = np.percentile(errors, (25, 50, 75))
    worst = np.sort(errors)[-max(1, round(len(errors) / 4)) :]
    return np.array([errors.mean(), median, (first + 2 * median + third) / 4, worst.mean()])


def milliseconds(method: Method, items: list[Labelled]) -> float:
    """Processor time of one estimate: the best of five passes, because the machine may have other work."""
    sample = items[:: max(1, len(items) // 100)]
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for item in sample:
            method.estimate(item.image)
        best = min(best, time.process_time() - start)
    return best / len(sample) * 1000


def main(folder: Path, specifications: list[str]) -> None:
    items = load(folder)
    groups = sorted({item.group for item in items})
    count = {group: sum(item.group == group for item in items) for group in groups}
    print("method | group | images | " + " | ".join(STATISTICS) + " | ms")
    print("--- | --- | ---" + " | ---:" * (len(STATISTICS) + 1))
    for method in [parse(text) for text in specifications or [name for name in names() if name != "as-shot"]]:
        errors = np.array([angular_error(method.estimate(item.image).rgb, item.truth.tolist()) for item in items])
        table = np.array([statistics(errors[[item.group == group for item in items]]) for group in groups])
        mean = np.exp(np.log(table).mean(axis=0))
        for group, line in zip(groups, table, strict=True):
            print(f"{method} | {group} | {count[group]} | " + " | ".join(f"{value:.2f}" for value in line) + " |")
        print(
            f"{method} | geometric mean | {len(items)} | "
            + " | ".join(f"{value:.2f}" for value in mean)
            + f" | {milliseconds(method, items):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])

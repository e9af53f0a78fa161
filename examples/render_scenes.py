"""Render the example pictures, and the true colour of the light in each of them.

    python examples/render_scenes.py [OUTPUT_DIR]

Everything is computed: shapes, textures, lights and sensors are formulae, and the same command gives the same pixels
every time. The pictures are "balanced wrongly" on purpose, as by a camera whose white balance was left at daylight.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from scenes import sensors, spectra, writing
from scenes.kitchen import kitchen
from scenes.lane import lane
from scenes.market import market
from scenes.office import office
from scenes.render import render
from scenes.street import street
from scenes.studio import studio
from scenes.tracer import Scene


@dataclass(frozen=True)
class Picture:
    """One file: what is in it, how large it is displayed, and the light that it was taken under."""

    file: str
    scene: Callable[[], Scene]
    width: int
    height: int
    light: str
    power: spectra.Spectrum
    text: str
    orientation: int = 1
    wide: bool = False

    @property
    def sensor(self) -> NDArray[np.float64]:
        """(31, 3)."""
        return sensors.camera_sensor() if self.file.endswith(".dng") else sensors.srgb_sensor()

    @property
    def truth(self) -> NDArray[np.float64]:
        """The light in the file's own linear RGB, unit length."""
        white = sensors.answer(self.power, self.sensor)
        return white / np.linalg.norm(white)


PICTURES = (
    Picture("kitchen_tungsten.jpg", kitchen, 960, 640, "tungsten", spectra.planckian(2800), "tungsten bulb, 2800 K"),
    Picture(
        "lane_shade.jpg", lane, 640, 960, "shade", spectra.daylight(8500), "open shade, 8500 K daylight", orientation=6
    ),
    Picture("office_fluorescent.jpg", office, 960, 640, "fluorescent", spectra.fluorescent(), "cool white fluorescent"),
    Picture("street_led.jpg", street, 960, 640, "led", spectra.led(), "phosphor-converted white LED", wide=True),
    Picture("toys_shade.tif", studio, 504, 336, "shade", spectra.daylight(9500), "north window, 9500 K daylight"),
    Picture("market_tungsten.dng", market, 768, 512, "tungsten", spectra.planckian(2700), "tungsten bulbs, 2700 K"),
)


@dataclass(frozen=True)
class Taken:
    """A rendered picture before it is exposed: linear RGB, (H, W, 3), and the gray card's pixels."""

    linear: NDArray[np.float32]
    card: NDArray[np.bool_]


def take(picture: Picture, scale: float = 1.0) -> Taken:
    """Render one picture, ``scale`` times its size each way (to even numbers of pixels)."""
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (picture.width, picture.height))
    white = sensors.answer(picture.power, picture.sensor)
    # Exposed for the strongest channel, as a camera does that watches its histogram.
    response = picture.power[:, None] * picture.sensor / white.max()
    return Taken(*render(picture.scene(), width, height, response.astype(np.float32)))


def card_rectangle(card: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """x, y, width, height of the largest upright rectangle on the gray card, less a margin; None without a card."""
    if not card.any():
        return None
    rows, columns = np.nonzero(card)
    left, top = int(columns.min()), int(rows.min())
    part = card[top : rows.max() + 1, left : columns.max() + 1]
    best = (0, 0, 0, 0)
    for first in range(part.shape[0]):
        whole = np.ones(part.shape[1], dtype=bool)
        for last in range(first, part.shape[0]):
            whole &= part[last]
            ends = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(np.int8)))
            if not ends.size:
                break
            longest = int((ends[1::2] - ends[::2]).argmax())
            start, stop = int(ends[2 * longest]), int(ends[2 * longest + 1])
            if (stop - start) * (last + 1 - first) > best[2] * best[3]:
                best = (start, first, stop - start, last + 1 - first)
    x, y, width, height = best
    inset = max(1, min(width, height) // 10)
    return left + x + inset, top + y + inset, max(1, width - 2 * inset), max(1, height - 2 * inset)


def save(picture: Picture, folder: Path, scale: float = 1.0) -> str:
    """Render and write one picture; the answer is a line about it."""
    began = time.perf_counter()
    taken = take(picture, scale)
    path = folder / picture.file
    seed = PICTURES.index(picture)
    r, g, b = picture.truth
    text = f"{picture.text}; true illuminant {r:.4f} {g:.4f} {b:.4f} (linear RGB, unit length)"
    if path.suffix == ".dng":
        writing.write_dng(path, writing.exposed(taken.linear, seed, 1.2), text)
    elif path.suffix == ".tif":
        writing.write_tiff(path, writing.exposed(taken.linear, seed, 0.5), text)
    else:
        seen = writing.exposed(taken.linear, seed)
        writing.write_jpeg(path, seen, text, picture.light, picture.orientation, picture.wide)
    rectangle = card_rectangle(taken.card)
    where = "" if rectangle is None else f", gray card at {','.join(map(str, rectangle))}"
    return f"{path}: {path.stat().st_size // 1000} kB, {time.perf_counter() - began:.0f} s{where}"


def write_truth(folder: Path, pictures: Sequence[Picture]) -> None:
    """`ground_truth.csv`: image,r,g,b."""
    with (folder / "ground_truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("image", "r", "g", "b"))
        for picture in pictures:
            table.writerow((picture.file, *(f"{value:.6f}" for value in picture.truth)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Render the example pictures and their ground truth.")
    default = Path(__file__).parent / "pictures"
    parser.add_argument(
        "output", nargs="?", type=Path, default=default, help="folder to write to (default: %(default)s)"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="size of the pictures, 1 for the committed ones")
    parser.add_argument("--only", action="append", metavar="FILE", help="render this picture alone; may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="pictures rendered side by side (default: %(default)s)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    write_truth(options.output, PICTURES)
    wanted = [picture for picture in PICTURES if not options.only or picture.file in options.only]
    if options.jobs > 1:
        with ProcessPoolExecutor(options.jobs) as pool:
            lines = [pool.submit(save, picture, options.output, options.scale) for picture in wanted]
            for line in lines:
                print(line.result(), flush=True)
    else:
        for picture in wanted:
            print(save(picture, options.output, options.scale), flush=True)


if __name__ == "__main__":
    main()

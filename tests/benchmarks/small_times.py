"""How long the small steps of an estimate take: limits that tests cannot hold, since they look at a clock.

    python tests/benchmarks/small_times.py

Each figure is the least of 200 calls on a picture of noise, in microseconds, on one core. Medians of three runs on two
shared cores: a description 1,145, an estimate by `awbnet-nano` 1,508, by `awbnet-s` 1,734, by `awbnet-m` 1,910, a
look-up of an unknown camera 666. Machines differ by more than a factor of two: compare two commits on one.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from awbkit.colour.camera import LINEAR_SRGB
from awbkit.colour.image import LinearImage
from awbkit.estimators.registry import parse
from awbkit.files import exif, jpeg
from awbkit.files.known_cameras import known_camera
from awbkit.network.features import describe

_CALLS = 200


def least(step: Callable[[], object]) -> float:
    """Microseconds of the fastest call."""
    step()
    taken = []
    for _ in range(_CALLS):
        start = time.perf_counter_ns()
        step()
        taken.append(time.perf_counter_ns() - start)
    return min(taken) / 1000


def main() -> None:
    """Print a line for each step."""
    pixels = np.random.default_rng(0).uniform(0.02, 0.9, (64, 64, 3)).astype(np.float32)
    image = LinearImage.from_array(pixels, camera=LINEAR_SRGB)
    numbers = iter(range(10 * _CALLS))
    steps: dict[str, Callable[[], object]] = {"describe": lambda: describe(image)}
    for name in ("awbnet-nano", "awbnet-s", "awbnet-m"):
        steps[name] = partial(parse(name).estimate, image)
    # A new name each time, since answers are kept.
    steps["camera look-up"] = lambda: known_camera(f"Nikon D810 {next(numbers)}")
    encoded = io.BytesIO()
    Image.new("RGB", (64, 64)).save(encoded, "JPEG")
    written = Image.Exif()
    written.update({271: "Canon", 272: "Canon EOS 550D"})
    steps["head of a 10 MB JPEG"] = partial(jpeg.read_info, encoded.getvalue() + bytes(10_000_000))
    steps["EXIF of a camera"] = partial(exif.read_make_model, written.tobytes().removeprefix(b"Exif\0\0"))
    for name, step in steps.items():
        print(f"{name:16} {least(step):8.0f} us")


if __name__ == "__main__":
    main()

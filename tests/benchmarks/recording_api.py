"""The Python interface as ``recording.py`` sees it: every public name with its signature, and results on an example.

python tests/benchmarks/recording_api.py    # in a folder that has examples/ and prepared/labelled/
"""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np

import awbkit


def describe(name: str, thing: Any) -> None:
    """A name, its signature, and of a class its public members with theirs."""
    if not callable(thing):
        print(f"{name}: {type(thing).__name__}")
        return
    print(f"{name}{_signature(thing)}")
    if inspect.isclass(thing):
        for member, value in sorted(vars(thing).items()):
            if not member.startswith("_"):
                plain = getattr(thing, member) if isinstance(value, (classmethod, staticmethod)) else value
                print(f"    .{member}{_signature(plain) if callable(plain) else ''}")


def _signature(thing: Any) -> str:
    try:
        return str(inspect.signature(thing))
    except ValueError:
        return "(...)"


def _numbers(values: Any) -> str:
    return " ".join(f"{float(value):.9g}" for value in np.ravel(values))


def main() -> None:
    for name in sorted({*awbkit.__all__, "open"}):
        describe(name, getattr(awbkit, name))
    print("methods:", awbkit.methods())
    for picture in ("street_led.jpg", "market_tungsten.dng", "toys_shade.tif"):
        path = Path("examples") / picture
        light = awbkit.estimate(path)
        print(picture, _numbers(light.rgb), _numbers(light.gains), _numbers(light.chromaticity), light.cct_duv)
        photo = awbkit.open(path)
        thumbnail = photo.thumbnail()
        print(photo.width, photo.height, photo.camera, thumbnail.pixels.shape, _numbers(thumbnail.pixels.mean((0, 1))))
        print(_numbers(photo.crop(awbkit.Region(3, 4, 20, 30)).pixels.mean((0, 1))))
    print(_numbers(awbkit.estimate("examples/street_led.jpg", method="gray-world").rgb))
    pixels = np.random.default_rng(1).uniform(0.05, 0.7, (40, 60, 3)) * (1.0, 0.6, 0.3)
    for encoding in ("linear", "camera"):
        print(encoding, _numbers(awbkit.estimate(pixels, encoding=encoding, method="bright-gray").rgb))
    light = awbkit.Illuminant((0.8, 0.53, 0.27))
    print("corrected", _numbers(awbkit.apply_correction(pixels, awbkit.Correction(light)).mean((0, 1))))
    print("angle", awbkit.angular_error((0.8, 0.53, 0.27), (1, 1, 1)))
    print("written", awbkit.correct("examples/street_led.jpg", "by-api.jpg", illuminant=light))
    result = awbkit.evaluate("prepared/labelled", ["bright-gray", "pca"])
    print(type(result).__name__)
    if dataclasses.is_dataclass(result):
        print([field.name for field in dataclasses.fields(result)])
    for path, problem in (("nowhere.jpg", "missing"), ("refused/text.jpg", "no picture")):
        try:
            awbkit.estimate(path)
        except awbkit.AwbError as error:
            print(f"{problem}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()

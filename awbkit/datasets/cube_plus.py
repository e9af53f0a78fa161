"""Cube and Cube+: photographs by a Canon EOS 550D with a SpyderCube, a grey target of two faces, in the lower right.

N. Banić, K. Koščević, S. Lončarić, "Unsupervised Learning for Color Constancy", arXiv:1712.00436, 2017; University of
Zagreb, FER. For research only. 1,707 images; the first 1,365 of them, all outdoors, are the older data set Cube.

    PNG/<n>.PNG      linear camera RGB, 14 bits in 16, 2601 x 1732, zipped by the two hundred (PNG_1_200.zip, ...)
    cube+_gt.txt     line n: red, green, blue of the light in image n; of Cube alone, cube_gt.txt
    cube+_left_gt.txt, cube+_right_gt.txt    of each face; not needed here

Truth: the mean of the target's two faces, in the camera's RGB. Black level: 2048. Saturation: the image's own maximum,
in common use less 2; here a channel counts as clipped from 0.98 of the way from black to it, and 1.0 is 16383. Chart
mask: rows from 1050 with columns from 2050, counted from 0.

Pitfalls: the lights of half of the images lie within 1.3 degrees of one daylight, so the mean error flatters methods
that answer daylight: report the worst 25 % as well. Where the two faces differ there is more than one light, and the
truth is between them. Consecutive images may show one place; no list of places and no folds are published. Other data
sets of the same group also number their files from 1: name a folder that holds this one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.originals import one_file, stem, truth_problem
from awbkit.datasets.spyder_cube import load_cube
from awbkit.errors import UnreadableFile
from awbkit.store.source import Source

_CAMERA = "Canon EOS 550D"
_SIZE = (2601, 1732)
_TRUTHS = ("cube+_gt.txt", "cube_gt.txt")
_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True)
class CubePlus(Layout):
    """The data sets Cube and Cube+; see the module's text for files, levels and pitfalls."""

    name: ClassVar[str] = "cube-plus"
    about: ClassVar[About] = About(
        title="Cube+",
        licence="research",
        citation="N. Banić, K. Koščević, S. Lončarić, Unsupervised Learning for Color Constancy, 2017,"
        " arXiv:1712.00436",
        download="https://ipg.fer.hr/ipg/resources/color_constancy",
        convention="camera RGB of a grey target, mean of its two faces, black subtracted",
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every image by number, then the lines without an image.

        Raises:
            UnreadableFile: If there is no truth.
        """
        file = one_file(source, *_TRUTHS)
        if file is None:
            raise UnreadableFile(source.path, f"holds no {' or '.join(_TRUTHS)}", "put it beside the folder PNG")
        lights = _lights(source.text(file))
        found: dict[int, list[str]] = {}
        for name in source.find("*.png"):
            if _NUMBER.fullmatch(stem(name)):
                found.setdefault(int(stem(name)), []).append(name)
        for number in sorted(found):
            image = str(number)
            light = lights.get(number)
            if len(found[number]) > 1:
                yield Omission(image, f"{' and '.join(found[number])} have one number; keep those of this data set")
            elif light is None:
                yield Omission(image, f"{file} has no line {number}")
            elif isinstance(light, str):
                yield Omission(image, f"line {number} of {file}: {light}")
            else:
                yield Sample(image, tuple(found[number]), _CAMERA, image, light)
        for number in lights:
            if number not in found:
                yield Omission(str(number), "has a truth but no image; download the rest of the PNG files")

    def load(self, source: Source, sample: Sample) -> Example:
        """Read one image, its target masked.

        Raises:
            UnreadableFile: If it is damaged.
            UnsupportedImage: If it is no original.
        """
        assert sample.illuminant is not None
        return Example(load_cube(source, sample.files[0], sample.camera, _SIZE), sample.illuminant)


def _lights(text: str) -> dict[int, tuple[float, float, float] | str]:
    """The light or the defect of each line, by its number."""
    lights: dict[int, tuple[float, float, float] | str] = {}
    for number, line in enumerate(text.rstrip().splitlines(), 1):
        try:
            red, green, blue = (float(word) for word in line.replace(",", " ").split())
        except ValueError:
            lights[number] = f"{line.strip()[:40]!r} is not three numbers"
            continue
        lights[number] = truth_problem((red, green, blue)) or (red, green, blue)
    return lights

"""SimpleCube++ and Cube++: photographs by Canon EOS 550D and 600D with a SpyderCube, a grey target of two faces.

E. Ershov, A. Savchik, I. Semenkov, N. Banić et al., "The Cube++ Illumination Estimation Dataset", IEEE Access 8, 2020,
doi:10.1109/ACCESS.2020.3045066, arXiv:2011.10028. CC BY 4.0. gt.csv identifies the set:

    SimpleCube++ (2,234 images)    {train,test}/PNG/<id>.png, 648 x 432; {train,test}/gt.csv: image, mean_r, mean_g,
                                   mean_b, or image, r, g, b as its description has it
    Cube++ (4,890 images)          PNG/<id>.png, 2592 x 1728; gt.csv: image, mean_*, left_*, right_*, left_white_*,
                                   right_white_*; properties.csv: camera and exposure

Both are linear camera RGB, 14 bits in 16. Truth: of SimpleCube++, and of Cube++ where it is stated (mean_*), the
direction halfway between the lights on the two grey faces, which differ by less than 1 degree there. Other images of
Cube++ have two lights and are left out. With ``mixed`` their truth is the direction halfway between left_* and right_*,
whose error of half the angle is not small. SimpleCube++'s split (train or test) is given as the fold.

Black level: 2048. Saturation: less than 16384, and different from image to image; as for Cube+, a channel counts as
clipped from 0.98 of the way from black to the image's own maximum, and 1.0 is 16383. Chart mask: the lower right 1000
rows and 700 columns of Cube++, 250 rows and 175 columns of SimpleCube++ (whose publishers blacked it already).

Pitfalls: SimpleCube++ averages 4 x 4 pixels, so that a block may hide a few clipped ones. It does not state the camera
of an image; "Canon EOS 550D" is assumed, whose matrix the authors use for both, and the sensors are of one type. It
contains about half of Cube and Cube+: never train on one and test on the other. Consecutive images may show one place;
no list of places is published.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePosixPath
from typing import ClassVar

import numpy as np

from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.originals import one_file, stem, truth_problem
from awbkit.datasets.spyder_cube import load_cube
from awbkit.errors import UnreadableFile
from awbkit.store.documents import MalformedText, rows
from awbkit.store.source import Source

_CAMERA = "Canon EOS 550D"
_SIMPLE_SIZE, _FULL_SIZE = (648, 432), (2592, 1728)
_MEANS = (("mean_r", "mean_g", "mean_b"), ("r", "g", "b"))
_FACES = (("left_r", "left_g", "left_b"), ("right_r", "right_g", "right_b"))
_EXPOSURE = ("EXIF:ExposureTime", "EXIF:ISO", "EXIF:ApertureValue")


@dataclass(frozen=True)
class SimpleCubePP(Layout):
    """The data sets SimpleCube++ and Cube++; see the module's text for files, levels and pitfalls.

    Attributes:
        mixed: Whether to include images of Cube++ whose two faces have different lights.
    """

    name: ClassVar[str] = "simple-cube-pp"
    about: ClassVar[About] = About(
        title="SimpleCube++ / Cube++",
        licence="CC BY 4.0",
        citation="E. Ershov et al., The Cube++ Illumination Estimation Dataset, IEEE Access 8, 2020,"
        " doi:10.1109/ACCESS.2020.3045066",
        download="https://zenodo.org/record/4153431",
        convention="camera RGB of a grey target, halfway between its two faces, black subtracted",
    )

    mixed: bool = field(default=False, metadata={"help": "of Cube++, also images whose two faces see different lights"})

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every image by number, split by split, then the labels without an image.

        Raises:
            UnreadableFile: If there is no truth, or SimpleCube++ and Cube++ lie together.
        """
        tables = {name: _table(source, name) for name in source.find("gt.csv")}
        if not tables:
            problem = "holds no gt.csv"
            raise UnreadableFile(source.path, problem, "name the folder of SimpleCube++.zip, or that of Cube++")
        full = [name for name, table in tables.items() if _is_full(table)]
        if full and len(tables) > 1:
            problem = f"holds {' and '.join(tables)}, but one set alone can be read"
            raise UnreadableFile(source.path, problem, "name the folder of SimpleCube++ or of Cube++ alone")
        for name, table in tables.items():
            yield from self._split(source, name, table, is_full=bool(full))

    def load(self, source: Source, sample: Sample) -> Example:
        """Read one image, its target masked.

        Raises:
            UnreadableFile: If it is damaged.
            UnsupportedImage: If it is no original.
        """
        assert sample.illuminant is not None
        size = _FULL_SIZE if sample.details["full"] else _SIMPLE_SIZE
        return Example(load_cube(source, sample.files[0], sample.camera, size), sample.illuminant)

    def _split(
        self, source: Source, file: str, table: Mapping[str, Mapping[str, str]], *, is_full: bool
    ) -> Iterator[Sample | Omission]:
        """Read one gt.csv."""
        # The parts of Cube++ may lie in separate folders; each split of SimpleCube++ has its own folder PNG.
        folder = "" if is_full else file.removesuffix(PurePosixPath(file).name)
        split = "" if is_full else PurePosixPath(file).parent.name.lower()
        images: dict[str, list[str]] = {}
        for name in source.find("PNG/*.png"):
            if name.startswith(folder):
                images.setdefault(stem(name), []).append(name)
        listing = one_file(source, "properties.csv") if is_full else None
        properties = {} if listing is None else _table(source, listing)
        for image in images:
            files, row = images[image], table.get(image)
            if len(files) > 1:
                yield Omission(image, f"{' and '.join(files)} have one number; keep one")
            elif row is None:
                yield Omission(image, f"{file} has no line for it")
            else:
                yield self._sample(image, files[0], row, properties.get(image, {}), split, is_full=is_full)
        for image in table:
            if image not in images:
                yield Omission(image, "has a truth but no image; download the rest of the PNG files")

    def _sample(
        self, image: str, file: str, row: Mapping[str, str], properties: Mapping[str, str], split: str, *, is_full: bool
    ) -> Sample | Omission:
        light = next((found for names in _MEANS if (found := _light(row, names)) is not None), None)
        if light is None and is_full:
            if not self.mixed:
                return Omission(image, "its two faces see different lights; simple-cube-pp:mixed=yes takes it in", True)
            light = _mean_direction(*(_light(row, names) for names in _FACES))
        problem = "its truth is not three numbers" if light is None else truth_problem(light)
        if problem or light is None:
            return Omission(image, problem)
        camera = properties.get("EXIF:Model", "").strip() or _CAMERA
        exposure = _exposure(properties)
        return Sample(image, (file,), camera, image, light, split, exposure, {"full": is_full})


def _table(source: Source, name: str) -> dict[str, Mapping[str, str]]:
    """The lines of a table by image.

    Raises:
        UnreadableFile: If it is no table with a column ``image`` that names each image once.
    """
    where = f"{source.path}/{name}"
    try:
        found = rows(io.StringIO(source.text(name), newline=""))
        header = next(found, (1, []))[1]
        lines = [dict(zip(header, (*cells, *[""] * len(header)), strict=False)) for _, cells in found if cells]
    except MalformedText as error:
        raise UnreadableFile(where, str(error), "download it again") from None
    if not lines or "image" not in header:
        raise UnreadableFile(where, "has no column 'image' or no lines", "download it again")
    table: dict[str, Mapping[str, str]] = {line["image"].strip(): line for line in lines}
    if len(table) < len(lines):
        raise UnreadableFile(where, "has two lines for one image", "download it again")
    return table


def _is_full(table: Mapping[str, Mapping[str, str]]) -> bool:
    return "left_r" in next(iter(table.values()))


def _light(row: Mapping[str, str], names: tuple[str, str, str]) -> tuple[float, float, float] | None:
    try:
        red, green, blue = (float(row[name]) for name in names)
    except (KeyError, ValueError):
        return None
    return None if math.isnan(red + green + blue) else (red, green, blue)


def _mean_direction(*faces: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
    """The direction halfway between two lights."""
    if any(face is None or truth_problem(face) for face in faces):
        return None
    red, green, blue = sum(np.array(face) / np.linalg.norm(np.array(face)) for face in faces)
    return float(red), float(green), float(blue)


def _exposure(properties: Mapping[str, str]) -> float | None:
    """Time x ISO / 100 / aperture squared; None if it is not stated."""
    try:
        time, speed, aperture = (float(Fraction(properties[name])) for name in _EXPOSURE)
        exposure = time * speed / 100 / aperture**2
    except (KeyError, ValueError, ArithmeticError):
        return None
    return exposure if 0 < exposure < math.inf else None

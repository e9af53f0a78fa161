"""LSMI: scenes under one, two and three lights, photographed with the lights switched on one after another.

    {galaxy,nikon,sony}/<place>/<place>_1.{dng,nef,arw}        light 1
    {galaxy,nikon,sony}/<place>/<place>_12.*, _13.*, _123.*    lights 1 and 2, 1 and 3, all three
    {galaxy,nikon,sony}/meta.json     for each place NumOfLights, MCCCoord (corners of three charts), Light1, 2, 3
    {galaxy,nikon,sony}/split.json    lists of places: train, val, test

as downloaded, in folders or archives. The TIFF, .npy and resized files that the authors' scripts make are not read.

Truth: the picture with lights 1 and 2 less the one with light 1, at the same exposure, shows light 2 alone. A light's
colour is its ``Light<n>``, r, g, b of camera RGB with g = 1. If meta.json lacks it, it is that of the brightest
unclipped grey patch of the charts, as in the authors' script. Each light's share at a place is its green over the sum
of the greens. Example.local is the mixture by these shares in each cell of the thumbnail, unknown without usable
pixels; the global truth is the mean over the picture, weighted by its green. The authors clip differences at 0 pixel
by pixel. Here cells are summed first, so that noise in shadows gives no share to a light that does not reach them.

Black and white level: LibRaw's for each file (the 128 in the authors' script for the Sony is on dcraw's 12-bit scale;
the file states 512 of 16383). Saturation: 0.98 between them, in any picture involved. Chart mask: the charts of
``MCCCoord``, in full-size pixels of the upright picture. Folds: ``split.json``.

Licence CC BY-NC 4.0. Pitfalls: the pictures of one place share light 1, and so belong in one fold. A place may be
published with three lights and yet lack one of its pictures. The phone's matrix comes from its own DNG files.
Citation: D. Kim, J. Kim, S. Nam, D. Lee, Y. Lee, N. Kang, H.-E. Lee, B. Yoo, J.-J. Han, S. J. Kim, "Large Scale
Multi-Illuminant (LSMI) Dataset for Developing White Balance Algorithm under Mixed Illumination", ICCV 2021.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap
from awbkit.datasets.bayer import HalfSize, read_half_size
from awbkit.datasets.colour_chart import ColourChart
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.originals import json_object
from awbkit.datasets.spread import angular_spread
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.source import Source

_CAMERAS = {"galaxy": "Samsung Galaxy Note20 Ultra", "nikon": "Nikon D810", "sony": "Sony ILCE-9"}
_SUFFIXES = {".dng": "galaxy", ".nef": "nikon", ".arw": "sony"}
_NAME = re.compile(r"(.+)_(1|12|13|123)\.(dng|nef|arw)", re.IGNORECASE)
_SCALE = 0.5
"""Charts are given in pixels of the full size."""


@dataclass(frozen=True)
class Lsmi(Layout):
    """LSMI; see the module."""

    name: ClassVar[str] = "lsmi"
    about: ClassVar[About] = About(
        title="LSMI",
        licence="CC BY-NC 4.0",
        citation="D. Kim et al., Large Scale Multi-Illuminant (LSMI) Dataset for Developing White Balance Algorithm"
        " under Mixed Illumination, ICCV 2021",
        download="https://github.com/DY112/LSMI-dataset (the raw files)",
        convention="camera RGB; the lights on the charts' greys, mixed by their shares; global: the mean by green",
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every raw file that meta.json and the other pictures of its place make usable.

        Raises:
            UnreadableFile: If no raw file has such a name, or a meta.json or split.json is damaged.
        """
        places: dict[tuple[str, str], dict[str, str]] = {}
        for name in source.members:
            match = _NAME.fullmatch(PurePosixPath(name).name)
            if match:
                places.setdefault((str(PurePosixPath(name).parent), match[1]), {})[match[2]] = name
        if not places:
            problem = "holds no raw file of LSMI (galaxy/<place>/<place>_12.dng, likewise nikon .nef and sony .arw)"
            raise UnreadableFile(source.path, problem, "name the folder of the raw files and meta.json, as downloaded")
        metas, splits = (
            {name: json_object(source, name, "is not a table of places", "download it again") for name in names}
            for names in (source.find("meta.json"), source.find("split.json"))
        )
        for name, folds in splits.items():
            if not all(isinstance(listed, list) for listed in folds.values()):
                raise UnreadableFile(f"{source.path}/{name}", "is not a table of lists of places", "download it again")
        for (folder, place), pictures in places.items():
            meta = _nearest_table(metas, folder)
            of_camera = _nearest_table(splits, folder).items()
            fold = next((key.split("_")[-1] for key, listed in of_camera if place in listed), "")
            for lights, name in pictures.items():
                yield _sample(place, lights, name, pictures, meta.get(place), fold)

    def load(self, source: Source, sample: Sample) -> Example:
        """Read a picture and the pictures that separate its lights.

        Raises:
            UnreadableFile: If one cannot be read.
            UnsupportedImage: If they do not belong together, or a light's colour is unknown.
        """
        where = f"{source.path}/{sample.files[0]}"
        lights: str = sample.details["lights"]
        pictures = [read_half_size(source, name).upright() for name in sample.files]
        own, others = pictures[0], pictures[1:]
        if any(other.pixels.shape != own.pixels.shape for other in others):
            raise UnsupportedImage(where, "has another size than the pictures of its place with fewer lights")
        alone = _separate(lights, own, others)
        charts = [ColourChart.of(corners, _SCALE) for corners in sample.details["charts"]]
        clipped = np.logical_or.reduce([picture.clipped for picture in pictures])
        colours = []
        for number, light in zip(lights, alone, strict=True):
            given = sample.details["colours"].get(number)
            colour = given or _brightest_grey(light, clipped, charts)
            if colour is None:
                problem = f"light {number} is not in meta.json, and no grey patch of its charts shows it unclipped"
                raise UnsupportedImage(where, problem)
            colours.append(colour)
        hidden = np.logical_or.reduce([chart.mask(*clipped.shape) for chart in charts]) | clipped
        visible = replace(own, clipped=hidden).image()
        image = LinearImage(visible.pixels, visible.valid, Camera(sample.camera)).thumbnail()
        if len(lights) == 1:
            return Example(image, colours[0], spread=0.0)
        return _mixture(image, alone, ~hidden, np.array(colours), where)

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        """The phone's camera from its first DNG, the others from LibRaw."""
        from awbkit.files.dng import read_dng_camera

        cameras = super().cameras(source, names)
        phone = _CAMERAS["galaxy"]
        if phone in cameras and not cameras[phone].matrices:
            for name in source.find("*.dng")[:1]:
                described = read_dng_camera(io.BytesIO(source.read(name)))
                if described is not None:
                    cameras[phone] = Camera(phone, matrices=described.matrices)
        return cameras


def _nearest_table(tables: Mapping[str, dict[str, Any]], folder: str) -> dict[str, Any]:
    """The table in the folder or the nearest one above it."""
    for above in (PurePosixPath(folder), *PurePosixPath(folder).parents):
        for name, table in tables.items():
            if PurePosixPath(name).parent == above:
                return table
    return {}


def _sample(
    place: str, lights: str, name: str, pictures: Mapping[str, str], entry: Any, fold: str
) -> Sample | Omission:
    """The sample of one picture, if all its sources exist."""
    brand = _brand(name)
    image = f"{brand}/{PurePosixPath(name).stem}"
    if not isinstance(entry, dict):
        return Omission(image, f"meta.json says nothing of {place}")
    needed = {"1": (), "12": ("1",), "13": ("1",), "123": ("1", "12", "13")}[lights]
    missing = [f"{place}_{other}" for other in needed if other not in pictures]
    if missing:
        return Omission(image, f"its lights cannot be separated without {' and '.join(missing)}")
    try:
        charts = [list(map(list, corners)) for corners in entry["MCCCoord"].values()]
        # A place with fewer charts has zeros for the others.
        charts = [corners for corners in charts if any(map(any, corners))]
        for corners in charts:
            ColourChart.of(corners)
        colours = {number: Illuminant.of(entry[f"Light{number}"]).rgb for number in lights if f"Light{number}" in entry}
    except (UsageError, LookupError, TypeError, ValueError, AttributeError) as error:
        return Omission(image, f"its charts or lights in meta.json make no sense ({error})")
    files = (name, *(pictures[other] for other in needed))
    details = {"lights": lights, "charts": charts, "colours": colours}
    return Sample(image, files, _CAMERAS[brand], f"{brand}/{place}", None, fold, None, details)


def _brand(name: str) -> str:
    """The camera of its folder, or else the camera whose raw files have its suffix."""
    path = PurePosixPath(name)
    folders = (part.lower() for part in reversed(path.parts[:-1]))
    return next((part for part in folders if part in _CAMERAS), _SUFFIXES[path.suffix.lower()])


def _separate(lights: str, own: HalfSize, others: list[HalfSize]) -> list[NDArray[np.float32]]:
    """The picture under each light alone."""
    if not others:
        return [own.pixels]
    first = others[0].pixels
    brighter = [own.pixels] if len(lights) == 2 else [picture.pixels for picture in others[1:]]
    return [first, *(picture - first for picture in brighter)]


def _brightest_grey(
    light: NDArray[np.float32], clipped: NDArray[np.bool_], charts: list[ColourChart]
) -> tuple[float, float, float] | None:
    """RGB of the brightest grey patch without clipped pixels."""
    patches = [patch for chart in charts for patch in chart.greys(*clipped.shape)]
    usable = [patch for patch in patches if len(patch[0]) and not clipped[patch].any()]
    means = [light[patch].mean(axis=0, dtype=np.float64).tolist() for patch in usable]
    return max((tuple(mean) for mean in means if min(mean) > 0), key=lambda mean: mean[1], default=None)


def _mixture(
    image: LinearImage,
    alone: list[NDArray[np.float32]],
    visible: NDArray[np.bool_],
    colours: NDArray[np.float64],
    where: str,
) -> Example:
    """The mixture in each cell, and in the whole picture."""
    greens = [light[..., 1] for light in alone]
    # A thumbnail has three channels; here they are the green of the three lights.
    planes = np.stack([*greens, np.zeros_like(greens[0])][:3], axis=-1)
    means = LinearImage(planes, visible).thumbnail().pixels[..., : len(alone)]
    amounts = np.maximum(means.astype(np.float64), 0)
    known = image.valid & (amounts.sum(axis=2) > 0)
    if not known.any() or not amounts[known].any(axis=0).all():
        raise UnsupportedImage(where, "one of its lights adds nothing: were the pictures taken at different exposures?")
    mixtures = amounts[known] @ (colours / colours[:, 1:2])
    chroma = np.log(mixtures[:, (0, 2)] / mixtures[:, 1:2])
    chroma_map = np.full((*known.shape, 2), np.nan, np.float32)
    chroma_map[known] = chroma
    red, green, blue = (float(value) for value in mixtures.sum(axis=0))
    lights = LightMap.of(chroma_map, amounts.sum(axis=2), image.camera)
    return Example(image, (red, green, blue), angular_spread(chroma), lights)

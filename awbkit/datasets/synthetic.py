"""Synthetic scenes: reflectances under lights, taken by measured cameras. Labels are exact; nothing is downloaded.

    awbkit dataset prepare rendered:count=10000 -o rendered
    awbkit dataset prepare rendered:count=10000,photographs=PICTURES -o rendered
    awbkit dataset prepare rendered:camera=Nikon* SENSITIVITIES -o rendered

Each image is a scene of its own, 64 x 64, under one light or several (daylight, tungsten, LED, fluorescent and
discharge lamps; `awbkit.datasets.spectral.recipe` has the frequencies), with shading, shadows and highlights, exposed,
with shot and read noise, clipped at the white level, black level subtracted. It depends on its number, the seed, the
other options and the source only; its name states the lights. Three of ten are mostly of one material under a light of
any temperature, so that networks learn that a lawn or a wall gives no evidence of its light (``one_material``).

Source: none, for the 52 cameras that ship with awbkit, or a folder of spectral sensitivities, as JSON of
rawtoaces-data's schema or CSV ``wavelength,r,g,b``.

Truth: RGB of a perfect white under the light, computed from its spectrum; of several lights the mean over the valid
cells, weighted by the picture's green, as for CL3AN. Each cell's own light and their spread are stored. Matrices are
fitted to the sensitivities, for A and D65; LibRaw's are not used.

Pitfalls: surfaces, sizes and lights are drawn from simple models, so that errors on synthetic data do not predict
errors on photographs: train on it, do not report on it. Photographs as surfaces keep their shading and their casts, as
if these were paint; all scenes from one photograph count as one scene, so that no fold splits them. Fluorescence,
interreflection and lens shading are not modelled. A scene may have no grey at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from awbkit.colour.camera import Camera
from awbkit.colour.image import CLIP, THUMBNAIL_SIZE, LinearImage
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.pixels import all_channels
from awbkit.datasets.spectral import recipe, scene
from awbkit.datasets.spectral.sensitivities import Sensitivity, read, shipped_cameras
from awbkit.datasets.spectral.sensor import Sensor, auto_exposure
from awbkit.errors import FileError, UnreadableFile, UsageError
from awbkit.store.source import Source

_MOST_NAMES = 5
"""Greatest number of names in an error."""

_FLARE = 0.02
"""Greatest share of a picture's light that the lens scatters over the whole picture."""

_CELL = 16, 6000
"""Range of the number of pixels in a cell: from a small sensor to 24 megapixels."""


@dataclass(frozen=True)
class SyntheticScenes(Layout):
    """Computed scenes, reproducible for the same options, in any order and process."""

    count: int = field(default=1000, metadata={"help": "how many scenes", "range": (1, 10_000_000)})
    seed: int = field(default=0, metadata={"help": "another seed makes other scenes", "range": (0, 2**31 - 1)})
    lights: int = field(default=2, metadata={"help": "most lights in one scene", "range": (1, 3)})
    lamps: bool = field(default=True, metadata={"help": "measured lamps; without, daylight and black bodies only"})
    one_material: float = field(
        default=0.3,
        metadata={
            "help": "share of the invented scenes that are mostly of one material, under any one light",
            "range": (0.0, 1.0),
        },
    )
    noise: bool = field(default=True, metadata={"help": "shot and read noise"})
    camera: str = field(
        default="", metadata={"help": "cameras by part of their name or pattern, as Canon*; all if empty"}
    )
    photographs: str = field(
        default="",
        metadata={"help": "folder of sRGB pictures whose pixels serve as surfaces; invented scenes if empty"},
    )

    name: ClassVar[str] = "rendered"
    needs_source: ClassVar[bool] = False
    about: ClassVar[About] = About(
        title="Rendered scenes",
        licence="Apache-2.0; the sensitivities are rawtoaces-data's, Apache-2.0 (see NOTICE)",
        citation="awbkit; spectral sensitivities from rawtoaces-data, Academy of Motion Picture Arts and Sciences.",
        download="none; computed by awbkit dataset prepare rendered",
        convention="RGB of a perfect white under the light, from its spectrum and the camera's sensitivities; of "
        "several lights the mean over the cells, weighted by the picture's green.",
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List the scenes, whose names state their lights.

        Raises:
            UnreadableFile: If the source holds no sensitivities, or the folder of photographs no pictures.
            UsageError: If no camera has that name.
            MissingExtra: If lamps are wanted and colour-science is not installed.
        """
        cameras: dict[str, tuple[str, ...]] = {}
        for found in self._cameras(source):
            if isinstance(found, Omission):
                yield found
            elif self._matches(found[0]):
                cameras[found[0]] = found[1]
        if not cameras:
            available = [found[0] for found in self._cameras(source) if not isinstance(found, Omission)]
            if not available:
                remedy = "add JSON or CSV files, or name none"
                raise UnreadableFile(source.path, "holds no spectral sensitivities", remedy)
            some = ", ".join(available[:_MOST_NAMES]) + (", ..." if available[_MOST_NAMES:] else "")
            raise UsageError(f"layout rendered: no camera is called {self.camera!r}; there are {some}")
        order = sorted(cameras)
        pictures = _pictures(self.photographs) if self.photographs else []
        for index in range(self.count):
            drawn, rng = self._draw(index)
            title = drawn.title.replace("/", "-")
            camera = order[int(rng.integers(len(order)))]
            image = f"{index:06d} {title}"
            sample = Sample(image, cameras[camera], camera, scene=f"{index:06d}", details={"index": index})
            if pictures:
                picture = pictures[index % len(pictures)]
                sample = replace(sample, scene=picture, details={"index": index, "photograph": picture})
            yield sample

    def load(self, source: Source, sample: Sample) -> Example:
        """Compute one scene.

        Raises:
            UnreadableFile: If its photograph or its camera's sensitivities cannot be read.
        """
        index = sample.details["index"]
        drawn, _ = self._draw(index)
        rng = self._generator(index, "pixels")
        if "photograph" in sample.details:
            from awbkit.datasets.spectral.upsampling import basis

            try:
                picture = _picture(str(Path(self.photographs) / sample.details["photograph"]))
            except FileError as error:
                raise UnreadableFile(sample.image, f"photograph {error.path} {error.problem}", error.remedy) from error
            mirror = slice(None, None, int(rng.choice((-1, 1))))
            usable = picture.valid[:, mirror]
            made = scene.scene_of_photograph(rng, drawn, picture.pixels[:, mirror], basis())
        else:
            usable = np.ones((THUMBNAIL_SIZE, THUMBNAIL_SIZE), np.bool_)
            made = scene.procedural_scene(rng, drawn)
        sensitivity = _sensitivity(source, sample)
        light, incident = scene.expose(made, np.stack([light.power for light in drawn.lights]), sensitivity.rgb)
        flare = np.float32(rng.uniform(0, _FLARE))
        light = (1 - flare) * light + flare * light.mean(axis=(0, 1))
        light *= np.float32(auto_exposure(light, rng))
        sensor, count = Sensor.draw(rng), int(np.exp(rng.uniform(*np.log(_CELL))))
        pixels = sensor.read(light, count, rng) if self.noise else np.minimum(light, 1)
        valid = usable & all_channels((pixels > 0) & (pixels < CLIP))
        image = LinearImage(np.maximum(pixels, 0), valid, Camera(sample.camera))
        truth, local, spread = scene.illuminant(light, incident, valid, image.camera)
        red, green, blue = truth.tolist()
        return Example(image, (red, green, blue), spread, local if self.lights > 1 else None)

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        """The cameras by name, with matrices from their sensitivities."""
        wanted = set(names)
        if not source.path:
            return {camera.name: camera.camera for camera in shipped_cameras() if camera.name in wanted}
        found = (item for item in self._cameras(source) if not isinstance(item, Omission))
        return {name: read(source.read(file[0]), file[0]).camera for name, file in found if name in wanted}

    def outside_files(self) -> Iterable[Path]:
        """The photographs."""
        return [Path(self.photographs, picture) for picture in _pictures(self.photographs)] if self.photographs else ()

    def about_source(self) -> About:
        """The facts; the licence is that of the photographs, if there are any."""
        if not self.photographs:
            return self.about
        return replace(self.about, licence="that of the photographs that it was rendered from")

    def _cameras(self, source: Source) -> Iterator[tuple[str, tuple[str, ...]] | Omission]:
        """Names of cameras, each with its file, if any."""
        if not source.path:
            yield from ((camera.name, ()) for camera in shipped_cameras())
            return
        names: set[str] = set()
        for file in [*source.find("*.json"), *source.find("*.csv")]:
            try:
                name = read(source.read(file), file).name
            except UnreadableFile as error:
                yield Omission(file, error.reason)
                continue
            if name in names:
                yield Omission(file, f"is a second {name}; rename it")
            else:
                names.add(name)
                yield name, (file,)

    def _matches(self, name: str) -> bool:
        pattern = self.camera.lower()
        return fnmatchcase(name.lower(), pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*")

    def _draw(self, index: int) -> tuple[recipe.Recipe, np.random.Generator]:
        """The recipe of a scene, and the generator for its other random choices."""
        rng = self._generator(index, "plan")
        drawn = recipe.draw(rng, self.lights, lamps=self.lamps)
        material = self._generator(index, "material")
        if not self.photographs and material.random() < self.one_material:
            drawn = recipe.draw_material(material)
        return drawn, rng

    def _generator(self, index: int, purpose: str) -> np.random.Generator:
        return np.random.default_rng((self.seed, index, ("plan", "pixels", "material").index(purpose)))


def _sensitivity(source: Source, sample: Sample) -> Sensitivity:
    if sample.files:
        return read(source.read(sample.files[0]), sample.files[0])
    return next(camera for camera in shipped_cameras() if camera.name == sample.camera)


def _pictures(folder: str) -> list[str]:
    """JPEG, PNG and TIFF pictures below a folder, by their path in it, in natural order."""
    from awbkit.store.find import RENDERED_SUFFIXES, find

    if not Path(folder).is_dir():
        raise UnreadableFile(folder, "no such folder of photographs", "check the spelling")
    found = [item.path for item in find([folder], recursive=True) if not isinstance(item, UnreadableFile)]
    pictures = [path.relative_to(folder).as_posix() for path in found if path.suffix.lower() in RENDERED_SUFFIXES]
    if not pictures:
        raise UnreadableFile(folder, "holds no photographs", "put JPEG, PNG or TIFF pictures there")
    return pictures


@lru_cache(maxsize=256)
def _picture(path: str) -> LinearImage:
    """A photograph's thumbnail in linear sRGB, clipped to its gamut."""
    from awbkit.files.open import open_photo

    thumbnail = open_photo(path).thumbnail()
    if thumbnail.camera.space != "linear-srgb":
        raise UnreadableFile(path, "is a raw photograph", "develop it to JPEG or TIFF")
    return LinearImage(np.clip(thumbnail.pixels, 0, 1), thumbnail.valid)

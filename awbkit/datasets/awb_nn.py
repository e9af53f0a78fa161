"""Raspberry Pi's awb_nn: pictures by seven of their camera modules, labelled with colour temperatures.

    dataset-pisp/{train,test}/<user>,<sensor>,<number>,<kelvin>,<lux>,<camera's own kelvin>.png    32 x 32, Pi 5
    dataset-vc4/{train,test}/<likewise>.png                                                        16 x 12, Pi 4
    tunings/{pisp,vc4}/<sensor>.json                                              libcamera's tuning files
    <user>,<sensor>,<number>,<red gain>,<blue gain>.dng                           your own pictures, annotated
    <user>,<sensor>,<number>,<left>,<top>,<right>,<bottom>.dng                    likewise, by a grey rectangle

as folders, as the published ``dataset-*.zip``, or both zips and ``tunings`` in one folder.

The PNGs are 16-bit, but not camera RGB. The black level (``rpi.black_level``) was subtracted, and the numbers were
divided by the white level, corrected for lens shading and averaged. Then they were multiplied by the gains for 5000 K
on the tuning file's colour curve, clipped, multiplied by its colour matrix (CCM) for 5000 K and clipped again. Loading
inverts the gains and the matrix. Measurements confirm that ``sensitivity_r`` and ``sensitivity_b`` scale the curve:
with them the 220 scenes without clipping have the same r/g and b/g in both sets within 0.3 to 2.5 %, by sensor; without
them they differ by 5 to 12 %.

Truth: the label is a temperature, which the scaled curve converts to r/g and b/g. Saturation and mask: a pixel is valid
if every channel in the file is above 0 and under 65535, no channel reached 0.98 before the CCM, and none reached 0.98
of the sensor's range above black. Raw files have the levels that they state, and no lens shading correction; the grey
rectangle stays in the picture, as in the project's own converter.

Licence: BSD-3-Clause. Pitfalls: everything lies in ``train``; fold by user. A label has no component towards green or
magenta, since it lies on the curve. The same number from the same user is often one scene taken with several sensors,
and so counts as one scene. The clipping for 5000 K removed the blue of warm pictures: some have few valid pixels or
none. Kelvins are on the sensor's own scale: six sensors label one scene from 4770 to 6380. Citation: Raspberry Pi Ltd,
"awb_nn", 2025, github.com/raspberrypi/awb_nn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.image import CLIP, LinearImage
from awbkit.datasets.bayer import HalfSize, read_half_size
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.pixels import read_codes
from awbkit.datasets.rpi_tuning import RpiTuning
from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.source import Source

_TARGETS = ("pisp", "vc4")
BALANCE_KELVIN = 5000.0
"""Kelvin."""

_HINT = "name their folder as awb-nn:tunings=FOLDER"
_CAMERA = re.compile(r"(.+) \((pisp|vc4)\)")


@dataclass(frozen=True)
class AwbNN(Layout):
    """Raspberry Pi's awb_nn; see the module.

    Folds are users, without the trailing number of their names, which counts one person's sessions. A camera's name
    includes the processor, as "imx708 (pisp)", since the two processors' tuning files disagree; its matrices come from
    :meth:`awbkit.datasets.rpi_tuning.RpiTuning.camera`. The exposure is the estimated lux.
    """

    name: ClassVar[str] = "awb-nn"
    about: ClassVar[About] = About(
        title="awb_nn",
        licence="BSD-3-Clause",
        citation="Raspberry Pi Ltd, awb_nn, 2025, github.com/raspberrypi/awb_nn",
        download="https://github.com/raspberrypi/awb_nn (Datasets, and tunings or those of libcamera)",
        convention="white at the labelled temperature on the sensor's own colour curve, in camera RGB",
    )

    target: str = field(
        default="pisp",
        metadata={
            "help": "whose pictures to take: pisp (Pi 5, 32 x 32), vc4 (Pi 4, 16 x 12; the same scenes), or both",
            "choices": (*_TARGETS, "both"),
        },
    )
    tunings: str = field(
        default="",
        metadata={"help": "folder with {pisp,vc4}/<sensor>.json, where the source has none, such as libcamera's rpi"},
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every PNG or DNG with commas in its name.

        Raises:
            UnreadableFile: If there is no such file, or there are PNGs but no tuning file.
        """
        names = [name for name in source.members if "," in name and name.lower().endswith((".png", ".dng"))]
        if not names:
            looked_for = "<user>,<sensor>,<number>,<kelvin>,<lux>,<kelvin>.png"
            raise UnreadableFile(source.path, f"holds no picture of awb_nn ({looked_for})", "name the folder or zip")
        pictures = any(name.lower().endswith(".png") for name in names)
        if pictures and not self._tuning_source(source).find("*.json"):
            raise UnreadableFile(
                self.tunings or source.path,
                "holds no tuning files ({pisp,vc4}/<sensor>.json), without which labels and pixels mean nothing",
                f"name the folder that has both, or {_HINT}",
            )
        for name in names:
            target = self._target_of(source, name)
            if not target:
                yield Omission(name, "neither its folder nor the option target says whether it is of pisp or vc4")
            elif self.target in ("both", target):
                yield self._sample(source, name, target)

    def load(self, source: Source, sample: Sample) -> Example:
        """Invert balance and colour matrix of a PNG, or read a raw file.

        Raises:
            UnreadableFile, UnsupportedImage: If the file is not as described.
        """
        (name,) = sample.files
        camera = self.cameras(source, [sample.camera])[sample.camera]
        if name.lower().endswith(".dng"):
            half = read_half_size(source, name)
            image = LinearImage(half.pixels, half.image().valid, camera).thumbnail()
            illuminant = sample.illuminant or _measure_grey(half, sample.details["area"], f"{source.path}/{name}")
            return Example(image, illuminant)
        tuning = self._tuning(source, sample.camera)
        if tuning is None or sample.illuminant is None:
            raise UnreadableFile(f"{source.path}/{name}", f"has no tuning file for {sample.camera} any more")
        pixels, valid = _camera_rgb(read_codes(source, name), tuning)
        return Example(LinearImage(pixels, valid, camera).thumbnail(), sample.illuminant)

    def outside_files(self) -> Iterable[Path]:
        """The folder of tuning files, if the source has none."""
        return sorted(Path(self.tunings).rglob("*.json")) if self.tunings else ()

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        """The sensors, with matrices if there is a tuning file."""
        tunings = {name: self._tuning(source, name) for name in names}
        return {name: tuning.camera(name) if tuning else Camera(name) for name, tuning in tunings.items()}

    def _sample(self, source: Source, name: str, target: str) -> Sample | Omission:
        path = PurePosixPath(name)
        image, fields = f"{target}/{path.stem}", path.stem.split(",")
        raw = path.suffix.lower() == ".dng"
        if len(fields) not in ((5, 7) if raw else (6,)):
            form = "<red gain>,<blue gain> or a grey rectangle" if raw else "<kelvin>,<lux>,<kelvin>"
            return Omission(image, f"its name has no label: after <user>,<sensor>,<number> comes {form}")
        try:
            label = [float(text) for text in fields[3:]]
        except ValueError:
            label = []
        if not label or not np.isfinite(label).all():
            return Omission(image, f"the label in its name is no number: {','.join(fields[3:])}")
        user, sensor, number = fields[:3]
        camera, details, exposure = f"{sensor} ({target})", {}, None
        illuminant: tuple[float, float, float] | None = None
        if len(fields) == 7:
            details = {"area": [int(edge) for edge in label]}
        elif min(label[:2]) <= 0:
            return Omission(image, f"the label in its name is not positive: {','.join(fields[3:])}")
        elif raw:
            illuminant = 1 / label[0], 1.0, 1 / label[1]
        else:
            tuning = self._tuning(source, camera)
            if tuning is None:
                problem = f"there is no tuning file {target}/{sensor}.json"
                return Omission(image, f"{problem}; --option tunings=FOLDER names it")
            illuminant, exposure = tuning.white(label[0]), label[1]
        scene, fold = f"{user},{number}", user.rstrip("0123456789") or user
        return Sample(image, (name,), camera, scene, illuminant, fold, exposure, details)

    def _target_of(self, source: Source, name: str) -> str:
        """The target (pisp or vc4) in the name of the nearest folder or archive, or else of the option."""
        member = source.members[name]
        places = [*PurePosixPath(name).parts[:-1]]
        places.insert(0, PurePosixPath((member.archive or source.path).replace("\\", "/")).name)
        for place in reversed(places):
            for target in _TARGETS:
                if target in place.lower():
                    return target
        if name.lower().endswith(".dng"):
            return "pisp" if self.target == "both" else self.target
        return "" if self.target == "both" else self.target

    def _tuning_source(self, source: Source) -> Source:
        return _open_source(self.tunings) if self.tunings else source

    def _tuning(self, source: Source, camera: str) -> RpiTuning | None:
        parts = _CAMERA.fullmatch(camera)
        if parts is None:
            raise UsageError(f"{camera!r} is no camera of awb-nn, such as 'imx708 (pisp)'")
        place = self._tuning_source(source)
        end = f"{parts[2]}/{parts[1]}.json".lower()
        for name in place.find("*.json"):
            if f"/{name}".lower().endswith(f"/{end}"):
                return _parse_tuning(place.text(name), f"{place.path}/{name}")
        return None


_open_source = lru_cache(maxsize=4)(Source.open)
_parse_tuning = lru_cache(maxsize=32)(RpiTuning.parse)


def _camera_rgb(codes: NDArray[np.integer], tuning: RpiTuning) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Linear camera RGB, 1.0 = white level, and a mask of the unclipped pixels."""
    top = np.iinfo(codes.dtype).max
    balanced = codes / top @ np.linalg.inv(tuning.ccm(BALANCE_KELVIN)).T
    rgb = balanced * np.array(tuning.white(BALANCE_KELVIN)) / (1 - tuning.black)
    whole = (codes > 0) & (codes < top) & (balanced < CLIP) & (rgb > 0) & (rgb < CLIP)
    return rgb.astype(np.float32), whole.all(axis=2)


def _measure_grey(half: HalfSize, area: list[int], where: str) -> tuple[float, float, float]:
    """RGB of a rectangle, in samples of the mosaic: the median of each channel, as the project itself takes it."""
    left, top, right, bottom = (edge // 2 for edge in area)
    inside = half.pixels[max(top, 0) : bottom, max(left, 0) : right]
    clipped = half.clipped[max(top, 0) : bottom, max(left, 0) : right]
    if not inside.size or clipped.mean() > 0.5:
        raise UnreadableFile(where, "its grey rectangle lies outside the picture or is clipped", "annotate it again")
    red, green, blue = (float(value) for value in np.median(inside, axis=(0, 1)))
    if min(red, green, blue) <= 0:
        raise UnreadableFile(where, "its grey rectangle is black", "annotate it again")
    return red, green, blue

"""INTEL-TAU: 7,022 pictures by three cameras, in the field and in the laboratory.

    <camera>/field_1_cameras/*.tiff, *.wp     outdoors and indoors, by one camera each
    <camera>/field_3_cameras/*.tiff, *.wp     144 scenes, each by all three cameras
    <camera>/lab_printouts/*.tiff, *.wp       60 printed photographs under five lights, by all three
    <camera>/lab_realscene/*.tiff, *.wp       four arrangements under five lights, by all three

with the cameras Canon_5DSR, Nikon_D810 and Sony_IMX135_BLCCSC, in folders or in the archives of the 1080p release
(``<camera>_1080p.zip``; join and unpack split archives first). A picture's own name states its camera and part
(``C_5DSR_field3cam_001.tiff``), or else its folders do.

Truth: the ``.wp`` file beside each picture, "r g b" in camera RGB; two numbers are r/g and b/g, as in the raw release.
It was measured on a chart that was then removed, so there is no mask; faces are painted over. Black level: subtracted
already. White level: the full scale of 16 bits, as the likely meaning of the authors' "saturation normalisation". A
channel is clipped from 0.98 of the picture's own maximum, as in published figures on this set, since averaging to 1080p
and the correction of colour shading leave no sharp level. Folds: the authors' ten are random and not read; leave one
camera out, or fold by scene.

Scenes, verified by comparing the pictures: one number in ``field_3_cameras`` is one scene, whichever the camera;
``lab_realscene`` shows each arrangement under five lights in five consecutive numbers; ``lab_printouts`` shows 50
prints under each light in turn, and then 10 more, in an order that some cameras run through backwards. A print and its
mirror in that order therefore count as one scene, which keeps all pictures of a print in one fold.

Licence CC BY-SA 4.0. Pitfalls: the Sony's pictures are upside down. The dark surround of the printouts stays in the
picture, as in published figures. The IMX135 has no published matrix; see `awbkit.files.known_cameras`. Its number 8 of
``lab_realscene`` is missing. Citation: F. Laakom, J. Raitoharju, J. Nikkanen, A. Iosifidis, M. Gabbouj, "INTEL-TAU: A
Color Constancy Dataset", IEEE Access 9, 2021, arXiv:1910.10404.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from awbkit.colour.camera import Camera
from awbkit.colour.image import CLIP
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.originals import original_codes, truth_problem
from awbkit.datasets.pixels import linear_thumbnail
from awbkit.errors import FileError, UnreadableFile
from awbkit.store.source import Source

_SUFFIXES = (".tiff", ".tif")
_CAMERAS = {"5dsr": "Canon EOS 5DS R", "d810": "Nikon D810", "imx135": "Sony IMX135"}
_PARTS = {
    "field_3": re.compile(r"field_?3_?cam"),
    "field_1": re.compile(r"field(_1_?cam|_(part)?\d|$)"),
    "lab_printouts": re.compile(r"lab_?printouts?"),
    "lab_realscene": re.compile(r"lab_?real_?scenes?"),
}
_NUMBER = re.compile(r"(?<!\d)(\d{1,9})$")

_PRINTS = 50
_MORE_PRINTS = 10
_LIGHTS = 5


@dataclass(frozen=True)
class IntelTau(Layout):
    """INTEL-TAU; see the module."""

    name: ClassVar[str] = "intel-tau"
    about: ClassVar[About] = About(
        title="INTEL-TAU",
        licence="CC BY-SA 4.0",
        citation="F. Laakom et al., INTEL-TAU: A Color Constancy Dataset, IEEE Access 9, 2021, arXiv:1910.10404",
        download="http://urn.fi/urn:nbn:fi:att:f8b62270-d471-4036-b427-f21bce32b965 (the 1080p TIFF release)",
        convention="RGB of the chart's white in camera RGB, from the .wp files",
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every TIFF with its ``.wp``.

        Raises:
            UnreadableFile: If there is no TIFF of a known camera and part of the set.
        """
        whites = {str(PurePosixPath(name).with_suffix("")).lower(): name for name in source.find("*.wp")}
        placed = [(name, *_place(source, name)) for name in source.members if name.lower().endswith(_SUFFIXES)]
        if not any(camera and part for _, camera, part in placed):
            what = "only the raw release (.plain16), which is not read" if source.find("*.plain16") else "no TIFF"
            folders = "<camera>/field_1_cameras, field_3_cameras, lab_printouts, lab_realscene"
            problem = f"holds {what} of INTEL-TAU ({folders})"
            raise UnreadableFile(source.path, problem, "name the folder or archives of the 1080p TIFF release")
        for name, camera, part in placed:
            white = whites.pop(str(PurePosixPath(name).with_suffix("")).lower(), None)
            stem = PurePosixPath(name).stem
            if not camera or not part:
                yield Omission(name, "neither its name nor its folders say which camera and part of the set it is of")
            elif white is None:
                yield Omission(stem, f"there is no {stem}.wp beside it")
            else:
                yield _sample(source, name, white, camera, part)
        for white in whites.values():
            yield Omission(white, "there is no picture beside it")

    def load(self, source: Source, sample: Sample) -> Example:
        """Read a picture.

        Raises:
            UnreadableFile, UnsupportedImage: If it is damaged, or not of 16 bits and three channels.
        """
        assert sample.illuminant is not None
        codes = original_codes(source, sample.files[0])
        clip = CLIP * float(codes.max())
        image = linear_thumbnail(codes, Camera(sample.camera), white=65535, clip=clip)
        return Example(image, sample.illuminant)


def _place(source: Source, name: str) -> tuple[str, str]:
    """Camera and part of the set, an empty string for either if unknown."""
    path = PurePosixPath(name)
    root = (source.members[name].archive or source.path).replace("\\", "/")
    stem = _NUMBER.sub("", path.stem.lower()).rstrip("_-")
    places = [stem, *(part.lower() for part in reversed(path.parts[:-1])), PurePosixPath(root).name.lower()]
    camera = next((full for place in places for short, full in _CAMERAS.items() if short in place), "")
    part = next((known for place in places for known, pattern in _PARTS.items() if pattern.search(place)), "")
    return camera, part


def _sample(source: Source, name: str, white: str, camera: str, part: str) -> Sample | Omission:
    stem = PurePosixPath(name).stem
    try:
        numbers = [float(text) for text in source.text(white).replace(",", " ").split()]
    except FileError as error:
        return Omission(stem, error.reason)
    except ValueError:
        numbers = []
    if len(numbers) == 2:
        numbers.insert(1, 1.0)
    if len(numbers) != 3:
        return Omission(stem, f"{PurePosixPath(white).name} does not hold three numbers, r g b")
    problem = truth_problem(numbers)
    if problem:
        return Omission(stem, problem)
    light = numbers[0], numbers[1], numbers[2]
    return Sample(stem, (name, white), camera, _scene(stem, part), light)


def scene_of(stem: str) -> str:
    """The scene of a picture's name, such as ``N_D810_field3cam_012``, for any camera and light."""
    name = _NUMBER.sub("", stem.lower()).rstrip("_-")
    return _scene(stem, next((part for part, pattern in _PARTS.items() if pattern.search(name)), ""))


def _scene(stem: str, part: str) -> str:
    number = _NUMBER.search(stem)
    if part == "field_1" or number is None:
        return stem
    index = int(number[1]) - 1
    if part == "lab_realscene":
        index //= _LIGHTS
    elif part == "lab_printouts":
        more = index - _LIGHTS * _PRINTS
        first, count = (0, _PRINTS) if more < 0 else (_PRINTS, _MORE_PRINTS)
        place = (index if more < 0 else more) % count
        index = first + min(place, count - 1 - place)
    return f"{part}/{index + 1}"

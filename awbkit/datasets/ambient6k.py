"""AMBIENT6K: scenes in white light and shadow, a test for false corrections.

    {Train,Test,Benchmarck}/<N>_in.png    uneven light: lamps from one side, shadows
    {Train,Test,Benchmarck}/<N>_gt.png    the same scene in even light from soft boxes; none in Benchmarck (sic)

6,000 pictures of 24 megapixels by a Canon EOS R6 Mark II, exported as 8-bit sRGB; inputs and references may lie in
separate folders or archives, as published; the name of a split's folder begins with train, test or bench.

Truth: the lamps are white and the pictures balanced, so the right answer is neutral, (1, 1, 1) in linear sRGB. The set
only shows how much an estimator harms pictures that need no correction: a method that always answers "neutral" is
perfect here. Black level: subtracted already. Saturation: 0.98 of the linear maximum, as for every picture in sRGB.
Chart mask: there is no chart.

Licence: research. Pitfalls: the truth is as good as the photographers' balance, which nobody measured; interreflections
differ between shadows and lit places. Several inputs share a scene, but no published file lists the scenes. Their
references are copies of one file, so the size of the reference's file identifies the scene; two scenes rarely share a
size. The raw files (CR3) of the download are not read. Citation: F.-A. Vasluianu, T. Seizinger, Z. Zhou, Z. Wu, C.
Chen, R. Timofte, "Towards Image Ambient Lighting Normalization", ECCV 2024.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import ClassVar

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.pixels import read_codes, srgb_thumbnail
from awbkit.errors import UnreadableFile
from awbkit.store.source import Source

_CAMERA = "Canon EOS R6 Mark II (sRGB)"
_NEUTRAL = 1.0, 1.0, 1.0
# Numbers only: CL3AN, whose lights are coloured, has names with further parts.
_NAME = re.compile(r"(\d+)_(in|gt)\.png", re.IGNORECASE)
_ROOTS = frozenset(("train", "test", "benchmarck", "benchmark"))
_SPLITS = {"train": "train", "test": "test", "bench": "benchmark"}


@dataclass(frozen=True)
class Ambient6k(Layout):
    """AMBIENT6K; see the module. Folds are the published train, test and benchmark."""

    name: ClassVar[str] = "ambient6k"
    about: ClassVar[About] = About(
        title="AMBIENT6K",
        licence="research",
        citation="F.-A. Vasluianu et al., Towards Image Ambient Lighting Normalization, ECCV 2024",
        download="https://github.com/fvasluianu97/IFBlend",
        convention="linear sRGB; the pictures are balanced, so the illuminant is neutral: a set to do no harm to",
    )

    pictures: str = field(
        default="inputs",
        metadata={
            "help": "unevenly lit inputs, evenly lit references (each once), or both",
            "choices": ("inputs", "references", "both"),
        },
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List the requested pictures.

        Raises:
            UnreadableFile: If no picture has such a name.
        """
        found = [(split, match, name) for name in source.members for split, match in [_parse(source, name)] if match]
        if not found:
            problem = "holds no picture of AMBIENT6K (<N>_in.png and <N>_gt.png, N a number, below Train or Test)"
            raise UnreadableFile(source.path, problem, "name the folder or archive that was downloaded")
        sizes = {
            (split, match[1]): source.members[name].size for split, match, name in found if match[2].lower() == "gt"
        }
        shown: set[str] = set()
        for split, match, name in found:
            size = sizes.get((split, match[1]))
            image = "/".join(filter(None, (split, f"{match[1]}_{match[2].lower()}")))
            scene = image if size is None else f"{split}/{size}"
            is_input = match[2].lower() == "in"
            if self.pictures == ("references" if is_input else "inputs") or (not is_input and scene in shown):
                continue
            if not is_input:
                shown.add(scene)
            yield Sample(image, (name,), _CAMERA, scene, _NEUTRAL, split)

    def load(self, source: Source, sample: Sample) -> Example:
        """Read a picture.

        Raises:
            UnreadableFile, UnsupportedImage: If it is damaged, or no picture of three channels.
        """
        return Example(srgb_thumbnail(read_codes(source, sample.files[0])), _NEUTRAL)

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        """The pictures are in linear sRGB, without a camera's matrix."""
        return {name: replace(LINEAR_SRGB, name=name) for name in names}


def _parse(source: Source, name: str) -> tuple[str, re.Match[str] | None]:
    """The split, or an empty string, and the parts of a name of this set; None for other names."""
    path = PurePosixPath(name)
    archive = source.members[name].archive
    top = PurePosixPath((archive or source.path).replace("\\", "/")).name.lower()
    # A folder above the download may well be called "testing".
    places = [part.lower() for part in reversed(path.parts[:-1])] + [top] * (archive is not None or top in _ROOTS)
    for place in places:
        for beginning, split in _SPLITS.items():
            if place.startswith(beginning):
                return split, _NAME.fullmatch(path.name)
    return "", _NAME.fullmatch(path.name)

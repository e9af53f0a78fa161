"""CL3AN: scenes under several coloured lights, each with one picture of the same scene under even white light.

F.-A. Vasluianu et al., Computer Vision Lab, University of Würzburg, 2025, arXiv:2508.02168. 105 scenes; 3,667 pairs to
train, 437 to validate and 431 to test; 24-megapixel 8-bit sRGB PNG of some 150 GB in all; for research only. Three
layouts are read, whole or in part, unpacked or zipped, below any folders:

- ``{Train,Validation}/GT/<key>_*.png``, ``IN_CR/<key>/*.png`` (coloured lights), ``IN_SH/<key>/<key>_1_IN.png`` or
  ``<key>_1_SH_IN.png`` (one lamp and its shadows);
- ``Testing/GT/<key>_GT.png`` and any ``<key>_*_IN.png`` below ``Testing``;
- of the NTIRE 2026 challenge, ``gt/<key>_GT.png`` and ``input/<key>_<variation>_IN.png``; an input with its own
  ``<key>_<variation>_GT.png`` is paired with that.

The set states no illuminant; it is derived from each pair (:mod:`awbkit.datasets.pair`), with its spread and a local
map.

Pitfalls: the truth is relative to the reference's own balance, which is the photographer's white and not D65 to the
digit. All inputs of a scene share its reflectances: fold and count by scene, never by pair. The pictures are in sRGB:
if the camera's tone curve is not that of sRGB, its contrast exaggerates the ratios (on simulations under a warm light,
a quarter of a smoothstep on top of sRGB moved the answer by 2 degrees, a whole one by 7). A lamp beyond sRGB leaves a
channel at 0, which then counts as two steps of 8 bits. Where several lights meet (spread over 3 degrees) no estimate of
one light is right everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.pair import illuminant_from_pair
from awbkit.datasets.pixels import read_codes, srgb_tables, srgb_thumbnail
from awbkit.datasets.reduction import Reduction
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.archive import Member
from awbkit.store.source import Source

_CAMERA = "CL3AN sRGB"
_LAYOUT = "GT/<key>_GT.png beside IN_CR/<key>/, IN_SH/<key>/, <key>_*_IN.png or input/<key>_<variation>_IN.png"
_INPUT_FOLDERS = ("in_cr", "in_sh")
_SPLIT = re.compile(r"(train|val|test)(?:ing|idation|id)?(?![a-z_])", re.IGNORECASE)
_SPLITS = {"train": "train", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Cl3an(Layout):
    """The data set CL3AN; see the module's text for the layouts, the truth and the pitfalls.

    A sample's scene is the split and the key, because each split may count from 1. Its detail ``lights`` is "shadow"
    for inputs in ``IN_SH`` or with that in their name, else "coloured".

    Attributes:
        lights: The inputs to use: "coloured", "shadow" or "all".
    """

    name: ClassVar[str] = "cl3an"
    about: ClassVar[About] = About(
        title="CL3AN",
        licence="research",
        citation="F.-A. Vasluianu et al., CL3AN, University of Würzburg, 2025, arXiv:2508.02168",
        download="https://github.com/fvasluianu97/RLN2",
        convention="linear sRGB; derived from each pair: the mean light of the input, weighted by brightness, relative"
        " to the ambient-lit reference, whose own balance counts as white",
    )

    lights: str = field(
        default="all",
        metadata={"help": "which inputs: coloured lights, shadows or all", "choices": ("all", "coloured", "shadow")},
    )

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every input, then the unpaired pictures.

        Raises:
            UnreadableFile: If the source holds no picture in a folder GT, or no input.
        """
        references = _References(source)
        inputs = [found for found in map(_Input.of, source.members) if found is not None]
        if not references.names or not inputs:
            missing = "input for its references" if references.names else "reference in a folder GT"
            raise UnreadableFile(source.path, f"holds no {missing}", f"the layout cl3an is {_LAYOUT}")
        used: set[str] = set()
        unpaired: list[Omission] = []
        samples: list[Sample] = []
        for found in inputs:
            root, candidates = references.of(found)
            used.update(candidates)
            kind = "shadow" if found.shadow else "coloured"
            if self.lights not in ("all", kind):
                continue
            split = _split(Path(source.path).name, *found.path.parts[:-1])
            image = "/".join(filter(None, (split, *found.path.with_suffix("").parts[len(root) :])))
            if len(candidates) == 1:
                scene = f"{split}/{found.key}" if split else found.key
                files = (str(found.path), candidates[0])
                samples.append(Sample(image, files, _CAMERA, scene, fold=split, details={"lights": kind}))
            else:
                count = f"{len(candidates)} references have" if candidates else "no reference has"
                unpaired.append(Omission(image, f"{count} the key {found.key!r}; GT must hold one {found.key}_GT.png"))
        names = Counter(sample.image for sample in samples)
        for sample in samples:
            # Downloads side by side may repeat each other's names; their folders then tell them apart.
            whole = str(PurePosixPath(sample.files[0]).with_suffix(""))
            yield sample if names[sample.image] == 1 else replace(sample, image=whole)
        yield from unpaired
        for name in references.names:
            if name not in used:
                yield Omission(name, "no input belongs to this reference")

    def load(self, source: Source, sample: Sample) -> Example:
        """Derive the light of one input from its reference, which is cached for the scene's other inputs.

        Raises:
            UnreadableFile: If a picture is damaged.
            UnsupportedImage: If a picture does not have three channels, or the pair does not determine the light.
        """
        name, reference = sample.files
        even = _reference(source.path, reference, source.members.get(reference))
        codes = read_codes(source, name)
        try:
            found = illuminant_from_pair(_reduce(codes), even)
        except UsageError as error:
            where = f"{source.path}/{name}"
            raise UnsupportedImage(where, f"gives no light: {error}", f"the reference was {reference}") from error
        return Example(srgb_thumbnail(codes), found.rgb, found.spread, found.light_map)

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        """The pictures are in linear sRGB; no file names the camera."""
        return {name: replace(LINEAR_SRGB, name=name) for name in names}


@dataclass(frozen=True)
class _Input:
    """An input picture, from its name."""

    path: PurePosixPath
    key: str
    shadow: bool

    @classmethod
    def of(cls, name: str) -> _Input | None:
        """Parse the name of an input; None for other names."""
        path = PurePosixPath(name)
        folders = [part.lower() for part in path.parts[:-1]]
        stem = path.stem.lower()
        if path.suffix.lower() != ".png" or "gt" in folders[-1:]:
            return None
        if not (stem.endswith("_in") or "input" in folders[-1:] or any(part in _INPUT_FOLDERS for part in folders)):
            return None
        by_folder = len(folders) > 1 and folders[-2] in _INPUT_FOLDERS
        key = path.parts[-2] if by_folder else path.stem.partition("_")[0]
        return cls(path, key, "in_sh" in folders or stem.endswith("_sh_in"))


def _split(*folders: str) -> str:
    """The published split in the name of the innermost folder that has one, or an empty string."""
    found = [match[1].lower() for match in map(_SPLIT.match, folders) if match]
    return _SPLITS[found[-1]] if found else ""


class _References:
    """The references, by the parent of their folder GT."""

    def __init__(self, source: Source) -> None:
        self.names: list[str] = []
        self._by_key: dict[tuple[tuple[str, ...], str], list[str]] = {}
        self._by_stem: dict[tuple[tuple[str, ...], str], str] = {}
        for name in source.members:
            path = PurePosixPath(name)
            if path.suffix.lower() == ".png" and path.parent.name.lower() == "gt":
                root = path.parent.parent.parts
                self.names.append(name)
                self._by_key.setdefault((root, path.stem.partition("_")[0]), []).append(name)
                self._by_stem[root, path.stem.lower().removesuffix("_gt")] = name
        self._roots = {root for root, _ in self._by_key}

    def of(self, found: _Input) -> tuple[tuple[str, ...], list[str]]:
        """The nearest folder above an input with a folder GT, and the candidate references there."""
        folders = found.path.parts[:-1]
        for depth in range(len(folders), -1, -1):
            root = folders[:depth]
            if root in self._roots:
                own = self._by_stem.get((root, found.path.stem.lower().removesuffix("_in")))
                return root, [own] if own else self._by_key.get((root, found.key), [])
        return (), []


def _reduce(codes: NDArray[np.uint8] | NDArray[np.uint16]) -> Reduction:
    return Reduction.of(codes, srgb_tables(np.iinfo(codes.dtype).max)[0])


@lru_cache(maxsize=2)
def _reference(path: str, name: str, member: Member | None) -> Reduction:
    """Read and reduce one reference; consecutive samples of a scene share it."""
    source = Source(path, {name: member} if member else {})
    try:
        return _reduce(read_codes(source, name))
    except UsageError as error:
        raise UnsupportedImage(f"{path}/{name}", str(error)) from error

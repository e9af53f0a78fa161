"""A folder or archive of images with a ``ground_truth.csv``: the layout for the user's own data sets.

    ground_truth.csv    image,r,g,b and optionally camera,scene,fold,exposure; other columns are ignored;
                        `awbkit.store.tables` has other names of the first four, as estimates of programs have them
    images/             or anywhere below; ``image`` is the path below the csv file or its end, with or without suffix
    cameras.json        optional: {"Canon EOS 550D": {"matrices": [{"cct": 6504, "xyz_to_camera": [[...], ...]}]}}

Truth: r, g, b are the RGB of a perfect white under the light, on any scale, in the RGB of the image itself: the
camera's for linear and raw images, *linear* sRGB (not the code values of a picture) for pictures in sRGB or with an ICC
profile. Black level and saturation: the options ``black`` and ``white``, in the numbers of the file; a channel is
clipped from 0.98 of the way between them, and a pixel is valid if no channel is clipped or black. Chart mask: set the
pixels that estimators must not use to black (0). Licence and citation: the owner's.

Pitfalls: without a column ``scene`` every image counts as a scene of its own, so that pictures of one place end up on
both sides of a fold. 8-bit images that are linear need ``encoding=linear``, 16-bit images in sRGB ``encoding=srgb``.
A camera that neither LibRaw nor ``cameras.json`` knows has no matrix, and so no canonical white.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import ClassVar, cast

import numpy as np

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import LinearImage
from awbkit.datasets.labels import FILE, Files, Label, read_labels
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.originals import json_object
from awbkit.datasets.pixels import is_8_bit, linear_thumbnail, read_stored
from awbkit.datasets.prepared import camera_from_json
from awbkit.errors import AwbError, FileError, UnreadableFile, UsageError
from awbkit.store.find import IMAGE_SUFFIXES, RAW_SUFFIXES
from awbkit.store.paths import store_of
from awbkit.store.source import Source

_ENCODINGS = ("auto", "linear", "srgb")
_SRGB = "sRGB"
_CAMERAS_FORM = 'the form is {name: {"matrices": [{"cct": 6504, "xyz_to_camera": 3 x 3 numbers}]}}'


@dataclass(frozen=True)
class Folder(Layout):
    """Images with a ``ground_truth.csv``; see the module.

    Raw files and pictures in sRGB are read as by ``awbkit estimate``, with embedded matrices and profiles. Images in
    sRGB have lost their camera RGB: their camera is called "Canon EOS 550D (sRGB)", or "sRGB". Of several
    ``ground_truth.csv``, the nearest one above an image applies, and images are named by their folder and name; scenes
    and folds of the same name are the same.

    Raises:
        UsageError: If ``white`` is not above ``black``.
    """

    name: ClassVar[str] = "folder"
    about: ClassVar[About] = About(
        title="Labelled images of one's own",
        licence="as the owner of the images states",
        citation="",
        download="",
        convention="RGB of a perfect white under the light, in the RGB of the image: the camera's for linear and raw "
        "images, linear sRGB for pictures in sRGB",
    )

    encoding: str = field(
        default="auto",
        metadata={
            "help": "what the numbers of PNG, TIFF and JPEG are: linear camera RGB, or sRGB (an embedded profile "
            "is honoured); auto: linear for 16 bits and floating point, else sRGB",
            "choices": _ENCODINGS,
        },
    )
    black: float = field(
        default=0.0,
        metadata={"help": "black level of linear images, in the numbers of the file", "range": (0.0, 65535.0)},
    )
    white: float = field(
        default=0.0,
        metadata={"help": "white level of linear images; 0 is the format's full scale", "range": (0.0, 65535.0)},
    )

    def __post_init__(self) -> None:
        if self.encoding not in _ENCODINGS:
            raise UsageError(f"encoding must be one of {', '.join(_ENCODINGS)}, not {self.encoding!r}")
        if self.white and self.white <= self.black:
            raise UsageError(f"the white level {self.white:g} must be above the black level {self.black:g}")

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        tables = source.find(FILE)
        if not tables:
            raise UnreadableFile(source.path, f"holds no {FILE}", "write one with the columns image,r,g,b")
        owned = _assign_files(source, [_folder(table) for table in tables])
        results: dict[str, list[Sample | Omission]] = {}
        owners: dict[str, str] = {}
        for table in sorted(tables, key=lambda table: -table.count("/")):
            results[table] = list(self._read_table(source, table, owned, owners, with_prefix=len(tables) > 1))
        for table in tables:
            yield from results[table]
        for name in (name for names in owned.values() for name in names if name not in owners):
            yield Omission(name, f"no line in {FILE} names it")

    def load(self, source: Source, sample: Sample) -> Example:
        (name,) = sample.files
        light = cast("tuple[float, float, float]", sample.illuminant)
        if sample.details["kind"] == "linear":
            stored = read_stored(source, name)
            full = 1.0 if stored.dtype == np.float32 else float(np.iinfo(stored.dtype).max)
            image = linear_thumbnail(stored, Camera(sample.camera), black=self.black, white=self.white or full)
        else:
            image = self._photo(source, name)
        return Example(image, light)

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        wanted = list(names)
        found = super().cameras(source, wanted)
        for name in wanted:
            if name == _SRGB or name.endswith(f" ({_SRGB})"):
                found[name] = replace(LINEAR_SRGB, name=name)
        if any(_is_raw(name) for name in source.members):
            # Of several raw files of one camera the first describes it.
            for sample in reversed([s for s in self.samples(source) if isinstance(s, Sample)]):
                if sample.details["kind"] == "raw" and sample.camera in found:
                    camera = _raw_camera(source.members[sample.files[0]].name)
                    if camera.matrices:
                        found[sample.camera] = replace(camera, name=sample.camera, as_shot=None)
        given = _user_cameras(source)
        return {name: given.get(name, camera) for name, camera in found.items()}

    def _read_table(
        self, source: Source, table: str, owned: dict[str, list[str]], owners: dict[str, str], *, with_prefix: bool
    ) -> Iterator[Sample | Omission]:
        """Read one table, and add the files that it labels to ``owners``."""
        folder = _folder(table)
        prefix = folder if with_prefix else ""
        near = Files(folder, owned[folder])
        far = Files(folder, [name for names in owned.values() for name in names if name.startswith(folder)])
        found: dict[str, list[Label]] = defaultdict(list)
        for label in read_labels(source.text(table), f"{source.path}/{table}"):
            problem = label.problem
            try:
                file = _find_file(near, far, label.image)
                if owners.get(file, table) != table:
                    problem = f"{owners[file]} has a line for it, too"
                else:
                    owners[file] = table
            except LookupError as error:
                problem = problem or str(error)
            if problem:
                yield Omission(prefix + label.image, f"line {label.line} of {table}: {problem}")
            else:
                found[file].append(label)
        for file, labels in found.items():
            lines = [str(label.line) for label in labels]
            if len({replace(label, line=0, image="") for label in labels}) > 1:
                problem = f"lines {' and '.join(lines)} of {table} contradict each other"
                yield Omission(prefix + labels[0].image, problem)
                continue
            yield self._sample(source, file, prefix + labels[0].image, labels[0])
            for label in labels[1:]:
                problem = f"line {label.line} of {table}: line {lines[0]} says the same already"
                yield Omission(prefix + label.image, problem)

    def _sample(self, source: Source, file: str, image: str, label: Label) -> Sample | Omission:
        member = source.members[file]
        kind, camera = _kind(source, file, self.encoding), label.camera
        if kind == "raw":
            if member.archive is not None:
                return Omission(image, "is a raw file in an archive; unpack the archive and name the folder")
            camera = camera or _raw_camera(member.name).name
        elif kind == "srgb":
            camera = f"{camera} ({_SRGB})" if camera else _SRGB
        scene, light, details = label.scene or image, label.illuminant, {"kind": kind}
        return Sample(image, (file,), camera, scene, light, label.fold, label.exposure, details)

    def _photo(self, source: Source, name: str) -> LinearImage:
        from awbkit.files.open import open_photo

        try:
            with source.local(name) as path:
                return open_photo(path, encoding=self.encoding).thumbnail()
        except FileError as error:
            # The path may be that of a temporary file.
            raise type(error)(f"{source.path}/{name}", error.problem, error.remedy) from error


def _folder(name: str) -> str:
    """The folder of a file, with a ``/`` at its end, or empty."""
    return name[: name.rfind("/") + 1]


def _assign_files(source: Source, folders: Iterable[str]) -> dict[str, list[str]]:
    """The image files that belong to each folder with a table."""
    owned: dict[str, list[str]] = {folder: [] for folder in folders}
    for name in source.members:
        if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
            folder = _folder(name)
            while folder and folder not in owned:
                folder = _folder(folder[:-1])
            if folder in owned:
                owned[folder].append(name)
    return owned


def _find_file(near: Files, far: Files, image: str) -> str:
    try:
        return near.find(image)
    except LookupError as error:
        try:
            return far.find(image)
        except LookupError:
            raise error from None


def _is_raw(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in RAW_SUFFIXES


def _kind(source: Source, name: str, encoding: str) -> str:
    """The encoding of a file: "raw", "linear" or "srgb"."""
    if _is_raw(name):
        return "raw"
    if encoding != "auto":
        return encoding
    try:
        return "srgb" if is_8_bit(source, name) else "linear"
    except AwbError:
        # Reading it will say what is wrong with it.
        return "linear"


@lru_cache(maxsize=1 << 16)
def _raw_camera(path: str) -> Camera:
    from awbkit.files.open import open_photo

    try:
        with store_of(Path(path)).local(Path(path)) as copy:
            return open_photo(copy).camera
    except AwbError:
        # Reading it will say what is wrong with it.
        return Camera()


def _user_cameras(source: Source) -> dict[str, Camera]:
    """The cameras of every ``cameras.json``."""
    cameras: dict[str, Camera] = {}
    for file in source.find("cameras.json"):
        where = f"{source.path}/{file}"
        for name, entry in json_object(source, file, "is no object of cameras by name", _CAMERAS_FORM).items():
            try:
                if not entry["matrices"]:
                    raise KeyError("matrices")
                camera = camera_from_json(name, entry)
            except KeyError as error:
                raise UnreadableFile(where, f"{name!r} lacks {error}", _CAMERAS_FORM) from None
            except (TypeError, AttributeError):
                raise UnreadableFile(where, f"{name!r}: is not a camera", _CAMERAS_FORM) from None
            except (ValueError, OverflowError) as error:
                raise UnreadableFile(where, f"{name!r}: {error}", _CAMERAS_FORM) from None
            if cameras.setdefault(name, camera) != camera:
                problem = f"{name!r} is another camera than in a cameras.json before it"
                raise UnreadableFile(where, problem, "rename one")
    return cameras

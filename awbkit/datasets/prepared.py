"""The prepared form of a data set: a folder of thumbnails, masks and labels that opens at once.

dataset.json     what it is: schema, layout and options, licence, citation, conventions, cameras, content hash
index.csv        image, camera, scene, fold, r, g, b, exposure, spread, gain
thumbnails.npy   uint16 (N, 64, 64, 3), linear camera RGB; pixel = stored / 65535 / gain, 1.0 = white level
valid.npy        bool (N, 64, 64)
local.npy        float16 (N, 64, 64, 2), ln(r/g) and ln(b/g) of the light in each cell, NaN where unknown; only
                 where the data set knows it
skipped.csv      image, reason
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap
from awbkit.datasets.arrays import map_array
from awbkit.errors import UnreadableFile, UsageError
from awbkit.escaping import csv_text
from awbkit.store.documents import LARGEST, decode_text, parse_json, rows
from awbkit.store.refusals import reading_error
from awbkit.store.streams import open_stream

SCHEMA = 1
COLUMNS = ("image", "camera", "scene", "fold", "r", "g", "b", "exposure", "spread", "gain")
ARRAYS = ("thumbnails.npy", "valid.npy", "local.npy")

_LARGEST_INDEX = 4 * LARGEST
_KEYS_WITHOUT_HASH = {"hash", "source", "options"}
_REMEDY = "prepare it again with awbkit dataset prepare"
_FIRST_REMEDY = "make one with awbkit dataset prepare LAYOUT DOWNLOAD -o FOLDER, and name that folder"


@dataclass(frozen=True)
class Row:
    """One line of ``index.csv``.

    Attributes:
        image: Unique name.
        camera: Name of the camera.
        scene: Images of one scene share this.
        fold: The published fold, or an empty string.
        illuminant: RGB of the light, unit length.
        exposure: As :class:`awbkit.datasets.layout.Sample` has it.
        spread: As :class:`awbkit.datasets.layout.Example` has it.
        gain: A power of two by which the stored thumbnail is brighter than the image.
    """

    image: str
    camera: str
    scene: str
    fold: str
    illuminant: tuple[float, float, float]
    exposure: float | None
    spread: float | None
    gain: float

    @classmethod
    def of(cls, cells: Mapping[str, str]) -> Row:
        """The row from its cells by column, as :meth:`cells` wrote them.

        Raises:
            KeyError, ValueError: If the cells are no row of an index.
        """
        illuminant = (float(cells["r"]), float(cells["g"]), float(cells["b"]))
        if not all(0 < value < math.inf for value in illuminant):
            raise ValueError(f"illuminant of {cells['image']} is not positive")
        if max(illuminant) > 2:
            raise ValueError(f"illuminant of {cells['image']} is not of unit length")
        if not 0 < float(cells["gain"]) < math.inf:
            raise ValueError(f"gain of {cells['image']} is not positive")
        exposure, spread = (float(cells[key]) if cells[key] else None for key in ("exposure", "spread"))
        image, camera, scene, fold = (cells[key] for key in ("image", "camera", "scene", "fold"))
        return cls(image, camera, scene, fold, illuminant, exposure, spread, float(cells["gain"]))

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Image, camera, scene and fold."""
        return self.image, self.camera, self.scene, self.fold

    def cells(self) -> list[str]:
        """The values as text, in the order of ``COLUMNS``; six digits of the illuminant, as all records have."""
        red, green, blue = (f"{value:.6f}" for value in self.illuminant)
        rest = [_text(self.exposure), _text(self.spread), f"{self.gain:g}"]
        return [*self.names, red, green, blue, *rest]


class Prepared:
    """A prepared data set, its arrays memory-mapped.

    Attributes:
        path: The folder.
        info: What ``dataset.json`` says.
        rows: One for each image, in the order of the arrays.
    """

    def __init__(self, path: Path, info: dict[str, Any], rows: Sequence[Row]) -> None:
        self.path = path
        self.info = info
        self.rows = rows

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Prepared:
        """Open a prepared folder.

        Raises:
            UnreadableFile: If it is no prepared set, unfinished, of another schema, or its parts do not match.
        """
        path = Path(folder)
        try:
            info = parse_json(_text_of(path / "dataset.json"))
            if not isinstance(info, dict):
                raise ValueError("dataset.json holds no object")
            if info.get("schema") != SCHEMA:
                raise UnreadableFile(path, f"is of schema {info.get('schema')}, this awbkit reads {SCHEMA}", _REMEDY)
            _check_words(info)
            found = _rows(path / "index.csv")
            prepared = cls(path, info, found)
            if strange := {row.camera for row in found}.difference(prepared.cameras):
                raise ValueError(f"no camera {min(strange)!r} in dataset.json")
        except FileNotFoundError as error:
            if (path / "journal.jsonl").exists():
                problem = "is the unfinished work of awbkit dataset prepare"
                raise UnreadableFile(path, problem, "run that again, and it goes on") from None
            missing = Path(str(error.filename)).name
            if missing == "dataset.json":
                raise UnreadableFile(path, f"is no prepared data set: it has no {missing}", _FIRST_REMEDY) from None
            raise UnreadableFile(path, f"is a prepared data set without its {missing}", _REMEDY) from None
        except OSError as error:
            raise reading_error(error.filename or path, error) from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise UnreadableFile(path, f"its description cannot be read ({error})", _REMEDY) from None
        if any(len(array) != len(found) for array in (prepared.thumbnails, prepared.valid)):
            raise UnreadableFile(path, "index.csv and the arrays are not of the same length", _REMEDY)
        return prepared

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def name(self) -> str:
        """The name of the folder, which reports use."""
        return self.path.resolve().name

    @cached_property
    def thumbnails(self) -> NDArray[np.uint16]:
        """uint16 (N, 64, 64, 3)."""
        return self._array("thumbnails.npy", np.uint16, 3)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """bool (N, 64, 64)."""
        return self._array("valid.npy", np.bool_)

    @cached_property
    def _light_maps(self) -> NDArray[np.float16] | None:
        if not (self.path / "local.npy").exists():
            return None
        local = self._array("local.npy", np.float16, 2)
        if len(local) != len(self):
            raise UnreadableFile(self.path, "index.csv and local.npy are not of the same length", _REMEDY)
        return local

    @cached_property
    def cameras(self) -> dict[str, Camera]:
        """The cameras by name."""
        return {name: camera_from_json(name, entry) for name, entry in self.info["cameras"].items()}

    @cached_property
    def illuminants(self) -> NDArray[np.float64]:
        """The true illuminants, (N, 3), unit length."""
        return np.array([row.illuminant for row in self.rows], dtype=np.float64).reshape(-1, 3)

    def image(self, index: int) -> LinearImage:
        """One image, as an estimator gets it."""
        row = self.rows[index]
        pixels = self.thumbnails[index].astype(np.float32) / np.float32(65535 * row.gain)
        return LinearImage(pixels, np.array(self.valid[index]), self.cameras[row.camera])

    def light_map(self, index: int) -> LightMap | None:
        """The true light in each cell of one image, (64, 64); None where no cell's light is known.

        Raises:
            UnreadableFile: If ``local.npy`` is damaged.
        """
        if self._light_maps is None:
            return None
        try:
            light = LightMap.of(self._light_maps[index], camera=self.cameras[self.rows[index].camera])
        except UsageError as error:
            raise UnreadableFile(self.path / "local.npy", str(error), _REMEDY) from None
        return light if light.known.any() else None

    def images(self) -> Iterator[LinearImage]:
        """All images in order."""
        return (self.image(index) for index in range(len(self)))

    def content_hash(self) -> str:
        """SHA-256 of the present files; equal to ``info["hash"]`` if nothing has changed."""
        return content_hash(self.path, self.info)

    def _array(self, name: str, kind: type[np.generic], *channels: int) -> NDArray[Any]:
        try:
            return map_array(self.path / name, kind, (64, 64, *channels))
        except FileNotFoundError:
            raise UnreadableFile(self.path, f"is a prepared data set without its {name}", _REMEDY) from None
        except OSError as error:
            raise reading_error(self.path / name, error) from None
        except ValueError as error:
            raise UnreadableFile(self.path / name, str(error), _REMEDY) from None


def _text_of(path: Path, largest: int = LARGEST) -> str:
    """The text of a file; bytes of file names that are not UTF-8 become surrogates."""
    with open_stream(path) as file:
        if len(data := file.read(largest + 1)) > largest:
            raise ValueError(f"{path.name} has more than {largest >> 20} MB")
    return decode_text(data, "surrogateescape")


def _check_words(info: Mapping[str, Any]) -> None:
    """Refuse a description with values of the wrong type."""
    for name in ("title", "layout", "licence", "citation", "convention", "hash"):
        if not isinstance(info.get(name, ""), str):
            raise ValueError(f"its {name} is no text")
    if not isinstance(info.get("options", {}), dict) or not isinstance(info["cameras"], dict):
        raise ValueError("its options and cameras are no objects")


def _rows(path: Path) -> list[Row]:
    found = rows(io.StringIO(_text_of(path, _LARGEST_INDEX), newline=""))
    _, names = next(found, (1, []))
    if missing := set(COLUMNS).difference(names):
        raise ValueError(f"{path.name} has no column {min(missing)}")
    result = [Row.of(dict(zip(names, map(csv_text, cells), strict=True))) for _, cells in found if cells]
    if not result:
        raise ValueError(f"{path.name} has no lines below its header")
    return result


def content_hash(path: Path, info: Mapping[str, Any]) -> str:
    """SHA-256 of the index, the arrays in ``path`` and what ``info`` says of them.

    The source and the user's options are left out, because they name places on one machine.
    """
    described = {key: value for key, value in info.items() if key not in _KEYS_WITHOUT_HASH}
    digest = hashlib.sha256(json.dumps(described, sort_keys=True, ensure_ascii=True).encode())
    for name in ("index.csv", *ARRAYS):
        file = path / name
        if file.exists():
            digest.update(f"{name}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()


def camera_to_json(camera: Camera) -> dict[str, Any]:
    """A camera as ``dataset.json`` and ``cameras.json`` write it."""
    return {
        "space": camera.space,
        "matrices": [{"cct": cct, "xyz_to_camera": [list(row) for row in matrix]} for cct, matrix in camera.matrices],
    }


def camera_from_json(name: str, entry: dict[str, Any]) -> Camera:
    """The camera that :func:`camera_to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: If the entry is not of that form.
    """
    matrices = tuple((matrix["cct"], matrix["xyz_to_camera"]) for matrix in entry.get("matrices", ()))
    return Camera(name, entry.get("space", "camera"), matrices)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"

"""The bank: the network's features of every training picture in several augmented versions.

Features are a hundred times smaller than pictures, and a training reads them many times. A version depends on the seed,
the picture and the version's number alone, not on the number of processes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.datasets.arrays import DAMAGE
from awbkit.datasets.prepared import Prepared
from awbkit.errors import AwbError, UnreadableFile, UsageError
from awbkit.network.features import GRID_CHANNELS, GRID_SIDE, describe
from awbkit.network.model import to_canonical, white_of
from awbkit.network.statistics import TABLE
from awbkit.store.documents import read_json
from awbkit.store.outputs import IfExists, atomic_write, write_whole
from awbkit.training.augmentation import Chances, LabelledPicture, variant
from awbkit.training.cameras import measured_matrices
from awbkit.training.photographs import render_photograph
from awbkit.training.recipe import Recipe
from awbkit.work import batch

Float = NDArray[np.float32]

_CHUNK = 128


@dataclass(frozen=True)
class Member:
    """One picture of a prepared data set.

    Attributes:
        folder: The data set's folder.
        row: The picture's number in it.
    """

    folder: str
    row: int


@dataclass(frozen=True, eq=False)
class Bank:
    """Features of pictures: first axis the version (0 is the original), second axis the picture.

    Attributes:
        anchor: float32 (V, N, 2), as :class:`awbkit.network.features.Features` has it.
        statistics: float32 (V, N, S).
        grid: float16 (V, N, GRID_CHANNELS, GRID_SIDE, GRID_SIDE).
        light: float32 (V, N, 2), ln(r/g) and ln(b/g) of the true light in canonical RGB.
        telling: bool (V, N), whether the picture holds any evidence of its light.
        white: float32 (N, 2), the same of the camera's white under D65; 0 where that is unknown.
        known: bool (N,), whether the camera's white is known.
    """

    anchor: Float
    statistics: Float
    grid: NDArray[np.float16]
    light: Float
    telling: NDArray[np.bool_]
    white: Float
    known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.white)

    def subset(self, chosen: NDArray[np.intp], versions: int | None = None) -> Bank:
        """Select pictures by number, and the first versions of each."""
        versioned = {name: getattr(self, name)[:versions, chosen] for name in _VERSION_ARRAYS}
        return Bank(**versioned, white=self.white[chosen], known=self.known[chosen])


_ARRAYS: Mapping[str, tuple[tuple[int, ...], type[np.generic]]] = {
    "anchor": ((2,), np.float32),
    "statistics": ((TABLE.count,), np.float32),
    "grid": ((GRID_CHANNELS, GRID_SIDE, GRID_SIDE), np.float16),
    "light": ((2,), np.float32),
    "telling": ((), np.bool_),
    "white": ((2,), np.float32),
    "known": ((), np.bool_),
}
"""The shape and the type of the features of one version of one picture."""

_VERSION_ARRAYS = ("anchor", "statistics", "grid", "light", "telling")


def make_bank(
    members: Sequence[Member],
    cells: Sequence[Hashable],
    folder: Path,
    recipe: Recipe,
    *,
    versions: int,
    chances: Chances | None = None,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda count: None,
) -> Bank:
    """Compute the features of pictures, or continue a call that was interrupted in the same folder.

    Args:
        members: The pictures.
        cells: The cell of each of the N pictures. Collages combine pictures of one cell only; cells that no split
            divides keep test pictures out of training pictures.
        folder: Receives one file for each version; later calls reuse the files.
        recipe: Domain, augmentation and seed.
        versions: At least 1.
        chances: Probability of each augmentation, in place of the recipe's.
        jobs: Processes.
        progress: Called with the number of features just computed.

    Raises:
        UsageError: If the folder holds the bank of other pictures.
        AwbError: If a picture has no valid pixel.
    """
    chances = chances or chances_of(recipe)
    plan = _Plan(tuple(members), tuple(_cell_numbers(cells)), recipe.seed, recipe.domain, recipe.cameras, chances)
    folder.mkdir(parents=True, exist_ok=True)
    _check(folder / "plan.json", plan)
    task = partial(_describe_chunk, plan_file=str((folder / "plan.json").resolve()), key=hash(plan))
    made: list[dict[str, NDArray[Any]]] = []
    for version in range(versions):
        path = folder / f"{version:03}.npz"
        if not path.exists():
            chunks = [(version, start) for start in range(0, len(members), _CHUNK)]
            parts: list[dict[str, NDArray[Any]]] = []
            for outcome in batch.run(task, chunks, jobs=jobs):
                if outcome.error is not None or outcome.result is None:
                    raise outcome.error or AwbError("a description is missing")
                parts.append(outcome.result)
                progress(len(outcome.result["anchor"]))
            whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            atomic_write(path, IfExists.REPLACE, partial(_save, arrays=whole))
        else:
            progress(len(members))
        made.append(_load(path, len(members)))
    arrays = {name: np.stack([one[name] for one in made]) for name in _VERSION_ARRAYS}
    return Bank(**arrays, white=made[0]["white"], known=made[0]["known"])


def chances_of(recipe: Recipe) -> Chances:
    """The augmentation of a recipe; photographs keep their camera, since one camera rendered each."""
    camera = Chances.camera if recipe.domain == "raw" else 0.0
    return Chances(camera=camera, one_colour=recipe.one_colour)


@dataclass(frozen=True)
class _Plan:
    members: tuple[Member, ...]
    cells: tuple[int, ...]
    seed: int
    domain: str
    cameras: str
    chances: Chances

    def to_json(self) -> dict[str, Any]:
        folders = sorted({member.folder for member in self.members})
        return {
            "folders": folders,
            "hashes": [_open_set(folder).info.get("hash") for folder in folders],
            "members": [[folders.index(member.folder), member.row] for member in self.members],
            "cells": list(self.cells),
            "seed": self.seed,
            "domain": self.domain,
            "cameras": self.cameras,
            "chances": asdict(self.chances),
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> _Plan:
        members = tuple(Member(entry["folders"][place], row) for place, row in entry["members"])
        chances = Chances(**entry["chances"])
        return cls(members, tuple(entry["cells"]), entry["seed"], entry["domain"], entry["cameras"], chances)

    def picture(self, place: int) -> tuple[LabelledPicture, Camera]:
        """Read a picture, in canonical RGB where the camera's white is known."""
        member = self.members[place]
        prepared = _open_set(member.folder)
        image = prepared.image(member.row)
        light = np.array(prepared.rows[member.row].illuminant) / _white(image.camera)
        return LabelledPicture(to_canonical(image), light), image.camera

    def version(self, place: int, number: int) -> LabelledPicture:
        picture, camera = self.picture(place)
        member = self.members[place]
        name = f"{_open_set(member.folder).name}/{_open_set(member.folder).rows[member.row].image}"
        rng = np.random.default_rng([self.seed, number, zlib.crc32(name.encode("utf-8", "surrogateescape"))])
        if number:
            cell = _by_cell(self.cells)[self.cells[place]]

            def other(draw: np.random.Generator) -> LabelledPicture:
                return self.picture(cell[int(draw.integers(len(cell)))])[0]

            listed = measured_matrices() if self.cameras == "measured" else None
            picture = variant(picture, camera, other, rng, chances=self.chances, listed_cameras=listed)
        as_it_is = self.domain == "raw" or camera.space == LINEAR_SRGB.space
        return picture if as_it_is else render_photograph(picture, camera, rng)


def _describe_chunk(item: tuple[int, int], *, plan_file: str, key: int) -> dict[str, NDArray[Any]]:
    """A part of one version; workers read the plan's file once, and reuse the plan while ``key`` stays the same."""
    version, start = item
    plan = _plan(plan_file, key)
    count = min(_CHUNK, len(plan.members) - start)
    found: dict[str, NDArray[Any]] = {name: np.zeros((count, *shape), kind) for name, (shape, kind) in _ARRAYS.items()}
    for place in range(count):
        picture = plan.version(start + place, version)
        features = describe(picture.image)
        found["anchor"][place], found["statistics"][place] = features.anchor, features.statistics
        found["grid"][place], found["light"][place] = features.grid, _log_chroma(picture.light)
        found["telling"][place] = picture.telling
        camera = plan.picture(start + place)[1]
        rendered_domain = plan.domain == "rendered"
        found["known"][place] = rendered_domain or white_of(camera) is not None
        found["white"][place] = 0 if rendered_domain else _log_chroma(_white(camera))
    return found


def _log_chroma(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = np.log(rgb)
    return np.asarray(logs[[0, 2]] - logs[1])


def _white(camera: Camera) -> NDArray[np.float64]:
    white = white_of(camera)
    return np.ones(3) if white is None else white.astype(np.float64)


def _cell_numbers(cells: Sequence[Hashable]) -> Iterator[int]:
    numbers: dict[Hashable, int] = {}
    for cell in cells:
        yield numbers.setdefault(cell, len(numbers))


@lru_cache(maxsize=4)
def _by_cell(cells: tuple[int, ...]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for place, cell in enumerate(cells):
        found.setdefault(cell, []).append(place)
    return found


@lru_cache(maxsize=16)
def _open_set(folder: str) -> Prepared:
    return Prepared.open(folder)


@lru_cache(maxsize=2)
def _plan(path: str, key: int) -> _Plan:
    return _Plan.from_json(read_json(path))


def _check(path: Path, plan: _Plan) -> None:
    """Write the plan to the file that workers read; refuse a file with a plan for other pictures."""
    stated = plan.to_json()
    if path.exists():
        try:
            before = read_json(path)
            # Data sets may have moved; their hashes identify them.
            same = {**before, "folders": None} == {**stated, "folders": None}
        except (UnreadableFile, TypeError):
            raise UnreadableFile(path, "is damaged", f"remove {path.parent}, and it is made again") from None
        if not same:
            raise UsageError(f"{path.parent} holds descriptions of other pictures; remove it or name another folder")
        if before == stated:
            return
    write_whole(path, IfExists.REPLACE, json.dumps(stated))


def _save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _load(path: Path, count: int) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
    except DAMAGE as error:
        raise UnreadableFile(path, f"is damaged ({error})", "remove it, and it is made again") from None
    if any(len(array) != count for array in arrays.values()):
        raise UnreadableFile(path, "holds another number of pictures", "remove it, and it is made again")
    if any(arrays[name].shape[1:] != shape for name, (shape, _) in _ARRAYS.items()):
        raise UnreadableFile(path, "holds descriptions of another kind", "remove it, and it is made again")
    return arrays

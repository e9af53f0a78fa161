"""The split of the pictures into training, validation, and those left out."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from awbkit.datasets.prepared import Prepared, Row
from awbkit.errors import UsageError
from awbkit.spelling import count_text, suggestion
from awbkit.training.bank import Member


@dataclass(frozen=True)
class Holdout:
    """Test pictures to keep out of a training, together with all pictures of the same scenes.

    Attributes:
        datasets: Names of data sets.
        cameras: Names of cameras.
        fold: A published fold, by its name in index.csv.
    """

    datasets: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    fold: str | None = None

    def holds(self, prepared: Prepared, row: Row) -> bool:
        """Whether a picture is among those to leave out."""
        return prepared.name in self.datasets or row.camera in self.cameras or row.fold == self.fold


@dataclass(frozen=True)
class Picture:
    """One picture of a training.

    Attributes:
        member: Its folder and row.
        dataset: Name of its data set.
        camera: Name of its camera.
        scene: Name of its scene within the data set.
        shared: Whether another camera took the scene too.
    """

    member: Member
    dataset: str
    camera: str
    scene: str
    shared: bool

    @property
    def cell(self) -> tuple[str, str, bool]:
        """The cell: collages combine pictures of one cell only, since no split by data set or camera divides it."""
        return self.dataset, self.camera, self.shared


def split(
    sets: Sequence[Prepared], holdout: Holdout, validation: float
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Divide pictures into training and validation.

    Args:
        sets: Data sets with distinct names.
        holdout: Pictures to keep out of both.
        validation: Share of the validation scenes, by hash of their names, so that other pictures do not change the
            choice; at least one scene, unless the share is 0.

    Raises:
        UsageError: If names are unknown or ambiguous, or nothing is left to train on.
    """
    _check_names(sets, holdout)
    everything = [picture for prepared in sets for picture in _pictures(prepared)]
    hidden = {(prepared.name, row.scene) for prepared in sets for row in prepared.rows if holdout.holds(prepared, row)}
    kept = [picture for picture in everything if (picture.dataset, picture.scene) not in hidden]
    hashes = [scene_hash(picture) for picture in kept]
    # At least one scene, even of a few.
    limit = max(validation, np.nextafter(min(hashes, default=0.0), 1)) if validation else 0.0
    watched = tuple(picture for picture, value in zip(kept, hashes, strict=True) if value < limit)
    trained = tuple(picture for picture, value in zip(kept, hashes, strict=True) if value >= limit)
    if len({picture.scene for picture in trained}) < 2:
        count = count_text(len(trained), "picture")
        raise UsageError(f"{count} left to train on, of one scene at most; leave out less, or name more data sets")
    return trained, watched


def _pictures(prepared: Prepared) -> list[Picture]:
    cameras: defaultdict[str, set[str]] = defaultdict(set)
    for row in prepared.rows:
        cameras[row.scene].add(row.camera)
    folder = str(prepared.path.resolve())
    return [
        Picture(Member(folder, place), prepared.name, row.camera, row.scene, len(cameras[row.scene]) > 1)
        for place, row in enumerate(prepared.rows)
        if prepared.valid[place].any()
    ]


def scene_hash(picture: Picture) -> float:
    """Hash a scene to 0 to 1; validation scenes are those below the share."""
    name = f"{picture.dataset}/{picture.scene}".encode("utf-8", "surrogateescape")
    return zlib.crc32(name) / 2**32


def _check_names(sets: Sequence[Prepared], holdout: Holdout) -> None:
    names = [prepared.name for prepared in sets]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two data sets are called {twice[0]!r}; rename one of the folders")
    known = {
        "data set": (holdout.datasets, set(names)),
        "camera": (holdout.cameras, {row.camera for prepared in sets for row in prepared.rows}),
        "fold": (
            (holdout.fold,) if holdout.fold is not None else (),
            {row.fold for prepared in sets for row in prepared.rows if row.fold},
        ),
    }
    for kind, (named, there) in known.items():
        for name in named:
            if name not in there:
                listed = ", ".join(sorted(there)) or "none"
                raise UsageError(f"no {kind} {name!r} to leave out{suggestion(name, there)}; there are: {listed}")

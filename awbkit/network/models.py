"""Models by their names and files, whatever numbers they compute with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from awbkit.errors import UnreadableFile, UsageError
from awbkit.network import weights as store
from awbkit.network.model import Model

if TYPE_CHECKING:
    from awbkit.network.integer.model import IntegerModel

AnyModel: TypeAlias = "Model | IntegerModel"

SHIPPED = ("awbnet-nano", "awbnet-s", "awbnet-m", "awbnet-s-open")


def load(path: str | os.PathLike[str]) -> AnyModel:
    """Read a model, of floating point or quantised, or that of a run folder.

    Raises:
        UnreadableFile: If it holds no model.
    """
    return store.read(path, _from_arrays)


def _from_arrays(header: Mapping[str, Any], arrays: store.Arrays) -> AnyModel:
    if "bits" not in header:
        return Model.from_arrays(header, arrays)
    # Only quantised models need what computes them.
    from awbkit.network.integer.model import IntegerModel

    return IntegerModel.from_arrays(header, arrays)


def load_once(path: str) -> AnyModel:
    """:func:`load`, once in a process for each file, until it changes."""
    try:
        place = store.place_of(path)
        status = place.stat()
    except OSError:
        return load(path)
    return _load_version(path, str(place.resolve()), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _load_version(path: str, place: str, changed: int, size: int) -> AnyModel:
    return load(path)


def find_model(name: str, domain: str) -> AnyModel:
    """A model by the name of one that is shipped, or else by its path.

    A shipped name always means the shipped model, even where a file or folder of that name lies in the working
    directory: write ./awbnet-s for that. The same command then gives the same network wherever it is called.

    Args:
        name: One of ``SHIPPED``; "awbnet", which means awbnet-s as it does as a method; or the path of a model file or
            of a run folder.
        domain: "raw" or "rendered": which of the two models of a shipped name.

    Raises:
        UnreadableFile: If the name is none of these, or the file holds no model.
    """
    name = "awbnet-s" if name == "awbnet" else name
    # awbnet-s-open is an awbnet-s by its training, and files made of it should not be taken for one.
    return replace(load(shipped_path(name, domain)), name=name) if name in SHIPPED else load(name)


def find_float_model(name: str, domain: str) -> Model:
    """:func:`find_model`, of floating point: what can be trained on and made smaller.

    Raises:
        UnreadableFile: If it is no model.
        UsageError: If it is quantised.
    """
    found = find_model(name, domain)
    if not isinstance(found, Model):
        raise UsageError(f"{name} is quantised; name the model that it was made of")
    return found


def shipped_path(name: str, domain: str) -> Path:
    """Where the model of this name for a domain lies: in the package, or beside it in a checkout.

    Raises:
        UnreadableFile: If it is in neither.
    """
    file = name + ("" if domain == "raw" else f"-{domain}") + store.SUFFIX
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "models", package.parent / "models"):
        if (folder / file).is_file():
            return folder / file
    raise UnreadableFile(package / "models" / file, "is missing", "install awbkit again")

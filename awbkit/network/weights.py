"""Models in files: weights as safetensors (https://huggingface.co/docs/safetensors), the rest as JSON in their header.

Nothing in such a file is code, and whatever is wrong with one is found before anything is computed with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import UnreadableFile
from awbkit.network.architecture import Architecture
from awbkit.store.documents import parse_json
from awbkit.store.refusals import catch_read_errors, reading_error

SCHEMA = 3
"""Raised whenever the inputs of networks or the meaning of their numbers change: older weights would answer wrongly."""

KEY = "awbkit"
SUFFIX = ".safetensors"

Arrays = Mapping[str, NDArray[Any]]
Content = TypeVar("Content")

_LARGEST_FILE = 16 << 20
_LONGEST_NAME = 200
_REMEDY = "name a model that awbkit made"


def place_of(path: str | os.PathLike[str]) -> Path:
    """The file of a model that may be named by the folder of its run."""
    place = Path(path)
    return place / f"model{SUFFIX}" if place.is_dir() else place


def read(path: str | os.PathLike[str], parse: Callable[[Mapping[str, Any], Arrays], Content]) -> Content:
    """What ``parse`` makes of a model's header and arrays.

    Args:
        path: The file, or the folder of a run.
        parse: May raise ValueError, TypeError, KeyError, AttributeError or OverflowError where something is wrong.

    Raises:
        UnreadableFile: If the file is no model, or not a whole one.
    """
    with catch_read_errors(path):
        place = place_of(path)
    if place.exists() and not place.is_file():
        raise UnreadableFile(place, "is no file", _REMEDY)
    with catch_read_errors(place), place.open("rb") as file:
        # Opened here too, because safetensors takes every file that it may not read for one that is not there.
        size = os.fstat(file.fileno()).st_size
    if size > _LARGEST_FILE:
        raise UnreadableFile(place, f"has {size >> 20} MB, which no model of awbkit has", _REMEDY)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None:
                raise UnreadableFile(place, "holds weights, but no model of awbkit", _REMEDY)
            header = parse_json(text)
            if type(header["schema"]) is not int:
                raise ValueError(f"its schema is {header['schema']!r}")
            if header["schema"] != SCHEMA:
                later = header["schema"] > SCHEMA
                remedy = "update awbkit" if later else "make it again, or use the awbkit of its time"
                raise UnreadableFile(place, f"is of schema {header['schema']}, this awbkit reads {SCHEMA}", remedy)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return parse(header, arrays)
    except SafetensorError as error:
        raise UnreadableFile(place, f"is no sound safetensors file ({error})", _REMEDY) from None
    except OSError as error:
        raise reading_error(place, error) from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UnreadableFile(place, f"is no model of awbkit ({error})", _REMEDY) from None


def name_of(header: Mapping[str, Any]) -> str:
    """The name that a model's header states.

    Raises:
        ValueError, KeyError: If it states none, or one that is no text to be shown and written again.
    """
    name = header["name"]
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise ValueError(f"a name is a text of 1 to {_LONGEST_NAME} characters")
    # Half a surrogate pair is no text, and could not be written again.
    name.encode()
    return name


class StoredModel(Protocol):
    """What the headers of all models state."""

    @property
    def name(self) -> str: ...
    @property
    def architecture(self) -> Architecture: ...
    @property
    def domain(self) -> str: ...
    @property
    def calibration(self) -> tuple[float, float]: ...
    @property
    def calibration_without_matrix(self) -> tuple[float, float]: ...
    @property
    def training(self) -> Mapping[str, Any] | None: ...


def header_of(model: StoredModel) -> dict[str, Any]:
    """The part of a model's header that all kinds of models have."""
    return {
        "name": model.name,
        "architecture": model.architecture.to_json(),
        "domain": model.domain,
        "calibration": list(model.calibration),
        "calibration_without_matrix": list(model.calibration_without_matrix),
        "training": dict(model.training or {}),
    }


def to_bytes(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """A model as a file holds it; the same bytes for the same model."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps({"schema": SCHEMA, **header}, sort_keys=True)
    return bytes(save(contiguous, {KEY: text}))


def check(arrays: Arrays, shapes: Mapping[str, tuple[tuple[int, ...], type[np.generic]]]) -> None:
    """Refuse arrays that are not just these, of these shapes and types; nobody may write to them afterwards.

    Raises:
        ValueError: If they differ; the message says where.
    """
    if missing := [name for name in shapes if name not in arrays]:
        raise ValueError(f"the weights {missing[0]} are missing")
    if surplus := [name for name in arrays if name not in shapes]:
        raise ValueError(f"the weights {surplus[0]} belong to no layer")
    for name, (shape, kind) in shapes.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != kind:
            raise ValueError(f"the weights {name} are {array.dtype} {array.shape}, not {np.dtype(kind)} {shape}")
        array.setflags(write=False)

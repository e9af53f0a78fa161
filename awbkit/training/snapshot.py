"""A snapshot of a network: its dimensions and weights, in a file of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from awbkit.errors import UnreadableFile
from awbkit.network.architecture import Architecture
from awbkit.network.weights import check
from awbkit.store.documents import parse_json
from awbkit.store.outputs import IfExists, write_whole
from awbkit.training.fit import Weights

Snapshot = tuple[Architecture, Weights]

_ARCHITECTURE = "architecture"


def write_snapshot(path: Path, network: Snapshot) -> None:
    """Write a network's dimensions and weights atomically."""
    from safetensors.numpy import save

    data = bytes(save(network[1], {_ARCHITECTURE: json.dumps(network[0].to_json())}))
    write_whole(path, IfExists.REPLACE, data)


def read_snapshot(path: Path) -> Snapshot:
    """Read a file of :func:`write_snapshot`.

    Raises:
        UnreadableFile: If it is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            built = Architecture.from_json(parse_json((file.metadata() or {})[_ARCHITECTURE]))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        check(arrays, {name: (shape, np.float32) for name, shape in built.shapes().items()})
        return built, arrays
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UnreadableFile(path, f"is damaged ({error})", "remove it, and it is trained again") from None

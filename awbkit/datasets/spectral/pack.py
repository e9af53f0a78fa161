"""Make ``data/measured.npz`` again: ``python -m awbkit.datasets.spectral.pack FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.spectral.grid import resample
from awbkit.datasets.spectral.measurements import FILE
from awbkit.datasets.spectral.sensitivities import read

_TABLES = {"patches": "training/training_spectral.json", "observer": "cmf/cmf_1931.json"}


def pack(folder: Path, target: Path) -> None:
    """Make the file.

    Args:
        folder: Holds ``camera``, ``training`` and ``cmf``, as rawtoaces-data has them in ``data``.
        target: The file to write; its arrays are float32, which is finer than any measurement.
    """
    found = [read(path.read_bytes(), str(path)) for path in (folder / "camera").glob("*.json")]
    cameras = sorted(found, key=lambda camera: camera.name)
    table = {kind: json.loads((folder / path).read_text()) for kind, path in _TABLES.items()}
    patches, observer = (_rows(table[kind]["spectral_data"]["data"]["main"]) for kind in _TABLES)
    np.savez_compressed(
        target,
        cameras=np.array([camera.name for camera in cameras]),
        sensitivities=np.stack([camera.rgb for camera in cameras]).astype(np.float32),
        patches=patches.T.astype(np.float32),
        observer=observer.astype(np.float32),
    )


def _rows(table: dict[str, list[float]]) -> NDArray[np.float64]:
    return resample([float(wavelength) for wavelength in table], list(table.values()))


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(__file__).with_name("data") / FILE)

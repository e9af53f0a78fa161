"""Imaginary cameras: blends of known ones.

A network trained on five cameras knows five; one that also sees their pictures through hundreds of imaginary cameras
learns what all cameras have in common (D. Kim et al., CCMNet: Leveraging calibrated color correction matrices for
cross-camera color constancy, 2025, arXiv 2504.07959, reports most of its gain from this). ``data/matrices.npz`` holds
the XYZ-to-camera matrices for D65 of the cameras that LibRaw lists under one name, each divided by the camera's own
white under D65, without repetition; ``python -m awbkit.training.cameras`` regenerates it from the LibRaw inside rawpy.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import D65_XY, Camera
from awbkit.datasets.spectral.sensitivities import shipped_cameras

FloatArray = NDArray[np.float64]

FILE = "matrices.npz"

D65_XYZ = np.array([D65_XY[0] / D65_XY[1], 1.0, (1 - D65_XY[0] - D65_XY[1]) / D65_XY[1]])

_MEASURED_SHARE = 0.25
_BEYOND = 0.25
"""Greatest extrapolation beyond the two cameras of a blend, as a share of their distance."""


@cache
def listed_matrices() -> FloatArray:
    """Canonical matrices (N, 3, 3) of LibRaw's cameras: XYZ to RGB in which D65 is (1, 1, 1)."""
    with (files(__package__) / "data" / FILE).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        matrices = stored["matrices"].astype(np.float64)
    matrices.setflags(write=False)
    return np.asarray(matrices)


@cache
def measured_matrices() -> FloatArray:
    """Canonical matrices (52, 3, 3) of the cameras whose sensitivities ship with the package."""
    found = np.array([canonical_matrix(one.camera) for one in shipped_cameras()])
    found.setflags(write=False)
    return found


def canonical_matrix(camera: Camera) -> FloatArray | None:
    """A camera's D65 matrix, each row divided by its white; None without a matrix that maps D65 to positive RGB."""
    matrix = camera.xyz_to_rgb()
    if matrix is None or camera.white_d65 is None:
        return None
    return np.asarray(matrix / (matrix @ D65_XYZ)[:, None])


def draw_camera(rng: np.random.Generator, listed_cameras: FloatArray | None = None) -> FloatArray:
    """Draw a canonical matrix (3, 3) on the line through those of two cameras, between them or a little beyond.

    Args:
        rng: Random generator.
        listed_cameras: (N, 3, 3) to draw from in place of :func:`listed_matrices`.
    """
    pool = (
        measured_matrices()
        if rng.random() < _MEASURED_SHARE
        else listed_matrices()
        if listed_cameras is None
        else listed_cameras
    )
    first, second = pool[rng.integers(len(pool), size=2)]
    share = rng.uniform(-_BEYOND, 1 + _BEYOND)
    return np.asarray((1 - share) * first + share * second)


def pack(target: Path) -> None:
    """Write ``matrices.npz`` from LibRaw's table.

    Raises:
        OSError: If rawpy's LibRaw library is not where its Linux wheels put it.
    """
    import rawpy

    from awbkit.files.known_cameras import known_camera

    library = ctypes.CDLL(str(Path(rawpy.__file__).with_name("libraw_r.so")))
    library.libraw_cameraList.restype = ctypes.POINTER(ctypes.c_char_p)
    names = library.libraw_cameraList()
    cameras = [known_camera(names[place].decode().partition(" (")[0]) for place in range(library.libraw_cameraCount())]
    known = [matrix for camera in cameras if camera is not None and (matrix := canonical_matrix(camera)) is not None]
    found = {tuple(map(tuple, np.round(matrix, 5).tolist())) for matrix in known}
    np.savez_compressed(target, matrices=np.array(sorted(found), dtype=np.float32))


if __name__ == "__main__":
    pack(Path(__file__).with_name("data") / FILE)

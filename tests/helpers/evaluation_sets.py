"""Prepared folders and labelled images with known lights, written without decoding anything."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from awbkit.datasets.prepared import COLUMNS, Prepared, Row, content_hash
from awbkit.evaluation.result import Truth

MATRICES = {
    "Canon EOS 550D": [[0.6941, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.1540, 0.6039]],
    "Nikon D810": [[0.9369, -0.3195, -0.0791], [-0.4488, 1.2430, 0.2301], [-0.0893, 0.1796, 0.6872]],
}


def write_prepared(
    folder: Path,
    cameras: Sequence[str],
    *,
    scene: Callable[[int], str] = str,
    fold: Callable[[int], str] = lambda _: "",
    matrices: bool = True,
    black: frozenset[int] = frozenset(),
) -> Prepared:
    """One image of coloured patches for each of ``cameras``, warm to cool; ``black`` ones have no valid pixel."""
    folder.mkdir(parents=True)
    count = len(cameras)
    generator = np.random.default_rng(3)
    warmth = generator.uniform(-0.5, 0.5, count)
    lights = np.column_stack([0.5 * np.exp(warmth), np.ones(count), 0.6 * np.exp(-warmth)])
    reflectance = np.kron(generator.uniform(0.02, 0.9, (count, 8, 8, 3)), np.ones((8, 8, 1)))
    reflectance = 0.6 * reflectance.mean(axis=3, keepdims=True) + 0.4 * reflectance
    thumbnails = np.rint(reflectance * lights[:, None, None] / lights.max(axis=1)[:, None, None, None] * 64000)
    valid = np.ones((count, 64, 64), np.bool_)
    valid[list(black)] = False
    np.save(folder / "thumbnails.npy", thumbnails.astype(np.uint16))
    np.save(folder / "valid.npy", valid)
    units = lights / np.linalg.norm(lights, axis=1, keepdims=True)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for index, camera in enumerate(cameras):
            light = (float(units[index, 0]), float(units[index, 1]), float(units[index, 2]))
            writer.writerow(Row(f"i{index}", camera, scene(index), fold(index), light, None, None, 1.0).cells())
    entries = {
        name: {"space": "camera", "matrices": [{"cct": 6504.0, "xyz_to_camera": MATRICES[name]}] if matrices else []}
        for name in set(cameras)
    }
    info = {
        "schema": 1,
        "layout": "folder",
        "title": "A set",
        "licence": "none",
        "citation": "none",
        "cameras": entries,
    }
    (folder / "dataset.json").write_text(json.dumps({**info, "hash": f"sha256:{content_hash(folder, info)}"}))
    return Prepared.open(folder)


def truth_of_rows(rows: Sequence[tuple[str, str, str, str]]) -> Truth:
    """Images of (data set, camera, scene, fold), all under one light."""
    return Truth(
        images=[f"i{index}" for index in range(len(rows))],
        datasets=[row[0] for row in rows],
        cameras=[row[1] for row in rows],
        scenes=[row[2] for row in rows],
        folds=[row[3] for row in rows],
        illuminants=np.full((len(rows), 3), 3**-0.5),
    )

"""Recipes and data small enough to train on in a test."""

from __future__ import annotations

from pathlib import Path

from awbkit.datasets.prepared import Prepared
from awbkit.training.recipe import Recipe
from tests.helpers.evaluation_sets import write_prepared

CAMERAS = ("Canon EOS 550D", "Nikon D810")

SMALL = Recipe(
    arch="awbnet-nano", steps=60, batch_size=16, variants=2, teachers=1, validation=0.2, learning_rate=0.01, seed=3
)


def write_set(folder: Path, count: int = 40) -> Prepared:
    """Pictures by two cameras, some scenes by both, in two folds."""
    return write_prepared(
        folder,
        [CAMERAS[place % 2] for place in range(count)],
        scene=lambda place: f"s{place // 2 if place < count // 2 else place}",
        fold=lambda place: "test" if place % 5 == 0 else "train",
    )

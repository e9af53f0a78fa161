"""How networks for photographs do on data sets that they have not seen, by the cast and by what they expect.

    awbkit train PREPARED... -o RUN --config models/recipe.toml --domain rendered --variants 8
    python tests/benchmarks/photographs.py RUN PREPARED...

The run's calibration has trained a network without each of the data sets; that one answers for it here. Photographs are
the run's own: made of raw pictures with wrong gains, a colour matrix, a tone curve, 8 bits and JPEG. Names and order of
the data sets are to be those of the run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from awbkit.colour.error_statistics import statistics
from awbkit.evaluation.angles import recovery_error
from awbkit.network.model import Model
from awbkit.training import calibration
from awbkit.training.bank import Bank
from awbkit.training.provenance import gather_pictures
from awbkit.training.recipe import Recipe
from awbkit.training.snapshot import read_snapshot
from awbkit.training.split import Holdout

CASTS = ((0, 2), (2, 5), (5, 10), (10, 90))
"""Degrees between the light and white."""

EXPECTED = ((0, 3), (3, 5), (5, 8), (8, 12), (12, 90))
"""Degrees of the error that a network expects."""


def as_they_are(run: Path) -> Bank:
    """The first version of every picture."""
    with np.load(run / "pictures" / "training" / "000.npz") as parts:
        read = {name: parts[name] for name in parts.files}
    count = len(read["light"])
    versioned = {name: read[name][None] for name in ("anchor", "statistics", "grid", "light", "telling")}
    return Bank(**versioned, white=np.zeros((count, 2), np.float32), known=np.ones(count, np.bool_))


def main(run: Path, folders: list[Path]) -> None:
    model = Model.load(run)
    assert model.training is not None
    recipe = Recipe(**model.training["recipe"])
    pictures = gather_pictures(folders, Holdout(), recipe, None).training
    bank = as_they_are(run)
    assert len(bank) == len(pictures)
    rgb = np.insert(np.exp(bank.light[0].astype(np.float64)), 1, 1, axis=1)
    alone = recovery_error(np.ones_like(rgb), rgb)
    missed, expected = np.full((2, len(bank)), np.nan)
    for name, _, test in calibration.parts(pictures, recipe.calibration):
        found = calibration.measure_errors(
            *read_snapshot(run / "networks" / f"without {name}" / "network.safetensors"),
            bank.subset(test, 1),
            matrices=True,
        )
        missed[test] = found.missed
        expected[test] = [model.expected(np.log(stated)) for stated in found.stated]
    of = np.array([picture.dataset for picture in pictures])
    for name in dict.fromkeys(of.tolist()):
        tell(name, of == name, missed, expected, alone)
    real = of != "rendered"
    for low, high in CASTS:
        tell(f"cast {low} to {high}", real & (alone >= low) & (alone < high), missed, expected, alone)
    for low, high in EXPECTED:
        tell(f"expected {low} to {high}", real & (expected >= low) & (expected < high), missed, expected, alone)
    better = np.mean(missed[real] < alone[real])
    print(f"nearer to the light than the picture left alone: {better:.1%} of those of real data sets")


def tell(name: str, chosen: np.ndarray, missed: np.ndarray, expected: np.ndarray, alone: np.ndarray) -> None:
    if chosen.any():
        figures = " / ".join(f"{statistics(missed[chosen])[key]:.2f}" for key in ("mean", "median", "worst25"))
        print(
            f"{name:16} {chosen.sum():6}  network {figures}  expected {expected[chosen].mean():.2f}  "
            f"left alone {alone[chosen].mean():.2f}"
        )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])

"""What adapting a network to a data set with few of its labelled pictures is worth on the rest of them.

    awbkit train PREPARED/gehler-shi PREPARED/intel-tau -o WORK/base
    python tests/benchmarks/adaptation.py PREPARED/cube-plus WORK/base --count 100

The network should not have seen the data set. Three draws, each of ``--count`` scenes to train on; the mean / median /
worst 25 % of the recovery error in degrees on all others, as it was, adapted as `awbkit train --init` does, and trained
on the same pictures alone.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from awbkit.colour.error_statistics import statistics
from awbkit.datasets.prepared import Prepared
from awbkit.network.architecture import architecture
from awbkit.network.model import Model
from awbkit.network.models import find_model
from awbkit.network.torch.network import network_of
from awbkit.training.bank import Bank, make_bank
from awbkit.training.fit import answers, fit, true_errors
from awbkit.training.recipe import Recipe
from awbkit.training.split import Holdout, Picture, split
from awbkit.training.train import ADAPTATION

ADAPT = Recipe().with_changes(ADAPTATION)
ALONE = Recipe(steps=1500)


def bank_of(pictures: list[Picture], folder: Path, versions: int) -> Bank:
    cells = [picture.cell for picture in pictures]
    return make_bank([picture.member for picture in pictures], cells, folder, Recipe(), versions=versions)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prepared", type=Path)
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = find_model(options.model, "raw")
    assert isinstance(model, Model), "a quantised model is not trained on"
    pictures, _ = split([Prepared.open(options.prepared)], Holdout(), 0.0)
    scenes = sorted({picture.scene for picture in pictures})
    for draw in range(3):
        chosen = set(np.random.default_rng(draw).permutation(scenes)[: options.count].tolist())
        with tempfile.TemporaryDirectory() as folder:
            few = bank_of([p for p in pictures if p.scene in chosen], Path(folder) / "few", ADAPT.variants)
            rest = bank_of([p for p in pictures if p.scene not in chosen], Path(folder) / "rest", 1)
            runs = {
                "as it was": (model.architecture, model.weights),
                "adapted": (model.architecture, fit(few, model.architecture, ADAPT, seed=draw, initial=model.weights)),
                "alone": (architecture(ALONE.arch), fit(few, architecture(ALONE.arch), ALONE, seed=draw)),
            }
            for name, (built, weights) in runs.items():
                found = statistics(true_errors(answers(network_of(built, weights), rest)[0], rest))
                print(draw, name, " / ".join(f"{found[key]:.2f}" for key in ("mean", "median", "worst25")), flush=True)


if __name__ == "__main__":
    main()

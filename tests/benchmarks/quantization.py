"""What whole numbers cost in degrees on data sets that a network has not seen.

    python tests/benchmarks/quantization.py PREPARED WORK [--arch LABEL] [--bits WEIGHTS,ACTIVATIONS] [--steps N]

Takes the networks that ``accuracy.py --protocol lodo`` left in WORK, rounds each by pictures of the data sets that it
was trained on, and lets both answer for every picture of the one that was left out. With ``--steps``
each is trained for so many steps more on those data sets before, rounded as it will be, learning from what it was too.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from awbkit.colour.error_statistics import statistics
from awbkit.datasets.prepared import Prepared
from awbkit.evaluation.angles import recovery_error
from awbkit.network.features import Features, describe
from awbkit.network.inference import forward
from awbkit.network.integer import description
from awbkit.network.integer.arithmetic import OCTAVE
from awbkit.network.integer.model import IntegerModel, white_logs
from awbkit.network.integer.quantization import Bits, measure_scales, quantize_model
from awbkit.network.model import Model, to_canonical, white_of
from awbkit.network.torch.network import network_of
from awbkit.training.bank import Bank
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.fit import fit
from awbkit.training.recipe import Recipe
from awbkit.training.tuning import DEFAULTS
from tests.benchmarks.accuracy import KEYS, SETS, bank_of

CALIBRATED_ON = 256


@dataclass(frozen=True, eq=False)
class Described:
    """A picture as the two kinds of networks read it."""

    features: Features
    whole: description.Description
    white: np.ndarray
    truth: np.ndarray


def described(folder: Path, place: int) -> Described | None:
    prepared = Prepared.open(folder)
    image = prepared.image(place)
    if not image.valid.any():
        return None
    white = white_of(image.camera)
    assert white is not None
    features, whole = describe(to_canonical(image)), description.describe(description.thumbnail(image))
    return Described(features, whole, white, np.array(prepared.rows[place].illuminant))


def float_answer(model: Model, picture: Described) -> np.ndarray:
    residual, _ = forward(model.architecture, model.weights, picture.features, True)
    red, blue = np.exp(picture.features.anchor + residual)
    return np.array([red, 1.0, blue]) * picture.white


def whole_answer(model: IntegerModel, picture: Described) -> np.ndarray:
    out = model.network.forward(picture.whole, white_logs(picture.white))
    return np.asarray(2.0 ** (np.insert(picture.whole.anchor + out[:2], 1, 0) / OCTAVE))


def tuned(model: Model, bank: Bank, scales: Mapping[str, float], bits: Bits, steps: int, seed: int) -> Model:
    recipe = replace(Recipe().with_changes(DEFAULTS), steps=steps)
    weights = fit(
        bank,
        model.architecture,
        recipe,
        seed=1000 * seed,
        teachers=[network_of(model.architecture, model.weights)],
        initial=model.weights,
        quantization=FakeQuantization(model.architecture, scales, bits),
    )
    return replace(model, weights=weights)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prepared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--arch", default="awbnet-s", help="the folder of its networks in WORK")
    parser.add_argument("--bits", action="append", metavar="WEIGHTS,ACTIVATIONS")
    parser.add_argument("--steps", type=int, default=0, help="of training on, rounded")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    pictures: dict[str, list[Described]] = {}
    with Pool(options.jobs) as pool:
        for name in SETS:
            folder = options.prepared / name
            places = range(len(Prepared.open(folder).rows))
            found = pool.map(partial(described, folder), places, chunksize=16)
            pictures[name] = [picture for picture in found if picture is not None]
    known, bank = (
        bank_of(options.prepared, SETS, options.work / "pictures", Recipe().variants) if options.steps else ((), None)
    )
    rows = defaultdict(list)
    for path in sorted((options.work / "networks" / options.arch).glob("lodo-*.safetensors")):
        _, seed, left_out = path.stem.split("-", 2)
        model, test = Model.load(path), pictures[left_out]
        truth = np.stack([picture.truth for picture in test])

        def errors(answers: list[np.ndarray], truth: np.ndarray = truth) -> dict[str, float]:
            return statistics(recovery_error(np.stack(answers), truth))

        before = errors([float_answer(model, picture) for picture in test])
        rows[left_out, "float"].append(before)
        others = [options.prepared / name for name in SETS if name != left_out]
        sets = [Prepared.open(folder) for folder in others]
        members = [(data, place) for data in sets for place in range(len(data.rows))]
        seen = [data.image(place) for data, place in members[:: max(1, len(members) // CALIBRATED_ON)]]
        seen = [image for image in seen if image.valid.any()]
        for text in options.bits or ["8,8", "8,16", "4,8"]:
            weights, activations = (int(part) for part in text.split(","))
            bits = Bits(weights, activations)
            scales = measure_scales(model, seen, bits)
            trained = model
            if bank is not None:
                places = np.flatnonzero([picture.dataset != left_out for picture in known])
                trained = tuned(model, bank.subset(places), scales, bits, options.steps, int(seed))
            whole = quantize_model(trained, scales, bits)
            after = errors([whole_answer(whole, picture) for picture in test])
            rows[left_out, text].append({key: after[key] - before[key] for key in KEYS})
            print(
                left_out,
                seed,
                text,
                *(f"{before[key]:.3f} {after[key] - before[key]:+.3f}" for key in KEYS),
                flush=True,
            )
    for (left_out, text), found in rows.items():
        sign = "" if text == "float" else "+"
        figures = " / ".join(f"{np.median([row[key] for row in found]):{sign}.3f}" for key in KEYS)
        print(f"{options.arch:12} {left_out:12} {text:6} {figures}  median of {len(found)} seeds")


if __name__ == "__main__":
    main()

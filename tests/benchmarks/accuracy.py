"""How accurate networks are on cameras and scenes that they have not seen, by the field's protocols.

    python ../shared/data/unpack.py THUMBNAILS
    python tests/benchmarks/prepare_thumbnails.py THUMBNAILS PREPARED
    awbkit dataset prepare rendered:count=3000 -o PREPARED/rendered
    python tests/benchmarks/accuracy.py PREPARED WORK [--arch NAME] [--protocol NAME] [--seed N] [--set KEY=VALUE]
    python tests/benchmarks/accuracy.py PREPARED WORK --report

Protocols: ``lodo`` leaves one of the three data sets out and tests on it (rendered scenes, which no protocol tests on,
are trained on as well, but for those by cameras of the set left out, unless ``--without-rendered``); ``cube-plus`` and
``gehler-shi`` train and test within the set, in three folds by hash of the scene; ``loco`` leaves one camera of
INTEL-TAU out, and with it all scenes that another camera shows too. One network answers for all cameras. Pictures are
put together for training within one fold, camera and data set only, so that one set of descriptions serves all
protocols. Finished networks and their answers are kept in WORK, and several processes may work there at once on
different seeds or protocols.
"""

from __future__ import annotations

import argparse
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch

from awbkit.colour.error_statistics import statistics
from awbkit.datasets.prepared import Prepared
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.model import Model
from awbkit.network.torch.network import network_of
from awbkit.store.outputs import IfExists, write_whole
from awbkit.training.augmentation import Chances
from awbkit.training.bank import Bank, make_bank
from awbkit.training.fit import Weights, answers, fit, true_errors
from awbkit.training.recipe import Recipe
from awbkit.training.split import Holdout, Picture, split

SETS = ("cube-plus", "gehler-shi", "intel-tau")
DEFAULT_CHANCES = Chances()
PROTOCOLS = ("lodo", "cube-plus", "gehler-shi", "loco")


def fold_of(picture: Picture) -> int:
    return zlib.crc32(picture.scene.encode()) % 3


def splits(pictures: tuple[Picture, ...], protocol: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, pictures to train on, pictures to test on."""
    dataset = np.array([picture.dataset for picture in pictures])
    fold = np.array([fold_of(picture) for picture in pictures])
    camera = np.array([picture.camera for picture in pictures])
    scene = np.array([picture.scene for picture in pictures])
    if protocol == "lodo":
        for name in SETS:
            yield name, np.flatnonzero(dataset != name), np.flatnonzero(dataset == name)
    elif protocol == "loco":
        inside = dataset == "intel-tau"
        for name in sorted(set(camera[inside])):
            test = inside & (camera == name)
            train = inside & ~test & ~np.isin(scene, scene[test])
            yield name, np.flatnonzero(train), np.flatnonzero(test)
    else:
        for number in range(3):
            inside = dataset == protocol
            yield f"fold {number}", np.flatnonzero(inside & (fold != number)), np.flatnonzero(inside & (fold == number))


def by_other_cameras(rendered: Sequence[Picture], tested: Sequence[Picture]) -> np.ndarray:
    """The scenes whose camera is none of those tested, nor called like a variant of one."""
    cameras = {picture.camera for picture in tested}
    alike = [any(name.startswith(one.camera) or one.camera.startswith(name) for name in cameras) for one in rendered]
    return np.flatnonzero(~np.array(alike))


def trained(bank: Bank, built: Architecture, recipe: Recipe, seed: int) -> Weights:
    plain = recipe.with_changes({"teachers": 0, "distil": 0.0})
    wide = architecture(recipe.teacher_arch)
    count = recipe.teachers if recipe.distil else 0
    teachers = [network_of(wide, fit(bank, wide, plain, seed=1000 * seed + 1 + n)) for n in range(count)]
    return fit(bank, built, recipe, seed=1000 * seed, teachers=teachers)


def numbers(text: str) -> tuple[int, ...]:
    """Numbers such as 0-5,74,75."""
    parts = [[int(end) for end in part.split("-")] for part in text.split(",") if part]
    return tuple(sorted({number for part in parts for number in range(part[0], part[-1] + 1)}))


def bank_of(
    prepared: Path,
    names: Sequence[str],
    folder: Path,
    versions: int,
    chances: Chances = DEFAULT_CHANCES,
    jobs: int = 1,
) -> tuple[tuple[Picture, ...], Bank]:
    """All pictures of these sets, and their descriptions, which are kept in the folder."""
    pictures, _ = split([Prepared.open(prepared / name) for name in names], Holdout(), 0.0)
    cells = [(*picture.cell, fold_of(picture)) for picture in pictures]
    members = [picture.member for picture in pictures]
    return pictures, make_bank(members, cells, folder, Recipe(), versions=versions, chances=chances, jobs=jobs)


def joined(first: Bank, second: Bank) -> Bank:
    """Both."""
    parts = {
        field.name: np.concatenate(
            [getattr(bank, field.name) for bank in (first, second)], axis=0 if field.name in ("white", "known") else 1
        )
        for field in fields(Bank)
    }
    return Bank(**parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prepared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--arch", default="awbnet-s")
    parser.add_argument("--protocol", action="append", choices=PROTOCOLS)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--chance", action="append", default=[], metavar="KEY=VALUE", help="of what versions are like")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the recipe")
    parser.add_argument("--statistics", metavar="0-5,74", help="which are read, not those of --arch")
    parser.add_argument("--without-rendered", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    if options.report:
        report(options.work)
        return
    torch.set_num_threads(1)
    changes = {key: parsed(value) for key, value in (pair.split("=") for pair in options.set)}
    recipe = Recipe(arch=options.arch).with_changes(changes)
    built, read = architecture(options.arch), []
    if options.statistics is not None:
        built, read = replace(built, statistics=numbers(options.statistics)), [f"statistics={options.statistics}"]
    chances = {key: float(value) for key, value in (pair.split("=") for pair in options.chance)}
    folder = options.work / ",".join(["pictures", *sorted(options.chance)])
    pictures, bank = bank_of(options.prepared, SETS, folder, recipe.variants, Chances(**chances), options.jobs)
    rendered = None
    if not options.without_rendered:
        folder = options.work / ",".join(["rendered", *sorted(options.chance)])
        scenes, rendered = bank_of(
            options.prepared, ("rendered",), folder, recipe.variants, Chances(**chances), options.jobs
        )
    without = ["without-rendered"] if options.without_rendered else []
    label = ",".join([options.arch, *without, *read, *sorted(options.set), *sorted(options.chance)])
    for seed in options.seed or [0, 1, 2]:
        for protocol in options.protocol or PROTOCOLS:
            path = options.work / "answers" / label / f"{protocol}-{seed}.npz"
            if path.exists():
                continue
            everything = defaultdict(list)
            for name, fit_on, test in splits(pictures, protocol):
                seen = bank.subset(fit_on)
                if protocol == "lodo" and rendered is not None:
                    others = by_other_cameras(scenes, [pictures[place] for place in test])
                    seen = joined(seen, rendered.subset(others))
                weights = trained(seen, built, recipe, seed)
                model = Model(f"{label},{protocol},{name},{seed}", built, weights, "raw")
                write_whole(
                    options.work / "networks" / label / f"{protocol}-{seed}-{name.replace(' ', '-')}.safetensors",
                    IfExists.REPLACE,
                    model.to_bytes(),
                )
                estimates, log_errors = answers(network_of(built, weights), bank.subset(test, 1))
                errors = true_errors(estimates, bank.subset(test, 1))
                everything["errors"].append(errors)
                everything["stated"].append(np.exp(log_errors))
                everything["part"].append(np.full(len(test), name))
                everything["scene"].append(np.array([pictures[place].scene for place in test]))
                print(label, protocol, seed, name, *(f"{statistics(errors)[key]:.3f}" for key in KEYS), flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **{key: np.concatenate(parts) for key, parts in everything.items()})


KEYS = ("mean", "median", "worst25")


def parsed(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def report(work: Path) -> None:
    """Mean over seeds of each statistic, the mean's 95 % interval by scene, and how well the stated error orders."""
    for folder in sorted((work / "answers").iterdir()):
        for protocol in PROTOCOLS:
            runs = [np.load(path) for path in sorted(folder.glob(f"{protocol}-*.npz"))]
            groups = sorted(set(runs[0]["part"].tolist())) if runs and protocol == "lodo" else [None]
            for group in groups if runs else []:
                chosen = [run["part"] == group if group else np.ones(len(run["part"]), bool) for run in runs]
                errors = np.stack([run["errors"][where] for run, where in zip(runs, chosen, strict=True)])
                stated = np.stack([run["stated"][where] for run, where in zip(runs, chosen, strict=True)])
                found = [statistics(row) for row in errors]
                low, high = interval(errors.mean(axis=0), runs[0]["scene"][chosen[0]])
                figures = " / ".join(f"{np.mean([row[key] for row in found]):.2f}" for key in KEYS)
                spread = np.std([row["mean"] for row in found])
                order = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(errors, stated, strict=True)])
                print(
                    f"{folder.name:40} {group or protocol:12} {figures}  mean {low:.2f} to {high:.2f}  "
                    f"seeds {len(runs)} +-{spread:.3f}  r(stated, error) {order:.2f}"
                )


def interval(errors: np.ndarray, scenes: np.ndarray, rounds: int = 1000) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean, whole scenes drawn."""
    _, number = np.unique(scenes, return_inverse=True)
    sums, counts = np.bincount(number, errors), np.bincount(number)
    rng = np.random.default_rng(0)
    draws = rng.integers(len(counts), size=(rounds, len(counts)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


if __name__ == "__main__":
    main()

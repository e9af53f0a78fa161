"""What pruning costs in degrees on data sets that neither the network nor its pruning has seen.

    python tests/benchmarks/pruning.py PREPARED WORK [--left-out NAME] [--seed N] [--arch NAME] [--to N] [--scratch]
    python tests/benchmarks/pruning.py PREPARED WORK --report

For each data set left out and each seed, the network that ``accuracy.py --protocol lodo`` left in WORK is pruned to the
numbers of parameters, each time from the network that was pruned before and learning from the one that never was, on
the same pictures, rendered scenes by other cameras among them. It is compared with that one and, with ``--scratch``,
with one trained for as many steps as it took in all, and with networks of the pruned dimensions trained from nothing
for as many. Finished networks are kept in WORK.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch

from awbkit.colour.error_statistics import statistics
from awbkit.network.model import Model
from awbkit.network.torch.network import network_of
from awbkit.training.bank import Bank
from awbkit.training.budget import Budget
from awbkit.training.fit import answers, fit, true_errors
from awbkit.training.prune import Rounds, prune_in_rounds
from awbkit.training.recipe import Recipe
from awbkit.training.snapshot import Snapshot, read_snapshot, write_snapshot
from awbkit.training.tuning import DEFAULTS
from tests.benchmarks.accuracy import KEYS, SETS, bank_of, by_other_cameras, joined

PRUNING = Recipe().with_changes(DEFAULTS)


def kept(path: Path, make_it: Callable[[], Snapshot]) -> Snapshot:
    """The network in a file, made if it is not there."""
    if not path.exists():
        write_snapshot(path, make_it())
    return read_snapshot(path)


def measured(network: Snapshot, test: Bank) -> dict[str, float]:
    return statistics(true_errors(answers(network_of(*network), test)[0], test))


def pruned(network: Snapshot, teacher: Snapshot, parameters: int, recipe: Recipe, bank: Bank) -> Snapshot:
    teachers = [network_of(*teacher)]

    def trained(name: str, begin: Callable[[], Snapshot], how: Recipe, seed: int) -> Snapshot:
        built, weights = begin()
        return built, fit(bank, built, how, seed=seed, teachers=teachers, initial=weights)

    return prune_in_rounds(network, Rounds(Budget("params", parameters)), recipe, bank, trained)


def one(options: argparse.Namespace, bank: Bank, test: Bank, left_out: str, seed: int) -> None:
    """All networks of one data set and seed, each reported as soon as it is there."""
    networks = options.work / "networks"
    folder = networks / "pruned" / f"{options.arch}-{left_out}-{seed}"
    start = Model.load(networks / options.arch / f"lodo-{seed}-{left_out}.safetensors")
    built, whole = start.architecture, (start.architecture, dict(start.weights))
    plain, tuned = Recipe(steps=options.steps), replace(PRUNING, seed=seed)

    def report(name: str, network: Snapshot, steps: int) -> None:
        row = {"arch": options.arch, "left_out": left_out, "seed": seed, "network": name, "steps": steps}
        costs = {"parameters": network[0].parameters, "macs": network[0].macs}
        text = json.dumps(row | costs | measured(network, test))
        print(text, flush=True)
        rows = options.work / "rows.jsonl"
        if text not in (rows.read_text().splitlines() if rows.exists() else []):
            with rows.open("a") as stream:
                stream.write(text + "\n")

    def anew(dimensions: Snapshot, steps: int) -> Snapshot:
        return dimensions[0], fit(bank, dimensions[0], replace(plain, steps=steps), seed=1000 * seed)

    report("whole", whole, options.steps)
    each = Rounds(Budget("params", 1)).steps(tuned)
    found, steps = whole, options.steps
    for parameters in options.to or [built.parameters // 2]:
        start = found
        found = kept(
            folder / f"pruned-{parameters}",
            lambda start=start, size=parameters: pruned(start, whole, size, tuned, bank),
        )
        steps += each
        report(f"pruned to {parameters}", found, steps)
        if options.scratch:
            path = folder / f"scratch-{parameters}"
            report(f"from nothing, as {parameters}", kept(path, lambda like=found, n=steps: anew(like, n)), steps)
    if options.scratch:
        report("whole, as long", kept(folder / f"whole-{steps}", lambda: anew(whole, steps)), steps)


def table(work: Path) -> None:
    """Mean over the seeds, by network and data set left out."""
    found = defaultdict(list)
    for row in map(json.loads, (work / "rows.jsonl").read_text().splitlines()):
        found[row["arch"], row["left_out"], row["network"]].append(row)
    for (arch, left_out, name), rows in found.items():
        figures = " / ".join(f"{np.mean([row[key] for row in rows]):.3f}" for key in KEYS)
        sizes = f"{np.mean([row['parameters'] for row in rows]):7.0f} {np.mean([row['macs'] for row in rows]):8.0f}"
        print(f"{arch:12} {left_out:12} {name:24} {sizes}  {figures}  seeds {len(rows)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prepared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--left-out", action="append", choices=SETS)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--arch", default="awbnet-s")
    parser.add_argument("--steps", type=int, default=Recipe().steps, help="that the network was trained for")
    parser.add_argument("--to", action="append", type=int, metavar="N", help="parameters; descending")
    parser.add_argument("--scratch", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    if options.report:
        table(options.work)
        return
    torch.set_num_threads(1)
    pictures, bank = bank_of(options.prepared, SETS, options.work / "pictures", Recipe().variants, jobs=options.jobs)
    scenes, rendered = bank_of(
        options.prepared, ("rendered",), options.work / "rendered", Recipe().variants, jobs=options.jobs
    )
    dataset = np.array([picture.dataset for picture in pictures])
    for left_out in options.left_out or SETS:
        tested = np.flatnonzero(dataset == left_out)
        others = rendered.subset(by_other_cameras(scenes, [pictures[place] for place in tested]))
        train, test = joined(bank.subset(np.flatnonzero(dataset != left_out)), others), bank.subset(tested, 1)
        for seed in options.seed or [0, 1, 2]:
            one(options, train, test, left_out, seed)


if __name__ == "__main__":
    main()

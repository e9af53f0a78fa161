"""Damage sound files, hand them to awbkit's readers, and keep what breaks the contract.

    python tests/fuzz/fuzz_readers.py --minutes 60              goes on for an hour
    python tests/fuzz/fuzz_readers.py --show TARGET FILE        what one input does

Findings lie in fuzz-findings/, one folder each: the input, and a text with what happened and the command that shows it.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS.parent))

from tests.fuzz import trees  # noqa: E402
from tests.fuzz.mutation import mutated  # noqa: E402
from tests.fuzz.targets import BY_NAME, TARGETS  # noqa: E402
from tests.fuzz.worker import Input, Watched  # noqa: E402

FINDINGS = Path("fuzz-findings")
_MOST_KEPT = 400
_EACH_SECONDS = 60


class Corpus:
    """Inputs of one target worth damaging further: its seeds, and what made a reader tell something new."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.inputs = [Input(target, name, data) for name, data in BY_NAME[target].seeds().items()]
        self._told: set[str] = set()

    def damaged(self, rng: random.Random) -> Input:
        one = rng.choice(self.inputs)
        others = [rng.choice(self.inputs).data for _ in range(3)]
        return Input(self.target, one.name, mutated(one.data, others, rng))

    def learn(self, given: Input, told: str) -> bool:
        """Keep an input whose answer nobody has heard yet."""
        if told in self._told:
            return False
        self._told.add(told)
        if len(self.inputs) < _MOST_KEPT and len(given.data) < 200_000:
            self.inputs.append(given)
        return True


def keep(given: Input, fault: str, folder: Path) -> Path:
    """Write a finding."""
    digest = hashlib.sha256(given.data).hexdigest()[:8]
    place = folder / f"{given.target}-{digest}"
    file = place / Path(given.name).name
    place.mkdir(parents=True, exist_ok=True)
    file.write_bytes(given.data)
    name = "" if file.name == given.name else f" --name {given.name}"
    shown = f"python tests/fuzz/fuzz_readers.py --show {given.target} {file}{name}"
    (place / "finding.txt").write_text(f"{shown}\n\n{fault}\n", encoding="utf-8", errors="replace")
    return place


def kind_of(target: str, fault: str) -> str:
    """Faults of one kind have one place in the code, or one sentence."""
    places = re.findall(r'File "[^"]*?/(awbkit/[^"]*)", line (\d+)', fault)
    last = fault.strip().splitlines()[-1]
    sentence = re.sub(r"\S*/\S*|'[^']*'|[\d.]+", "#", last if 'File "' in fault else fault)
    return f"{target}: {':'.join(places[-1]) if places else ''} {sentence[:120]}"


def run(minutes: float, names: list[str], seed: int) -> int:
    rng = random.Random(seed)
    corpora = [Corpus(name) for name in names]
    worker = Watched()
    begun = time.monotonic()
    kinds: collections.Counter[str] = collections.Counter()
    counts: collections.Counter[str] = collections.Counter()
    try:
        turns = [(corpus, given) for corpus in corpora for given in list(corpus.inputs)]
        for corpus, given in turns:
            attempt(worker, corpus, given, kinds, counts)
        while time.monotonic() - begun < 60 * minutes:
            corpus = rng.choice(corpora)
            attempt(worker, corpus, corpus.damaged(rng), kinds, counts)
            total = counts.total()
            if total % 500 == 0:
                report(begun, kinds, counts, corpora)
    except KeyboardInterrupt:
        pass
    finally:
        worker.close()
    report(begun, kinds, counts, corpora)
    for kind, number in kinds.most_common():
        print(f"{number:6d}  {kind}")
    return 1 if kinds else 0


def attempt(
    worker: Watched, corpus: Corpus, given: Input, kinds: collections.Counter[str], counts: collections.Counter[str]
) -> None:
    told, fault = worker.judge(given)
    counts[given.target] += 1
    if not fault:
        corpus.learn(given, told)
        return
    kind = kind_of(given.target, fault)
    kinds[kind] += 1
    if kinds[kind] <= 3:
        print(f"{keep(given, fault, FINDINGS)}: {kind}", flush=True)


def report(
    begun: float, kinds: collections.Counter[str], counts: collections.Counter[str], corpora: list[Corpus]
) -> None:
    seconds = time.monotonic() - begun
    total, kept = counts.total(), sum(len(corpus.inputs) for corpus in corpora)
    rate = total / max(seconds, 1) * 60
    print(f"{seconds / 60:.0f} min: {total} inputs, {rate:.0f} a minute, {kept} kept, {len(kinds)} faults", flush=True)


def show(target: str, file: Path, name: str | None) -> int:
    worker = Watched()
    told, fault = worker.judge(Input(target, name or file.name, file.read_bytes()))
    worker.close()
    print(fault or f"keeps the contract; it tells: {told or 'nothing'}")
    return 1 if fault else 0


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="awbkit-fuzz-") as folder:
        os.environ[trees.PLACE] = folder
        return chosen_by(sys.argv[1:])


def chosen_by(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--target", action="append", choices=sorted(BY_NAME), help="only this one; repeatable")
    parser.add_argument("--show", nargs=2, metavar=("TARGET", "FILE"))
    parser.add_argument("--name", help="with --show: what the file is called in its folder")
    given = parser.parse_args(arguments)
    if given.show:
        return show(given.show[0], Path(given.show[1]), given.name)
    print(f"seed {given.seed}", flush=True)
    return run(given.minutes, given.target or [target.name for target in TARGETS], given.seed)


if __name__ == "__main__":
    sys.exit(main())

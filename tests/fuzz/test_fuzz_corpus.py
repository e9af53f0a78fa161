"""The contract of every reader (see contract.py), on sound files, on damaged ones, and on all that once broke it.

In ``corpus/TARGET/`` lie small files that the fuzzer found; ``--`` in a name stands for ``/``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import trees
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import BY_NAME, TARGETS
from tests.fuzz.worker import Input, Watched

KEPT = Path(__file__).parent / "corpus"
DAMAGED = 3
SOUND = 8
"""Most inputs that a target is given of each kind; `make fuzz` goes on from there."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(trees.PLACE, str(tmp_path_factory.mktemp("trees")))
        watched = Watched()
        yield watched
        watched.close()


def kept(target: str) -> list[Input]:
    files = sorted((KEPT / target).glob("*")) if (KEPT / target).is_dir() else []
    return [Input(target, _name(file), file.read_bytes()) for file in files]


def _name(file: Path) -> str:
    # What lies before the first dot pair only tells findings of one name apart.
    return file.name.partition("..")[2].replace("--", "/") or file.name


@pytest.mark.slow
@pytest.mark.parametrize("target", [target.name for target in TARGETS])
def test_the_contract(target: str, worker: Watched) -> None:
    rng = random.Random(17)
    sound = [Input(target, name, data) for name, data in BY_NAME[target].seeds().items()]
    parts = [given.data for given in sound]
    chosen = rng.choices(sound, k=DAMAGED)
    damaged = [Input(target, given.name, mutated(given.data, parts, rng)) for given in chosen]
    for given in [*rng.sample(sound, min(SOUND, len(sound))), *damaged, *kept(target)]:
        _, fault = worker.judge(given)
        assert not fault, f"{given.name}, {len(given.data)} bytes: {fault}"


def test_no_kept_file_lies_where_no_target_is() -> None:
    assert {folder.name for folder in KEPT.iterdir()} <= set(BY_NAME)

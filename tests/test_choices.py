"""Lists of choices: what is offered is what there is."""

from __future__ import annotations

from typing import get_args

import pytest

from awbkit.choices import PROCESSORS, PROTOCOLS, Target
from awbkit.evaluation.protocols import protocol
from awbkit.export.targets import EXPORTERS
from awbkit.network.latency import TABLES
from tests.helpers.evaluation_sets import truth_of_rows

ROWS = [(dataset, camera, scene, scene) for dataset, camera in ("aX", "bY") for scene in (f"{dataset}1", f"{dataset}2")]


def test_targets_and_processors() -> None:
    # Raspberry Pi's libcamera needs a tuning file and is exported by a function of its own.
    assert sorted(get_args(Target)) == sorted([*EXPORTERS, "libcamera"])
    assert tuple(TABLES) == PROCESSORS


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_divides_images(name: str) -> None:
    assert protocol(name, truth_of_rows(ROWS), folds=2).sentence.startswith(f"{name}: ")

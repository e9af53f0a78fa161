"""Lists of choices: what is offered is what there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import imagecodecs
import numpy as np
import pytest

from awbkit.choices import DOMAINS, OUTPUT_SUFFIXES, PROCESSORS, PROTOCOLS, Target
from awbkit.cli.commands import load
from awbkit.evaluation.protocols import protocol
from awbkit.export.targets import EXPORTERS
from awbkit.files.write import format_of
from awbkit.network.latency import TABLES
from awbkit.network.model import DOMAIN_OF_SPACE
from awbkit.network.sizes import SIZES
from awbkit.store.outputs import suffix_by_content
from tests.helpers.evaluation_sets import truth_of_rows

ROWS = [(dataset, camera, scene, scene) for dataset, camera in ("aX", "bY") for scene in (f"{dataset}1", f"{dataset}2")]


def test_targets_and_processors() -> None:
    # Raspberry Pi's libcamera needs a tuning file and is exported by a function of its own.
    assert sorted(get_args(Target)) == sorted([*EXPORTERS, "libcamera"])
    assert tuple(TABLES) == PROCESSORS


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_divides_images(name: str) -> None:
    assert protocol(name, truth_of_rows(ROWS), folds=2).sentence.startswith(f"{name}: ")


def option(command: str, name: str) -> Any:
    (found,) = (parameter for parameter in load(command).params if name in parameter.opts)
    return found


def test_output_formats(tmp_path: Path) -> None:
    offered = option("correct", "--to").type.choices
    assert [format_of(Path(f"x.{suffix}")) for suffix in offered] == list(OUTPUT_SUFFIXES)
    assert all(format_of(Path(f"x{suffix}")) == kind for kind, several in OUTPUT_SUFFIXES.items() for suffix in several)
    encoders = {"jpeg": imagecodecs.jpeg8_encode, "png": imagecodecs.png_encode, "tiff": imagecodecs.tiff_encode}
    for kind, encode in encoders.items():
        (tmp_path / kind).write_bytes(encode(np.zeros((8, 8, 3), np.uint8)))
        assert suffix_by_content(tmp_path / kind) == OUTPUT_SUFFIXES[kind][0]


def test_the_help_of_train_lists_every_network() -> None:
    words = option("train", "--arch").help.replace(";", ",").split(", ")
    assert set(SIZES) <= set(words)
    code = "import sys, awbkit.network.sizes; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_domains() -> None:
    assert set(DOMAIN_OF_SPACE.values()) == set(DOMAINS)


def test_results_of_whole_runs_have_the_same_formats() -> None:
    commands = ("train", "prune", "factorize", "quantize", "export")
    assert {tuple(option(name, "--format").type.choices) for name in commands} == {("table", "json")}

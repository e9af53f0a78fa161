"""Exported C on Cortex-M processors: the reference's bits, few bytes, and as many instructions as predicted."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from awbkit.bench import cortex
from awbkit.errors import CheckFailed
from awbkit.export.c.emit import emit
from awbkit.export.cases import Case, extremes, surfaces
from awbkit.network.integer.model import IntegerModel
from awbkit.network.latency import TABLES, instructions
from awbkit.network.model import Model
from awbkit.network.models import shipped_path
from tests.helpers.integer_models import integer_model, pictures, round_model

pytestmark = pytest.mark.slow

_READING = 9000
"""What ``awb_describe`` takes more than measuring alone, about: it reads what the network reads, and hands it out."""


def cases() -> list[Case]:
    return [*surfaces(), *extremes()][::8]


@cache
def model_s() -> IntegerModel:
    return round_model(Model.load(shipped_path("awbnet-s", "raw")), pictures(4))


@cache
def measure_s(processor: str) -> cortex.Cortex:
    return cortex.measure(emit(model_s()), model_s(), cases(), processor)


def network_instructions(found: cortex.Cortex) -> int:
    return found.instructions - found.describe_instructions + _READING


@pytest.mark.cortex
@pytest.mark.parametrize("processor", TABLES)
def test_the_same_bits_as_quickly_as_foretold(processor: str) -> None:
    found = network_instructions(measure_s(processor))
    assert instructions(model_s().architecture, processor) == pytest.approx(found, rel=0.15)
    if processor == "cortex-m4":
        assert found < 4 * model_s().architecture.macs


@pytest.mark.cortex
@pytest.mark.parametrize(("shape", "processor"), [("pruned", "cortex-m0"), ("no statistics", "cortex-m4")])
def test_other_networks_are_as_quick_as_foretold(shape: str, processor: str) -> None:
    model = integer_model(shape)
    found = cortex.measure(emit(model), model, cases()[:2], processor)
    assert instructions(model.architecture, processor) == pytest.approx(network_instructions(found), rel=0.15)


@pytest.mark.cortex
@pytest.mark.parametrize("processor", TABLES)
def test_few_kilobytes(tmp_path: Path, processor: str) -> None:
    sources = emit(model_s())
    assert cortex.workspace(sources) <= 8192
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    warned = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    compiled = ["arm-none-eabi-gcc", f"-mcpu={processor}", "-mthumb", "-Os", *warned, "-c", "awb.c", "-o", "awb.o"]
    subprocess.run(compiled, cwd=tmp_path, check=True)
    size = subprocess.run(["arm-none-eabi-size", "awb.o"], cwd=tmp_path, check=True, capture_output=True, text=True)
    flash, data, bss = (int(word) for word in size.stdout.splitlines()[1].split()[:3])
    # Without a 32 x 32 to 64 bit multiplication, code is longer.
    assert flash < (20 if processor == "cortex-m0" else 18) * 1024
    assert data == bss == 0


@pytest.mark.cortex
def test_a_smaller_network_measures_less() -> None:
    """A smaller network has fewer layers, and the C measures only the statistics that it reads."""
    model, s = integer_model("nano"), measure_s("cortex-m4")
    nano = cortex.measure(emit(model), model, cases()[:3], "cortex-m4")
    assert nano.flash <= 4 * 1024
    assert s.flash <= 16 * 1024
    assert nano.describe_instructions < 0.7 * s.describe_instructions
    assert 94_488 < s.instructions - s.describe_instructions < 1_500_000


@pytest.mark.cortex
def test_another_models_answers_are_refused() -> None:
    with pytest.raises(CheckFailed, match="for picture 0, not"):
        cortex.measure(emit(integer_model("nano", seed=1)), integer_model("nano"), cases()[:1], "cortex-m4")


def test_the_workspace_is_what_the_header_says() -> None:
    assert cortex.workspace({"awb.h": "typedef struct {\n    uint64_t words[12];\n} awb_workspace;"}) == 96

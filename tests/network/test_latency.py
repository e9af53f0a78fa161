"""Instructions that tables foretell, beside those that QEMU counts."""

from __future__ import annotations

import pytest

from awbkit.bench import cortex
from awbkit.export.c.emit import emit
from awbkit.export.cases import surfaces
from awbkit.network.architecture import architecture
from awbkit.network.latency import TABLES, instructions
from tests.helpers.integer_models import SHAPES, integer_model

pytestmark = pytest.mark.slow

_READING = 9000
"""What ``awb_describe`` takes more than measuring alone, about: it reads what the network reads, and hands it out."""


def of_the_network(found: cortex.Cortex) -> int:
    return found.instructions - found.describing + _READING


@pytest.mark.cortex
@pytest.mark.parametrize(
    ("shape", "target"),
    [*(("s", target) for target in TABLES), ("pruned", "cortex-m0"), ("no statistics", "cortex-m4")],
)
def test_what_is_foretold_comes(shape: str, target: str) -> None:
    model = integer_model(shape)
    found = cortex.measured(emit(model), model, list(surfaces())[:2], target)
    assert instructions(SHAPES[shape], target) == pytest.approx(of_the_network(found), rel=0.15)
    if (shape, target) == ("s", "cortex-m4"):
        assert of_the_network(found) < 4 * model.architecture.macs


@pytest.mark.parametrize("target", TABLES)
def test_larger_networks_take_longer(target: str) -> None:
    nano, s, m = (instructions(architecture(f"awbnet-{size}"), target) for size in ("nano", "s", "m"))
    assert 0 < 10 * nano < s < m / 2

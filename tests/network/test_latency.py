"""Instructions that tables foretell: :mod:`tests.bench.test_cortex` holds them beside those that QEMU counts."""

from __future__ import annotations

import pytest

from awbkit.network.architecture import architecture
from awbkit.network.latency import TABLES, instructions


@pytest.mark.parametrize("target", TABLES)
def test_larger_networks_take_longer(target: str) -> None:
    nano, s, m = (instructions(architecture(f"awbnet-{size}"), target) for size in ("nano", "s", "m"))
    assert 0 < 10 * nano < s < m / 2

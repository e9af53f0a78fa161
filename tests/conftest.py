"""How all tests run, and the picture that many of them start from."""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Programs that tests start inherit what is ignored: Ctrl-C in a shell's background, and SIGHUP under nohup.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Tests run in a process for each core; threads that wait for a core by spinning slow all of them down many times.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Hypothesis would fail a test for the time that an example takes, which on a busy machine says nothing. It tries other
# examples on every run, so a few of them each time are many in the end.
settings.register_profile("no clock", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--tools-required", action="store_true", help="fail, not skip, where a compiler is missing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from awbkit.bench import cortex
    from awbkit.export.c.check import compiler

    missing = {
        "compiler": "" if compiler() else "C compiler (cc, gcc or clang)",
        "cortex": cortex.missing_tools(),
        "cmake": "" if shutil.which("cmake") else "cmake",
    }
    for marker, what in missing.items():
        wanting = [item for item in items if what and item.get_closest_marker(marker)]
        if wanting and config.getoption("--tools-required"):
            raise pytest.UsageError(f"no {what} on this machine, and {len(wanting)} tests need it")
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=f"no {what} on this machine"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


@pytest.fixture
def scene(rng: np.random.Generator) -> np.ndarray:
    """Linear sRGB reflectances (96, 128, 3): patches; a gray card in rows 32-64, columns 48-80; white above it."""
    patches = rng.uniform(0.05, 0.75, (6, 8, 3))
    image = np.kron(patches, np.ones((16, 16, 1)))
    image[32:64, 48:80] = 0.4
    image[0:16, 48:80] = 0.8
    return image


@pytest.fixture(scope="session")
def colour() -> ModuleType:
    """colour-science, the oracle for colour; it warns of optional parts while it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("colour")

"""No reader is forgotten: whatever opens, reads, parses or loads is in the list of a fuzzer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import awbkit
from tests.fuzz.targets import TARGETS

ROOT = Path(awbkit.__file__).parent
VERBS = ("open", "read", "parse", "load")

NOT_FED = {
    "awbkit.cli.options:open_input": "opens what others read",
    "awbkit.cli.output:open_writer": "opens what is written",
    "awbkit.cli.report:open_report": "opens what is written",
    "awbkit.before_after.page:open_draft": "opens what is written",
    "awbkit.cli.before_after:open_page": "opens what is written",
    "awbkit.cli.commands:load": "loads a subcommand's module",
    "awbkit.files.source:open_as": "opens as awbkit.open does",
    "awbkit.evaluation.subset:parse_condition": "takes an option's text, of which its own tests have all kinds",
    "awbkit.store.tables:read_table": "is what read_labels and read_records call, which are fed",
    "awbkit.tasks:open_input_photo": "opens as awbkit.open does",
    "awbkit.files.cicp:read_declaration": "is what awbkit.open calls, which is fed",
    "awbkit.files.memory:open_array": "takes pixels in memory, and no file",
    "awbkit.store.paths:Paths.open": "hands out bytes",
    "awbkit.store.store:Store.open": "hands out bytes",
    "awbkit.store.streams:open_stream": "reads no format; its kinds of files have tests of their own",
    "awbkit.network.models:load_once": "keeps what Model.load has read, which is fed",
    "awbkit.evaluation.predictions:open_predictions": "opens what read_predictions reads, which is fed",
    "awbkit.evaluation.rerun:HashedStream.read": "hands out bytes",
    "awbkit.estimators.own:OwnCode.load": "runs code that the user trusts",
    "awbkit.estimators.installed:load_installed": "runs code that the user has installed",
    "awbkit.estimators.registry:Method.load": "runs code that the user trusts",
    "awbkit.datasets.spectral.sensor:Sensor.read": "simulates a sensor's readout",
    "awbkit.datasets.layout:Layout.load": "is what every layout defines",
    "awbkit.training.run:open_run": "opens a folder to train in; its checkpoint is read by others",
}


@pytest.fixture(scope="module")
def readers() -> set[str]:
    """Public functions and methods whose name begins with one of the verbs, as module:name."""
    return set(_readers())


def _readers() -> Iterator[str]:
    for path in sorted(ROOT.rglob("*.py")):
        module = ".".join(("awbkit", *path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and _is_reader(node.name):
                yield f"{module}:{node.name}"
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                methods = (entry for entry in node.body if isinstance(entry, ast.FunctionDef))
                yield from (f"{module}:{node.name}.{m.name}" for m in methods if _is_reader(m.name))


def _is_reader(name: str) -> bool:
    return name.partition("_")[0] in VERBS


@pytest.mark.slow
def test_every_reader_is_fuzzed(readers: set[str]) -> None:
    fed = {reader for target in TARGETS for reader in target.readers}
    assert readers - fed - set(NOT_FED) == set()


def test_the_lists_name_nothing_that_is_gone(readers: set[str]) -> None:
    fed = {reader for target in TARGETS for reader in target.readers}
    assert (fed | set(NOT_FED)) - readers == set()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_is_named_once(target: object) -> None:
    assert sum(target.name == other.name for other in TARGETS) == 1  # type: ignore[attr-defined]

"""The cost of estimators: figures that can be checked, and the files for people."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbkit.bench import timing
from awbkit.bench.bench import BASELINES, NETWORKS, Accuracy, Cost, bench, choose_pictures, to_json
from awbkit.bench.chart import chart
from awbkit.datasets.prepared import Prepared
from awbkit.errors import CheckFailed, UsageError
from awbkit.estimators.registry import parse
from awbkit.evaluation.angles import recovery_error
from awbkit.export.c.check import compiler
from awbkit.export.c.emit import emit
from awbkit.export.cases import surfaces
from awbkit.network.models import shipped_path
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.integer_models import SHAPES, integer_model, random_model

pytestmark = pytest.mark.slow


def test_time_is_that_of_one_call() -> None:
    # A sleep never ends early, however busy the machine is.
    assert timing.microseconds(time.sleep, [0.002, 0.004, 0.004]) >= 4000


@pytest.mark.compiler
def test_time_in_c() -> None:
    cases = list(surfaces())
    assert timing.microseconds_in_c(emit(integer_model("nano")), cases, str(compiler())) > 0
    with pytest.raises(CheckFailed, match="fails: awb"):
        timing.microseconds_in_c({"awb.c": "nonsense", "awb.h": ""}, cases, str(compiler()))


def test_accuracy_is_that_of_the_method(tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "set", ["Nikon D810"] * 9)
    measured = choose_pictures([data.path], 4)
    (cost,) = bench(["awbnet-nano"], measured, (), compare=False)
    (record,) = to_json([cost])
    prepared = Prepared.open(data.path)
    places = [0, 2, 5, 8]
    estimates = np.array([parse("awbnet-nano").estimate(prepared.image(place)).rgb for place in places])
    errors = recovery_error(estimates, prepared.illuminants[places])
    (name,) = record["accuracy"]
    assert record["accuracy"][name]["pictures"] == 4
    assert record["accuracy"][name]["mean"] == pytest.approx(errors.mean(), abs=1e-4)
    assert record["accuracy"][name]["trained_on"] == 0
    assert (record["kind"], record["parameters"], record["macs"], record["c_microseconds"]) == (
        "network",
        515,
        488,
        None,
    )


@pytest.mark.compiler
def test_the_command(tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "set", ["Nikon D810"] * 2)
    quantised, exact = tmp_path / "q.safetensors", tmp_path / "f.safetensors"
    quantised.write_bytes(integer_model("nano").to_bytes())
    exact.write_bytes(random_model(SHAPES["nano"]).to_bytes())
    given = ("bench", quantised, exact, "--data", data.path, "-o", tmp_path / "out")
    done = awbkit(*given)
    assert done.code == 0, done.err
    records = done.records
    assert [Path(record["model"]).name for record in records] == [
        "q.safetensors",
        "f.safetensors",
        *NETWORKS,
        *BASELINES,
    ]
    first, second, last = records[0], records[1], records[-1]
    assert (first["kind"], second["kind"], last["kind"]) == ("quantised", "network", "statistic")
    assert first["c_microseconds"] > 0
    assert second["c_microseconds"] is None
    assert first["parameters"] == second["parameters"] == 515
    assert last["parameters"] is None
    assert json.loads((tmp_path / "out" / "bench.json").read_text()) == records
    (plot,) = (tmp_path / "out").glob("*.svg")
    text = " ".join(ElementTree.parse(plot).getroot().itertext())
    assert all(name in text for name in ("q.safetensors", *NETWORKS, *BASELINES))
    again = awbkit(*given)
    assert (again.code, "exists" in again.err) == (1, True)


def test_without_data_all_kinds_are_timed(tmp_path: Path) -> None:
    models = [tmp_path / "q.safetensors", tmp_path / "f.safetensors"]
    for path, model in zip(models, (integer_model("nano"), random_model(SHAPES["nano"])), strict=True):
        path.write_bytes(model.to_bytes())
    every = choose_pictures([], 1)
    few = replace(every, images=every.images[:2], cases=every.cases[:2])
    records = to_json(bench([str(path) for path in models], few, (), compare=False))
    assert [record["accuracy"] for record in records] == [{}, {}]
    assert all(record["numpy_microseconds"] > 0 for record in records)


def test_names_that_would_lie_on_each_other_are_moved_apart() -> None:
    same = {"set": Accuracy(10, 0, 2.0, 1.5, 4.0)}
    costs = [Cost(f"method {n}", "statistic", False, None, None, None, None, 100.0, None, {}, same) for n in range(5)]
    root = ElementTree.fromstring(chart(costs, "set"))
    places = sorted(
        float(element.attrib["y"]) for element in root.iter() if element.attrib.get("class", "").startswith("name")
    )
    assert len(places) == 5
    assert np.diff(places).min() >= 11


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("no-such.safetensors",), 2, "no-such.safetensors"),
        (("awbnet-s", "--data", "{tmp}/none"), 1, "none"),
        (("awbnet-s", "-o", "{tmp}/file"), 2, "is a file; name a folder"),
        (("awbnet-s", "--count", "0"), 2, "--count"),
        (("awbnet-s", "--data", "{tmp}/set", "--data", "{tmp}/set"), 2, "name each set once"),
        ((), 2, "MODEL"),
        ((str(shipped_path("awbnet-nano", "rendered")),), 2, "bench measures models for raw pictures"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    (tmp_path / "file").write_text("")
    write_prepared(tmp_path / "set", ["Nikon D810"] * 2)
    failed = awbkit("bench", *(part.format(tmp=tmp_path) for part in arguments))
    assert failed.code == code, failed.err
    assert says in failed.err
    assert len(failed.err.splitlines()) == 1
    assert failed.out == ""


def test_pictures_without_a_valid_pixel_are_no_use(tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "set", ["Nikon D810"] * 3, black=frozenset({0, 1, 2}))
    with pytest.raises(UsageError, match="has no raw picture with a valid pixel to measure on; leave it out"):
        choose_pictures([data.path], 5)
    some = write_prepared(tmp_path / "other", ["Nikon D810"] * 3, black=frozenset({1}))
    ((_, places),) = choose_pictures([some.path], 5).sets
    assert places == [0, 2]

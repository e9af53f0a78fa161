"""The published schemas: what awbkit writes is valid, what is broken is not, and no key is missing from either."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from safetensors import safe_open

from awbkit import records
from awbkit.cli.output import CORRECT_KEYS, ESTIMATE_KEYS
from awbkit.datasets import prepared
from awbkit.evaluation import document
from awbkit.network import weights
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.integer_models import integer_model
from tests.helpers.labelled_folder import write_labelled_folder

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "examples/pictures"
VERSIONS = {
    "record": records.SCHEMA,
    "prepared": prepared.SCHEMA,
    "evaluation": document.SCHEMA,
    "model": weights.SCHEMA,
}
OPTIONAL = {"record": {"output"}, "evaluation": {"per_image"}, "model": {"bits", "greatest_logit"}}


@cache
def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("awbkit").joinpath(f"schemas/{name}.json").read_text(encoding="utf-8"))
    return found


def closed(part: Any) -> Any:
    """The schema without the leave to add keys."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: closed(value) for key, value in part.items() if key not in ("if", "then", "else")}
    return {"additionalProperties": False, **found} if part.get("type") == "object" and "properties" in part else found


def problems(name: str, value: object) -> list[str]:
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(value)]


def check(name: str, value: object) -> None:
    assert problems(name, value) == []
    assert [error.message for error in Draft202012Validator(closed(schema(name))).iter_errors(value)] == []


@pytest.mark.parametrize("name", VERSIONS)
def test_a_schema_is_sound_and_states_the_version_that_is_written(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["properties"]["schema"] == {"const": VERSIONS[name]}
    assert set(schema(name)["properties"]) - set(schema(name)["required"]) == OPTIONAL.get(name, set())


def test_records_have_the_keys_of_their_schema_in_its_order() -> None:
    assert tuple(schema("record")["properties"]) == CORRECT_KEYS
    assert tuple(schema("record")["required"]) == ESTIMATE_KEYS


@pytest.mark.slow
def test_records_are_valid(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    inputs = [PICTURES / "lane_shade.jpg", PICTURES / "market_tungsten.dng", tmp_path / "text.jpg"]
    out = ("-d", tmp_path / "out", "--to", "jpg")
    runs = [
        awbkit("estimate", *inputs, "-m", "awbnet", "-m", "gray-world", "-m", "as-shot"),
        awbkit("estimate", PICTURES / "lane_shade.jpg", "--region", "40,40,30,30"),
        awbkit("correct", *inputs, *out, "--dry-run"),
        awbkit("correct", inputs[0], *out),
        awbkit("correct", inputs[0], *out, "--if-exists", "skip"),
    ]
    assert [run.code for run in runs] == [1, 0, 1, 0, 0]
    found = [record for run in runs for record in run.records]
    for record in found:
        check("record", record)
    assert {record["status"] for record in found} == {"ok", "error", "planned", "skipped"}


def test_prepared_sets_are_valid(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 2)
    assert awbkit("dataset", "prepare", "folder", source, "-o", tmp_path / "out", "-j", 1).code == 0
    check("prepared", json.loads((tmp_path / "out/dataset.json").read_text()))


def test_evaluations_are_valid(tmp_path: Path) -> None:
    write_prepared(tmp_path / "set", ["Nikon D810", "Canon EOS 550D"] * 6, black=frozenset([3]))
    ran = awbkit(
        "evaluate", tmp_path / "set", "-m", "awbnet", "-m", "gray-world", "--per-image", "--rounds", 100, "-j", 1
    )
    found = json.loads(ran.out)
    assert found["calibrations"]
    assert found["comparisons"]
    assert found["methods"][0]["failures"]
    check("evaluation", found)


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.safetensors")), ids=lambda path: path.stem)
def test_models_are_valid(path: Path) -> None:
    check("model", header(path))


def test_a_quantised_model_is_valid(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(integer_model("nano").to_bytes())
    check("model", header(tmp_path / "model.safetensors"))


def header(path: Path) -> Any:
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["awbkit"])


RECORD = {
    **dict.fromkeys(ESTIMATE_KEYS),
    **{"schema": 1, "path": "a.jpg", "status": "ok", "method": "pca", "space": "camera", "illuminant": [0.5, 0.7, 0.5]},
}
DATASET = {
    **{"schema": 1, "layout": "folder", "options": {}, "source": None, "title": "", "licence": "", "citation": ""},
    **{"download": "", "convention": "", "conventions": {"pixels": "", "valid": "", "illuminant": ""}},
    **{
        "images": 1,
        "skipped": 0,
        "cameras": {"One": {"space": "camera", "matrices": []}},
        "hash": "sha256:" + 64 * "0",
    },
}
EVALUATION = {
    **{"schema": 1, "title": "a", "protocol": "none: nothing was fitted", "images": 1, "scenes": 1, "facts": {}},
    **{"methods": [], "summaries": [], "comparisons": [], "calibrations": []},
}
MODEL = {
    **{"schema": 3, "name": "a", "domain": "raw", "calibration": [0, 1], "calibration_without_matrix": [0, 1]},
    "training": {},
    "architecture": {
        **{"family": "awbnet", "channels": [], "block_ranks": [], "maps": 0, "hidden": [8], "hidden_ranks": [0]},
        **{"expansion": 0, "statistics": [0, 1]},
    },
}
SOUND: dict[str, dict[str, Any]] = {"record": RECORD, "prepared": DATASET, "evaluation": EVALUATION, "model": MODEL}


@pytest.mark.parametrize("name", SOUND)
def test_the_smallest_document_and_one_with_more_keys_are_valid(name: str) -> None:
    assert problems(name, SOUND[name]) == []
    assert problems(name, {**SOUND[name], "a_key_of_a_later_awbkit": 1}) == []


@pytest.mark.parametrize(
    ("name", "break_it", "message"),
    [
        *((name, lambda broken: broken.update(schema=99), "was expected") for name in SOUND),
        *((name, lambda broken: broken.pop("schema"), "'schema' is a required property") for name in SOUND),
        ("record", lambda broken: broken.pop("cct"), "'cct' is a required property"),
        ("record", lambda broken: broken.update(path=None), "None is not of type 'string'"),
        ("record", lambda broken: broken.update(status="done"), "'done' is not one of"),
        ("record", lambda broken: broken.update(illuminant=None), "None is not of type 'array'"),
        ("record", lambda broken: broken.update(gains=[1, 1]), "is not valid under any"),
        ("record", lambda broken: broken.update(chromaticity=[0.3, 0.3, 0.4]), "is too long"),
        ("record", lambda broken: broken.update(cct=2856.5), "is not of type 'integer'"),
        ("record", lambda broken: broken.update(error="gone"), "'gone' is not of type 'null'"),
        ("record", lambda broken: broken.update(status="error"), "None is not of type 'string'"),
        ("record", lambda broken: broken.update(space="srgb"), "'srgb' is not one of"),
        ("prepared", lambda broken: broken.update(hash="sha256:0"), "does not match"),
        ("prepared", lambda broken: broken.update(images=0), "less than the minimum"),
        ("prepared", lambda broken: broken["cameras"].clear(), "non-empty"),
        ("prepared", lambda broken: broken["cameras"]["One"].pop("space"), "'space' is a required property"),
        (
            "prepared",
            lambda broken: broken["cameras"]["One"]["matrices"].append({"cct": 1, "xyz_to_camera": [[1, 0, 0]]}),
            "is too short",
        ),
        ("evaluation", lambda broken: broken.update(protocol="none"), "does not match"),
        ("evaluation", lambda broken: broken["methods"].append({"method": "pca"}), "'failures' is a required"),
        ("evaluation", lambda broken: broken["summaries"].append("pca 2.1"), "is not of type 'object'"),
        ("model", lambda broken: broken.update(domain="jpeg"), "'jpeg' is not one of"),
        ("model", lambda broken: broken.update(calibration=[1, -1]), "less than the minimum"),
        ("model", lambda broken: broken["architecture"].update(family="vgg"), "'vgg' is not one of"),
        ("model", lambda broken: broken["architecture"].update(layers=3), "Additional properties"),
        ("model", lambda broken: broken["architecture"].update(hidden=[]), "non-empty"),
        ("model", lambda broken: broken.update(bits={"weights": 8, "activations": 8}), "is a dependency of 'bits'"),
    ],
)
def test_what_is_broken_is_not_valid(name: str, break_it: Callable[[Any], object], message: str) -> None:
    broken = copy.deepcopy(SOUND[name])
    break_it(broken)
    assert message in " ".join(problems(name, broken))

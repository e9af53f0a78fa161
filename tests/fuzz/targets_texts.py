"""Models, records, predictions, recipes, tunings, lists and specifications."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from awbkit.datasets import layout
from awbkit.estimators import registry
from awbkit.evaluation.subset import parse_condition
from awbkit.export import targets as exports
from awbkit.files import sidecar
from awbkit.files.photo import Region
from awbkit.network.architecture import architecture
from awbkit.network.models import load
from awbkit.store.outputs import IfExists
from awbkit.training.recipe import Recipe, read_recipe
from tests.datasets import test_awb_nn as awb_nn
from tests.fuzz import seeds_pictures
from tests.fuzz.target import Step, Target, chosen, command
from tests.fuzz.trees import made
from tests.helpers.integer_models import integer_model, random_model

_GRAY = seeds_pictures.encoded("JPEG", seeds_pictures.patches())


def _picture(folder: Path) -> None:
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(_GRAY)


PICTURES = made("pictures", _picture)


def use_model(given: Path, outputs: Path) -> Iterator[Step]:
    """Estimate with it, and make C of it, and TensorFlow Lite or ONNX at times."""
    data = given.read_bytes()
    yield lambda: command("estimate", "-m", f"{given}", "--encoding", "camera", PICTURES() / "a.jpg")
    yield lambda: exports.c(load(given))
    if chosen(data, 8) == 0:
        yield lambda: exports.tflite(load(given)) if "bits" in str(data[:4000]) else None
    if chosen(data, 40) == 1:
        yield lambda: command("export", given, "--to", "onnx", "-o", outputs / "onnx")


def _models() -> dict[str, bytes]:
    return {
        "nano.safetensors": random_model(architecture("awbnet-nano")).to_bytes(),
        "integer.safetensors": integer_model("nano").to_bytes(),
    }


RECORD = {
    "schema": 1,
    "path": "a.jpg",
    "status": "ok",
    "method": "gray-world",
    "space": "linear-srgb",
    "camera": None,
    "illuminant": [0.9, 1.0, 0.6],
    "gains": [1.1111, 1.0, 1.6667],
    "cct": 4000.0,
    "duv": 0.001,
    "expected_error": 2.0,
}


def _records(folder: Path) -> None:
    _picture(folder)
    both = [RECORD, {**RECORD, "path": "b.jpg"}]
    (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in both))
    (folder / "records.json").write_text(json.dumps(both, indent=1))
    (folder / "records.csv").write_text("path,method,r,g,b,expected_error\na.jpg,x,0.9,1,0.6,2\nb.jpg,x,1,1,1,\n")
    (folder / "gains.csv").write_text("image;gain_r;gain_g;gain_b\na;1,1;1;1,5\nb;1;1;1\n")
    (folder / "truth.csv").write_text("image,camera,scene,r,g,b\na.jpg,One,1,0.9,1,0.6\nb.jpg,One,2,1,1,1\n")


RECORDS = made("records", _records)


def _damageable() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(RECORDS().iterdir()) if path.suffix != ".jpg"}


def use_records(given: Path, outputs: Path) -> Iterator[Step]:
    """Correct by what is damaged, and judge it against the truth."""

    def within(*arguments: object) -> Step:
        def step() -> None:
            with contextlib.chdir(given):
                command(*arguments)

        return step

    changed = [path.name for path in given.iterdir() if path.read_bytes() != (RECORDS() / path.name).read_bytes()]
    damaged = changed[0] if changed else "records.jsonl"
    if damaged == "truth.csv":
        predictions = "records.csv"
    else:
        predictions = damaged
        yield within("correct", "--from", damaged, "-d", outputs / "pictures", "-q")
    yield within("evaluate", "--predictions", predictions, "--truth", "truth.csv", "--rounds", "100", "-q")


def use_list(given: Path, _: Path) -> Iterator[Step]:
    def step(*options: str) -> Step:
        def run() -> None:
            with contextlib.chdir(PICTURES()):
                command(
                    "estimate", "-m", "gray-world", "-q", "--max-pixels", "1000000", *options, "--files-from", given
                )

        return run

    yield step()
    yield step("-0")


def use_recipe(given: Path, _: Path) -> Iterator[Step]:
    yield lambda: read_recipe(given)


def _recipe() -> dict[str, bytes]:
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in Recipe().to_json().items()]
    return {"recipe.toml": "".join(lines).encode()}


def use_tuning(given: Path, outputs: Path) -> Iterator[Step]:
    def read() -> None:
        from awbkit.export.libcamera import Sensor

        sensor = Sensor.read(given)
        sensor.white(4000.0)
        sensor.with_network(outputs / "model.tflite")

    yield read


def use_snapshot(given: Path, _: Path) -> Iterator[Step]:
    def read() -> None:
        from awbkit.training.checkpoint import steps_done
        from awbkit.training.snapshot import read_snapshot

        steps_done(given)
        read_snapshot(given)

    yield read


def _snapshots() -> dict[str, bytes]:
    from safetensors.numpy import save

    model = random_model(architecture("awbnet-nano"))
    header = json.dumps(model.architecture.to_json())
    return {"network.safetensors": bytes(save(dict(model.weights), {"architecture": header, "step": "3"}))}


def use_sidecar(given: Path, outputs: Path) -> Iterator[Step]:
    copy = outputs / "a.xmp"
    copy.write_bytes(given.read_bytes())
    yield lambda: sidecar.write(copy, 5200.0, 3.0, IfExists.REPLACE)


def use_specification(given: Path, _: Path) -> Iterator[Step]:
    # What a user types; that may be echoed whole.
    text = given.read_bytes()[:300].decode(errors="surrogateescape")
    parsers: tuple[Callable[[str], object], ...] = (Region.parse, registry.parse, layout.parse, parse_condition)
    for parser in parsers:
        yield lambda parser=parser: parser(text)  # type: ignore[misc]


def _specifications() -> dict[str, bytes]:
    texts = (
        "1,2,3,4",
        "pca:percent=5",
        "shades-of-gray:p=6",
        "folder:encoding=linear,black=0",
        "rendered:count=3,seed=1",
        "camera!=Nikon D*",
    )
    return {f"{number}.txt": text.encode() for number, text in enumerate(texts)}


TARGETS = (
    Target(
        "model",
        (
            *("awbkit.network.models:load", "awbkit.network.model:Model.load", "awbkit.network.weights:read"),
            "awbkit.network.integer.model:IntegerModel.load",
        ),
        _models,
        use_model,
    ),
    Target(
        "records",
        (
            *(
                "awbkit.record_files:read_records",
                "awbkit.cli.light:read_estimates",
                "awbkit.store.documents:parse_json",
            ),
            *("awbkit.evaluation.predictions:read_predictions", "awbkit.evaluation.predictions:read_truth"),
        ),
        _damageable,
        use_records,
        RECORDS,
    ),
    Target(
        "list",
        ("awbkit.store.find:read_path_list",),
        lambda: {"list.txt": b"a.jpg\nb.jpg\r\nmissing.jpg\n", "list0.txt": b"a.jpg\0b.jpg\0"},
        use_list,
    ),
    Target("recipe", ("awbkit.training.recipe:read_recipe", "awbkit.store.documents:read_toml"), _recipe, use_recipe),
    Target(
        "tuning",
        ("awbkit.export.libcamera:Sensor.read", "awbkit.store.documents:read_text"),
        lambda: {"imx001.json": awb_nn.tuning_text().encode()},
        use_tuning,
    ),
    Target("snapshot", ("awbkit.training.snapshot:read_snapshot",), _snapshots, use_snapshot),
    Target("sidecar", (), lambda: {"a.xmp": seeds_pictures.XMP}, use_sidecar),
    Target(
        "specification",
        (
            "awbkit.files.photo:Region.parse",
            "awbkit.estimators.registry:parse",
            "awbkit.estimators.parameter:Parameter.parse",
            "awbkit.evaluation.subset:parse_condition",
        ),
        _specifications,
        use_specification,
    ),
)

"""Hostile text in every place that a stranger fills, followed to everything that awbkit writes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.dom import minidom

import numpy as np
import pytest

from awbkit.bench.bench import Accuracy, Cost
from awbkit.bench.chart import chart
from awbkit.datasets.prepared import COLUMNS, Prepared
from awbkit.escaping import csv_line, csv_text
from awbkit.export.libcamera import Sensor
from tests.helpers.command import Ran, awbkit, write_jpeg, write_raw
from tests.helpers.evaluation_sets import MATRICES, write_prepared
from tests.helpers.hostile_text import HOSTILE
from tests.helpers.integer_models import integer_model
from tests.helpers.labelled_folder import write_labelled_folder

pytestmark = pytest.mark.slow

NAMES = [text for text in HOSTILE if "/" not in text and "\0" not in text]
"""Those that a file can have."""

MIXED = [first + "".join(HOSTILE[start::4]) for start, first in enumerate(("=", "@", "\t-", "|"))]
"""All of them in few texts, for what takes its time."""


def assert_harmless(ran: Ran, form: str = "") -> None:
    """A terminal shows all of it, obeys none, and errors stay on their lines; CSV has no way but to quote."""
    for text in (ran.err, *([] if form == "csv" else [ran.out])):
        assert all(character.isprintable() or character in "\n\u3000" for character in text), ascii(text)
    assert "Traceback" not in ran.err
    assert all(line.startswith("awbkit") for line in ran.err.splitlines())


def hostile_set(folder: Path, text: str) -> Path:
    """A prepared set in which every text is the given one, but for names that must differ."""
    write_prepared(folder, ["Nikon D810"] * 12)
    info = json.loads((folder / "dataset.json").read_text())
    words = dict.fromkeys(("title", "layout", "licence", "citation", "convention", "hash", "source", "extra"), text)
    camera = {"space": "camera", "matrices": [{"cct": 6504.0, "xyz_to_camera": MATRICES["Nikon D810"]}]}
    info |= {**words, "options": {text: text}, "conventions": {text: [text]}, "cameras": {text: camera}}
    (folder / "dataset.json").write_text(json.dumps(info))
    rows = list(csv.DictReader(io.StringIO((folder / "index.csv").read_text())))
    changed = [{**row, "image": f"{text}{n}", "camera": text, "scene": f"{text}{n}"} for n, row in enumerate(rows)]
    changed = [{**row, "fold": text if n % 2 else "b"} for n, row in enumerate(changed)]
    lines = [csv_line(COLUMNS), *(csv_line([row[name] for name in COLUMNS]) for row in changed)]
    (folder / "index.csv").write_text("".join(lines), encoding="utf-8", newline="")
    assert Prepared.open(folder).rows[3].image == f"{text}3"
    return folder


class Tags(HTMLParser):
    """The elements of a page and the names of their attributes, whatever the text between."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, tuple(name for name, _ in attrs)] += 1


def tags(page: str) -> Counter[tuple[str, tuple[str, ...]]]:
    reader = Tags()
    reader.feed(page)
    reader.close()
    return reader.found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a set of harmless text gives."""
    return outputs(tmp_path_factory.mktemp("plain"), "plain")


def outputs(folder: Path, text: str) -> dict[str, str]:
    """What evaluating a hostile set of hostile predictions gives, by form."""
    data = hostile_set(folder / "set", text)
    light = {"illuminant": [0.5, 1, 0.7], "expected_error": 2.0}
    records = [{"path": row.image, "method": text, "error": text, **light} for row in Prepared.open(data).rows]
    records[0] |= {"status": "error"}
    stated = folder / "stated.jsonl"
    stated.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = {}
    for form in ("table", "json", "csv", "markdown", "latex"):
        page = ["--html", folder / "page.html"] if form == "json" else []
        per_image = ["--per-image"] if form == "json" else []
        ran = awbkit("evaluate", "--predictions", stated, data, "--rounds", 100, "--format", form, *page, *per_image)
        assert ran.code == 1
        assert_harmless(ran, form)
        found[form] = ran.out
    found["html"] = (folder / "page.html").read_text(encoding="utf-8")
    return found


@pytest.mark.parametrize("text", MIXED)
def test_an_evaluation(text: str, plain: dict[str, str], tmp_path: Path) -> None:
    found = outputs(tmp_path, text)
    assert json.loads(found["json"])["methods"][0]["method"] == text
    rows = list(csv.reader(io.StringIO(found["csv"], newline=""), strict=True))
    assert {len(row) for row in rows} == {27}
    assert len(rows) == len(plain["csv"].splitlines())
    assert csv_text(rows[1][0]) == text
    assert not re.match(r"[=@+\-\t\r\n]", rows[1][0])
    pipes = re.compile(r"(?<!\\)(?:\\\\)*\|")
    counted = [
        [len(pipes.findall(line)) for line in one["markdown"].splitlines() if line.startswith("|")]
        for one in (found, plain)
    ]
    assert counted[0] == counted[1]
    shapes = [
        [
            [len(re.findall(rf"(?<!\\){sign}", line)) for sign in "&{%}$_#"]
            for line in one["latex"].splitlines()
            if not line.startswith("%")
        ]
        for one in (found, plain)
    ]
    assert [[row[0], row[1] - row[3], *row[4:]] for row in shapes[0]] == [
        [row[0], row[1] - row[3], *row[4:]] for row in shapes[1]
    ]
    assert tags(found["html"]) == tags(plain["html"])


@pytest.mark.parametrize("text", MIXED)
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_look_at_a_set(text: str, form: str, tmp_path: Path) -> None:
    data = hostile_set(tmp_path / "set", text)
    ran = awbkit("dataset", "inspect", data, "--format", form)
    assert ran.code == 0
    assert_harmless(ran)
    if form == "json":
        assert json.loads(ran.out)["title"] == text
    assert_harmless(awbkit("dataset", "inspect", data, "--verify"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures of hostile names, every other one broken."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(NAMES):
        path = write_jpeg(folder / f"{name}.jpg", np.full((16, 16, 3), 0.3))
        if number % 2:
            path.write_bytes(path.read_bytes()[:200])
    return folder


@pytest.mark.parametrize("form", ["table", "jsonl", "csv", "json"])
def test_pictures_of_any_name(form: str, pictures: Path, tmp_path: Path) -> None:
    ran = awbkit("estimate", pictures, "--format", form, "-m", "gray-world", "-j", 1)
    assert ran.code == 1
    assert_harmless(ran, form)
    if form == "table":
        return
    stated = tmp_path / "stated"
    stated.write_text(ran.out, encoding="utf-8", newline="")
    done = awbkit("correct", "--from", stated, "-d", tmp_path / "out", "--format", form, "-j", 1)
    assert done.code == 1
    assert_harmless(done, form)
    written = {found.name for found in (tmp_path / "out").rglob("*.jpg")}
    assert written == {f"{name}_awb.jpg" for name in NAMES[::2]}


def test_names_that_are_no_utf8(scene: np.ndarray, tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / os.fsdecode(b"=caf\xe9.jpg"), scene)
    for form in ("jsonl", "csv", "json"):
        ran = awbkit("estimate", path, "--format", form, "-m", "gray-world")
        done = awbkit("correct", "--from", "-", "-d", tmp_path / form, stdin=os.fsencode(ran.out))
        assert done.code == 0, done.err


@pytest.mark.parametrize("text", [text.encode("ascii", "ignore").decode().replace("\0", "") for text in MIXED])
def test_a_camera_of_any_name(text: str, scene: np.ndarray, tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.dng", scene, model=text)
    for form in ("table", "jsonl", "csv"):
        assert_harmless(awbkit("estimate", path, "--format", form, "-m", "gray-world"), form)


@pytest.mark.parametrize("text", [text.replace("\0", "") for text in MIXED])
def test_options_of_any_text(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("estimate", "a.jpg", "-m", text),
        ("estimate", "a.jpg", "-m", f"pca:{text}={text}"),
        ("estimate", "a.jpg", "-m", f"pca:percent={text}"),
        ("estimate", text),
        ("estimate", "a.jpg", "--region", text),
        ("correct", "a.jpg", "--gains", text),
        ("correct", "--from", text),
        ("dataset", "prepare", text, ".", "-o", "out"),
        ("dataset", "prepare", f"folder:{text}={text}", ".", "-o", "out"),
        ("dataset", "inspect", text),
        ("evaluate", text),
        ("evaluate", "--predictions", text, "--truth", text),
        ("export", text, "--to", "c", "-o", "out"),
        ("bench", text),
    ):
        ran = awbkit(*arguments)
        assert ran.code in (1, 2)
        assert_harmless(ran)
        assert len(ran.err.splitlines()) >= 1


@pytest.mark.parametrize("text", ["=1+1", "\x1b[2J\x9b\u202egpj", "a\rb\nc", "</td><script>"])
def test_a_labelled_folder(text: str, tmp_path: Path) -> None:
    folder = write_labelled_folder(tmp_path / "in", 3)
    lines = ["image,camera,scene,fold,r,g,b\n", *(csv_line([f"img{n}", text, text, text, 1, 2, 2]) for n in (1, 2, 3))]
    (folder / "ground_truth.csv").write_text("".join(lines), encoding="utf-8", newline="")
    matrices = [{"cct": 6504, "xyz_to_camera": MATRICES["Nikon D810"]}]
    (folder / "cameras.json").write_text(json.dumps({text: {"matrices": matrices}}))
    (folder / "images" / f"{text.replace('/', '')}.png").write_bytes(b"")
    ran = awbkit("dataset", "prepare", "folder", folder, "-o", tmp_path / "out", "-j", 1, "--allow-missing")
    assert_harmless(ran)
    prepared = Prepared.open(tmp_path / "out")
    assert len(prepared) == 3
    assert len(prepared.cameras) == 1
    for file in ("index.csv", "skipped.csv"):
        for row in csv.reader(io.StringIO((tmp_path / "out" / file).read_bytes().decode(), newline=""), strict=True):
            assert not any(re.match(r"[=@\t\r\n]", cell) for cell in row)
    assert prepared.info["hash"] == f"sha256:{prepared.content_hash()}"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_chart(text: str) -> None:
    def drawn(name: str) -> str:
        accuracy = {name: Accuracy(3, 0, 2.5, 2.0, 4.0)}
        costs = [Cost(name, "network", True, 5, 5, None, None, 3.0, None, {}, accuracy)] * 2
        return chart(costs, name)

    assert tags(drawn(text)) == tags(drawn("plain"))
    minidom.parseString(drawn(text).encode())


@pytest.mark.parametrize("text", HOSTILE)
def test_files_of_a_model_stay_in_their_folder(text: str, tmp_path: Path) -> None:
    targets = pytest.importorskip("awbkit.export.targets")
    pytest.importorskip("ai_edge_litert")
    from dataclasses import replace

    (name,) = targets.tflite(replace(integer_model("nano"), name=text)).files
    assert (tmp_path / name).parent == tmp_path
    assert name.isprintable()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"target": 1' + "0" * 5000 + "}", '{"a": "\\ud800"}', "\x1b[2J", ""])
def test_a_tuning_file_of_any_text(text: str, tmp_path: Path) -> None:
    from awbkit.errors import UnreadableFile

    path = tmp_path / "\x1b[2J.json"
    path.write_text(text)
    with pytest.raises(UnreadableFile) as caught:
        Sensor.read(path)
    assert len(str(caught.value).splitlines()) == 1

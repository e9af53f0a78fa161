"""What finds, reads and writes pictures does so in any store; the oracle is the same work on this machine's files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from awbkit.datasets import layout as layouts
from awbkit.datasets.layout import Sample
from awbkit.datasets.prepare import Preparation
from awbkit.errors import FileError, OutputError, UnreadableFile
from awbkit.estimators.registry import parse
from awbkit.store.find import FoundImage, OtherFiles, find
from awbkit.store.outputs import IfExists, PlannedOutput, atomic_write, plan_outputs, skips
from awbkit.store.paths import STORES, store_of
from awbkit.store.source import Source
from awbkit.tasks import CorrectItem, CorrectOptions, Light, correct_file, estimate_file
from awbkit.work.batch import run
from tests.helpers.labelled_folder import write_labelled_folder
from tests.helpers.memory_store import MemoryStore
from tests.store.test_source import write_zip

GREY = np.full((8, 8, 3), (90, 100, 70), np.uint8)
FILES = {
    "a.png": bytes(imagecodecs.png_encode(GREY)),
    "b10.png": bytes(imagecodecs.png_encode(GREY // 2)),
    "b9.png": b"\x89PNG\r\n\x1a\n cut short",
    "unnamed": bytes(imagecodecs.png_encode(GREY)),
    "notes.txt": b"notes",
    ".hidden.png": b"",
    "deep/c.png": bytes(imagecodecs.png_encode(GREY)),
}
PATHS = ["a.png", "b9.png", "b10.png", "unnamed", "deep/c.png"]


@pytest.fixture(params=["this machine", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder of pictures in one store or another."""
    folder = tmp_path
    if request.param == "memory":
        STORES["mem:"] = MemoryStore()
        folder = Path("mem:/bucket")
    for name, content in FILES.items():
        atomic_write(folder / "in" / name, IfExists.FAIL, partial(write, content))
    yield folder
    STORES.clear()


def write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def read(path: Path) -> bytes:
    with store_of(path).open(path) as file:
        return file.read()


def test_pictures_are_found(root: Path) -> None:
    passed_over = OtherFiles()
    found = list(find([str(root / "in")], recursive=True, passed_over=passed_over))
    assert found == [FoundImage(root / "in" / name, root / "in") for name in PATHS]
    assert not any(isinstance(item, FoundImage) and item.is_stream for item in found)
    assert passed_over.suffixes == {".txt": 1}


@pytest.mark.parametrize(
    ("name", "problem"), [("nowhere", "no such file or folder"), ("nowhere/a.png", "no such file")]
)
def test_what_is_not_there_is_told(root: Path, name: str, problem: str) -> None:
    (error,) = find([str(root / name)])
    assert isinstance(error, UnreadableFile)
    assert problem in str(error)


def test_pictures_are_estimated(root: Path) -> None:
    task = partial(estimate_file, methods=(parse("gray-world"),))
    outcomes = list(run(task, find([str(root / "in")], recursive=True)))
    records = {outcome.result[0]["path"]: outcome.result[0] for outcome in outcomes if outcome.result}
    assert list(records) == [root / "in" / name for name in PATHS if name != "b9.png"]
    assert records[root / "in" / "a.png"]["illuminant"] == records[root / "in" / "deep" / "c.png"]["illuminant"]
    # Errors name the picture, not a copy of it.
    assert [error.path for outcome in outcomes if isinstance(error := outcome.error, FileError)] == [
        str(root / "in" / "b9.png")
    ]


def test_pictures_are_corrected_into_a_tree_of_their_own(root: Path) -> None:
    planned = plan_outputs(
        list(find([str(root / "in")], recursive=True)), suffix=lambda _: ".png", directory=root / "out"
    )
    light = Light(rgb=(0.9, 1.0, 0.7))
    items = [CorrectItem(entry, light) for entry in planned if isinstance(entry, PlannedOutput)]
    records = [outcome.result for outcome in run(partial(correct_file, options=CorrectOptions()), items)]
    assert [record["status"] if record else "error" for record in records] == ["ok", "error", "ok", "ok", "ok"]
    corrected = imagecodecs.png_decode(read(root / "out" / "deep" / "c_awb.png"))
    assert np.ptp(corrected[0, 0].astype(int)) < np.ptp(GREY[0, 0].astype(int))
    again = [outcome.reason for outcome in run(partial(correct_file, options=CorrectOptions()), items)]
    assert ["exists already" in reason for reason in again] == [True, False, True, True, True]


@pytest.mark.parametrize(("if_exists", "content"), [(IfExists.SKIP, b"old"), (IfExists.REPLACE, b"new")])
def test_an_output_that_exists(root: Path, if_exists: IfExists, content: bytes) -> None:
    output = root / "x.bin"
    assert atomic_write(output, IfExists.FAIL, partial(write, b"old"))
    assert atomic_write(output, if_exists, partial(write, b"new")) is (content == b"new")
    assert read(output) == content
    with pytest.raises(OutputError, match="exists already"):
        skips(output, IfExists.FAIL)


def test_what_appears_while_it_is_written_is_kept(root: Path) -> None:
    output = root / "x.bin"

    def slow(path: Path) -> None:
        atomic_write(output, IfExists.FAIL, partial(write, b"theirs"))
        path.write_bytes(b"ours")

    assert not atomic_write(output, IfExists.SKIP, slow)
    assert read(output) == b"theirs"


def test_a_folder_is_no_output(root: Path) -> None:
    with pytest.raises(OutputError, match="not a regular file"):
        atomic_write(root / "in", IfExists.REPLACE, partial(write, b"new"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_data_set_is_prepared(root: Path, tmp_path: Path, packed: bool) -> None:
    local = write_labelled_folder(tmp_path / "labelled", 3)
    files = {path.relative_to(local): path.read_bytes() for path in local.rglob("*.*")}
    if packed:
        archive = write_zip(tmp_path / "set.zip", {path.as_posix(): content for path, content in files.items()})
        files = {Path("set.zip"): archive.read_bytes()}
    for name, content in files.items():
        atomic_write(root / "set" / name, IfExists.REPLACE, partial(write, content))
    source = Source.open(root / "set" / "set.zip" if packed else root / "set")
    assert [(source.members[name].path is None) for name in source.find("*.png")] == [packed or root != tmp_path] * 3
    with Preparation(layouts.parse("folder"), source, tmp_path / "out") as preparation:
        assert [type(step) for step in preparation.run()] == [Sample] * 3
        assert len(preparation.finish()) == 3


def test_a_source_that_is_not_there(root: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file or folder"):
        Source.open(root / "nowhere")

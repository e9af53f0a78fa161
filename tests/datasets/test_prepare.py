"""A labelled folder is prepared: the content, and that no interruption changes it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import Omission, parse
from awbkit.datasets.prepare import Preparation, check_output, clear_remains
from awbkit.datasets.prepared import Prepared
from awbkit.errors import OutputError, UnreadableFile, UsageError
from awbkit.store.outputs import IfExists
from awbkit.store.source import Source
from tests.helpers.labelled_folder import CAMERAS, light_of, write_labelled_folder

pytestmark = pytest.mark.slow

COUNT = 40


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_folder(tmp_path_factory.mktemp("labelled") / "set", COUNT)


@pytest.fixture(scope="module")
def reference(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(photos, tmp_path_factory.mktemp("whole") / "out")


def begin(source: Path, out: Path, **options: bool) -> Preparation:
    return Preparation(parse("folder"), Source.open(source), out, **options)


def prepare(source: Path, out: Path, jobs: int = 1) -> Prepared:
    with begin(source, out) as preparation:
        list(preparation.run(jobs))
        return preparation.finish()


def leave(source: Path, out: Path, after: int) -> None:
    """Begin, and stop after this many images."""
    with begin(source, out) as preparation, closing(preparation.run()) as steps:
        assert len(list(islice(steps, after))) == after


def test_holds_every_image_with_its_label(reference: Prepared, photos: Path) -> None:
    assert len(reference) == COUNT
    assert [row.image for row in reference.rows[:12]] == [f"img{number}" for number in range(1, 13)]
    for index, row in enumerate(reference.rows):
        assert angular_error(row.illuminant, light_of(index)) < 1e-4
        assert row.camera == CAMERAS[index % 2]
    assert set(reference.cameras) == set(CAMERAS)
    assert reference.cameras["Nikon D810"].white_d65 is not None


def test_a_thumbnail_is_stored_as_it_was(reference: Prepared, photos: Path) -> None:
    codes = imagecodecs.png_decode((photos / "images" / "img7.png").read_bytes())
    np.testing.assert_allclose(reference.image(6).pixels, codes / 65535, rtol=1e-6)
    assert (reference.image(6).valid == ((codes > 0) & (codes < 0.98 * 65535)).all(axis=2)).all()


def test_a_dark_thumbnail_keeps_its_digits(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 1)
    dark = np.full((128, 128, 3), (20, 41, 30), np.uint16)
    dark[::2] += 1
    (source / "images" / "img1.png").write_bytes(imagecodecs.png_encode(dark))
    found = prepare(source, tmp_path / "out")
    assert found.rows[0].gain == 1024
    np.testing.assert_allclose(found.image(0).pixels[0, 0] * 65535, (20.5, 41.5, 30.5), atol=0.001)


def test_the_description_says_what_a_reader_must_know(reference: Prepared) -> None:
    info = json.loads((reference.path / "dataset.json").read_text())
    assert {"schema", "layout", "options", "source", "licence", "citation", "convention", "cameras", "hash"} <= set(
        info
    )
    assert info["source"] == "set"
    assert info["hash"] == f"sha256:{reference.content_hash()}"


@pytest.mark.parametrize("jobs", [1, 3])
def test_two_runs_give_the_same_bytes(reference: Prepared, photos: Path, tmp_path: Path, jobs: int) -> None:
    again = prepare(photos, tmp_path / "other-name", jobs)
    assert files(again.path) == files(reference.path)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_run_that_was_left_goes_on_where_it_stopped(reference: Prepared, photos: Path, tmp_path: Path) -> None:
    leave(photos, tmp_path / "out", 15)
    assert not (tmp_path / "out").exists()
    with begin(photos, tmp_path / "out") as preparation:
        assert preparation.resumed_count == 15
        assert len(list(preparation.run())) == COUNT - 15
        assert files(preparation.finish().path) == files(reference.path)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("name", "torn"),
    [
        ("thumbnails", b"half a thumbnail"),
        ("valid", b"\1" * 4096),
        ("journal.jsonl", b'{"row": ["img16", "Nik'),
    ],
)
def test_what_a_killed_run_wrote_last_does_not_count(
    reference: Prepared, photos: Path, tmp_path: Path, name: str, torn: bytes
) -> None:
    leave(photos, tmp_path / "out", 15)
    with (tmp_path / "out.unfinished" / name).open("ab") as file:
        file.write(torn)
    with begin(photos, tmp_path / "out") as preparation:
        assert preparation.resumed_count == 15
        list(preparation.run())
        assert files(preparation.finish().path) == files(reference.path)


def with_other_loading(folder: Path, change: str) -> dict[str, str]:
    """An environment in which the command and its workers load images in another way."""
    folder.mkdir()
    code = f"import os, time; from awbkit.datasets import folder; load = folder.Folder.load\n{change}\n"
    # Workers are fresh interpreters; what Python runs first in each is the only way into them.
    (folder / "sitecustomize.py").write_text(code)
    return {**os.environ, "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_loses_no_more_than_a_moment(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 12)
    slow = "folder.Folder.load = lambda *a: time.sleep(0.3) or load(*a)"
    command = [sys.executable, "-m", "awbkit", "dataset", "prepare", "folder", source, "-j", "1", "-q", "-o"]
    process = subprocess.Popen([*command, tmp_path / "out"], env=with_other_loading(tmp_path / "first", slow))
    journal = tmp_path / "out.unfinished" / "journal.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"row") >= 3):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with begin(source, tmp_path / "out") as preparation:
        assert 3 <= preparation.resumed_count < 12
        list(preparation.run())
        assert files(preparation.finish().path) == files(prepare(source, tmp_path / "undisturbed").path)


def test_the_output_may_lie_in_the_source(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 8)
    leave(source, source / "out", 5)
    with begin(source, source / "out") as preparation:
        assert preparation.resumed_count == 5
        list(preparation.run())
        assert len(preparation.finish()) == 8


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"key": 1', b"[]", b"7", b'{"key": "a", "row": [1]}', b'{"key": 1' + b"0" * 5000 + b"}"]
)
def test_damaged_unfinished_work_is_refused(photos: Path, tmp_path: Path, line: bytes) -> None:
    leave(photos, tmp_path / "out", 5)
    with (tmp_path / "out.unfinished" / "journal.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(OutputError, match="holds unfinished work that is damaged; --restart throws it away"):
        begin(photos, tmp_path / "out").__enter__()


def test_restart_throws_unfinished_work_away(photos: Path, tmp_path: Path) -> None:
    leave(photos, tmp_path / "out", 5)
    with begin(photos, tmp_path / "out", restart=True) as preparation:
        assert preparation.resumed_count == 0


def damage(source: Path) -> None:
    """Damage two images of a labelled folder."""
    (source / "images" / "img2.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    black = np.zeros((64, 64, 3), np.uint16)
    (source / "images" / "img4.png").write_bytes(imagecodecs.png_encode(black))


class TestMissing:
    def test_a_set_that_lacks_images_is_made_only_where_it_may(self, tmp_path: Path) -> None:
        source = write_labelled_folder(tmp_path / "set", 6)
        damage(source)
        with begin(source, tmp_path / "out") as preparation:
            steps = list(preparation.run())
            with pytest.raises(OutputError, match=r"2 of 6 images are missing \(img2: .*; --allow-missing makes"):
                preparation.finish()
            assert not (tmp_path / "out").exists()
            found = preparation.finish(allow_missing=True)
        assert [row.image for row in found.rows] == ["img1", "img3", "img5", "img6"]
        assert [step.image for step in steps if isinstance(step, Omission)] == ["img2", "img4"]
        lines = (tmp_path / "out" / "skipped.csv").read_text().splitlines()
        assert lines[0] == "image,reason"
        assert [line.split(",")[0] for line in lines[1:]] == ["img2", "img4"]
        assert "no valid pixel" in lines[2]

    def test_the_next_run_does_what_is_missing_alone(self, reference: Prepared, photos: Path, tmp_path: Path) -> None:
        source = copy(photos, tmp_path / "set")
        damage(source)
        with begin(source, tmp_path / "out") as preparation:
            list(preparation.run())
            with pytest.raises(OutputError):
                preparation.finish()
        for name in ("img2.png", "img4.png"):
            shutil.copy2(photos / "images" / name, source / "images" / name)
        with begin(source, tmp_path / "out") as preparation:
            assert preparation.resumed_count == COUNT - 2
            assert [step.image for step in preparation.run()] == ["img2", "img4"]
            assert files(preparation.finish().path) == files(reference.path)

    def test_nor_does_a_changed_image_cost_the_others(self, reference: Prepared, photos: Path, tmp_path: Path) -> None:
        source = copy(photos, tmp_path / "set")
        leave(source, tmp_path / "out", 15)
        os.utime(source / "images" / "img2.png", ns=(1, 1))
        with begin(source, tmp_path / "out") as preparation:
            assert preparation.resumed_count == 14
            list(preparation.run(2))
            assert files(preparation.finish().path) == files(reference.path)

    def test_what_an_option_leaves_out_is_not_missing(
        self, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with begin(photos, tmp_path / "out") as preparation:
            list(preparation.run())
            preparation.omissions.append(Omission("img41", "is left out; folder:all=yes takes it in", by_option=True))
            assert len(preparation.finish()) == COUNT
        assert "img41" in (tmp_path / "out" / "skipped.csv").read_text()


def test_the_next_run_reports_an_image_that_killed_the_process(tmp_path: Path) -> None:
    source = write_labelled_folder(tmp_path / "set", 4)
    options = ("folder", str(source), "-o", str(tmp_path / "out"), "-j", "1", "-q")
    killing = "folder.Folder.load = lambda *a: os.kill(os.getpid(), 11) if a[2].image == 'img3' else load(*a)"
    environment = with_other_loading(tmp_path / "first", killing)

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "awbkit", "dataset", "prepare", *options, *more]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    assert run().returncode == -signal.SIGSEGV
    ran = run()
    assert ran.returncode == 1
    assert "1 of 4 images is missing (img3: the process at work on it crashed (SIGSEGV); a file that does" in ran.stderr
    assert run("--allow-missing").returncode == 1
    assert len(Prepared.open(tmp_path / "out")) == 3


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, copy_function=shutil.copy2)
    return target


@pytest.mark.parametrize("at", ["awbkit.datasets.prepare._publish", "shutil.rmtree"], ids=["before", "after"])
def test_a_kill_around_the_moment_of_naming(
    reference: Prepared, photos: Path, tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with begin(photos, out) as preparation:
        list(preparation.run())
        monkeypatch.setattr(at, die)
        with pytest.raises(Kill):
            preparation.finish()
        monkeypatch.undo()
    assert out.exists() == (at == "shutil.rmtree")
    clear_remains(out)
    if not out.exists():
        with begin(photos, out) as preparation:
            assert preparation.resumed_count == COUNT
            preparation.finish()
    assert files(out) == files(reference.path)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def die(*_: object, **__: object) -> None:
    raise Kill


class Kill(BaseException):
    pass


class TestRefuses:
    def test_a_source_of_another_layout(self, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        with pytest.raises(UnreadableFile, match=r"ground_truth\.csv"):
            begin(tmp_path / "set", tmp_path / "out")
        assert not (tmp_path / "out.unfinished").exists()

    def test_a_source_of_which_nothing_can_be_used(self, tmp_path: Path) -> None:
        source = write_labelled_folder(tmp_path / "set", 2)
        for path in (source / "images").iterdir():
            path.write_bytes(b"no image")
        with begin(source, tmp_path / "out") as preparation:
            list(preparation.run())
            with pytest.raises(UnreadableFile, match="none of its images can be used"):
                preparation.finish()
        assert not (tmp_path / "out.unfinished").exists()

    def test_the_folder_that_one_is_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UsageError, match="name a new one"):
            check_output(Path(), IfExists.FAIL)

    def test_unfinished_work_of_another_source(self, photos: Path, tmp_path: Path) -> None:
        leave(photos, tmp_path / "out", 5)
        other = write_labelled_folder(tmp_path / "other", 3)
        with pytest.raises(OutputError, match="--restart"):
            begin(other, tmp_path / "out")

    def test_an_output_at_which_another_process_is_at_work(self, photos: Path, tmp_path: Path) -> None:
        pytest.importorskip("fcntl")
        with begin(photos, tmp_path / "out") as busy:
            with pytest.raises(OutputError, match="another process"):
                begin(photos, tmp_path / "out")
            list(busy.run())
            assert len(busy.finish()) == COUNT

    def test_an_output_that_appeared_meanwhile(self, photos: Path, tmp_path: Path) -> None:
        with begin(photos, tmp_path / "out") as preparation:
            list(preparation.run())
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "thesis.txt").write_text("mine")
            for if_exists in (IfExists.FAIL, IfExists.REPLACE):
                with pytest.raises(OutputError):
                    preparation.finish(if_exists)
        assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_a_link_stays_a_link(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    prepare(write_labelled_folder(tmp_path / "set", 2), tmp_path / "disk" / "real")
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "real")
    with begin(photos, tmp_path / "link") as preparation:
        list(preparation.run())
        assert len(preparation.finish(IfExists.REPLACE)) == COUNT
    assert (tmp_path / "link").is_symlink()
    assert len(Prepared.open(tmp_path / "disk" / "real")) == COUNT


def test_replace_swaps_the_folders(photos: Path, reference: Prepared, tmp_path: Path) -> None:
    prepare(write_labelled_folder(tmp_path / "set", 2), tmp_path / "out")
    with begin(photos, tmp_path / "out") as preparation:
        list(preparation.run())
        assert files(preparation.finish(IfExists.REPLACE).path) == files(reference.path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "set"]


def test_unfinished_work_under_other_names_is_damaged(photos: Path, tmp_path: Path) -> None:
    leave(photos, tmp_path / "out", 3)
    journal = tmp_path / "out.unfinished" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"Nikon", b"Mikon").replace(b"Canon", b"Kanon"))
    with pytest.raises(OutputError, match="holds unfinished work that is damaged; --restart throws it away"):
        begin(photos, tmp_path / "out")

"""`awbkit correct --compare` and `awbkit compare`: the right pictures side by side, and honest exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from awbkit.files.encoding import srgb_to_linear
from tests.helpers.before_after_page import ShownCard, read_page
from tests.helpers.command import CARD, DAYLIGHT, angle, awbkit, write_jpeg, write_raw, write_tiff
from tests.helpers.hostile_text import HOSTILE
from tests.helpers.pictures import TUNGSTEN

COOL = np.array([0.6, 0.8, 1.0])


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_jpeg(tmp_path / "in/a.jpg", scene)
    write_jpeg(tmp_path / "in/b.jpg", scene, COOL)
    write_tiff(tmp_path / "in/c.tif", scene)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def card_light(card: ShownCard, side: str) -> np.ndarray:
    """Linear RGB of the gray card in a preview."""
    picture = card.pictures[side]
    scale = picture.shape[1] / 128
    top, bottom, left, right = (round(scale * place) for place in (38, 58, 54, 74))
    return srgb_to_linear(picture[top:bottom, left:right] / 255).mean((0, 1))


def by_name(path: str) -> dict[str, ShownCard]:
    return {Path(card.name).name: card for card in read_page(Path(path)).cards}


class TestCorrect:
    @pytest.mark.slow
    def test_every_picture_is_there_before_and_after(self, folder: Path) -> None:
        ran = awbkit("correct", "in", "--region", CARD, "-d", "out", "--compare", "page.html")
        assert ran.code == 0
        assert ran.err.splitlines()[-1].startswith("awbkit: page.html: 3 pictures before and after")
        cards = by_name("page.html")
        assert list(cards) == ["a.jpg", "b.jpg", "c.tif"]
        for name, light in (("a.jpg", TUNGSTEN), ("b.jpg", COOL), ("c.tif", TUNGSTEN)):
            assert angle(card_light(cards[name], "before"), light) < 1
            assert angle(card_light(cards[name], "after"), (1, 1, 1)) < 1
            red, _, blue = light[1] / light
            stated = cards[name].words.partition("gains ")[2].split(", ")
            assert float(stated[0]) == pytest.approx(red, rel=0.02)
            assert float(stated[2].split()[0]) == pytest.approx(blue, rel=0.02)

    def test_a_raw_is_shown_as_shot(self, folder: Path, scene: np.ndarray) -> None:
        write_raw(folder / "r.dng", scene)
        ran = awbkit("correct", "r.dng", "--region", CARD, "-d", "out", "--compare", "page.html", "-q")
        assert (ran.code, ran.err) == (0, "")
        (card,) = read_page(Path("page.html")).cards
        assert "before, as shot" in card.words
        assert angle(card_light(card, "after"), (1, 1, 1)) < 1.5
        assert ran.record["illuminant"] == pytest.approx(list(DAYLIGHT / np.linalg.norm(DAYLIGHT)), abs=0.01)

    @pytest.mark.slow
    def test_workers_give_the_same_page(self, folder: Path) -> None:
        for jobs in (1, 2):
            ran = awbkit("correct", "in", "-d", f"out{jobs}", "--compare", f"{jobs}.html", "-j", jobs)
            assert ran.code == 0
        one, two = (Path(f"{jobs}.html").read_text() for jobs in (1, 2))
        assert one == two.replace("out2/", "out1/")

    def test_the_least_sure_come_first(self, folder: Path) -> None:
        ran = awbkit("correct", "in", "-d", "out", "--compare", "page.html")
        expected = {Path(record["path"]).name: record["expected_error"] for record in ran.records}
        assert list(by_name("page.html")) == sorted(expected, key=lambda name: -expected[name])

    @pytest.mark.slow
    def test_failures_are_counted_and_the_rest_is_shown(self, folder: Path) -> None:
        Path("in/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
        ran = awbkit("correct", "in", "-d", "out", "--compare", "page.html", "-j", 1)
        assert ran.code == 1
        page = read_page(Path("page.html"))
        assert len(page.cards) == 3
        assert "1 failed" in page.words
        assert "in/broken.jpg" in page.words

    def test_outputs_that_were_kept_are_shown_as_such(self, folder: Path) -> None:
        awbkit("correct", "in/a.jpg", "-d", "out")
        ran = awbkit("correct", "in", "-d", "out", "--if-exists", "skip", "--compare", "page.html")
        assert ran.code == 0
        cards = by_name("page.html")
        assert list(cards)[-1] == "a.jpg"
        assert "the output existed and was kept" in cards["a.jpg"].words
        assert set(cards["a.jpg"].pictures) == {"before", "after"}

    @pytest.mark.parametrize(
        ("options", "code", "complaint"),
        [
            (["--compare", "page.jpg"], 2, "--compare page.jpg: a page ends in .html; name it so"),
            (
                ["--compare", "old.html"],
                1,
                "old.html: the output exists already; --if-exists replace or skip settles it",
            ),
            (["--compare", "p.html", "--dry-run"], 2, "--dry-run writes none; leave one out"),
            (["--compare", "p.html", "--sidecar", "xmp"], 2, "--sidecar writes none; leave one out"),
        ],
    )
    def test_refusals_come_before_any_work(self, folder: Path, options: list[str], code: int, complaint: str) -> None:
        Path("old.html").write_text("mine")
        ran = awbkit("correct", "in", "-d", "out", *options)
        assert ran.code == code
        assert complaint in ran.complaint
        assert not Path("out").exists()
        assert Path("old.html").read_text() == "mine"

    def test_a_stream_is_refused(self, folder: Path) -> None:
        ran = awbkit("correct", "-", "-o", "x.jpg", "--compare", "p.html", stdin=Path("in/a.jpg").read_bytes())
        assert (ran.code, Path("x.jpg").exists()) == (2, False)
        assert "a stream can be read only once; name files" in ran.complaint

    @pytest.mark.slow
    def test_a_page_is_replaced_or_kept(self, folder: Path) -> None:
        Path("page.html").write_text("mine")
        kept = awbkit("correct", "in", "-d", "out", "--if-exists", "skip", "--compare", "page.html")
        assert (kept.code, Path("page.html").read_text()) == (0, "mine")
        assert "page.html exists and stays as it is" in kept.err
        assert awbkit("correct", "in", "-d", "out", "--if-exists", "replace", "--compare", "page.html").code == 0
        assert len(read_page(Path("page.html")).cards) == 3


class TestCompare:
    def test_two_folders(self, folder: Path) -> None:
        awbkit("correct", "in", "--region", CARD, "-d", "out")
        Path("out/c_awb.tif").unlink()
        ran = awbkit("compare", "in", "out", "-o", "page.html")
        assert ran.code == 0
        assert ran.err.splitlines() == [
            "awbkit: left out: 1 picture without a picture after (in/c.tif)",
            "awbkit: page.html: 2 pictures before and after",
        ]
        assert ran.out == ""
        cards = by_name("page.html")
        assert list(cards) == ["a.jpg", "b.jpg"]
        for name, light in (("a.jpg", TUNGSTEN), ("b.jpg", COOL)):
            assert angle(card_light(cards[name], "before"), light) < 1
            assert angle(card_light(cards[name], "after"), (1, 1, 1)) < 1

    def test_two_files_need_no_common_name(self, folder: Path) -> None:
        ran = awbkit("compare", "in/a.jpg", "in/b.jpg", "-o", "page.html", "-q")
        assert (ran.code, ran.err) == (0, "")
        (card,) = read_page(Path("page.html")).cards
        assert angle(card_light(card, "before"), TUNGSTEN) < 1
        assert angle(card_light(card, "after"), COOL) < 1

    def test_one_folder_with_both(self, folder: Path) -> None:
        awbkit("correct", "in/a.jpg", "--region", CARD)
        assert awbkit("compare", "in", "in", "-o", "page.html").code == 0
        (card,) = read_page(Path("page.html")).cards
        assert angle(card_light(card, "after"), (1, 1, 1)) < 1

    @pytest.mark.slow
    @pytest.mark.parametrize("command", ["estimate", "correct"])
    def test_records_give_the_lights_and_the_order(self, folder: Path, command: str) -> None:
        ran = awbkit(command, "in", *(["-d", "out"] if command == "correct" else []))
        if command == "estimate":
            awbkit("correct", "in", "-d", "out")
        rows = [{**record, "expected_error": error} for record, error in zip(ran.records, (2, 9, 4), strict=True)]
        rows[1] |= {"gains": [2.0, 1.0, 0.5]}
        Path("light.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        ran = awbkit("compare", folder / "in", "out", "--from", "light.jsonl", "-o", "page.html")
        assert (ran.code, ran.complaint) == (
            0,
            "awbkit: page.html: 3 pictures before and after, 1 uncertain (expected error over 5 degrees)",
        )
        cards = by_name("page.html")
        assert list(cards) == ["b.jpg", "c.tif", "a.jpg"]
        # The edited form counts.
        assert "gains 2.000, 1, 0.500" in cards["b.jpg"].words

    @pytest.mark.slow
    def test_pictures_without_a_record_are_counted(self, folder: Path) -> None:
        awbkit("correct", "in", "-d", "out")
        Path("light.csv").write_text("image,r,g,b\nin/a.jpg,1,1,1\n")
        ran = awbkit("compare", "in", "out", "--from", "light.csv", "-o", "page.html")
        assert ran.code == 0
        assert "--from light.csv has no record of 2 of 3 pictures, which are shown without a light" in ran.err

    def test_a_file_that_cannot_be_read_costs_its_own_card(self, folder: Path) -> None:
        awbkit("correct", "in", "-d", "out")
        Path("out/a_awb.jpg").write_bytes(b"")
        ran = awbkit("compare", "in", "out", "-o", "page.html")
        assert ran.code == 1
        assert "awbkit: out/a_awb.jpg: is empty; copy it again from its source" in ran.err.splitlines()
        page = read_page(Path("page.html"))
        assert len(page.cards) == 2
        assert "1 failed" in page.words

    @pytest.mark.parametrize(
        ("arguments", "code", "complaint"),
        [
            (["in", "nowhere", "-o", "p.html"], 1, "nowhere: no such file"),
            (["in", "other", "-o", "p.html"], 1, "no picture in in belongs to one in other by its name"),
            (["in/a.jpg", "in/a.jpg", "-o", "p.html"], 2, "are one file; name the corrected one second"),
            (["-", "in", "-o", "p.html"], 2, "reads files and folders, and not standard input"),
            (["in", "in", "-o", "p.png"], 2, "-o p.png: a page ends in .html"),
            (["in", "in", "-o", "old.html"], 1, "old.html: the output exists already"),
        ],
    )
    def test_refusals(self, folder: Path, arguments: list[str], code: int, complaint: str) -> None:
        Path("other").mkdir()
        Path("other/z.jpg").write_bytes(Path("in/a.jpg").read_bytes())
        Path("old.html").write_text("mine")
        ran = awbkit("compare", *arguments)
        assert ran.code == code
        assert complaint in ran.complaint
        assert not Path("p.html").exists()
        assert Path("old.html").read_text() == "mine"


@pytest.mark.slow
def test_hostile_file_names_cannot_act(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"{text}.jpg" for text in HOSTILE if "/" not in text and "\0" not in text]
    names.append("lone\udcffbyte.jpg")
    small = write_jpeg(tmp_path / "small.jpg", scene[:32, :32])
    for place in ("in", "out"):
        Path(place).mkdir()
        for name in names:
            Path(place, name).write_bytes(small.read_bytes())
    ran = awbkit("compare", "in", "out", "-o", "page.html", "-j", 1)
    assert ran.code == 0
    page = read_page(Path("page.html"))
    assert len(page.cards) == len(names)
    assert page.tags.count("script") == 2
    assert len({tuple(card.tags) for card in page.cards[:-1]}) == 1

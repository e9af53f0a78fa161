"""The page of an evaluation: self-contained, safe and reproducible, with correct pictures."""

from __future__ import annotations

import base64
import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import LinearImage
from awbkit.errors import OutputError, UsageError
from awbkit.evaluation.html.gallery import worst_images
from awbkit.evaluation.html.page import PageOptions, page, write_page
from awbkit.evaluation.html.rendering import canonical_white, data_uri, gray_card, render, srgb_matrix
from awbkit.evaluation.leaders import pairs_of, ranking
from awbkit.evaluation.result import GEOMETRIC_MEAN, Evaluation
from awbkit.files.encoding import srgb_to_linear
from awbkit.store.outputs import IfExists
from tests.helpers.evaluation_cases import CAMERA, MATRIX, evaluation, method_result, picture

pytestmark = pytest.mark.slow

VOID = {"meta", "img", "input", "br"}


class Reader(HTMLParser):
    """Elements in order, and whether all that opens is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def with_attribute(reader: Reader, name: str) -> Iterator[str]:
    return (attributes[name] for _, attributes in reader.elements if name in attributes)


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    text = page(evaluation(), picture, options=PageOptions(worst=3, gallery="each"))
    reader = read(text)
    names = list(with_attribute(reader, "id"))
    assert len(names) == len(set(names))
    assert all(source.startswith("data:image/jpeg;base64,") for source in with_attribute(reader, "src"))
    assert all(target.startswith("#") and target[1:] in names for target in with_attribute(reader, "href"))
    assert not re.search(r"@import|url\(|<link|<iframe|fetch\(|import\(", text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    pictures = [attributes for tag, attributes in reader.elements if tag == "img"]
    assert len(pictures) == 2 * 3 * 3
    assert all(attributes["alt"] for attributes in pictures)
    charts = [attributes for tag, attributes in reader.elements if tag == "svg" and attributes["class"] == "chart"]
    assert len(charts) > 10
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in charts)


def test_the_page_says_what_was_found() -> None:
    shown = evaluation(names=[f"n{index}" for index in range(40)])
    words = " ".join(read(page(shown, picture, options=PageOptions(worst=1))).words)
    first = next(s for s in shown.summaries if (s.method, s.group, s.metric) == ("good", "pooled", "recovery"))
    assert f"{first.values['mean']:.2f}" in words
    assert f"{0.9 * first.values['mean']:.2f}–{1.1 * first.values['mean']:.2f}" in words
    assert f"n{int(shown.methods[0].errors['recovery'].argmax())}" in words
    for expected in ("none: nothing was fitted.", "CC BY 4.0", "sha256:00ff", "1.2.3", "one / Canon", "p < 0.001"):
        assert expected in words


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; --></style><svg onload=alert(1)>",
    "]]></title>{{7*7}}${7*7}",
    "rtl\u202egnp.exe",
    "lone\udcffbyte",
    "new\nline\ttab\x00nul",
    "x" * 5000,
)


def test_foreign_names_cannot_act() -> None:
    names = [f"{name}{index}" for index, name in enumerate(HOSTILE * 2)]
    shown = evaluation(
        len(names),
        methods=HOSTILE[:3],
        cameras=((HOSTILE[0], HOSTILE[1]), (HOSTILE[2], HOSTILE[5])),
        names=names,
        failed=[2],
    )
    facts = {HOSTILE[0]: [HOSTILE[1], {HOSTILE[2]: None}], "list": [1, "a"]}
    failing = replace(shown.methods[2], failures={2: HOSTILE[0]})
    shown = replace(shown, facts=facts, title=HOSTILE[0], protocol=HOSTILE[1], methods=[*shown.methods[:2], failing])
    text = page(shown, picture, options=PageOptions(worst=16, gallery="each"))
    assert text.encode("utf-8")
    reader = read(text)
    assert sum(tag == "script" for tag, _ in reader.elements) == 1
    assert sum(tag == "style" for tag, _ in reader.elements) == 1
    assert not any(key.startswith("on") for _, attributes in reader.elements for key in attributes)
    assert "\u202e" not in text
    assert "\x00" not in text
    assert html.escape(names[0]) in text
    assert "lone\\u{dcff}byte" in text


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    """The order of the process's hashes does not matter."""
    program = (
        "import sys, hashlib; from tests.helpers.evaluation_cases import evaluation, picture;"
        "from awbkit.evaluation.html.page import page;"
        "sys.stdout.write(hashlib.sha256(page(evaluation(failed=[3]), picture).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop()) == 64


def test_thousands_of_images_make_a_small_page() -> None:
    cameras = [("intel-tau", "A"), ("intel-tau", "B"), ("intel-tau", "C"), ("cube-plus", "D"), ("gehler-shi", "E")]
    shown = evaluation(9280, methods=[f"method-{index}" for index in range(6)], cameras=cameras)
    text = page(shown, picture)
    assert len(text.encode()) < 3_000_000


def many_methods() -> Evaluation:
    return evaluation(12, methods=[f"m{index}" for index in range(12)], cameras=[("s", f"c{k}") for k in range(12)])


def no_estimates() -> Evaluation:
    return evaluation(5, methods=("silent",), expected=False, failed=range(5))


def no_intervals() -> Evaluation:
    shown = evaluation(2)
    nothing = (np.nan, np.nan)
    summaries = [replace(s, intervals=dict.fromkeys(s.values, nothing)) for s in shown.summaries]
    comparisons = [replace(c, interval=nothing, p_wilcoxon=np.nan) for c in shown.comparisons]
    stated = [replace(c, bins=[replace(each, interval=nothing) for each in c.bins]) for c in shown.calibrations]
    return replace(shown, summaries=summaries, comparisons=comparisons, calibrations=stated)


def perfect_estimates() -> Evaluation:
    shown = evaluation(8)
    exact = [method_result(each.method, shown.truth.illuminants, shown.truth) for each in shown.methods]
    return replace(shown, methods=exact, calibrations=[])


def no_summaries() -> Evaluation:
    return replace(evaluation(3), summaries=[], comparisons=[], calibrations=[], facts={})


@pytest.mark.parametrize(
    "case",
    [
        lambda: evaluation(1),
        lambda: evaluation(methods=("only",)),
        lambda: evaluation(cameras=(("", ""),)),
        many_methods,
        no_estimates,
        no_intervals,
        perfect_estimates,
        no_summaries,
    ],
)
@pytest.mark.parametrize("images", [picture, None])
def test_unusual_evaluations_are_shown(case: object, images: object) -> None:
    shown = case()  # type: ignore[operator]
    text = page(shown, images, options=PageOptions(worst=2))  # type: ignore[arg-type]
    assert not any("nan" in chart for chart in re.findall("<svg.*?</svg>", text, re.DOTALL))
    reader = read(text)
    assert "nan" not in re.findall(r"[a-z]+", " ".join(reader.words[reader.words.index("Results") :]).split('"use')[0])


def test_without_images_there_is_no_gallery() -> None:
    words = read(page(evaluation())).words
    assert "The worst" not in words
    assert "not known" in words


def test_failures_are_counted_and_named() -> None:
    words = " ".join(read(page(evaluation(failed=[4, 9]), picture)).words)
    assert "2 missing estimates" in words
    assert "no estimate for 2 images" in words
    assert "image_0009" in words
    assert "no valid pixels" in words
    long = " ".join(read(page(evaluation(50, failed=range(50)))).words)
    assert "and 30 more" in long


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: PageOptions(worst=-1), "a gallery cannot show -1 images"),
        (lambda: page(replace(evaluation(), methods=[])), "without images or methods"),
    ],
)
def test_what_cannot_be_shown_is_refused(act: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        act()  # type: ignore[operator]


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    shown, path = evaluation(4), tmp_path / "new" / "report.html"
    assert write_page(path, shown, picture)
    text = path.read_text(encoding="utf-8")
    assert text == page(shown, picture)
    with pytest.raises(OutputError, match="exists already"):
        write_page(path, shown)
    assert not write_page(path, shown, if_exists=IfExists.SKIP)
    assert path.read_text(encoding="utf-8") == text
    assert write_page(path, shown, if_exists=IfExists.REPLACE)
    assert path.read_text(encoding="utf-8") == page(shown)
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not a regular file"):
        write_page(tmp_path, evaluation(2), if_exists=IfExists.REPLACE)


def test_the_worst_come_first() -> None:
    method = evaluation().methods[1]
    order = worst_images(method, 5)
    errors = method.errors["recovery"]
    assert errors[order].tolist() == sorted(errors.tolist(), reverse=True)[:5]
    assert worst_images(method, 999) == worst_images(method, 40)


def test_the_leader_is_that_of_the_geometric_mean() -> None:
    shown = evaluation()
    assert ranking(shown) == ("pooled", ["good", "bad"])
    pooled = [s for s in shown.summaries if s.group == "pooled" and s.metric == "recovery"]
    means = {"good": 2.0, "bad": 1.0}
    geometric = [replace(s, group=GEOMETRIC_MEAN, values={**s.values, "mean": means[s.method]}) for s in pooled]
    shown = replace(shown, summaries=[*shown.summaries, *geometric])
    assert ranking(shown) == (GEOMETRIC_MEAN, ["bad", "good"])
    # Pooled, the leader has the higher mean, and the head of the page must not claim otherwise.
    assert re.search(r"bad</b> has the lowest mean.*pooled it is [\d.]+° above good", page(shown))


def test_the_pairs_obey_the_switches_of_the_page() -> None:
    shown = evaluation(methods=("good", "fair", "bad"))
    text = page(shown)
    section = text[text.index('<section id="pairs">') :].partition("</section>")[0]
    # A table for each error, which the switch of the error shows; each in a part that the methods' boxes reach.
    for at, metric in enumerate(("recovery", "reproduction")):
        part = re.split(r'<div class="several" data-metric="\d">', section)[at + 1]
        assert f"Row minus column, mean {metric} error" in part
        for place, group in enumerate(("pooled", "one / Canon", "two / Nikon")):
            table = re.split(r'<div data-pair="\d">', part)[place + 1]
            difference = pairs_of(shown, group, metric)["good", "bad"].difference
            assert f"<b>−{-difference:.2f}</b>" in table
            rows = re.findall(r'<tr class="m(\d)">(.*?)</tr>', table)
            assert [row for row, _ in rows] == ["0", "1", "2"]
            for _, cells in rows:
                assert re.findall(r'<td class="m(\d)', cells) == ["0", "1", "2"]
    for index in range(3):
        assert f"body:has(#show-{index}:not(:checked)) .several .m{index}{{display:none}}" in text


def test_pairs_turn_round() -> None:
    shown = evaluation()
    pairs = pairs_of(shown, "pooled")
    given, turned = pairs["good", "bad"], pairs["bad", "good"]
    assert given in shown.comparisons
    assert turned.difference == -given.difference
    assert turned.interval == (-given.interval[1], -given.interval[0])
    assert turned.wins == pytest.approx(1 - given.wins)
    assert pairs_of(shown, "elsewhere") == {}


PATCHES = np.array([[0.8, 0.8, 0.8], [0.4, 0.1, 0.1], [0.1, 0.35, 0.2], [0.1, 0.15, 0.5], [0.3, 0.3, 0.3]])
"""Linear sRGB."""


def scene(light: tuple[float, float, float]) -> LinearImage:
    """The patches in camera RGB under a light with this camera RGB, by von Kries from D65."""
    to_xyz = np.linalg.inv(LINEAR_SRGB.xyz_to_rgb())  # type: ignore[arg-type]
    under_d65 = PATCHES @ (np.array(MATRIX) @ to_xyz).T
    white = np.array(CAMERA.white_d65)
    pixels = under_d65 / white * np.array(light) * 0.5
    return LinearImage.from_array(np.tile(pixels, (64, 13, 1))[:, :64], camera=CAMERA)


@pytest.mark.parametrize("light", [(0.9, 1.0, 0.4), (0.4, 1.0, 0.8), (0.6, 1.0, 0.6)])
def test_balanced_for_the_truth_the_colours_are_those_of_the_scene(light: tuple[float, float, float]) -> None:
    (shown,) = render(scene(light), [light], light)
    linear = srgb_to_linear(shown[0, :5] / 255)
    assert linear / linear[0, 1] == pytest.approx(PATCHES / 0.8, abs=0.01)


def test_a_wrong_estimate_shows_its_cast_and_the_gray_card_has_it() -> None:
    light, estimate = (0.7, 1.0, 0.6), (0.9, 1.0, 0.5)
    before, after, truth = render(scene(light), [canonical_white(CAMERA), estimate, light], light)
    for shown, balance in ((after, estimate), (truth, light)):
        patch = srgb_to_linear(shown[0, 4] / 255)
        card = srgb_to_linear(np.array(gray_card(light, balance, CAMERA)) / 255)
        assert patch / patch.sum() == pytest.approx(card / card.sum(), abs=0.01)
    assert np.ptp(truth[0, 4].astype(int)) <= 1
    assert after[0, 4, 2] > after[0, 4, 0]
    assert not np.array_equal(before, truth)


def test_without_a_matrix_only_gains_are_applied() -> None:
    camera = Camera("unknown")
    assert canonical_white(camera) == (1.0, 1.0, 1.0)
    assert np.array_equal(srgb_matrix(camera), np.eye(3))
    pixels = np.full((8, 8, 3), (0.3, 0.6, 0.15))
    before, after = render(LinearImage.from_array(pixels, camera=camera), [(1, 1, 1), (0.5, 1, 0.25)], (0.5, 1, 0.25))
    assert np.ptp(after.astype(int), axis=2).max() == 0
    assert (before[..., 1] > before[..., 0]).all()


@pytest.mark.parametrize("light", [(0.4, 1.0, 0.6), (1.4, 1.0, 0.3)])
def test_what_clips_is_white_under_every_light(light: tuple[float, float, float]) -> None:
    pixels = np.full((16, 16, 3), 0.1)
    pixels[:2] = 1.0
    (shown,) = render(LinearImage.from_array(pixels, camera=CAMERA), [light], light)
    assert np.ptp(shown[0].astype(int), axis=1).max() <= 1
    assert shown[0].min() > 200


def test_cells_that_hold_nothing_are_gray_and_as_bright_as_their_surroundings() -> None:
    pixels = np.concatenate([np.full((32, 64, 3), 0.02), np.full((32, 64, 3), 0.5)])
    pixels[4:20, 10:30] = 0
    pixels[40:50, 5:20] = 0
    (shown,) = render(LinearImage.from_array(pixels), [(1, 1, 1)], (1, 1, 1))
    assert np.array_equal(shown[10, 20], shown[0, 0])
    assert np.array_equal(shown[45, 10], shown[63, 63])
    nothing = LinearImage.from_array(np.zeros((64, 64, 3)))
    assert not render(nothing, [(1, 1, 1)], (1, 1, 1))[0].any()


def test_pictures_in_the_page_are_jpegs() -> None:
    pixels = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    head, code = data_uri(pixels).split(",")
    assert head == "data:image/jpeg;base64"
    decoded = simplejpeg.decode_jpeg(base64.b64decode(code))
    assert abs(decoded.astype(int) - pixels).max() < 12

"""The page: the least sure first, hostile names harmless, written whole or not at all."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from awbkit.before_after.card import temperature_text
from awbkit.before_after.exhibit import Exhibit
from awbkit.before_after.page import open_draft
from awbkit.before_after.plane import place_of
from awbkit.before_after.preview import Preview, PreviewSize
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant, angular_error
from awbkit.colour.temperature import cct_duv_to_xy
from awbkit.errors import OutputError
from awbkit.html.frame import resource
from awbkit.records import light_of_cct
from awbkit.store.outputs import IfExists
from tests.helpers.before_after_page import ShownPage, read_page
from tests.helpers.hostile_text import HOSTILE
from tests.helpers.raw_files import CAMERA


def preview(level: int) -> Preview:
    return Preview(simplejpeg.encode_jpeg(np.full((20, 30, 3), level, np.uint8)), 30, 20)


def exhibit(name: str, expected: float | None, rgb: tuple[float, float, float] = (1.2, 1, 0.6)) -> Exhibit:
    light = Illuminant.of(rgb, LINEAR_SRGB, expected_error=expected)
    place = place_of(light)
    return Exhibit(Path(name), Path(f"out/{name}"), preview(90), preview(180), (30, 20), False, light, place, "awbnet")


def shown(folder: Path, exhibits: list[Exhibit], failures: dict[str, str] | None = None) -> ShownPage:
    path = folder / "page.html"
    with open_draft(PreviewSize.of(len(exhibits))) as draft:
        for each in exhibits:
            draft.add(each)
        for name, reason in (failures or {}).items():
            draft.add_failure(name, reason)
        assert draft.write(path, IfExists.FAIL)
    return read_page(path)


def test_the_least_sure_come_first(tmp_path: Path) -> None:
    errors = {"a": 1.0, "b": None, "c": 7.0, "d": 15.0, "e": 5.0, "f": None, "g": 7.0}
    page = shown(tmp_path, [exhibit(name, error) for name, error in errors.items()])
    assert [card.name for card in page.cards] == ["d", "c", "g", "e", "a", "b", "f"]
    assert [card.name for card in page.cards if "unsure" in card.classes] == ["d", "c", "g"]
    assert "7 pictures. 3 are uncertain: expected error over 5°." in page.words
    assert "2 without an expected error come last." in page.words
    assert "≥ 15° expected error" in page.cards[0].words.replace("  ", " ")
    assert len(re.findall(r'href="#p\d', page.text)) == 7
    assert len({card.anchor for card in page.cards}) == 7
    assert all(f'href="#{card.anchor}"' in page.text for card in page.cards)


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([2.0], "1 picture. None are uncertain"),
        ([6.0], "1 picture. 1 is uncertain"),
        ([None, None], "2 pictures. None has an expected error"),
        ([], "0 pictures."),
    ],
)
def test_the_count_is_in_words(errors: list[float | None], words: str, tmp_path: Path) -> None:
    page = shown(tmp_path, [exhibit(f"{number}.jpg", error) for number, error in enumerate(errors)])
    assert words in page.words


def test_each_card_has_its_own_pictures(tmp_path: Path) -> None:
    (card,) = shown(tmp_path, [exhibit("a.jpg", 2.0)]).cards
    assert abs(card.pictures["before"].mean() - 90) < 2
    assert abs(card.pictures["after"].mean() - 180) < 2
    assert "input" in card.tags
    for fact in ("2.0°", "by awbnet", "gains 0.833, 1, 1.667", "out/a.jpg"):
        assert fact in card.words


def test_a_missing_picture_is_said(tmp_path: Path) -> None:
    lone = Exhibit(Path("a.jpg"), Path("b.jpg"), preview(90), remarks=("no preview after: b.jpg: is empty",))
    (card,) = shown(tmp_path, [lone]).cards
    assert "no picture" in card.words
    assert "b.jpg: is empty" in card.words
    assert "input" not in card.tags


@pytest.mark.slow
def test_hostile_names_cannot_act(tmp_path: Path) -> None:
    plain = shown(tmp_path, [exhibit("x", 2.0)] * len(HOSTILE), {"x": "failed"})
    (tmp_path / "page.html").unlink()
    exhibits = [
        Exhibit(Path(text), Path(text), preview(1), preview(2), remarks=(text,), method=text, light=each.light)
        for text, each in ((text, exhibit("x", 2.0)) for text in HOSTILE)
    ]
    exhibits = [Exhibit(**{**vars(each), "place": place_of(each.light)}) for each in exhibits if each.light]
    hostile = shown(tmp_path, exhibits, {HOSTILE[7]: HOSTILE[8]})
    assert len(hostile.cards) == len(HOSTILE)
    for card, other in zip(hostile.cards, plain.cards, strict=True):
        # The remark is the one element more.
        assert sorted(card.tags) == sorted([*other.tags, "p"])
    assert hostile.tags.count("script") == plain.tags.count("script") == 2


def test_the_page_needs_nothing_else() -> None:
    for name in ("page.css", "page.js"):
        assert not re.search(r"@import|url\(|fetch\(|import\(|https?:", resource("awbkit.before_after", name))


def test_failures_are_listed(tmp_path: Path) -> None:
    page = shown(tmp_path, [exhibit("a", 1.0)], {f"{number}.jpg": "is empty" for number in range(300)})
    assert "300 failed" in page.words
    assert "and 100 more" in page.words
    assert "199.jpg" in page.words
    assert "200.jpg" not in page.words


def test_an_existing_page_is_kept_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("mine")
    with open_draft(PreviewSize.of(1)) as draft:
        draft.add(exhibit("a", 1.0))
        with pytest.raises(OutputError, match="exists already"):
            draft.write(path, IfExists.FAIL)
        assert not draft.write(path, IfExists.SKIP)
        assert path.read_text() == "mine"
        assert draft.write(path, IfExists.REPLACE)
    assert len(read_page(path).cards) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


class TestPlane:
    def uv(self, x: float, y: float) -> tuple[float, float]:
        return 4 * x / (-2 * x + 12 * y + 3), 9 * y / (-2 * x + 12 * y + 3)

    @pytest.mark.parametrize("camera", [LINEAR_SRGB, CAMERA])
    @pytest.mark.parametrize("cct", [2700, 4000, 6504, 9000])
    def test_a_light_has_its_place_in_any_camera(self, camera: Camera, cct: float) -> None:
        place = place_of(light_of_cct(cct, 0.0, camera))
        assert place is not None
        assert place.point == pytest.approx(self.uv(*cct_duv_to_xy(cct)), abs=1e-4)
        assert place.ring == ()

    def test_the_ring_is_the_expected_error_away(self) -> None:
        light = Illuminant.of((0.5, 1, 0.7), CAMERA, expected_error=3.0)
        place = place_of(light)
        assert place is not None
        for u, v in place.ring:
            x, y = 9 * u / (6 * u - 16 * v + 12), 4 * v / (6 * u - 16 * v + 12)
            rgb = CAMERA.xyz_to_rgb() @ [x / y, 1, (1 - x - y) / y]  # type: ignore[operator]
            assert angular_error(rgb, light.rgb) == pytest.approx(3.0, abs=0.01)
        centre = np.mean(place.ring, axis=0)
        assert math.dist(centre, place.point) < 0.01

    def test_a_camera_without_a_matrix_has_no_plane(self) -> None:
        assert place_of(Illuminant.of((0.5, 1, 0.7), Camera("unknown"), expected_error=3.0)) is None


@pytest.mark.parametrize(
    ("cct", "duv", "text"),
    [
        (2912.4, 0.0021, "2,912 K, Duv +0.002"),
        (5000, -0.0123, "5,000 K, Duv −0.012"),
        (44_495, 0.0, "over 25,000 K, Duv +0.000"),
        (5000, 0.04, "5,000 K, Duv +0.040, far on the green side"),
        (5000, -0.04, "5,000 K, Duv −0.040, far on the magenta side"),
    ],
)
def test_temperatures_do_not_mislead(cct: float, duv: float, text: str) -> None:
    assert temperature_text(light_of_cct(cct, duv, LINEAR_SRGB)).replace("−0.000", "+0.000") == text


def test_lights_without_a_temperature_say_why() -> None:
    assert temperature_text(Illuminant.of((1, 1, 1), Camera("x"))) == "the camera has no known matrix"
    assert temperature_text(Illuminant.of((0.001, 1, 0.001))) == "off the scale of colour temperatures"

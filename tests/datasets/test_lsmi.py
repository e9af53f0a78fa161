"""LSMI on small copies of its layout, with lights and shares that the tests choose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.colour_chart import ColourChart
from awbkit.datasets.layout import parse
from awbkit.datasets.spread import angular_spread
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.source import Source
from tests.helpers.dataset_files_c import list_samples, load_examples, prepare, reasons, zip_folder
from tests.helpers.raw_files import MATRIX, RGGB, mosaic, write_dng

HEIGHT, WIDTH = 384, 512
LIGHTS = {"1": (0.45, 1.0, 0.7), "2": (0.9, 1.0, 0.35), "3": (0.6, 1.0, 0.95)}
CHARTS = {
    "mcc1": [[40, 40], [120, 36], [124, 92], [36, 96]],
    "mcc2": [[400, 40], [470, 40], [470, 90], [400, 90]],
    "mcc3": [[200, 300], [280, 300], [280, 356], [200, 356]],
}
GREYS = (0.85, 0.6, 0.37, 0.2, 0.1, 0.04)
SUFFIX = {"galaxy": "dng", "nikon": "nef", "sony": "arw"}


def amounts() -> dict[str, np.ndarray]:
    """The strength of each light at each pixel: one comes from the left, one from the right, one from above."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    right = x / WIDTH
    return {"1": 0.42 * (1 - right) + 0.02, "2": 0.42 * right + 0.02, "3": 0.3 * (1 - y / HEIGHT)}


def reflectances(seed: int = 1, colourful: bool = False) -> np.ndarray:
    """Patches of 16 x 16 pixels, all grey or not, with the charts' greys in their places."""
    patches = np.random.default_rng(seed).uniform(0.1, 0.8, (HEIGHT // 16, WIDTH // 16, 3))
    if not colourful:
        patches[...] = patches[..., :1]
    surface = np.kron(patches, np.ones((16, 16, 1)))
    for corners in CHARTS.values():
        chart = ColourChart.of(corners)
        surface[chart.mask(HEIGHT, WIDTH)] = 0.3, 0.5, 0.1
        for grey, (rows, columns) in zip(GREYS, chart.greys(HEIGHT, WIDTH), strict=True):
            for row in range(-3, 4):
                for column in range(-3, 4):
                    surface[rows + row, columns + column] = grey
    return surface


def picture(lights: str, surface: np.ndarray) -> np.ndarray:
    """Linear camera RGB under the lights that are on."""
    return sum((amounts()[number][..., None] * np.array(LIGHTS[number]) * surface for number in lights), np.zeros(3))


def write_place(
    root: Path,
    camera: str,
    place: str,
    on: tuple[str, ...],
    surface: np.ndarray,
    change: Callable[[np.ndarray], None] | None = None,
) -> None:
    folder = root / camera / place
    folder.mkdir(parents=True, exist_ok=True)
    for lights in on:
        rgb = picture(lights, surface)
        if change is not None:
            change(rgb)
        samples = mosaic(rgb, RGGB, black=512, white=16383)
        make, model = ("NIKON CORPORATION", "NIKON D810") if camera == "nikon" else ("SONY", "ILCE-9")
        if camera == "galaxy":
            make, model = "samsung", "SM-N986N"
        write_dng(
            folder / f"{place}_{lights}.{SUFFIX[camera]}",
            *(samples, RGGB),
            **{"black": 512, "white": 16383, "make": make, "model": model},
            matrix=MATRIX if camera == "galaxy" else None,
        )
        (folder / f"{place}_{lights}.jpg").write_bytes(b"a preview that nobody reads")


def entry(count: int, *, lights: bool = True, **changes: Any) -> dict[str, Any]:
    known = {f"Light{number}": list(LIGHTS[number]) for number in "123"[:count]} if lights else {}
    return {"NumOfLights": count, "MCCCoord": CHARTS, **known, **changes}


def write_tables(root: Path, camera: str, meta: dict[str, Any], split: dict[str, list[str]] | None = None) -> None:
    (root / camera).mkdir(parents=True, exist_ok=True)
    (root / camera / "meta.json").write_text(json.dumps(meta))
    if split is not None:
        (root / camera / "split.json").write_text(json.dumps(split))


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lsmi") / "LSMI"
    surface = reflectances()
    write_place(root, "galaxy", "Place1", ("1", "12"), surface)
    write_place(root, "nikon", "Place7", ("1", "12", "13", "123"), surface)
    write_tables(root, "galaxy", {"Place1": entry(2)}, {"two_illum_train": ["Place1"], "two_illum_val": []})
    write_tables(root, "nikon", {"Place7": entry(3)}, {"three_illum_test": ["Place7"]})
    return root


def true_light(lights: str, cells: int = 64) -> np.ndarray:
    """The light in each cell (64, 64, 3), green = 1."""
    total = sum((amounts()[number][..., None] * np.array(LIGHTS[number]) for number in lights), np.zeros(3))
    mean = total.reshape(cells, HEIGHT // cells, cells, WIDTH // cells, 3).mean(axis=(1, 3))
    return np.asarray(mean / mean[..., 1:2])


def test_samples(download: Path) -> None:
    samples = list_samples(parse("lsmi"), Source.open(download))
    assert list(samples) == [
        *("galaxy/Place1_1", "galaxy/Place1_12"),
        *("nikon/Place7_1", "nikon/Place7_12", "nikon/Place7_13", "nikon/Place7_123"),
    ]
    assert {sample.scene for sample in samples.values()} == {"galaxy/Place1", "nikon/Place7"}
    assert [sample.fold for sample in samples.values()] == ["train"] * 2 + ["test"] * 4
    assert [len(sample.files) for sample in samples.values()] == [1, 2, 1, 2, 2, 4]
    assert samples["galaxy/Place1_1"].camera == "Samsung Galaxy Note20 Ultra"


@pytest.mark.parametrize("image", ["galaxy/Place1_12", "nikon/Place7_12", "nikon/Place7_13", "nikon/Place7_123"])
def test_the_light_in_every_cell(download: Path, image: str) -> None:
    layout, source = parse("lsmi"), Source.open(download)
    example = layout.load(source, list_samples(layout, source)[image])
    lights = image.rpartition("_")[2]
    assert example.light_map is not None
    known = example.light_map.known
    assert (known == example.image.valid).all()
    assert known.mean() > 0.85
    expected = true_light(lights)[known]
    np.testing.assert_allclose(example.light_map.rgb[known][:, ::2], expected[:, (0, 2)], rtol=0.02)
    assert angular_error(example.light_map.mean().rgb, example.illuminant) < 1e-4
    # On grey surfaces the weighted mean of the lights is the mean of the picture.
    mean = example.image.pixels[known].mean(axis=0)
    assert angular_error(example.illuminant, mean.tolist()) < 0.2
    assert example.spread == pytest.approx(angular_spread(np.log(expected[:, (0, 2)])), abs=0.1)
    assert example.spread > 2


def test_one_light_alone(download: Path) -> None:
    layout, source = parse("lsmi"), Source.open(download)
    example = layout.load(source, list_samples(layout, source)["nikon/Place7_1"])
    assert angular_error(example.illuminant, LIGHTS["1"]) < 1e-3
    assert example.spread == 0
    assert example.light_map is None


def test_colours_of_surfaces_do_not_matter(tmp_path: Path) -> None:
    write_place(tmp_path, "sony", "Place2", ("1", "12"), reflectances(5, colourful=True))
    write_tables(tmp_path, "sony", {"Place2": entry(2)})
    example = load_examples(parse("lsmi"), Source.open(tmp_path))["sony/Place2_12"]
    assert example.light_map is not None
    known = example.light_map.known
    np.testing.assert_allclose(example.light_map.rgb[known][:, ::2], true_light("12")[known][:, (0, 2)], rtol=0.03)


@pytest.mark.slow
def test_lights_that_meta_json_lacks_are_read_off_the_charts(tmp_path: Path) -> None:
    write_place(tmp_path, "sony", "Place2", ("1", "12", "13", "123"), reflectances(5, colourful=True))
    write_tables(tmp_path, "sony", {"Place2": entry(3, lights=False)})
    examples = load_examples(parse("lsmi"), Source.open(tmp_path))
    assert angular_error(examples["sony/Place2_1"].illuminant, LIGHTS["1"]) < 0.3
    for lights in ("12", "13", "123"):
        local = examples[f"sony/Place2_{lights}"].light_map
        assert local is not None
        known = local.known
        np.testing.assert_allclose(local.rgb[known][:, ::2], true_light(lights)[known][:, (0, 2)], rtol=0.05)


def test_charts_and_what_is_clipped_in_any_picture_are_masked(tmp_path: Path) -> None:
    def clip(rgb: np.ndarray) -> None:
        rgb[200:232, 200:232] = 1.0

    write_place(tmp_path, "sony", "Place2", ("1",), reflectances(), clip)
    write_place(tmp_path, "sony", "Place2", ("12",), reflectances())
    write_tables(tmp_path, "sony", {"Place2": entry(2)})
    valid = load_examples(parse("lsmi"), Source.open(tmp_path))["sony/Place2_12"].image.valid
    # A cell is 6 x 8 pixels.
    assert not valid[34:38, 26:28].any()
    for corners in CHARTS.values():
        (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
        assert not valid[top // 6 + 2 : bottom // 6 - 1, left // 8 + 2 : right // 8 - 1].any()
    assert valid[20:32].all()


@pytest.mark.slow
def test_an_archive_is_the_same_as_a_folder(download: Path, tmp_path: Path) -> None:
    for camera in ("galaxy", "nikon"):
        zip_folder(download / camera, tmp_path / f"{camera}.zip")
    layout = parse("lsmi")
    packed, plain = load_examples(layout, Source.open(tmp_path)), load_examples(layout, Source.open(download))
    assert list(packed) == list(plain)
    for name, example in packed.items():
        assert np.array_equal(example.image.pixels, plain[name].image.pixels)
        assert example.illuminant == plain[name].illuminant


def test_prepares_with_matrices_and_local_lights(download: Path, tmp_path: Path) -> None:
    done = prepare(parse("lsmi"), Source.open(download), tmp_path / "out")
    assert done.light_map(0) is None
    light = done.light_map(1)
    assert light is not None
    assert light.known[done.valid[1]].all()
    assert light.camera == done.cameras["Samsung Galaxy Note20 Ultra"]
    np.testing.assert_allclose(done.cameras["Samsung Galaxy Note20 Ultra"].xyz_to_rgb(), MATRIX, atol=1e-4)
    assert done.cameras["Nikon D810"].white_d65 is not None


@pytest.mark.parametrize(
    ("meta", "on", "reason"),
    [
        ({}, ("1", "12"), "says nothing of Place2"),
        ({"Place2": 3}, ("1", "12"), "says nothing of Place2"),
        ({"Place2": entry(2)}, ("12",), "without Place2_1"),
        ({"Place2": entry(3)}, ("1", "123"), "without Place2_12 and Place2_13"),
        ({"Place2": entry(2, MCCCoord=None)}, ("1",), "make no sense"),
        ({"Place2": {"NumOfLights": 2}}, ("1",), "make no sense"),
        ({"Place2": entry(2, MCCCoord={"mcc1": [[1, 2], [3, 4]]})}, ("1",), "four corners"),
        ({"Place2": entry(2, MCCCoord={"mcc1": [[1, 1], [9, 9], [9, 1], [1, 9]]})}, ("1",), "convex"),
        ({"Place2": entry(2, Light1=[0, 1, 1])}, ("1",), "make no sense"),
        ({"Place2": entry(2, Light1="warm")}, ("1",), "make no sense"),
    ],
)
def test_skips_with_a_reason(tmp_path: Path, meta: dict[str, Any], on: tuple[str, ...], reason: str) -> None:
    write_tables(tmp_path, "sony", meta)
    for lights in on:
        (tmp_path / "sony" / f"Place2_{lights}.arw").write_bytes(b"never read")
    why = reasons(parse("lsmi"), Source.open(tmp_path))[f"sony/Place2_{on[-1]}"]
    assert reason in why
    assert "\n" not in why


class TestRefuses:
    def place(self, tmp_path: Path, **changes: Any) -> Path:
        write_place(tmp_path, "sony", "Place2", ("1", "12"), reflectances())
        write_tables(tmp_path, "sony", {"Place2": entry(2, **changes)})
        return tmp_path / "sony" / "Place2"

    def load(self, tmp_path: Path) -> None:
        layout, source = parse("lsmi"), Source.open(tmp_path)
        layout.load(source, list_samples(layout, source)["sony/Place2_12"])

    def test_a_folder_of_another_set(self, tmp_path: Path) -> None:
        (tmp_path / "Place2_12.tiff").write_bytes(b"made by a script")
        with pytest.raises(UnreadableFile, match="raw files"):
            list(parse("lsmi").samples(Source.open(tmp_path)))

    @pytest.mark.slow
    @pytest.mark.parametrize("text", ["{", "[1, 2]", ""])
    def test_damaged_tables(self, tmp_path: Path, text: str) -> None:
        self.place(tmp_path)
        (tmp_path / "sony" / "meta.json").write_text(text)
        with pytest.raises(UnreadableFile, match=r"meta\.json"):
            list(parse("lsmi").samples(Source.open(tmp_path)))

    @pytest.mark.parametrize("listed", ["Place2", 1.5, None])
    def test_folds_that_are_no_lists(self, tmp_path: Path, listed: object) -> None:
        self.place(tmp_path)
        (tmp_path / "sony" / "split.json").write_text(json.dumps({"two_illum_train": listed}))
        with pytest.raises(UnreadableFile, match=r"split\.json: is not a table of lists of places"):
            list(parse("lsmi").samples(Source.open(tmp_path)))

    def test_pictures_of_other_sizes(self, tmp_path: Path) -> None:
        folder = self.place(tmp_path)
        write_dng(folder / "Place2_1.arw", np.full((96, 128), 900, np.uint16))
        with pytest.raises(UnsupportedImage, match="another size"):
            self.load(tmp_path)

    def test_pictures_of_other_exposures(self, tmp_path: Path) -> None:
        folder = self.place(tmp_path)
        (folder / "Place2_12.arw").write_bytes((folder / "Place2_1.arw").read_bytes())
        with pytest.raises(UnsupportedImage, match="different exposures"):
            self.load(tmp_path)

    def test_lights_of_unknown_colour(self, tmp_path: Path) -> None:
        self.place(tmp_path, lights=False, MCCCoord={"mcc1": [[0, 0]] * 4})
        with pytest.raises(UnsupportedImage, match=r"light 1 is not in meta\.json"):
            self.load(tmp_path)

    def test_what_is_no_raw_file(self, tmp_path: Path) -> None:
        folder = self.place(tmp_path)
        (folder / "Place2_1.arw").write_bytes(b"no raw file")
        with pytest.raises(UnreadableFile, match=r"Place2_1\.arw"):
            self.load(tmp_path)


class TestColourChart:
    def test_covers_its_pixels(self) -> None:
        mask = ColourChart.of([[10, 5], [19, 5], [19, 8], [10, 8]]).mask(20, 30)
        assert mask.sum() == 40
        assert mask[5:9, 10:20].all()

    @given(st.integers(0, 3), st.booleans())
    def test_is_covered_whichever_corner_comes_first(self, first: int, backwards: bool) -> None:
        corners = [[10.0, 5.0], [22.0, 7.0], [20.0, 16.0], [8.0, 14.0]]
        turned = corners[first:] + corners[:first]
        chart = ColourChart.of(turned[::-1] if backwards else turned)
        assert np.array_equal(chart.mask(24, 30), ColourChart.of(corners).mask(24, 30))

    def test_greys_in_their_places(self) -> None:
        greys = ColourChart.of([[0, 0], [335, 0], [335, 225], [0, 225]]).greys(225, 335)
        centres = [(rows.mean(), columns.mean()) for rows, columns in greys]
        np.testing.assert_allclose(centres, [(195, 30 + 55 * column) for column in range(6)], atol=0.6)

    def test_greys_out_of_the_picture_are_left_out(self) -> None:
        greys = ColourChart.of([[0, 0], [335, 0], [335, 225], [0, 225]]).greys(100, 335)
        assert all(len(rows) == 0 for rows, _ in greys)

    @pytest.mark.parametrize(
        "corners",
        [
            [[0, 0], [1, 0], [1, 1]],
            [[0, 0], [1, 1], [1, 0], [0, 1]],
            [[0, 0], [1, 0], [2, 0], [3, 0]],
            [[0, 0], [1, 0], [1, float("nan")], [0, 1]],
        ],
    )
    def test_refuses(self, corners: list[list[float]]) -> None:
        with pytest.raises(UsageError, match="corners"):
            ColourChart.of(corners)


def test_spread_of_two_lights_is_the_angle_between_them() -> None:
    warm, cold = np.array([0.9, 1, 0.35]), np.array([0.45, 1, 0.7])
    chroma = np.log(np.repeat([warm, cold], 50, axis=0)[:, (0, 2)])
    assert angular_spread(chroma) == pytest.approx(angular_error(warm.tolist(), cold.tolist()))
    assert angular_spread(chroma[:50]) == pytest.approx(0, abs=1e-6)
    assert angular_spread(chroma[:1]) == 0

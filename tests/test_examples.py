"""The example pictures: what is committed, and that the script still makes them."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
import rawpy
import tifffile
from PIL import Image

from awbkit import estimate

EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURES = EXAMPLES / "pictures"
sys.path.insert(0, str(EXAMPLES))

import render_scenes  # noqa: E402 - the examples are scripts, not a package
from scenes import profile, sensors, spectra, writing  # noqa: E402

pytestmark = pytest.mark.slow

JPEGS = ("kitchen_tungsten.jpg", "lane_shade.jpg", "office_fluorescent.jpg", "street_led.jpg")


def angle(first: np.ndarray, second: np.ndarray) -> float:
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def truths() -> dict[str, np.ndarray]:
    with (PICTURES / "ground_truth.csv").open(encoding="utf-8") as file:
        return {row["image"]: np.array([float(row[c]) for c in "rgb"]) for row in csv.DictReader(file)}


def cards() -> dict[str, tuple[int, int, int, int]]:
    """Gray-card rectangles as the README states them."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"`(\w+\.\w+)`.*?`(\d+),(\d+),(\d+),(\d+)`", text)
    return {name: (int(x), int(y), int(w), int(h)) for name, x, y, w, h in found}


def linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def patch(name: str) -> np.ndarray:
    """Mean linear RGB of a picture's gray card."""
    x, y, w, h = cards()[name]
    if name.endswith(".dng"):
        with rawpy.imread(str(PICTURES / name)) as raw:
            x, y, w, h = x // 2 * 2, y // 2 * 2, w // 2 * 2, h // 2 * 2
            cut = raw.raw_image_visible[y : y + h, x : x + w].astype(float) - writing.BLACK_LEVEL
        green = (cut[::2, 1::2].mean() + cut[1::2, ::2].mean()) / 2
        return np.array([cut[::2, ::2].mean(), green, cut[1::2, 1::2].mean()])
    image = pyvips.Image.new_from_file(str(PICTURES / name)).autorot().numpy()
    cut = image[y : y + h, x : x + w].astype(float) / np.iinfo(image.dtype).max
    return linear(cut).mean((0, 1))


def test_ground_truth_names_the_pictures_and_nothing_else() -> None:
    files = {path.name for path in PICTURES.iterdir()} - {"ground_truth.csv"}
    assert set(truths()) == files == {picture.file for picture in render_scenes.PICTURES}


@pytest.mark.parametrize("picture", render_scenes.PICTURES, ids=lambda picture: picture.file)
def test_ground_truth_is_the_white_that_the_script_computes(picture: render_scenes.Picture) -> None:
    stated = truths()[picture.file]
    np.testing.assert_allclose(stated, picture.truth, atol=1e-6)
    assert np.linalg.norm(stated) == pytest.approx(1, abs=1e-5)
    neutral = sensors.answer(spectra.daylight(6504), picture.sensor)
    assert angle(stated, neutral) > 5, "the cast is there to be seen"


def test_pictures_are_small_enough_to_ship() -> None:
    sizes = [path.stat().st_size for path in PICTURES.iterdir()]
    assert max(sizes) < 900_000
    assert sum(sizes) < 2_700_000


@pytest.mark.parametrize("name", JPEGS)
def test_jpegs_open_with_their_exif(name: str) -> None:
    with Image.open(PICTURES / name) as image:
        image.load()
        exif = image.getexif()
        upright = exif[0x0112] == 1
        assert image.size == (960, 640)
        assert upright == (name != "lane_shade.jpg")
        assert exif[0x010F] == "awbkit"
        assert "true illuminant" in exif[0x010E]
        assert exif.get_ifd(0x8769)[0xA403] == 1
        assert ("icc_profile" in image.info) == (name == "street_led.jpg")
    shown = pyvips.Image.new_from_file(str(PICTURES / name)).autorot()
    assert (shown.width > shown.height) == upright


def test_tiff_has_sixteen_bits() -> None:
    image = pyvips.Image.new_from_file(str(PICTURES / "toys_shade.tif"))
    assert image.format == "ushort"
    assert image.bands == 3
    values = image.numpy()
    assert np.unique(values & 0xFF).size == 256, "the low byte holds a signal"


def test_dng_opens_in_libraw_and_develops() -> None:
    with rawpy.imread(str(PICTURES / "market_tungsten.dng")) as raw:
        assert raw.raw_image_visible.shape == (512, 768)
        assert raw.raw_image_visible.max() <= writing.WHITE_LEVEL
        assert set(raw.black_level_per_channel) == {writing.BLACK_LEVEL}
        assert raw.white_level == writing.WHITE_LEVEL
        as_shot = np.array(raw.camera_whitebalance[:3])
        np.testing.assert_allclose(as_shot / as_shot[1], 1 / sensors.CAMERA_WHITE, rtol=1e-3)
        # LibRaw derives its daylight gains from the matrices.
        np.testing.assert_allclose(raw.daylight_whitebalance[:3], 1 / sensors.CAMERA_WHITE, rtol=0.03)
        picture = raw.postprocess(half_size=True, use_camera_wb=True, no_auto_bright=True).mean((0, 1))
    assert picture[0] > 1.5 * picture[2], "tungsten under a daylight balance is orange"


def test_dng_carries_two_calibrations() -> None:
    with tifffile.TiffFile(PICTURES / "market_tungsten.dng") as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags}
    assert (tags[50778], tags[50779]) == (17, 21)
    for code, kelvin in ((50721, 2856.0), (50722, 6504.0)):
        ratios = np.array(tags[code], dtype=float).reshape(3, 3, 2)
        light = spectra.planckian(kelvin) if kelvin < 4000 else spectra.daylight(kelvin)
        xyz = sensors.answer(light, sensors.observer())
        rgb = sensors.answer(light, sensors.camera_sensor())
        assert angle((ratios[..., 0] / ratios[..., 1]) @ xyz, rgb) < 0.5


@pytest.mark.parametrize(
    "name", ["kitchen_tungsten.jpg", "toys_shade.tif", "market_tungsten.dng", "office_fluorescent.jpg"]
)
def test_gray_cards_show_the_light(name: str) -> None:
    assert angle(patch(name), truths()[name]) < 1.0


def test_rendering_repeats_and_its_card_is_true() -> None:
    kitchen = render_scenes.PICTURES[0]
    first = render_scenes.take(kitchen, 0.1)
    again = render_scenes.take(kitchen, 0.1)
    assert first.linear.shape == (64, 96, 3)
    np.testing.assert_array_equal(first.linear, again.linear)
    x, y, w, h = render_scenes.card_rectangle(first.card)
    assert angle(first.linear[y : y + h, x : x + w].mean((0, 1)), kitchen.truth) < 0.5


def test_script_writes_pictures_and_truth(tmp_path: Path) -> None:
    render_scenes.main([str(tmp_path), "--scale", "0.05", "--only", "toys_shade.tif", "--only", "market_tungsten.dng"])
    assert {path.name for path in tmp_path.iterdir()} == {"ground_truth.csv", "toys_shade.tif", "market_tungsten.dng"}
    assert (tmp_path / "ground_truth.csv").read_bytes() == (PICTURES / "ground_truth.csv").read_bytes()


def test_script_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "render_scenes.py"), "--help"], capture_output=True, text=True, check=True
    )
    assert "--scale" in done.stdout


def test_the_dozen_lines_run(tmp_path: Path) -> None:
    script, source = EXAMPLES / "estimate_and_correct.py", PICTURES / "kitchen_tungsten.jpg"
    output = tmp_path / "out.jpg"
    done = subprocess.run(
        [sys.executable, str(script), str(source), str(output)], capture_output=True, text=True, check=True
    )
    assert "gains" in done.stdout
    with Image.open(output) as image:
        assert image.size == (960, 640)


def test_a_network_is_adapted_to_a_camera(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    script = (EXAMPLES / "adapt_to_a_camera.sh").read_text(encoding="utf-8")
    # A quarter of the usual work shows as well that all runs.
    for usual, quick in (("count=200", "count=60"), ("--init awbnet-s", "--init awbnet-s --steps 100 --variants 4")):
        assert usual in script
        script = script.replace(usual, quick)
    command = ["sh", "-c", script, "adapt_to_a_camera.sh", "work"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "PATH": path}
    )
    means = {
        line.split()[0]: float(line.split()[1])
        for line in done.stdout.splitlines()
        if re.match(r"(awbnet|work/run) +\d", line)
    }
    assert set(means) == {"awbnet", "work/run"}
    # Little was to learn of so few rendered scenes, and nothing was unlearnt.
    assert means["work/run"] < means["awbnet"] + 0.3


def test_daylight_has_its_published_chromaticity() -> None:
    # CIE 15:2018: D65 is at x = 0.3127, y = 0.3290; the observer here is a fit, and the bands are 10 nm wide.
    xyz = sensors.answer(spectra.daylight(6504), sensors.observer())
    np.testing.assert_allclose(xyz[:2] / xyz.sum(), (0.3127, 0.3290), atol=1e-3)


def test_fluorescent_light_is_greenish() -> None:
    xyz = sensors.answer(spectra.fluorescent(), sensors.observer())
    x, y = xyz[:2] / xyz.sum()
    # The Planckian locus at 4200 K passes x = 0.372, y = 0.371 (CIE 15:2018): the tube lies above it.
    assert x == pytest.approx(0.37, abs=0.015)
    assert y > 0.385


def test_display_p3_profile_holds_the_published_primaries() -> None:
    data = profile.display_p3()
    assert int.from_bytes(data[:4], "big") == len(data)
    at = data.index(b"XYZ \0\0\0\0", data.index(b"sf32"))
    red = np.frombuffer(data, ">i4", 3, at + 8) / 65536
    # Apple's own Display P3 profile states the same to its last digit but one.
    np.testing.assert_allclose(red, (0.51512, 0.24120, -0.00105), atol=2e-4)


def test_the_documentation_shows_what_awbkit_says_of_them() -> None:
    text = (EXAMPLES.parent / "docs/estimate.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"^\w+\.(?:jpg|dng|tif) +([\d.]+) +([\d.]+) +(\d+) +([-+][\d.]+) +(?:>= )?([\d.]+) ", text, re.MULTILINE
    )
    found = [estimate(path) for path in sorted(PICTURES.iterdir()) if path.suffix in (".jpg", ".dng", ".tif")]
    assert len(shown) == len(found)
    for row, light in zip(shown, found, strict=True):
        assert light.cct_duv is not None
        assert light.expected_error is not None
        said = [light.gains[0], light.gains[2], *light.cct_duv]
        assert [float(value) for value in row[:4]] == pytest.approx(said, rel=2e-3, abs=2e-4)
        assert float(row[4]) == pytest.approx(light.expected_error, abs=0.06)

"""awb_nn: small copies of its layout, written by its own converter's steps."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import parse
from awbkit.datasets.rpi_tuning import RpiTuning
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.source import Source
from tests.helpers.dataset_files_c import greys, list_samples, load_examples, prepare, reasons, write_png, zip_folder
from tests.helpers.raw_files import RGGB, mosaic, write_dng

CURVE = [2800.0, 0.75, 0.35, 4000.0, 0.60, 0.50, 6500.0, 0.45, 0.65, 8000.0, 0.40, 0.70]
CCMS = {
    3000: [1.8, -0.5, -0.3, -0.4, 1.9, -0.5, 0.0, -0.8, 1.8],
    7000: [2.0, -0.8, -0.2, -0.3, 1.7, -0.4, -0.1, -0.4, 1.5],
}
SENSITIVITY = 0.9, 1.1
BLACK = 0.0625
AT_5250 = 0.525 * 0.9, 1.0, 0.575 * 1.1
"""The curve's white at 5250 K, half way between two points, as the sensitivities scale it."""


def tuning_text(**changes: Any) -> str:
    awb = {"ct_curve": CURVE, "sensitivity_r": SENSITIVITY[0], "sensitivity_b": SENSITIVITY[1], "bayes": 1}
    algorithms = {
        "rpi.black_level": {"black_level": round(BLACK * 65536)},
        "rpi.awb": awb,
        "rpi.ccm": {"ccms": [{"ct": ct, "ccm": ccm} for ct, ccm in CCMS.items()]},
    } | changes
    return json.dumps({"version": 2.0, "target": "pisp", "algorithms": [{key: algorithms[key]} for key in algorithms]})


def convert(sensor_rgb: np.ndarray) -> np.ndarray:
    """The 16-bit code values that the project's converter makes of linear sensor RGB, 1 = white level."""
    shares = np.clip(sensor_rgb, 0, 1) * (1 - BLACK)
    at_5000 = np.array([0.54 * SENSITIVITY[0], 1, 0.56 * SENSITIVITY[1]])
    balanced = np.clip(shares / at_5000, 0, 1)
    ccm = (np.array(CCMS[3000]) + np.array(CCMS[7000])).reshape(3, 3) / 2
    return (np.clip(balanced @ ccm.T, 0, 1) * 65535).astype(np.uint16)


def write_set(folder: Path, target: str = "pisp") -> Path:
    """Three labelled pictures, as in dataset-pisp, of greys at the labelled temperature."""
    shape = (32, 32) if target == "pisp" else (12, 16)
    for seed, name in enumerate(("ann1,imx001,00003,5250,321,5100", "ann2,imx001,00003,5250,1200,4900"), 3):
        write_png(folder / "train" / f"{name}.png", convert(0.4 * greys(AT_5250, shape, seed)))
    warm = 0.75 * 0.9, 1.0, 0.35 * 1.1
    write_png(folder / "test" / "bob,imx001,7,2700,20,2800.png", convert(0.4 * greys(warm, shape)))
    return folder


def write_tunings(folder: Path, text: str = tuning_text(), target: str = "pisp", sensor: str = "imx001") -> Path:
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / f"{sensor}.json").write_text(text)
    return folder


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("awb_nn")
    write_set(root / "dataset-pisp")
    write_set(root / "dataset-vc4", "vc4")
    for target in ("pisp", "vc4"):
        write_tunings(root / "tunings", target=target)
    return root


def test_labels_come_from_the_name_through_the_curve(download: Path) -> None:
    samples = list_samples(parse("awb-nn"), Source.open(download))
    assert list(samples) == [
        "pisp/bob,imx001,7,2700,20,2800",
        "pisp/ann1,imx001,00003,5250,321,5100",
        "pisp/ann2,imx001,00003,5250,1200,4900",
    ]
    ann = samples["pisp/ann1,imx001,00003,5250,321,5100"]
    np.testing.assert_allclose(ann.illuminant, AT_5250)
    assert (ann.camera, ann.exposure, ann.scene, ann.fold) == ("imx001 (pisp)", 321.0, "ann1,00003", "ann")
    # Beyond the curve's warm end its end holds.
    np.testing.assert_allclose(samples["pisp/bob,imx001,7,2700,20,2800"].illuminant, (0.75 * 0.9, 1, 0.35 * 1.1))


@pytest.mark.parametrize("target", ["pisp", "vc4"])
def test_balance_and_matrix_are_undone(download: Path, target: str) -> None:
    layout, source = parse(f"awb-nn:target={target}"), Source.open(download)
    ann = load_examples(layout, source)[f"{target}/ann1,imx001,00003,5250,321,5100"]
    assert ann.image.valid.all()
    mean = ann.image.pixels.mean(axis=(0, 1))
    shape = (32, 32) if target == "pisp" else (12, 16)
    written = 0.4 * greys(AT_5250, shape, 3)
    if target == "pisp":
        np.testing.assert_allclose(ann.image.pixels[::2, ::2], written, atol=4e-5)
    assert angular_error(mean.tolist(), AT_5250) < 0.01


def test_what_any_step_clipped_is_masked(tmp_path: Path) -> None:
    sensor = 0.4 * greys(AT_5250, (32, 32))
    sensor[0, 0] = 0.995  # at the sensor's white level, and for red and blue beyond the balanced one
    sensor[0, 1] = 0.3, 0.05, 0.02  # a red that sRGB does not hold: blue is cut off at 0
    sensor[0, 2] = 0.5, 0.2, 0.2  # red is cut off by the gains, though the matrix then brings it under 65535
    codes = convert(sensor)
    assert codes[0, 1].min() == 0
    write_png(tmp_path / "dataset-pisp" / "ann,imx001,1,5250,9,5000.png", codes)
    write_tunings(tmp_path / "tunings")
    (example,) = load_examples(parse("awb-nn"), Source.open(tmp_path)).values()
    valid = example.image.valid[::2, ::2]
    assert not valid[0, :3].any()
    assert valid[0, 3:].all()
    assert valid[1:].all()


def test_zips_beside_tunings_are_the_same_as_folders(download: Path, tmp_path: Path) -> None:
    for target in ("pisp", "vc4"):
        zip_folder(download / f"dataset-{target}", tmp_path / f"dataset-{target}.zip")
        write_tunings(tmp_path / "tunings", target=target)
    layout = parse("awb-nn:target=both")
    plain, packed = load_examples(layout, Source.open(download)), load_examples(layout, Source.open(tmp_path))
    assert len(plain) == 6
    assert list(plain) == list(packed)
    for name, example in plain.items():
        assert np.array_equal(example.image.pixels, packed[name].image.pixels)
        assert example.illuminant == packed[name].illuminant


def test_one_zip_with_tunings_from_elsewhere(download: Path, tmp_path: Path) -> None:
    archive = zip_folder(download / "dataset-vc4", tmp_path / "dataset-vc4.zip")
    layout = parse(f"awb-nn:target=vc4,tunings={download / 'tunings'}")
    assert len(load_examples(layout, Source.open(archive))) == 3
    assert pickle.loads(pickle.dumps(layout)) == layout


def test_the_wrong_target_is_never_taken_for_the_right_one(download: Path) -> None:
    """A folder of vc4 is not read as pisp, even if it is the source itself and pisp is the default."""
    layout = parse(f"awb-nn:tunings={download / 'tunings'}")
    assert list_samples(layout, Source.open(download / "dataset-vc4")) == {}


def test_prepares(download: Path, tmp_path: Path) -> None:
    done = prepare(parse("awb-nn:target=both"), Source.open(download), tmp_path / "out")
    assert len(done) == 6
    assert {row.fold for row in done.rows} == {"ann", "bob"}
    assert done.cameras["imx001 (vc4)"].white_d65 is not None


class TestRawFiles:
    LIGHT = 0.5, 1.0, 0.8

    def write(self, folder: Path, name: str, rgb: np.ndarray | None = None) -> Source:
        rgb = 0.5 * greys(self.LIGHT, (96, 128)) if rgb is None else rgb
        folder.mkdir(exist_ok=True)
        write_dng(folder / name, mosaic(rgb, RGGB, black=256, white=4095), black=256, white=4095)
        return Source.open(folder)

    def test_gains(self, tmp_path: Path) -> None:
        source = self.write(tmp_path / "dngs", "ann,imx001,4,2.0,1.25.dng")
        ((name, sample),) = list_samples(parse("awb-nn"), source).items()
        assert name == "pisp/ann,imx001,4,2.0,1.25"
        np.testing.assert_allclose(sample.illuminant, self.LIGHT)
        example = parse("awb-nn").load(source, sample)
        assert example.image.valid.all()
        assert angular_error(example.image.pixels.mean(axis=(0, 1)).tolist(), self.LIGHT) < 0.3
        assert example.image.camera.matrices == ()

    def test_a_grey_rectangle(self, tmp_path: Path) -> None:
        rgb = np.full((96, 128, 3), (0.6, 0.2, 0.1))
        rgb[20:40, 50:90] = np.array(self.LIGHT) * 0.5
        source = self.write(tmp_path / "dngs", "ann,imx001,4,50,20,90,40.dng", rgb)
        ((_, sample),) = list_samples(parse("awb-nn"), source).items()
        assert sample.illuminant is None
        assert angular_error(parse("awb-nn").load(source, sample).illuminant, self.LIGHT) < 0.05

    @pytest.mark.parametrize(
        ("area", "level", "message"),
        [
            ("200,200,220,220", 0.5, "outside the picture"),
            ("90,40,50,20", 0.5, "outside the picture"),
            ("50,20,90,40", 1.0, "clipped"),
            ("50,20,90,40", 0.0, "black"),
        ],
    )
    def test_refuses_rectangles(self, tmp_path: Path, area: str, level: float, message: str) -> None:
        source = self.write(tmp_path / "dngs", f"ann,imx001,4,{area}.dng", np.full((96, 128, 3), level))
        ((_, sample),) = list_samples(parse("awb-nn"), source).items()
        with pytest.raises(UnreadableFile, match=message):
            parse("awb-nn").load(source, sample)

    def test_refuses_what_is_no_raw_file(self, tmp_path: Path) -> None:
        source = self.write(tmp_path / "dngs", "ann,imx001,4,2.0,1.25.dng")
        (tmp_path / "dngs" / "ann,imx001,4,2.0,1.25.dng").write_bytes(b"no raw file")
        ((_, sample),) = list_samples(parse("awb-nn"), source).items()
        with pytest.raises(UnreadableFile, match="raw file"):
            parse("awb-nn").load(source, sample)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ann,imx001,1.png", "no label"),
        ("ann,imx001,1,5000.png", "no label"),
        ("ann,imx001,1,5000,300,4000,1.png", "no label"),
        ("ann,imx001,1,warm,300,4000.png", "no number"),
        ("ann,imx001,1,nan,300,4000.png", "no number"),
        ("ann,imx001,1,0,300,4000.png", "not positive"),
        ("ann,imx001,1,-5000,300,4000.png", "not positive"),
        ("ann,imx999,1,5000,300,4000.png", "no tuning file pisp/imx999.json"),
        ("ann,imx001,1.dng", "no label"),
        ("ann,imx001,1,0,1.5.dng", "not positive"),
    ],
)
def test_skips_with_a_reason(tmp_path: Path, name: str, reason: str) -> None:
    write_tunings(tmp_path / "tunings")
    (tmp_path / name).write_bytes(b"never read")
    (why,) = reasons(parse("awb-nn"), Source.open(tmp_path)).values()
    assert reason in why
    assert "\n" not in why


def test_asks_for_a_target_that_no_name_states(download: Path, tmp_path: Path) -> None:
    write_tunings(tmp_path / "tunings")
    write_png(tmp_path / "mine" / "ann,imx001,1,5250,9,5000.png", np.full((32, 32, 3), 900, np.uint16))
    assert len(list_samples(parse("awb-nn"), Source.open(tmp_path))) == 1
    (why,) = reasons(parse("awb-nn:target=both"), Source.open(tmp_path)).values()
    assert "pisp or vc4" in why


class TestRefuses:
    def test_a_folder_without_pictures(self, tmp_path: Path) -> None:
        (tmp_path / "readme.txt").write_text("hello")
        with pytest.raises(UnreadableFile, match="no picture of awb_nn"):
            list(parse("awb-nn").samples(Source.open(tmp_path)))

    def test_pictures_without_tunings(self, download: Path) -> None:
        with pytest.raises(UnreadableFile, match="awb-nn:tunings=FOLDER"):
            list(parse("awb-nn").samples(Source.open(download / "dataset-pisp")))

    def test_tunings_that_are_not_there(self, download: Path) -> None:
        with pytest.raises(UnreadableFile, match="no such file"):
            list(parse("awb-nn:tunings=/no/such/folder").samples(Source.open(download)))

    @pytest.mark.parametrize("target", ["pi5", ""])
    def test_other_targets(self, target: str) -> None:
        with pytest.raises(UsageError, match="pisp, vc4, both"):
            parse(f"awb-nn:target={target}")

    def test_a_picture_in_grey(self, download: Path, tmp_path: Path) -> None:
        write_tunings(tmp_path / "tunings")
        write_png(tmp_path / "ann,imx001,1,5250,9,5000.png", np.full((32, 32), 900, np.uint16))
        layout, source = parse("awb-nn"), Source.open(tmp_path)
        (sample,) = list_samples(layout, source).values()
        with pytest.raises(UnsupportedImage):
            layout.load(source, sample)


class TestTuning:
    def test_the_matrices_put_d65_where_the_curve_has_it(self) -> None:
        tuning = RpiTuning.parse(tuning_text(), "x")
        camera = tuning.camera("imx001")
        assert [cct for cct, _ in camera.matrices] == [2800, 6504]
        assert camera.white_d65 is not None
        assert angular_error(camera.white_d65, tuning.white(6504)) < 0.05

    def test_colours_go_where_the_colour_matrix_sends_them(self) -> None:
        """Under D65 itself nothing is adapted, so XYZ through sRGB must equal balance and CCM."""
        tuning = RpiTuning.parse(tuning_text(), "x")
        sensor = np.array([0.2, 0.3, 0.1])
        to_rgb = tuning.camera("imx001").xyz_to_rgb(6504)
        assert to_rgb is not None
        srgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
        expected = tuning.ccm(6504) @ (sensor / tuning.white(6504))
        np.testing.assert_allclose(srgb @ np.linalg.solve(to_rgb, sensor), expected, atol=2e-4)

    def test_a_curve_that_ends_before_d65(self) -> None:
        curve = {"ct_curve": CURVE[:6]}
        camera = RpiTuning.parse(tuning_text(**{"rpi.awb": curve}), "x").camera("imx001")
        assert [cct for cct, _ in camera.matrices] == [2800, 4000]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is no JSON"),
            ("[1, 2]", "no Raspberry Pi tuning"),
            ('{"algorithms": 3}', "no Raspberry Pi tuning"),
            ('{"algorithms": [3]}', "no Raspberry Pi tuning"),
            ('{"algorithms": [[["rpi.awb", {}]]]}', "no Raspberry Pi tuning"),
            (tuning_text(**{"rpi.awb": {}}), "ct_curve"),
            (tuning_text(**{"rpi.awb": {"ct_curve": [2800, 0.7]}}), "no Raspberry Pi tuning"),
            (tuning_text(**{"rpi.awb": {"ct_curve": []}}), "empty"),
            (tuning_text(**{"rpi.awb": {"ct_curve": [2800, 0.7, float("nan")]}}), "holds NaN"),
            (tuning_text(**{"rpi.awb": {"ct_curve": [2800, 0.7, 0.4, 2700, 0.6, 0.5]}}), "rise"),
            (tuning_text(**{"rpi.ccm": {"ccms": []}}), "empty"),
            (tuning_text(**{"rpi.ccm": {"ccms": [{"ct": 5000, "ccm": [1] * 8}]}}), "no Raspberry Pi tuning"),
            (tuning_text(**{"rpi.ccm": {"ccms": [{"ct": 5000, "ccm": [1] * 9}]}}), "inverted"),
            (tuning_text(**{"rpi.black_level": {"black_level": "deep"}}), "no Raspberry Pi tuning"),
        ],
    )
    def test_refuses(self, text: str, message: str) -> None:
        with pytest.raises(UnreadableFile, match=message) as raised:
            RpiTuning.parse(text, "pisp/imx001.json")
        assert "\n" not in str(raised.value)

"""awb_nn as it was published, against figures measured elsewhere.

It lies in the folder that AWBKIT_SHARED names, or in ``../shared`` beside the repository; without it the tests are
skipped.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.layout import Layout, Sample, parse
from awbkit.datasets.rpi_tuning import RpiTuning
from awbkit.estimators import parse as parse_method
from awbkit.files.known_cameras import known_camera
from awbkit.store.source import Source
from tests.helpers.dataset_files_c import list_samples

SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "awb_nn"

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the published awb_nn (AWBKIT_SHARED or ../shared) is not here"
)


@cache
def open_published(target: str) -> tuple[Layout, Source, list[Sample]]:
    layout, source = parse(f"awb-nn:target={target}"), Source.open(SHARED)
    return layout, source, list(list_samples(layout, source).values())


@cache
def tuning_of(camera: str) -> RpiTuning:
    sensor, target = camera.removesuffix(")").split(" (")
    return RpiTuning.parse((SHARED / "tunings" / target / f"{sensor}.json").read_text(), camera)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["pisp", "vc4"])
def test_the_published_set_is_read_in_full(target: str) -> None:
    _, _, samples = open_published(target)
    assert len(samples) == 708
    assert len({sample.camera for sample in samples}) == 7
    assert len({sample.scene for sample in samples}) == 418
    assert len({sample.fold for sample in samples}) == 9


@pytest.mark.parametrize(
    ("scaled", "figures"),
    [(False, (1.95, 1.41, 4.74)), (True, (1.94, 1.40, 4.71))],
)
def test_the_cameras_own_balance_has_the_known_error(scaled: bool, figures: tuple[float, float, float]) -> None:
    """Measured elsewhere through the curve alone; the sensitivities of one sensor change it by 0.03 at the most."""
    errors = []
    for sample in open_published("pisp")[2]:
        tuning = tuning_of(sample.camera)
        sensitivity = 0.9 if sample.camera.startswith("imx500") and not scaled else 1.0
        scale = np.array([1 / sensitivity, 1, 1 / sensitivity])
        own = tuning.white(float(sample.files[0].removesuffix(".png").split(",")[5]))
        errors.append(angular_error(own * scale, sample.illuminant * scale))
    ordered = np.sort(errors)
    assert (ordered.mean(), np.median(ordered), ordered[-177:].mean()) == pytest.approx(figures, abs=0.02)


@pytest.mark.slow
def test_gray_world_on_the_published_set() -> None:
    layout, source, samples = open_published("pisp")
    method = parse_method("gray-world")
    errors = []
    for sample in samples[::5]:
        example = layout.load(source, sample)
        errors.append(angular_error(method.estimate(example.image).rgb, example.illuminant))
    assert 3.4 < np.mean(errors) < 4.4


@pytest.mark.slow
def test_both_targets_show_the_same_camera_rgb() -> None:
    """Both pictures were made of one raw file, so their agreement confirms how."""
    chromas: dict[str, dict[tuple[str, ...], np.ndarray]] = {"pisp": {}, "vc4": {}}
    for target, chroma in chromas.items():
        layout, source, samples = open_published(target)
        for sample in samples:
            if sample.camera.startswith(("imx500", "imx477")):
                image = layout.load(source, sample).image
                if image.valid.all():
                    red, green, blue = image.pixels.mean(axis=(0, 1))
                    fields = tuple(sample.files[0].rpartition("/")[2].split(",")[:3])
                    chroma[fields] = np.log([red / green, blue / green])
    shared = sorted(set(chromas["pisp"]) & set(chromas["vc4"]))
    assert len(shared) > 60
    differences = [chromas["pisp"][fields] - chromas["vc4"][fields] for fields in shared]
    assert np.abs(np.median(differences, axis=0)).max() < 0.02


@pytest.mark.parametrize("target", ["pisp", "vc4"])
def test_matrices_of_the_published_sensors(target: str) -> None:
    layout, source, samples = open_published(target)
    names = {sample.camera for sample in samples}
    for name, camera in layout.cameras(source, names).items():
        tuning = tuning_of(name)
        assert camera.white_d65 is not None
        error = angular_error(camera.white_d65, tuning.white(6504))
        assert error < (2.5 if tuning.curve[-1, 0] < 6504 else 0.05), name


def test_the_hq_cameras_white_is_near_the_one_that_libraw_lists() -> None:
    layout, source, _ = open_published("vc4")
    ours = layout.cameras(source, ["imx477 (vc4)"])["imx477 (vc4)"].white_d65
    listed = known_camera("Raspberrypi RP_imx477")
    assert ours is not None
    assert listed is not None
    assert listed.white_d65 is not None
    assert angular_error(ours, listed.white_d65) < 3

"""Evaluation on real photographs: the thumbnails of Cube+ and Gehler-Shi, against figures measured independently.

The data lie in the folder that AWBKIT_SHARED names, or in ``../shared``, beside the repository; without them the
tests are skipped.
"""

from __future__ import annotations

import csv
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from awbkit.colour.image import LinearImage
from awbkit.evaluation.angles import recovery_error
from awbkit.evaluation.corrected_moments import describe
from awbkit.evaluation.evaluate import evaluate, judge
from awbkit.evaluation.fitted_methods import find_method, fit
from awbkit.evaluation.protocols import protocol
from awbkit.evaluation.result import POOLED, Evaluation, Truth, camera_group
from awbkit.files.known_cameras import known_camera

SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
UNPACK = SHARED / "data" / "unpack.py"
SETS = ("cube-plus", "gehler-shi")

pytestmark = pytest.mark.skipif(
    not UNPACK.is_file() or importlib.util.find_spec("imagecodecs") is None,
    reason="the labelled thumbnails (AWBKIT_SHARED or ../shared) or imagecodecs, which decodes them, are not here",
)


@pytest.fixture(scope="module")
def photographs() -> tuple[Truth, np.ndarray]:
    """Both sets, and the moments of their thumbnails."""
    specification = importlib.util.spec_from_file_location("unpack", UNPACK)
    assert specification is not None
    assert specification.loader is not None
    unpack = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(unpack)
    rows, moments = [], []
    for name in SETS:
        table = csv.DictReader((SHARED / "data" / f"{name}.csv").read_text(encoding="utf-8").splitlines())
        rows += [(name, row) for row in table]
        frames = unpack.frames(SHARED / "data" / f"{name}.jxls")
        moments += [describe(LinearImage.from_array(frame.astype(np.float32) / frame.max())) for frame in frames]
    lights = np.array([[float(row[channel]) for channel in "rgb"] for _, row in rows])
    return (
        Truth(
            images=[row["image"] for _, row in rows],
            datasets=[name for name, _ in rows],
            cameras=[row["camera"] for _, row in rows],
            scenes=[row["image"] for _, row in rows],
            folds=[""] * len(rows),
            illuminants=lights / np.linalg.norm(lights, axis=1, keepdims=True),
        ),
        np.array(moments),
    )


def evaluate_fits(photographs: tuple[Truth, np.ndarray], name: str) -> Evaluation:
    truth, moments = photographs
    known = {camera: known_camera(camera) for camera in set(truth.cameras)}
    cameras = [known[camera] for camera in truth.cameras]
    chosen = protocol(name, truth)
    results = []
    for method in ("constant", "corrected-moments"):
        estimates, expected = np.empty((len(truth), 3)), np.empty(len(truth))
        keys = list(zip(truth.datasets, truth.scenes, strict=True))
        for split in chosen.splits:
            model = fit(
                find_method(method),
                moments[split.fit],
                truth.illuminants[split.fit],
                [cameras[index] for index in split.fit],
                [keys[index] for index in split.fit],
            )
            estimates[split.test], expected[split.test] = model.estimate_all(
                moments[split.test], [cameras[index] for index in split.test]
            )
        results.append(judge(method, estimates, expected, {}, truth))
    return evaluate(truth, results, protocol=chosen.sentence, rounds=200)


def figure(evaluation: Evaluation, method: str, group: str, statistic: str = "mean") -> float:
    return next(
        summary.values[statistic]
        for summary in evaluation.summaries
        if (summary.method, summary.group, summary.metric) == (method, group, "recovery")
    )


@pytest.mark.slow
def test_gray_world_is_the_first_moment(photographs: tuple[Truth, np.ndarray]) -> None:
    truth, moments = photographs
    errors = recovery_error(moments[:, :3], truth.illuminants)
    for place, (mean, median) in enumerate(((3.54, 2.52), (4.70, 3.56))):
        own = errors[np.array(truth.datasets) == SETS[place]]
        assert own.mean() == pytest.approx(mean, abs=0.05)
        assert np.median(own) == pytest.approx(median, abs=0.05)


@pytest.mark.slow
def test_held_out_constant(photographs: tuple[Truth, np.ndarray]) -> None:
    """The reference, 6.47 / 3.68, was measured on the images of the fit; with so many, that makes no difference."""
    evaluation = evaluate_fits(photographs, "k-fold")
    group = camera_group("cube-plus", "Canon EOS 550D")
    assert figure(evaluation, "constant", group) == pytest.approx(6.47, abs=0.05)
    assert figure(evaluation, "constant", group, "median") == pytest.approx(3.68, abs=0.05)


@pytest.mark.slow
def test_corrected_moments_beat_every_method_that_is_not_fitted(photographs: tuple[Truth, np.ndarray]) -> None:
    """The best statistical method, bright-gray, has 2.36 and 3.13."""
    evaluation = evaluate_fits(photographs, "k-fold")
    assert figure(evaluation, "corrected-moments", "cube-plus / Canon EOS 550D") < 2.15
    assert figure(evaluation, "corrected-moments", "gehler-shi") < 3.05
    (calibration,) = evaluation.calibrations
    assert abs(calibration.bias) < 0.1
    assert calibration.calibration_error < 0.25
    assert calibration.risk[5] < 0.8 * calibration.risk[0]


def test_corrected_moments_are_of_use_to_cameras_never_seen(photographs: tuple[Truth, np.ndarray]) -> None:
    evaluation = evaluate_fits(photographs, "leave-one-camera-out")
    assert figure(evaluation, "corrected-moments", POOLED) < 0.55 * figure(evaluation, "constant", POOLED)

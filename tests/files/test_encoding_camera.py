"""Linear numbers of a sensor that nobody has balanced: raw pictures of a camera without a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import awbkit as package
from awbkit.errors import UsageError
from awbkit.estimators import parse
from awbkit.network.models import shipped_path
from tests.helpers.command import awbkit
from tests.helpers.network_pictures import picture
from tests.network.test_model import D810, seen_by


def test_linear_numbers_of_a_sensor_are_raw(tmp_path: Path) -> None:
    """As benchmarks hand out their pictures: 16 bits, nobody has balanced them, no matrix."""
    pixels = np.round(seen_by(D810, picture(2)).pixels * 0.9 * 65535).astype(np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb")
    record = awbkit("estimate", path, "--encoding", "camera").record
    image = package.LinearImage.from_array(pixels / 65535, camera=package.Camera())
    answer = parse("awbnet").estimate(image)
    np.testing.assert_allclose(record["illuminant"], answer.rgb, atol=1e-4)
    assert (record["space"], record["cct"]) == ("camera", None)
    assert record["expected_error"] == pytest.approx(answer.expected_error, abs=0.01)
    assert package.estimate(pixels / 65535, encoding="camera") == answer
    done = awbkit("correct", path, "--encoding", "camera", "-o", tmp_path / "out.tif")
    assert done.code == 0, done.err
    balanced = tifffile.imread(tmp_path / "out.tif") / 65535
    expected = np.clip(pixels / 65535 * record["gains"], 0, 1)
    np.testing.assert_allclose(balanced, expected, atol=2e-5)
    refused = awbkit("estimate", path, "-m", shipped_path("awbnet-s", "raw"), "--encoding", "linear")
    assert "or --encoding camera where its numbers are a sensor's own" in refused.complaint


def test_a_sensor_saturates_in_floating_point_too(tmp_path: Path) -> None:
    scene = seen_by(D810, picture(2)).pixels * np.exp(np.random.default_rng(0).normal(0, 0.05, (64, 64, 3)))
    pixels = np.minimum(scene / np.quantile(scene.max(axis=2), np.float32(0.9)), np.float32(1)).astype(np.float32)
    whole, floating = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(whole, np.round(pixels * 65535).astype(np.uint16), photometric="rgb")
    tifffile.imwrite(floating, pixels, photometric="rgb")
    one, other = (awbkit("estimate", path, "--encoding", "camera").record for path in (whole, floating))
    np.testing.assert_allclose(other["illuminant"], one["illuminant"], atol=2e-3)


@pytest.mark.parametrize(
    ("source", "encoding", "says"),
    [
        (np.full((64, 64, 3), 0.5), "icc", "of an array it is auto, srgb, linear or camera"),
        (package.LinearImage.from_array(np.full((64, 64, 3), 0.5)), "camera", "a LinearImage has its own"),
    ],
)
def test_encodings_that_pixels_cannot_have(source: object, encoding: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        package.estimate(source, encoding=encoding)  # type: ignore[arg-type]

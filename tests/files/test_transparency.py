"""Pictures with an alpha channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile

import awbkit
from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from tests.helpers.pictures import TUNGSTEN, encode


@pytest.mark.parametrize("kind", ["png 8", "png 16", "tiff 16", "tiff float"])
def test_what_is_transparent_is_not_seen(kind: str, scene: np.ndarray, tmp_path: Path) -> None:
    """Only a cut-out's surroundings: what nobody sees of them tells nothing of the light."""
    linear = scene * TUNGSTEN
    form, _, bits = kind.partition(" ")
    dtype = {"8": np.uint8, "16": np.uint16, "float": np.float32}[bits]
    top = 1 if bits == "float" else np.iinfo(dtype).max
    pixels = linear.astype(dtype) if bits == "float" else encode(linear, dtype)
    pixels[:, :40] = np.array([0.9, 0.1, 0.5]) * top
    alpha = np.full(pixels.shape[:2], top, dtype)
    alpha[:, :40], alpha[:, 100:] = 0, top // 2 or 0.5
    path = tmp_path / f"a.{form}"
    if form == "png":
        image = pyvips.Image.new_from_array(np.dstack([pixels, alpha]))
        image.copy(interpretation="rgb16" if bits == "16" else "srgb").write_to_file(str(path))
    else:
        tifffile.imwrite(path, np.dstack([pixels, alpha]), photometric="rgb", extrasamples=["unassalpha"])
    thumbnail = awbkit.open(path).thumbnail()
    assert thumbnail.valid[:, 20:].any()
    assert not thumbnail.valid[:, :20].any()
    seen = LinearImage.from_array(linear[:, 40:])
    world = seen.pixels[seen.valid].mean(axis=0)
    assert awbkit.angular_error(awbkit.estimate(path, "gray-world").rgb, world.tolist()) < 0.5
    with pytest.raises(AwbError, match="no valid pixel"):
        awbkit.estimate(path, region="4,4,24,24")

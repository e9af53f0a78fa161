"""Where encoders meet limits: no room, no transparency, metadata that hides what comes behind it."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

import awbkit
from awbkit.errors import AwbWarning, OutputError
from awbkit.files.encoding import srgb_to_linear
from tests.helpers.pictures import SRGB_PRIMARIES, TUNGSTEN, encode, icc_profile
from tests.helpers.raw_files import RGGB, mosaic, write_dng

CORRECT_WITH_LITTLE_ROOM = """
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import awbkit
try:
    awbkit.correct(sys.argv[1], sys.argv[2], **eval(sys.argv[3]))
except awbkit.AwbError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_a_full_disk_is_one_line_that_names_the_output(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    source, output = tmp_path / "noise.png", tmp_path / f"out{suffix}"
    Image.fromarray(rng.integers(0, 256, (200, 200, 3)).astype(np.uint8)).save(source)
    _check_refusal(source, output, "{'method': 'gray-world'}")


@pytest.mark.slow
def test_a_full_disk_under_a_copy_is_one_line_that_names_the_output(tmp_path: Path, rng: np.random.Generator) -> None:
    source = tmp_path / "noise.png"
    Image.fromarray(rng.integers(0, 256, (200, 200, 3)).astype(np.uint8)).save(source)
    _check_refusal(source, tmp_path / "out.png", "{'illuminant': (1, 1, 1)}")


def _check_refusal(source: Path, output: Path, options: str) -> None:
    command = [sys.executable, "-c", CORRECT_WITH_LITTLE_ROOM, str(source), str(output), options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{output}: cannot be ")
    assert done.stdout.count("\n") == 1
    assert ".part" not in done.stdout
    assert [path.name for path in source.parent.iterdir()] == ["noise.png"]


@pytest.mark.parametrize("target", ["real.jpg", "nosuffix"])
def test_the_suffix_of_the_named_output_decides_and_not_that_behind_a_link(tmp_path: Path, target: str) -> None:
    source, output = tmp_path / "in.png", tmp_path / "out.png"
    pixels = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    Image.fromarray(pixels).save(source)
    output.symlink_to(target)
    awbkit.correct(source, output, illuminant=(1, 1, 0.9))
    assert output.is_symlink()
    with Image.open(tmp_path / target) as image:
        assert image.format == "PNG"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.png", "out.png", target])


def test_lossless_webp_stays_lossless_behind_a_large_profile(tmp_path: Path, scene: np.ndarray) -> None:
    source, output = tmp_path / "in.webp", tmp_path / "out.webp"
    image = pyvips.Image.new_from_array(encode(scene * TUNGSTEN))
    table = np.rint(srgb_to_linear(np.linspace(0, 1, 4096)) * 65535).astype(">u2").tobytes()
    profile = icc_profile(SRGB_PRIMARIES, b"curv" + struct.pack(">II", 0, 4096) + table)
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    image.webpsave(str(source), lossless=True)
    light = awbkit.Illuminant.of(TUNGSTEN)
    awbkit.correct(source, output, illuminant=light)
    assert b"VP8L" in output.read_bytes()
    awbkit.correct(source, tmp_path / "out.png", illuminant=light)
    ours, reference = (pyvips.Image.new_from_file(str(path)).numpy() for path in (output, tmp_path / "out.png"))
    assert np.array_equal(ours, reference)


def test_transparency_becomes_white_where_there_is_none(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 4), 100, np.uint8)
    pixels[..., 3] = 0
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    with pytest.warns(AwbWarning, match="without transparency"):
        awbkit.correct(tmp_path / "clear.png", tmp_path / "opaque.jpg", illuminant=(1, 1, 1))
    assert np.asarray(Image.open(tmp_path / "opaque.jpg")).min() == 255


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg", ".avif"])
def test_no_exif_is_made_up(tmp_path: Path, scene: np.ndarray, suffix: str) -> None:
    Image.fromarray(encode(scene)).save(tmp_path / "plain.png")
    output = tmp_path / f"plain_awb{suffix}"
    awbkit.correct(tmp_path / "plain.png", output, illuminant=(1, 1, 1))
    with Image.open(output) as image:
        assert "exif" not in image.info


@pytest.mark.parametrize("highlight", [0.5, 0.76, 0.9])
def test_a_highlight_does_not_brighten_the_rest_of_a_raw(tmp_path: Path, highlight: float) -> None:
    linear = np.full((96, 128, 3), 0.18)
    linear[:8, :8] = highlight
    levels = []
    for name, picture in (("with.dng", linear), ("without.dng", np.full_like(linear, 0.18))):
        path = write_dng(tmp_path / name, mosaic(picture, RGGB))
        output = path.with_suffix(".tif")
        awbkit.correct(path, output, illuminant=(1, 1, 1))
        levels.append(pyvips.Image.new_from_file(str(output)).numpy()[64, 64].astype(float))
    assert levels[0] == pytest.approx(levels[1], rel=1e-3)


def test_a_picture_that_an_encoder_does_not_take(tmp_path: Path) -> None:
    """x265 takes none whose height is hundreds of times its width."""
    tall = tmp_path / "tall.png"
    pyvips.Image.black(4, 5000, bands=3).copy(interpretation="srgb").write_to_file(str(tall))
    with pytest.raises(OutputError, match=r"cannot be encoded \(.*x265.*\); name an output of another format"):
        awbkit.correct(tall, tmp_path / "tall.heic", illuminant=(1, 1, 0.9))
    assert [path.name for path in tmp_path.iterdir()] == ["tall.png"]

"""Profiles with lookup tables: the light that they show, wide gamuts kept, no number moved without need."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

import awbkit
from awbkit.correction.picture import correct_picture
from awbkit.errors import UnsupportedImage
from awbkit.files.encoding import ProfileError, linear_to_srgb, parse_profile, srgb_to_linear
from awbkit.files.jpeg import segments
from awbkit.files.profile_tables import read_tables
from awbkit.files.rendered import RenderedPhoto
from tests.helpers.pictures import TUNGSTEN
from tests.helpers.table_profiles import (
    ADOBE,
    PROPHOTO,
    SRGB,
    Device,
    gamma,
    lattice,
    matrix_tags,
    mft,
    mpet,
    profile,
    table,
    to_lab,
)

pytestmark = pytest.mark.slow

WIDE = gamma(PROPHOTO, 1.8)
CAMERA = gamma(ADOBE, 2.2)
SCREEN = Device(SRGB, srgb_to_linear, linear_to_srgb)
SWAPPED = gamma(ADOBE[:, [1, 2, 0]], 2.2)
GREEN_PAPER = gamma(ADOBE, 2.2, black=0.01)
NOTHING = mft(np.zeros((2, 2, 2, 3)))


def only_tables(device: Device, kind: str = "mft2", pcs: str = "Lab ", **options: object) -> bytes:
    version = 4 if kind == "mAB " else 2
    return profile({"A2B0": table(device, kind, pcs)}, pcs=pcs, version=version, **options)  # type: ignore[arg-type]


PROFILES = {
    "16 bits, CIELAB": (CAMERA, only_tables(CAMERA)),
    "8 bits, CIELAB": (CAMERA, only_tables(CAMERA, "mft1")),
    "16 bits, XYZ": (SCREEN, only_tables(SCREEN, pcs="XYZ ")),
    "version 4, CIELAB": (SWAPPED, only_tables(SWAPPED, "mAB ")),
    "version 4, XYZ": (WIDE, only_tables(WIDE, "mAB ", "XYZ ")),
    "scanner, black of its own": (GREEN_PAPER, only_tables(GREEN_PAPER, device_class="scnr")),
    "floating point": (CAMERA, profile({"D2B0": mpet(ADOBE, 2.2)}, pcs="XYZ ", version=4)),
}


def open_with_profile(codes: np.ndarray, icc: bytes, path: Path) -> RenderedPhoto:
    image = pyvips.Image.new_from_array(codes)
    image = image.copy(interpretation="rgb16" if codes.dtype == np.uint16 else "srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    image.write_to_file(str(path))
    photo = awbkit.open(path)
    assert isinstance(photo, RenderedPhoto)
    return photo


def correction(light: object) -> awbkit.Correction:
    return awbkit.Correction(awbkit.Illuminant.of(np.asarray(light)))


@pytest.mark.parametrize("name", PROFILES)
def test_light_is_what_the_device_shows(name: str, rng: np.random.Generator) -> None:
    device, icc = PROFILES[name]
    assert parse_profile(icc) is None
    tables = read_tables(icc)
    nodes = np.concatenate([lattice(33)[2::3, 2::3, 2::3].reshape(-1, 3), rng.uniform(0.1, 1, (300, 3))])
    shown = tables.light(np.rint(nodes * 65535).astype(np.uint16)[None])[0]
    expected = (device.linear_srgb(nodes) - tables.black) / (1 - tables.black)
    coarse = 0.02 if "8 bits" in name else 0.006
    assert np.abs(shown - expected).max() < coarse
    assert tables.black == pytest.approx(0.01 if device is GREEN_PAPER else 0, abs=2e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", PROFILES)
def test_neutral_gains_move_no_number(name: str, dtype: type, rng: np.random.Generator, tmp_path: Path) -> None:
    grid = lattice(33).reshape(33, -1, 3)
    codes = np.rint(np.concatenate([grid, rng.random((33, 500, 3))], axis=1) * np.iinfo(dtype).max).astype(dtype)
    photo = open_with_profile(codes, PROFILES[name][1], tmp_path / "a.png")
    assert np.array_equal(correct_picture(photo, correction((1, 1, 1))), codes)


@pytest.mark.parametrize("name", PROFILES)
def test_the_least_gains_move_numbers_the_least(name: str, rng: np.random.Generator, tmp_path: Path) -> None:
    grid = lattice(33).reshape(33, -1, 3)
    codes = np.rint(np.concatenate([grid, rng.random((33, 500, 3))], axis=1) * 65535).astype(np.uint16)
    photo = open_with_profile(codes, PROFILES[name][1], tmp_path / "a.png")
    difference = correct_picture(photo, correction((1 + 1e-6, 1, 1))).astype(int) - codes
    assert np.abs(difference).max() <= 257


@pytest.mark.parametrize(
    ("name", "worst", "mean"),
    [
        ("16 bits, CIELAB", 6, 0.3),
        ("16 bits, XYZ", 1.5, 0.3),
        ("version 4, CIELAB", 6, 0.3),
        ("version 4, XYZ", 3, 0.3),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_corrected_numbers_are_the_devices_own(
    name: str, worst: float, mean: float, dtype: type, rng: np.random.Generator, tmp_path: Path
) -> None:
    device, icc = PROFILES[name]
    top = np.iinfo(dtype).max
    codes = np.rint(rng.uniform(0, 0.9, (40, 200, 3)) * top).astype(dtype)
    result = correct_picture(open_with_profile(codes, icc, tmp_path / "a.png"), correction(TUNGSTEN))
    wanted = device.numbers(device.linear_srgb(codes / top) @ correction(TUNGSTEN).matrix().T)
    inside = ((wanted >= 0) & (wanted <= 0.92)).all(axis=2)
    error = np.abs(result / top - wanted)[inside] * 255
    assert inside.mean() > 0.3
    assert error.max() < worst
    assert error.mean() < mean


def lab_table(xyz: np.ndarray) -> bytes:
    """lut16Type of version 2, whose 0xFF00 stands for 100 and for 255."""
    return mft((to_lab(xyz) / [100, 255, 255] + [0, 128 / 255, 128 / 255]) * (65280 / 65535))


NODES = lattice(33)
STRANGE = {
    "white clipped early": np.minimum(NODES * 1.3, 1) ** 2.2 @ SRGB.T,
    "black clipped late": np.maximum(NODES - 0.1, 0) ** 2.2 @ SRGB.T,
    "negative": (1 - NODES) ** 2.2 @ SRGB.T,
    "dim and yellow": (NODES**2.2 * [0.6, 0.5, 0.3]) @ SRGB.T,
    "s-shaped": (3 * NODES**2 - 2 * NODES**3) @ ADOBE.T,
    "channels disturb each other": (NODES**2.2 * (1 - 0.1 * (NODES**2.2).sum(axis=-1, keepdims=True))) @ SRGB.T,
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_devices_show_the_corrected_light(name: str, rng: np.random.Generator, tmp_path: Path) -> None:
    tables = read_tables(icc := profile({"A2B0": lab_table(STRANGE[name])}))
    codes = np.rint(rng.uniform(0.3, 0.7, (1, 3000, 3)) * 65535).astype(np.uint16)
    light = np.array([1, 0.95, 0.85])
    result = correct_picture(open_with_profile(codes, icc, tmp_path / "a.png"), correction(light))
    wanted, shown = tables.light(codes) @ correction(light).matrix().T, tables.light(result)
    inside = ((result > 0) & (result < 0.85 * 65535) & (wanted > 0)).all(axis=2)
    assert inside.mean() > 0.5
    assert np.abs(np.cbrt(shown) - np.cbrt(wanted))[inside].max() < 0.01


def test_saturated_colours_stay_saturated(tmp_path: Path) -> None:
    """Greens of the device, far outside of sRGB, keep the light that they have over and above it."""
    numbers = np.stack([np.full(50, 0.2), np.linspace(0.5, 0.8, 50), np.linspace(0.4, 0.2, 50)], axis=-1)[None]
    codes = np.rint(numbers * 65535).astype(np.uint16)
    before = CAMERA.linear_srgb(codes / 65535)
    assert before[..., 0].max() < 0
    light = np.array([0.95, 1.0, 0.9])
    result = correct_picture(open_with_profile(codes, only_tables(CAMERA), tmp_path / "a.tif"), correction(light))
    after, expected = CAMERA.linear_srgb(result / 65535), before @ correction(light).matrix().T
    assert np.abs(after - expected).max() < 0.003


@pytest.mark.parametrize("device", [CAMERA, WIDE, SWAPPED], ids=["adobe", "wide", "swapped"])
def test_same_light_and_picture_as_with_curves_and_a_matrix(device: Device, scene: np.ndarray, tmp_path: Path) -> None:
    power = 2.2 if device is not WIDE else 1.8
    curve = b"para\0\0\0\0\0\0\0\0" + struct.pack(">i", round(power * 65536))
    codes = np.rint(np.clip(device.numbers(scene * TUNGSTEN), 0, 1) * 255).astype(np.uint8)
    plain = open_with_profile(codes, profile(matrix_tags(device, curve), pcs="XYZ "), tmp_path / "matrix.png")
    tables = open_with_profile(codes, only_tables(device, "mAB ", "XYZ "), tmp_path / "tables.png")
    lights = [awbkit.estimate(photo.path, "gray-world").rgb for photo in (plain, tables)]
    assert awbkit.angular_error(np.array(lights[0]), np.array(lights[1])) < 0.1
    first, second = (correct_picture(photo, correction(TUNGSTEN)).astype(int) for photo in (plain, tables))
    assert np.abs(first - second).max() <= 4
    assert np.abs(first - second).mean() < 0.4


def test_white_stays_white(tmp_path: Path) -> None:
    codes = np.full((8, 8, 3), 255, np.uint8)
    result = correct_picture(open_with_profile(codes, only_tables(SCREEN), tmp_path / "a.png"), correction(TUNGSTEN))
    assert (result == 255).all()


def test_clipped_numbers_are_not_valid(tmp_path: Path) -> None:
    codes = np.full((4, 64, 3), 100, np.uint8)
    codes[0, :, 0], codes[1, :, 1], codes[2] = 255, 0, 254
    photo = open_with_profile(codes, only_tables(CAMERA), tmp_path / "a.png")
    valid = awbkit.open(photo.path).thumbnail().valid
    assert [bool(valid[i * 16 : i * 16 + 16].all()) for i in range(4)] == [False, False, False, True]
    assert not valid[:48].any()


def test_tables_count_before_curves_and_the_profiles_own_intent_chooses(tmp_path: Path) -> None:
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 256)
    other = table(WIDE, "mft2")
    both = matrix_tags(WIDE, curve) | {"A2B0": table(CAMERA, "mft2"), "A2B1": other}
    codes = np.array([[[20000, 30000, 40000]]], np.uint16)
    by_intent = [read_tables(profile(both, intent=intent)).light(codes)[0, 0] for intent in range(4)]
    assert by_intent[0] == pytest.approx(CAMERA.linear_srgb(codes / 65535)[0, 0], abs=0.003)
    assert by_intent[1] == pytest.approx(WIDE.linear_srgb(codes / 65535)[0, 0], abs=0.003)
    assert by_intent[2] == pytest.approx(by_intent[0])
    assert by_intent[3] == pytest.approx(by_intent[1])
    # A table for another intent alone stands behind curves and a matrix.
    behind = parse_profile(profile(matrix_tags(WIDE, curve) | {"A2B1": other}))
    assert behind is not None
    assert parse_profile(profile({"A2B1": other})) is None


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp", ".avif", ".heic"])
def test_every_format(suffix: str, scene: np.ndarray, tmp_path: Path) -> None:
    codes = np.rint(np.clip(CAMERA.numbers(scene * TUNGSTEN), 0, 1) * 255).astype(np.uint8)
    icc = only_tables(CAMERA)
    path, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    if suffix == ".heic":
        import pillow_heif

        pillow_heif.from_pillow(Image.fromarray(codes)).save(path, quality=95, icc_profile=icc)
    else:
        options = {".jpg": {"quality": 95, "subsampling": 0}, ".webp": {"lossless": True}}.get(suffix, {})
        Image.fromarray(codes).save(path, icc_profile=icc, **options)
    assert awbkit.angular_error(np.array(awbkit.estimate(path, region="52,36,24,24").rgb), TUNGSTEN) < 0.8
    awbkit.correct(path, target, illuminant=TUNGSTEN)
    result = awbkit.open(target)
    assert isinstance(result, RenderedPhoto)
    assert result.profile == icc
    card = result.pixels().numpy()[40:56, 56:72, :3].astype(float)
    # Eight bits of the dark blue channel are coarse.
    assert np.ptp(card.mean(axis=(0, 1))) < 4
    awbkit.correct(path, target, illuminant=(1, 1, 1), if_exists="replace")
    if suffix in (".png", ".tif", ".webp"):
        again = awbkit.open(target)
        assert isinstance(again, RenderedPhoto)
        assert np.array_equal(again.pixels().numpy(), codes)


def test_a_jpeg_of_red_green_and_blue(rng: np.random.Generator, tmp_path: Path) -> None:
    """Coded again as it was; at several resolutions, as in XYB, no encoder can."""
    coarse = rng.integers(20, 230, (12, 16, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC)
    path, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    image.save(path, quality=75, keep_rgb=True, icc_profile=only_tables(CAMERA))
    awbkit.correct(path, target, illuminant=(1, 1, 1 + 1e-5))
    before, after = (np.asarray(Image.open(file)).astype(int) for file in (path, target))
    assert np.abs(after - before).max() <= 1
    data = bytearray(path.read_bytes())
    frame = next(s.offset for s in segments(bytes(data)) if s.marker == 0xC0)
    data[frame + 11 : frame + 18 : 3] = b"\x22\x22\x11"
    data[frame + 5 : frame + 9] = struct.pack(">HH", 16, 16)
    path.write_bytes(data)
    with pytest.raises(UnsupportedImage, match=r"XYB JPEG.*; name an output in PNG"):
        awbkit.correct(path, target, illuminant=TUNGSTEN, if_exists="replace")


def test_a_way_back_that_does_nothing_does_no_harm(rng: np.random.Generator, tmp_path: Path) -> None:
    codes = rng.integers(0, 230, (16, 16, 3)).astype(np.uint8)
    sound, dead = ({"A2B0": table(CAMERA, "mft2"), "B2A0": back} for back in (mft(lattice(9)), NOTHING))
    results = [
        correct_picture(open_with_profile(codes, profile(tags), tmp_path / "a.png"), correction(TUNGSTEN))
        for tags in (sound, dead)
    ]
    assert np.array_equal(*results)


def test_alpha_goes_over(rng: np.random.Generator, tmp_path: Path) -> None:
    codes = rng.integers(0, 256, (20, 30, 4)).astype(np.uint8)
    for dtype, factor in ((np.uint8, 1), (np.uint16, 257)):
        photo = open_with_profile(codes.astype(dtype) * dtype(factor), only_tables(CAMERA), tmp_path / "a.png")
        result = correct_picture(photo, correction(TUNGSTEN))
        assert np.array_equal(result[..., 3], codes[..., 3].astype(dtype) * factor)


def ycc() -> bytes:
    """A device of luma and two differences, whose full scale is no white."""
    y, cb, cr = np.moveaxis(lattice(17), -1, 0)
    rgb = np.clip(
        np.stack([y + 1.4 * (cr - 0.5), y - 0.34 * (cb - 0.5) - 0.71 * (cr - 0.5), y + 1.77 * (cb - 0.5)], -1), 0, 1
    )
    return profile({"A2B0": mft(srgb_to_linear(rgb) @ SRGB.T * (32768 / 65535))}, pcs="XYZ ")


def test_a_device_of_other_channels(tmp_path: Path) -> None:
    gray = np.linspace(0.3, 0.7, 64)
    codes = np.rint(np.stack([gray, np.full(64, 0.45), np.full(64, 0.53)], axis=-1)[None] * 65535).astype(np.uint16)
    photo = open_with_profile(codes, ycc(), tmp_path / "a.png")
    assert np.array_equal(correct_picture(photo, correction((1, 1, 1))), codes)
    light = read_tables(ycc()).light(codes)[0].astype(float)
    result = correct_picture(photo, correction((1.0, 0.9, 0.8)))
    after = read_tables(ycc()).light(result)[0]
    assert np.abs(after - light @ correction((1.0, 0.9, 0.8)).matrix().T).max() < 0.01


def broken_profile(name: str, rng: np.random.Generator) -> bytes:
    sound = table(CAMERA, "mft2", nodes=9)
    if name == "constant":
        return profile({"A2B0": NOTHING})
    if name == "gray":
        return profile({"A2B0": table(gamma(np.outer([0.9642, 1, 0.8249], [0.3, 0.6, 0.1]), 2.2), "mft2", nodes=9)})
    if name == "cut off":
        return profile({"A2B0": sound})[:600]
    if name == "empty":
        return profile({"A2B0": b"mft2\0\0\0\0"})
    if name == "of another type":
        return profile({"A2B0": b"xxxx" + sound[4:]})
    if name == "no connection space":
        return profile({"A2B0": sound}, pcs="RGB ")
    return profile({"A2B0": sound}, device_class=name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("constant", "do not span"),
        ("gray", "do not span"),
        ("cut off", "damaged"),
        ("empty", "cut off"),
        ("of another type", "cannot be used"),
        ("no connection space", "no known colour space"),
        ("link", "device link"),
        ("abst", "abstract"),
        ("nmcl", "named colours"),
    ],
)
def test_unusable_tables_are_refused_at_once(name: str, message: str, rng: np.random.Generator, tmp_path: Path) -> None:
    icc = broken_profile(name, rng)
    with pytest.raises(ProfileError, match=message):  # noqa: PT012
        parse_profile(icc)
        read_tables(icc)
    Image.fromarray(np.full((8, 8, 3), 100, np.uint8)).save(tmp_path / "a.jpg", icc_profile=icc)
    with pytest.raises(UnsupportedImage, match=rf"profile .*{message}.*; pass --encoding srgb"):
        awbkit.open(tmp_path / "a.jpg")


def test_noise_is_no_way_to_colours(rng: np.random.Generator, tmp_path: Path) -> None:
    codes = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    photo = open_with_profile(codes, profile({"A2B0": mft(rng.random((33, 33, 33, 3)))}), tmp_path / "a.png")
    with pytest.raises(UnsupportedImage, match=r"cannot be inverted .*; convert it to sRGB first"):
        correct_picture(photo, correction(TUNGSTEN))


def test_floating_point_is_refused(scene: np.ndarray, tmp_path: Path) -> None:
    icc = only_tables(CAMERA)
    tifffile.imwrite(
        tmp_path / "a.tif",
        scene.astype(np.float32),
        photometric="rgb",
        metadata=None,
        extratags=[(34675, 7, len(icc), icc, True)],
    )
    with pytest.raises(UnsupportedImage, match="floating point with a lookup-table profile"):
        awbkit.open(tmp_path / "a.tif")


def test_a_complaint_that_is_no_text_harms_no_other_file(scene: np.ndarray, tmp_path: Path) -> None:
    """LittleCMS quotes bytes of the profile, which are not always UTF-8."""
    tag = bytearray(table(CAMERA, "mAB ", "XYZ ", nodes=3))
    tag[32:36] = b"\xff\xfe\xfd\xfc"
    icc, codes = profile({"A2B0": bytes(tag)}, pcs="XYZ ", version=4), np.full((8, 8, 3), 100, np.uint8)
    Image.fromarray(codes).save(tmp_path / "a.png", icc_profile=icc)
    for _ in range(2):
        with pytest.raises(UnsupportedImage, match="cannot be used"):
            awbkit.open(tmp_path / "a.png")
    assert open_with_profile(codes, only_tables(CAMERA), tmp_path / "b.png").thumbnail().valid.all()


def test_damaged_tables_never_crash(rng: np.random.Generator, tmp_path: Path) -> None:
    whole = only_tables(CAMERA, "mAB ", "XYZ ")[:3000] + bytes(4000)
    for _ in range(60):
        noisy = bytearray(whole)
        for place in rng.integers(128, 500, 4):
            noisy[place] = rng.integers(256)
        out = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), 100, np.uint8)).save(out, "PNG", icc_profile=bytes(noisy))
        (tmp_path / "a.png").write_bytes(out.getvalue())
        try:
            awbkit.open(tmp_path / "a.png").thumbnail()
        except awbkit.AwbError:
            continue

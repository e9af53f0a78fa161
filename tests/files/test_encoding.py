"""Tone curves and ICC profiles, against colour-science, LCMS and mathematics."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st

from awbkit.files.encoding import (
    LINEAR,
    SRGB,
    ProfileError,
    linear_to_srgb,
    parse_profile,
    srgb_to_linear,
)
from tests.helpers.pictures import (
    ADOBE_PRIMARIES,
    P3_PRIMARIES,
    PROFILES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    gamma_curve,
    icc_profile,
)

with warnings.catch_warnings():
    # It warns that SciPy is missing, which nothing here needs.
    warnings.simplefilter("ignore")
    import colour

RAMP = np.linspace(0, 1, 1001)


def test_srgb_curve_is_that_of_iec_61966_2_1() -> None:
    assert np.abs(srgb_to_linear(RAMP) - colour.models.eotf_sRGB(RAMP)).max() < 1e-7
    assert np.abs(linear_to_srgb(RAMP) - colour.models.eotf_inverse_sRGB(RAMP)).max() < 1e-7


@given(st.floats(-4, 4))
def test_srgb_round_trip_beyond_the_unit_range(value: float) -> None:
    assert linear_to_srgb(srgb_to_linear(np.array(value))) == pytest.approx(value, abs=2e-7)


@pytest.mark.parametrize("name", PROFILES)
def test_profile_round_trip_is_exact_to_a_16_bit_step(name: str) -> None:
    encoding = parse_profile(PROFILES[name])
    assert encoding is not None
    codes = np.repeat(np.arange(65536)[:, None] / 65535, 3, axis=1)
    assert np.abs(encoding.encode(encoding.decode(codes)) - codes).max() * 65535 < 0.01


@pytest.mark.parametrize(
    ("name", "space"),
    [("display-p3", "Display P3"), ("adobe-rgb", "Adobe RGB (1998)"), ("prophoto", "ProPhoto RGB")],
)
def test_profile_matrix_matches_colour_science(name: str, space: str) -> None:
    encoding = parse_profile(PROFILES[name])
    assert encoding is not None
    source, target = colour.RGB_COLOURSPACES[space].copy(), colour.RGB_COLOURSPACES["sRGB"].copy()
    for rgb_space in (source, target):
        rgb_space.use_derived_transformation_matrices(True)
    expected = colour.matrix_RGB_to_RGB(source, target, chromatic_adaptation_transform="Bradford")
    assert np.abs(encoding.matrix - expected).max() < 1e-3
    assert encoding.matrix.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-12)


@pytest.mark.parametrize("name", ["display-p3", "adobe-rgb", "prophoto"])
def test_profile_agrees_with_lcms(name: str, rng: np.random.Generator) -> None:
    encoding = parse_profile(PROFILES[name])
    assert encoding is not None
    codes = rng.integers(0, 65536, (16, 16, 3)).astype(np.uint16)
    image = pyvips.Image.new_from_array(codes).copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", PROFILES[name])
    xyz = image.icc_import(embedded=True, pcs="xyz", intent="relative").numpy() / 100
    ours = encoding.decode(codes / 65535) @ encoding.matrix.T
    srgb_to_xyz = colour.RGB_COLOURSPACES["sRGB"].matrix_RGB_to_XYZ
    assert np.abs(ours @ srgb_to_xyz.T - xyz).max() < 3e-3


def test_srgb_profile_is_recognised_for_what_it_is() -> None:
    encoding = parse_profile(PROFILES["srgb"])
    assert encoding == SRGB


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (b"curv\0\0\0\0\0\0\0\0", RAMP),
        (b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(2.2 * 256)), RAMP ** (round(2.2 * 256) / 256)),
        (gamma_curve(1.0), RAMP),
        (SRGB_CURVE, srgb_to_linear(RAMP)),
        (b"curv\0\0\0\0\0\0\0\3" + struct.pack(">3H", 0, 16384, 65535), np.interp(RAMP, [0, 0.5, 1], [0, 0.25, 1])),
        (
            b"para\0\0\0\0\0\1\0\0" + struct.pack(">3i", 2 << 16, 65536, -6554),
            np.maximum(RAMP - 6554 / 65536, 0) ** 2,
        ),
        (
            b"para\0\0\0\0\0\2\0\0" + struct.pack(">4i", 2 << 16, 58982, 0, 6554),
            (58982 / 65536 * RAMP) ** 2 + 6554 / 65536,
        ),
        (
            b"para\0\0\0\0\0\4\0\0" + struct.pack(">7i", 2 << 16, 58982, 6554, 13107, 6554, 0, 0),
            np.where(RAMP >= 0.1, (58982 / 65536 * RAMP + 6554 / 65536) ** 2, 13107 / 65536 * RAMP),
        ),
    ],
    ids=["identity", "gamma", "linear-para", "srgb", "table", "para-1", "para-2", "para-4"],
)
def test_every_kind_of_curve(curve: bytes, expected: np.ndarray) -> None:
    encoding = parse_profile(icc_profile(SRGB_PRIMARIES, curve))
    assert encoding is not None
    # The knee of the last one lies between two rounded numbers.
    near_knee = np.abs(RAMP - 6554 / 65536) < 1e-3
    difference = np.abs(encoding.decode(np.repeat(RAMP[:, None], 3, axis=1))[:, 1] - expected)
    assert difference[~near_knee].max() < 3e-5


def test_flat_table_encodes_without_nan() -> None:
    curve = b"curv\0\0\0\0\0\0\0\4" + struct.pack(">4H", 0, 0, 30000, 65535)
    encoding = parse_profile(icc_profile(P3_PRIMARIES, curve))
    assert encoding is not None
    back = encoding.encode(np.repeat(RAMP[:, None], 3, axis=1))
    assert np.isfinite(back).all()
    assert back[-1] == pytest.approx([1, 1, 1])


def test_linear_encoding_is_the_identity() -> None:
    values = np.repeat(RAMP[:, None], 3, axis=1)
    assert np.array_equal(LINEAR.encode(LINEAR.decode(values)), values)


def broken_profile(name: str) -> bytes:
    whole = bytearray(icc_profile(ADOBE_PRIMARIES, gamma_curve(2.2)))
    if name == "no signature":
        whole[36:40] = b"xxxx"
    elif name == "cmyk":
        whole[16:20] = b"CMYK"
    elif name == "line feeds":
        whole[16:20] = b"\x1b[1\n"
    elif name == "gray":
        whole[16:20] = b"GRAY"
    elif name == "cut":
        return bytes(whole[:300])
    elif name == "many tags":
        struct.pack_into(">I", whole, 128, 1 << 30)
    elif name == "unknown curve":
        return icc_profile(ADOBE_PRIMARIES, b"weird\0\0\0" + bytes(8))
    elif name == "flat curve":
        return icc_profile(ADOBE_PRIMARIES, gamma_curve(0))
    elif name == "flat primaries":
        red, green = whole.index(b"rXYZ", 128), whole.index(b"gXYZ", 128)
        whole[green + 4 : green + 8] = whole[red + 4 : red + 8]
    return bytes(whole)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no signature", "no ICC signature"),
        ("cmyk", "for CMYK"),
        ("gray", "for GRAY"),
        ("line feeds", "for another space"),
        ("cut", "damaged"),
        ("many tags", "impossible number"),
        ("unknown curve", "unknown type"),
        ("flat curve", "constant"),
        ("flat primaries", "primaries"),
    ],
)
def test_broken_profiles_say_what_is_wrong(name: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        parse_profile(broken_profile(name))


@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_profile_crashes_the_parser(garbage: bytes, position: int) -> None:
    whole = icc_profile(SRGB_PRIMARIES, SRGB_CURVE)
    mixed = whole[:position] + garbage + whole[position + len(garbage) :]
    try:
        encoding = parse_profile(mixed)
    except ProfileError:
        return
    if encoding is not None:
        assert np.isfinite(encoding.matrix).all()

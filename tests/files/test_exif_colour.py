"""Adobe RGB that EXIF alone states: the same light as with the profile, and a copy that says what it is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import awbkit
from awbkit.files import tiff
from awbkit.files.encoding import LINEAR, SRGB, parse_profile
from awbkit.files.exif_colour import ADOBE_RGB, encoding_of_exif
from awbkit.files.ifd import EXIF_IFD, INTEROP_IFD, Directory, serialise
from awbkit.files.metadata import Metadata
from awbkit.files.rendered import RenderedPhoto
from tests.helpers.pictures import PROFILES, TUNGSTEN, encode

Field = tuple[int, bytes]
UNCALIBRATED, PLAIN_SRGB, PLAIN_ADOBE = 65535, 1, 2
ADOBE_XY = (64, 100, 33, 100, 21, 100, 71, 100, 15, 100, 6, 100)
SRGB_XY = (64, 100, 33, 100, 30, 100, 60, 100, 15, 100, 6, 100)
SUFFIXES = [".jpg", ".tif", ".png", ".webp", ".heic", ".avif"]


def short_field(value: int) -> Field:
    return 3, struct.pack("<H", value)


def block(
    space: int | None = UNCALIBRATED,
    index: bytes = b"",
    make: bytes = b"",
    note: bytes = b"",
    primaries: tuple[int, ...] = (),
    order: str = "<",
) -> bytes:
    """An EXIF block that states a colour space in these ways."""
    main, exif = Directory({271: (2, make or b"Maker\0")}), Directory()
    if space is not None:
        exif.fields[40961] = short_field(space)
    if index:
        exif.children[INTEROP_IFD] = Directory({1: (2, index + b"\0"), 2: (7, b"0100")})
    if note:
        exif.fields[37500] = (7, note)
    if primaries:
        main.fields[319] = (5, struct.pack("<12I", *primaries))
    main.children[EXIF_IFD] = exif
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + serialise(main, 8, order)


def note(header: bytes, at: int, *directories: Directory, order: str = "<") -> bytes:
    """A MakerNote: a header, and a directory at this place of what its offsets count from."""
    return header + serialise(directories[0], at, order)


def nikon(fields: dict[int, Field], order: str = ">") -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return note(b"Nikon\0\2\x10\0\0" + mark + struct.pack(order + "I", 8), 8, Directory(fields), order=order)


def olympus(header: bytes, value: int) -> bytes:
    at = len(header)
    settings_at = at + 18
    outer = Directory({0x2020: (13, struct.pack("<I", settings_at))})
    return note(header, at, outer) + serialise(Directory({0x0507: short_field(value)}), settings_at)


def inline(tag: int, kind: int, value: int, order: str = "<") -> bytes:
    return serialise(Directory({tag: (kind, struct.pack("<H" if kind == 3 else "<I", value))}), 8, order)


ADOBE: dict[str, dict[str, Any]] = {
    "dcf": {"index": b"R03"},
    "dcf big-endian": {"index": b"R03", "order": ">"},
    "dcf without a colour space": {"space": None, "index": b"R03"},
    "colour space 2": {"space": PLAIN_ADOBE},
    "colour space 2 with R98": {"space": PLAIN_ADOBE, "index": b"R98"},
    "chromaticities": {"primaries": ADOBE_XY},
    "nikon": {"note": nikon({0x001E: short_field(2)}), "make": b"NIKON CORPORATION\0"},
    "nikon little-endian": {"note": nikon({0x001E: short_field(2)}, "<")},
    "nikon with R98": {"note": nikon({0x001E: short_field(2)}), "index": b"R98"},
    "nikon of 2001": {"note": nikon({0x008D: (2, b"MODE2   \0")})},
    "nikon without a colour space": {"space": None, "note": nikon({0x001E: short_field(2)})},
    "canon": {"note": inline(0x00B4, 3, 2), "make": b"Canon\0"},
    "canon big-endian": {"note": inline(0x00B4, 3, 2, ">"), "make": b"Canon\0", "order": ">"},
    "sony": {"note": b"SONY DSC \0\0\0" + inline(0xB029, 4, 7), "make": b"SONY\0"},
    "minolta": {"note": inline(0x0101, 4, 4), "make": b"Minolta Co., Ltd.\0"},
    "konica minolta": {"note": inline(0x0101, 4, 0x84), "make": b"KONICA MINOLTA\0"},
    "pentax": {"note": b"AOC\0MM" + inline(0x0037, 3, 1, ">"), "make": b"PENTAX\0"},
    "pentax of today": {"note": b"PENTAX \0II" + inline(0x0037, 3, 1), "make": b"RICOH\0"},
    "olympus": {"note": olympus(b"OLYMPUS\0II\3\0", 1)},
    "om system": {"note": olympus(b"OM SYSTEM\0\0\0II\4\0", 1)},
    "samsung": {"note": inline(0xA011, 3, 1), "make": b"SAMSUNG\0"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "nothing": {"space": None},
    "srgb": {"space": PLAIN_SRGB, "index": b"R98"},
    "srgb, whatever else is said": {"space": PLAIN_SRGB, "index": b"R03", "primaries": ADOBE_XY},
    "srgb, and a note": {"space": PLAIN_SRGB, "note": nikon({0x001E: short_field(2)})},
    "uncalibrated, R98": {"index": b"R98"},
    "thumbnail": {"index": b"THM"},
    "sigma": {"space": None, "note": b"SIGMA\0\0\0\1\0" + inline(0x000B, 3, 1)},
    "uncalibrated": {},
    "other chromaticities": {"primaries": SRGB_XY},
    "no chromaticities": {"primaries": (0,) * 12},
    "nikon of sRGB": {"note": nikon({0x001E: short_field(1), 0x008D: (2, b"MODE1a  \0")})},
    "canon": {"note": inline(0x00B4, 3, 1), "make": b"Canon\0"},
    "another's tag": {"note": inline(0x00B4, 3, 2), "make": b"FUJIFILM\0"},
    "sony": {"note": b"SONY DSC \0\0\0" + inline(0xB029, 4, 1), "make": b"SONY\0"},
    "olympus": {"note": olympus(b"OLYMPUS\0II\3\0", 0)},
    "note cut short": {"note": nikon({0x001E: short_field(2)})[:21]},
    "note of a header": {"note": b"OLYMPUS\0"},
}


@pytest.mark.parametrize("name", ADOBE)
def test_every_way_to_state_adobe_rgb(name: str) -> None:
    assert encoding_of_exif("", "jpeg", block(**ADOBE[name])) is ADOBE_RGB


@pytest.mark.parametrize("name", OTHERS)
def test_what_states_nothing_or_another_space(name: str) -> None:
    assert encoding_of_exif("", "jpeg", block(**OTHERS[name])) is None


@given(st.sampled_from(list(ADOBE)), st.binary(max_size=40), st.integers(0, 400), st.booleans())
@settings(max_examples=100, deadline=None)
def test_damaged_blocks_never_raise(name: str, noise: bytes, at: int, insert: bool) -> None:
    whole = block(**ADOBE[name])
    encoding_of_exif("", "png", whole[:at] + noise + whole[at if insert else at + len(noise) :])


def test_the_encoding_is_that_of_the_profile() -> None:
    profile = parse_profile(PROFILES["adobe-rgb"])
    assert profile is not None
    assert ADOBE_RGB.matrix == pytest.approx(profile.matrix, abs=1e-3)
    assert ADOBE_RGB.curves[0] == profile.curves[0]


def write(path: Path, codes: np.ndarray, exif: bytes, profile: bytes | None = None) -> Path:
    image = Image.fromarray(codes)
    suffix, icc = path.suffix, {"icc_profile": profile} if profile else {}
    if suffix == ".tif":
        tags = [(34675, 7, len(profile), profile, True)] if profile else []
        tifffile.imwrite(path, codes, photometric="rgb", metadata=None, extratags=tags)
        tiff.embed(path, Metadata(exif))
    elif suffix == ".heic":
        pillow_heif.from_pillow(image).save(path, quality=95, exif=exif, **icc)
    else:
        lossless = {".jpg": {"quality": 98, "subsampling": 0}, ".webp": {"lossless": True}, ".avif": {"quality": 98}}
        image.save(path, exif=b"Exif\0\0" + exif, **lossless.get(suffix, {}), **icc)
    return path


def open_rendered(path: Path) -> RenderedPhoto:
    photo = awbkit.open(path)
    assert isinstance(photo, RenderedPhoto)
    return photo


def is_adobe(photo: RenderedPhoto) -> bool:
    """Whether the file embeds the profile of Adobe RGB, whose numbers are rounded."""
    found = parse_profile(photo.profile or b"")
    assert found is not None
    return found.name == ADOBE_RGB.name and bool(np.abs(found.matrix - ADOBE_RGB.matrix).max() < 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_light_as_with_the_profile(suffix: str, scene: np.ndarray, tmp_path: Path) -> None:
    codes = encode(scene * TUNGSTEN)
    stated = write(tmp_path / f"_stated{suffix}", codes, block(index=b"R03"))
    embedded = write(tmp_path / f"embedded{suffix}", codes, block(index=b"R03"), PROFILES["adobe-rgb"])
    assert open_rendered(stated).encoding is ADOBE_RGB
    first, second = (awbkit.estimate(path, "gray-world").rgb for path in (stated, embedded))
    assert awbkit.angular_error(np.array(first), np.array(second)) < 0.02
    # The copy has the numbers that a profile would have given it, a profile that says so, and the EXIF that it had.
    outputs = [path.with_stem(f"{path.stem}_awb") for path in (stated, embedded)]
    for source, target in zip((stated, embedded), outputs, strict=True):
        awbkit.correct(source, target, illuminant=TUNGSTEN)
    numbers = [open_rendered(path).pixels().numpy().astype(int) for path in outputs]
    assert np.abs(numbers[0] - numbers[1]).max() <= 1
    copy = open_rendered(outputs[0])
    assert is_adobe(copy)
    assert encoding_of_exif(copy.path, copy.format, copy.exif) is ADOBE_RGB


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_neutral_gains_change_nothing(suffix: str, rng: np.random.Generator, tmp_path: Path) -> None:
    codes = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    source, target = write(tmp_path / f"a{suffix}", codes, block(index=b"R03")), tmp_path / f"b{suffix}"
    awbkit.correct(source, target, illuminant=(1, 1, 1))
    if suffix in (".png", ".tif", ".webp", ".jpg"):
        difference = open_rendered(source).pixels().numpy().astype(int) - open_rendered(target).pixels().numpy()
        assert np.abs(difference).max() <= 1


def test_another_format_keeps_the_space(scene: np.ndarray, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jpg", encode(scene), block(index=b"R03"))
    for suffix in SUFFIXES:
        target = tmp_path / f"b{suffix}"
        awbkit.correct(source, target, illuminant=(1, 1, 1))
        assert is_adobe(open_rendered(target)), suffix


def test_what_goes_before_exif(scene: np.ndarray, tmp_path: Path) -> None:
    exif, codes = block(index=b"R03"), encode(scene)
    profile = write(tmp_path / "p3.jpg", codes, exif, PROFILES["display-p3"])
    assert open_rendered(profile).encoding == parse_profile(PROFILES["display-p3"])
    chunk = write(tmp_path / "srgb.png", codes, exif)
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:33] + b"\0\0\0\1sRGB\0\xae\xce\x1c\xe9" + whole[33:])
    assert open_rendered(chunk).encoding is SRGB
    jpeg = write(tmp_path / "a.jpg", codes, exif)
    for choice, expected in (("srgb", SRGB), ("linear", LINEAR), ("camera", LINEAR)):
        assert awbkit.open(jpeg, encoding=choice).encoding is expected  # type: ignore[attr-defined]


def test_floating_point_stays_linear(scene: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, scene.astype(np.float32), photometric="rgb", metadata=None)
    tiff.embed(path, Metadata(block(index=b"R03")))
    assert open_rendered(path).encoding is LINEAR


def test_sixteen_bits(scene: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = pyvips.Image.new_from_array(encode(scene, np.uint16)).copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.blob_type, "exif-data", block(index=b"R03"))
    image.write_to_file(str(path))
    assert open_rendered(path).encoding is ADOBE_RGB

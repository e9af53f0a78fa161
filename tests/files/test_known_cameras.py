"""The matrices of cameras by name, against those that Adobe published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.camera import Camera
from awbkit.files.known_cameras import known_camera
from awbkit.files.open import open_photo
from tests.helpers.raw_files import mosaic, write_dng

TABLE = {
    "Canon EOS 5DS R": (6250, -711, -808, -5153, 12794, 2636, -1249, 2198, 5610),
    "Nikon D810": (9369, -3195, -791, -4488, 12430, 2301, -893, 1796, 6872),
    "Canon EOS 550D": (6941, -1164, -857, -3825, 11597, 2534, -416, 1540, 6039),
    "Canon EOS 5D": (6347, -479, -972, -8297, 15954, 2480, -1968, 2131, 7649),
    "Canon EOS-1D": (6806, -179, -1020, -8097, 16415, 1687, -3267, 4236, 7690),
}
"""XYZ under D65 to camera RGB, in ten-thousandths."""


def found(name: str) -> Camera:
    camera = known_camera(name)
    assert camera is not None
    return camera


@pytest.mark.parametrize("name", TABLE)
def test_published_matrices(name: str) -> None:
    camera = found(name)
    assert camera.name == name
    assert camera.space == "camera"
    ((cct, matrix),) = camera.matrices
    assert cct == 6504
    assert np.array_equal(np.array(matrix), np.array(TABLE[name]).reshape(3, 3) / 10_000)


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("NIKON CORPORATION NIKON D810", "Nikon D810"),
        ("Canon Canon EOS 550D", "Canon EOS 550D"),
        ("CANON EOS 550D", "Canon EOS 550D"),
        ("Canon EOS REBEL T2i", "Canon EOS 550D"),
        ("Canon EOS Rebel SL3", "Canon EOS 250D"),
        ("Canon EOS 200D II", "Canon EOS 250D"),
        ("Canon Digital Rebel XTi", "Canon EOS 400D"),
        ("Canon EOS R5m2", "Canon EOS R5 Mark II"),
        ("OLYMPUS IMAGING CORP. E-PL6", "Olympus E-PL6"),
        ("SONY SLT-A57", "Sony SLT-A57"),
        ("Nikon D800E", "Nikon D800"),
        ("SAMSUNG NX2000", "Samsung NX2000"),
        ("FUJIFILM X-M1", "Fujifilm X-M1"),
        ("Panasonic DMC-GX1", "Panasonic DMC-GX1"),
        ("  Nikon   D810 ", "Nikon D810"),
    ],
)
def test_one_camera_by_several_names(written: str, listed: str) -> None:
    assert found(written).matrices == found(listed).matrices
    assert found(written).name == written


def test_later_generations_are_cameras_of_their_own() -> None:
    assert found("Canon EOS R5 Mark II").matrices != found("Canon EOS R5").matrices
    assert found("Canon EOS 250D").matrices != found("Canon EOS 200D").matrices


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Canon",
        "D810",
        "Acme One",
        "Samsung Galaxy Note20",
        "ARRI D21",
        "Canon EOS Rebel Z9i",
        "Canon EOS R5 Mark XII",
        "Canon EOS R6 Mark III",
        "Canon EOS 5DII",
        "Leica SL2",
        "Nikon Z 6III",
        "Panasonic DC-S1M2",
        "Ricoh GR IV",
        "Sony ILCE-7M5",
        "Sony DSC-RX1RM3",
        "Sinar anything",
        "Nikon D",
        "Nikon 810",
        "Nikon \0D810",
        "Nikon Größe",
        "Nikon " + "D" * 500,
    ],
)
def test_names_of_which_nothing_is_known(name: str) -> None:
    """Above all, no matrix of sRGB or of another camera in their place."""
    assert known_camera(name) is None


@given(st.text(max_size=30))
def test_no_name_is_too_odd(name: str) -> None:
    known_camera(name)


def test_the_imx135_is_set_off_from_the_d810_by_its_white() -> None:
    sony, nikon = found("Sony IMX135").white_d65, found("Nikon D810").white_d65
    assert sony is not None
    assert nikon is not None
    ratio = np.array(nikon) / np.array(sony)
    np.testing.assert_allclose(ratio / ratio[1], np.array([0.913, 0.978, 1.094]) / 0.978, rtol=1e-9)


def test_a_raw_file_of_the_camera_says_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("raw") / "one.dng"
    samples = mosaic(np.full((64, 64, 3), 0.3), np.array([[0, 1], [1, 2]]))
    write_dng(path, samples, make="NIKON CORPORATION", model="NIKON D810", matrix=None)
    raw = open_photo(str(path)).camera
    assert raw.matrices[0][0] == found("Nikon D810").matrices[0][0]
    np.testing.assert_allclose(raw.xyz_to_rgb(), found("Nikon D810").xyz_to_rgb(), atol=1e-7)

"""Cameras by their spectral sensitivities: the shipped ones, files of the user's, and the matrices they make."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from awbkit.colour.illuminant import angular_error
from awbkit.datasets.spectral.grid import WAVELENGTHS
from awbkit.datasets.spectral.measurements import measurements
from awbkit.datasets.spectral.pack import pack
from awbkit.datasets.spectral.sensitivities import Sensitivity, d65, read, shipped_cameras
from awbkit.errors import UnreadableFile
from awbkit.files.known_cameras import known_camera

SHARED = Path(os.environ.get("AWBKIT_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data" / "spectral"


def document(name: str = "D999", values: np.ndarray | None = None) -> bytes:
    """A camera as rawtoaces-data writes it."""
    table = shipped_cameras()[0].rgb if values is None else values
    main = {f"{wavelength:.0f}": row.tolist() for wavelength, row in zip(WAVELENGTHS, table, strict=True)}
    header = {"manufacturer": "Nikon", "model": name}
    return json.dumps(
        {"header": header, "spectral_data": {"index": {"main": ["R", "G", "B"]}, "data": {"main": main}}}
    ).encode()


@pytest.mark.skipif(not SHARED.is_dir(), reason="rawtoaces-data (AWBKIT_SHARED or ../shared) is not here")
def test_the_shipped_file_is_the_published_data(tmp_path: Path) -> None:
    pack(SHARED, tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz") as again:
        assert again["cameras"].tolist() == list(measurements().cameras)
        for name in ("sensitivities", "patches", "observer"):
            np.testing.assert_array_equal(again[name].astype(np.float64), getattr(measurements(), name))
    published = json.loads((SHARED / "camera" / "Nikon_D810_380_780_5.json").read_text())
    table = np.array(list(published["spectral_data"]["data"]["main"].values()))
    ours = next(camera for camera in shipped_cameras() if camera.name == "Nikon D810")
    np.testing.assert_allclose(ours.rgb, table, rtol=1e-6, atol=1e-9)


def test_52_cameras_by_the_names_that_libraw_gives_them() -> None:
    names = [camera.name for camera in shipped_cameras()]
    assert len(set(names)) == 52
    assert names == sorted(names)
    assert {"Canon EOS R5 Mark II", "Canon EOS 400D", "Nikon D810", "Sony ILCE-7M3"} <= set(names)


@pytest.mark.parametrize("camera", shipped_cameras(), ids=lambda camera: camera.name)
def test_the_matrix_gives_d65_the_white_that_the_sensitivities_give_it(camera: Sensitivity) -> None:
    white = camera.camera.white_d65
    assert white is not None
    assert angular_error(white, camera.white(d65()).tolist()) < 1e-3
    cct, duv = camera.camera.cct_duv(camera.white(d65())) or (0, 0)
    assert cct == pytest.approx(6504, abs=1)
    assert duv == pytest.approx(0.0032, abs=1e-4)


def test_derived_whites_are_near_those_that_libraw_lists() -> None:
    pairs = [(camera.camera.white_d65, known_camera(camera.name)) for camera in shipped_cameras()]
    errors = [angular_error(white, known.white_d65) for white, known in pairs if white and known and known.white_d65]
    assert len(errors) == 49
    assert np.median(errors) == pytest.approx(1.6, abs=0.05)
    assert np.mean(errors) == pytest.approx(1.61, abs=0.05)
    # The Nikon D5100, measured by another laboratory than the rest, sees more red than its makers' profile says.
    assert max(errors) == pytest.approx(5.1, abs=0.1)


def test_an_observer_for_a_camera_has_the_identity_for_a_matrix() -> None:
    matrix = Sensitivity("eye", measurements().observer).camera.xyz_to_rgb()
    # Up to D65's xy, which is rounded, while the power that is fitted is not.
    np.testing.assert_allclose(matrix, np.eye(3), atol=2e-3)


class TestReads:
    def test_json(self) -> None:
        camera = read(document(), "cameras/any.json")
        assert camera.name == "Nikon D999"
        np.testing.assert_allclose(camera.rgb, shipped_cameras()[0].rgb, atol=1e-12)

    def test_csv_of_other_steps_in_any_order(self) -> None:
        def row(wavelength: int) -> str:
            channels = (np.exp(-(((wavelength - peak) / 40) ** 2)) for peak in (600, 540, 460))
            return ",".join(f"{value}" for value in (wavelength, *channels))

        green = "\n".join(row(wavelength) for wavelength in (400, 410, *range(700, 410, -10)))
        camera = read(b"\xef\xbb\xbfWavelength, R,G,B\n" + green.encode(), "set/my camera.csv")
        assert camera.name == "my camera"
        np.testing.assert_allclose(camera.rgb[WAVELENGTHS == 545], [[0.151, 0.984, 0.011]], atol=1e-3)
        assert not camera.rgb[WAVELENGTHS < 400].any()
        assert (camera.rgb >= 0).all()


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.json", b"", "is no JSON"),
        ("a.json", b"[1, 2]", "no spectral sensitivity"),
        ("a.json", b"[" * 5000 + b"]" * 5000, "nests more than"),
        ("a.json", b'{"header": {}, "spectral_data": {}}', "no spectral sensitivity"),
        (
            "a.json",
            b'{"header":{},"spectral_data":{"index":{"main":["r","g","b"]},"data":{"main":{}}}}',
            "no wavelengths",
        ),
        ("a.json", document(values=np.zeros((81, 3))), "nowhere sensitive"),
        ("a.json", document(values=np.full((81, 3), np.nan)), "holds NaN, which is no JSON number"),
        ("a.json", document(values=np.ones((81, 3))), "of the same sensitivity"),
        ("a.csv", b"\xff\xfe\0", "is not UTF-8 text"),
        ("a.csv", b"", "no wavelengths"),
        ("a.csv", b"wavelength,r,g,b\n" + b"".join(b"%d,1e99,2,3\n" % w for w in range(380, 790, 10)), "beyond 1e.30"),
        ("a.csv", b"wavelength,r,g\n400,1,2\n", "no spectral sensitivity"),
        ("a.csv", b"wavelength,r,g,b\n400,1,2,x\n", "no spectral sensitivity"),
        ("a.csv", b"wavelength,r,g,b\nnan,1,2,3\n", "no wavelengths"),
        ("a.csv", b"wavelength,r,g,b\n" + b"".join(b"%d,1,2,3\n" % w for w in range(500, 600, 10)), "500 to 590 nm"),
    ],
)
def test_refuses(name: str, data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableFile, match=problem) as caught:
        read(data, name)
    assert caught.value.remedy

"""Light sources against colour-science's tables and the standards' chromaticities."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

from awbkit.colour.temperature import xy_to_cct_duv
from awbkit.datasets.spectral.grid import WAVELENGTHS
from awbkit.datasets.spectral.lights import black_body, catalogue, coloured_led, daylight, white_xyz
from awbkit.datasets.spectral.measurements import measurements
from awbkit.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

SHAPE = colour.SpectralShape(380, 780, 5)
OBSERVER = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(SHAPE)


def xy(power: np.ndarray) -> tuple[float, float]:
    x, y, z = white_xyz(power)
    return x / (x + y + z), y / (x + y + z)


def test_the_observer_is_the_standard_one() -> None:
    np.testing.assert_allclose(measurements().observer, OBSERVER.values, atol=1e-4)


@pytest.mark.parametrize(("name", "cct"), [("D50", 5003), ("D55", 5503), ("D65", 6504), ("D75", 7504)])
def test_daylight_is_the_tabulated_one(name: str, cct: float) -> None:
    table = colour.SDS_ILLUMINANTS[name].copy().align(SHAPE).values / 100
    np.testing.assert_allclose(daylight(cct).power, table, atol=2e-3)


def test_a_black_body_of_2856_k_is_illuminant_a() -> None:
    table = colour.SDS_ILLUMINANTS["A"].copy().align(SHAPE).values / 100
    np.testing.assert_allclose(black_body(2856).power, table, rtol=1e-3)


@pytest.mark.parametrize("cct", [1800, 2400, 3200, 10_000])
def test_a_black_body_has_its_own_temperature(cct: float) -> None:
    found = xy_to_cct_duv(*xy(black_body(cct).power))
    assert found == pytest.approx((cct, 0), rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("duv", [-0.004, 0.003, 0.006])
@pytest.mark.parametrize("cct", [4000, 5500, 7500, 20_000])
def test_daylight_may_be_greener_than_its_locus(cct: float, duv: float) -> None:
    before, after = (xy_to_cct_duv(*xy(daylight(cct, off).power)) for off in (0, duv))
    assert before is not None
    assert after is not None
    assert after[0] == pytest.approx(before[0], rel=2e-3)
    assert after[1] - before[1] == pytest.approx(duv, abs=1e-4)


@pytest.mark.parametrize("cct", [0, 3999, 25_001, float("nan")])
def test_daylight_ends_where_cie_ends_it(cct: float) -> None:
    with pytest.raises(UsageError, match="4000 to 25000 K"):
        daylight(cct)


def test_the_catalogue_has_every_kind_and_no_light_twice() -> None:
    lamps = catalogue()
    assert set(lamps) == {"tungsten", "led", "fluorescent", "discharge"}
    every = [lamp for kind in lamps.values() for lamp in kind]
    assert len(every) >= 80
    assert len({lamp.name for lamp in every}) == len(every)
    for lamp in every:
        assert lamp.power.shape == WAVELENGTHS.shape
        assert lamp.power.min() >= 0
        assert lamp.power.max() == 1
        assert not lamp.power.flags.writeable


@pytest.mark.parametrize("kind", ["tungsten", "led", "fluorescent", "discharge"])
def test_lamps_have_the_xyz_that_colour_science_gives_them(kind: str) -> None:
    tables = {**colour.SDS_ILLUMINANTS, **colour.SDS_LIGHT_SOURCES}
    for lamp in catalogue()[kind]:
        expected = colour.sd_to_XYZ(tables[lamp.name].copy().align(SHAPE), OBSERVER, method="Integration")
        np.testing.assert_allclose(white_xyz(lamp.power), expected / expected[1], atol=4e-3, err_msg=lamp.name)


def test_a_coloured_led_is_where_its_peak_is_and_leaves_no_channel_dark() -> None:
    white = black_body(3000)
    light = coloured_led(465, 15, white, 0.3)
    assert WAVELENGTHS[light.power.argmax()] == 465
    np.testing.assert_allclose(coloured_led(465, 15, white, 1.0).power, white.power / white.power.max())


def test_without_colour_science_lamps_say_what_to_install_and_daylight_works() -> None:
    code = (
        "import sys; sys.modules['colour'] = None\n"
        "from awbkit.datasets.layout import parse\n"
        "from awbkit.store.source import Source\n"
        "from awbkit.errors import MissingExtra\n"
        "source = Source('')\n"
        "plain = parse('rendered:count=3,lamps=no')\n"
        "for sample in plain.samples(source): plain.load(source, sample)\n"
        "try: list(parse('rendered:count=50').samples(source))\n"
        "except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[datasets]'" in done.stdout

"""Scenes, sensors and upsampling: what mathematics and colour-science say must come out."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awbkit.colour.illuminant import angular_error
from awbkit.colour.image import LinearImage
from awbkit.datasets.spectral import recipe, reflectances
from awbkit.datasets.spectral.grid import WAVELENGTHS
from awbkit.datasets.spectral.lights import Light, black_body, catalogue, daylight
from awbkit.datasets.spectral.recipe import SETTINGS, Recipe
from awbkit.datasets.spectral.scene import Scene, expose, illuminant, procedural_scene, scene_of_photograph
from awbkit.datasets.spectral.sensitivities import Sensitivity, d65, shipped_cameras
from awbkit.datasets.spectral.sensor import Sensor, auto_exposure
from awbkit.datasets.spectral.upsampling import basis, srgb_of_reflectance
from awbkit.estimators import parse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

CAMERA = next(camera for camera in shipped_cameras() if camera.name == "Nikon D810")
WARM, COLD = black_body(2800), daylight(9000)
ALL = np.ones((64, 64), np.float32)
EVERYWHERE = ALL.astype(np.bool_)


def flat_scene(reflectance: np.ndarray | float, lights: np.ndarray, gloss: float = 0.0) -> Scene:
    """One even surface that fills the picture."""
    surface = np.broadcast_to(reflectance, (2, 1, len(WAVELENGTHS))).astype(np.float64)
    return Scene(ALL[None], surface, 0 * ALL, ALL, gloss * ALL, lights.astype(np.float32))


def draw_scene(seed: int, *, lights: int = 1) -> tuple[Scene, np.ndarray]:
    """An invented scene, and the power of its lights."""
    rng = np.random.default_rng(seed)
    chosen = recipe.draw(rng, lights, lamps=True)
    return procedural_scene(rng, chosen), np.stack([light.power for light in chosen.lights])


LAMPS = [WARM, COLD, *(lamps[0] for lamps in catalogue().values())]


@pytest.mark.parametrize("lamp", LAMPS, ids=lambda lamp: lamp.name)
@pytest.mark.parametrize("camera", shipped_cameras()[::13], ids=lambda camera: camera.name)
def test_a_perfect_white_has_the_colour_of_the_light(camera: Sensitivity, lamp: Light) -> None:
    pixels, incident = expose(flat_scene(1.0, ALL[None]), lamp.power[None], camera.rgb)
    np.testing.assert_array_equal(pixels, incident)
    truth, local, spread = illuminant(pixels, incident, EVERYWHERE, CAMERA.camera)
    by_hand = [(lamp.power * camera.rgb[:, channel]).sum() for channel in range(3)]
    np.testing.assert_allclose(truth, np.array(by_hand) / by_hand[1], rtol=1e-6)
    np.testing.assert_allclose(local.rgb, np.broadcast_to(truth, (64, 64, 3)), rtol=1e-5)
    assert spread == 0


@pytest.mark.parametrize("seed", range(12))
def test_gray_world_is_exact_in_a_grey_scene_of_one_light(seed: int) -> None:
    scene, powers = draw_scene(seed)
    grey = replace(scene, surfaces=np.broadcast_to(scene.surfaces.mean(axis=2, keepdims=True), scene.surfaces.shape))
    pixels, incident = expose(grey, powers, CAMERA.rgb)
    found = parse("gray-world").estimate(LinearImage.from_array(pixels / pixels.max() * 0.9))
    truth, _, spread = illuminant(pixels, incident, EVERYWHERE, CAMERA.camera)
    assert angular_error(found.rgb, truth.tolist()) < 1e-3
    assert angular_error(truth.tolist(), CAMERA.white(powers[0]).tolist()) < 1e-3
    assert spread == 0


@pytest.mark.parametrize("seed", range(12))
def test_no_cell_sends_back_more_light_than_it_gets(seed: int) -> None:
    scene, powers = draw_scene(seed, lights=3)
    np.testing.assert_allclose(scene.weights.sum(axis=0), 1, atol=1e-5)
    assert scene.weights.min() >= 0
    assert 0 < scene.surfaces.min() <= scene.surfaces.max() <= 0.95
    assert 0 <= scene.texture.min() <= scene.texture.max() <= 1
    assert scene.lights.min() >= 0
    pixels, incident = expose(replace(scene, gloss=0 * ALL, shading=ALL), powers, CAMERA.rgb)
    assert (pixels >= 0).all()
    assert (pixels <= incident * 0.951).all()


def test_a_scene_is_the_integral_over_wavelengths() -> None:
    scene, powers = draw_scene(5, lights=2)
    pixels, _ = expose(scene, powers, CAMERA.rgb)
    for row, column in ((3, 60), (32, 32), (63, 1)):
        first, second = (scene.weights[:, row, column] @ surfaces for surfaces in scene.surfaces)
        share = scene.texture[row, column]
        reflectance = ((1 - share) * first + share * second) * scene.shading[row, column] + scene.gloss[row, column]
        light = sum(
            arriving * power / (power @ CAMERA.rgb[:, 1])
            for arriving, power in zip(scene.lights[:, row, column], powers, strict=True)
        )
        np.testing.assert_allclose(pixels[row, column], (reflectance * light) @ CAMERA.rgb, rtol=1e-4)


def test_two_lights_in_equal_halves() -> None:
    left = (np.arange(64) < 32) * ALL
    powers = np.stack([WARM.power, COLD.power])
    pixels, incident = expose(flat_scene(0.3, np.stack([left, 1 - left])), powers, CAMERA.rgb)
    truth, local, spread = illuminant(pixels, incident, EVERYWHERE, CAMERA.camera)
    warm, cold = CAMERA.white(WARM.power), CAMERA.white(COLD.power)
    np.testing.assert_allclose(truth, (warm + cold) / 2, rtol=1e-5)
    np.testing.assert_allclose(local.rgb[0, [0, 63]], [warm, cold], rtol=1e-5)
    assert spread == pytest.approx(angular_error(warm.tolist(), cold.tolist()), rel=1e-3)


def test_the_light_of_what_is_bright_and_valid_counts() -> None:
    left = (np.arange(64) < 32) * ALL
    powers = np.stack([WARM.power, COLD.power])
    pixels, incident = expose(flat_scene(0.3, np.stack([3 * left, 1 - left])), powers, CAMERA.rgb)
    warm, cold = CAMERA.white(WARM.power), CAMERA.white(COLD.power)
    np.testing.assert_allclose(
        illuminant(pixels, incident, EVERYWHERE, CAMERA.camera)[0], (3 * warm + cold) / 4, rtol=1e-5
    )
    np.testing.assert_allclose(illuminant(pixels, incident, left == 0, CAMERA.camera)[0], cold, rtol=1e-5)


def test_gloss_has_the_colour_of_the_light_whatever_the_surface() -> None:
    red = 0.05 + 0.9 * (WAVELENGTHS > 600)
    (matt, _), (glossy, incident) = (
        expose(flat_scene(red, ALL[None], gloss), d65()[None], CAMERA.rgb) for gloss in (0, 0.5)
    )
    np.testing.assert_allclose(glossy - matt, 0.5 * incident, rtol=1e-5)


@pytest.mark.slow
def test_invented_scenes_have_the_power_spectrum_of_pictures() -> None:
    """Power falls with frequency to the power of 2 or a little less (Ruderman 1997)."""
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64))
    window = np.hanning(64)[:, None] * np.hanning(64)
    total = np.zeros((64, 64))
    for seed in range(80):
        scene, powers = draw_scene(seed)
        log = np.log(expose(scene, powers, CAMERA.rgb)[0][..., 1])
        total += np.abs(np.fft.fft2((log - log.mean()) * window)) ** 2
    middle = (frequency > 0.05) & (frequency < 0.3)
    slope = np.polyfit(np.log(frequency[middle]), np.log(total[middle]), 1)[0]
    assert -2.3 < slope < -1.5


@pytest.mark.parametrize("family", reflectances.FAMILIES)
@pytest.mark.parametrize("colourfulness", [0.0, 1.0, 2.0])
def test_surfaces_reflect_between_nothing_and_all(family: str, colourfulness: float) -> None:
    spectra = reflectances.draw(np.random.default_rng(3), [family] * 200, colourfulness)
    assert spectra.shape == (200, 81)
    assert spectra.min() >= 0.02
    assert spectra.max() <= 0.95
    assert np.ptp(spectra, axis=1).max() < 1e-9 or colourfulness


def test_foliage_is_green_earth_is_warm_and_the_sky_is_blue() -> None:
    rng = np.random.default_rng(8)
    names = ("foliage", "earth", "skin", "blue sky")
    grass, soil, skin, sky = (
        np.median(reflectances.draw(rng, [name] * 200, 1.0) @ srgb_of_reflectance().T, axis=0) for name in names
    )
    assert grass[1] > grass[0] > grass[2]
    assert soil[0] > soil[1] > soil[2]
    assert skin[0] > skin[1] > skin[2]
    assert sky[2] > sky[1] > sky[0]


@pytest.mark.slow
@pytest.mark.parametrize("lamps", [True, False])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_recipes_keep_to_what_is_allowed(lamps: bool, most: int) -> None:
    draw_scene = [recipe.draw(np.random.default_rng(seed), most, lamps=lamps) for seed in range(300)]
    assert {len(one.lights) for one in draw_scene} == set(range(1, most + 1))
    assert {one.setting for one in draw_scene} == set(SETTINGS)
    names = {light.name.split()[0] for one in draw_scene for light in one.lights}
    assert lamps or names == {"daylight", "black"}
    assert all(np.isfinite(light.power).all() and light.power.min() >= 0 for one in draw_scene for light in one.lights)


class TestUpsampling:
    def test_the_basis_is_a_partition_of_white(self) -> None:
        assert basis().shape == (3, 81)
        assert basis().min() >= 0
        np.testing.assert_allclose(basis().sum(axis=0), 1, atol=1e-9)

    def test_colours_come_back_as_colour_science_computes_them(self) -> None:
        shape = colour.SpectralShape(380, 780, 5)
        observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(shape)
        light = colour.SDS_ILLUMINANTS["D65"].copy().align(shape)
        for srgb in np.random.default_rng(2).random((20, 3)):
            spectrum = colour.SpectralDistribution(srgb @ basis(), shape)
            xyz = colour.sd_to_XYZ(spectrum, observer, light, method="Integration") / 100
            back = colour.XYZ_to_RGB(xyz, "sRGB", chromatic_adaptation_transform=None)
            np.testing.assert_allclose(back, srgb, atol=2e-3)

    @given(st.tuples(*[st.floats(0, 1)] * 3))
    def test_round_trip_and_bounds(self, srgb: tuple[float, float, float]) -> None:
        spectrum = np.array(srgb) @ basis()
        np.testing.assert_allclose(srgb_of_reflectance() @ spectrum, srgb, atol=1e-9)
        assert spectrum.min() >= 0
        assert spectrum.max() <= 1 + 1e-9

    def test_it_is_smoother_than_the_published_one(self) -> None:
        published = colour.recovery.MSDS_BASIS_FUNCTIONS_sRGB_MALLETT2019.copy()
        published = published.align(colour.SpectralShape(380, 780, 5)).values.T
        assert (np.diff(basis(), axis=1) ** 2).sum() < (np.diff(published, axis=1) ** 2).sum()

    def test_a_grey_photograph_has_the_light_in_every_cell(self) -> None:
        rng = np.random.default_rng(1)
        grey = np.repeat(rng.uniform(0.05, 1, (64, 64, 1)), 3, axis=2).astype(np.float32)
        scene = scene_of_photograph(rng, Recipe("room", (WARM,)), grey, basis())
        pixels, incident = expose(scene, WARM.power[None], CAMERA.rgb)
        np.testing.assert_allclose(pixels, grey * incident, rtol=1e-4)


class TestSensor:
    @pytest.mark.parametrize("level", [0.001, 0.02, 0.2, 0.7])
    @pytest.mark.parametrize("count", [1, 100])
    def test_noise_follows_the_photon_transfer_curve(self, level: float, count: int) -> None:
        sensor = Sensor(full_well=5000, read_noise=4, bits=12, black=256)
        light = np.full((400, 400, 3), level, np.float32)
        seen = sensor.read(light, count, np.random.default_rng(4)).astype(np.float64)
        shot, read, rounding = level / 5000, (4 / 5000) ** 2, 1 / 12 / (4095 - 256) ** 2
        assert seen.var() == pytest.approx((shot + read + rounding) / count, rel=0.01)
        assert seen.mean() == pytest.approx(level, abs=5 * seen.std() / np.sqrt(seen.size))

    def test_clips_at_the_white_level_and_at_code_0(self) -> None:
        light = np.concatenate([np.zeros(5000, np.float32), np.full(5000, 1.2, np.float32)])
        seen = Sensor(1000, 60, 10, 20).read(light, 1, np.random.default_rng(4))
        assert seen.max() == 1
        assert seen.min() == pytest.approx(-20 / 1003)
        assert (Sensor(1000, 60, 10, 0).read(light, 1, np.random.default_rng(4)) >= 0).all()

    @settings(max_examples=30)
    @given(st.integers(0, 2**32), st.floats(1e-3, 1e3))
    def test_exposure_does_not_depend_on_the_unit_of_light(self, seed: int, unit: float) -> None:
        light = np.random.default_rng(seed).random((64, 64, 3))
        gains = [auto_exposure((scale * light).astype(np.float32), np.random.default_rng(seed)) for scale in (1, unit)]
        assert gains[0] == pytest.approx(gains[1] * unit, rel=1e-4)

    def test_darkness_has_an_exposure_too(self) -> None:
        assert np.isfinite(auto_exposure(np.zeros((64, 64, 3), np.float32), np.random.default_rng(0)))

    def test_sensors_are_within_what_is_built(self) -> None:
        for seed in range(50):
            sensor = Sensor.draw(np.random.default_rng(seed))
            assert sensor.bits in (10, 12, 14)
            assert 0 <= sensor.black < 2**sensor.bits / 16
            assert 1000 <= sensor.full_well <= 60_000

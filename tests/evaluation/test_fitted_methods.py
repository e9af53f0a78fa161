"""Methods that are fitted: known answers, the transfer between cameras, and expected errors that are right."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.datasets.prepared import Prepared
from awbkit.errors import AwbError, UsageError
from awbkit.evaluation import corrected_moments
from awbkit.evaluation.angles import recovery_error
from awbkit.evaluation.fitted_methods import FittedMethod, check, find_method, fit, trainable_names
from tests.helpers.evaluation_sets import MATRICES, write_prepared

CANON, NIKON = (Camera(name, matrices=((6504.0, matrix),)) for name, matrix in MATRICES.items())
UNKNOWN = Camera("Unknown")


def fitted_to(method: str, lights: list[list[float]], cameras: list[Camera]) -> FittedMethod:
    units = np.array(lights) / np.linalg.norm(lights, axis=1, keepdims=True)
    scenes = [("set", str(index)) for index in range(len(lights))]
    return fit(find_method(method), np.empty((len(lights), 0)), units, cameras, scenes)


def image(camera: Camera) -> LinearImage:
    return LinearImage.from_array(np.full((4, 4, 3), 0.5), camera=camera)


def features_of(prepared: Prepared) -> np.ndarray:
    return np.array([corrected_moments.describe(one) for one in prepared.images()])


def test_constant_is_the_mean_of_the_cameras_own_lights() -> None:
    model = fitted_to("constant", [[1, 1, 1], [1, 2, 2], [5, 1, 1]], [CANON, CANON, NIKON])
    light = model.estimate(image(CANON))
    mean = np.array([1, 1, 1]) / 3**0.5 + np.array([1, 2, 2]) / 3
    assert light.rgb == pytest.approx(mean / np.linalg.norm(mean))
    assert light.expected_error is None
    assert light.camera == CANON


def test_constant_of_another_camera_goes_by_its_white() -> None:
    """A light that is D65 to one camera is D65 to the other."""
    assert CANON.white_d65 is not None
    assert NIKON.white_d65 is not None
    model = fitted_to("constant", [list(CANON.white_d65)], [CANON])
    assert recovery_error(model.estimate(image(NIKON)).rgb, NIKON.white_d65) == pytest.approx(0, abs=1e-9)


def test_cameras_of_one_name_and_other_matrices_are_fitted_apart_and_those_alike_as_one() -> None:
    other = replace(CANON, matrices=NIKON.matrices)
    shot = replace(CANON, as_shot=(1.0, 1.0, 2.0))
    model = fitted_to("constant", [[1, 1, 1], [1, 2, 2], [1, 1, 1]], [CANON, other, shot])
    assert model.estimate(image(shot)).gains == pytest.approx((1, 1, 1))
    assert model.estimate(image(other)).gains == pytest.approx((2, 1, 1))


def test_a_camera_without_a_matrix_is_answered_for_if_it_was_fitted_to() -> None:
    model = fitted_to("constant", [[1, 2, 1]], [UNKNOWN])
    assert model.estimate(image(UNKNOWN)).gains == pytest.approx((2, 1, 2))


@pytest.mark.parametrize(("fit_on", "tested"), [([CANON], UNKNOWN), ([UNKNOWN], CANON)])
def test_another_camera_needs_matrices(fit_on: list[Camera], tested: Camera) -> None:
    model = fitted_to("constant", [[1, 2, 1]], fit_on)
    for attempt in (lambda: model.estimate(image(tested)), lambda: check(find_method("constant"), fit_on, [tested])):
        with pytest.raises(UsageError, match=r"has no colour matrix; give it one in cameras\.json"):
            attempt()


def test_checks_that_pass() -> None:
    check(find_method("constant"), [CANON, UNKNOWN], [CANON, NIKON, UNKNOWN])
    check(find_method("corrected-moments"), [UNKNOWN] * 200, [UNKNOWN])
    with pytest.raises(
        UsageError, match="with fewer than 200 images of its own to fit on: Unknown has no colour matrix"
    ):
        check(find_method("corrected-moments"), [UNKNOWN] * 199, [UNKNOWN])


def test_there_are_19_moments_and_they_are_known(rng: np.random.Generator) -> None:
    pixels = rng.uniform(0.1, 0.9, (8, 8, 3))
    found = corrected_moments.describe(LinearImage.from_array(pixels.astype(np.float32)))
    red, green, blue = pixels.reshape(-1, 3).T
    assert len(found) == 19
    assert found[:3] == pytest.approx(pixels.mean(axis=(0, 1)) / pixels.mean(axis=(0, 1)).sum(), rel=1e-5)
    assert found[4] / found[0] == pytest.approx(np.mean(red * green) ** 0.5 / red.mean(), rel=1e-5)
    assert found[13] / found[0] == pytest.approx(np.mean(red * green * blue) ** (1 / 3) / red.mean(), rel=1e-5)


def test_moments_do_not_depend_on_the_exposure(rng: np.random.Generator) -> None:
    pixels = rng.uniform(0.1, 0.9, (8, 8, 3)).astype(np.float32)
    bright, dark = (corrected_moments.describe(LinearImage.from_array(pixels * scale)) for scale in (1, 1e-3))
    assert bright == pytest.approx(dark, rel=1e-4)


def test_moments_of_an_image_divided_by_a_white_are_the_moments_divided(rng: np.random.Generator) -> None:
    pixels = rng.uniform(0.1, 0.4, (8, 8, 3)).astype(np.float32)
    white = np.array([0.5, 1.0, 0.7])
    before, after = (corrected_moments.describe(LinearImage.from_array(p)) for p in (pixels, pixels / white))
    assert corrected_moments.divide(before[None], white[None])[0] == pytest.approx(after, rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_image_without_a_valid_pixel_has_no_moments(value: float) -> None:
    with pytest.raises(AwbError, match="no valid pixel"):
        corrected_moments.describe(LinearImage.from_array(np.full((4, 4, 3), value)))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return write_prepared(tmp_path_factory.mktemp("sets") / "set", ["Canon EOS 550D"] * 500)


@pytest.mark.slow
def test_corrected_moments_beat_gray_world_where_scenes_are_alike(scenes: Prepared) -> None:
    features, lights = features_of(scenes), scenes.illuminants
    cameras = [scenes.cameras[row.camera] for row in scenes.rows]
    keys = [("set", row.scene) for row in scenes.rows]
    model = fit(find_method("corrected-moments"), features[:300], lights[:300], cameras[:300], keys[:300])
    estimates, expected = model.estimate_all(features[300:], cameras[300:])
    errors = recovery_error(estimates, lights[300:])
    assert errors.mean() < 0.9 * recovery_error(features[300:, :3], lights[300:]).mean()
    assert expected.mean() == pytest.approx(errors.mean(), rel=0.2)
    single = pickle.loads(pickle.dumps(model)).estimate(scenes.image(300))
    assert single.rgb == pytest.approx(estimates[0])
    assert single.expected_error == pytest.approx(expected[0])


@pytest.mark.slow
def test_corrected_moments_of_few_images_are_shared_by_all_cameras(scenes: Prepared) -> None:
    features, lights = features_of(scenes)[:100], scenes.illuminants[:100]
    keys = [("set", row.scene) for row in scenes.rows[:100]]
    model = fit(find_method("corrected-moments"), features, lights, [CANON] * 100, keys)
    assert not model.camera_models
    own, _ = model.estimate_all(features, [CANON] * 100)
    # The same scenes as another camera would see them, if only its white were another.
    ratio = np.array(NIKON.white_d65) / np.array(CANON.white_d65)
    other, _ = model.estimate_all(corrected_moments.divide(features, np.tile(1 / ratio, (100, 1))), [NIKON] * 100)
    assert recovery_error(own * ratio, other).max() < 1e-6


@pytest.mark.slow
def test_answers_stay_near_the_lights_fitted_to(scenes: Prepared) -> None:
    """Also for images that are unlike those of the fit."""
    keys = [("set", row.scene) for row in scenes.rows[:100]]
    method = find_method("corrected-moments")
    model = fit(method, features_of(scenes)[:100], scenes.illuminants[:100], [CANON] * 100, keys)

    known = np.log(scenes.illuminants[:100, [0, 2]] / scenes.illuminants[:100, 1:2])
    for colour in ([0.9, 1e-4, 1e-4], [1e-4, 1e-4, 0.9], [1e-4, 0.9, 1e-4]):
        light = model.estimate(LinearImage.from_array(np.full((4, 4, 3), colour), camera=CANON))
        chroma = np.log([light.rgb[0] / light.rgb[1], light.rgb[2] / light.rgb[1]])
        assert (chroma > known.min(axis=0) - 0.11).all()
        assert (chroma < known.max(axis=0) + 0.11).all()
        assert light.expected_error is not None
        assert np.isfinite(light.expected_error)


def test_every_method_is_found_by_its_name() -> None:
    assert [str(find_method(name)) for name in trainable_names()] == list(trainable_names())
    with pytest.raises(UsageError, match="unknown method 'moments'; methods that are fitted: constant"):
        find_method("moments")

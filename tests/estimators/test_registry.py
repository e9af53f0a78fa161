"""The registry: names, specifications, descriptions, and a failure for everything that can be written wrong."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap
from awbkit.errors import AwbError, UsageError
from awbkit.estimators import DEFAULT, Method, describe, method_names, parse, registry


def test_names_are_a_fixed_interface() -> None:
    assert method_names() == (
        "gray-world",
        "white-patch",
        "shades-of-gray",
        "general-gray-world",
        "gray-edge",
        "gray-edge-2",
        "pca",
        "gray-index",
        "local-surface-reflectance",
        "bright-gray",
        "awbnet",
        "awbnet-nano",
        "awbnet-m",
        "awbnet-s-open",
        "as-shot",
    )


def test_default_is_a_method() -> None:
    assert DEFAULT in method_names()


@pytest.mark.parametrize("name", method_names())
def test_description_is_complete(name: str) -> None:
    description = describe(name)
    assert description.name == name
    for line in (description.summary, description.citation, *(p.range.help for p in description.parameters)):
        assert line
        assert "\n" not in line
    for parameter in description.parameters:
        assert parameter.range.minimum <= parameter.default <= parameter.range.maximum
        assert type(parameter.default) is parameter.type


@pytest.mark.parametrize("name", method_names())
def test_specification_round_trips(name: str) -> None:
    assert str(parse(name)) == name
    for parameter in describe(name).parameters:
        text = f"{name}:{parameter.name}={parameter.range.minimum:g}"
        assert str(parse(text)) == text
        assert parse(str(parse(text))) == parse(text)
        assert str(parse(f"{name}:{parameter.name}={parameter.default!r}")) == name


@given(st.floats(1, allow_nan=False, allow_infinity=True), st.floats(0, 100))
def test_any_value_round_trips(p: float, sigma: float) -> None:
    method = Method("general-gray-world", (("p", p), ("sigma", sigma)))
    assert parse(str(method)) == method


def test_parameters_in_any_order_and_with_spaces() -> None:
    method = parse(" gray-edge : sigma = 2 , p = 6 ")
    assert method == parse("gray-edge:p=6,sigma=2")
    assert method.parameters == {"p": 6.0, "sigma": 2.0}
    assert str(method) == "gray-edge:p=6,sigma=2"


@pytest.mark.parametrize("spelling", ["awbnet-s", " awbnet-s "])
def test_the_default_network_goes_by_the_name_of_its_card_too(spelling: str) -> None:
    assert parse(spelling) == parse("awbnet")
    assert str(parse(spelling)) == "awbnet"
    assert describe(spelling.strip()) == describe("awbnet")
    assert "awbnet-s" not in method_names()


def test_infinity_is_a_value() -> None:
    assert parse("shades-of-gray:p=inf").parameters == {"p": math.inf}


def test_whole_numbers_stay_whole() -> None:
    patches = parse("local-surface-reflectance:patches=4").parameters["patches"]
    assert patches == 4
    assert type(patches) is int


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("gray-word", f"unknown method 'gray-word', did you mean 'gray-world'?; methods: {', '.join(method_names())}"),
        ("Gray_World", "unknown method 'Gray_World', did you mean 'gray-world'?; methods: "),
        ("xyzzy", "unknown method 'xyzzy'; methods: "),
        ("", "unknown method ''; methods: "),
        ("x" * 300, "unknown method 'xxx"),
        ("gray\nworld", "unknown method 'gray\\nworld', did you mean 'gray-world'?; methods: "),
        ("awbnet_s", "unknown method 'awbnet_s', did you mean 'awbnet-s'?; methods: "),
        ("awbnet-s:p=1", "method awbnet has no parameter 'p'; it takes none"),
        ("gray-world:p=1", "method gray-world has no parameter 'p'; it takes none"),
        ("gray-world:", "method gray-world has no parameter ''; it takes none"),
        ("pca:percnt=1", "method pca has no parameter 'percnt', did you mean 'percent'?; parameters: percent"),
        ("gray-edge:p=1,", "method gray-edge has no parameter ''; parameters: p, sigma"),
        ("pca:percent", "method pca: percent needs a value, as in percent=3.5"),
        ("pca:percent=", "method pca: percent must be from 0 to 50, not ''"),
        ("pca:percent=many", "method pca: percent must be from 0 to 50, not 'many'"),
        ("pca:percent=51", "method pca: percent must be from 0 to 50, not '51'"),
        ("pca:percent=1,percent=2", "method pca: percent is given twice"),
        ("shades-of-gray:p=0.5", "method shades-of-gray: p must be at least 1, not '0.5'"),
        ("shades-of-gray:p=nan", "method shades-of-gray: p must be at least 1, not 'nan'"),
        ("shades-of-gray:p=-inf", "method shades-of-gray: p must be at least 1, not '-inf'"),
        (
            "local-surface-reflectance:patches=2.5",
            "method local-surface-reflectance: patches must be a whole number from 1 to 1000, not '2.5'",
        ),
    ],
)
def test_what_is_written_wrong_is_named_on_one_line(specification: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(specification)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_unknown_method_has_no_description() -> None:
    with pytest.raises(UsageError, match="unknown method 'gray'"):
        describe("gray")


@pytest.mark.parametrize("name", method_names())
def test_estimate_is_an_illuminant_of_the_camera(name: str) -> None:
    pixels = np.random.default_rng(1).uniform(0.05, 0.9, (16, 16, 3))
    image = LinearImage.from_array(pixels)
    illuminant = parse(name).estimate(image)
    assert isinstance(illuminant, Illuminant)
    assert illuminant.camera is image.camera
    states_its_error = name.startswith("awbnet")
    assert (illuminant.expected_error is not None and illuminant.expected_error > 0) == states_its_error


def halves(image: LinearImage) -> LightMap:
    """The mean colours of the left and of the right half; the right is unknown where none of it is valid."""
    valid = image.valid[..., None]
    parts = [np.sum(part, axis=(0, 1)) for part in np.split(image.pixels * valid, 2, axis=1)]
    return LightMap.of_rgb([parts], [[1, 3]], image.camera, expected_error=0.0)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._METHODS, "gray-world", (halves, ""))


def two_lights() -> LinearImage:
    return LinearImage.from_array(np.repeat([[[0.2, 0.4, 0.4], [0.4, 0.4, 0.1]]], 4, axis=0).astype(np.float32))


@pytest.mark.usefixtures("registered")
def test_an_estimator_may_answer_with_a_light_map() -> None:
    method = parse("gray-world")
    found = method.light_map(two_lights())
    np.testing.assert_allclose(found.rgb, [[[0.5, 1, 1], [1, 1, 0.25]]], rtol=1e-6)
    assert method.estimate(two_lights()) == found.mean()
    assert found.mean().gains == pytest.approx((1 / 0.875, 1, 1 / 0.4375))
    # A fallback that answers gives its own map.
    unsure = parse("awbnet").with_fallback(method, 1e-6)
    assert unsure.answer(two_lights()) == (found.mean(), method)
    np.testing.assert_array_equal(unsure.light_map(two_lights()).chroma, found.chroma)


@pytest.mark.usefixtures("registered")
def test_a_map_without_a_known_cell_is_no_answer() -> None:
    image = two_lights()
    with pytest.raises(AwbError, match="gray-world finds no light in what is valid"):
        parse("gray-world").light_map(LinearImage(image.pixels, ~image.valid))


def test_a_single_light_is_a_map_of_one_cell() -> None:
    found = parse("gray-world").light_map(two_lights())
    assert found.chroma.shape == (1, 1, 2)
    assert found.mean().rgb == pytest.approx(parse("gray-world").estimate(two_lights()).rgb)


def test_importing_the_registry_imports_nothing_heavy() -> None:
    code = "import sys, awbkit.estimators; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "scipy", "colour", "matplotlib", "pyvips", "rawpy", "PIL"} & set(loaded)


def test_methods_take_their_parameters_by_keyword_only() -> None:
    from awbkit.estimators.shades_of_gray import shades_of_gray

    kinds = [parameter.kind for parameter in inspect.signature(shades_of_gray).parameters.values()]
    assert kinds == [inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY]

"""Runs of registered, fitted and own methods on prepared data sets, and all that can fail."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from awbkit.errors import AwbError, UsageError
from awbkit.estimators import parse
from awbkit.evaluation.methods import resolve
from awbkit.evaluation.result import MethodResult
from awbkit.evaluation.run import Run
from tests.helpers.evaluation_sets import write_prepared

pytestmark = pytest.mark.slow

CAMERAS = ["Canon EOS 550D"] * 50 + ["Nikon D810"] * 40
OWN = """
import os
import sys
import time
import numpy as np
from awbkit import Illuminant, LightMap

def rgb(image):
    print("a line that belongs on standard error")
    image.pixels[:] = 1
    return [1, 2, 2]

def array(image): return image.pixels[image.valid].mean(axis=0)
def illuminant(image): return Illuminant.of((1, 2, 2), image.camera, expected_error=1.5)
def pair(image): return [2, 4, 4], 3
def unsure(image): return (1, 2, 2), None
def windows(image):
    # Gray world in 4 x 4 windows; unknown in those without a valid pixel.
    blocks = image.pixels.reshape(4, 16, 4, 16, 3).swapaxes(1, 2).reshape(4, 4, 256, 3)
    valid = image.valid.reshape(4, 16, 4, 16).swapaxes(1, 2).reshape(4, 4, 256, 1)
    return LightMap.of_rgb((blocks * valid).sum(axis=2), valid.sum(axis=(2, 3)), image.camera)
def unsure_windows(image): return windows(image), 2.5
def all_unknown(image): return LightMap.of(np.full((2, 2, 2), np.nan))
class Tools:
    @staticmethod
    def triple(image): return (1, 2, 2)

def breaks(image):
    return 1 / 0
def nothing(image): return None
def negative(image): return [1, -1, 1]
def two(image): return [1, 2]
def strange(image): return [1, 2, 2], "about 3"
def below_zero(image): return [1, 2, 2], -1
def sometimes(image):
    if float(image.pixels[0, 0, 0]) < 0.2:
        raise ValueError("too dark")
    return [1, 2, 2]
def dies(image):
    if float(image.pixels[0, 0, 0]) < 0.08:
        os._exit(7)
    return [1, 2, 2]
def leaves(image): sys.exit("no licence")
def chatters(image):
    os.write(1, b"from a library")
    return [1, 2, 2]
def slow(image):
    time.sleep(0.6)
    return [1, 2, 2]
value = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared set of 90 images by two cameras, 7 of them without a valid pixel, and a file of own methods."""
    folder = tmp_path_factory.mktemp("run")
    write_prepared(folder / "set", CAMERAS, fold=lambda index: f"{index % 3}", black=frozenset(range(0, 90, 13)))
    (folder / "own.py").write_text(OWN)
    return folder


def run(folder: Path, *methods: str, jobs: int = 1, **options: str | int) -> list[MethodResult]:
    from awbkit.datasets.prepared import Prepared

    one = Run([Prepared.open(folder / "set")], methods, **options)  # type: ignore[arg-type]
    steps = list(one.steps(jobs))
    assert sum(step.images for step in steps) == one.images
    return one.results()


def test_methods_of_the_registry_answer_as_they_do_alone(folder: Path) -> None:
    from awbkit.datasets.prepared import Prepared

    prepared = Prepared.open(folder / "set")
    (result,) = run(folder, " shades-of-gray:p=6")
    assert result.method == "shades-of-gray:p=6"
    assert result.estimates[1] == pytest.approx(parse("shades-of-gray:p=6").estimate(prepared.image(1)).rgb)
    assert list(result.failures) == list(range(0, 90, 13))
    assert set(result.failures.values()) == {"no valid pixel: every pixel is clipped, black or masked"}
    assert np.isnan(result.estimates[13]).all()


def test_more_jobs_change_nothing(folder: Path) -> None:
    methods = ("gray-world", "constant", f"{folder / 'own.py'}:pair")
    for one, other in zip(
        run(folder, *methods, protocol="k-fold"), run(folder, *methods, protocol="k-fold", jobs=2), strict=True
    ):
        assert np.array_equal(one.estimates, other.estimates, equal_nan=True)
        assert one.failures == other.failures


@pytest.mark.parametrize("protocol", ["folds", "k-fold", "leave-one-camera-out"])
def test_fitted_methods_answer_for_every_image_that_can_be_read(folder: Path, protocol: str) -> None:
    constant, moments = run(folder, "constant", "corrected-moments", protocol=protocol)
    assert not constant.failures
    assert list(moments.failures) == list(range(0, 90, 13))
    assert np.isfinite(moments.expected).sum() == 83


def test_no_method_is_fitted_to_its_test_images(folder: Path) -> None:
    from awbkit.datasets.prepared import Prepared

    prepared = Prepared.open(folder / "set")
    (constant,) = run(folder, "constant", protocol="folds")
    others = prepared.illuminants[[index for index in range(50) if index % 3]]
    mean = others.mean(axis=0)
    assert constant.estimates[0] == pytest.approx(mean / np.linalg.norm(mean))


def test_only_a_published_test_part_is_tested(tmp_path: Path) -> None:
    write_prepared(tmp_path / "set", CAMERAS, fold=lambda index: "test" if index % 5 == 0 else "train")
    gray, constant = run(tmp_path, "gray-world", "constant", protocol="folds")
    assert len(gray.estimates) == len(constant.estimates) == 18
    (alone,) = run(tmp_path, "gray-world", protocol="folds")
    assert np.array_equal(alone.estimates, gray.estimates)


@pytest.mark.parametrize(
    ("name", "expected"), [("rgb", None), ("illuminant", 1.5), ("pair", 3.0), ("unsure", None), ("Tools.triple", None)]
)
def test_own_methods(folder: Path, name: str, expected: float | None, capsys: pytest.CaptureFixture[str]) -> None:
    own, after = run(folder, f"{folder / 'own.py'}:{name}", "gray-world")
    assert own.method.endswith(f"own.py:{name}")
    assert own.estimates == pytest.approx(np.tile(np.array([1, 2, 2]) / 3, (90, 1)))
    stated = own.expected if expected is not None else np.full(90, -1.0)
    assert stated == pytest.approx(np.full(90, -1.0 if expected is None else expected))
    # What one method writes to its pixels is no other's business.
    assert np.array_equal(after.estimates, run(folder, "gray-world")[0].estimates, equal_nan=True)
    assert capsys.readouterr().out == ""


def test_own_methods_may_answer_with_a_light_map(folder: Path) -> None:
    from awbkit.datasets.prepared import Prepared

    (result,) = run(folder, f"{folder / 'own.py'}:unsure_windows")
    assert list(result.failures) == list(range(0, 90, 13))
    assert set(result.expected[np.isfinite(result.expected)]) == {2.5}
    image = Prepared.open(folder / "set").image(1)
    found = resolve(f"{folder / 'own.py'}:windows").light_map(image)  # type: ignore[union-attr]
    assert found.chroma.shape == (4, 4, 2)
    assert result.estimates[1] == pytest.approx(found.mean().rgb)
    corner = image.pixels[:16, 48:][image.valid[:16, 48:]].mean(axis=0)
    assert found.rgb[0, 3] == pytest.approx(corner / corner[1], rel=1e-5)
    # A single light is a map of one cell.
    single = resolve(f"{folder / 'own.py'}:illuminant").light_map(image)  # type: ignore[union-attr]
    assert (single.rgb.tolist(), single.expected_error) == ([[[0.5, 1, 1]]], 1.5)


def test_own_methods_of_a_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "my_package").mkdir(exist_ok=True)
    (folder / "my_package" / "inner.py").write_text("def light(image): return [1, 2, 2]")
    monkeypatch.chdir(folder)
    (result,) = run(folder, "my_package.inner:light", jobs=2)
    assert not result.failures


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("breaks", r"own\.py:breaks failed at line 29: ZeroDivisionError: division by zero"),
        ("leaves", "leaves failed at line .*: SystemExit: no licence; an estimator must return, not exit"),
        ("nothing", "returned no light"),
        ("all_unknown", "returned no light: no cell of the light map is known"),
        ("negative", "returned no light: an illuminant needs three positive numbers"),
        ("two", "returned no light: an illuminant needs three positive numbers"),
        ("strange", "returned 'about 3' as its expected error; return a number of degrees, or None"),
        ("below_zero", "returned -1 as its expected error"),
    ],
)
def test_own_methods_that_fail(folder: Path, name: str, why: str) -> None:
    image = write_prepared(folder / f"set-{name}", CAMERAS[:1]).image(0)
    with pytest.raises(AwbError, match=why) as caught:
        resolve(f"{folder / 'own.py'}:{name}").estimate(image)  # type: ignore[union-attr]
    assert "\n" not in str(caught.value)


def test_an_own_method_that_fails_now_and_then_costs_those_images_only(folder: Path) -> None:
    own, gray = run(folder, f"{folder / 'own.py'}:sometimes", "gray-world", jobs=2)
    assert 0 < len(own.failures) < 90
    assert all("ValueError: too dark" in why for why in own.failures.values())
    assert len(gray.failures) == 7


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_own_method_that_takes_its_process_down_costs_that_image_only(
    folder: Path, tmp_path: Path, jobs: int
) -> None:
    write_prepared(tmp_path / "set", CAMERAS[:6], black=frozenset({5}))
    own, gray = run(tmp_path, f"{folder / 'own.py'}:dies", "gray-world", jobs=jobs)
    assert own.failures == {4: f"{folder / 'own.py'}:dies ended its process (exit code 7)"}
    assert np.isfinite(own.estimates).all(axis=1).tolist() == [True] * 4 + [False, True]
    assert list(gray.failures) == [5]


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        (["constant"], {}, "method constant has to be fitted; choose a protocol: folds, k-fold, leave-one"),
        (["constant:p=2"], {"protocol": "k-fold"}, "method constant has no parameter 'p'; it takes none"),
        (["pca", "pca:percent=3.5"], {}, "method pca is given twice"),
        (["constnt"], {}, "unknown method 'constnt'"),
        (["gray-wrld"], {}, "did you mean 'gray-world'"),
        (["nope"], {}, r"constant, corrected-moments, PATH\.py:FUNCTION or package\.module:FUNCTION"),
        (["pca:percentage=3"], {}, "method pca has no parameter 'percentage'"),
        (["gray-world"], {"protocol": "leave-one-dataset-out"}, "needs several data sets"),
        (["./none.py:f"], {}, r"\./none\.py cannot be loaded: FileNotFoundError: there is no file"),
        (["no_such_module_here:f"], {}, "no_such_module_here cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_refusals(folder: Path, methods: list[str], options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        run(folder, *methods, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(image):\n  return [", "SyntaxError"),
        ("x = 1\nraise RuntimeError('no model')", "at line 2: RuntimeError: no model"),
        ("f = 3", "has no function 'f'; name an estimator as PATH"),
        ("import sys\nsys.exit(1)", "at line 2: SystemExit: 1; an estimator must return"),
        ("import os\nos._exit(3)", r"cannot be loaded: it ended its process \(exit code 3\)"),
    ],
)
def test_files_that_cannot_be_loaded(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        resolve(f"{tmp_path / 'bad.py'}:f")
    assert "\n" not in str(caught.value)


def test_cameras_without_matrices_are_refused_before_the_work(tmp_path: Path) -> None:
    write_prepared(tmp_path / "set", CAMERAS, matrices=False)
    with pytest.raises(UsageError, match="has no colour matrix"):
        run(tmp_path, "constant", protocol="leave-one-camera-out")
    assert len(run(tmp_path, "constant", protocol="k-fold")) == 1


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    sets = [write_prepared(tmp_path / place / "set", CAMERAS[:3]) for place in "ab"]
    with pytest.raises(UsageError, match="two data sets are called 'set'; rename one of the folders"):
        Run(sets, ["gray-world"])


def test_a_set_that_is_damaged_meanwhile_fails_image_by_image(tmp_path: Path) -> None:
    one = Run([write_prepared(tmp_path / "set", CAMERAS)], ["gray-world"])
    os.truncate(tmp_path / "set" / "index.csv", 100)
    assert sum(step.failures for step in one.steps(1)) == 90
    with pytest.raises(UsageError, match="no estimate for any image"):
        one.results()


def test_what_a_library_prints_stays_out_of_the_results(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (own,) = run(folder, f"{folder / 'own.py'}:chatters", jobs=1)
    assert not own.failures
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("from a library") == 90


def test_work_is_handed_on_about_every_second(folder: Path, tmp_path: Path) -> None:
    slow = Run([write_prepared(tmp_path / "set", CAMERAS[:3])], [f"{folder / 'own.py'}:slow"])
    assert [step.images for step in slow.steps(1)] == [1, 1, 1]
    quick = Run([write_prepared(tmp_path / "other", CAMERAS)], ["gray-world"])
    assert [step.images for step in quick.steps(1)][:5] == [1, 2, 4, 8, 16]


def test_unnamed_cameras_of_two_sets_are_two_cameras(tmp_path: Path) -> None:
    one, two = (
        write_prepared(tmp_path / name, [""] * count, matrices=False) for name, count in (("u1", 30), ("u2", 50))
    )
    alone, both = Run([one], ["constant"], protocol="k-fold"), Run([one, two], ["constant"], protocol="k-fold")
    for each in (alone, both):
        assert sum(step.images for step in each.steps(1)) == each.images
    assert np.array_equal(alone.results()[0].estimates, both.results()[0].estimates[:30])
    with pytest.raises(UsageError, match=r"the unnamed camera of u\d has no colour matrix"):
        Run([one, two], ["constant"], protocol="leave-one-dataset-out")


def test_where_published_folds_cannot_be_used_the_protocol_is_k_fold(tmp_path: Path) -> None:
    prepared = write_prepared(tmp_path / "set", CAMERAS[:20], fold=lambda _: "1")
    assert Run([prepared], ["constant"], protocol="auto").protocol.name == "k-fold"
    assert Run([prepared], ["gray-world"], protocol="auto").protocol.name == "none"

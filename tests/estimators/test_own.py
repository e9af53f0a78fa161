"""Estimators of the user's own by their place and as callables; `tests/evaluation/test_run.py` has what they answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import awbkit
from awbkit.errors import AwbError, UsageError
from awbkit.estimators import Method, parse
from awbkit.estimators.own import find_own
from awbkit.own_code import probe

FRAME = np.full((16, 16, 3), (0.6, 0.4, 0.2), np.float32)


def warm(image: awbkit.LinearImage) -> tuple[float, float, float]:
    image.pixels[:] = 0
    return (2, 1, 0.5)


def unsure(image: awbkit.LinearImage) -> tuple[tuple[float, float, float], float]:
    return (2, 1, 0.5), 9.0


class Network:
    def __call__(self, image: awbkit.LinearImage) -> list[float]:
        return [1.0, 1.0, 1.0 / 3]


def test_a_callable_wherever_python_takes_a_method() -> None:
    assert awbkit.estimate(FRAME, warm).gains == pytest.approx((0.5, 1, 2))
    assert awbkit.estimate(FRAME, Network()).gains == pytest.approx((1, 1, 3))
    assert awbkit.estimate(FRAME, lambda image: [1, 2, 2]).gains == pytest.approx((2, 1, 1))
    (light,) = awbkit.estimate_many([FRAME], warm)
    assert isinstance(light, awbkit.Illuminant)
    corrected = awbkit.correct(np.full((8, 8, 3), 0.1, np.float32), method=warm)
    assert corrected[0, 0] / corrected[0, 0, 1] == pytest.approx((0.5, 1, 2), rel=0.01)
    # What the function writes to its pixels stays its own.
    assert FRAME[0, 0] == pytest.approx((0.6, 0.4, 0.2))


def test_what_a_callable_expects_of_itself_calls_a_fallback() -> None:
    assert awbkit.estimate(FRAME, unsure).expected_error == 9
    found = awbkit.estimate(FRAME, unsure, fallback=Network(), max_expected_error=5)
    assert found.gains == pytest.approx((1, 1, 3))
    assert awbkit.estimate(FRAME, unsure, fallback="gray-world", max_expected_error=20).gains[2] == pytest.approx(2)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (lambda image: 1 / 0, r"<lambda> failed at line \d+: ZeroDivisionError: division by zero"),
        (lambda image: None, "<lambda> returned no light: "),
        (lambda image: [1, np.nan, 1], "<lambda> returned no light: "),
        (lambda image: ([1, 1, 1], -2), "<lambda> returned -2 as its expected error"),
        (3, "method: a name, a Method or a function of a LinearImage, not int"),
        ("no_such_module_of_mine:f", "no_such_module_of_mine cannot be loaded: ModuleNotFoundError"),
        ("nowhere.py:f", "nowhere.py cannot be loaded: FileNotFoundError: there is no file nowhere.py"),
        ("json:dumbs", "json has no function 'dumbs'; name an estimator as PATH.py:FUNCTION"),
    ],
)
def test_what_is_no_estimator_is_said_on_one_line(method: object, message: str) -> None:
    with pytest.raises(AwbError, match=message) as caught:
        awbkit.estimate(FRAME, method)  # type: ignore[call-overload]
    assert "\n" not in str(caught.value)


def test_callables_that_worker_processes_cannot_import_are_refused_at_once() -> None:
    with pytest.raises(UsageError, match="<lambda> cannot be sent to worker processes; define it at the top of a mod"):
        awbkit.estimate_many([FRAME, FRAME], lambda image: [1, 1, 1], jobs=2)
    with pytest.raises(UsageError, match="cannot be sent to worker processes"):
        awbkit.correct_many([(FRAME, None)] * 2, jobs=2, method=lambda image: [1, 1, 1])
    code = "import awbkit\ndef f(image): return [1, 1, 1]\nawbkit.estimate_many(['a', 'b'], f, jobs=2)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "UsageError: method: f cannot be sent to worker processes" in ran.stderr


@pytest.mark.slow
def test_callables_of_a_module_and_places_travel_to_workers(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def light(image): return [2, 1, 0.5]\n")
    for method in (warm, f"{tmp_path / 'mine.py'}:light"):
        for found in awbkit.estimate_many([FRAME, FRAME], method, jobs=2):
            assert isinstance(found, awbkit.Illuminant)
            assert found.gains == pytest.approx((0.5, 1, 2))


def test_an_edited_file_is_loaded_anew(tmp_path: Path) -> None:
    place = tmp_path / "mine.py"
    place.write_text("def light(image): return [1, 1, 1]\n")
    assert awbkit.estimate(FRAME, f"{place}:light").gains == pytest.approx((1, 1, 1))
    place.write_text("def light(image): return [1, 2, 2]  # a better idea\n")
    assert awbkit.estimate(FRAME, f"{place}:light").gains == pytest.approx((2, 1, 1))


def test_files_of_one_name_are_two_estimators(tmp_path: Path) -> None:
    for folder, blue in (("a", 1), ("b", 3)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"def light(image): return [1, 1, 1 / {blue}]\n")
    gains = [awbkit.estimate(FRAME, f"{tmp_path / folder / 'mine.py'}:light").gains[2] for folder in "ab"]
    assert gains == pytest.approx([1, 3])


@pytest.mark.slow
def test_the_digest_is_that_of_the_code_wherever_it_is(tmp_path: Path) -> None:
    digests = []
    for folder, text in (("a", "x = 1"), ("b", "x = 1"), ("c", "x = 2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"{text}\ndef light(image): return [1, 1, 1]\n")
        digests.append(probe(parse(f"{tmp_path / folder / 'mine.py'}:light")).digest)
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 64
    assert probe(parse("gray-world")).digest == ""


def test_to_parse_a_place_runs_no_code(tmp_path: Path) -> None:
    place = tmp_path / "mine.py"
    place.write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\ndef light(image): return 1\n")
    method = parse(f" {place}:light ")
    assert method == Method(f"{place}:light")
    assert method.is_own
    assert str(method) == f"{place}:light"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a/mine.py:f", ("a/mine.py", "f")),
        (r"C:\mine.py:Tools.f", (r"C:\mine.py", "Tools.f")),
        ("pkg.mod:f", ("pkg.mod", "f")),
        ("pca:percent=5", None),
        ("a b:f", None),
        ("mine.py", None),
        ("mine.py:", None),
        ("mine.py:f()", None),
    ],
)
def test_the_form_of_a_place(text: str, found: tuple[str, str] | None) -> None:
    code = find_own(text)
    assert (None if code is None else (code.place, code.function)) == found

"""A whole evaluation: what it states, and that its parts agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from awbkit.choices import METRICS
from awbkit.colour.error_statistics import STATISTICS, statistics
from awbkit.errors import UsageError
from awbkit.evaluation.evaluate import dataset_facts, evaluate, judge, select, truth_of
from awbkit.evaluation.result import (
    GEOMETRIC_MEAN,
    POOLED,
    Evaluation,
    MethodResult,
    Summary,
    Truth,
    camera_group,
)
from tests.helpers.evaluation_sets import truth_of_rows, write_prepared

ROWS = [
    *[("cube", "550D", f"{i}", "") for i in range(40)],
    *[("tau", camera, f"{i}", "") for i in range(20) for camera in ("D810", "5DSR")],
]


def estimates(truth: Truth, degrees: np.ndarray) -> np.ndarray:
    """Lights at these angles from the truth, which is neutral."""
    aside = np.array([1, -1, 0]) / 2**0.5
    angle = np.radians(degrees)[:, None]
    return truth.illuminants * np.cos(angle) + aside * np.sin(angle)


def method_result(truth: Truth, name: str, degrees: np.ndarray, expected: np.ndarray | None = None) -> MethodResult:
    stated = np.full(len(truth), np.nan) if expected is None else expected
    return judge(name, estimates(truth, degrees), stated, {}, truth)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    rng = np.random.default_rng(1)
    truth = truth_of_rows(ROWS)
    first, second = rng.uniform(0, 10, (2, len(truth)))
    methods = [
        method_result(truth, "one", first, first),
        method_result(truth, "two", second),
        method_result(truth, "half", first / 2),
    ]
    return evaluate(truth, methods, rounds=200, facts={"more": 1})


def found(evaluation: Evaluation, method: str, group: str, metric: str = "recovery") -> Summary:
    (summary,) = [s for s in evaluation.summaries if (s.method, s.group, s.metric) == (method, group, metric)]
    return summary


def test_groups_are_cameras_sets_and_all(evaluation: Evaluation) -> None:
    cameras = [camera_group(*pair) for pair in (("cube", "550D"), ("tau", "5DSR"), ("tau", "D810"))]
    groups = [*cameras, "tau", POOLED, GEOMETRIC_MEAN]
    assert [(s.method, s.group, s.metric) for s in evaluation.summaries] == [
        (method, group, metric) for method in ("one", "two", "half") for metric in METRICS for group in groups
    ]
    assert [(found(evaluation, "one", g).images, found(evaluation, "one", g).scenes) for g in groups] == [
        *((40, 40), (20, 20), (20, 20), (40, 20), (80, 60), (80, 60))
    ]
    assert evaluation.title == "cube, tau"


def test_figures_are_those_of_the_errors(evaluation: Evaluation) -> None:
    errors = evaluation.methods[0].errors["recovery"]
    assert found(evaluation, "one", POOLED).values == pytest.approx(statistics(errors))
    assert found(evaluation, "one", "cube / 550D").values == pytest.approx(statistics(errors[:40]))
    cameras = ("cube / 550D", "tau / D810", "tau / 5DSR")
    for name in STATISTICS:
        figures = [found(evaluation, "one", camera).values[name] for camera in cameras]
        assert found(evaluation, "one", GEOMETRIC_MEAN).values[name] == pytest.approx(scipy.stats.gmean(figures))


def test_every_interval_holds_its_figure(evaluation: Evaluation) -> None:
    for summary in evaluation.summaries:
        for name in ("mean", "median", "trimean", "best25", "worst25"):
            low, high = summary.intervals[name]
            assert low < summary.values[name] < high


def test_comparisons_are_paired_by_scene(evaluation: Evaluation) -> None:
    pairs = [("one", "two"), ("one", "half"), ("two", "half")]
    groups = ["cube / 550D", "tau / 5DSR", "tau / D810", "tau", POOLED]
    expected = [(metric, group, *pair) for metric in METRICS for group in groups for pair in pairs]
    assert [(c.metric, c.group, c.first, c.second) for c in evaluation.comparisons] == expected
    half = next(c for c in evaluation.comparisons if (c.first, c.second, c.group) == ("one", "half", POOLED))
    errors = evaluation.methods[0].errors["recovery"]
    assert half.scenes == 60
    assert half.difference == pytest.approx(errors.mean() / 2)
    assert half.wins == 0
    assert half.interval[0] < half.difference < half.interval[1]
    by_scene = np.concatenate([errors[:40], errors[40:].reshape(20, 2).mean(axis=1)]) / 2
    p = scipy.stats.wilcoxon(by_scene, correction=True, method="asymptotic").pvalue
    assert half.p_wilcoxon == pytest.approx(3 * p, rel=1e-6)
    assert half.p_bootstrap < 1e-6


def test_random_methods_do_not_differ(evaluation: Evaluation) -> None:
    same = next(c for c in evaluation.comparisons if (c.first, c.second, c.group) == ("one", "two", POOLED))
    assert same.p_wilcoxon > 0.05
    assert same.p_bootstrap > 0.05
    assert same.interval[0] < 0 < same.interval[1]
    assert 0.3 < same.wins < 0.7


def test_equal_answers_are_no_difference_even_if_rounded_otherwise() -> None:
    truth = truth_of_rows(ROWS)
    degrees = np.linspace(1, 9, len(truth))
    first = method_result(truth, "one", degrees)
    second = judge("two", estimates(truth, degrees) * 3.7, np.full(len(truth), np.nan), {}, truth)
    for comparison in evaluate(truth, [first, second], rounds=100).comparisons:
        assert comparison.difference == 0
        assert comparison.interval == (0, 0)
        assert comparison.wins == 0.5
        assert comparison.p_wilcoxon == comparison.p_bootstrap == 1


def test_only_methods_that_state_an_error_are_calibrated(evaluation: Evaluation) -> None:
    assert [c.method for c in evaluation.calibrations] == ["one"]
    assert evaluation.calibrations[0].calibration_error == pytest.approx(0, abs=1e-6)


def test_facts_suffice_to_do_it_again(evaluation: Evaluation) -> None:
    assert evaluation.facts["bootstrap_rounds"] == 200
    assert evaluation.facts["bootstrap_seed"] == 0
    assert evaluation.facts["failures"] == {"one": 0, "two": 0, "half": 0}
    assert evaluation.facts["more"] == 1


def test_the_order_of_the_images_changes_nothing() -> None:
    truth = truth_of_rows(ROWS)
    rng = np.random.default_rng(2)
    degrees, order = rng.uniform(0, 10, len(truth)), rng.permutation(len(truth))
    plain = evaluate(truth, [method_result(truth, "m", degrees, degrees)], rounds=100)
    shuffled = select(truth, order)
    mixed = evaluate(shuffled, [method_result(shuffled, "m", degrees[order], degrees[order])], rounds=100)
    for summary in plain.summaries:
        other = found(mixed, "m", summary.group, summary.metric)
        assert other.values == pytest.approx(summary.values)
        for name in STATISTICS:
            assert other.intervals[name] == pytest.approx(summary.intervals[name])


def test_a_failure_counts_as_the_most_that_an_answer_can_cost() -> None:
    truth = select(truth_of_rows(ROWS), np.arange(2))
    warm = Truth(**{**vars(truth), "illuminants": np.array([[2, 2, 1], [1, 1, 1]]) / [[3], [3**0.5]]})
    answers = np.array([[np.nan] * 3, [4.0, 4.0, 4.0]])
    one = judge("m", answers, np.array([1.0, 2.0]), {0: "too dark"}, warm)
    assert one.failures == {0: "too dark"}
    assert one.errors["recovery"] == pytest.approx([90, 0], abs=1e-9)
    assert one.errors["reproduction"][0] == 90
    assert np.isnan(one.expected[0])
    assert one.estimates[1] == pytest.approx([3**-0.5] * 3)
    assert judge("m", answers, np.array([1.0, 2.0]), {}, warm).failures == {0: "no estimate"}


def test_one_image_has_figures_but_no_intervals() -> None:
    truth = select(truth_of_rows(ROWS), np.arange(1))
    one = method_result(truth, "one", np.array([2.0]), np.array([3.0]))
    result = evaluate(truth, [one, method_result(truth, "two", np.array([4.0]))], rounds=100)
    assert [s.group for s in result.summaries[:2]] == ["cube / 550D", POOLED]
    for summary in result.summaries:
        assert len(set(summary.values.values())) == 1
        assert np.isnan(list(summary.intervals.values())).all()
    for comparison in result.comparisons:
        assert comparison.p_wilcoxon == 1
        assert np.isnan([comparison.p_bootstrap, *comparison.interval]).all()
    assert result.calibrations[0].bins[0].images == 1


def test_cameras_of_one_scene_still_have_a_pooled_interval(rng: np.random.Generator) -> None:
    truth = truth_of_rows([("set", f"c{i}", f"{i}", "") for i in range(20)])
    result = evaluate(
        truth, [method_result(truth, name, rng.uniform(0, 10, 20)) for name in ("one", "two")], rounds=200
    )
    low, high = found(result, "one", POOLED).intervals["mean"]
    assert 2 < high - low < 4  # Uniform errors: 2 x 2.09 x 10 / sqrt(12) / sqrt(20) = 2.7.
    for group in ("set / c0", GEOMETRIC_MEAN):
        assert np.isnan(list(found(result, "one", group).intervals.values())).all()
    pooled = next(c for c in result.comparisons if c.group == POOLED)
    assert pooled.p_bootstrap == pytest.approx(pooled.p_wilcoxon, abs=0.2)


@pytest.mark.parametrize(
    ("names", "rounds", "message"),
    [
        ([], 100, "no image or no method"),
        (["a", "b", "a"], 100, "two methods are called 'a'; rename one"),
        (["a"], 10, "a bootstrap of 10 rounds is too short"),
    ],
)
def test_refusals(names: list[str], rounds: int, message: str) -> None:
    truth = truth_of_rows(ROWS)
    methods = [method_result(truth, name, np.ones(len(truth))) for name in names]
    with pytest.raises(UsageError, match=message):
        evaluate(truth, methods, rounds=rounds)


def test_an_estimate_must_be_a_light() -> None:
    truth = truth_of_rows(ROWS[:2])
    with pytest.raises(UsageError, match="every component of an estimate must be positive"):
        judge("m", np.array([[1, 1, 0], [1, 1, 1.0]]), np.full(2, np.nan), {}, truth)


def test_truth_and_facts_of_prepared_sets(tmp_path: Path) -> None:
    sets = [write_prepared(tmp_path / name, ["Nikon D810"] * 3, fold=lambda _: "1") for name in ("first", "second")]
    truth = truth_of(sets)
    assert list(truth.datasets) == ["first"] * 3 + ["second"] * 3
    assert list(truth.images) == ["i0", "i1", "i2"] * 2
    assert np.linalg.norm(truth.illuminants, axis=1) == pytest.approx(np.ones(6), abs=1e-12)
    facts = dataset_facts(sets)
    assert [fact["name"] for fact in facts] == ["first", "second"]
    assert facts[0]["hash"].startswith("sha256:")
    with pytest.raises(UsageError, match="there are no images"):
        truth_of([])

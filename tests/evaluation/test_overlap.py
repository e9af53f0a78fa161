"""Networks evaluated on their own training pictures: the overlap is found, and stated beside the figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import awbkit as package
from awbkit.datasets.prepared import Prepared
from awbkit.evaluation.document import to_document
from awbkit.evaluation.html.page import page
from awbkit.evaluation.markdown import to_markdown
from awbkit.evaluation.methods import resolve
from awbkit.evaluation.overlap import training_overlaps
from awbkit.evaluation.result import MethodResult, Overlap
from awbkit.evaluation.wording import training_note
from awbkit.network.model import Model
from awbkit.network.models import shipped_path
from tests.helpers.command import awbkit
from tests.helpers.evaluation_cases import evaluation
from tests.helpers.evaluation_sets import write_prepared
from tests.network.test_model import random_model, write

CANON, NIKON = "Canon EOS 550D", "Nikon D810"
NOTHING = {"datasets": [], "cameras": [], "fold": None}
WHOLE, HALF = ("set", 24, 24), ("set", 12, 24)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """24 images by two cameras in turn, each of its own scene, in two folds of 12."""
    monkeypatch.chdir(tmp_path)
    return write_prepared(tmp_path / "set", [CANON, NIKON] * 12, fold=lambda index: "test" if index < 12 else "train")


def mine(training: object, path: Path = Path("mine.safetensors"), **options: str) -> str:
    """The file of a model with these facts about its training."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = random_model(1, **options)  # type: ignore[arg-type]
    return str(write(path, replace(model, training=training)))  # type: ignore[arg-type]


def entry(prepared: Prepared, **changed: object) -> dict[str, object]:
    """A data set in the form in which a training lists it."""
    return {"name": prepared.name, "hash": prepared.info["hash"], "title": "A set", "licence": "", **changed}


def left_out(**changed: object) -> dict[str, object]:
    return {**NOTHING, **changed}


def found(method: str, *sets: Prepared, test: np.ndarray | None = None) -> list[tuple[str, int, int]]:
    whole = np.ones(sum(map(len, sets)), bool) if test is None else test
    return [(seen.dataset, seen.images, seen.total) for seen in training_overlaps(resolve(method), sets, whole)]


Training = Callable[[Prepared], Any]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (lambda s: {"datasets": [entry(s)], "left_out": NOTHING, "initial": None}, WHOLE),
        # The same bytes in a folder of another name; other bytes in one of the same.
        (lambda s: {"datasets": [entry(s, name="other")], "left_out": NOTHING}, WHOLE),
        (lambda s: {"datasets": [entry(s, hash="sha256:00")], "left_out": NOTHING}, WHOLE),
        (lambda s: {"datasets": [entry(s, name="SET", hash="sha256:00")], "left_out": NOTHING}, WHOLE),
        (lambda s: {"datasets": [{"name": "Set"}]}, WHOLE),
        (lambda s: {"datasets": [entry(s, name="a", hash="b"), entry(s)], "left_out": NOTHING}, WHOLE),
        # What was left out is of another set, or of none.
        (lambda s: {"datasets": [entry(s)], "left_out": left_out(datasets=["other"])}, WHOLE),
        (lambda s: {"datasets": [entry(s)], "left_out": left_out(cameras=["Sony"], fold="third")}, WHOLE),
        (lambda s: {"datasets": [entry(s)], "left_out": left_out(cameras=[NIKON])}, HALF),
        (lambda s: {"datasets": [entry(s)], "left_out": left_out(fold="test")}, HALF),
        (lambda s: {"datasets": [entry(s)], "left_out": left_out(cameras=[NIKON], fold="test")}, ("set", 6, 24)),
        # What it started from, and what that started from.
        (lambda s: {"datasets": [], "initial": {"datasets": [entry(s)]}}, WHOLE),
        (lambda s: {"datasets": [], "initial": {"datasets": [], "initial": {"datasets": [entry(s)]}}}, WHOLE),
        (
            lambda s: {
                "datasets": [entry(s)],
                "left_out": left_out(datasets=["set"]),
                "initial": {"datasets": [entry(s)], "left_out": left_out(fold="test"), "initial": "awbnet-s"},
            },
            HALF,
        ),
        (
            lambda s: {
                "datasets": [entry(s)],
                "left_out": left_out(fold="test"),
                "initial": {"datasets": [entry(s)], "left_out": left_out(fold="train")},
            },
            WHOLE,
        ),
    ],
)
def test_what_a_network_was_trained_on_is_found(
    prepared: Prepared, training: Training, expected: tuple[str, int, int]
) -> None:
    assert found(mine(training(prepared)), prepared) == [expected]


@pytest.mark.parametrize(
    "training",
    [
        lambda s: None,
        lambda s: {},
        lambda s: {"datasets": []},
        lambda s: {"datasets": [entry(s, name="another", hash="sha256:00")], "left_out": NOTHING},
        lambda s: {"datasets": [entry(s)], "left_out": left_out(datasets=["set"])},
        # The training's own name for it is the one that it was left out by.
        lambda s: {"datasets": [entry(s, name="other")], "left_out": left_out(datasets=["other"])},
        lambda s: {"datasets": [entry(s)], "left_out": left_out(cameras=[CANON, NIKON])},
        lambda s: {"datasets": [entry(s)], "left_out": left_out(cameras=[CANON], datasets=["set"]), "initial": "set"},
        # The same bytes that were left out are not seen by a name that another set happens to have.
        lambda s: {"datasets": [entry(s, name="a"), entry(s, hash="00")], "left_out": left_out(datasets=["a"])},
        # What no training of awbkit writes.
        lambda s: {"datasets": None, "left_out": None, "initial": 7},
        lambda s: {"datasets": {"name": "set"}, "left_out": [], "initial": []},
        lambda s: {"datasets": ["set", 3, None, {}, {"name": None}, {"hash": None}], "initial": {"datasets": "set"}},
    ],
)
def test_what_it_was_not_trained_on_is_not(prepared: Prepared, training: Training) -> None:
    assert found(mine(training(prepared)), prepared) == []


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (lambda index: f"s{index // 2}", []),
        # Of the first twelve pictures two by two are of one scene; of the others, the Canon's are its own.
        (lambda index: f"s{index // 2 if index < 12 else index}", [("set", 6, 24)]),
    ],
)
def test_other_pictures_of_a_scene_that_was_left_out_are_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: Callable[[int], str], expected: list[tuple[str, int, int]]
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = write_prepared(tmp_path / "set", [CANON, NIKON] * 12, scene=scene)
    assert found(mine({"datasets": [entry(pairs)], "left_out": left_out(cameras=[NIKON])}), pairs) == expected


def test_only_test_pictures_count(prepared: Prepared) -> None:
    model = mine({"datasets": [entry(prepared)], "left_out": left_out(fold="test")})
    tested = np.arange(24) < 12
    assert found(model, prepared, test=tested) == []
    assert found(model, prepared, test=~tested) == [("set", 12, 12)]


def test_of_several_sets_each_is_told_apart(prepared: Prepared, tmp_path: Path) -> None:
    other = write_prepared(tmp_path / "other", [CANON] * 5)
    third = write_prepared(tmp_path / "third", [NIKON] * 7)
    model = mine({"datasets": [entry(third), entry(prepared)], "left_out": left_out(cameras=[CANON])})
    assert found(model, other, prepared, third) == [HALF, ("third", 7, 7)]


def test_methods_that_are_no_networks_have_seen_nothing(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def f(image): return 1, 1, 1")
    for method in ("gray-world", "pca:percent=5", "constant", "as-shot", f"{tmp_path / 'own.py'}:f"):
        assert found(method, prepared) == []


@pytest.mark.parametrize("method", ["awbnet", "awbnet-s", "awbnet-nano", "awbnet-m", "awbnet-s-open"])
def test_shipped_networks_say_what_they_were_trained_on(tmp_path: Path, method: str) -> None:
    training = Model.load(shipped_path("awbnet-s" if method == "awbnet" else method, "raw")).training
    assert training is not None
    name = training["datasets"][0]["name"]
    seen = write_prepared(tmp_path / name.upper(), [CANON, NIKON])
    unseen = write_prepared(tmp_path / "elsewhere", [CANON, NIKON])
    assert found(method, unseen, seen) == [(name.upper(), 2, 2)]


def test_a_run_folder_is_a_network(prepared: Prepared) -> None:
    mine({"datasets": [entry(prepared)]}, Path("run/model.safetensors"))
    assert found("run", prepared) == [WHOLE]


def test_notes_in_words() -> None:
    result = evaluation().methods[0]

    def note(*seen: tuple[str, int, int]) -> str:
        return training_note(replace(result, method="awbnet", trained_on=tuple(Overlap(*each) for each in seen)))

    assert note() == ""
    rest = "; on unseen pictures its errors are likely larger"
    assert note(("a", 3, 3)) == f"awbnet was trained on a{rest}"
    assert note(("gehler-shi", 3, 3), ("cube-plus", 4, 4)) == f"awbnet was trained on gehler-shi and cube-plus{rest}"
    assert note(("a", 3, 3), ("b", 4, 4), ("c", 1, 1)) == f"awbnet was trained on a, b and c{rest}"
    part = "b (not on 1,000 of its 3,000 pictures here)"
    assert note(("b", 2000, 3000)) == f"awbnet was trained on {part}{rest}"
    assert note(("a", 3, 3), ("b", 2000, 3000)) == f"awbnet was trained on a and {part}{rest}"


class TestWhatReadersSee:
    @pytest.fixture
    def model(self, prepared: Prepared) -> str:
        return mine({"datasets": [entry(prepared)], "left_out": NOTHING})

    SENTENCE = "mine.safetensors was trained on set; on unseen pictures its errors are likely larger"

    @pytest.mark.slow
    @pytest.mark.parametrize("format", ["json", "table", "markdown", "csv"])
    def test_one_line_beside_every_output(self, model: str, format: str) -> None:
        options = ("--rounds", "100", "-j", "1", "--html", "page.html", "--format", format)
        ran = awbkit("evaluate", "set", "-m", model, "-m", "gray-world", "--quiet", *options)
        assert ran.code == 0
        assert ran.complaint == f"awbkit: {self.SENTENCE}"
        if format == "json":
            first, second = json.loads(ran.out)["methods"]
            assert first["trained_on"] == [{"dataset": "set", "images": 24, "judged": 24}]
            assert second["trained_on"] == []
        elif format != "csv":
            assert self.SENTENCE in " ".join(ran.out.split())
        assert f"<p>{self.SENTENCE}.</p>" in Path("page.html").read_text()

    @pytest.mark.slow
    @pytest.mark.parametrize("format", ["json", "table", "markdown"])
    def test_nothing_where_nothing_was_seen(self, prepared: Prepared, format: str) -> None:
        model = mine({"datasets": [entry(prepared)], "left_out": left_out(datasets=["set"])})
        options = ("--rounds", "100", "-j", "1", "--html", "page.html", "--format", format)
        ran = awbkit("evaluate", "set", "-m", model, "-m", "awbnet", *options)
        assert (ran.code, ran.err) == (0, "")
        assert "was trained on" not in ran.out + Path("page.html").read_text()

    @pytest.mark.slow
    def test_a_line_for_each_network(self, model: str, prepared: Prepared) -> None:
        other = mine({"datasets": [entry(prepared)], "left_out": left_out(cameras=[NIKON])}, Path("b.safetensors"))
        ran = awbkit("evaluate", "set", "-m", model, "-m", other, "-m", "awbnet", "--rounds", "100", "-j", "1")
        first, second = ran.err.splitlines()
        assert first == f"awbkit: {self.SENTENCE}"
        assert second.startswith("awbkit: b.safetensors was trained on set (not on 12 of its 24 pictures here)")

    def test_a_protocol_decides_what_is_tested(self, prepared: Prepared) -> None:
        # A split that was published as train and test is evaluated on test alone.
        unseen = mine({"datasets": [entry(prepared)], "left_out": left_out(fold="test")})
        seen = mine({"datasets": [entry(prepared)], "left_out": left_out(fold="train")}, Path("seen.safetensors"))
        shown = package.evaluate("set", [unseen, seen, "constant"], protocol="folds", rounds=100)
        assert [result.trained_on for result in shown.methods] == [(), (Overlap("set", 12, 12),), ()]

    def test_names_from_anywhere_do_no_harm(self) -> None:
        shown = evaluation(methods=("<b>|*", "other"))
        strange = replace(shown.methods[0], trained_on=(Overlap("<i>\n_x_", 1, 1),))
        shown = replace(shown, methods=[strange, *shown.methods[1:]])
        assert "&lt;i&gt;" in page(shown)
        assert "<i>" not in page(shown)
        assert "\\<b\\>\\|\\* was trained on \\<i\\> \\_x\\_; on unseen" in to_markdown(shown)
        assert to_document(shown)["methods"][0]["trained_on"][0]["dataset"] == "<i>\n_x_"

    def test_estimates_from_elsewhere_have_no_overlap(self) -> None:
        result = evaluation().methods[0]
        assert isinstance(result, MethodResult)
        assert result.trained_on == ()

    @pytest.mark.slow
    def test_finding_out_imports_no_torch(self, model: str, tmp_path: Path) -> None:
        code = f"""
import sys
import numpy as np
from awbkit.datasets.prepared import Prepared
from awbkit.evaluation.methods import resolve
from awbkit.evaluation.overlap import training_overlaps
sets, methods = [Prepared.open("set")], [resolve(name) for name in ({model!r}, "awbnet")]
assert training_overlaps(methods[0], sets, np.ones(24, bool))
training_overlaps(methods[1], sets, np.ones(24, bool))
assert "torch" not in sys.modules
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr

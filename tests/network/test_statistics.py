"""The table of statistics: what model files rely on, and that one row and its formulas are all that a new one takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from awbkit.colour.image import LinearImage
from awbkit.export.c import emit
from awbkit.export.c.check import check, compiler
from awbkit.export.cases import surfaces
from awbkit.network import features, formulas
from awbkit.network.architecture import Architecture, architecture
from awbkit.network.integer import description
from awbkit.network.integer.arithmetic import NATURAL
from awbkit.network.models import find_float_model
from awbkit.network.statistics import COSTS, TABLE, Statistic, Table
from tests.helpers.integer_models import pictures, random_model, round_model

IMAGE = pictures(1)[0]


def test_the_numbers_in_model_files_keep_their_meaning() -> None:
    """Rows may be added at the end, and no other way."""
    starts = "norms 0 masks 10 edges 32 surface 36 principal 38 means 40 rough 72 mean 74 blocks 76 percentiles 82"
    starts += " strips 92 spread 100 bright_spread 103 valid 106 contrast 107 tones 109 windows 119 sectors 122"
    words = starts.split()
    known = {name: int(start) for name, start in zip(words[::2], words[1::2], strict=True)}
    assert {name: places.start for name, places in TABLE.places.items() if name in known} == known
    small = (*range(6), *range(32, 38), 74, 75, *range(100, 103), 106)
    assert (
        architecture("awbnet-nano").statistics
        == find_float_model("awbnet-nano", "raw").architecture.statistics
        == small
    )
    for name in ("awbnet-s", "awbnet-m"):
        assert find_float_model(name, "raw").architecture.statistics == tuple(range(138))


def test_groups_and_units_follow_from_the_rows() -> None:
    assert TABLE.groups["grey"] == (28, 29, 30, 31, 58, 59, 60, 61, 117, 118)
    assert TABLE.groups["rough"] == (68, 69, 72, 73)
    assert TABLE.groups_of((61,)) == ["masked_chroma", "grey"]
    assert TABLE.groups_of(architecture("awbnet-nano").statistics) == ["edges", "surface", "spread"]
    assert {group for row in TABLE.rows for group in row.groups} == {*COSTS}
    np.testing.assert_array_equal(np.flatnonzero(TABLE.units != NATURAL), [102, 105, 106, *range(119, 138)])


@pytest.mark.parametrize(
    ("names", "numbers", "says"),
    [
        (["one"], [1.0], "rows and formulas differ: two"),
        (["one", "two", "three"], [1.0, 2.0, 3.0], "rows and formulas differ: three"),
        (["one", "two"], [1.0, 2.0], "the formulas give 2 numbers, the table has 3"),
    ],
)
def test_formulas_that_do_not_fit_the_rows_are_refused(names: list[str], numbers: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Table((Statistic("one", 1, 1.0), Statistic("two", 2, 1.0))).arrange(names, np.array(numbers))


# How the 4-norm is coloured beside the mean: one row, and one formula in each language.

ROW = Statistic("curve", 2, NATURAL, {"edges": range(2)})


def numpy_formula(picture: Any) -> Any:
    norms = formulas.norms(picture.y)
    return formulas.chroma(norms[2] / norms[0])


def integer_formula(picture: Any) -> Any:
    return description.formulas.chroma_of_logs(picture.norms[2] - picture.norms[0])


def torch_formula(y: Any, *given: Any) -> Any:
    from awbkit.network.torch import features

    norms = features._norms(y, *given[4:6])
    return features._chroma(norms[2] / norms[0])


C_FORMULA = """
    for (c = 0; READS_EDGES && c < 2; c++)
        out[AT_CURVE + c] = held(less_green(e->norms[2], c) - less_green(e->norms[0], c));
"""


def adding(formula: Callable[..., Any], formulas: Callable[..., Any]) -> Callable[..., Any]:
    """The formulas of a language, and one more."""

    def more(*given: Any) -> Any:
        found = formulas(*given)
        if isinstance(found, dict):
            return {**found, "curve": formula(*given)}
        names, parts = found
        return [*names, "curve"], [*parts, formula(*given)]

    return more


@pytest.fixture(params=[len(TABLE.rows), 3], ids=["last", "between"])
def places(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> range:
    """Where the new statistic stands among all, once it has its row and its formulas in Python."""
    rows = [*TABLE.rows]
    rows.insert(request.param, ROW)
    monkeypatch.setattr(TABLE, "rows", tuple(rows))
    for module, formula in ((features, numpy_formula), (description, integer_formula)):
        monkeypatch.setattr(module._Picture, "_formulas", adding(formula, module._Picture._formulas))
    return TABLE.places["curve"]


def test_a_new_statistic_arrives_in_numpy_and_whole_numbers(places: range) -> None:
    found = features.describe(IMAGE).statistics
    whole = description.describe(description.thumbnail(IMAGE)).statistics * TABLE.units
    assert found.shape == whole.shape == (TABLE.count,)
    assert np.abs(found[places]).min() > 0.01
    np.testing.assert_allclose(whole[places], found[places], atol=0.01)


def test_a_new_statistic_arrives_in_torch(places: range, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="pip install 'awbkit[train]'")
    from awbkit.network.torch import features as in_torch

    monkeypatch.setattr(in_torch, "_formulas", adding(torch_formula, in_torch._formulas))
    image = LinearImage(IMAGE.pixels, IMAGE.valid)
    planes = torch.from_numpy(np.ascontiguousarray(image.pixels.reshape(-1, 3).T))
    _, found, _ = in_torch.describe(planes, torch.from_numpy(image.valid.reshape(-1).astype(np.float32)))
    np.testing.assert_allclose(found, features.describe(image).statistics, atol=1e-3)


@pytest.mark.slow
@pytest.mark.compiler
def test_a_new_statistic_arrives_in_c(places: range, monkeypatch: pytest.MonkeyPatch) -> None:
    template = emit._template
    before = "    out[AT_VALID] ="
    monkeypatch.setattr(emit, "_template", lambda name: template(name).replace(before, C_FORMULA + before))
    chosen = tuple(sorted({0, *places, 137}))
    built = Architecture("awbnet", (), (), 0, (8,), (0,), statistics=chosen)
    model = round_model(random_model(built), pictures(3))
    texts = emit.emit(model)
    assert f"#define AT_CURVE {places.start}\n" in texts["awb.c"]
    assert check(texts, model, list(surfaces())[:4], str(compiler())) == 4

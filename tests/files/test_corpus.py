"""A share of the corpus through a correction so slight that it may change no number; the whole is a benchmark."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import awbkit
from awbkit.errors import AwbWarning
from tests.corpus import all_cases
from tests.corpus.case import Case
from tests.corpus.reading import changed_share, differences, tags

pytestmark = pytest.mark.slow

CASES = list(all_cases())
NEARLY_NEUTRAL = (1.0, 1.0, 1.0 - 1e-7)


def test_size_of_the_corpus() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 400


@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: case.name)
def test_nothing_is_lost_made_up_or_changed(case: Case, tmp_path: Path) -> None:
    source, output = tmp_path / case.name, tmp_path / f"out{Path(case.name).suffix}"
    case.write(source)
    with warnings.catch_warnings():
        # A small copy in a TIFF, and an unusual depth, are told of.
        warnings.simplefilter("ignore", AwbWarning)
        awbkit.correct(source, output, illuminant=NEARLY_NEUTRAL)
    assert differences(tags(source), tags(output)) == []
    if case.is_lossless:
        assert changed_share(source, output) == 0

"""Parameters of methods and layouts as the user spells them."""

from __future__ import annotations

import pytest

from awbkit.errors import UsageError
from awbkit.spelling import assignments, count_text

KNOWN = {"percent": "3.5", "black": ""}


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        (":percent=2", [("percent", "2")]),
        (": black = , percent=a=b", [("black", ""), ("percent", "a=b")]),
    ],
)
def test_keys_and_values(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(assignments(text, "method m", "parameter", KNOWN)) == pairs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":", "method m has no parameter ''; parameters: percent, black"),
        (":percnt=1", "method m has no parameter 'percnt', did you mean 'percent'?; parameters: percent, black"),
        (":percent", "method m: percent needs a value, as in percent=3.5"),
        (":black", "method m: black needs a value"),
        (":black=1,black=1", "method m: black is given twice"),
    ],
)
def test_what_is_misspelt(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        list(assignments(text, "method m", "parameter", KNOWN))
    assert str(refusal.value) == message


@pytest.mark.parametrize(("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (9280, "9,280 images")])
def test_numbers_of_a_noun(number: int, text: str) -> None:
    assert count_text(number, "image") == text

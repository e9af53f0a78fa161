"""Which pictures of two places belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from awbkit.before_after.matching import match
from awbkit.store.find import FoundImage


def images(root: str, names: str) -> list[FoundImage]:
    return [FoundImage(Path(root, name), Path(root)) for name in names.split()]


def matched(befores: str, afters: str) -> str:
    """Such as ``x.jpg=x_awb.jpg``, in order."""
    found = match(images("a", befores), images("b", afters))
    return " ".join(f"{m.before.path.relative_to('a')}={m.after.path.relative_to('b')}" for m in found.matches)


@pytest.mark.parametrize(
    ("befores", "afters", "expected"),
    [
        ("x.jpg y.jpg", "y.jpg x.jpg", "x.jpg=x.jpg y.jpg=y.jpg"),
        ("x.jpg", "x_awb.jpg", "x.jpg=x_awb.jpg"),
        ("x.DNG", "x.tif", "x.DNG=x.tif"),
        ("x.dng", "x_awb.tif", "x.dng=x_awb.tif"),
        ("x.jpg x.dng", "x_awb.jpg x_awb.tif", "x.jpg=x_awb.jpg x.dng=x_awb.tif"),
        ("x.jpg x.dng", "x.jpg x.tif", "x.jpg=x.jpg x.dng=x.tif"),
        ("x.jpg", "x.jpg x_awb.jpg", "x.jpg=x.jpg"),
        ("X.JPG", "x.jpg", "X.JPG=x.jpg"),
        ("e\u0301.jpg", "\u00e9.jpg", "e\u0301.jpg=\u00e9.jpg"),
        ("one/x.jpg two/x.jpg", "two/x.jpg one/x_awb.jpg", "one/x.jpg=one/x_awb.jpg two/x.jpg=two/x.jpg"),
        ("v1.2.jpg", "v1.2_awb.jpg", "v1.2.jpg=v1.2_awb.jpg"),
    ],
)
def test_pictures_match_by_name(befores: str, afters: str, expected: str) -> None:
    assert matched(befores, afters) == expected


@pytest.mark.parametrize(
    ("befores", "afters"),
    [
        ("x.jpg", "y.jpg"),
        ("x.jpg", "x2.jpg"),
        ("x.jpg", "xx_awb.jpg"),
        ("x.jpg x.png", "x.webp"),
        ("x.dng", "x.jpg x.tif"),
        ("one/x.jpg", "two/x.jpg"),
        ("x_awb.jpg", "x.jpg"),
    ],
)
def test_what_is_not_clear_matches_nothing(befores: str, afters: str) -> None:
    assert matched(befores, afters) == ""


def test_what_has_no_partner_is_counted_with_examples() -> None:
    found = match(images("a", "w.jpg x.jpg y.jpg z.jpg"), images("b", "x.jpg n.jpg"))
    assert [str(path) for path in found.no_after] == ["a/w.jpg", "a/y.jpg", "a/z.jpg"]
    assert found.remark == (
        "left out: 3 pictures without a picture after (a/w.jpg, a/y.jpg, 1 more); "
        "1 picture without a picture before (b/n.jpg)"
    )
    assert match(images("a", "x.jpg"), images("b", "x.jpg")).remark == ""


def test_one_folder_holds_both() -> None:
    both = images("a", "x.jpg x_awb.jpg y.jpg")
    found = match(both, both)
    assert [(m.before.path.name, m.after.path.name) for m in found.matches] == [("x.jpg", "x_awb.jpg")]
    assert [path.name for path in found.no_after] == ["y.jpg"]
    assert found.no_before == []


@pytest.mark.parametrize(
    ("befores", "afters", "expected"),
    [
        (("p", "x.jpg out/x_awb.jpg"), ("p/out", "x_awb.jpg"), [("p/x.jpg", "p/out/x_awb.jpg")]),
        (("p/in", "x.jpg"), ("p", "x.jpg in/x.jpg"), [("p/in/x.jpg", "p/x.jpg")]),
        (("p", "x.jpg out/x.jpg"), ("p/out", "x.jpg"), [("p/x.jpg", "p/out/x.jpg")]),
    ],
)
def test_one_folder_lies_in_the_other(
    befores: tuple[str, str], afters: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    found = match(images(*befores), images(*afters))
    assert [(str(m.before.path), str(m.after.path)) for m in found.matches] == expected
    assert found.no_after == found.no_before == []

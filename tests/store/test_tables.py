"""Tables of images and lights: any header and any dialect means the same to whoever reads it."""

from __future__ import annotations

import io

import pytest

from awbkit.datasets.labels import read_labels
from awbkit.record_files import read_records
from awbkit.store.documents import MalformedText
from awbkit.store.tables import IMAGE_COLUMNS, UnfitHeader, read_table

LIGHT = [0.5, 1.0, 0.75]
TABLES = [
    *(f"{image},{light}\na,0.5,1,0.75\n" for image in IMAGE_COLUMNS for light in ("r,g,b", "R,G,B")),
    "image,illuminant_r,illuminant_g,illuminant_b\na,0.5,1,0.75\n",
    "Path;b;g;r\na;0,75;1;0,5\n",
    "filename\tr\tg\tb\tnote\na\t0.5\t1\t0.75\tone, two, three\n",
    '"file, or its name";image;r;g;b\n"x,y,z,w";a;0.5;1;0.75\n',
    '\n,,,\n"r","g","b","image"\n0.5,1,0.75,a\n',
    'image,r,g,b,"camera\n(its name)"\na,0.5,1,0.75,x\n',
    "image;r;g;b;one,two,three,four,five,six\na;0.5;1;0.75;x\n",
]


@pytest.mark.parametrize("table", TABLES)
def test_a_ground_truth_and_estimates_are_read_alike(table: str) -> None:
    (label,) = read_labels(table, "t")
    assert (label.image, list(label.illuminant), label.problem) == ("a", LIGHT, "")
    (entry,) = read_records(io.BytesIO(table.encode()), "t")
    assert (entry.record["path"], entry.record["illuminant"]) == ("a", LIGHT)


def test_of_several_columns_each_kind_of_table_takes_its_own() -> None:
    table = "path,image,r,g,b,illuminant_r,illuminant_g,illuminant_b\np,i,0.5,1,0.75,1,1,1\n"
    (label,) = read_labels(table, "t")
    assert (label.image, list(label.illuminant)) == ("i", LIGHT)
    (entry,) = read_records(io.BytesIO(table.encode()), "t")
    assert (entry.record["path"], entry.record["illuminant"]) == ("p", [1, 1, 1])


@pytest.mark.parametrize("word", ["", "-", "nan", "NaN", "None", "null", "N/A", "na"])
def test_words_for_unknown_are_the_same_everywhere(word: str) -> None:
    (label,) = read_labels(f"image,r,g,b,exposure\na,1,1,1,{word}\n", "t")
    assert (label.exposure, label.problem) == (None, "")
    (entry,) = read_records(io.BytesIO(f"image,r,g,b,expected_error\na,1,1,1,{word}\n".encode()), "t")
    assert entry.record["expected_error"] is None


@pytest.mark.parametrize(
    ("table", "error", "problem"),
    [
        ("", UnfitHeader, "names no column image, r, g, b"),
        ("\n\n", UnfitHeader, "names no column image, r, g, b"),
        ("image,r,g\n", UnfitHeader, "names no column b"),
        ("image,gains_r,gains_g,gains_b\n", UnfitHeader, "names no column r, g, b"),
        ("name,r,g,b\n", UnfitHeader, "names no column image"),
        ("image,r,g,b,R\n", UnfitHeader, "names two columns r"),
        ("path,Path,r,g,b\n", UnfitHeader, "names two columns path"),
        ('image,r,g,"b\n', MalformedText, "unexpected end of data"),
        ("x" * 200_000, MalformedText, "field larger than field limit"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_headers_that_do_not_fit(table: str, error: type[ValueError], problem: str) -> None:
    with pytest.raises(error, match=problem):
        list(read_table(io.StringIO(table, newline=""), [], lights=["illuminant"]))

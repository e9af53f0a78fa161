"""The layout ``folder``: its tables, and the files that they name."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.datasets.labels import Files, read_labels
from awbkit.datasets.layout import parse
from awbkit.errors import UnreadableFile
from awbkit.store.source import Source
from tests.helpers.labelled_folder import PNG, folder_of, list_samples, the_sample
from tests.store.test_source import write_tar, write_zip

LIGHT = (0.5, 1.0, 0.7)


class TestTables:
    @pytest.mark.parametrize(
        "table",
        [
            "image,r,g,b\na,0.5,1,0.7\n",
            "image,r,g,b\na,0.5,1,0.7",
            "path,r,g,b\na,0.5,1,0.7\n",
            "filename;illuminant_r;illuminant_g;illuminant_b\na;0.5;1;0.7\n",
            "b,G,Image,R\n0.7,1,a.png,0.5\n",
            "image;r;g;b\na;0.5;1;0.7\n",
            "image;r;g;b\na;0,5;1,0;0,7\n",
            "image\tr\tg\tb\na\t0.5\t1\t0.7\n",
            "image,r,g,b\r\na,0.5,1,0.7\r\n",
            "image,r,g,b\ra,0.5,1,0.7\r",
            '"image","r","g","b"\n"a","0.5","1","0.7"\n',
            "\n  \nimage,r,g,b\n\n,,,\n a , 0.5 ,1, 0.7 \n\n",
            '"image, or its name",image,r,g,b\n"x, y",a,5e-1,1e0,.7\n',
            "image,r,g,b\nimages\\a.png,0.5,1,0.7\n",
            "image,r,g,b\nIMAGES/A.PNG,0.5,1,0.7\n",
        ],
    )
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    def test_any_dialect(self, tmp_path: Path, table: str, mark: bytes) -> None:
        sample = the_sample(folder_of(tmp_path, mark + table.encode()))
        assert (sample.files, sample.illuminant) == (("images/a.png",), LIGHT)
        assert sample.scene == sample.image

    def test_all_columns(self, tmp_path: Path) -> None:
        table = (
            "image,camera,scene,fold,exposure,photographer,r,g,b\n"
            "a,Canon EOS 550D,kitchen,2,0.125,Ada,0.5,1,0.7\nb,,,,n/a,,1,1,1\n"
        )
        first, second = list_samples(folder_of(tmp_path, table, ["a.png", "b.png"]))[0]
        assert (first.camera, first.scene, first.fold, first.exposure) == ("Canon EOS 550D", "kitchen", "2", 0.125)
        assert (second.camera, second.scene, second.fold, second.exposure) == ("", "b", "", None)

    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1).map(
                    lambda text: text.replace("/", "x").replace("\\", "x")
                ),
                *[st.floats(1e-3, 1e3) for _ in range(3)],
                st.text("abc, ;'é", max_size=5).map(str.strip),
            ),
            max_size=5,
        ),
        st.sampled_from([",", ";", "\t"]),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    )
    def test_what_csv_writes_is_read_back(
        self, rows: list[tuple[str, float, float, float, str]], delimiter: str, end: str, quoting: int
    ) -> None:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([("image", "r", "g", "b", "scene"), *rows])
        labels = list(read_labels(out.getvalue(), "t"))
        assert [(label.image, *label.illuminant, label.scene) for label in labels] == rows
        assert [label.line for label in labels] == list(range(2, len(rows) + 2))
        assert not any(label.problem for label in labels)

    @pytest.mark.parametrize(
        ("table", "problem"),
        [
            ("", "its first line names no column image, r, g, b; begin it with image,r,g,b"),
            ("image,r,g\n", "no column b"),
            ("a,0.5,1,0.7\n", "no column image, r, g, b"),
            ("image r g b\na 1 1 1\n", "no column image, r, g, b"),
            ("image,r,g,b,R\n", "two columns r"),
            ('image,r,g,b\na,1,1,1\n"b,1,1,1\nc,1,1,1\n', "is no table .unexpected end of data. in line 4"),
            (b"image,r,g,b\n\xe4,1,1,1\n", "is not UTF-8 text"),
            (None, "holds no ground_truth.csv; write one with the columns image,r,g,b"),
        ],
    )
    def test_tables_that_cannot_be_read(self, tmp_path: Path, table: str | bytes | None, problem: str) -> None:
        with pytest.raises(UnreadableFile, match=problem):
            list_samples(folder_of(tmp_path, table))

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("a,0,1,1", "r, g, b are 0, 1, 1 and no light"),
            ("a,-1,1,1", "and no light"),
            ("a,nan,1,1", "and no light"),
            ("a,1,inf,1", "and no light"),
            ("a,1e-9,1,1", "and no light"),
            ("a,1,1", "r, g, b are 1, 1,  and no light"),
            ('a,"0,5",1,1', "and no light"),
            ("a,red,1,1", "and no light"),
            ("a,2,1,1,1,6", "has 6 cells under 5 columns"),
            ("a,1,1,1,dim", "the exposure dim is no positive number"),
            ("a,1,1,1,-2", "the exposure -2 is no positive number"),
            ("c,1,1,1", "there is no image file c"),
            ("../a,1,1,1", "there is no image file"),
            ("/etc/a.png,1,1,1", "there is no image file"),
            (",1,1,1", "names no image"),
            ("twin,1,1,1", "twin could be any of images/1/twin.png, images/2/twin.png; write the path below"),
        ],
    )
    def test_lines_that_cannot_be_used(self, tmp_path: Path, line: str, problem: str) -> None:
        table = f"image,r,g,b,exposure\nb,1,1,1\n\n{line}\n"
        source = folder_of(tmp_path, table, ["images/a.png", "b.png", "images/1/twin.png", "images/2/twin.png"])
        samples, skipped = list_samples(source)
        assert [sample.image for sample in samples] == ["b"]
        reason = skipped[line.partition(",")[0]]
        assert reason.startswith("line 4 of ground_truth.csv: ")
        assert problem in reason

    def test_images_without_a_line(self, tmp_path: Path) -> None:
        _, skipped = list_samples(
            folder_of(tmp_path, "image,r,g,b\na,1,1,1\n", ["a.png", "images/x10.png", "images/x9.tif"])
        )
        assert list(skipped.items()) == [
            (name, "no line in ground_truth.csv names it") for name in ("images/x9.tif", "images/x10.png")
        ]

    def test_lines_that_repeat_and_lines_that_contradict(self, tmp_path: Path) -> None:
        table = "image,r,g,b\na,1,1,1\nb,1,1,1\na.png,1,1,1\nb,1,1,2\n"
        samples, skipped = list_samples(folder_of(tmp_path, table, ["a.png", "b.png"]))
        assert [sample.image for sample in samples] == ["a"]
        assert skipped == {
            "a.png": "line 4 of ground_truth.csv: line 2 says the same already",
            "b": "lines 3 and 5 of ground_truth.csv contradict each other",
        }


class TestNames:
    @pytest.mark.parametrize(
        ("image", "files", "found"),
        [
            ("a", ["a.png", "images/a.png", "x/a.png"], "a.png"),
            ("a", ["images/a.png", "masks/a.png"], "images/a.png"),
            ("a", ["x/y/a.jpg", "x/y/ba.jpg", "x/a/b.jpg"], "x/y/a.jpg"),
            ("y/a.jpg", ["x/y/a.jpg", "x/z/a.jpg", "xy/a.jpg"], "x/y/a.jpg"),
            ("y/a", ["x/y/a.jpg", "x/z/a.jpg"], "x/y/a.jpg"),
            ("a.1", ["a.1.png", "a.2.png"], "a.1.png"),
            ("a.dng", ["a.dng", "a.jpg"], "a.dng"),
            ("a.jpg", ["a.jpg.png", "x/a.jpg"], "a.jpg.png"),
            ("A", ["a.png", "A.tif"], "A.tif"),
            ("cafe\u0301", ["caf\u00e9.png"], "caf\u00e9.png"),
        ],
    )
    def test_the_file_that_is_meant(self, image: str, files: list[str], found: str) -> None:
        assert Files("", files).find(image) == found
        assert Files("set/", [f"set/{file}" for file in files]).find(image) == f"set/{found}"

    @pytest.mark.parametrize(
        ("image", "files", "problem"),
        [
            ("a", ["a.dng", "a.jpg"], "could be any of a.dng, a.jpg"),
            ("a", ["1/a.png", "2/a.png", "3/a.png", "4/a.png"], "any of 1/a.png, 2/a.png, 3/a.png, ..."),
            ("a", ["A.png", "A.tif"], "could be any of"),
            ("a", ["ba.png", "a/b.png"], "no image file a"),
            ("a.jpg", ["a.png"], "no image file a.jpg"),
        ],
    )
    def test_no_file_or_several(self, image: str, files: list[str], problem: str) -> None:
        with pytest.raises(LookupError, match=problem.replace(".", r"\.")):
            Files("", files).find(image)

    @given(
        st.lists(
            st.lists(st.sampled_from(["a", "b", "images", "a.b", "é"]), min_size=1, max_size=3).map("/".join),
            min_size=1,
            unique=True,
        )
    )
    def test_a_whole_path_always_finds_its_file(self, stems: list[str]) -> None:
        files = Files("", [f"{stem}.png" for stem in stems])
        assert [files.find(f"{stem}.png") for stem in stems] == [f"{stem}.png" for stem in stems]
        assert [files.find(stem) for stem in stems] == [f"{stem}.png" for stem in stems]


class TestSeveralTables:
    def test_each_speaks_of_what_lies_below_it(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "nikon", "image,r,g,b,scene\na,1,1,1,s\n", ["images/a.png"])
        folder_of(tmp_path / "sony", "image,r,g,b,scene\na,2,1,1,s\n", ["images/a.png"])
        source = folder_of(tmp_path, "image,r,g,b\na,3,1,1\nnikon/images/a.png,4,1,1\n", ["a.png"])
        samples, skipped = list_samples(source)
        assert {sample.image: (sample.files[0], sample.scene, sample.illuminant) for sample in samples} == {
            "a": ("a.png", "a", (3, 1, 1)),
            "nikon/a": ("nikon/images/a.png", "s", (1, 1, 1)),
            "sony/a": ("sony/images/a.png", "s", (2, 1, 1)),
        }
        assert skipped == {
            "nikon/images/a.png": "line 3 of ground_truth.csv: nikon/ground_truth.csv has a line for it, too"
        }

    def test_a_single_one_names_its_images_itself_however_deep(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "download" / "set", "image,r,g,b\na,1,1,1\n")
        source = folder_of(tmp_path, None, ["sample.png"])
        assert the_sample(source).image == "a"

    @pytest.mark.parametrize("write", [write_zip, write_tar])
    def test_from_an_archive(self, tmp_path: Path, write: object) -> None:
        files = {"set/ground_truth.csv": b"image,r,g,b\na,0.5,1,0.7\n", "set/images/a.png": PNG}
        source = Source.open(write(tmp_path / "set.archive", files))  # type: ignore[operator]
        sample = the_sample(source)
        assert parse("folder").load(source, sample).image.pixels.max() == np.float32(1000 / 65535)

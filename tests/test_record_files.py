"""Files of records: every form of them says the same, and what is none is refused with its line."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.cli.output import ESTIMATE_KEYS, Format, open_writer
from awbkit.errors import UsageError
from awbkit.record_files import RecordEntry, read_records
from awbkit.records import Record


def read(data: str | bytes, name: str = "x.jsonl") -> list[RecordEntry]:
    return list(read_records(io.BytesIO(data.encode() if isinstance(data, str) else data), name))


def records(data: str | bytes) -> list[Record]:
    return [stated.record for stated in read(data)]


def write(format: Format, *given: Record) -> bytes:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, newline="")
    with open_writer(format, ESTIMATE_KEYS, stream) as writer:
        for record in given:
            writer.write(record)
    stream.flush()
    return raw.getvalue()


PATHS = st.binary(min_size=1, max_size=20).filter(lambda path: b"\0" not in path and path.strip()).map(os.fsdecode)

ODD = ["=1+1.jpg", "-x.jpg", "@a", "'=b", "a\rb", " c ", "+1", "-", "\x1c", "\xa0"]


@pytest.mark.slow
@pytest.mark.parametrize("format", [Format.JSONL, Format.JSON, Format.CSV])
@given(paths=st.lists(PATHS | st.sampled_from(ODD), max_size=5))
def test_any_file_name_survives(format: Format, paths: list[str]) -> None:
    data = write(format, *[{"path": path, "status": "ok", "cct": 5000} for path in paths])
    assert [record["path"] for record in records(data)] == paths


LIGHT = {"illuminant": [0.4, 1.0, 0.6], "gains": [2.5, 1.0, 1.666667], "chromaticity": [0.2, 0.5], "cct": 4321}


@pytest.mark.parametrize("format", [Format.JSONL, Format.JSON, Format.CSV])
def test_what_awbkit_writes_is_read_back(format: Format) -> None:
    given = {"path": "a.jpg", "status": "ok", "method": "pca", "duv": -0.001, "space": "camera", **LIGHT, "schema": 1}
    failed = {"path": "b.jpg", "status": "error", "error": "=truncated\r\nagain", "schema": 1}
    ok, error = records(write(format, given, failed))
    assert {key: ok[key] for key in given} == given
    assert {key: error[key] for key in failed} == failed
    assert error["illuminant"] is None


FORMS = [
    '{"path": "a", "gains": [2, 1, 1]}\n{"path": "b", "gains": [3, 1, 1]}\n',
    '\ufeff\n{"path": "a", "gains": [2, 1, 1]}\r\n\n  {"path": "b", "gains": [3, 1, 1]}',
    '{"path": "a", "gains": [2, 1, 1]} {"path": "b", "gains": [3, 1, 1]}',
    '{\n "path": "a",\n "gains": [\n2,\n1,\n1\n]\n}\n{\n "path": "b", "gains": [3, 1, 1]}',
    '{"path": "a", "gains": [2, 1, 1]}\n{\n"path": "b", "gains": [3, 1, 1]}',
    '{ "path": "a",\n"gains": [2, 1, 1]}{"path": "b", "gains": [3, 1, 1]}',
    '[{"path": "a", "gains": [2, 1, 1]}, {"path": "b", "gains": [3, 1, 1]}]',
    '\n[\n{"image": "a", "gains": [2, 1, 1]},\n{"file": "b", "gains": [3, 1, 1]}\n]\n',
    '[{"path": "a", "gains": [2, 1, 1]}]\n[{"path": "b", "gains": [3, 1, 1]}]',
    "path,gains_r,gains_g,gains_b\na,2,1,1\nb,3,1,1\n",
    "\ufeffFilename;GAIN_R;gain_g;gain_b\r\n\r\na;2,0;1;1\r\nb;3;1;1",
]


@pytest.mark.parametrize("text", FORMS)
def test_forms(text: str) -> None:
    assert [(record["path"], record["gains"]) for record in records(text)] == [("a", [2, 1, 1]), ("b", [3, 1, 1])]


def test_nothing_is_no_record() -> None:
    assert read(b"") == read(b"\n\xef\xbb\xbf\n") == []


def test_lines_are_read_as_they_arrive() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb", 0) as writer:
        found = read_records(reader, "x")
        for path in "ab":
            writer.write(b'{"path": "%s", "cct": 5000}\n' % path.encode())
            assert next(found).record == {"path": path, "cct": 5000}


def test_what_is_not_known_is_passed_on() -> None:
    text = '{"path": "a", "colour": [{}], "cct": NaN, "name": "\\udce9"}'
    (record,) = records(text)
    assert (record["colour"], record["name"]) == ([{}], "\udce9")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"path": "a", "cct": 1}\n\nmanual', "x.jsonl, line 3: is no JSON (expecting value at column 1); give JSON"),
        ('{"path":', "x.jsonl, line 1: is no JSON"),
        ('[\n{"path": "a", "cct": 1},\n', "x.jsonl, line 3: is no JSON"),
        (b'\n[\n{"path": "\xff"}]', "x.jsonl, line 3: is not UTF-8 text"),
        ('[{"path": "a", "cct": 1}, 3]', "x.jsonl, record 2: not a record but 3"),
        ("{}", "x.jsonl, line 1: names no picture under"),
        ('{"path": 3}', "x.jsonl, line 1: names no picture under"),
        ('{"path": "a"}', "x.jsonl, line 1: states no light under"),
        ('{"path": "a", "gains": [1, 2]}', "line 1: gains must be three numbers or null, not [1, 2]"),
        ('{"path": "a", "chromaticity": [1, 2, 3]}', "line 1: chromaticity must be two numbers or null"),
        ('{"path": "a", "illuminant": "red"}', "line 1: illuminant must be three numbers or null, not 'red'"),
        ('{"path": "a", "illuminant": [1, true, 2]}', "line 1: illuminant must be three numbers"),
        ('{"path": "a", "cct": 1, "method": ["pca"]}', "line 1: method must be a text"),
        ('{"path": "a", "cct": 1, "expected_error": -1}', "line 1: expected_error must be a number of degrees"),
        ('{"path": "a", "cct": 1, "expected_error": NaN}', "line 1: expected_error must be a number of degrees"),
        ('{"path": "a", "cct": 1, "schema": 2}', "line 1: a record of schema 2; this awbkit reads schema 1"),
        ('{"path": "a", "gains": [1, 1, 1], "gains": [2, 1, 1]}', "line 1: states 'gains' twice in one object"),
        ('{"path": "a", "cct": 1}\n{"path": "\\ud800"}', "line 2: holds half a surrogate pair"),
        ('{"path": "a", "cct": 1' + "0" * 5000 + "}", "line 1: holds a number of 5001 digits"),
        ("{" * 100 + '"a":' * 100000, "x.jsonl, line 1: is no JSON"),
        ("[" * 100000, "x.jsonl, line 1: nests more than 100 levels"),
        (b"\xff\xd8\xff\xe0", "x.jsonl, line 1: the header names no column image"),
        ("path,note\na,b", "line 1: the header names no column r, g, b"),
        ("path,cct\na,warm", "line 2: cct is 'warm', not a number"),
        ("image,r,g,b\na,0,5,1,0,1,0", "line 2: has 7 cells under 4 columns; quote or separate them"),
        ('image,r,g,b\na,1,1,1\n"b,1,1,1', "line 3: is no table (unexpected end of data); check its quotes"),
        ("image,r,g,b\n" + "x" * (2 << 20), "line 2: longer than 1 MB, too long for a record"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_record(text: str | bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without end")
def test_a_file_without_end_is_refused() -> None:
    with Path("/dev/zero").open("rb") as stream, pytest.raises(UsageError, match="longer than 64 MB"):
        list(read_records(stream, "zero"))


@pytest.mark.slow
@pytest.mark.parametrize("form", [json.dumps, lambda record: json.dumps(record, indent=2)])
def test_many_records(form: object) -> None:
    """Objects over several lines cost no more for each than a few do."""
    text = "\n".join(form({"path": str(n), "cct": 5000}) for n in range(20_000))  # type: ignore[operator]
    assert [record["path"] for record in records(text)] == [str(n) for n in range(20_000)]

"""Warnings: Python's own for programs, one line and a record's key for people."""

from __future__ import annotations

import contextlib
import io
import pickle
import warnings

import pytest

from awbkit.cli.output import ESTIMATE_KEYS, Format, open_writer
from awbkit.cli.report import Report
from awbkit.cli.terminal import Progress
from awbkit.errors import AwbWarning, collect_warnings, warn


def test_a_warning_has_its_file_and_its_reason() -> None:
    with pytest.warns(AwbWarning, match=r"^a\.tif: has 2 pages; the first one is taken$") as caught:
        warn("a.tif", "has 2\n pages", "the first one is taken")
    assert isinstance(caught[0].message, AwbWarning)
    assert (caught[0].message.path, caught[0].message.reason) == ("a.tif", "has 2 pages; the first one is taken")
    assert caught[0].filename == __file__


def test_a_warning_survives_the_way_from_a_worker() -> None:
    warning = pickle.loads(pickle.dumps(AwbWarning("a.tif", "is odd")))
    assert str(warning) == "a.tif: is odd"


def test_each_reason_is_collected_once_whatever_the_filters_say() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with collect_warnings() as reasons:
            for problem in ("is odd", "is odd", "is wide"):
                warn("a.tif", problem)
    assert reasons == ["is odd", "is wide"]


def test_warnings_of_others_pass_through() -> None:
    with pytest.warns(RuntimeWarning, match="divide"), collect_warnings() as reasons:
        warnings.warn("divide by zero", RuntimeWarning, stacklevel=1)
    assert reasons == []


def test_an_error_of_the_work_passes_through() -> None:
    with pytest.raises(KeyError), collect_warnings():
        raise KeyError


@pytest.mark.parametrize("status", ["ok", "error"])
def test_a_report_says_a_warning_once_and_goes_on(capsys: pytest.CaptureFixture[str], status: str) -> None:
    record = {"path": "a\x1b.tif", "status": status, "warning": "is odd"}
    stream = io.StringIO()
    with open_writer(Format.JSONL, ESTIMATE_KEYS, stream) as writer, contextlib.redirect_stdout(stream):
        report = Report(writer, Progress(stream), None)
        report.add(record, {**record, "method": "pca"})
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "awbkit: warning: a\\x1b.tif: is odd"
    assert len(lines) == (1 if status == "ok" else 3)
    assert report.exit_code == (status == "error")
    assert stream.getvalue().count('"warning": "is odd"') == 2

"""LibRaw's words on standard error: heeded as warnings, and nobody else's are lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

import awbkit
from awbkit.errors import AwbError, AwbWarning
from awbkit.files.remarks import heed_remarks
from tests.helpers.pictures import TUNGSTEN
from tests.helpers.raw_files import RGGB, mosaic, write_dng

# In a process of its own, since the tests' own may have further threads.
HEEDED = """
import _thread, os, sys, threading
from awbkit.errors import collect_warnings
from awbkit.files.remarks import heed_remarks
if len(sys.argv) > 2:
    called = threading.Event()
    _thread.start_new_thread(lambda: (threading.current_thread(), called.set()), ())
    called.wait()
    assert threading.active_count() == 2
with collect_warnings() as told:
    with heed_remarks("a.dng"):
        os.write(2, sys.argv[1].encode())
print(*told, sep="\\n")
"""


def say(text: str) -> None:
    os.write(2, text.encode())


def run_with_remark(text: str, *options: str) -> tuple[str, str]:
    """The warnings that a text makes, and what reaches standard error."""
    done = subprocess.run([sys.executable, "-c", HEEDED, text, *options], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("remark", ["Unexpected end of file", "data corrupted at 1931", "data corrupted at -5"])
def test_a_remark_becomes_a_warning(remark: str) -> None:
    told, err = run_with_remark(f"/somewhere/a.dng: {remark}\n")
    assert told.startswith(f"LibRaw finds it damaged ({remark.lower()}); ")
    assert err == ""


def test_a_codecs_thread_that_called_back_is_no_company() -> None:
    told, err = run_with_remark("a.dng: data corrupted at 3\n", "called back")
    assert told.startswith("LibRaw finds it damaged")
    assert err == ""


def test_what_others_say_is_passed_on() -> None:
    told, err = run_with_remark("before\na.dng: data corrupted at 3\nbehind\n")
    assert told.count("\n") == 1
    assert err == "before\nbehind\n"


def test_an_error_leaves_standard_error_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    def say_damage() -> None:
        with heed_remarks("a.dng"):
            say("said\n")
            raise AwbError("damaged")

    with pytest.raises(AwbError):
        say_damage()
    say("behind\n")
    assert capfd.readouterr().err == "said\nbehind\n"


def test_several_threads_keep_their_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with heed_remarks("a.dng"):
            say("a.dng: data corrupted at 3\n")
    finally:
        done.set()
        thread.join()
    assert capfd.readouterr().err == "a.dng: data corrupted at 3\n"


def test_damaged_tiles_are_not_passed_over(scene: object, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    samples = mosaic(scene * TUNGSTEN, RGGB)  # type: ignore[operator]
    path = write_dng(tmp_path / "a.dng", samples, lossless_jpeg=True, bits=12)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes([0xFF, 0xFE] * 100)
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            awbkit.estimate(path, "gray-world")
        except AwbError:
            return
    assert any(isinstance(entry.message, AwbWarning) for entry in caught)
    assert capfd.readouterr().err == ""

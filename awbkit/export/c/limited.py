"""Compilers, emulators and what was compiled, run within a folder and a time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from awbkit.errors import CheckFailed
from awbkit.escaping import printable
from awbkit.store.refusals import writing_error

SECONDS = 600
"""A hundred times what the largest shipped network takes in an emulator."""


def output_of(command: Sequence[str], folder: Path, given: bytes = b"", seconds: float = SECONDS) -> bytes:
    """Standard output of a command that ends well.

    Args:
        command: The program and its arguments.
        folder: Where it runs and puts its temporary files.
        given: Its standard input.
        seconds: After these it is killed, with all that it started.

    Raises:
        CheckFailed: If it cannot be started, takes longer, or fails; with what it says last.
    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise CheckFailed(f"{name} cannot be started: {(error.strerror or str(error)).lower()}") from None
    with process:
        try:
            out, complaint = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            kill(process)
            raise CheckFailed(f"{name} took more than {seconds:g} seconds and was stopped") from None
        except BaseException:
            kill(process)
            raise
    if process.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines()
        # The first error of a compiler is the cause; the next ones follow from it.
        reason = next((line for line in lines if "error" in line), lines[-1] if lines else "it says nothing")
        raise CheckFailed(f"{name} fails: {printable(reason)}; report this with the model")
    return out


def put(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write files to compile, texts in ASCII, into a temporary folder.

    Raises:
        OutputError: If there is no room for it.
    """
    try:
        for name, content in contents.items():
            (folder / name).write_bytes(content.encode("ascii") if isinstance(content, str) else content)
    except OSError as error:
        raise writing_error(folder.parent, error) from error


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of a session of its own, with all that it started; one that has ended is left alone."""
    # A compiler is a driver that starts others, which would go on without it.
    if hasattr(os, "killpg"):
        # A signal may arrive here just when all of it has ended by itself; macOS then says "not permitted".
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()

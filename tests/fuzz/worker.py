"""The process that hands inputs to the readers, so that a signal, a hang or a hunger for memory takes only it down."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

CPU_SECONDS = 30
"""For one input; beyond this it hangs. Of processor time, so that a busy machine makes no findings."""

ADDRESS_SPACE = 8 << 30
RESIDENT_GROWTH = 1 << 30
"""Bytes by which one small input may raise the most that the process has held."""

_SILENT_SECONDS = 600
_RECYCLE_AFTER = 2000


@dataclass(frozen=True)
class Input:
    """What to hand over: bytes under a name, to a target."""

    target: str
    name: str
    data: bytes


class Watched:
    """A worker, replaced when it dies."""

    def __init__(self) -> None:
        self._spawn = multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._served = 0
        # This process' own, since a worker that is killed cleans nothing up.
        self._scratch = tempfile.TemporaryDirectory(prefix="awbkit-fuzz-")

    def judge(self, given: Input) -> tuple[str, str]:
        """What the reader told, and how it broke the contract; the latter is empty where it kept it."""
        if self._process is None or self._served >= _RECYCLE_AFTER:
            self.stop()
            self._pipe, other = self._spawn.Pipe()
            self._process = self._spawn.Process(target=serve, args=(other, self._scratch.name), daemon=True)
            self._process.start()
            other.close()
            self._served = 0
        self._served += 1
        self._pipe.send((given.target, given.name, given.data))
        try:
            if not self._pipe.poll(_SILENT_SECONDS):
                self.stop()
                return "", f"waits for something that does not come, {_SILENT_SECONDS} s"
            told, fault = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            self._process = None
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return "", f"hangs: over {CPU_SECONDS} s of processor time" if name == "SIGPROF" else f"crash: {name}"
        return told, fault

    def close(self) -> None:
        """End the worker, and remove its scratch folders."""
        self.stop()
        self._scratch.cleanup()

    def stop(self) -> None:
        """End the worker; another takes its place at the next input."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def serve(pipe: Connection, parent_scratch: str) -> None:
    """Answer until the parent goes."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    scratch = Path(tempfile.mkdtemp(dir=parent_scratch))
    temporary = scratch / "temporary"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    os.environ["TMPDIR"] = str(temporary)
    os.environ["VIPS_CONCURRENCY"] = "1"
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from tests.fuzz.contract import judge
    from tests.fuzz.targets import BY_NAME

    with suppress(EOFError):
        for number in range(sys.maxsize):
            target, name, data = pipe.recv()
            folder = scratch / f"{number}"
            outputs = scratch / f"{number}-outputs"
            outputs.mkdir()
            given = BY_NAME[target].lay(folder / "given", name, data)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            verdict = judge(BY_NAME[target].use, given, outputs)
            signal.setitimer(signal.ITIMER_PROF, 0)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            fault = verdict.fault
            if number and grown << 10 > RESIDENT_GROWTH:
                fault = fault or f"takes {grown >> 10} MB of memory"
            pipe.send((verdict.told, fault))
            shutil.rmtree(folder)
            shutil.rmtree(outputs)
            for left in temporary.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()

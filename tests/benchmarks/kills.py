"""What signals leave behind: commands and their workers are killed at random moments, and then run again.

    python tests/benchmarks/kills.py [KILLS] [SEED]

200 kills by default, SIGTERM, SIGKILL and SIGINT, of the command itself or of one of its workers. After each: the
originals are unchanged, whatever has its final name is what an undisturbed run writes, to the byte, a prepared set is
whole or not there, and the exit code is the signal's, or 0 where only a worker was killed. After the next run into the
same folder: all is there, and nothing else. Exit code 1 if anything is amiss.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.helpers.command import write_jpeg
from tests.helpers.labelled_folder import write_labelled_folder
from tests.helpers.training_runs import write_set

SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)
PATIENCE = 300
QUICK = ("--arch", "awbnet-nano", "--steps", "20", "--variants", "2", "--teachers", "0", "--device", "cpu")


@dataclass(frozen=True)
class Command:
    """A command to kill.

    Attributes:
        words: Its arguments; OUT stands for the folder that it writes to.
        again: What is added when it is run once more.
        weight: How often it is chosen.
        kept: What of OUT must be the same after every run; the rest may state times or the order of work.
    """

    words: tuple[str, ...]
    again: tuple[str, ...]
    weight: int
    kept: str = "**/*"

    def arguments(self, out: Path) -> list[str]:
        return [word.replace("OUT", str(out)) for word in self.words]


COMMANDS = {
    "estimate": Command(("estimate", "in", "-", "-j", "2", "-q"), (), 3),
    "correct -j 1": Command(("correct", "in", "-d", "OUT", "-j", "1", "-q"), ("--if-exists", "skip"), 4),
    "correct -j 2": Command(("correct", "in", "-d", "OUT", "-j", "2", "-q"), ("--if-exists", "skip"), 5),
    "prepare": Command(
        ("dataset", "prepare", "folder", "labelled", "-o", "OUT/set", "-j", "2", "-q"), ("--if-exists", "skip"), 5
    ),
    "train": Command(("train", "set", "-o", "OUT/run", "-j", "2", *QUICK, "-q"), ("--resume",), 1, "**/model.*"),
    "quantize": Command(
        ("quantize", "awbnet-nano", "set", "-o", "OUT/nano.safetensors", "-q"), ("--if-exists", "skip"), 1
    ),
    "export": Command(
        ("export", "OUT/../nano.safetensors", "--to", "c", "-o", "OUT", "-q"), ("--if-exists", "skip"), 1
    ),
}


def start(arguments: list[str], temporary: Path) -> subprocess.Popen[bytes]:
    with Path("in/0.jpg").open("rb") as picture:
        return subprocess.Popen(
            [sys.executable, "-m", "awbkit", *arguments],
            stdin=picture,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(temporary)},
        )


def finished(arguments: list[str], temporary: Path) -> tuple[int, str]:
    process = start(arguments, temporary)
    _, complaints = process.communicate(timeout=PATIENCE)
    return process.returncode, complaints.decode()


def workers(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            code = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"awbkit.work.worker" in code:
            found.append(int(status.parent.name))
    return found


def contents(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob(pattern)
        if path.is_file()
    }


def is_ours(name: str) -> bool:
    """Whether a file has no final name yet: a part, or the work of an unfinished preparation or training."""
    return ".part" in name or ".unfinished" in name


def is_right(code: int, complaints: str, number: int, of_worker: bool) -> bool:
    """Whether the exit code is right; a command that is killed before it begins to listen dies of the signal itself."""
    if code == 0 or of_worker:
        return code == 0
    if number == signal.SIGINT and complaints.endswith("KeyboardInterrupt\n"):
        # Python itself was just starting.
        return code in (1, -number)
    return code == -number or (number != signal.SIGKILL and code == 128 + number)


def trial(name: str, number: int, moment: float, of_worker: bool, place: Path, whole: dict[str, str]) -> list[str]:
    """Kill a command once and run it again; what is amiss."""
    command = COMMANDS[name]
    out, temporary = place / "out", place / "tmp"
    out.mkdir(parents=True)
    temporary.mkdir()
    if name == "export":
        (place / "nano.safetensors").write_bytes(Path("nano.safetensors").read_bytes())
    amiss = []
    process = start(command.arguments(out), temporary)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        victims = workers(process.pid) if of_worker else [process.pid]
        of_worker = bool(victims) and of_worker
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(victims or [process.pid]), number)
    _, complaints = process.communicate(timeout=PATIENCE)
    if not is_right(process.returncode, complaints.decode(), number, of_worker):
        amiss.append(f"exit code {process.returncode}: {complaints.decode()[-300:]}")
    for file, digest in contents(out, command.kept).items():
        if not is_ours(file) and whole.get(file) != digest:
            amiss.append(f"{file} is not what it must be")
    again = [*command.arguments(out), *command.again]
    code, told = finished(again, temporary)
    if code:
        amiss.append(f"the next run has exit code {code}: {told[-300:]}")
    if contents(out, command.kept) != whole:
        amiss.append(f"the next run leaves {sorted(contents(out, command.kept).items() ^ whole.items())}")
    left = [path for folder in (out, temporary) for path in folder.rglob("*") if is_ours(path.name)]
    amiss += [f"{path.name} is left" for path in left]
    return amiss


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        os.chdir(folder)
        generator = np.random.default_rng(1)
        for index in range(12):
            write_jpeg(Path(f"in/{index}.jpg"), generator.uniform(0, 0.9, (300, 400, 3)))
        write_labelled_folder(Path("labelled"), 40, size=200)
        write_set(Path("set"), 24)
        originals = contents(Path())
        took, whole = {}, {}
        for name, command in COMMANDS.items():
            out = Path("undisturbed", name, "out").absolute()
            out.mkdir(parents=True)
            if name == "export":
                (out.parent / "nano.safetensors").write_bytes(Path("nano.safetensors").read_bytes())
            begun = time.monotonic()
            code, complaints = finished(command.arguments(out), Path(folder))
            assert code == 0, complaints
            took[name] = time.monotonic() - begun
            whole[name] = contents(out, command.kept)
            if name == "quantize":
                Path("nano.safetensors").write_bytes((out / "nano.safetensors").read_bytes())
                originals = contents(Path()) | originals
        names = [name for name, command in COMMANDS.items() for _ in range(command.weight)]
        originals = {file: digest for file, digest in originals.items() if not file.startswith("undisturbed")}
        counts: Counter[str] = Counter()
        faults = 0
        for number in range(kills):
            name, sent = random.choice(names), random.choice(SIGNALS)
            of_worker, moment = random.random() < 0.5, random.uniform(0, took[name])
            amiss = trial(name, sent, moment, of_worker, Path(f"trial-{number}").absolute(), whole[name])
            now = contents(Path())
            if {file: now.get(file) for file in originals} != originals:
                amiss.append("an original was changed")
            counts[f"{name}, {sent.name}, {'worker' if of_worker else 'command'}"] += 1
            for fault in amiss:
                faults += 1
                print(f"{number}: {name}, {sent.name} after {moment:.2f} s: {fault}", flush=True)
            subprocess.run(["rm", "-r", f"trial-{number}"], check=True)
        for what, count in sorted(counts.items()):
            print(f"{count:4} {what}")
        print(f"{kills} kills, {faults} faults")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()

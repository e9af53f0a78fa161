"""Record what every command of awbkit says and writes, and find what is different later.

    python tests/benchmarks/recording.py record OUT.json [--thumbnails FOLDER]
    python tests/benchmarks/recording.py compare OUT.json

To move code about without a change of behaviour: record before, compare after. Each command is a process of its own, as
for a user, on inputs that ``recording_inputs.py`` writes and on the example pictures; ``recording_commands.py`` lists
the commands. FOLDER holds small sets by ``awbkit dataset prepare``. The recording has each command's exit code, and the
SHA-256 of its standard output, of its standard error and of every file that it wrote or removed; short texts
stand in it, so that a difference can be read. ``compare`` prints what differs, and its exit code is 1 then.

The awbkit that runs is the one of the checkout around this file: copy ``recording*.py`` into an older or newer one
to record that. It takes about 5 minutes of processor time, and 0.4 GB in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.recording_commands import commands
from tests.benchmarks.recording_inputs import write_all

ROOT = Path(__file__).resolve().parents[2]
SHORT = 4096
"""Texts up to this many bytes stand in the recording."""

PLACEHOLDERS: tuple[tuple[str, bytes, bytes], ...] = (
    ("milliseconds that a picture took, in JSON", rb'"ms": [\d.]+', b'"ms": <ms>'),
    ("the same in CSV, behind width and height", rb"(?m)(,\d+,\d+,)[\d.]+(,[^,\n]*,[^\n]*,[^\n]*)$", rb"\1<ms>\2"),
    ("the same in a table, its last column", rb"(?m) +\d+\.\d$", b" <ms>"),
    ("seconds in the last line of estimate and correct", rb"\b\d+\.\d s$", b"<s> s"),
    ("minutes and seconds in the last line of longer commands", rb"\b\d+:\d\d\b", b"<m:ss>"),
)
"""What differs between two runs of the same code: why, a pattern, and what stands in its place."""

VARYING = (
    ("what ONNX Runtime and Python keep for themselves", r"home/\.cache/.*|tmp/\.ses|(.*/)?__pycache__/.*"),
    ("unfinished work, whose plan holds the times of files", r".*\.unfinished/journal\.jsonl|answers\.jsonl"),
    ("what bench measured", r"costs/.*"),
)
"""Files that are other ones in each run, and why."""

Record = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("record", "compare"))
    parser.add_argument("out", type=Path, help="the recording, a JSON file")
    parser.add_argument("--thumbnails", type=Path, help="folder of prepared sets; compare takes the recording's own")
    parser.add_argument("--only", default="", help="for a look: only commands that hold this text, and what they miss")
    options = parser.parse_args()
    if options.verb == "record":
        recording = _record(options.thumbnails, options.only)
        options.out.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return 0
    before = json.loads(options.out.read_text(encoding="utf-8"))
    kept = before["thumbnails"]
    after = _record(options.thumbnails or (Path(kept) if kept else None), options.only)
    wanted = {**before, "runs": {key: run for key, run in before["runs"].items() if options.only in key}}
    differences = list(_differences(wanted["runs"], after["runs"]))
    print("\n".join(differences) or f"nothing differs in {len(after['runs'])} runs")
    print(f"before: {before['commit']}, after: {after['commit']}", file=sys.stderr)
    return 1 if differences else 0


def _record(thumbnails: Path | None, only: str) -> Record:
    """Run every command in a new folder, which goes afterwards."""
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--abbrev=40", "--dirty"], capture_output=True)
    runs: Record = {}
    with tempfile.TemporaryDirectory(prefix="awbkit-recording-") as folder:
        work = Place(Path(folder).resolve())
        write_all(work.path, ROOT / "examples" / "pictures")
        (work.path / "home").mkdir()
        (work.path / "tmp").mkdir()
        names = sorted(path.parent.name for path in thumbnails.glob("*/dataset.json")) if thumbnails else []
        for name in names:
            shutil.copytree(thumbnails / name, work.path / "thumbnails" / name)  # type: ignore[operator]
        for line in commands(names):
            if only in line:
                assert line not in runs
                runs[line] = work.run(line, "-m", "awbkit")
        if only in "python":
            runs["the Python interface"] = work.run("", str(Path(__file__).with_name("recording_api.py")))
    kept = str(thumbnails.resolve()) if thumbnails else ""
    return {"commit": commit.stdout.decode().strip(), "python": sys.version, "thumbnails": kept, "runs": runs}


@dataclass(frozen=True)
class Place:
    """The folder in which all commands of one recording run."""

    path: Path

    def run(self, line: str, *program: str) -> Record:
        """Run a command line and say what came of it."""
        words = shlex.split(line)
        source, target = (self._redirected(words, sign) for sign in "<>")
        before = self._files()
        done = subprocess.run(
            [sys.executable, *program, *words],
            cwd=self.path,
            env=self._environment(),
            input=source.read_bytes() if source else b"",
            capture_output=True,
        )
        print(f"{done.returncode:4} {line or program[0]}", file=sys.stderr)
        if target:
            target.write_bytes(done.stdout)
        after = self._files()
        changed = sorted(name for name in after if after[name] != before.get(name) and not _varies(name))
        files = {name: self._digest((self.path / name).read_bytes()) for name in changed}
        files |= dict.fromkeys(sorted(name for name in before.keys() - after.keys() if not _varies(name)), "removed")
        said = re.sub(rb"[ -]*[\d.]+", b" <n>", done.stdout) if line.startswith("bench ") else done.stdout
        return {"exit": done.returncode, **self._text("stdout", said), **self._text("stderr", done.stderr)} | (
            {"files": files} if files else {}
        )

    def _redirected(self, words: list[str], sign: str) -> Path | None:
        if sign not in words:
            return None
        at = words.index(sign)
        path = self.path / words[at + 1]
        del words[at : at + 2]
        return path

    def _environment(self) -> dict[str, str]:
        """A terminal of one width, no colours, one thread for sums, no user's settings; awbkit is the checkout's."""
        kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
        places = {"HOME": str(self.path / "home"), "TMPDIR": str(self.path / "tmp"), "PYTHONPATH": str(ROOT)}
        return kept | places | {"COLUMNS": "120", "TERM": "dumb", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}

    def _files(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                path = Path(folder, name)
                status = path.lstat()
                key = str(path.relative_to(self.path))
                found[key] = status.st_mtime_ns, status.st_size, status.st_ino
        return found

    def _plain(self, content: bytes) -> bytes:
        """With placeholders: for the folders in any file, for times in texts alone."""
        content = content.replace(os.fsencode(self.path), b"<work>").replace(os.fsencode(ROOT), b"<awbkit>")
        if b"\0" not in content:
            for _, pattern, placeholder in PLACEHOLDERS:
                content = re.sub(pattern, placeholder, content)
        return content

    def _digest(self, content: bytes) -> str:
        return hashlib.sha256(self._plain(content)).hexdigest()

    def _text(self, name: str, content: bytes) -> Record:
        plain = self._plain(content)
        if len(plain) > SHORT or b"\0" in plain:
            return {name: {"sha256": self._digest(content)}}
        return {name: {"sha256": self._digest(content), "text": plain.decode("utf-8", "backslashreplace")}}


def _varies(name: str) -> bool:
    return any(re.fullmatch(pattern, name) for _, pattern in VARYING)


def _differences(before: Record, after: Record) -> Iterator[str]:
    for line in sorted(before.keys() ^ after.keys()):
        yield f"{line}: only {'before' if line in before else 'after'}"
    for line in (line for line in before if line in after):
        old, new = before[line], after[line]
        if old["exit"] != new["exit"]:
            yield f"{line}: exit code {old['exit']} before, {new['exit']} after"
        for stream in ("stdout", "stderr"):
            if old[stream]["sha256"] != new[stream]["sha256"]:
                yield f"{line}: {stream}"
                texts = (run[stream].get("text", "(long)\n").splitlines() for run in (old, new))
                yield from (f"    {row}" for row in difflib.unified_diff(*texts, "before", "after", lineterm="", n=0))
        files = old.get("files", {}), new.get("files", {})
        for name in sorted(files[0].keys() | files[1].keys()):
            if files[0].get(name) != files[1].get(name):
                what = "not before" if name not in files[0] else "not after" if name not in files[1] else "other bytes"
                yield f"{line}: {name}: {what}"


if __name__ == "__main__":
    sys.exit(main())

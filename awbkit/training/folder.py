"""The folder of a run: one run, one process at a time, and the arguments that the run began with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.documents import read_json
from awbkit.store.durable import make_folders
from awbkit.store.lock import FILE as LOCK
from awbkit.store.lock import lock_folder
from awbkit.store.outputs import IfExists, write_whole
from awbkit.store.parts import is_part
from awbkit.store.refusals import writing_error

DESCRIPTION = "run.json"


@contextmanager
def run_folder(output: Path, facts: Mapping[str, Any], resume: bool) -> Iterator[None]:
    """Create the run's folder or resume the run in it, and lock it against other processes.

    Args:
        output: The folder.
        facts: Everything that decides the result of the run, as JSON.
        resume: Continue the run in the folder.

    Raises:
        UsageError: If the folder is in use or holds another run.
        UnreadableFile: If the record of the run's arguments is damaged.
        OutputError: If another process works in the folder, or it cannot be written.
    """
    path = output / DESCRIPTION
    try:
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file; name a folder for the run")
        make_folders(output)
        if not resume and not _is_fresh(output):
            raise UsageError(f"{output} is not empty; go on with --resume, or name another folder")
        lock = lock_folder(output, "training in it")
    except OSError as error:
        raise writing_error(output, error) from error
    with closing(lock):
        if _is_fresh(output):
            write_whole(path, IfExists.REPLACE, json.dumps(facts, indent=1))
        else:
            _check(path, facts)
        yield


def _is_fresh(output: Path) -> bool:
    """Whether the folder holds no run. Remains of a process that was killed before it began one do not count."""
    return all(is_part(file) or file.name == LOCK for file in output.iterdir())


def _check(path: Path, facts: Mapping[str, Any]) -> None:
    try:
        before = read_json(path)
    except UnreadableFile:
        raise UnreadableFile(path, "is missing or damaged", "start anew in another folder") from None
    if differing := _differences(before, json.loads(json.dumps(facts))):
        raise UsageError(f"{path.parent} holds another run: {differing}; resume with what it began with")


def _differences(before: Any, now: Any, name: str = "") -> str:
    """The first thing that differs, in words; empty where nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if found := _differences(before.get(key), now.get(key), f"{name} {key}".strip()):
                return found
        return ""
    return "" if before == now else f"its {name} is {before!r}, not {now!r}"

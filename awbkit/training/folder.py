"""The folder of a run: one run in it, one process at a time, and what it began with written down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from awbkit.documents import read_json
from awbkit.errors import UnreadableFile, UsageError
from awbkit.files.lock import locked
from awbkit.files.outputs import IfExists, write_whole

DESCRIPTION = "run.json"


@contextmanager
def entered(output: Path, facts: Mapping[str, Any], resume: bool) -> Iterator[None]:
    """Make the run's folder, or find that it holds this very run, and keep others out of it meanwhile.

    Args:
        output: The folder.
        facts: All that decides what the run makes, as JSON.
        resume: Go on with the run that the folder holds.

    Raises:
        UsageError: If the folder is in use or holds another run.
        UnreadableFile: If what the run began with is damaged.
    """
    path = output / DESCRIPTION
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; name a folder for the run")
    fresh = not output.is_dir() or not any(output.iterdir())
    if not fresh:
        if not resume:
            raise UsageError(f"{output} is not empty; go on with --resume, or name another folder")
        try:
            before = read_json(path)
        except UnreadableFile:
            raise UnreadableFile(path, "is missing or damaged", "start anew in another folder") from None
        if differing := _differences(before, json.loads(json.dumps(facts))):
            raise UsageError(f"{output} holds another run: {differing}; resume with what it began with")
    if fresh:
        write_whole(path, IfExists.REPLACE, json.dumps(facts, indent=1))
    with closing(locked(output, "training in it")):
        yield


def _differences(before: Any, now: Any, name: str = "") -> str:
    """The first thing that differs, in words; empty where nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if found := _differences(before.get(key), now.get(key), f"{name} {key}".strip()):
                return found
        return ""
    return "" if before == now else f"its {name} is {before!r}, not {now!r}"

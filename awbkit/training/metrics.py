"""``metrics.jsonl``: exactly one line for every report of a training, even after interruptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from awbkit.store.documents import MalformedText, parse_json
from awbkit.store.outputs import IfExists, write_whole
from awbkit.store.refusals import writing_error
from awbkit.training import checkpoint, processes


class Metrics:
    """The file.

    Args:
        path: Path of the file, which the first line creates.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, phase: str, network: str, saved: Path) -> None:
        """Drop a network's reports after its checkpoint, because those steps are trained again."""
        if not processes.is_first() or not self._path.exists():
            return
        done = checkpoint.steps_done(saved)
        kept = [
            line
            for line in _lines(self._path)
            if (record := _record(line)) is not None and not _is_later(record, phase, network, done)
        ]
        text = "".join(f"{line}\n" for line in kept)
        write_whole(self._path, IfExists.REPLACE, text)

    def add(self, phase: str, network: str, values: Mapping[str, Any], *, once: bool = False) -> None:
        """Append a line.

        Args:
            phase: The phase of the run.
            network: The network's name within the phase.
            values: The rest of the line.
            once: Append nothing if the file has the line already.

        Raises:
            OutputError: If it cannot be written.
        """
        line = json.dumps({"phase": phase, "network": network, **values})
        if not processes.is_first() or (once and line in _lines(self._path)):
            return
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")
        except OSError as error:
            raise writing_error(self._path, error) from error


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _record(line: str) -> dict[str, Any] | None:
    """Parse a line; None for an incomplete one."""
    try:
        found = parse_json(line)
    except MalformedText:
        return None
    return found if isinstance(found, dict) else None


def _is_later(record: Mapping[str, Any], phase: str, network: str, done: int) -> bool:
    own = record.get("phase") == phase and record.get("network") == network
    return own and (record.get("number") or 0) > done

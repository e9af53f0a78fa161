"""Failures and warnings of many files on standard error: those of one kind on one line, with their number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awbkit.cli.terminal import say

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


@dataclass
class _Kind:
    """One kind of failure: its first file and the number of files; ``last`` is the last one counted."""

    prefix: str
    noun: str
    path: str
    file: str
    reason: str
    last: str
    count: int = 1

    def __str__(self) -> str:
        if self.count == 1:
            return f"{self.prefix}{_name(self.path)}: {self.reason}"
        problem = self.reason.removeprefix(f"{self.file}: ")
        return f"{self.prefix}{self.count} {self.noun}, such as {_name(self.file)}: {problem}"


class Failures:
    """Collects reasons by kind. Two reasons are of one kind where they differ in nothing but names and numbers.

    Args:
        at_once: Print every reason as it comes, with the name of its file, and collect nothing.
        noun: The plural noun for the files in the summary.
    """

    def __init__(self, *, at_once: bool = False, noun: str = "files") -> None:
        self._at_once = at_once
        self._noun = noun
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def add(self, record: Mapping[str, Any], reason: str, prefix: str = "") -> None:
        """Add the reason of one record; the prefix goes before the name of the file."""
        path, output = str(record["path"]), str(record.get("output") or "")
        # A failure to write names the output, which then is the file that the user looks for.
        file = output if output and reason.startswith(f"{output}: ") else path
        kind = _Kind(prefix, self._noun, path, file, reason, last=path)
        if self._at_once:
            say(str(kind))
            return
        key = reason
        for name in sorted(filter(None, {path, output}), key=len, reverse=True):
            key = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "\0", key)
        known = self._kinds.setdefault((prefix, _NUMBER.sub("0", key)), kind)
        # One file may fail for the same reason under several methods.
        if known.last != path:
            known.count += 1
            known.last = path

    def flush(self, most: int | None = None) -> int:
        """Print a line for each kind in the order of their first files, ``most`` at most; return how many lines."""
        printed = list(self._kinds.values())[:most]
        for kind in printed:
            say(str(kind))
        self._kinds.clear()
        return len(printed)

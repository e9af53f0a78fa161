"""What it takes to run an evaluation again, beside its data: the command, the versions, and hashes of what it read."""

from __future__ import annotations

import hashlib
import inspect
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from awbkit.choices import DOMAINS
from awbkit.estimators import Method, registry
from awbkit.estimators.own import Function, name_of
from awbkit.evaluation.methods import AnyMethod
from awbkit.network.models import find_model, load_once


class HashedStream:
    """The bytes of a stream, whose digest is known once they are read.

    A reader of records needs no more of a stream than these two methods.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As of any stream."""
        return self._keep(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        """As of any stream."""
        return self._keep(self._stream.readline(size))

    @property
    def digest(self) -> str:
        """SHA-256 of all bytes read so far."""
        return self._digest.hexdigest()

    def _keep(self, data: bytes) -> bytes:
        self._digest.update(data)
        return data


def run_facts(
    command: str, methods: Mapping[str, AnyMethod], files: Mapping[str, str] | None = None
) -> dict[str, object]:
    """The fact "run" of an evaluation.

    Args:
        command: What the user typed.
        methods: The methods by their names in the report.
        files: SHA-256 of the other files that were read, by name.

    Returns:
        The command, the versions of Python and numpy, the platform, and for each method with weights or code of its
        own, and each file, a SHA-256. A callable whose source is not known has None.
    """
    hashes = {name: found for name, method in methods.items() if (found := dict(_hashes_of(method)))}
    return {
        "command": command,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        **({"methods": hashes} if hashes else {}),
        **({"files": dict(files)} if files else {}),
    }


def facts_in_lines(facts: Mapping[str, Any]) -> list[str]:
    """All that it takes to run an evaluation again, as short lines of plain text; empty without the fact "run"."""
    run = facts.get("run")
    if not isinstance(run, Mapping):
        return []
    versions = f"awbkit {facts.get('version')}, Python {run['python']}, numpy {run['numpy']}, {run['platform']}"
    lines = [f"Command: {run['command']}" if run["command"] else "", f"Versions: {versions}"]
    lines.append(f"Bootstrap: {facts.get('bootstrap_rounds')} rounds, seed {facts.get('bootstrap_seed')}")
    lines += [f"Data {one['name']}: {one.get('hash') or 'no hash'}" for one in facts.get("datasets", ())]
    lines += [
        f"{name}, {what}: {f'sha256:{value}' if value else 'unknown'}"
        for name, found in run.get("methods", {}).items()
        for what, value in found.items()
    ]
    lines += [f"File {name}: sha256:{value}" for name, value in run.get("files", {}).items()]
    return [line for line in lines if line]


def _hashes_of(method: AnyMethod) -> Iterator[tuple[str, str | None]]:
    if not isinstance(method, Method):
        return
    if method.is_own:
        yield "code", method.code or (None if method.function is None else _source_digest(method.function))
    elif registry.is_model(method.name):
        yield "weights", load_once(method.name).digest
    elif method.is_network:
        for domain in DOMAINS:
            yield f"weights for {domain} pictures", find_model(method.name, domain).digest


def _source_digest(function: Function) -> str | None:
    """SHA-256 of the file that a callable is from, or of its own text where it is from a notebook."""
    try:
        subject: Any = inspect.unwrap(function)
        if not inspect.isroutine(subject):
            subject = type(subject)
        path = Path(inspect.getsourcefile(subject) or "")
        data = path.read_bytes() if path.is_file() else inspect.getsource(subject).encode()
    except (OSError, TypeError):
        return None
    return hashlib.sha256(data).hexdigest()


def call_text(sets: Sequence[object], methods: Sequence[str | Function], **options: object) -> str:
    """The call of :func:`awbkit.evaluate`, options that are empty left out."""
    names = [method if isinstance(method, str) else name_of(method) for method in methods]
    given = "".join(f", {name}={value!r}" for name, value in options.items() if value)
    return f"awbkit.evaluate({[str(one) for one in sets]!r}, {names!r}{given})"

"""Load code that is not awbkit's once, in a process of its own, before it is put to work."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from awbkit.errors import UsageError
from awbkit.estimators import installed, own
from awbkit.estimators.registry import Method
from awbkit.work import batch
from awbkit.work.executor import Crash


def probe(method: Method) -> Method:
    """Load the function of a method once, and return the method with the digest of its code.

    Another process loads it, because it may crash or write to standard output. A method of awbkit's own, a model and a
    callable come back as they are.

    Raises:
        UsageError: If it cannot be loaded; the message says where loading failed.
    """
    if not method.is_own or method.function is not None:
        return method
    with contextlib.closing(batch.run(_digest_of, [method], isolate=True)) as outcomes:
        outcome = next(outcomes)
    if isinstance(outcome.error, Crash):
        raise UsageError(f"{_place(method)} cannot be loaded: it ended its process ({outcome.error.ending})")
    if outcome.error is not None:
        raise outcome.error
    return replace(method, code=outcome.result or "")


def _digest_of(method: Method) -> str:
    """Check a function; call this in a fresh process, where no other function's modules are loaded."""
    method.load()
    digest = hashlib.sha256()
    for name, path in _sources(_place(method).partition(".")[0]):
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _place(method: Method) -> str:
    code = own.find_own(method.name)
    return installed.module_of(method.name) if code is None else code.place


def _sources(package: str) -> Iterator[tuple[str, Path]]:
    """The loaded modules and their files, except libraries, which are assumed not to change.

    The name is that of the file for a function in a file, so that the digest is the same wherever the file is.
    """
    paths = sysconfig.get_paths()
    libraries = {Path(paths[key]).resolve() for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    for name, module in sorted(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "").resolve()
        loaded = name.partition(".")[0]
        if loaded == "awbkit" or not path.is_file():
            continue
        is_library = {"site-packages", "dist-packages"}.intersection(path.parts) or libraries.intersection(path.parents)
        if not is_library or loaded == package:
            yield path.name if name.startswith("awbkit_own_") else name, path

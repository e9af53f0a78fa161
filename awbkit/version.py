"""The version of the package, as installed or as its checkout states it."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _version() -> str:
    try:
        return version("awbkit")
    except PackageNotFoundError:
        # A checkout that is run without being installed.
        project = Path(__file__).parent.parent / "pyproject.toml"
        try:
            return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
        except (OSError, ValueError, KeyError):
            return "unknown"


VERSION = _version()

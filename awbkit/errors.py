"""Every exception and warning that awbkit raises on purpose, with the exit code that the command line gives it.

    AwbError                      catches them all
        UsageError                an argument or option that cannot be used as given (also a ValueError); exit code 2
        CheckFailed               a figure is not what it must be; exit code 3
        MissingExtra              an optional dependency is not installed
        FileError                 a problem with one file: path, problem, remedy
            UnreadableFile        missing, truncated, corrupt, or not readable
            UnsupportedImage      sound, but of a kind that awbkit does not read
            OutputError           cannot be written, or exists already
    AwbWarning                    the work is done, but you should know something about it

All messages fit on one line and say what went wrong, where, and how to mend it.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AwbError(Exception):
    """Root of the tree; catching it catches everything that awbkit raises on purpose."""

    exit_code = 1


class UsageError(AwbError, ValueError):
    """An option, parameter or argument that cannot be used as given."""

    exit_code = 2


class CheckFailed(AwbError):
    """A figure that the user asked to have checked is not what it must be."""

    exit_code = 3


class MissingExtra(AwbError):
    """An optional dependency is not installed; the message has the command that installs it from where the user is."""

    def __init__(self, purpose: str, extra: str) -> None:
        # Exceptions are unpickled from their arguments, and these must be the constructor's own.
        super().__init__(purpose, extra)

    def __str__(self) -> str:
        purpose, extra = self.args
        return f"{purpose} needs an optional dependency; install it with: {install_command(extra)}"


def install_command(extra: str) -> str:
    """The command that installs one of awbkit's extras beside the Python that runs, from the working directory.

    A checkout is installed from its folder, because no index may have it. An installed awbkit is named, and pip then
    fetches only what the extra adds. Where the shell would find the pip of another Python, this one is spelt out.
    """
    from importlib.util import find_spec
    from shutil import which

    root = Path(__file__).resolve().parent.parent
    source = "awbkit"
    if (root / "pyproject.toml").is_file():
        try:
            source = "." if Path.cwd().resolve() == root else str(root)
        except OSError:
            source = str(root)
    quote = '"' if os.name == "nt" else "'"
    wanted = f"{quote}{source}[{extra}]{quote}"
    python = f"{quote}{sys.executable}{quote}" if " " in sys.executable else sys.executable
    if find_spec("pip") is None and which("uv"):
        # uv makes environments without pip.
        return f"uv pip install --python {python} {wanted}"
    pip = which("pip")
    is_own = pip is not None and Path(pip).parent == Path(sys.executable).parent
    return f"{'pip' if is_own else f'{python} -m pip'} install {wanted}"


class FileError(AwbError):
    """A problem with one file.

    Attributes:
        path: The file, as the user named it.
        problem: What is wrong.
        remedy: How to mend it, or an empty string where nothing can be done.
    """

    def __init__(self, path: str | os.PathLike[str], problem: str, remedy: str = "") -> None:
        self.path = os.fspath(path)
        self.problem = " ".join(problem.split())
        self.remedy = " ".join(remedy.split())
        super().__init__(self.path, self.problem, self.remedy)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    @property
    def reason(self) -> str:
        """Problem and remedy, without the path."""
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem


class UnreadableFile(FileError):
    """The file is missing, empty, truncated, corrupt or not an image."""


class UnsupportedImage(FileError):
    """A sound image of a kind that has no white balance to correct, or that no codec here reads."""


class OutputError(FileError):
    """The output exists already, collides with another, or cannot be written."""


class AwbWarning(UserWarning):
    """The work on a file is done, but the user must know something about it.

    Attributes:
        path: The file, as the user named it.
        reason: What is odd and what to do, on one line.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def warn(path: str | os.PathLike[str], problem: str, remedy: str = "") -> None:
    """Issue an :class:`AwbWarning` about a file whose work goes on."""
    error = FileError(path, problem, remedy)
    warnings.warn(AwbWarning(error.path, error.reason), stacklevel=2)


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """The reasons of all awbkit warnings that are issued meanwhile, each once; other warnings pass through.

    For one thread at a time, as all of Python's warning filters are.
    """
    reasons: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AwbWarning)
        try:
            yield reasons
        finally:
            own = [entry.message.reason for entry in caught if isinstance(entry.message, AwbWarning)]
            reasons += dict.fromkeys(own)
    for entry in caught:
        if not isinstance(entry.message, AwbWarning):
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)

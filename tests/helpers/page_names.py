"""The names in a page of documentation that have to exist: files, modules, functions, commands and options."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from awbkit.cli.commands import SUMMARIES, load
from awbkit.network.architecture import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_BY_AWBKIT = frozenset(("awb.c",))
PROGRAMS = ("apt-get ", "tempfile.")
"""How names begin that are another program's or library's."""


def missing_names(text: str) -> list[str]:
    """The names in backticks that stand for nothing, in their order.

    ``NAME`` within a name stands for any text. A function, class or constant has to be in a Python file that the same
    paragraph or list item names, if it names any, and else anywhere in the package.
    """
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [name for block in re.split(r"\n\n|\n(?=\d+\. |- )", text) for name in _missing_in(block)]


def _missing_in(block: str) -> Iterator[str]:
    names = [" ".join(name.split()) for name in re.findall(r"`([^`]+)`", block)]
    paths = [path for name in names if "/" in name for path in ROOT.glob(name.replace("NAME", "*"))]
    modules = [path for name in names if "NAME" not in name and (path := ROOT / name).suffix == ".py" and path.exists()]
    for name in names:
        if not name.startswith(PROGRAMS) and name not in WRITTEN_BY_AWBKIT and not _exists(name, paths, modules):
            yield name


def _exists(name: str, paths: list[Path], modules: list[Path]) -> bool:
    if "NAME" in name and " " not in name:
        return "/" not in name or any(ROOT.glob(name.replace("NAME", "*")))
    if " " in name:
        return _is_command(name)
    if name.startswith("-"):
        return name in _options()
    if "/" in name:
        return (ROOT / name).exists()
    if re.fullmatch(r"[\w-]+\.(c|md|toml|txt)", name):
        return (ROOT / name).exists() or any((path / name).exists() for path in paths)
    if name.startswith("awbkit."):
        return _is_in_module(name)
    plain = re.sub(r"\(.*\)$", "", name)
    # A comparison or assignment is code, such as of a test, and no name.
    if plain in _words() or "=" in plain:
        return True
    return plain in set().union(*(_definitions(path) for path in modules or (ROOT / "awbkit").rglob("*.py")))


def _is_command(words: str) -> bool:
    first, *rest = words.split()
    if first == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return rest[0] in targets
    command = rest[0] if first == "awbkit" else first
    return command in SUMMARIES and all(word in _options() for word in rest if word.startswith("-"))


def _is_in_module(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    for dotted in (name, module):
        for path in (ROOT / f"{dotted.replace('.', '/')}.py", ROOT / dotted.replace(".", "/") / "__init__.py"):
            if path.exists():
                return dotted == name or attribute in _definitions(path)
    return False


@cache
def _definitions(path: Path) -> frozenset[str]:
    """The names that a module defines outside functions, those of its classes also as ``Class.name``."""
    tree = ast.parse(path.read_text("utf-8"))
    found = set(_names(tree.body))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {name for own in _names(node.body) for name in (own, f"{node.name}.{own}")}
    return frozenset(found)


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


@cache
def _words() -> frozenset[str]:
    """Commands, extras, marks of tests, and families of networks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    marks = [mark.partition(":")[0] for mark in project["tool"]["pytest"]["ini_options"]["markers"]]
    below = [command for name in SUMMARIES for command in getattr(load(name), "commands", {})]
    return frozenset((*SUMMARIES, *below, *project["project"]["optional-dependencies"], *marks, *FAMILIES))


@cache
def _options() -> frozenset[str]:
    parsers = [load(name) for name in SUMMARIES]
    parsers += [below for parser in parsers for below in getattr(parser, "commands", {}).values()]
    return frozenset(("--help", *(option for parser in parsers for each in parser.params for option in each.opts)))

"""Docstrings name the parameters that a function has: all of them, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import awbkit

PACKAGE = Path(awbkit.__file__).parent


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}", node


def listed(docstring: str) -> set[str]:
    section = re.search(r"^Args:\n((?: {4}.*\n|\n)+)", docstring + "\n", re.MULTILINE)
    entries = re.findall(r"^ {4}([*\w][*\w, ]*):", section[1], re.MULTILINE) if section else []
    return {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}


def test_parameters_in_docstrings_are_those_of_the_function() -> None:
    wrong = []
    for place, node in functions():
        described = listed(ast.get_docstring(node) or "")
        parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        names = {parameter.arg for parameter in parameters if parameter} - {"self", "cls"}
        if described and described != names:
            wrong.append(f"{place}: {', '.join(sorted(described ^ names))}")
    assert wrong == []

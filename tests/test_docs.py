"""The documentation names only what is there."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

import awbkit

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FOLDERS = tuple(sorted(path.name for path in ROOT.iterdir() if path.is_dir()))

_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"(?:[\w.+-]+/)+[\w.+-]*")
_NAME = re.compile(r"awbkit(?:\.\w+)+")
_WITHIN = re.compile(r"`(\w+)`(?: or `\w+`)? in `([\w./]+\.py)`")


def problems(text: str) -> list[str]:
    """What a page names that is not there; NAME stands for a file that a reader will add."""
    found = []
    for code in _CODE.findall(text):
        if _PATH.fullmatch(code) and code.partition("/")[0] in FOLDERS:
            place = ROOT / code if "NAME" not in code else (ROOT / code).parent
            found += [] if place.exists() or _is_made(code) else [code]
        elif _NAME.fullmatch(code) and not _imports(code):
            found.append(code)
    for link in _LINK.findall(text):
        if "://" not in link and not any((base / link).exists() for base in (ROOT, ROOT / "docs")):
            found.append(link)
    for name, path in _WITHIN.findall(text):
        if (ROOT / path).is_file() and not re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")):
            found.append(f"{name} in {path}")
    return found


def _is_made(code: str) -> bool:
    """Whether the path is one that the Makefile's commands make."""
    return code.partition("/")[0] in ("demo-output", "fuzz-findings", "build", "dist")


def _imports(name: str) -> bool:
    module, _, rest = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        owner = importlib.import_module(module) if module == "awbkit" or _is_module(module) else None
        return owner is not None and hasattr(owner, rest)
    return True


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_what_is_there(page: Path) -> None:
    assert problems(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("see `awbkit/gone.py`", "awbkit/gone.py"),
        ("see `awbkit/gone/NAME.py`", "awbkit/gone/NAME.py"),
        ("see `awbkit.errors.Gone`", "awbkit.errors.Gone"),
        ("see `awbkit.gone.Name`", "awbkit.gone.Name"),
        ("see [this](docs/gone.md)", "docs/gone.md"),
        ("`GONE` in `awbkit/errors.py`", "GONE in awbkit/errors.py"),
    ],
)
def test_what_is_gone_is_found(text: str, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    "text",
    ["`awbkit/errors.py`", "`tests/colour/test_NAME.py`", "`awbkit.errors.AwbError`", "`a/b`", "[x](https://a.b/c)"],
)
def test_what_is_there_is_no_problem(text: str) -> None:
    assert problems(text) == []


def test_the_glossary_is_in_order_and_says_where_each_thing_lives() -> None:
    entries = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").split("\n\n**")[1:]
    terms = [entry.partition("**")[0] for entry in entries]
    assert terms == sorted(terms, key=str.lower)
    assert [term for term, entry in zip(terms, entries, strict=True) if "`awbkit/" not in entry] == []


def test_the_citation_names_the_version_and_licence_of_the_package() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {project['version']}\n" in citation
    assert project["version"] == awbkit.__version__
    assert project["license"].partition(" ")[0] in citation
    assert all(f"name: {author['name']}\n" in citation for author in project["authors"])

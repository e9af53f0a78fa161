"""What may import what: the floors of the package, its doors to heavy libraries, and no circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = (
    ("errors", "escaping", "choices", "version"),
    ("spelling", "html"),
    ("colour",),
    ("store",),
    ("files",),
    ("network",),
    ("estimators",),
    ("correction",),
    ("fusion",),
    ("work",),
    ("records", "own_code"),
    ("record_files",),
    ("datasets",),
    ("evaluation", "training", "export"),
    ("api",),
    ("tasks", "many"),
    ("bench", "before_after"),
    ("cli",),
)
"""From the ground up; a room may import those of the floors below, and none on its own."""

ENTRANCES = ("awbkit", "awbkit.__main__")
"""The package's own names, and `python -m awbkit`: they import what they show, and nothing imports them."""

DOORS = {
    "torch": ("awbkit.network.torch", "awbkit.training", "awbkit.export", "awbkit.cli.training"),
    "typer": ("awbkit.cli",),
    "rich": ("awbkit.cli",),
    "colour": ("awbkit.datasets.spectral",),
    "scipy": (),
    "matplotlib": ("awbkit.evaluation.figures",),
}
"""Where libraries that are heavy or for people at a terminal are imported; `cli.training` asks torch for a device."""


COMPUTED = "a name that is computed"
IMPORT_WHAT_USERS_NAME = {"awbkit.estimators.own", "awbkit.cli.doctor"}


@cache
def modules() -> dict[str, str]:
    """The source of every module of the package, by name."""
    paths = sorted((ROOT / "awbkit").rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return dict(zip(names, (path.read_text(encoding="utf-8") for path in paths), strict=True))


@cache
def package() -> dict[str, set[str]]:
    """Of each module of the package, what it imports."""
    return {name: set(imports(source)) - {name} for name, source in modules().items()}


def imports(source: str) -> Iterator[str]:
    """What a module imports anywhere: at its head, within functions, for its types alone, and by a text.

    Of a text with parts that are computed, the folder that it begins with; :data:`COMPUTED` where nothing is certain.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            text = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            value = str(text.value) if isinstance(text, ast.Constant) else COMPUTED
            yield value.rpartition(".")[0] if text is not node.args[0] else value
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules() else node.module


def climbing(graph: Mapping[str, set[str]]) -> list[str]:
    """The imports that do not lead to a lower floor."""
    floors = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    found = []
    for name, imported in graph.items():
        for other in sorted(imported):
            if name in ENTRANCES or other in (COMPUTED, name.rpartition(".")[0]) or other.partition(".")[0] != "awbkit":
                continue
            here, there = (module.split(".")[1] if "." in module else "awbkit" for module in (name, other))
            if other in ENTRANCES or (here != there and floors[there] >= floors[here]):
                found.append(f"{name} imports {other}")
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first one repeated at the end."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def strangers(graph: Mapping[str, set[str]], library: str) -> list[str]:
    """The modules that import a library and are behind none of its doors."""
    users = [name for name, imported in graph.items() if any(each.partition(".")[0] == library for each in imported)]
    return [name for name in users if not any(f"{name}.".startswith(f"{door}.") for door in DOORS[library])]


def test_every_room_has_a_floor() -> None:
    rooms = {name.split(".")[1] for name in modules() if name not in ENTRANCES}
    assert rooms <= {room for floor in FLOORS for room in floor}


def test_the_architecture_page_lists_the_same_floors() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    listed = page[page.index("    cli ") :].partition("\n\n")[0].splitlines()
    assert [tuple(line.strip().partition("  ")[0].split(", ")) for line in reversed(listed)] == list(FLOORS)


@pytest.mark.slow
def test_no_import_climbs() -> None:
    assert climbing(package()) == []


def test_no_modules_import_each_other() -> None:
    assert circle(package()) == []


@pytest.mark.parametrize("library", DOORS)
def test_a_library_is_imported_behind_its_doors_alone(library: str) -> None:
    assert strangers(package(), library) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("from awbkit.cli import main", "awbkit.colour.new imports awbkit.cli.main"),
        ("def late():\n    import awbkit.store.find", "awbkit.colour.new imports awbkit.store.find"),
        ("if TYPE_CHECKING:\n    from awbkit.files import photo", "awbkit.colour.new imports awbkit.files.photo"),
        ("from awbkit import Illuminant", "awbkit.colour.new imports awbkit"),
    ],
)
def test_an_import_that_climbs_is_found(source: str, problem: str) -> None:
    assert climbing({**package(), "awbkit.colour.new": set(imports(source))}) == [problem]


@pytest.mark.parametrize("source", ["from ..cli import main", "from . import fit", "from .fit import fit"])
def test_a_relative_import_is_found(source: str) -> None:
    with pytest.raises(AssertionError, match="imports are absolute"):
        list(imports(source))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('importlib.import_module("awbkit.cli.main")', ["awbkit.cli.main"]),
        ('__import__("torch")', ["torch"]),
        ('import_module(f"awbkit.cli.{name}")', ["awbkit.cli"]),
        ("import_module(name)", [COMPUTED]),
    ],
)
def test_an_import_by_a_text_is_found(source: str, found: list[str]) -> None:
    assert list(imports(source)) == found


def test_only_what_users_name_is_imported_by_a_name_that_is_computed() -> None:
    assert {name for name, imported in package().items() if COMPUTED in imported} <= IMPORT_WHAT_USERS_NAME


def test_neighbours_on_a_floor_do_not_import_each_other() -> None:
    graph = {**package(), "awbkit.export.new": {"awbkit.training.fit"}}
    assert climbing(graph) == ["awbkit.export.new imports awbkit.training.fit"]


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])


def test_a_library_beside_its_doors_is_found() -> None:
    graph = {
        "awbkit.training_of_mine": {"torch.nn"},
        "awbkit.training.new": {"torch"},
        "awbkit.cli.new": {"torchaudio"},
    }
    assert strangers(graph, "torch") == ["awbkit.training_of_mine"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["estimate", "examples/pictures/lane_shade.jpg"]])
def test_what_starts_often_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from awbkit.__main__ import run
sys.argv[1:] = {arguments!r}
try:
    run()
finally:
    print(*{{"torch", "colour", "matplotlib", "scipy"}} & set(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr.strip()) == (0, "")

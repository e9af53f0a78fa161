"""The commands and the code in README.md, docs/, models/ and examples/ do what the pages say.

Every block of `sh` runs line by line, every block of `python` as it stands, page by page in a folder with pictures and
data sets of the names that the pages use. What takes long is shortened by options at the end, see ``SHORTER``.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from awbkit.cli.commands import SUMMARIES, load
from awbkit.cli.examples import EXAMPLES
from tests.datasets import test_cube_plus, test_gehler_shi
from tests.helpers.command import Ran, awbkit
from tests.helpers.page_names import missing_names
from tests.helpers.training_runs import write_set

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "models/*.md", "examples/*.md")
    for path in ROOT.glob(pattern)
)
RUN_PAGES = [page for page in PAGES if re.search(r"^```(sh|python)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)]

FEW_STEPS = ["--steps", "2", "--variants", "1", "--batch-size", "8", "--device", "cpu", "-j", "1"]
SHORTER = {
    "train": [*FEW_STEPS, "--teachers", "0", "--calibration", "validation"],
    "prune": [*FEW_STEPS, "--rounds", "1", "--round-steps", "1"],
    "factorize": FEW_STEPS,
    "bench": ["--alone", "--count", "2"],
}
NOT_HERE = ("make ", "pip ", "pipx ", "apt-get ", ". .venv", "git ")
"""What sets a machine up; continuous integration does that."""


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> Iterator[str]:
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"(^|\s)#.*", "", line).strip()
            if command:
                yield command


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages' commands work on."""
    folder = tmp_path_factory.mktemp("stage")
    pictures = ROOT / "examples/pictures"
    shutil.copy(pictures / "kitchen_tungsten.jpg", folder / "photo.jpg")
    shutil.copy(pictures / "market_tungsten.dng", folder / "IMG_0042.DNG")
    for name, files in {"holiday": ("lane_shade.jpg",), "shoot": ("market_tungsten.dng",)}.items():
        (folder / name).mkdir()
        for file in files:
            shutil.copy(pictures / file, folder / name / file.replace(".dng", ".DNG"))
    (folder / "examples").symlink_to(ROOT / "examples")
    labelled = folder / "my-labelled-images"
    shutil.copytree(pictures, labelled, ignore=shutil.ignore_patterns("*.dng", "*.tif"))
    rows = (pictures / "ground_truth.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (labelled / "ground_truth.csv").write_text("".join(row for row in rows if ".dng" not in row and ".tif" not in row))
    shutil.copy(labelled / "ground_truth.csv", folder / "ground_truth.csv")
    header, *known = (labelled / "ground_truth.csv").read_text(encoding="utf-8").splitlines()
    prepared = [",".join([f"i{number}", "1", "2", "1", *[""] * (header.count(",") - 3)]) for number in range(9)]
    (folder / "theirs.csv").write_text("\n".join([header, *known, *prepared, ""]))
    (folder / "my_net.py").write_text("def estimate(image):\n    return image.pixels[image.valid].mean(axis=0)\n")
    for number, name in enumerate(("cube-plus", "mine", "other")):
        write_set(folder / "prepared" / name, 8 + number)
    test_gehler_shi.write_copy(folder / "Downloads/shi")
    test_cube_plus.write_copy(folder / "Downloads/cube+")
    (folder / "runs/mine").mkdir(parents=True)
    shutil.copy(ROOT / "models/awbnet-nano.safetensors", folder / "runs/mine/model.safetensors")
    programs = folder / "bin"
    programs.mkdir()
    (programs / "awbkit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m awbkit "$@"\n')
    (programs / "awbkit").chmod(0o755)
    for name in ("sh", "bash", "find", "jq"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    return folder


@pytest.fixture
def here(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    shutil.copytree(stage, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # No compilers: other tests compile what awbkit writes, and count its instructions, which takes minutes.
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return folder


def expanded(command: str) -> list[str]:
    words = shlex.split(command)
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


def run_alone(words: list[str]) -> Ran:
    """One command of awbkit in this process."""
    name = words[1]
    if name == "train" or words[1:3] == ["dataset", "prepare"]:
        shutil.rmtree(words[words.index("-o") + 1], ignore_errors=True)
    if words[1:3] == ["dataset", "prepare"]:
        words = [*(re.sub(r"count=\d+", "count=6", word) for word in words), "--allow-missing"]
    ran = awbkit(*words[1:], *SHORTER.get(name, []))
    # The small copies of published sets lack some pictures.
    assert ran.code in ((0, 1) if "--allow-missing" in words else (0,)), f"{shlex.join(words)}\n{ran.err}"
    return ran


def run_in_a_shell(command: str) -> None:
    ran = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert ran.returncode == 0, f"{command}\n{ran.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_PAGES)
def test_the_commands_of_a_page_run(page: str, here: Path) -> None:
    for command in commands(page):
        if command.startswith(NOT_HERE) or ("--figures" in command and find_spec("matplotlib") is None):
            continue
        if re.search(r"[|>&]", command):
            if "jq" not in command or shutil.which("jq"):
                run_in_a_shell(command)
            continue
        words = expanded(command)
        assert words[0] == "awbkit", command
        if words[1] in SHORTER:
            pytest.importorskip("torch")
        run_alone(words)


BEFORE_EXAMPLES = {
    "compare": (EXAMPLES["correct"][0], EXAMPLES["estimate"][1]),
    "export": (EXAMPLES["quantize"][0],),
}
"""Examples of other commands that write what these read."""


def run_example(command: str) -> None:
    words, _, target = command.partition(" > ")
    out = run_alone(expanded(words)).out
    if target:
        assert out
        Path(target).write_text(out, "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_in_the_help_of_a_command_run(name: str, here: Path) -> None:
    if name in SHORTER:
        pytest.importorskip("torch")
    for command in BEFORE_EXAMPLES.get(name, ()):
        run_example(command)
    lines = [line.strip() for line in awbkit(*name.split(), "--help").out.splitlines()]
    for command in EXAMPLES[name]:
        assert command in lines
        run_example(command)


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_two_examples(name: str) -> None:
    parser = load(name)
    below = [f"{name} {command}" for command in getattr(parser, "commands", {})]
    assert all(len(EXAMPLES[each]) == 2 for each in [name, *below])


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUN_PAGES if blocks(page, "python")])
def test_the_python_of_a_page_runs(page: str, here: Path) -> None:
    for block in blocks(page, "python"):
        ran = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True)
        assert ran.returncode == 0, f"{block}\n{ran.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md"])
def test_the_names_in_a_page_for_developers_exist(page: str) -> None:
    assert missing_names((ROOT / page).read_text("utf-8")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`awbkit/store/find.py`, `awbkit/store/`, `awbkit/datasets/NAME.py`, `channels.c` in `awbkit/export/c/`", []),
        ("`awbkit.errors.MissingExtra`, `correct_file` in\n`awbkit/tasks.py`, `Layout.samples`", ["Layout.samples"]),
        ("`correct_file`, `Layout.samples`, `evaluate`, `awbkit train --resume`, `make test-fast`, `slow`", []),
        ("`find.py`, `awbkit/find.py`, `awbkit.find.Finder`", ["find.py", "awbkit/find.py", "awbkit.find.Finder"]),
        ("`awbkit.errors.Failure`, `awbkit.error`", ["awbkit.errors.Failure", "awbkit.error"]),
        ("`list_samples` in `tests/helpers/dataset_files.py`", []),
        ("`found` in `tests/helpers/dataset_files.py`\n\n`found`", ["found", "found"]),
        ("`correct_file` of `awbkit/store/find.py`", ["correct_file"]),
        ("`awbkit teach`, `train --slowly`, `--slowly`, `make tea`", None),
    ],
)
def test_names_that_do_not_exist_are_found(text: str, missing: list[str] | None) -> None:
    assert missing_names(text) == (re.findall(r"`(.+?)`", text) if missing is None else missing)


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs/README.md").read_text("utf-8"))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(listed)


def test_the_extras_that_pages_name_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for page in PAGES:
        for extras in re.findall(r"'\.\[([\w,]+)\]'", (ROOT / page).read_text("utf-8")):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), (page, extras)


def test_the_readme_is_a_screen_and_a_bit() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.split()) <= 1200

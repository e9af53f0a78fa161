"""The command as a shell runs it: pipelines, exit codes, interrupts, completion, start-up."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from awbkit.cli.commands import SUMMARIES, load
from tests.helpers.command import Ran, awbkit, process, write_jpeg, write_raw

pytestmark = pytest.mark.slow

AWBKIT = f"{shlex.quote(sys.executable)} -m awbkit"
FULL = Path("/dev/full")
COMMANDS = {
    "estimate",
    "compare",
    "correct",
    "dataset",
    "evaluate",
    "methods",
    "train",
    "prune",
    "factorize",
    "quantize",
    "export",
    "bench",
    "doctor",
}
HEAVY = {"torch", "colour", "matplotlib", "scipy", "pandas"}
CODECS = {*HEAVY, "PIL", "pyvips", "rawpy", "simplejpeg", "tifffile", "safetensors", "pillow_heif"}
NOT_OF_JPEG = {
    *(*HEAVY, "rawpy", "tifffile", "pillow_heif", "multiprocessing", "importlib.metadata", "hashlib", "csv"),
    *("awbkit.files.raw", "awbkit.files.png", "awbkit.evaluation", "awbkit.datasets", "awbkit.before_after"),
}
RICH = {"rich", "pygments", "markdown_it"}
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX shells and signals")


@pytest.fixture
def folder(tmp_path: Path, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(command: str) -> Ran:
    done = subprocess.run(["bash", "-c", f'awbkit() {{ {AWBKIT} "$@"; }}; {command}'], capture_output=True)
    return Ran(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode())


@posix
class TestPipes:
    @pytest.mark.parametrize("editor", ["jq", "python"])
    def test_find_estimate_edit_correct(self, folder: Path, scene: np.ndarray, editor: str) -> None:
        if editor == "jq" and not shutil.which("jq"):
            pytest.skip("jq is not installed; the same pipeline runs with python in its place")
        for name in ("x y/a.dng", "é[1]/b\n.dng", "c.dng"):
            write_raw(folder / name, scene)
        write_jpeg(folder / "d.jpg", scene)
        edit = "import json, sys\nfor r in map(json.loads, sys.stdin): r['gains'][2] *= 1.1; print(json.dumps(r))"
        warmer = {"jq": "jq -c '.gains[2] *= 1.1'", "python": f"{sys.executable} -c {shlex.quote(edit)}"}[editor]
        ran = shell(
            "set -o pipefail; find . -name '*.dng' -print0 | awbkit estimate --files-from - -0 | tee estimates | "
            f"{warmer} | awbkit correct --from - -d out"
        )
        assert ran.code == 0, ran.err
        outputs = {path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()}
        assert outputs == {"x y/a_awb.tif", "é[1]/b\n_awb.tif", "c_awb.tif"}
        estimates = map(json.loads, Path("estimates").read_text().splitlines())
        before = {record["path"]: record for record in estimates}
        for record in ran.records:
            red, green, blue = before[record["path"]]["gains"]
            assert record["gains"] == pytest.approx([red, green, 1.1 * blue], rel=1e-4)

    @pytest.mark.parametrize(
        ("command", "jobs"), [("estimate {}", 1), ("correct {} -d out", 1), ("correct {} -d out", 2)]
    )
    def test_a_reader_may_leave(self, folder: Path, scene: np.ndarray, command: str, jobs: int) -> None:
        for index in range(40):
            write_jpeg(folder / "in" / f"{index}.jpg", scene)
        ran = shell(f"awbkit {command.format('in')} -j {jobs} | head -1; exit ${{PIPESTATUS[0]}}")
        assert (ran.code, len(ran.records), ran.err) == (141, 1, "")
        assert not list(folder.rglob("*.part*"))

    @pytest.mark.parametrize("command", ["methods", "estimate in/0.jpg", "estimate in --format json"])
    def test_a_reader_may_never_have_been_there(self, folder: Path, scene: np.ndarray, command: str) -> None:
        write_jpeg(folder / "in" / "0.jpg", scene)
        ran = shell(f"awbkit {command} | true; exit ${{PIPESTATUS[0]}}")
        assert (ran.code, ran.err) == (141, "")

    @pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
    @pytest.mark.parametrize("command", ["methods", "--version", "estimate in", "estimate in --format table"])
    def test_a_full_disk_behind_standard_output_is_told(self, folder: Path, scene: np.ndarray, command: str) -> None:
        write_jpeg(folder / "in" / "0.jpg", scene)
        ran = shell(f"awbkit {command} >/dev/full")
        assert (ran.code, ran.complaint) == (
            1,
            "awbkit: standard output: cannot be written: no space left on device; free some space, or write to another "
            "disk",
        )

    def test_closed_streams(self, folder: Path, scene: np.ndarray) -> None:
        write_jpeg(folder / "a.jpg", scene)
        assert shell("awbkit correct a.jpg -o out.jpg >&- 2>&-").code == 0
        assert Path("out.jpg").stat().st_size > 1000
        assert shell("awbkit estimate - <&-").record["error"].startswith("is empty")
        assert shell("awbkit estimate gone 2>&-").code == 1

    def test_process_substitution(self, folder: Path, scene: np.ndarray) -> None:
        write_jpeg(folder / "a.jpg", scene)
        ran = shell("awbkit estimate <(cat a.jpg) a.jpg -j 2 -q")
        first, second = ran.records
        assert (ran.code, first["gains"]) == (0, second["gains"])


@posix
@pytest.mark.parametrize(("kind", "jobs"), [("png", 1), ("jpg", 2)])
def test_ctrl_c_leaves_whole_files_only(folder: Path, scene: np.ndarray, kind: str, jobs: int) -> None:
    large = np.kron(scene, np.ones((12, 12, 1)))
    origin = write_jpeg(folder / "in" / "0.jpg", large)
    for index in range(1, 100):
        (folder / "in" / f"{index}.jpg").hardlink_to(origin)
    command = [sys.executable, "-m", "awbkit", "correct", "in", "-d", "out", "--to", kind, "-j", str(jobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as running:
        assert running.stdout is not None
        first = json.loads(running.stdout.readline())
        time.sleep(0.2)
        # As a terminal does it: to the whole group, workers included.
        os.killpg(running.pid, signal.SIGINT)
        rest, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert err.decode() == "awbkit: interrupted; finished files are kept\n"
    told = {first["output"], *(json.loads(line)["output"] for line in rest.splitlines())}
    written = {f"out/{path.name}" for path in Path("out").iterdir()}
    assert told <= written
    assert len(written) < 100
    sizes = {path.stat().st_size for path in Path("out").iterdir()}
    assert len(sizes) == 1


class TestUsage:
    def test_nothing_shows_the_help(self) -> None:
        ran = awbkit()
        assert (ran.code, "Commands" in ran.out, ran.err) == (2, True, "")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["frob"], "no such command 'frob'; "),
            (["--frob"], "no such option: --frob; "),
            (["methods", "x"], "unexpected extra argument"),
            (["estimate", "a", "-j", "2.5"], "'2.5' is not a valid int"),
        ],
    )
    def test_the_parser_complains_on_one_line(self, arguments: list[str], message: str) -> None:
        for ran in (awbkit(*arguments), process(*arguments)):
            assert (ran.code, ran.out) == (2, "")
            assert ran.complaint.startswith("awbkit: ")
            assert message in ran.complaint
            assert ran.complaint.endswith("--help lists what there is")

    @pytest.mark.parametrize("name", SUMMARIES)
    def test_a_summary_is_the_first_paragraph_of_the_help(self, name: str) -> None:
        paragraph = load(name).help.strip().partition("\n\n")[0]
        assert SUMMARIES[name] == " ".join(paragraph.split())

    def test_the_summaries_are_those_of_all_commands(self) -> None:
        assert set(SUMMARIES) == COMMANDS
        with pytest.raises(KeyError):
            load("frob")

    def test_the_first_help_has_all_summaries_in_full(self) -> None:
        words = " ".join(awbkit("--help").out.split())
        assert [name for name, summary in SUMMARIES.items() if f"{name} {summary}" not in words] == []

    def test_what_a_terminal_would_obey_is_escaped(self) -> None:
        assert "\x1b" not in awbkit("\x1b[31mred").err

    @pytest.mark.parametrize("command", [[], ["estimate"], ["correct"], ["methods"]])
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_help(self, command: list[str], flag: str) -> None:
        ran = awbkit(*command, flag)
        assert (ran.code, ran.err) == (0, "")
        assert "Usage: awbkit" in ran.out


class TestMethods:
    def test_the_registry_is_the_list(self) -> None:
        from awbkit.estimators import registry

        listed = json.loads(awbkit("methods").out)
        assert [method["name"] for method in listed] == list(registry.method_names())
        assert [method["name"] for method in listed if method["default"]] == [registry.DEFAULT]
        assert all(method["summary"] and method["citation"] for method in listed)

    def test_every_method_takes_its_own_defaults(self, folder: Path, scene: np.ndarray) -> None:
        write_raw(folder / "a.dng", scene)
        for method in json.loads(awbkit("methods").out):
            values = ",".join(f"{p['name']}={p['default']}" for p in method["parameters"])
            specification = f"{method['name']}:{values}" if values else method["name"]
            plain, spelt = (awbkit("estimate", "a.dng", "-m", name) for name in (method["name"], specification))
            assert plain.record["gains"] == spelt.record["gains"]

    def test_as_a_table(self) -> None:
        out = awbkit("methods", "--format", "table").out
        assert "shades-of-gray" in out
        assert "p=" in out


class TestStart:
    def test_as_a_module(self) -> None:
        from awbkit import __version__

        assert process("--version").out == f"awbkit {__version__}\n"

    def test_a_checkout_that_is_not_installed_knows_its_version(self) -> None:
        # Without site packages there is nothing that says what is installed.
        checkout = Path(__file__).parents[2]
        code = f"import sys; sys.path.insert(0, {str(checkout)!r}); import awbkit; print(awbkit.__version__)"
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
        assert f"\nversion: {done.stdout.strip()}\n" in (checkout / "CITATION.cff").read_text()

    def test_as_the_installed_script(self) -> None:
        script = Path(sys.executable).with_name("awbkit")
        if not script.exists():
            pytest.skip("the package is on the path, not installed")
        assert subprocess.run([script, "--version"], capture_output=True, check=True).stdout.startswith(b"awbkit ")

    @pytest.mark.parametrize(
        ("arguments", "absent"),
        [
            (["--version"], {"typer", *RICH, *CODECS, "numpy", "importlib.metadata", "tomllib", "email", "pathlib"}),
            (["--help"], {*RICH, *CODECS, "numpy", "importlib.metadata", "tomllib", "awbkit.store.find"}),
            (["correct", "--help"], {*CODECS, "numpy", "awbkit.cli.estimate"}),
            (["estimate", "a.jpg"], {*RICH, *NOT_OF_JPEG, "PIL", "awbkit.correction", "awbkit.cli.correct"}),
            (["estimate", "a.dng"], {*RICH, *HEAVY, "PIL", "pillow_heif", "awbkit.files.png", "awbkit.correction"}),
            (["correct", "a.jpg", "-o", "b.jpg"], {*RICH, *NOT_OF_JPEG - {"awbkit.files.png"}, "awbkit.cli.estimate"}),
        ],
    )
    def test_nothing_is_imported_that_the_command_does_not_use(
        self, folder: Path, scene: np.ndarray, arguments: list[str], absent: set[str]
    ) -> None:
        write_jpeg(folder / "a.jpg", scene)
        write_raw(folder / "a.dng", scene)
        run = subprocess.run([sys.executable, "-X", "importtime", "-m", "awbkit", *arguments], capture_output=True)
        assert run.returncode == 0
        imported = {line.split("|")[-1].strip() for line in run.stderr.decode().splitlines()}
        assert "awbkit.version" in imported
        assert not absent & imported


@posix
class TestCompletion:
    def test_the_script_is_shown(self) -> None:
        script = process("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").out
        assert "_awbkit_completion" in script or "complete" in script

    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            ("awbkit ", COMMANDS),
            ("awbkit est", {"estimate"}),
            ("awbkit dataset ", {"prepare", "inspect", "layouts"}),
            ("awbkit estimate --for", {"--format"}),
            ("awbkit estimate --format ", {"table", "jsonl", "csv", "json"}),
            ("awbkit correct --cat c", {"cat02", "cat16"}),
        ],
    )
    def test_words_are_offered(self, words: str, offered: set[str]) -> None:
        code = "import sys; sys.argv[0] = 'awbkit'; from awbkit.cli.main import main; main()"
        environment = {
            **os.environ,
            "_AWBKIT_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        }
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
        assert set(ran.stdout.decode().split()) == offered


def test_a_checkout_without_what_it_needs_says_so() -> None:
    command = [sys.executable, "-S", "-m", "awbkit", "--help"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"awbkit: \w+ is not installed; pip install \. brings .*\n", done.stderr)

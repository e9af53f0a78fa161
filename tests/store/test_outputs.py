"""Where results go, what is refused before work starts, and files that are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from awbkit.errors import OutputError, UnreadableFile, UsageError
from awbkit.store import durable, outputs
from awbkit.store.find import STDIN, FoundImage, find
from awbkit.store.outputs import IfExists, PlannedOutput, atomic_write, check_template, plan_outputs, skips


def jpg(_: Path) -> str:
    return ".jpg"


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"original")


@pytest.fixture(autouse=True)
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan(*arguments: str, output: str = "", directory: str = "", name: str = outputs.DEFAULT_NAME) -> dict[str, str]:
    planned = plan_outputs(
        list(find(arguments, recursive=True)),
        suffix=jpg,
        output=Path(output) if output else None,
        directory=Path(directory) if directory else None,
        name=name,
    )
    return {str(p.source.path): str(p.output) for p in planned if isinstance(p, PlannedOutput)}


def test_beside_the_input_unless_told_otherwise() -> None:
    touch(Path("d/a.CR2"))
    assert plan("d/a.CR2") == {"d/a.CR2": "d/a_awb.jpg"}
    assert plan("d/a.CR2", output="x/y.jpg") == {"d/a.CR2": "x/y.jpg"}
    assert plan("d/a.CR2", directory="out") == {"d/a.CR2": "out/a_awb.jpg"}
    assert plan("-") == {"-": "stdin_awb.jpg"}


def test_the_tree_is_mirrored_under_each_root() -> None:
    touch(Path("d/a.jpg"), Path("d/sub/deep/b.jpg"), Path("e/c.jpg"))
    assert plan("d", "e/", "./d/../e", directory="out") == {
        "d/a.jpg": "out/a_awb.jpg",
        "d/sub/deep/b.jpg": "out/sub/deep/b_awb.jpg",
        "e/c.jpg": "out/c_awb.jpg",
    }
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("{stem}{ext}", "out/a.jpg"),
        ("{name}{ext}", "out/a.CR2.jpg"),
        ("{parent}-{stem}.fixed{ext}", "out/d-a.fixed.jpg"),
        ("{{{stem}}}", "out/{a}"),
    ],
)
def test_templates(name: str, output: str) -> None:
    touch(Path("d/a.CR2"))
    assert plan("d/a.CR2", directory="out", name=name) == {"d/a.CR2": output}


@pytest.mark.parametrize(
    "name",
    [
        *("{stm}{ext}", "{}", "{0}", "{stem.__class__}", "{stem!r}", "{stem:>9999999}", "{stem", "stem}"),
        *("", " ", ".", "..", "{ext}", "a/{stem}", "a\\{stem}", "a\0{stem}"),
    ],
)
def test_a_template_that_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"\{stem\}|file name without folders") as caught:
        check_template(name)
    assert "\n" not in str(caught.value)


def test_errors_keep_their_place() -> None:
    touch(Path("a.jpg"), Path("c.jpg"))
    items = list(find(["a.jpg", "b.jpg", "c.jpg"]))
    planned = plan_outputs(items, suffix=jpg)
    assert [type(item) for item in planned] == [PlannedOutput, UnreadableFile, PlannedOutput]
    assert planned[1] is items[1]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["a.jpg", "b.jpg"], {"output": "x.jpg"}, "-o names the output of one input, but there are 2; name a folder"),
        (["a.jpg"], {"output": "d"}, "-o d is a folder"),
        (["a.jpg"], {"output": "-"}, "cannot be written to standard output"),
        (["a.jpg"], {"output": "x.jpg", "directory": "d"}, "give one of them"),
        (["a.jpg"], {"directory": "b.jpg"}, "-d b.jpg is a file"),
        (["a.jpg"], {"output": "a.jpg"}, "a.jpg would be written to a.jpg, which is the input a.jpg"),
        (["a.jpg"], {"output": "link.jpg"}, "which is the input a.jpg"),
        (["a.jpg"], {"output": "d/../a.jpg"}, "which is the input a.jpg"),
        (["a.jpg"], {"name": "{stem}{ext}"}, "which is the input a.jpg"),
        (["a.jpg"], {"output": "hard.jpg"}, "which is the input a.jpg"),
        (["a.jpg", "a_awb.jpg"], {}, "a.jpg would be written to a_awb.jpg, which is the input a_awb.jpg"),
        (["b.jpg", "b.CR2"], {}, "b.jpg and b.CR2 would both be written to b_awb.jpg; tell them apart with --name"),
        (["g", "e"], {"directory": "out"}, "g/a.jpg and e/a.jpg would both be written to out/a_awb.jpg"),
        (["d/b.CR2", "d"], {"name": "{stem}{ext}"}, "which is the input d/b.jpg"),
    ],
)
def test_what_is_refused_before_work_starts(arguments: list[str], options: dict[str, str], message: str) -> None:
    touch(*map(Path, ("a.jpg", "a_awb.jpg", "b.jpg", "b.CR2", "d/a.jpg", "e/a.jpg", "g/a.jpg", "d/b.CR2", "d/b.jpg")))
    Path("link.jpg").symlink_to("a.jpg")
    Path("hard.jpg").hardlink_to("a.jpg")
    with pytest.raises(UsageError) as caught:
        plan(*arguments, **options)
    assert message in str(caught.value)
    assert Path("a.jpg").read_bytes() == b"original"


def test_a_second_run_over_a_folder_does_not_take_results_for_inputs() -> None:
    touch(Path("d/a.jpg"), Path("d/sub/b.jpg"))
    first = plan("d")
    touch(*map(Path, first.values()))
    assert plan("d") == first


def test_nor_does_one_whose_results_went_to_a_folder_inside() -> None:
    touch(Path("d/a.jpg"), Path("d/sub/b.jpg"))
    first = plan("d", directory="d/out")
    touch(*map(Path, first.values()))
    assert plan("d", directory="d/out") == first


def test_a_camera_jpeg_beside_its_raw_is_never_taken_for_a_result() -> None:
    touch(Path("d/a.CR2"), Path("d/a.jpg"))
    assert plan("d", name="{name}_awb{ext}") == {"d/a.CR2": "d/a.CR2_awb.jpg", "d/a.jpg": "d/a.jpg_awb.jpg"}


def write(content: bytes) -> Callable[[Path], None]:
    def fill(path: Path) -> None:
        path.write_bytes(content)

    return fill


def unwanted(path: Path) -> None:
    raise AssertionError(path)


def entries(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("if_exists", list(IfExists))
def test_a_new_file_gets_the_permissions_of_the_umask(if_exists: IfExists) -> None:
    before = os.umask(0o027)
    try:
        assert atomic_write(Path("new/sub/x.jpg"), if_exists, write(b"picture"))
    finally:
        os.umask(before)
    assert Path("new/sub/x.jpg").read_bytes() == b"picture"
    assert stat.S_IMODE(Path("new/sub/x.jpg").stat().st_mode) == 0o640
    assert entries("new/sub") == ["x.jpg"]


def test_the_encoder_sees_the_suffix_in_a_hidden_file_of_the_same_folder() -> None:
    seen: list[Path] = []
    atomic_write(Path("x.jpg"), IfExists.FAIL, seen.append)
    assert seen[0].suffix == ".jpg"
    assert seen[0].name.startswith(".")
    assert seen[0].parent == Path.cwd()


def test_an_existing_output() -> None:
    touch(Path("x.jpg"))
    with pytest.raises(OutputError, match="exists already; --if-exists replace or skip settles it"):
        atomic_write(Path("x.jpg"), IfExists.FAIL, unwanted)
    assert not atomic_write(Path("x.jpg"), IfExists.SKIP, unwanted)
    assert skips(Path("x.jpg"), IfExists.SKIP)
    assert not skips(Path("x.jpg"), IfExists.REPLACE)
    assert Path("x.jpg").read_bytes() == b"original"
    assert atomic_write(Path("x.jpg"), IfExists.REPLACE, write(b"new"))
    assert Path("x.jpg").read_bytes() == b"new"
    assert entries() == ["x.jpg"]


@pytest.fixture(params=["rename to a new name", "links", "neither"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems with each of the ways to give a file a name that nothing has."""
    if request.param != "rename to a new name":
        monkeypatch.setattr(durable, "_renameat2", lambda: None)
    if request.param == "neither":
        monkeypatch.setattr(Path, "hardlink_to", no_links)


@pytest.mark.usefixtures("system")
def test_an_output_that_appears_meanwhile_is_not_lost() -> None:
    def meanwhile(temporary: Path) -> None:
        temporary.write_bytes(b"ours")
        Path("x.jpg").write_bytes(b"theirs")

    with pytest.raises(OutputError, match="exists already"):
        atomic_write(Path("x.jpg"), IfExists.FAIL, meanwhile)
    Path("x.jpg").unlink()
    assert not atomic_write(Path("x.jpg"), IfExists.SKIP, meanwhile)
    assert Path("x.jpg").read_bytes() == b"theirs"
    assert entries() == ["x.jpg"]


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.usefixtures("system")
def test_a_name_that_nothing_has() -> None:
    assert atomic_write(Path("x.jpg"), IfExists.FAIL, write(b"picture"))
    assert Path("x.jpg").read_bytes() == b"picture"
    assert entries() == ["x.jpg"]


def test_of_many_writers_one_wins() -> None:
    results: list[bool] = []

    def compete() -> None:
        results.append(atomic_write(Path("x"), IfExists.SKIP, write(b"picture")))

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]
    assert entries() == ["x"]


def test_a_link_is_written_through() -> None:
    Path("d").mkdir()
    Path("x.jpg").symlink_to("d/y.jpg")
    assert atomic_write(Path("x.jpg"), IfExists.FAIL, write(b"one"))
    assert atomic_write(Path("x.jpg"), IfExists.REPLACE, write(b"two"))
    assert Path("x.jpg").is_symlink()
    assert Path("d/y.jpg").read_bytes() == b"two"
    assert entries() == ["d", "x.jpg"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError, OSError(errno.ENOSPC, "No space left")])
def test_nothing_is_left_of_a_failed_write(error: BaseException | type[BaseException]) -> None:
    touch(Path("x.jpg"))

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    with pytest.raises((KeyboardInterrupt, SystemExit, RuntimeError, OutputError)):
        atomic_write(Path("x.jpg"), IfExists.REPLACE, fail)
    assert entries() == ["x.jpg"]
    assert Path("x.jpg").read_bytes() == b"original"


def no_space(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("path", "writer", "message"),
    [
        ("x.jpg", no_space, "x.jpg: cannot be written: no space left on device; free some space, or write to another"),
        ("f.jpg/x.jpg", unwanted, "f.jpg/x.jpg: cannot be written: file exists; a folder of that path is a file"),
        ("f.jpg/d/x.jpg", unwanted, "f.jpg/d/x.jpg: cannot be written: not a directory; a folder of that path"),
        ("x" * 256, unwanted, f"{'x' * 256}: cannot be written: file name too long; choose a shorter name"),
        ("d", unwanted, "d: the output is not a regular file; name another output"),
        ("/dev/null", unwanted, "/dev/null: the output is not a regular file; name another output"),
        ("/proc/x.jpg", unwanted, "/proc/x.jpg: cannot be written: "),
    ],
)
def test_an_output_that_cannot_be_written(path: str, writer: Callable[[Path], None], message: str) -> None:
    touch(Path("f.jpg"))
    Path("d").mkdir()
    with pytest.raises(OutputError) as caught:
        atomic_write(Path(path), IfExists.REPLACE, writer)
    assert str(caught.value).startswith(message)
    assert entries() == ["d", "f.jpg"]


def test_a_name_that_fits_has_a_temporary_name_that_fits() -> None:
    name = "ü" * 125 + ".jpg"
    assert atomic_write(Path(name), IfExists.FAIL, write(b"picture"))


def test_stdin_alone_may_have_an_output() -> None:
    assert plan_outputs([FoundImage(STDIN)], suffix=jpg, output=Path("x.jpg")) == [
        PlannedOutput(FoundImage(STDIN), Path("x.jpg"))
    ]

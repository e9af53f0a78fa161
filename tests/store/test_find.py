"""From arguments to images: order, duplicates, links, and what cannot be taken."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.errors import UnreadableFile, UsageError
from awbkit.store.find import FoundImage, OtherFiles, find, natural_key, read_path_list

NAMES = st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=12)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(root: Path, *arguments: str, recursive: bool = False) -> list[str]:
    found = []
    for item in find([str(root / argument) for argument in arguments], recursive=recursive):
        assert isinstance(item, FoundImage)
        found.append(str(item.path.relative_to(root)))
    return found


def errors(*arguments: str, recursive: bool = False) -> list[str]:
    return [str(item) for item in find(arguments, recursive=recursive) if isinstance(item, UnreadableFile)]


def test_a_folder_gives_its_images_in_natural_order(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("img10.jpg", "IMG2.CR2", "img1.jpg", "notes.txt", ".hidden.jpg", "sub/x.jpg")))
    assert names(tmp_path, ".") == ["img1.jpg", "IMG2.CR2", "img10.jpg"]


def test_recursion_descends_after_the_files_and_skips_hidden_folders(tmp_path: Path) -> None:
    touch(tmp_path / "b2/1.jpg", tmp_path / "b10/1.jpg", tmp_path / "z.jpg", tmp_path / ".cache/1.jpg")
    assert names(tmp_path, ".", recursive=True) == ["z.jpg", "b2/1.jpg", "b10/1.jpg"]


def test_arguments_keep_their_order_and_come_once(tmp_path: Path) -> None:
    touch(tmp_path / "d/a.jpg", tmp_path / "d/b.jpg", tmp_path / "z.jpg")
    assert names(tmp_path, "z.jpg", "d/b.jpg", "d", "d/../z.jpg", "d") == ["z.jpg", "d/b.jpg", "d/a.jpg"]


def test_a_named_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    touch(tmp_path / "scan.dat", tmp_path / ".hidden.jpg")
    assert names(tmp_path, "scan.dat", ".hidden.jpg") == ["scan.dat", ".hidden.jpg"]


def test_the_root_is_the_argument_that_was_walked(tmp_path: Path) -> None:
    touch(tmp_path / "d/sub/a.jpg", tmp_path / "b.jpg")
    found = list(find([str(tmp_path / "d"), str(tmp_path / "b.jpg")], recursive=True))
    assert found == [FoundImage(tmp_path / "d/sub/a.jpg", tmp_path / "d"), FoundImage(tmp_path / "b.jpg", None)]


def test_linked_folders_are_followed_but_not_for_ever(tmp_path: Path) -> None:
    touch(tmp_path / "d/a.jpg", tmp_path / "elsewhere/b.jpg")
    (tmp_path / "d/loop").symlink_to(tmp_path / "d")
    (tmp_path / "d/itself").symlink_to("itself")
    (tmp_path / "d/linked").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path, "d", recursive=True) == ["d/a.jpg", "d/linked/b.jpg"]


def test_a_file_and_a_link_to_it_are_one(tmp_path: Path) -> None:
    touch(tmp_path / "d/a.jpg")
    (tmp_path / "d/b.jpg").symlink_to("a.jpg")
    assert names(tmp_path, "d") == ["d/a.jpg"]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    touch(tmp_path / name)
    assert names(tmp_path, ".") == [name]


def test_standard_input_comes_once_and_is_not_a_file_called_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / "-")
    stdin, dash = find(["-", "./-", "-"])
    assert isinstance(stdin, FoundImage)
    assert isinstance(dash, FoundImage)
    assert stdin.is_stdin
    assert stdin.is_stream
    assert dash.path == tmp_path / "-"
    assert not dash.is_stdin


JPEG, CR3, VIDEO = b"\xff\xd8\xff\xe0", b"\0\0\0\x18ftypcrx \0\0\0\1", b"\0\0\0\x18ftypmp42\0\0\0\1"


def test_content_decides_where_the_suffix_says_nothing(tmp_path: Path) -> None:
    contents = {"a": JPEG, "b.mpo": JPEG, "c.jpg_original": JPEG, "d.bin": CR3, "e.tif": VIDEO}
    contents |= {"f.mp4": VIDEO, "g.MP4": VIDEO, "h.txt": b"text", "i": b"", "j.xmp": b"<x:xmpmeta/>"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    passed_over = OtherFiles()
    found = [item.path.name for item in find([str(tmp_path)], passed_over=passed_over) if isinstance(item, FoundImage)]
    assert found == ["a", "b.mpo", "c.jpg_original", "d.bin", "e.tif"]
    assert str(passed_over) == (
        f"5 files in {tmp_path} are no pictures that awbkit reads (2 .mp4, 1 .txt, 1 without a suffix, 1 .xmp); "
        "they were passed over"
    )


def test_many_kinds_in_several_folders_are_one_line(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        for number in range(9):
            touch(tmp_path / folder / f"x.{number if number % 2 else 'txt'}{folder}")
    passed_over = OtherFiles()
    errors = list(find([str(tmp_path / "a"), str(tmp_path / "b")], passed_over=passed_over))
    assert len(errors) == 2
    assert re.fullmatch(r"10 files in 2 folders .* \(1 .*, 4 others\); they were passed over", str(passed_over))


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "@EADIR", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__MACOSX"),
        *(".AppleDouble", ".Trash-1000", ".picasaoriginals"),
    ],
)
def test_nobodys_folders(name: str, tmp_path: Path) -> None:
    for picture in (tmp_path / "a.jpg", tmp_path / name / "b.jpg"):
        touch(picture)
        picture.write_bytes(JPEG)
    passed_over = OtherFiles()
    (only,) = find([str(tmp_path)], recursive=True, passed_over=passed_over)
    assert only.path == tmp_path / "a.jpg"
    assert not passed_over.folders
    # Whoever names it means it.
    (named,) = find([str(tmp_path / name)])
    assert named.path == tmp_path / name / "b.jpg"


@pytest.mark.parametrize("name", ["Thumbs.db", "THUMBS.DB", ".DS_Store", "._a.jpg", "desktop.ini", "Picasa.ini"])
def test_nobodys_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(JPEG)
    passed_over = OtherFiles()
    (error,) = find([str(tmp_path)], passed_over=passed_over)
    assert isinstance(error, UnreadableFile)
    assert not passed_over.folders


def test_a_named_pipe_is_a_stream(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    touch(tmp_path / "a.jpg")
    pipe, file = find([str(tmp_path / "pipe"), str(tmp_path / "a.jpg")])
    assert isinstance(pipe, FoundImage)
    assert pipe.is_stream
    assert isinstance(file, FoundImage)
    assert not file.is_stream


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nowhere.jpg", "nowhere.jpg: no such file or folder; check the spelling"),
        ("file.jpg/x", "file.jpg/x: no such file or folder; check the spelling"),
        ("empty", "empty: no image found in this folder; -r descends into its subfolders"),
        ("", ": the path is empty; look for an unset variable in the command"),
        ("a\0b", "a\0b: the path holds a NUL character; read a NUL-separated list with -0"),
        ("x" * 300, "x" * 300 + ": cannot be read: file name too long; check the spelling; no file has so long a name"),
    ],
)
def test_what_cannot_be_taken_is_an_error_in_its_place(
    argument: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / "file.jpg", tmp_path / "empty/notes.txt")
    before, error, after = find(["file.jpg", argument, "-"])
    assert isinstance(before, FoundImage)
    assert str(error) == message
    assert isinstance(after, FoundImage)


def test_an_empty_tree_does_not_advise_recursion(tmp_path: Path) -> None:
    assert errors(str(tmp_path), recursive=True) == [f"{tmp_path}: no image found in this folder"]


def test_a_folder_walked_before_is_not_empty(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    assert errors(str(tmp_path), str(tmp_path)) == []


def test_a_dead_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("gone.jpg")
    assert errors(str(tmp_path)) == [f"{tmp_path}/a.jpg: the link points to nothing; mend or remove the link"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_locked_folder_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    touch(tmp_path / "locked/a.jpg", tmp_path / "open/a.jpg")
    (tmp_path / "locked").chmod(0)
    locked, image = find([str(tmp_path)], recursive=True)
    (tmp_path / "locked").chmod(0o700)
    assert str(locked) == f"{tmp_path}/locked: cannot be read: permission denied; make it readable for you"
    assert isinstance(image, FoundImage)


def test_the_walk_is_lazy(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.jpg")

    def arguments() -> list[str]:
        raise AssertionError

    iterator = find(argument if argument else arguments()[0] for argument in [str(tmp_path / "a"), ""])
    assert next(iterator) == FoundImage(tmp_path / "a/1.jpg", tmp_path / "a")


@given(st.lists(NAMES), st.randoms(use_true_random=False))
def test_natural_order_is_total(words: list[str], random: Random) -> None:
    once = sorted(words, key=natural_key)
    random.shuffle(words)
    assert sorted(words, key=natural_key) == once


@given(st.text("abcXYZ_-", max_size=5), st.integers(0), st.integers(0))
def test_natural_order_counts(stem: str, first: int, second: int) -> None:
    assert (natural_key(f"{stem}{first}") < natural_key(f"{stem}{second}")) == (first < second)


def test_natural_order_of_more_digits_than_python_converts() -> None:
    assert natural_key("9" * 5000) < natural_key("1" + "0" * 5000)


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda b: b"\0" not in b)))
def test_a_nul_separated_list_round_trips(paths: list[bytes]) -> None:
    listed = read_path_list(io.BytesIO(b"".join(path + b"\0" for path in paths)), nul=True)
    assert [os.fsencode(path) for path in listed] == paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (b"", []),
        (b"a.jpg", ["a.jpg"]),
        (b"a.jpg\nb c.jpg\n", ["a.jpg", "b c.jpg"]),
        (b"a.jpg\r\n\r\n\nb.jpg\r\n", ["a.jpg", "b.jpg"]),
        (b"caf\xe9.jpg\n", ["caf\udce9.jpg"]),
        (b" a.jpg \n", [" a.jpg "]),
    ],
)
def test_a_list_of_lines(text: bytes, paths: list[str]) -> None:
    assert list(read_path_list(io.BytesIO(text))) == paths


def test_a_list_longer_than_one_read() -> None:
    paths = [f"{number:06}.jpg" for number in range(20000)]
    assert list(read_path_list(io.BytesIO("\n".join(paths).encode()))) == paths


@pytest.mark.parametrize("nul", [False, True])
@pytest.mark.parametrize("byte", [b"a", b"\n", b"\0"])
def test_what_is_no_list_is_given_up_after_a_mebibyte(byte: bytes, nul: bool) -> None:
    separator = b"\0" if nul else b"\n"
    stream = io.BytesIO(b"first" + separator + byte * (1 << 24))
    paths = read_path_list(stream, nul=nul)
    assert next(paths) == "first"
    with pytest.raises(UsageError, match=r"without a path that ends with a (NUL|line break);"):
        next(paths)
    assert stream.tell() < 3 << 20


def test_a_list_is_read_as_it_arrives() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb", 0) as writer:
        paths = read_path_list(reader)
        writer.write(b"first.jpg\nsec")
        assert next(paths) == "first.jpg"
        writer.write(b"ond.jpg\n")
        assert next(paths) == "second.jpg"


def test_importing_the_parts_of_the_command_line_is_cheap() -> None:
    code = (
        "import sys, awbkit; before = set(sys.modules);"
        "import awbkit.store.find, awbkit.store.outputs, awbkit.work.batch, awbkit.cli.output, awbkit.cli.report;"
        "print({'numpy', 'rich', 'typer', 'multiprocessing', 'subprocess'} & (set(sys.modules) - before))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_a_path_longer_than_any_is_told_in_a_short_line() -> None:
    (found,) = find(["x" * 100_000])
    assert isinstance(found, UnreadableFile)
    assert len(str(found)) < 200

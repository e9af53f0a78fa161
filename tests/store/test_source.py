"""Folders and archives as sources of data sets; the oracles are zipfile and tarfile, which wrote what is read here."""

from __future__ import annotations

import io
import os
import pickle
import random
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awbkit.errors import UnreadableFile
from awbkit.store.archive import MAX_MEMBER_BYTES, Refusal, is_archive, safe_name
from awbkit.store.source import Source

FILES = {
    "ground_truth.csv": b"image,r,g,b\n",
    "images/img2.png": b"two",
    "images/img10.png": bytes(range(256)) * 40,
    "notes/empty.txt": b"",
}
NOISE = random.Random(1).randbytes(50_000)


def write_folder(root: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def write_zip(path: Path, files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: dict[str, bytes] = FILES, kind: int = tarfile.PAX_FORMAT, mode: str = "w") -> Path:
    with tarfile.open(path, mode, format=kind) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def every_byte(source: Source) -> dict[str, bytes]:
    return {name: source.read(name) for name in source.members}


WRITERS: dict[str, Callable[[Path], Path]] = {
    "folder": lambda folder: write_folder(folder / "set"),
    "deflated zip": lambda folder: write_zip(folder / "set.zip"),
    "stored zip": lambda folder: write_zip(folder / "set.zip", method=zipfile.ZIP_STORED),
    "self-extracting zip": lambda folder: prepend(write_zip(folder / "set.zip")),
    "pax tar": lambda folder: write_tar(folder / "set.tar"),
    "gnu tar": lambda folder: write_tar(folder / "set.tar", kind=tarfile.GNU_FORMAT),
    "zip without a suffix": lambda folder: write_zip(folder / "download"),
    "tar without a suffix": lambda folder: write_tar(folder / "download"),
}


def prepend(path: Path) -> Path:
    path.write_bytes(b"MZ a program" * 50 + path.read_bytes())
    return path


class TestReads:
    @pytest.mark.parametrize("kind", WRITERS)
    def test_the_same_files_from_any_container(self, tmp_path: Path, kind: str) -> None:
        source = Source.open(WRITERS[kind](tmp_path))
        assert list(source.members) == ["ground_truth.csv", "images/img2.png", "images/img10.png", "notes/empty.txt"]
        assert every_byte(source) == FILES
        assert not source.refusals
        assert source.text("ground_truth.csv") == "image,r,g,b\n"
        assert source.head("images/img10.png", 4) == b"\0\1\2\3"
        assert source.head("images/img2.png", 99) == b"two"
        assert [member.size for member in source.members.values()] == [12, 3, 10240, 0]

    @pytest.mark.parametrize("kind", WRITERS)
    def test_worker_processes_read_what_was_listed_here(self, tmp_path: Path, kind: str) -> None:
        source = pickle.loads(pickle.dumps(Source.open(WRITERS[kind](tmp_path))))
        assert every_byte(source) == FILES

    @given(
        st.dictionaries(
            st.lists(st.text("aZ09 ._-é漢", min_size=1, max_size=8), min_size=1, max_size=3)
            .map("/".join)
            .filter(lambda name: all(part.strip(" ") and part[0] != "." for part in name.split("/"))),
            st.binary(max_size=300),
            max_size=6,
        )
    )
    @settings(max_examples=40, deadline=None)
    def test_any_names_and_bytes(self, tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
        files = {name: data for name, data in files.items() if not is_archive(name)}
        folder = tmp_path_factory.mktemp("any")
        for path in (write_zip(folder / "a.zip", files), write_tar(folder / "a.tar", files)):
            assert every_byte(Source.open(path)) == files

    def test_archives_appear_as_if_unpacked_where_they_are(self, tmp_path: Path) -> None:
        (tmp_path / "nikon").mkdir()
        write_zip(tmp_path / "nikon" / "PNG.zip", {"PNG/1.png": b"1"})
        write_tar(tmp_path / "nikon" / "truth.TAR", {"./truth.csv": b"t"})
        write_folder(tmp_path, {"readme.txt": b"r"})
        assert every_byte(Source.open(tmp_path)) == {
            "nikon/PNG/1.png": b"1",
            "nikon/truth.csv": b"t",
            "readme.txt": b"r",
        }

    def test_of_two_files_of_one_name_the_plain_one_counts_then_the_last(self, tmp_path: Path) -> None:
        write_zip(tmp_path / "part10.zip", {"a": b"ten", "b": b"ten", "c": b"ten"})
        write_zip(tmp_path / "part9.zip", {"a": b"nine", "b": b"nine", "d": b"nine"})
        write_folder(tmp_path, {"a": b"plain"})
        assert every_byte(Source.open(tmp_path)) == {"a": b"plain", "b": b"ten", "c": b"ten", "d": b"nine"}
        write_zip(tmp_path / "twice.zip", {"x": b"first", "./x": b"second", "x/": b"", "./././x": b"third"})
        assert Source.open(tmp_path / "twice.zip").read("x") == b"third"

    def test_what_systems_leave_behind_is_passed_over(self, tmp_path: Path) -> None:
        litter = {"__MACOSX/._a.png": b"", ".DS_Store": b"", "x/.hidden/b.png": b"", "x/a.png": b"a"}
        write_folder(tmp_path / "folder", litter)
        for path in (tmp_path / "folder", write_zip(tmp_path / "a.zip", litter), write_tar(tmp_path / "a.tar", litter)):
            source = Source.open(path)
            assert (list(source.members), dict(source.refusals)) == (["x/a.png"], {})

    def test_names_of_old_programs(self, tmp_path: Path) -> None:
        # Windows programs wrote backslashes, macOS writes UTF-8 without the flag for it.
        path = write_zip(tmp_path / "a.zip", {"dir/X.png": b"x", "Moebel.png": b"m", "Caf\u00e9.png": b"c"})
        data = path.read_bytes().replace(b"dir/X", b"dir\\X").replace(b"Moebel", b"M\xc3\xb6bel")
        path.write_bytes(data)
        assert every_byte(Source.open(path)) == {"dir/X.png": b"x", "M\u00f6bel.png": b"m", "Caf\u00e9.png": b"c"}

    def test_text_with_a_byte_order_mark(self, tmp_path: Path) -> None:
        source = Source.open(write_folder(tmp_path, {"a.csv": "\ufeffé".encode(), "b.csv": b"\xff\xfe\x00"}))
        assert source.text("a.csv") == "é"
        with pytest.raises(UnreadableFile, match=r"b\.csv: is not UTF-8 text"):
            source.text("b.csv")

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("*.png", ["images/img2.png", "images/img10.png"]),
            ("IMAGES/*.PNG", ["images/img2.png", "images/img10.png"]),
            ("img?.png", ["images/img2.png"]),
            ("ground_truth.csv", ["ground_truth.csv"]),
            ("truth.csv", []),
            ("images", []),
            ("img[0-9].png", ["images/img2.png"]),
        ],
    )
    def test_find(self, tmp_path: Path, pattern: str, found: list[str]) -> None:
        assert Source.open(write_folder(tmp_path)).find(pattern) == found


class TestLinks:
    def test_folders_that_link_to_each_other_end(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "set", {"a/1.png": b"1", "b/2.png": b"2"})
        (tmp_path / "set" / "a" / "loop").symlink_to(tmp_path / "set")
        (tmp_path / "set" / "a" / "other").symlink_to(tmp_path / "set" / "b")
        (tmp_path / "set" / "0").symlink_to(tmp_path / "set" / "b")
        assert list(Source.open(tmp_path / "set").members) == ["a/1.png", "b/2.png"]

    def test_linked_files_and_folders_elsewhere_are_read(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "elsewhere", {"x/1.png": b"1", "2.png": b"2"})
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "images").symlink_to(tmp_path / "elsewhere" / "x")
        (tmp_path / "set" / "two.png").symlink_to(tmp_path / "elsewhere" / "2.png")
        assert every_byte(Source.open(tmp_path / "set")) == {"images/1.png": b"1", "two.png": b"2"}

    def test_links_to_nothing_pipes_and_odd_names_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
        (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
        os.mkfifo(tmp_path / "pipe.png")
        (tmp_path / "line\nbreak.png").write_bytes(b"")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin\xe9.png")).write_bytes(b"")
        (tmp_path / "good.png").write_bytes(b"")
        source = Source.open(tmp_path)
        assert list(source.members) == ["good.png"]
        assert {name: reason.partition(";")[0] for name, reason in source.refusals.items()} == {
            "gone.png": "is a link to nothing",
            "self.png": "too many levels of symbolic links",
            "pipe.png": "is a device or a pipe",
            r"line\nbreak.png": "its name is not printable UTF-8",
            r"latin\xe9.png": "its name is not printable UTF-8",
        }


def zip_of(name: str, data: bytes = b"x", **fields: int) -> bytes:
    """A zip of one deflated member made by hand, so that any field of its directory can be a lie."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    values = {"flags": 0x800, "method": 8, "crc": zlib.crc32(data), "packed": len(packed), "size": len(data)}
    values |= {"mode": stat.S_IFREG | 0o644, "offset": 0, "start": 0} | fields
    encoded = name.encode()
    about = struct.pack(
        "<5H3L2H",
        *(20, values["flags"], values["method"], 0, 0),
        *(values["crc"], values["packed"], values["size"], len(encoded), 0),
    )
    local = b"PK\3\4" + about + encoded + packed
    rest = struct.pack("<3H2L", 0, values["start"], 0, values["mode"] << 16, values["offset"])
    central = b"PK\1\2" + struct.pack("<H", 0x314) + about + rest + encoded
    return local + central + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def tar_of(name: str, **fields: object) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo(name)
        for key, value in fields.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(bytes(info.size)) if info.isreg() else None)
    return stream.getvalue()


EVIL = {
    "parent.zip": (zip_of("../x.png"), "leads out"),
    "middle.zip": (zip_of("a/../../x.png"), "leads out"),
    "backslash.zip": (zip_of("..\\..\\x.png"), "leads out"),
    "absolute.zip": (zip_of("/etc/x.png"), "absolute path"),
    "drive.zip": (zip_of("C:\\x.png"), "absolute path"),
    "share.zip": (zip_of("\\\\host\\x.png"), "absolute path"),
    "unnamed.zip": (zip_of("\0a.png"), "printable"),
    "control.zip": (zip_of("a\x1b[2Jb.png"), "printable"),
    "nul.zip": (zip_of("a.png\0.txt"), "printable"),
    "link.zip": (zip_of("a.png", b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "is a link"),
    "device.zip": (zip_of("a.png", mode=stat.S_IFCHR | 0o666), "is a device"),
    "encrypted.zip": (zip_of("a.png", flags=0x801), "encrypted"),
    "strongly.zip": (zip_of("a.png", flags=0x841), "encrypted"),
    "lzma.zip": (zip_of("a.png", method=14), "zip method 14"),
    "bomb.zip": (zip_of("a.png", bytes(20_000_000)), "no image does"),
    "huge.zip": (zip_of("a.png", size=MAX_MEMBER_BYTES + 1), "larger than any image"),
    "padded.zip": (zip_of("a.png", packed=1 << 30), "claims to hold"),
    "unequal.zip": (zip_of("a.png", method=0, size=9), "claims to hold"),
    "nested.zip": (zip_of("inner.zip"), "archive within an archive"),
    "nested-tar-gz.zip": (zip_of("inner.tar.gz"), "archive within an archive"),
    "parent.tar": (tar_of("../x.png"), "leads out"),
    "absolute.tar": (tar_of("/x.png"), "absolute path"),
    "hard-link.tar": (tar_of("a.png", type=tarfile.LNKTYPE, linkname="/etc/passwd"), "is a link"),
    "link.tar": (tar_of("a.png", type=tarfile.SYMTYPE, linkname="../.."), "is a link"),
    "device.tar": (tar_of("a.png", type=tarfile.CHRTYPE), "is a device"),
    "pipe.tar": (tar_of("a.png", type=tarfile.FIFOTYPE), "is a device"),
    "volume.tar": (tar_of("a.png", type=b"V"), "not stored as plain bytes"),
    "nested.tar": (tar_of("inner.tar"), "archive within an archive"),
}


CLOSED_ARCHIVES = {
    "a.tar.gz": b"\x1f\x8b\x08",
    "a.tgz": b"\x1f\x8b\x08",
    "a.tar.xz": b"\xfd7zXZ\0",
    "a.tar.bz2": b"BZh9",
    "a.7z": b"7z\xbc\xaf\x27\x1c",
    "a.rar": b"Rar!\x1a\x07",
    "a.zip.001": b"PK\3\4",
    "a.7z.001": b"7z\xbc\xaf\x27\x1c",
    "misnamed.tar": b"\x1f\x8b\x08",
    "misnamed.zip": b"Rar!\x1a\x07",
}


class TestRefuses:
    @pytest.mark.parametrize("name", EVIL)
    def test_evil_members(self, tmp_path: Path, name: str) -> None:
        data, reason = EVIL[name]
        (tmp_path / name).write_bytes(data)
        source = Source.open(tmp_path / name)
        assert not source.members
        ((refusals, why),) = source.refusals.items()
        assert reason in why
        assert refusals.isprintable()
        with pytest.raises(UnreadableFile, match=r"\S"):
            source.read(refusals)

    def test_but_the_sound_members_beside_them_are_read(self, tmp_path: Path) -> None:
        path = write_zip(tmp_path / "a.zip", {"../x.png": b"evil", "x.png": b"good", "zeros.txt": bytes(500_000)})
        source = Source.open(path)
        assert every_byte(source) == {"x.png": b"good", "zeros.txt": bytes(500_000)}
        assert list(source.refusals) == ["../x.png"]

    @given(st.text(st.sampled_from("/\\.:aC~ \n\x00é"), max_size=12) | st.text(max_size=12))
    def test_no_name_leads_out(self, name: str) -> None:
        try:
            safe = safe_name(name)
        except Refusal:
            return
        parts = safe.split("/")
        assert "\\" not in safe
        assert safe == "" or all(part and part[0] != "." for part in parts)
        assert os.path.normpath(safe or "x") == (safe or "x")
        assert safe_name(safe) == safe

    @pytest.mark.slow
    def test_a_member_that_unfolds_to_more_than_stated_costs_no_memory(self, tmp_path: Path) -> None:
        (tmp_path / "lie.zip").write_bytes(zip_of("a.png", bytes(50_000_000), size=60_000))
        source = Source.open(tmp_path / "lie.zip")
        tracemalloc.start()
        with pytest.raises(UnreadableFile, match="not of the size that its archive states; download it again"):
            source.read("a.png")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"size": len(NOISE) + 1}, "not of the size"),
            ({"size": len(NOISE) - 1, "packed": len(NOISE)}, "not of the size"),
            ({"crc": 1}, "checksum does not match"),
            ({"offset": 3}, "not where its archive says"),
            ({"packed": 1000}, "not of the size"),
        ],
    )
    def test_members_that_are_not_what_the_directory_says(
        self, tmp_path: Path, fields: dict[str, int], problem: str
    ) -> None:
        (tmp_path / "a.zip").write_bytes(zip_of("a.png", NOISE, **fields))
        with pytest.raises(UnreadableFile, match=rf"a\.zip/a\.png: .*{problem}"):
            Source.open(tmp_path / "a.zip").read("a.png")

    def test_damaged_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.zip"
        data = bytearray(zip_of("a.png", b"many words " * 500))
        data[40:50] = b"\xff" * 10
        path.write_bytes(data)
        with pytest.raises(UnreadableFile, match=r"a\.png: .*download it again"):
            Source.open(path).read("a.png")

    @pytest.mark.parametrize("keep", [0, 3, 100, 10_000, -1, -30])
    def test_zips_cut_short(self, tmp_path: Path, keep: int) -> None:
        path = write_zip(tmp_path / "a.zip", {"a": NOISE, "b": NOISE})
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(UnreadableFile, match=r"not downloaded in full.*download it again"):
            Source.open(tmp_path)

    @pytest.mark.parametrize("keep", [0, 100, 600, 30_000, 512 + 50_176, 512 + 50_176 + 200, 80_000, 2 * 50_688])
    def test_tars_cut_short(self, tmp_path: Path, keep: int) -> None:
        path = write_tar(tmp_path / "a.tar", {"a": NOISE, "b": NOISE})
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(UnreadableFile, match=r"not downloaded in full.*download it again"):
            Source.open(tmp_path)

    def test_a_tar_with_a_damaged_header_in_its_midst(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / "a.tar", {"a": NOISE, "b": NOISE})
        data = bytearray(path.read_bytes())
        data[512 + 50_176 + 150] ^= 1
        path.write_bytes(data)
        with pytest.raises(UnreadableFile, match="damaged"):
            Source.open(path)

    @pytest.mark.parametrize("name", CLOSED_ARCHIVES)
    def test_archives_that_must_be_unpacked_first(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(CLOSED_ARCHIVES[name] + bytes(600))
        for path in (tmp_path / name, tmp_path):
            with pytest.raises(UnreadableFile, match="cannot be read in place; unpack it and name the folder"):
                Source.open(path)
        # Beside other files it may be what they came in.
        (tmp_path / "a.png").write_bytes(b"")
        source = Source.open(tmp_path)
        assert list(source.members) == ["a.png"]
        assert "unpack it" in source.refusals[name]

    def test_a_split_zip(self, tmp_path: Path) -> None:
        write_zip(tmp_path / "a.zip")
        (tmp_path / "a.z01").write_bytes(b"PK\7\x08")
        with pytest.raises(UnreadableFile, match="one part of a split archive"):
            Source.open(tmp_path / "a.zip")

    def test_a_picture_is_no_source(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
        with pytest.raises(UnreadableFile, match="neither a folder nor a zip or tar archive; name the folder"):
            Source.open(tmp_path / "a.png")

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="no such file or folder"):
            Source.open(tmp_path / "typo")
        with pytest.raises(UnreadableFile, match=r"x\.png: no such file in the source"):
            Source.open(tmp_path).read("x.png")

    def test_a_file_that_went_away(self, tmp_path: Path) -> None:
        source = Source.open(write_folder(tmp_path))
        (tmp_path / "images" / "img2.png").unlink()
        with pytest.raises(UnreadableFile, match=r"img2\.png: is no longer there"):
            source.read("images/img2.png")

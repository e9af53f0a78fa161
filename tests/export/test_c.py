"""C that was exported: the same bits as the reference on this machine, and nothing that a compiler warns of."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbkit.errors import CheckFailed, OutputError
from awbkit.escaping import c_comment
from awbkit.export.c import limited
from awbkit.export.c.check import answer, check, compare, compiler, record
from awbkit.export.c.emit import emit
from awbkit.export.c.limited import output_of
from awbkit.export.cases import Case, extremes, prepared_cases, surfaces
from awbkit.network.architecture import Architecture
from awbkit.network.integer.description import describe
from awbkit.network.integer.model import IntegerModel, white_logs
from awbkit.network.integer.quantization import Bits
from awbkit.network.statistics import TABLE
from tests.helpers.command import awbkit
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.hostile_text import HOSTILE
from tests.helpers.integer_models import SHAPES, integer_model, pictures, random_model, round_model

pytestmark = pytest.mark.slow

FIRMWARE = Path(__file__).parents[2] / "examples" / "firmware"


def synthetic() -> Iterator[Case]:
    yield from surfaces()
    yield from extremes()


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("shape", "bits"),
    [*((shape, Bits()) for shape in SHAPES), ("s", Bits(4, 8)), ("s", Bits(8, 16)), ("odd", Bits(8, 16))],
    ids=str,
)
def test_the_same_bits_here(shape: str, bits: Bits) -> None:
    model = integer_model(shape, bits)
    assert check(emit(model), model, synthetic(), str(compiler())) > 40


@pytest.mark.compiler
@pytest.mark.parametrize("group", TABLE.groups)
def test_a_network_that_reads_one_group_measures_what_it_needs(group: str) -> None:
    of_statistics(TABLE.groups[group])


@pytest.mark.compiler
@pytest.mark.parametrize("bit", range((len(TABLE.groups) - 1).bit_length()))
@pytest.mark.parametrize("value", [0, 1])
def test_what_a_network_does_not_read_is_not_measured(bit: int, value: int) -> None:
    """Of each two groups, there is a network that reads the one and not the other."""
    groups = [group for place, group in enumerate(TABLE.groups) if place >> bit & 1 == value]
    of_statistics(sorted({number for group in groups for number in TABLE.groups[group]}))


def of_statistics(chosen: Iterable[int]) -> None:
    built = Architecture("awbnet", (), (), 0, (8,), (0,), statistics=tuple(chosen))
    model = round_model(random_model(built), pictures(3))
    assert check(emit(model), model, list(surfaces())[:4], str(compiler())) == 4


@pytest.mark.compiler
@pytest.mark.parametrize("shape", ["nano", "s", "pruned", "odd"])
def test_warnings_are_errors(tmp_path: Path, shape: str) -> None:
    for name, text in emit(integer_model(shape)).items():
        (tmp_path / name).write_text(text)
    strict = [str(compiler()), "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", "awb.c"]
    for flags in (["-std=c99", "-O2", "-c", "-o", "awb.o"], ["-std=c17", "-fsyntax-only"]):
        subprocess.run([*strict, *flags], cwd=tmp_path, check=True)
    used = (tmp_path / "awb.c").read_text()
    assert re.findall(r"#include [<\"](\S+)[>\"]", used) == ["string.h", "awb.h", "arm_acle.h"]
    assert not re.search(r"\b(float|double|malloc|free)\b", re.sub(r"/\*.*?\*/", "", used, flags=re.S))


@pytest.mark.compiler
def test_black_levels_and_clipping(tmp_path: Path) -> None:
    """Black is taken off, what is clipped does not count: the same as a thumbnail that was made so."""
    model = integer_model("s")
    case = next(synthetic())
    rng = np.random.default_rng(0)
    plain = (case.pixels // 20).astype(np.int64)
    clipped = rng.random((64, 64)) < 0.1
    black = np.array([64, 60, 70])
    raw = np.where(clipped[..., None], 4095, plain + black).astype(np.uint16)
    expected = answer(model, Case(np.where(clipped[..., None], 0, plain).astype(np.uint16), None))
    header = np.array([*black, 4095, 0, 0, 0], "<u2").tobytes()
    assert run_driver(tmp_path, model, header + raw.astype("<u2").tobytes()) == [expected]


def run_driver(folder: Path, model: IntegerModel, given: bytes) -> list[list[int]]:
    driver = (Path(__file__).parents[2] / "awbkit" / "export" / "c" / "driver.c").read_text()
    for name, text in {**emit(model), "driver.c": driver}.items():
        (folder / name).write_text(text)
    subprocess.run([str(compiler()), "-std=c99", "awb.c", "driver.c", "-o", "driver"], cwd=folder, check=True)
    run = subprocess.run([str(folder / "driver")], input=given, capture_output=True, check=True)
    return [[int(word) for word in line.split()] for line in run.stdout.decode().splitlines()]


THUMBNAILS = """
#include <stdio.h>
#include "awb.h"
static uint16_t mosaic[200 * 150], thumbnail[AWB_PIXELS * 3];
static awb_zone zones[12 * 10];
int main(void)
{
    awb_camera camera = {{10, 10, 10}, 4000, {0, 0, 0}};
    int order, n, status;
    if (fread(mosaic, sizeof mosaic, 1, stdin) != 1 || fread(zones, sizeof zones, 1, stdin) != 1)
        return 1;
    for (order = 0; order < 4; order++) {
        status = awb_thumbnail_bayer(mosaic, 190, 150, 200, (awb_bayer)order, &camera, thumbnail);
        printf("%d", status);
        for (n = 0; n < AWB_PIXELS * 3; n++)
            printf(" %u", thumbnail[n]);
        printf("\\n");
    }
    printf("%d %d %d\\n", awb_thumbnail_bayer(mosaic, 126, 150, 200, AWB_RGGB, &camera, thumbnail),
           awb_thumbnail_bayer(mosaic, 190, 126, 200, AWB_RGGB, &camera, thumbnail),
           awb_thumbnail_zones(zones, 0, 10, thumbnail));
    printf("%d", awb_thumbnail_zones(zones, 12, 10, thumbnail));
    for (n = 0; n < AWB_PIXELS * 3; n++)
        printf(" %u", thumbnail[n]);
    printf("\\n");
    return 0;
}
"""


@pytest.mark.compiler
def test_thumbnails_of_mosaics_and_zones(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mosaic = rng.integers(11, 3900, (150, 200)).astype(np.uint16)
    mosaic[rng.random((150, 200)) < 0.05] = 4000
    mosaic[40:60, 40:60] = 4000
    mosaic[100:104] = 10
    zones = rng.integers(1, 2**31, (10, 12, 4)).astype(np.uint32)
    zones[..., 3] = rng.integers(1, 1000, (10, 12))
    zones[3, 4, 3] = 0
    for name, text in {**emit(integer_model("nano")), "main.c": THUMBNAILS}.items():
        (tmp_path / name).write_text(text)
    subprocess.run([str(compiler()), "-std=c99", "awb.c", "main.c", "-o", "main"], cwd=tmp_path, check=True)
    given = mosaic.tobytes() + zones.tobytes()
    run = subprocess.run([str(tmp_path / "main")], input=given, capture_output=True, check=True)
    lines = [np.array(line.split(), int) for line in run.stdout.decode().splitlines()]
    for order, line in enumerate(lines[:4]):
        assert line[0] == 0
        np.testing.assert_array_equal(line[1:].reshape(64, 64, 3), of_mosaic(mosaic[:, :190], order))
    assert lines[4].tolist() == [-2, -2, -2]
    number = np.maximum(zones[..., 3:], 1).astype(np.int64)
    means = np.where(zones[..., 3:] > 0, (2 * zones[..., :3].astype(np.int64) + number) // (2 * number), 0)
    shift = max(int(means.max()).bit_length() - 16, 0)
    rows, columns = np.arange(64) * 10 // 64, np.arange(64) * 12 // 64
    np.testing.assert_array_equal(lines[5][1:].reshape(64, 64, 3), (means >> shift)[np.ix_(rows, columns)])


def of_mosaic(mosaic: np.ndarray, order: int) -> np.ndarray:
    """Means of the tiles in each cell without a clipped or black sample, where these are half of it at least."""
    tiles = np.stack([mosaic[y::2, x::2] for y in (0, 1) for x in (0, 1)], axis=2).astype(int)
    red = order
    rgb = np.stack([tiles[..., red], tiles[..., red ^ 1] + tiles[..., red ^ 2], tiles[..., 3 - red]], axis=2)
    good = (tiles < 4000).all(axis=2) & (tiles > 10).all(axis=2)
    found = np.zeros((64, 64, 3), int)
    rows, columns = (np.arange(65) * size // 64 for size in tiles.shape[:2])
    for y in range(64):
        for x in range(64):
            cell = np.s_[rows[y] : rows[y + 1], columns[x] : columns[x + 1]]
            count = int(good[cell].sum())
            if count * 2 >= good[cell].size:
                by = np.array([count, 2 * count, count])
                found[y, x] = (rgb[cell][good[cell]].sum(axis=0) + by // 2) // by
    return found


@pytest.mark.cortex
@pytest.mark.cmake
def test_the_cmake_project_builds(tmp_path: Path) -> None:
    for name, text in emit(integer_model("nano")).items():
        (tmp_path / name).write_text(text)
    given = ["cmake", "-S", str(FIRMWARE), "-B", "build"]
    toolchain = "-DCMAKE_TOOLCHAIN_FILE=cortex-m4.cmake"
    subprocess.run([*given, "-DAWB=.", toolchain], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", "build"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "build" / "firmware.elf").stat().st_size > 10_000
    failed = subprocess.run(["cmake", "-S", str(FIRMWARE), "-B", "other"], cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode != 0
    assert "awbkit export MODEL --to c" in " ".join(failed.stderr.split())


def test_a_wrong_answer_is_told() -> None:
    model = integer_model("nano")
    cases = list(synthetic())[:2]
    right = [answer(model, case) for case in cases]
    compare(model, cases, right)
    with pytest.raises(CheckFailed, match="picture 1, not"):
        compare(model, cases, [right[0], [*right[1][:-1], right[1][-1] + 1]])
    with pytest.raises(CheckFailed, match="answered for 1 of 2 pictures"):
        compare(model, cases, right[:1])


@pytest.mark.compiler
@pytest.mark.parametrize(("shape", "bits"), [("s", Bits()), ("nano", Bits(8, 16)), ("pruned", Bits())], ids=str)
def test_a_description_for_other_runtimes(tmp_path: Path, shape: str, bits: Bits) -> None:
    model = integer_model(shape, bits)
    for name, text in emit(model).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "main.c").write_text(
        """
        #include <stdio.h>
        #include "awb.h"
        static awb_workspace workspace;
        static awb_description found;
        static uint16_t thumbnail[AWB_PIXELS * 3];
        int main(void)
        {
            awb_camera camera;
            while (fread(&camera, sizeof camera, 1, stdin) && fread(thumbnail, sizeof thumbnail, 1, stdin)) {
                int n, status = awb_describe(thumbnail, &camera, &workspace, &found);
                printf("%d %d %d", status, found.anchor[0], found.anchor[1]);
                for (n = 0; n < AWB_READ; n++) printf(" %d", found.read[n]);
                for (n = 0; n < 1280; n++) printf(" %d", found.grid[n]);
                printf("\\n");
            }
            return 0;
        }
        """
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([str(compiler()), *flags, "awb.c", "main.c", "-o", "main"], cwd=tmp_path, check=True)
    cases = [case for case in synthetic() if (case.pixels > 0).all(axis=2).any()]
    ran = subprocess.run([tmp_path / "main"], input=b"".join(map(record, cases)), capture_output=True, check=True)
    for case, line in zip(cases, ran.stdout.splitlines(), strict=True):
        described = describe(case.pixels)
        read = model.network.inputs_of_picture(described, white_logs(case.white))
        grid = np.moveaxis(described.grid, 0, 2) * bool(model.architecture.channels)
        expected = [0, *described.anchor, *read, *grid.reshape(-1)]
        assert [int(word) for word in line.split()] == [int(value) for value in expected]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_adds_nothing_to_the_code(name: str) -> None:
    model = integer_model("nano")
    plain, hostile = emit(replace(model, name="NAME")), emit(replace(model, name=name))
    for file, text in hostile.items():
        assert text.replace(f" from {c_comment(name)}", " from NAME") == plain[file]
        assert text.isascii()


@pytest.mark.compiler
def test_a_name_that_ends_the_comment_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f'int system(const char *); __attribute__((constructor)) static void x(void) {{ system("touch {mark}"); }}'
    model = replace(integer_model("nano"), name=f"*/ {code} /*")
    source = tmp_path / "hostile.safetensors"
    source.write_bytes(model.to_bytes())
    done = awbkit("export", source, "--to", "c", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert not mark.exists()
    assert str(mark) not in (tmp_path / "out" / "awb.h").read_text()


@pytest.mark.compiler
def test_what_never_ends_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text("int main(void) { for (;;) {} }")
    output_of([str(compiler()), "x.c", "-o", "x"], tmp_path)
    with pytest.raises(CheckFailed, match=r"x took more than 0\.2 seconds and was stopped"):
        output_of([str(tmp_path / "x")], tmp_path, seconds=0.2)


def test_a_full_temporary_folder_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "awb.c").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="no space left on device; free some space"):
        limited.put(tmp_path, {"awb.c": "int x;"})


def test_what_has_ended_already_needs_no_killing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    limited.kill(process)


@pytest.mark.compiler
def test_c_that_does_not_compile_is_told() -> None:
    model = integer_model("nano")
    sources = {**emit(model), "awb.c": "nonsense"}
    with pytest.raises(CheckFailed, match=r"fails: awb\.c:1"):
        check(sources, model, synthetic(), str(compiler()))


@pytest.mark.compiler
def test_the_command(tmp_path: Path) -> None:
    data = write_prepared(tmp_path / "set", ["Nikon D810"] * 8)
    quantised, exact = tmp_path / "s.safetensors", tmp_path / "f.safetensors"
    quantised.write_bytes(integer_model("s").to_bytes())
    exact.write_bytes(random_model(SHAPES["s"]).to_bytes())
    done = awbkit("export", quantised, "--to", "c", "-o", tmp_path / "out", "--check", data.path)
    assert done.code == 0, done.err
    assert done.record["compared"] == len(list(synthetic())) + len(list(prepared_cases(data.path)))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["awb.c", "awb.h"]
    for arguments, code, says in (
        ((quantised, "--to", "c", "-o", tmp_path / "out"), 1, "exists"),
        ((quantised, "--to", "c", "-o", exact), 2, "is a file; name a folder"),
        ((exact, "--to", "c", "-o", tmp_path / "new"), 2, "is of floating point; quantise it first"),
        ((quantised, "--to", "c"), 2, "no output named"),
        ((quantised, "--to", "tflight", "-o", tmp_path / "new"), 2, "--to"),
    ):
        failed = awbkit("export", *arguments)
        assert failed.code == code, failed.err
        assert says in failed.err
        assert len(failed.err.splitlines()) == 1
        assert not (tmp_path / "new").exists()

"""Data sets: downloads in every layout, archives, and the prepared form with its journals."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from awbkit.datasets.layout import Sample, layout_class, parse
from awbkit.datasets.matlab import read_mat
from awbkit.datasets.prepare import Preparation, load_stored_sample
from awbkit.datasets.spectral.sensitivities import read
from awbkit.store.source import Source
from tests.datasets import test_ambient6k as ambient6k
from tests.datasets import test_awb_nn as awb_nn
from tests.datasets import test_cube_plus as cube_plus
from tests.datasets import test_gehler_shi as gehler_shi
from tests.datasets import test_intel_tau as intel_tau
from tests.datasets import test_lsmi as lsmi
from tests.datasets import test_nus_8 as nus_8
from tests.datasets import test_simple_cube_pp as simple_cube_pp
from tests.fuzz.contract import Broken, complaint_fault
from tests.fuzz.target import Step, Target, command, small_files
from tests.fuzz.trees import made
from tests.helpers.dataset_files import cell, mat_bytes, write_png
from tests.helpers.evaluation_sets import write_prepared
from tests.helpers.labelled_folder import write_labelled_folder

CAMERAS = """{"Canon EOS 550D": {"matrices": [{"cct": 6504, "xyz_to_camera":
 [[0.69, -0.12, -0.09], [-0.38, 1.16, 0.25], [-0.04, 0.15, 0.6]]}]}, "Own": {"matrices": [{"cct": 2856,
 "xyz_to_camera": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}]}}"""


def _folder(folder: Path) -> None:
    write_labelled_folder(folder, 3, size=12)
    (folder / "cameras.json").write_text(CAMERAS)


def _cube_plus(folder: Path) -> None:
    (folder / "PNG").mkdir(parents=True)
    for number in cube_plus.LIGHTS:
        (folder / "PNG" / f"{number}.PNG").touch()
    for name in ("cube+_gt.txt", "cube+_left_gt.txt", "cube+_right_gt.txt"):
        cube_plus.write_truth(folder / name, cube_plus.LIGHTS)


def _lsmi(folder: Path) -> None:
    lsmi.write_place(folder, "galaxy", "Place1", ("1", "12"), lsmi.reflectances())
    lsmi.write_tables(folder, "galaxy", {"Place1": lsmi.entry(2)}, {"two_illum_train": ["Place1"]})


def _awb_nn(folder: Path) -> None:
    awb_nn.write_set(folder / "dataset-pisp")
    awb_nn.write_tunings(folder / "tunings")


def _ambient6k(folder: Path) -> None:
    write_png(folder / "Train" / "1_in.png", ambient6k.picture(1)[:24, :30])
    write_png(folder / "Train" / "1_gt.png", ambient6k.picture(2)[:20, :30])


def _cl3an(folder: Path) -> None:
    for number, name in enumerate(("Train/GT/12_GT.png", "Train/IN_CR/12/12_1_IN.png", "Train/IN_SH/12/12_1_IN.png")):
        write_png(folder / name, ambient6k.picture(3, (1.0, 1 - 0.2 * number, 0.9)))


def _sensitivities(folder: Path) -> None:
    folder.mkdir()
    for name, data in _curves().items():
        (folder / name).write_bytes(data)


def _curves() -> dict[str, bytes]:
    rows = {w: [np.exp(-(((w - middle) / 40) ** 2)) for middle in (600, 540, 450)] for w in range(380, 781, 20)}
    table = "".join(f"{w},{r:.4f},{g:.4f},{b:.4f}\n" for w, (r, g, b) in rows.items())
    spectra = ", ".join(f'"{w}": [{r:.4f}, {g:.4f}, {b:.4f}]' for w, (r, g, b) in rows.items())
    text = '{"header": {"manufacturer": "Acme", "model": "One"}, "spectral_data": {"index": {"main": ["R", "G", "B"]},'
    return {
        "a.csv": b"wavelength,r,g,b\n" + table.encode(),
        "a.json": f'{text} "data": {{"main": {{{spectra}}}}}}}}}'.encode(),
    }


LAYOUTS: dict[str, Callable[[Path], object]] = {
    "folder": _folder,
    "gehler-shi": gehler_shi.write_copy,
    "nus-8": nus_8.write_copy,
    "cube-plus": _cube_plus,
    "simple-cube-pp": lambda folder: simple_cube_pp.write_full(folder, pictures=False),
    "intel-tau": intel_tau.write_set,
    "lsmi": _lsmi,
    "awb-nn": _awb_nn,
    "ambient6k": _ambient6k,
    "cl3an": _cl3an,
    "rendered": _sensitivities,
}
TREES = {name: made(name, write) for name, write in LAYOUTS.items()}


def use_layout(name: str) -> Callable[[Path, Path], Iterator[Step]]:
    """List the samples of a download, and load the first two."""

    def use(given: Path, _: Path) -> Iterator[Step]:
        layout = parse("rendered:count=2" if name == "rendered" else name)
        samples: list[Sample] = []

        def listed() -> None:
            source = Source.open(given)
            for found in layout.samples(source):
                if isinstance(found, Sample):
                    samples.append(found)
                elif fault := complaint_fault(found.reason):
                    raise Broken(fault)
            layout.cameras(source, sorted({sample.camera for sample in samples}))

        def load(place: int) -> None:
            if place < len(samples):
                load_stored_sample(samples[place], layout=layout, source=Source.open(given))

        yield listed
        yield lambda: load(0)
        yield lambda: load(1)

    return use


def use_archive(given: Path, outputs: Path) -> Iterator[Step]:
    yield lambda: command("dataset", "prepare", "folder", given, "-o", outputs / "prepared", "-j", "1")


def _archives() -> dict[str, bytes]:
    packed, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files().items():
            archive.writestr(f"set/{name}", data)
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        for name, data in _files().items():
            info = tarfile.TarInfo(f"set/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return {"set.zip": packed.getvalue(), "set.tar": tarred.getvalue()}


def _files() -> dict[str, bytes]:
    return small_files(TREES["folder"]())


def use_prepared(given: Path, _: Path) -> Iterator[Step]:
    yield lambda: command("dataset", "inspect", given, "--verify")
    yield lambda: command("dataset", "inspect", given, "--format", "table")
    yield lambda: command("evaluate", given, "-m", "gray-world", "-m", "constant", "--rounds", "100", "-q", "-j", "1")


def _prepared(folder: Path) -> None:
    write_prepared(folder, ["Canon EOS 550D", "Nikon D810"])
    np.save(folder / "local.npy", np.zeros((2, 64, 64, 2), np.float16))
    (folder / "skipped.csv").write_text("image,reason\na,is empty\n")


PREPARED = made("prepared", _prepared)


def use_journal(given: Path, outputs: Path) -> Iterator[Step]:
    """Take up a preparation that was interrupted."""
    shutil.copytree(given, outputs / "out.unfinished")
    yield lambda: command("dataset", "prepare", "folder", TREES["folder"](), "-o", outputs / "out", "-j", "1")
    shutil.rmtree(outputs / "out.unfinished", ignore_errors=True)


def _unfinished(folder: Path) -> None:
    out = folder.with_name("interrupted")
    with Preparation(parse("folder"), Source.open(TREES["folder"]()), out) as preparation:
        for _ in preparation.run():
            pass
    out.with_name("interrupted.unfinished").rename(folder)
    (folder / "lock").unlink(missing_ok=True)


UNFINISHED = made("unfinished", _unfinished)


def use_answers(given: Path, outputs: Path) -> Iterator[Step]:
    """Go on with an evaluation that was interrupted."""
    shutil.copy(given, outputs / "answers.jsonl")
    yield lambda: _evaluated(outputs / "answers.jsonl")


def _evaluated(answers: Path) -> None:
    command("evaluate", PREPARED(), "-m", "gray-world", "--rounds", "100", "-q", "-j", "1", "--resume", answers)


def _answers() -> dict[str, bytes]:
    path = PREPARED().with_name("answers.jsonl")
    if not path.exists():
        _evaluated(path)
    return {"answers.jsonl": path.read_bytes()}


def _matrices() -> dict[str, bytes]:
    values = {"number": np.float64(3), "table": np.ones((3, 3)), "text": "text", "cells": cell(["a", np.ones(2)])}
    values["structures"] = np.array([("a", 1.0)], dtype=[("name", object), ("size", object)])
    return {"a.mat": mat_bytes(values), "plain.mat": mat_bytes(values, compressed=False)}


def use_bytes(reader: Callable[[bytes, str], object]) -> Callable[[Path, Path], Iterator[Step]]:
    def use(given: Path, _: Path) -> Iterator[Step]:
        yield lambda: reader(given.read_bytes(), given.name)

    return use


_SETS = "awbkit.datasets."
_ARCHIVES = ("archive:read_member", "archive:read_head", "source:Source.open", "source:Source.read")
_OF_LAYOUTS = {
    "folder": ("labels:read_labels", "layout:parse", "pixels:read_codes"),
    "lsmi": ("bayer:read_half_size",),
    "ambient6k": ("pixels:read_stored",),
    "intel-tau": ("prepare:load_stored_sample",),
    "awb-nn": ("rpi_tuning:RpiTuning.parse",),
    "gehler-shi": ("spyder_cube:load_cube",),
}


def _target(name: str) -> Target:
    readers = tuple(_SETS + reader for reader in _OF_LAYOUTS.get(name, ()))
    layout = layout_class(name)
    readers += (f"{layout.__module__}:{layout.__qualname__}.load",)
    return Target(name, readers, lambda: small_files(TREES[name]()), use_layout(name), TREES[name])


TARGETS = (
    *map(_target, LAYOUTS),
    Target("archive", tuple(f"awbkit.store.{name}" for name in _ARCHIVES), _archives, use_archive),
    Target("matlab", (_SETS + "matlab:read_mat",), _matrices, use_bytes(read_mat)),
    Target("sensitivity", (_SETS + "spectral.sensitivities:read",), _curves, use_bytes(read)),
    Target(
        "prepared",
        (_SETS + "prepared:Prepared.open", "awbkit.store.documents:read_json"),
        lambda: small_files(PREPARED()),
        use_prepared,
        PREPARED,
    ),
    Target(
        "journal", ("awbkit.store.documents:parse_line",), lambda: small_files(UNFINISHED()), use_journal, UNFINISHED
    ),
    Target("answers", (), _answers, use_answers),
)

"""Opening prepared folders: sound ones, and all that can be wrong with one."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awbkit.colour.camera import Camera
from awbkit.datasets.layout import parse
from awbkit.datasets.prepare import Preparation
from awbkit.datasets.prepared import COLUMNS, Prepared, Row, camera_from_json, camera_to_json
from awbkit.datasets.summary import light_map_share
from awbkit.errors import UnreadableFile
from awbkit.store.source import Source
from tests.helpers.labelled_folder import write_labelled_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    source = Source.open(write_labelled_folder(folder / "set", 5))
    with Preparation(parse("folder"), source, folder / "out") as preparation:
        list(preparation.run())
        return preparation.finish().path


def test_images_come_from_the_disk_as_they_are_needed(folder: Path) -> None:
    opened = Prepared.open(folder)
    assert isinstance(opened.thumbnails, np.memmap)
    assert isinstance(opened.valid, np.memmap)
    assert [image.valid.shape for image in opened.images()] == [(64, 64)] * 5
    assert [opened.light_map(index) for index in range(5)] == [None] * 5
    assert opened.name == "out"


@pytest.fixture
def spare(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder, tmp_path / "out")
    return tmp_path / "out"


def test_lights_by_cell_are_read_as_light_maps(spare: Path) -> None:
    local = np.full((5, 64, 64, 2), np.nan, np.float16)
    local[1, :32] = np.log(2), -np.log(2)
    np.save(spare / "local.npy", local)
    opened = Prepared.open(spare)
    assert [opened.light_map(index) is not None for index in range(5)] == [False, True, False, False, False]
    light = opened.light_map(1)
    assert light is not None
    assert light.chroma.astype(np.float16).tobytes() == local[1].tobytes()
    assert light.mean().gains == pytest.approx((0.5, 1, 2), rel=1e-3)
    assert light.camera == opened.image(1).camera
    assert light_map_share(opened) == 0.2


@pytest.mark.parametrize(
    ("local", "message"),
    [
        (np.zeros((4, 64, 64, 2), np.float16), "not of the same length"),
        (np.zeros((5, 64, 64, 2), np.float32), "has the shape"),
        (np.zeros((5, 64, 64, 3), np.float16), "has the shape"),
        (np.full((5, 64, 64, 2), np.inf, np.float16), "none of them infinite"),
        (np.full((5, 64, 64, 2), 60000, np.float16), "none of them infinite"),
    ],
)
def test_damaged_lights_by_cell_are_said_in_one_line(spare: Path, local: np.ndarray, message: str) -> None:
    np.save(spare / "local.npy", local)
    with pytest.raises(UnreadableFile, match=message) as caught:
        Prepared.open(spare).light_map(0)
    assert "\n" not in str(caught.value)


def _edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        info = json.loads((folder / "dataset.json").read_text())
        change(info)
        (folder / "dataset.json").write_text(json.dumps(info))

    return edit


def _json(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "dataset.json").write_text(text)


def _npy(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "thumbnails.npy").write_bytes(data)


def _header(text: str) -> bytes:
    """A NumPy file of format 1.0 with this text as its header, and plenty of numbers."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(200_000)


def _replace_in_index(old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / "index.csv").read_text()
        assert old in text
        (folder / "index.csv").write_text(text.replace(old, new))

    return edit


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), "no dataset.json"),
        (lambda folder: (folder / "index.csv").unlink(), r"without its index\.csv"),
        (lambda folder: (folder / "thumbnails.npy").unlink(), r"without its thumbnails\.npy"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "dataset.json").write_text("[1]"), "cannot be read"),
        (_edit(lambda info: info.update(schema=99)), "schema 99"),
        (_edit(lambda info: info.pop("cameras")), "cannot be read"),
        (_edit(lambda info: info["cameras"].pop("Nikon D810")), "Nikon D810"),
        (_edit(lambda info: info["cameras"]["Nikon D810"].update(matrices=[{"cct": 1}])), "cannot be read"),
        (_replace_in_index("img2", "img2\nimg3"), "cannot be read"),
        (_replace_in_index(",scene,", ",other,"), "cannot be read"),
        (_edit(lambda info: info.update(title=["\x1b"])), "its title is no text"),
        (_edit(lambda info: info.update(options=3)), "its options and cameras are no objects"),
        (_edit(lambda info: info["cameras"].update({"Nikon D810": 7})), "cannot be read"),
        (_json('{"schema": 1, "skipped": 1' + "0" * 5000 + "}"), "holds a number of 5001 digits"),
        (_json('{"schema":' + "[" * 100_000), "nests more than 100 levels"),
        (_json('{"schema": 1, "title": "\\ud800"}'), "holds half a surrogate pair"),
        (_json('{"schema": 1, "schema": 1}'), "states 'schema' twice"),
        (lambda folder: (folder / "index.csv").write_text("image,camera\n"), "has no column"),
        (_replace_in_index("img2", "x" * 200_000), "is no table"),
        (_replace_in_index(",0.", ",9."), "not of unit length"),
        (lambda folder: (folder / "index.csv").write_text(",".join(COLUMNS) + "\n"), "no lines below its header"),
        (lambda folder: (folder / "thumbnails.npy").write_bytes(b"no array"), "is damaged"),
        (_npy(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"), "is damaged"),
        (_npy(_header("{'descr': '<u2', 'fortran_order': False, 'shape': (5, 64, 64, 3)")), "is damaged"),
        (_npy(_header("{'descr': '<u2', 'fortran_order': False, 'shape': (5, -64, 64, 3)}")), "is damaged"),
        (_npy(_header("{'descr': '<u2', 'fortran_order': False, 'shape': (5L, 64")), "is damaged"),
        (_npy(_header("{'descr': '<u2', 'fortran_order': False, 'shape': (9" + "9" * 30 + ",)}")), "is damaged"),
        (_npy(_header("{'descr': '|O', 'fortran_order': False, 'shape': (5, 64, 64, 3)}")), "is damaged"),
        (_npy(_header("[" * 3000)), "is damaged"),
        (_npy(_header("{'descr': [(" * 50)), "is damaged"),
        (_npy(_header("__import__('os').system('id')")), "is damaged"),
        (_npy(b"PK\x03\x04"), "is damaged"),
        (_npy(b"PK\x05\x06" + bytes(18)), "is damaged"),
        (_npy(pickle.dumps(np.ones((5, 64, 64, 3), np.uint16))), "is damaged"),
        (lambda folder: np.save(folder / "thumbnails.npy", np.ones((5, 64, 64), np.uint16)), "shape"),
        (lambda folder: np.save(folder / "valid.npy", np.ones((4, 64, 64), bool)), "not of the same length"),
        (lambda folder: np.save(folder / "valid.npy", np.ones((5, 64, 64))), "float64"),
        (lambda folder: np.save(folder / "thumbnails.npy", np.ones((5, 32, 32, 3), np.uint16)), "shape"),
    ],
)
def test_damage_is_said_in_one_line(spare: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(spare)
    with pytest.raises(UnreadableFile, match=message) as caught:
        Prepared.open(spare)
    assert "\n" not in str(caught.value)


def test_an_unfinished_preparation_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("{}\n")
    with pytest.raises(UnreadableFile, match="unfinished work of awbkit dataset prepare"):
        Prepared.open(tmp_path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="awbkit dataset prepare"):
        Prepared.open(tmp_path)


_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
_numbers = st.floats(1e-3, 1e3)


@given(_names, st.tuples(_numbers, _numbers, _numbers), st.none() | _numbers, st.none() | _numbers, st.integers(-8, 14))
def test_a_row_is_read_back(
    name: str, light: tuple[float, float, float], exposure: float | None, spread: float | None, power: int
) -> None:
    unit = np.array(light) / np.linalg.norm(light)
    row = Row(name, name, name, name, (unit[0], unit[1], unit[2]), exposure, spread, 2.0**power)
    if (unit < 1e-5).any():
        return
    back = Row.of(dict(zip(COLUMNS, row.cells(), strict=True)))
    assert back.image == back.scene == name
    assert back.gain == row.gain
    np.testing.assert_allclose(back.illuminant, unit, atol=1e-6)
    assert back.exposure == (None if exposure is None else pytest.approx(exposure, rel=1e-5))
    assert back.spread == (None if spread is None else pytest.approx(spread, rel=1e-5))


def test_a_camera_is_read_back() -> None:
    camera = Camera("X", matrices=((2856.0, np.diag([0.5, 1, 0.7])), (6504.0, np.diag([0.6, 1, 0.8]))))
    assert camera_from_json("X", json.loads(json.dumps(camera_to_json(camera)))) == camera

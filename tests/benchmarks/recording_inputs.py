"""The inputs of ``recording.py``: small copies of every layout, pictures of several kinds, and files that are refused.

Nothing of awbkit is imported, so that the same inputs are written whatever has moved in it.
"""

from __future__ import annotations

import csv
import json
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]

WARM, COOL, EVEN = (1.0, 0.62, 0.28), (0.55, 0.85, 1.0), (1.0, 1.0, 1.0)
MATRIX = (0.6844, -0.0996, -0.0856, -0.3876, 1.1761, 0.2396, -0.0593, 0.1772, 0.6198)


def write_all(folder: Path, examples: Path) -> None:
    """All that the commands of a recording read, below one folder; ``examples`` has the pictures to begin with."""
    for source in sorted(examples.iterdir()):
        _write(folder / "examples" / source.name, source.read_bytes())
    _write_pictures(folder / "pictures")
    _write_refused(folder / "refused", (examples / "street_led.jpg").read_bytes())
    _write_lists(folder / "lists")
    for write in (_ambient6k, _awb_nn, _cl3an, _cube_plus, _gehler_shi, _intel_tau, _lsmi, _nus_8, _simple_cube_pp):
        write(folder / "downloads" / write.__name__.strip("_"))
    _labelled(folder / "downloads" / "labelled", count=24, size=64)
    _labelled(folder / "downloads" / "incomplete", count=4, size=32)
    (folder / "downloads" / "incomplete" / "images" / "img2.png").unlink()
    _zip(folder / "downloads" / "labelled")


def surfaces(seed: int, shape: tuple[int, int], light: Sequence[float], *, cell: int = 8, grey: bool = True) -> Array:
    """Linear RGB (height, width, 3) of matt patches under one light, at most 0.7."""
    rows, columns = -(-shape[0] // cell), -(-shape[1] // cell)
    reflectance = np.random.default_rng(seed).uniform(0.1, 0.7, (rows, columns, 1 if grey else 3))
    whole = np.kron(reflectance, np.ones((cell, cell, 1)))[: shape[0], : shape[1]]
    return whole * (np.array(light) / max(light))


def codes(linear: Array, black: int = 0, white: int = 65535) -> Array:
    """uint16 numbers between a black and a white level."""
    return np.rint(black + np.clip(linear, 0, 1) * (white - black)).astype(np.uint16)


def srgb(linear: Array) -> Array:
    """uint8 numbers with sRGB's curve."""
    share = np.clip(linear, 0, 1)
    curved = np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved).astype(np.uint8)


def _write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _png(path: Path, pixels: Array) -> None:
    _write(path, imagecodecs.png_encode(np.ascontiguousarray(pixels), level=1))


def _mat(path: Path, **variables: Any) -> None:
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables, do_compression=True)
    # The text at the head of a MATLAB file tells when it was written.
    content = path.read_bytes()
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(116) + content[116:])


def _cell(values: Sequence[Any]) -> Array:
    array = np.empty((len(values), 1), dtype=object)
    array[:, 0] = values
    return array


def _zip(folder: Path) -> None:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(zipfile.ZipInfo(str(path.relative_to(folder.parent))), path.read_bytes())


def _dng(path: Path, linear: Array, make: str, model: str, black: int = 512, white: int = 16383) -> None:
    """An RGGB mosaic of camera RGB."""
    samples = codes(linear, black, white)
    mosaic = samples[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = samples[::2, ::2, 0], samples[1::2, 1::2, 2]
    ascii, byte, short, long, signed = 2, 1, 3, 4, 10
    fractions = tuple(number for value in MATRIX for number in (round(value * 10_000), 10_000))
    tags = [
        (50706, byte, 4, (1, 4, 0, 0), True),
        *((code, ascii, 0, text, True) for code, text in ((271, make), (272, model), (50708, f"{make} {model}"))),
        (274, short, 1, 1, True),
        (33421, short, 2, (2, 2), True),
        (33422, byte, 4, (0, 1, 1, 2), True),
        (50714, long, 1, black, True),
        (50717, long, 1, white, True),
        (50721, signed, 9, fractions, True),
        (50778, short, 1, 21, True),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, mosaic, photometric=32803, metadata=None, software=False, extratags=tags)


def _write_pictures(folder: Path) -> None:
    """Orientation, alpha, 16 bits, text chunks, floating point, a camera's linear numbers, two raws by one camera."""
    folder.mkdir(parents=True)
    scene = surfaces(1, (96, 128), WARM, grey=False)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110], exif[0x0132] = 6, "Acme", "One", "2020:02:02 02:02:02"
    Image.fromarray(srgb(scene)).save(folder / "turned.jpg", quality=92, exif=exif)
    alpha = np.dstack([srgb(scene), np.linspace(0, 255, 96, dtype=np.uint8)[:, None].repeat(128, 1)])
    Image.fromarray(alpha).save(folder / "alpha.png")
    Image.fromarray(srgb(scene)).save(folder / "small.webp", lossless=True)
    _png(folder / "sixteen.png", codes(scene**0.45))
    tifffile.imwrite(folder / "float.tif", scene.astype(np.float32), photometric="rgb", software=False, metadata=None)
    _png(folder / "camera.png", codes(surfaces(2, (96, 128), COOL)))
    Image.fromarray(srgb(surfaces(3, (96, 128), EVEN))).save(folder / "neutral.jpg", quality=92)
    for number, light in enumerate((WARM, COOL)):
        _dng(folder / "raws" / f"raw{number}.dng", surfaces(4 + number, (128, 192), light, grey=False), "Acme", "One")


def _write_refused(folder: Path, jpeg: bytes) -> None:
    _write(folder / "cut.jpg", jpeg[: len(jpeg) // 3])
    _write(folder / "text.jpg", "no picture\n")
    _write(folder / "empty.png", b"")
    grey = surfaces(6, (64, 64), EVEN)
    Image.fromarray(srgb(grey)[..., 0]).save(folder / "grayscale.png")
    Image.fromarray(srgb(grey)).convert("CMYK").save(folder / "cmyk.jpg")
    frames = [Image.fromarray(srgb(surfaces(seed, (64, 64), WARM))) for seed in (1, 2)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    _write(folder / "bomb.png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + bytes(4))
    _write(folder / "records.jsonl", '{"path": "examples/street_led.jpg", "gains": [1, 2]}\n')
    _write(folder / "model.safetensors", "no model")
    _write(folder / "recipe.toml", "stepps = 3\n")
    _write(folder / "theirs.csv", "image,r,g\na,1,1\n")


def _write_lists(folder: Path) -> None:
    """Paths, edited records, predictions of another program, a recipe, an estimator of one's own."""
    paths = ("examples/street_led.jpg", "pictures/alpha.png", "nowhere.jpg")
    _write(folder / "paths.txt", "".join(f"{path}\n" for path in paths))
    _write(folder / "paths.nul", "".join(f"{path}\0" for path in paths))
    edited = ({"gains": [0.8, 1, 1.7]}, {"cct": 3000, "duv": 0.001}, {"illuminant": [0.7, 0.6, 0.4]})
    pictures = ("street_led.jpg", "lane_shade.jpg", "market_tungsten.dng")
    records = [{"path": f"examples/{name}", **light} for name, light in zip(pictures, edited, strict=True)]
    _write(folder / "edited.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    _write(folder / "edited.csv", "path,gains_r,gains_g,gains_b\nexamples/street_led.jpg,0.8,1,1.7\n")
    rows = (f"img{index},{0.5 + 0.02 * index},1,{0.8 - 0.01 * index}\n" for index in range(23))
    _write(folder / "theirs.csv", "image,r,g,b\n" + "".join(rows))
    recipe = 'arch = "awbnet-nano"\nsteps = 8\nbatch_size = 8\nvariants = 1\nteachers = 0\nvalidation = 0.3\nseed = 4\n'
    _write(folder / "recipe.toml", recipe)
    _write(folder / "model.py", "def estimate(image):\n    return image.pixels[image.valid].mean(axis=0)\n")


def _labelled(folder: Path, count: int, size: int) -> None:
    """The layout ``folder``: linear PNGs by two cameras, two pictures a scene, and a camera that states its matrix."""
    rows = [("image", "camera", "scene", "fold", "r", "g", "b")]
    for index in range(count):
        light = 0.4 + 0.05 * (index % 9), 1.0, 0.9 - 0.06 * (index % 7)
        _png(folder / "images" / f"img{index}.png", codes(surfaces(index, (size, size), light, cell=4, grey=False)))
        camera = ("Canon EOS 550D", "Acme One")[index % 2]
        rows.append((f"img{index}", camera, f"s{index // 2}", ("a", "b", "c")[index // 2 % 3], *map(str, light)))
    with (folder / "ground_truth.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    matrix = [list(MATRIX[3 * row : 3 * row + 3]) for row in range(3)]
    _write(folder / "cameras.json", json.dumps({"Acme One": {"matrices": [{"cct": 6504, "xyz_to_camera": matrix}]}}))


def _ambient6k(folder: Path) -> None:
    for number, scene in ((1, 90), (2, 90), (3, 91)):
        _png(folder / "Train" / f"{number}_in.png", srgb(surfaces(number, (96, 128), EVEN)))
        _png(folder / "Train" / f"{number}_gt.png", srgb(surfaces(scene, (96, 128), EVEN)))


def _awb_nn(folder: Path) -> None:
    """Balanced for 5000 K and turned by the tuning file's matrix, as the project's own converter does."""
    curve = [2800.0, 0.75, 0.35, 4000.0, 0.60, 0.50, 6500.0, 0.45, 0.65, 8000.0, 0.40, 0.70]
    ccm = [1.8, -0.5, -0.3, -0.3, 1.6, -0.3, 0.0, -0.6, 1.6]
    algorithms: list[dict[str, Any]] = [
        {"rpi.black_level": {"black_level": 4096}},
        {"rpi.awb": {"ct_curve": curve, "sensitivity_r": 0.9, "sensitivity_b": 1.1, "bayes": 1}},
        {"rpi.ccm": {"ccms": [{"ct": 3000, "ccm": ccm}, {"ct": 7000, "ccm": ccm}]}},
        {"rpi.alsc": {"n_iter": 100}},
    ]
    text = json.dumps({"version": 2.0, "target": "pisp", "algorithms": algorithms})
    for target, shape in (("pisp", (32, 32)), ("vc4", (12, 16))):
        _write(folder / "tunings" / target / "imx001.json", text)
        for number, (user, kelvin) in enumerate((("ann1", 5250), ("ann2", 5250), ("bob", 2800))):
            linear = 0.4 * surfaces(number, shape, (0.5, 1.0, 0.6), cell=2)
            turned = (linear / (0.54 * 0.9, 1, 0.56 * 1.1)) @ np.array(ccm).reshape(3, 3).T
            name = f"{user},imx001,{number:05d},{kelvin},321,5100.png"
            _png(folder / f"dataset-{target}" / "train" / name, codes(turned))


def _cl3an(folder: Path) -> None:
    for split, key in (("Train", "12"), ("Validation", "7")):
        scene = surfaces(int(key), (150, 200), EVEN, cell=10, grey=False)
        _png(folder / split / "GT" / f"{key}_GT.png", srgb(scene))
        for number, light in ((1, WARM), (2, COOL)):
            _png(folder / split / "IN_CR" / key / f"{key}_{number}_IN.png", srgb(scene * light))
        shadow = f"{key}_1_IN.png" if split == "Train" else f"{key}_1_SH_IN.png"
        _png(folder / split / "IN_SH" / key / shadow, srgb(scene * 0.6))


def _cube_plus(folder: Path) -> None:
    _png(folder / "PNG" / "1.PNG", codes(surfaces(1, (1732, 2601), WARM, cell=40), 2048, 15_100))
    for name in ("gt", "left_gt", "right_gt"):
        _write(folder / f"cube+_{name}.txt", f"{WARM[0]} {WARM[1]} {WARM[2]}\r\n" * 2)


def _gehler_shi(folder: Path) -> None:
    names, truth = ("8D5U5524", "IMG_0281", "IMG_0903"), np.array([WARM, COOL, (0.5, 0.8, 0.4)])
    for name, light in zip(names, truth, strict=True):
        black, white = (129, 3692) if name.startswith("IMG") else (0, 3300)
        _png(folder / "png" / f"{name}.png", codes(surfaces(1, (146, 219), light), black, white))
        corners = "2190 1460\r\n300 300\r\n900 300\r\n300 700\r\n900 700\r\n"
        _write(folder / "coordinates" / f"{name}_macbeth.txt", corners)
    _mat(folder / "ColorCheckerData.mat", REC_groundtruth=truth)
    _mat(folder / "groundtruth_568" / "real_illum_568..mat", real_rgb=truth[:, ::-1].copy())
    files = np.array([[(f"{name}.tif", 12.0)] for name in names], dtype=[("name", object), ("bytes", object)])
    folds = _cell([np.array([[number]], np.uint16) for number in (3, 1, 2)]).T
    _mat(folder / "threefoldCVsplit.mat", Xfiles=files, te_split=folds, tr_split=folds)


def _intel_tau(folder: Path) -> None:
    for camera, short in (
        ("Canon_5DSR", "C_5DSR"),
        ("Nikon_D810", "N_D810"),
        ("Sony_IMX135_BLCCSC", "S_IMX135_BLCCSC"),
    ):
        path = folder / camera / "field_3_cameras" / f"{short}_field3cam_001.tiff"
        path.parent.mkdir(parents=True)
        tifffile.imwrite(path, codes(surfaces(1, (96, 128), WARM)), photometric="rgb", software=False, metadata=None)
        _write(path.with_suffix(".wp"), " ".join(map(str, WARM)) + "\n")


def _lsmi(folder: Path) -> None:
    height, width = 256, 384
    charts = {"mcc1": [[40, 40], [120, 36], [124, 92], [36, 96]], "mcc2": [[250, 40], [320, 40], [320, 90], [250, 90]]}
    right = np.arange(width)[None, :, None] / width
    surface = surfaces(1, (height, width), EVEN, cell=16)
    first, second = surface * (1 - right) * WARM * 0.5, surface * right * COOL * 0.5
    for name, picture in (("1", first), ("12", first + second)):
        _dng(folder / "galaxy" / "Place1" / f"Place1_{name}.dng", picture, "samsung", "SM-N986N")
    entry = {"NumOfLights": 2, "MCCCoord": charts, "Light1": list(WARM), "Light2": list(COOL)}
    _write(folder / "galaxy" / "meta.json", json.dumps({"Place1": entry}))
    _write(folder / "galaxy" / "split.json", json.dumps({"two_illum_train": ["Place1"]}))


def _nus_8(folder: Path) -> None:
    for body, black, white in (("Canon600D", 2048, 15303), ("NikonD40", 0, 3981)):
        names = [f"{body}_{number:04d}" for number in (1, 3)]
        for name in names:
            _png(folder / body / "PNG" / f"{name}.PNG", codes(surfaces(1, (200, 300), WARM), black, white))
            _write(folder / body / "CHECKER" / f"{name}_mask.txt", "31,101,90,50\n0,0,10,10\n")
        _mat(
            folder / body / f"{body}_gt.mat",
            groundtruth_illuminants=np.array([WARM, WARM]),
            CC_coords=np.array([(101, 150, 31, 120)] * 2, np.uint16),
            darkness_level=np.float64(black),
            saturation_level=np.uint16(white),
            all_image_names=_cell(names),
        )


def _simple_cube_pp(folder: Path) -> None:
    for split, name in (("train", "00_0002"), ("test", "00_0004")):
        _png(folder / split / "PNG" / f"{name}.png", codes(surfaces(1, (432, 648), COOL), 2048, 15_000))
        _write(folder / split / "gt.csv", f"image,mean_r,mean_g,mean_b\n{name},{COOL[0]},{COOL[1]},{COOL[2]}\n")

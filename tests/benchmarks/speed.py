"""How fast estimate and correct are, as ratios against bare codecs measured in the same run.

    python tests/benchmarks/speed.py [--files 12] [--rounds 7] [--only NAME ...]

It makes its own 24-megapixel pictures: photographs have 1/f spectra and a little noise, and so have these. Each
comparison alternates both sides and gives the median of the ratios, pair by pair, with the quartiles.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import imagecodecs
import numpy as np
import rawpy
import simplejpeg
from PIL import Image

from awbkit.colour.camera import LINEAR_SRGB
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.correction.von_kries import Correction
from awbkit.estimators.registry import DEFAULT, parse
from awbkit.files.encoding import srgb_to_linear
from awbkit.store.find import FoundImage
from awbkit.store.outputs import IfExists
from awbkit.tasks import estimate_file

WIDTH, HEIGHT = 6000, 4000
AWBKIT = [sys.executable, "-m", "awbkit"]
OPENCV_ESTIMATE = """
import sys, cv2
blue, green, red = cv2.imread(sys.argv[1], cv2.IMREAD_REDUCED_COLOR_8).mean(axis=(0, 1))
print(green / red, 1, green / blue)
"""
OPENCV_CORRECT = """
import sys, cv2, numpy as np
pixels = cv2.imread(sys.argv[1])
means = np.array(cv2.mean(pixels)[:3])
codes = np.arange(256)[:, None] * (means[1] / means)
cv2.imwrite(sys.argv[2], cv2.LUT(pixels, np.rint(np.clip(codes, 0, 255)).astype(np.uint8)[:, None]))
"""
"""Gray-world in gamma-coded values."""


def picture(seed: int) -> np.ndarray:
    """uint8 (HEIGHT, WIDTH, 3) with the spectrum of a photograph."""
    rng = np.random.default_rng(seed)
    planes = []
    for _ in range(3):
        plane = np.zeros((HEIGHT, WIDTH), np.float32)
        for size in (4, 8, 16, 64, 256, 1024):
            coarse = rng.normal(size=(HEIGHT // size + 2, WIDTH // size + 2)).astype(np.float32)
            plane += np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) * size**0.5
        planes.append(plane / plane.std())
    gray, red, blue = planes
    stack = np.stack([gray * 0.2 + 0.08 * red, gray * 0.2, gray * 0.2 + 0.08 * blue], axis=-1) + np.float32(0.42)
    stack += rng.normal(size=stack.shape).astype(np.float32) * np.float32(0.012)
    return (np.clip(stack, 0, 1) * 255).astype(np.uint8)


def write_dng(path: Path, rgb: np.ndarray, *, compressed: bool) -> None:
    """A 12-bit RGGB DNG of the picture, its tiles plain or in lossless JPEG."""
    rng = np.random.default_rng(1)
    mosaic = np.empty((HEIGHT, WIDTH), np.float32)
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[y::2, x::2] = srgb_to_linear(rgb[y::2, x::2, channel] / 255.0) * 3500 + 256
    raw = np.clip(mosaic + rng.normal(size=mosaic.shape) * 6, 0, 4095).astype(np.uint16)
    tiles = [raw[y : y + 500, x : x + 500] for y in range(0, HEIGHT, 500) for x in range(0, WIDTH, 500)]
    data = [
        imagecodecs.ljpeg_encode(np.ascontiguousarray(t), bitspersample=12) if compressed else t.tobytes()
        for t in tiles
    ]
    data = [part + b"\0" * (len(part) % 2) for part in data]
    matrix = (6941, -1164, -857, -3825, 11597, 2534, -416, 1540, 6039)
    offsets = list(np.cumsum([8, *map(len, data)])[:-1])
    tags: dict[int, tuple[str, list[int] | bytes]] = {
        254: ("I", [0]),
        256: ("I", [WIDTH]),
        257: ("I", [HEIGHT]),
        258: ("H", [16]),
        259: ("H", [7 if compressed else 1]),
        262: ("H", [32803]),
        271: ("s", b"Bench\0"),
        272: ("s", b"Mark\0"),
        277: ("H", [1]),
        322: ("I", [500]),
        323: ("I", [500]),
        324: ("I", [int(o) for o in offsets]),
        325: ("I", [len(part) for part in data]),
        33421: ("H", [2, 2]),
        33422: ("B", b"\0\1\1\2"),
        50706: ("B", b"\1\4\0\0"),
        50714: ("I", [256]),
        50717: ("I", [4095]),
        50721: ("i", [v for m in matrix for v in (m, 10000)]),
        50728: ("I", [1, 2, 1, 1, 2, 3]),
        50778: ("H", [21]),
    }
    kinds = {"I": 4, "H": 3, "s": 2, "B": 1, "i": 10}
    start = 8 + sum(map(len, data))
    extra_at = start + 2 + 12 * len(tags) + 4
    table, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        content = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{kind}", *values)
        number = 5 if tag == 50728 else kinds[kind]
        count = len(content) // {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 10: 8}[number]
        if len(content) <= 4:
            table += struct.pack("<HHI", tag, number, count) + content.ljust(4, b"\0")
        else:
            table += struct.pack("<HHII", tag, number, count, extra_at + len(extra))
            extra += content + b"\0" * (len(content) % 2)
    with path.open("wb") as file:
        file.write(b"II*\0" + struct.pack("<I", start) + b"".join(data))
        file.write(struct.pack("<H", len(tags)) + table + bytes(4) + extra)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_time(work: Callable[[], object]) -> float:
    """Of the processes that the work starts: on idle cores the time of one thread, and hardly changed by other load."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(
    title: str,
    ours: Callable[[], object],
    yardstick: Callable[[], object],
    rounds: int,
    measure: Callable[[Callable[[], object]], float] = timed,
) -> None:
    """Print the median ratio ours / yardstick over alternating runs, after one warm-up of each."""
    ours(), yardstick()
    pairs = [(measure(ours), measure(yardstick)) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    first, _, third = statistics.quantiles(ratios, n=4)
    a, b = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
    print(
        f"| {title} | {a:.0f} ms | {b:.0f} ms | **{statistics.median(ratios):.2f}** ({first:.2f} to {third:.2f}) |",
        flush=True,
    )


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def peak_memory(command: list[str]) -> float:
    """MiB of the largest process of a command, in a fresh parent so that no earlier child counts."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=-3, stderr=-3);"
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    return float(
        subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True).stdout
    )


def scaled_decoders(data: bytes) -> dict[str, Callable[[], object]]:
    import io

    import pyvips

    def pillow() -> None:
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (WIDTH // 8, HEIGHT // 8))
        image.load()

    return {
        "simplejpeg": lambda: simplejpeg.decode_jpeg(data, min_width=WIDTH // 8, min_height=HEIGHT // 8),
        "Pillow": pillow,
        "libvips": lambda: pyvips.Image.jpegload_buffer(data, shrink=8).write_to_memory(),
    }


def estimate_jpeg(folder: Path, files: list[Path], rounds: int) -> None:
    """Against the fastest bare decode at 1/8, and against a full decode with gray-world on top."""
    methods = (parse(DEFAULT),)
    table = srgb_to_linear(np.arange(256) / 255.0).astype(np.float32)
    for path in (files[0], files[-1]):
        data = path.read_bytes()
        decoders = scaled_decoders(data)
        speeds = {name: statistics.median(timed(decode) for _ in range(rounds)) for name, decode in decoders.items()}
        fastest = min(speeds, key=lambda name: speeds[name])
        mega = len(data) / 1e6
        compare(
            f"estimate, 24 MP JPEG of {mega:.0f} MB / scaled decode by {fastest}",
            lambda path=path: estimate_file(FoundImage(path), methods=methods),
            decoders[fastest],
            rounds,
        )

        def gray_world(data: bytes = data) -> None:
            parse("gray-world").estimate(LinearImage.from_array(table[simplejpeg.decode_jpeg(data)]))

        def plain_mean(data: bytes = data) -> None:
            np.mean(simplejpeg.decode_jpeg(data).reshape(-1, 3), axis=0)

        ours = lambda path=path: estimate_file(FoundImage(path), methods=(parse("gray-world"),))  # noqa: E731
        compare(f"gray-world, {mega:.0f} MB / the same on a full decode", ours, gray_world, rounds)
        compare(f"gray-world, {mega:.0f} MB / full decode and mean of its bytes", ours, plain_mean, rounds)


def estimate_raw(folder: Path, files: list[Path], rounds: int) -> None:
    """Against LibRaw's open and unpack."""
    rgb = simplejpeg.decode_jpeg(files[0].read_bytes())
    for compressed in (False, True):
        path = folder / f"raw_{compressed}.dng"
        write_dng(path, rgb, compressed=compressed)

        def unpack(path: Path = path) -> None:
            with rawpy.imread(str(path)) as raw:
                raw.unpack()

        compare(
            f"estimate, 24 MP DNG, {'lossless JPEG' if compressed else 'uncompressed'} / LibRaw open and unpack",
            lambda path=path: estimate_file(FoundImage(path), methods=(parse(DEFAULT),)),
            unpack,
            rounds,
        )


def processes(folder: Path, files: list[Path], rounds: int) -> None:
    """One process against two, and memory against the number of files; whole processes."""
    many = []
    for copy in range(100):
        link = folder / f"link_{copy:03}.jpg"
        os.link(files[copy % len(files)], link)
        many.append(str(link))
    command = [*AWBKIT, "estimate", "-q"]
    compare(
        f"estimate, {len(many)} JPEGs, whole process: -j 1 / -j 2",
        lambda: run(*command, "-j1", *many),
        lambda: run(*command, "-j2", *many),
        max(3, rounds // 3),
    )
    for jobs in ("-j1", "-j2"):
        few, all_ = peak_memory([*command, jobs, *many[:3]]), peak_memory([*command, jobs, *many])
        print(
            f"| peak memory, estimate {jobs}, {len(many)} files / 3 files "
            f"| {all_:.0f} MiB | {few:.0f} MiB | **{all_ / few:.2f}** |"
        )


def correct_jpeg(folder: Path, files: list[Path], rounds: int) -> None:
    """JPEG to JPEG against libjpeg-turbo's own decode and encode."""
    import awbkit
    from awbkit.api import write

    correction = Correction(Illuminant.of((1, 0.62, 0.28), LINEAR_SRGB))
    for path, quality, sampling in ((files[0], 90, "420"), (files[-1], 95, "444")):

        def transcode(path: Path = path, quality: int = quality, sampling: str = sampling) -> None:
            pixels = simplejpeg.decode_jpeg(path.read_bytes())
            (folder / "yardstick.jpg").write_bytes(
                simplejpeg.encode_jpeg(pixels, quality=quality, colorsubsampling=sampling)
            )

        compare(
            f"correct, 24 MP JPEG of {path.stat().st_size / 1e6:.0f} MB, {sampling} / decode and encode",
            lambda path=path: write(awbkit.open(path), correction, folder / "ours.jpg", IfExists.REPLACE),
            transcode,
            rounds,
        )


def start_up(folder: Path, files: list[Path], rounds: int) -> None:
    """What starting takes beyond bare Python, pair by pair, in processor time."""
    bare = [sys.executable, "-c", "pass"]
    run(*AWBKIT, "--help"), run(*bare)
    for option in ("--version", "--help"):
        pairs = [
            (processor_time(lambda o=option: run(*AWBKIT, o)), processor_time(lambda: run(*bare)))
            for _ in range(3 * rounds)
        ]
        ours, python = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
        first, more, third = (value * 1e3 for value in statistics.quantiles((a - b for a, b in pairs), n=4))
        title = f"awbkit {option} / bare Python"
        print(f"| {title} | {ours:.0f} ms | {python:.0f} ms | **+{more:.0f} ms** ({first:.0f} to {third:.0f}) |")


def opencv(folder: Path, files: list[Path], rounds: int) -> None:
    """Whole processes on one picture against scripts of five lines, with OpenCV and without metadata."""
    if find_spec("cv2") is None:
        print("| OpenCV is not installed (pip install opencv-python-headless) | | | |")
        return
    picture, ours, theirs = str(files[0]), str(folder / "ours.jpg"), str(folder / "theirs.jpg")
    script = [sys.executable, "-c"]
    for measure, unit in ((timed, "time"), (processor_time, "processor time")):
        compare(
            f"awbkit estimate, 24 MP JPEG, whole process, {unit} / OpenCV's reduced decode and mean",
            lambda: run(*AWBKIT, "estimate", picture),
            lambda: run(*script, OPENCV_ESTIMATE, picture),
            2 * rounds,
            measure,
        )
        compare(
            f"awbkit correct, 24 MP JPEG, whole process, {unit} / OpenCV's decode, gray-world and encode",
            lambda: run(*AWBKIT, "correct", picture, "-o", ours, "--if-exists", "replace"),
            lambda: run(*script, OPENCV_CORRECT, picture, theirs),
            2 * rounds,
            measure,
        )


BENCHMARKS = {f.__name__: f for f in (estimate_jpeg, estimate_raw, processes, correct_jpeg, start_up, opencv)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="awbkit-bench-"))
    try:
        rgb = picture(0)
        files = []
        for index in range(options.files):
            path = folder / f"{index:03}.jpg"
            last = index == options.files - 1
            Image.fromarray(np.roll(rgb, 97 * index, axis=1)).save(
                path, quality=95 if last else 90, subsampling=0 if last else 2
            )
            files.append(path)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
        print("| ours / yardstick | ours | yardstick | ratio (quartiles) |\n|---|---|---|---|", flush=True)
        for name in options.only:
            BENCHMARKS[name](folder, files, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

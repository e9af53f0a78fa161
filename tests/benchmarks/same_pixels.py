"""How far apart the answers are that the same pixels get from files of different formats.

    python tests/benchmarks/same_pixels.py PHOTOGRAPH... [--long-side PIXELS ...] [--method NAME ...] [--each]

Each photograph, reduced to one of several sizes, is compressed as a JPEG of some quality and chroma sampling. The
pixels that this JPEG holds, decoded in full, go into the other files, into lossy ones at a high quality.

Mean and greatest distance in degrees between a JPEG and the same pixels without loss (TIFF of 8 bits, and of 16 with a
profile, which agree to 0.001), of wallpapers that Debian ships and sample pictures of PyPI packages:

    method         84 of 640 to 6000 pixels, before and now        19 of 4.3 to 24 megapixels, before and now
    awbnet         0.48 / 2.94          0.012 / 0.46               0.35 / 1.64          0.265 / 1.13
    bright-gray    0.50 / 4.89          0.007 / 0.54               0.26 / 0.86          0.098 / 0.49
    gray-world     0.23 / 5.22          0.001 / 0.02               0.08 / 0.24          0.039 / 0.16
    white-patch    0.42 / 3.00          0.000 / 0.02               0.32 / 1.81          0.075 / 0.33

Up to 4 megapixels the answers are the same. Beyond, where the JPEG's decoder scales, what is left is `awbnet`'s: which
hundredth of a picture is the greyest changes with the last bit of its numbers.

Of 20 JPEGs of 4.9 to 24 megapixels, the scaled decode and the means of the whole one are 0.34 / 2.43 apart, 18 of them
at most 0.59. More bits from the scaled decode do not mend it: block means that are neither rounded nor clipped are 0.30
/ 2.30 apart, and 0.17 / 2.05 where pixels are clipped one by one but chroma is repeated. On 8 of them, on a busy
machine, the whole decode took 1.2 to 2.7 times the processor time, 1.3 to 3.7 times with the means: it stays scaled.

Lossy files hold other pixels: 18 of the 84 move `awbnet` by 0.08 / 0.22 in HEIC of 4:4:4, 0.16 / 0.77 in 10 bits,
0.21 / 0.72 in AVIF and 0.36 / 1.20 in WebP.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pillow_heif
import pyvips
import tifffile
from PIL import Image, ImageCms

import awbkit
from awbkit.evaluation.angles import recovery_error

Pixels = np.ndarray

LONG_SIDES = (640, 1100, 1536, 800, 2048, 640, 1024, 2600, 900, 1300, 640, 6000)
QUALITIES = (75, 85, 90, 95, 98)
SAMPLINGS = (2, 0, 1)
"""Pillow's numbers of 4:2:0, 4:4:4 and 4:2:2."""

METHODS = ("awbnet", "bright-gray", "gray-world", "white-patch")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def vips(pixels: Pixels, profile: bytes | None = None) -> pyvips.Image:
    image = pyvips.Image.new_from_array(pixels)
    image = image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def in_16_bits(pixels: Pixels) -> Pixels:
    return pixels.astype(np.uint16) * 257


def opaque(pixels: Pixels) -> Pixels:
    return np.dstack([pixels, np.full_like(pixels[..., 0], 255)])


def heic(path: Path, pixels: Pixels) -> None:
    mode = "RGB;16" if pixels.dtype == np.uint16 else "RGB"
    image = pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes())
    image.save(path, quality=95, chroma=444, enc_params={"preset": "ultrafast"})


Writer = Callable[[Path, Pixels], object]

FORMATS: dict[str, tuple[str, Writer]] = {
    "PNG": (".png", lambda path, x: vips(x).pngsave(str(path), compression=1)),
    "PNG, profile": (".png", lambda path, x: vips(x, PROFILE).pngsave(str(path), compression=1)),
    "PNG, alpha": (".png", lambda path, x: vips(opaque(x)).pngsave(str(path), compression=1)),
    "PNG, 16 bits": (".png", lambda path, x: vips(in_16_bits(x)).pngsave(str(path), compression=1)),
    "TIFF": (".tif", lambda path, x: tifffile.imwrite(path, x, photometric="rgb")),
    "TIFF, 16 bits, profile": (
        ".tif",
        lambda path, x: tifffile.imwrite(path, in_16_bits(x), photometric="rgb", iccprofile=PROFILE),
    ),
    "WebP": (".webp", lambda path, x: vips(x).webpsave(str(path), lossless=True, effort=0)),
    "WebP, lossy": (".webp", lambda path, x: vips(x).webpsave(str(path), Q=95, effort=0)),
    "AVIF": (".avif", lambda path, x: vips(x).heifsave(str(path), compression="av1", Q=90, effort=0)),
    "HEIC": (".heic", heic),
    "HEIC, 10 bits": (".heic", lambda path, x: heic(path, in_16_bits(x))),
}
LOSSY = ("WebP, lossy", "AVIF", "HEIC", "HEIC, 10 bits")


def write_jpeg(photograph: Path, number: int, side: int, path: Path) -> None:
    """A JPEG of the photograph, its long side at most ``side``, by its number of one of the qualities and samplings."""
    with Image.open(photograph) as stored:
        image = stored.convert("RGB")
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    quality, sampling = QUALITIES[number % len(QUALITIES)], SAMPLINGS[number // 2 % len(SAMPLINGS)]
    image.save(path, quality=quality, subsampling=sampling, progressive=number % 7 == 0)


def answers(
    photograph: Path, number: int, side: int, folder: Path, methods: Sequence[str]
) -> dict[str, list[tuple[float, ...]]]:
    """RGB of each method's light, by format."""
    jpeg = folder / "a.jpg"
    write_jpeg(photograph, number, side, jpeg)
    pixels = pyvips.Image.jpegload(str(jpeg)).numpy()
    found = {"JPEG": jpeg}
    for place, (name, (suffix, write)) in enumerate(FORMATS.items()):
        found[name] = folder / f"{place}{suffix}"
        write(found[name], pixels)
    return {name: [awbkit.estimate(path, method).rgb for method in methods] for name, path in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("--long-side", nargs="+", type=int, default=LONG_SIDES, help="at most, by turns")
    parser.add_argument("--method", nargs="+", default=METHODS)
    parser.add_argument("--each", action="store_true", help="print every photograph's distances from its JPEG")
    chosen = parser.parse_args()
    lights = []
    with tempfile.TemporaryDirectory() as folder:
        for number, photograph in enumerate(chosen.photographs):
            side = chosen.long_side[number % len(chosen.long_side)]
            found = answers(photograph, number, side, Path(folder), chosen.method)
            lights.append([found[name] for name in ("JPEG", *FORMATS)])
            if chosen.each:
                first, *others = np.array(lights[-1])
                print(photograph.name, *(f"{recovery_error(o[0], first[0]):.2f}" for o in others), flush=True)
    report(np.array(lights), chosen.method)


def report(lights: Pixels, methods: Sequence[str]) -> None:
    """Distances of each format from JPEG, and of the pair farthest apart; lights are (N, formats, methods, 3)."""
    names = ("JPEG", *FORMATS)
    print(f"{len(lights)} photographs; mean, 95th percentile and greatest distance in degrees")
    for index, method in enumerate(methods):
        pairs = {
            (names[a], names[b]): recovery_error(lights[:, a, index], lights[:, b, index])
            for a, b in combinations(range(len(names)), 2)
        }
        print(f"\n{method}")
        for name in FORMATS:
            print(f"  JPEG and {name:24}", figures(pairs["JPEG", name]))
        for title, kept in (("without loss", False), ("any", True)):
            here = {pair: found for pair, found in pairs.items() if kept or not set(pair) & set(LOSSY)}
            worst = max(here, key=lambda pair: float(here[pair].max()))
            mean = max(here, key=lambda pair: float(here[pair].mean()))
            print(f"  pairs, {title}: greatest mean {here[mean].mean():.3f} ({' / '.join(mean)})", end="; ")
            print(f"greatest of all {here[worst].max():.3f} ({' / '.join(worst)})")


def figures(distances: Pixels) -> str:
    return f"{distances.mean():6.3f} {np.quantile(distances, 0.95):6.3f} {distances.max():6.3f}"


if __name__ == "__main__":
    main()

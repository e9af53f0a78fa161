"""How far apart the answers are that the same pixels get from files of different formats.

    python tests/benchmarks/same_pixels.py PHOTOGRAPH... [--long-side PIXELS ...] [--method NAME ...] [--each]

Each photograph, reduced to one of several sizes, is compressed as a JPEG of some quality and chroma sampling. The
pixels that this JPEG holds, decoded in full, go into the other files, into lossy ones at a high quality.

Mean and greatest distance in degrees between a JPEG and the same pixels without loss (TIFF of 8 bits, and of 16 with a
profile, which agree to 0.001), of wallpapers that Debian ships and sample pictures of PyPI packages:

    method         84 of 640 to 6000 pixels, before and now        20 of 4.9 to 24 megapixels, before and now
    awbnet         0.48 / 2.94          0.003 / 0.19               0.34 / 2.43          0.192 / 0.82
    bright-gray    0.50 / 4.89          0.002 / 0.19               0.16 / 1.00          0.096 / 1.05
    gray-world     0.23 / 5.22          0.000 / 0.00               0.07 / 0.62          0.225 / 4.15
    white-patch    0.42 / 3.00          0.001 / 0.08               0.16 / 0.90          0.109 / 0.76

"Before" is one sample of the decoder for each block. Up to 4 megapixels a JPEG is now decoded in full, and the answers
are the same. Beyond, the decoder gives four samples for each block, each with its own sample of chroma. What is left
are pixels that clip: 4.15 is of a drawing of which two thirds do, and all others are 0.13 at most.

The 20, other ways, as mean / greatest distance of `awbnet`, and processor time of the thumbnail as a ratio to one
sample a block, beside other work: four samples with blended chroma 0.29 / 2.13, 1.27; with repeated chroma, as it is,
0.19 / 0.82, 1.27 (1.25 on an idle machine); sixteen samples 0.18 / 1.59, 1.47; the whole decode with repeated chroma
0.17 / 2.05, 2.1; one sample, neither rounded nor clipped, 0.30 / 2.30. Of those up to 4 megapixels four samples leave
0.27 / 4.26, since their cells have few blocks: they are decoded in full, which takes 1.6 times as long as one sample,
7 ms more.

Lossy files hold other pixels: the 84 move `awbnet` by 0.13 / 0.96 in HEIC of 4:4:4, 0.25 / 2.06 in 10 bits, 0.27 / 2.36
in AVIF and 0.32 / 3.71 in WebP.
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

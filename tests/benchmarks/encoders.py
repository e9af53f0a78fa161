"""What the encoders' settings cost and give: processor time, bytes, and fidelity, on a picture of one's own.

    python tests/benchmarks/encoders.py PICTURE

The picture is best 12 megapixels of a photograph that was never compressed (PNG or TIFF, 8 bits). PSNR is over all
channels; SSIM over windows of 8 x 8 of the luma. It takes some minutes.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pillow_heif
import pyvips
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Pixels = NDArray[np.uint8]


def heic(pixels: Pixels, preset: str, quality: int) -> bytes:
    out = io.BytesIO()
    heif = pillow_heif.from_bytes("RGB", pixels.shape[1::-1], pixels.tobytes())
    heif.save(out, format="HEIF", quality=quality, enc_params={"preset": preset})
    return out.getvalue()


def settings(pixels: Pixels) -> Iterator[tuple[str, Callable[[], bytes]]]:
    image = pyvips.Image.new_from_array(pixels)
    for preset, quality in (("slow", 90), ("medium", 90), ("superfast", 90), ("ultrafast", 90), ("ultrafast", 92)):
        yield f"heic {preset} {quality}", lambda p=preset, q=quality: heic(pixels, p, q)
    for effort in (1, 2, 4):
        options = {"compression": "av1", "Q": 80, "effort": effort, "subsample_mode": "off"}
        yield f"avif effort {effort}", lambda o=options: image.heifsave_buffer(**o)
    for effort in (2, 4, 6):
        yield f"webp effort {effort}", lambda e=effort: image.webpsave_buffer(Q=92, effort=e)
        yield f"webp lossless effort {effort}", lambda e=effort: image.webpsave_buffer(lossless=True, effort=e)
    for level in (1, 6, 9):
        yield f"png compression {level}", lambda c=level: image.pngsave_buffer(compression=c)


def decoded(data: bytes) -> Pixels:
    if data[4:12] == b"ftypheic":
        return np.asarray(pillow_heif.open_heif(io.BytesIO(data)))
    return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy()[..., :3])


def psnr(first: Pixels, second: Pixels) -> float:
    error = np.mean((first.astype(np.float32) - second) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else np.inf


def ssim(first: Pixels, second: Pixels) -> float:
    a, b = (pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) for pixels in (first, second))
    mean_a, mean_b, square_a, square_b, both = (uniform_filter(x, 8) for x in (a, b, a * a, b * b, a * b))
    product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    similar = (2 * product + 6.5) * (2 * (both - product) + 58.5)
    return float((similar / ((squares + 6.5) * (square_a + square_b - squares + 58.5))).mean())


def main() -> None:
    (path,) = sys.argv[1:]
    pixels = np.ascontiguousarray(pyvips.Image.new_from_file(path).numpy()[..., :3])
    print("setting                     CPU s      MB    PSNR     SSIM")
    for name, encode in settings(pixels):
        start = time.process_time()
        data = encode()
        seconds = time.process_time() - start
        back = decoded(data)
        print(
            f"{name:26}{seconds:7.1f} {len(data) / 1e6:7.2f} {psnr(pixels, back):7.2f} {ssim(pixels, back):8.5f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

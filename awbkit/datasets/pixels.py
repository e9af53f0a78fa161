"""Read a data set's image files, and reduce them to linear thumbnails for estimators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import CLIP, THUMBNAIL_SIZE, LinearImage, thumbnail_of
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.store.limits import MAX_PIXELS, check_size
from awbkit.store.source import Source

if TYPE_CHECKING:
    import pyvips

_STREAMED_BYTES = 1 << 20
"""Below this, libvips decodes faster into memory than in strips."""

_FORMATS = {"png": "pngload_buffer", "tiff": "tiffload_buffer", "jpeg": "jpegload_buffer"}
_Rows = Callable[[int, int], tuple[NDArray[np.float32], NDArray[np.bool_]]]
_KINDS = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}


def read_codes(source: Source, name: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read the stored numbers (H, W, 3) of an image file, without colour management or rotation.

    PNG, TIFF (LZW, deflate or plain) and JPEG. A fully opaque alpha channel is dropped.

    Raises:
        UnreadableFile: If it is not there or damaged.
        UnsupportedImage: If it is of another format, or has not three channels of 8 or 16 bits.
    """
    stored = read_stored(source, name)
    if stored.dtype == np.float32:
        raise _refusal(f"{source.path}/{name}", "stores floating-point numbers where 8 or 16 bits are expected")
    return stored


def read_stored(source: Source, name: str) -> NDArray[Any]:
    """As :func:`read_codes`, but floating-point numbers are allowed: uint8, uint16 or float32 (H, W, 3).

    Raises:
        UnreadableFile, UnsupportedImage: As :func:`read_codes`.
    """
    from awbkit.files.decode import decode_jpeg, decoding

    where = f"{source.path}/{name}"
    with decoding(where):
        image = _open(source, name, where)
        bands = image.bands
        if image.format not in _KINDS:
            raise _refusal(where, f"stores {image.format} samples and not 8 or 16 bits")
        if bands not in (3, 4) or image.interpretation in ("cmyk", "lab", "labs", "labq"):
            raise _refusal(where, f"has {bands} channels ({image.interpretation}) and not red, green, blue")
        try:
            check_size(where, image.width, image.height, MAX_PIXELS, source.members[name].size)
        except UnsupportedImage as error:
            raise _refusal(where, error.problem) from None
        if image.get("vips-loader").startswith("jpegload"):
            return decode_jpeg(where, source.read(name))
        stored = np.frombuffer(image.write_to_memory(), _KINDS[image.format])
    pixels = stored.reshape(image.height, image.width, bands)
    if bands == 3:
        return pixels
    opaque = 1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    if (pixels[..., 3] != opaque).any():
        raise _refusal(where, "is transparent in places")
    return pixels[..., :3]


def is_8_bit(source: Source, name: str) -> bool:
    """Whether an image file stores at most 8 bits a channel, from its header alone if possible.

    Raises:
        UnreadableFile: If it is not there or damaged.
        UnsupportedImage: If a TIFF has an unsupported encoding.
    """
    from awbkit.files.decode import decoding
    from awbkit.store.signatures import sniff

    head = source.head(name, 32)
    kind = sniff(head)
    if kind == "png":
        # PNG 3rd edition, section 11.2.1: the bit depth follows width and height in the first chunk.
        return head[24:25] != b"\x10"
    if kind != "tiff":
        return True
    where = f"{source.path}/{name}"
    with decoding(where):
        return bool(_open(source, name, where).format in ("uchar", "char"))


def linear_thumbnail(
    codes: NDArray[np.integer] | NDArray[np.floating],
    camera: Camera,
    *,
    black: float | Sequence[float] = 0,
    white: float,
    clip: float | None = None,
    mask: NDArray[np.bool_] | None = None,
) -> LinearImage:
    """Average linear codes (H, W, 3) to 64 x 64, strip by strip, without a float copy of the whole.

    A pixel is valid if every channel is above black and under ``clip``, and it is not masked. Cells are made as in
    :meth:`awbkit.colour.image.LinearImage.thumbnail`; an image of 64 x 64 is its own thumbnail, its clipped pixels
    included.

    Args:
        codes: Linear numbers as stored.
        camera: The camera of the RGB.
        black: Code of the black level, for all channels or each.
        white: Code of the white level, before black is subtracted.
        clip: Code from which a channel counts as clipped; by default 0.98 of the way from black to white.
        mask: (H, W), True for pixels to ignore, such as the colour chart.

    Raises:
        UsageError: If white is not above black, or the shapes do not fit together.
    """
    dark = np.asarray(black, dtype=np.float64)
    if dark.shape not in ((), (3,)) or not np.all(np.isfinite(dark) & (white > dark)):
        raise UsageError(f"the white level {white:g} must be above the black level {dark.tolist()}")
    limit = (dark + CLIP * (white - dark) if clip is None else np.full(dark.shape, float(clip))).astype(np.float64)
    low, span = dark.astype(np.float32), (white - dark).astype(np.float32)

    def rows(top: int, bottom: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        stored = codes[top:bottom]
        with np.errstate(over="ignore", invalid="ignore"):
            pixels = stored.astype(np.float32)
            pixels -= low
            pixels /= span
        return pixels, all_channels((stored > dark) & (stored < limit))

    return _thumbnail(rows, codes.shape, camera, mask)


def srgb_thumbnail(codes: NDArray[np.uint8] | NDArray[np.uint16], mask: NDArray[np.bool_] | None = None) -> LinearImage:
    """Average 8- or 16-bit sRGB (IEC 61966-2-1) to 64 x 64 in linear sRGB; clipped from 0.98 of the linear maximum.

    Raises:
        UsageError: If the shapes do not fit together.
    """
    table, usable = srgb_tables(np.iinfo(codes.dtype).max)

    def rows(top: int, bottom: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        stored = codes[top:bottom]
        return np.take(table, stored), all_channels(np.take(usable, stored))

    return _thumbnail(rows, codes.shape, LINEAR_SRGB, mask)


def _thumbnail(rows: _Rows, shape: tuple[int, ...], camera: Camera, mask: NDArray[np.bool_] | None) -> LinearImage:
    if len(shape) != 3 or shape[2] != 3:
        raise UsageError(f"pixels must have the shape (height, width, 3), not {shape}")
    if mask is not None and mask.shape != shape[:2]:
        raise UsageError(f"the mask must have the shape {shape[:2]}, not {mask.shape}")

    def read_rows(top: int, bottom: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        pixels, valid = rows(top, bottom)
        if mask is not None:
            hidden = mask[top:bottom]
            pixels[hidden] = 0
            valid &= ~hidden
        return pixels, valid

    if shape[:2] == (THUMBNAIL_SIZE, THUMBNAIL_SIZE):
        return LinearImage(*read_rows(0, THUMBNAIL_SIZE), camera)
    return thumbnail_of(read_rows, shape[0], shape[1], camera)


def all_channels(channels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all three channels are True, (H, W) from (H, W, 3); several times faster than ``all(axis=2)``."""
    return channels[..., 0] & channels[..., 1] & channels[..., 2]


@lru_cache(maxsize=2)
def srgb_tables(top: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The linear light of each code of sRGB from 0 to ``top``, and whether it is neither black nor clipped."""
    from awbkit.files.encoding import srgb_to_linear

    linear = srgb_to_linear(np.arange(top + 1) / top)
    return linear.astype(np.float32), (linear > 0) & (linear < CLIP)


def _open(source: Source, name: str, where: str) -> pyvips.Image:
    """Open an image without decoding it; large plain files are not read into memory first."""
    from awbkit.files.decode import load, vips
    from awbkit.files.extents import is_cut_short
    from awbkit.files.gaps import COPY_AGAIN
    from awbkit.files.ifd import map_file
    from awbkit.files.png import check_texts
    from awbkit.files.tiff_codings import DEPTH_FIELD
    from awbkit.files.tiff_jpeg import check_jpeg_parts
    from awbkit.store.signatures import sniff

    head = source.head(name, 32)
    kind = sniff(head)
    if kind not in _FORMATS:
        raise _refusal(where, "is neither PNG nor TIFF nor JPEG" if head else "is empty")
    member = source.members[name]
    path = member.path
    if path is not None and (kind == "tiff" or member.size > _STREAMED_BYTES):
        if kind == "tiff":
            if is_cut_short(path):
                raise UnreadableFile(where, "ends before its pixels do", COPY_AGAIN)
            check_jpeg_parts(path)
        if kind == "png":
            with map_file(path) as data:
                check_texts(where, data)
        image = load(path, kind)
        if image.get_typeof(DEPTH_FIELD) and image.format != "float":
            # Black and white levels refer to the numbers of the file, and the decoder has scaled these.
            raise _refusal(where, f"stores {image.get(DEPTH_FIELD)}")
        return image
    content = source.read(name)
    if kind == "png":
        check_texts(where, content)
    return getattr(vips().Image, _FORMATS[kind])(content, fail_on="error")


def _refusal(where: str, problem: str) -> UnsupportedImage:
    return UnsupportedImage(where, problem, "convert it to PNG or TIFF of 8 or 16 bits, red, green and blue")

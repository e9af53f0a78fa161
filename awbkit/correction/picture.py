"""A correction applied to a rendered picture's stored numbers, at its own bit depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from awbkit.correction.highlights import KNEE, recover
from awbkit.correction.von_kries import Correction
from awbkit.errors import UnsupportedImage
from awbkit.files import jpeg
from awbkit.files.encoding import SRGB, Encoding
from awbkit.files.rendered import Pixels, RenderedPhoto, decoding, table_image, vips

if TYPE_CHECKING:
    import pyvips

Fourth: TypeAlias = "pyvips.Image | int | None"
"""Alpha, a constant, or nothing."""

_ROWS = 128
_DIAGONAL = 1e-6


def correct_picture(photo: RenderedPhoto, correction: Correction, *, pad: bool = False) -> Pixels:
    """The corrected pixels of a rendered picture, as its file stores them.

    Args:
        photo: The picture.
        correction: In linear sRGB.
        pad: Add a fourth band of 255 where there is no alpha, as the JPEG encoder takes it.

    Returns:
        (H, W, bands) uint8, uint16 or float, in stored orientation, in the file's own encoding. Alpha is unchanged.

    Raises:
        UnreadableFile: If the pixels are truncated or corrupt.
        UnsupportedImage: If the file's profile cannot be written.
    """
    with decoding(photo.path):
        image = photo.pixels()
        if photo.is_float:
            return _correct_float(image.numpy(), photo.encoding or SRGB, correction)
        fourth = image[3] if image.bands == 4 else 255 if pad else None
        if photo.encoding is None:
            return _to_profile(photo, correct_codes(photo.colour(image), fourth, SRGB, 65535.0, correction))
        return correct_codes(photo.colour(image), fourth, photo.encoding, photo.full_scale, correction)


def correct_codes(
    rgb: pyvips.Image, fourth: Fourth, encoding: Encoding, scale: float, correction: Correction
) -> Pixels:
    """The corrected numbers of an integer image.

    Args:
        rgb: Three bands, uchar or ushort.
        fourth: A band to pass on as it is, a constant, or None.
        encoding: How the numbers stand for light.
        scale: The number that stands for 1.0.
        correction: In linear sRGB.

    Returns:
        (H, W, 3 or 4) of the same type, to be changed at will.
    """
    matrix = np.linalg.solve(encoding.matrix, correction.matrix() @ encoding.matrix)
    if np.abs(matrix - np.diag(np.diag(matrix))).max() < _DIAGONAL:
        return _diagonal(rgb, fourth, encoding, np.diag(matrix), scale)
    return _full(rgb, fourth, encoding, matrix, correction.gains, scale)


def correct_thumbnail(old: bytes, correction: Correction) -> bytes | None:
    """A JPEG thumbnail in sRGB, corrected and coded as it was; None if it is not one."""
    try:
        image = vips().Image.jpegload_buffer(old)
        if image.bands != 3:
            return None
        return jpeg.encode(correct_codes(image, 255, SRGB, 255.0, correction), jpeg.read_info(old))
    except (vips().Error, ValueError):
        return None


def _diagonal(
    rgb: pyvips.Image, fourth: Fourth, encoding: Encoding, gains: NDArray[np.floating], scale: float
) -> Pixels:
    """Gains in the file's own primaries: one lookup table a channel."""
    count = 256 if rgb.format == "uchar" else 65536
    kind = np.uint8 if count == 256 else np.uint16
    codes = np.minimum(np.arange(count) / scale, 1)
    linear = encoding.decode(np.repeat(codes[:, None], 3, axis=1)) * gains
    table = np.rint(np.clip(encoding.encode(np.clip(linear, 0, 1)), 0, 1) * scale).astype(kind)
    # A table that lowers a channel can be read backwards, so the old number need not be kept beside the new one.
    reverse = np.repeat(np.arange(count, dtype=np.float32)[:, None] / np.float32(scale), 3, axis=1)
    for channel in range(3):
        if gains[channel] < 1:
            reverse[table[:, channel], channel] = codes
    corrected = rgb.maplut(table_image(table))
    result = writable(corrected if fourth is None else corrected.bandjoin(fourth))
    first = int(np.ceil(KNEE * scale))
    lowered = [c for c in range(3) if gains[c] < 1]
    for part in _parts(result):
        touched = np.zeros(len(part), bool)
        for channel in lowered:
            touched |= part[:, channel] >= table[first, channel]
        index = np.flatnonzero(touched)
        if index.size:
            after = part[index, :3]
            before = np.stack([reverse[after[:, c], c] for c in range(3)], axis=1)
            raised = recover(before, after.astype(np.float32) / np.float32(scale), gains)
            part[index, :3] = np.rint(raised * scale).astype(kind)
    return result


def _full(
    rgb: pyvips.Image,
    fourth: Fourth,
    encoding: Encoding,
    matrix: NDArray[np.floating],
    gains: NDArray[np.floating],
    scale: float,
) -> Pixels:
    """A 3x3 between decoding and encoding. The encoding table is indexed by the root of the linear value."""
    count = 256 if rgb.format == "uchar" else 65536
    kind = np.uint8 if count == 256 else np.uint16
    codes = np.minimum(np.arange(count) / scale, 1)
    decode = encoding.decode(np.repeat(codes[:, None], 3, axis=1)).astype(np.float32)
    roots = np.linspace(0, 1, 65536)[:, None] ** 2
    encode = np.rint(np.clip(encoding.encode(np.repeat(roots, 3, axis=1)), 0, 1) * scale).astype(kind)
    linear = rgb.maplut(table_image(decode)).recomb(vips().Image.new_from_array(matrix.tolist()))
    index = (linear.clamp(min=0, max=1) ** 0.5 * 65535).rint().cast("ushort")
    corrected = index.maplut(table_image(encode))
    both = writable(rgb.bandjoin(corrected if fourth is None else corrected.bandjoin(fourth)))
    result = np.ascontiguousarray(both[..., 3:])
    first = KNEE * scale
    for joined, part in zip(_parts(both), _parts(result), strict=True):
        touched = np.flatnonzero((joined[:, :3] >= first).any(axis=1))
        if touched.size:
            before = joined[touched, :3].astype(np.float32) / np.float32(scale)
            after = part[touched, :3].astype(np.float32) / np.float32(scale)
            part[touched, :3] = np.rint(recover(before, after, gains) * scale).astype(kind)
    return result


def _correct_float(pixels: Pixels, encoding: Encoding, correction: Correction) -> Pixels:
    """Floating point has no clipping and so no highlights to save."""
    matrix = np.linalg.solve(encoding.matrix, correction.matrix() @ encoding.matrix)
    result = pixels.copy()
    for row in range(0, len(pixels), _ROWS):
        # Infinities and what is no number pass through.
        with np.errstate(invalid="ignore", over="ignore"):
            linear = encoding.decode(pixels[row : row + _ROWS, :, :3].astype(np.float64)) @ matrix.T
            result[row : row + _ROWS, :, :3] = encoding.encode(linear)
    return result


def _to_profile(photo: RenderedPhoto, pixels: Pixels) -> Pixels:
    """From 16-bit sRGB back to the lookup-table profile of the file."""
    library = vips()
    alpha = pixels[..., 3:]
    image = library.Image.new_from_array(np.ascontiguousarray(pixels[..., :3])).copy(interpretation="rgb16")
    image = image.colourspace("lab")
    image.set_type(library.GValue.blob_type, "icc-profile-data", photo.profile)
    try:
        colour = writable(image.icc_export(intent="relative", depth=8 if photo.full_scale == 255 else 16))
    except library.Error as error:
        raise UnsupportedImage(
            photo.path, "the embedded profile describes reading only, not writing", "convert the picture to sRGB first"
        ) from error
    return np.concatenate([colour, alpha.astype(colour.dtype)], axis=2)


def writable(image: pyvips.Image) -> Pixels:
    """The pixels (H, W, bands) in memory that may be changed in place."""
    kind = {"uchar": np.uint8, "ushort": np.uint16}[image.format]
    return np.frombuffer(image.write_to_memory(), dtype=kind).reshape(image.height, image.width, image.bands)


def _parts(pixels: Pixels) -> list[Pixels]:
    """Views of a few rows each, as lists of pixels."""
    bands = pixels.shape[2]
    return [pixels[row : row + _ROWS].reshape(-1, bands) for row in range(0, pixels.shape[0], _ROWS)]

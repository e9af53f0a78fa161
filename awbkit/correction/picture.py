"""A correction applied to a rendered picture, at its own bit depth and in its own encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awbkit.correction.codes import CodeCorrection, for_each
from awbkit.correction.inversion import InversionError
from awbkit.correction.tables import TableCorrection
from awbkit.correction.von_kries import Correction
from awbkit.errors import UnreadableFile, UnsupportedImage, warn
from awbkit.files import jpeg
from awbkit.files.decode import Pixels, decode_jpeg, decoding
from awbkit.files.encoding import SRGB, Encoding
from awbkit.files.gaps import warn_of_zero_rows
from awbkit.files.rendered import RenderedPhoto

_FLOAT_ROWS = 128
_SHARE = 256
_LARGEST_PREVIEW = 1 << 22


def check_picture(photo: RenderedPhoto) -> None:
    """Decode a whole picture to check that it is sound.

    Raises:
        UnreadableFile: If the pixels are truncated or corrupt.
    """
    if photo.format == "jpeg":
        decode_jpeg(photo.path, Path(photo.path).read_bytes())
        return
    with decoding(photo.path):
        if photo.format != "tiff":
            photo.pixels().avg()
            return
        pixels = photo.pixels().numpy()
    warn_of_zero_rows(photo.path, pixels)


def correct_picture(photo: RenderedPhoto, correction: Correction) -> Pixels:
    """The corrected pixels of a rendered picture, as its file stores them.

    Args:
        photo: The picture.
        correction: In linear sRGB.

    Returns:
        (H, W, bands) uint8, uint16 or float, in stored orientation, in the file's own encoding. Alpha is unchanged.

    Raises:
        UnreadableFile: If the pixels are truncated or corrupt.
        UnsupportedImage: If no numbers show the corrected light by the file's profile.
    """
    if photo.format == "jpeg":
        pixels = decode_jpeg(photo.path, Path(photo.path).read_bytes())
    else:
        with decoding(photo.path):
            pixels = np.array(photo.pixels().numpy())
    if photo.format == "tiff":
        warn_of_zero_rows(photo.path, pixels)
    if correction.changes_nothing:
        return pixels
    if photo.is_float and photo.encoding is not None:
        return _correct_float(pixels, photo.encoding, correction)
    return _correct_whole(_prepare(photo, correction, pixels.dtype), pixels)


def correct_jpeg(photo: RenderedPhoto, correction: Correction) -> bytes:
    """A JPEG corrected and encoded as it was, without metadata.

    Decoding is sequential by nature; correcting and encoding go by strips, in several threads.

    Raises:
        UnreadableFile: If the pixels are truncated or corrupt.
        UnsupportedImage: If no numbers show the corrected light, or the JPEG holds red, green and blue at several
            resolutions, as XYB ones do: no encoder here writes these.
    """
    source = Path(photo.path).read_bytes()
    try:
        info = jpeg.read_info(source)
        if info.is_rgb and not info.is_even:
            raise UnsupportedImage(
                photo.path, "is an XYB JPEG or a similar one, which awbkit cannot write", "name an output in PNG"
            )
        if not info.qtables:
            warn(photo.path, "is a lossless JPEG, and its output a lossy one", "an output in PNG or TIFF loses nothing")
        rgbx = decode_jpeg(photo.path, source, "RGBX", repeats_chroma=info.subsampling > 0)
        correct = _prepare(photo, correction, rgbx.dtype)
        if info.is_progressive:
            # Such a file goes over the whole several times and has no strips.
            return jpeg.encode(_correct_whole(correct, rgbx), info)
        rows = jpeg.strip_rows(info)

        def encode_strip(top: int) -> bytes:
            strip = rgbx[top : top + rows]
            correct(strip)
            return jpeg.encode(strip, info, restarts=True)

        return jpeg.join(for_each(encode_strip, range(0, len(rgbx), rows)), len(rgbx))
    except ValueError as error:
        raise UnreadableFile(photo.path, str(error)) from error


def correct_preview(old: bytes, correction: Correction) -> bytes | None:
    """A JPEG preview in sRGB, corrected and encoded as before; None for other data and for greater pictures."""
    try:
        info = jpeg.read_info(old)
        if info.components != 3 or info.pixels > _LARGEST_PREVIEW:
            return None
        rgbx = decode_jpeg("", old, "RGBX", repeats_chroma=info.subsampling > 0)
        return jpeg.encode(_correct_whole(CodeCorrection.of(correction, SRGB, 255.0, rgbx.dtype), rgbx), info)
    except (UnreadableFile, ValueError):
        return None


def _correct_whole(correct: CodeCorrection | TableCorrection, pixels: Pixels) -> Pixels:
    """The whole picture, in place, by several threads."""
    for_each(lambda top: correct(pixels[top : top + _SHARE]), range(0, len(pixels), _SHARE))
    return pixels


def _correct_float(pixels: Pixels, encoding: Encoding, correction: Correction) -> Pixels:
    """Floating point has no clipping and so no highlights to save."""
    matrix: NDArray[np.floating] = np.linalg.solve(encoding.matrix, correction.matrix() @ encoding.matrix)
    gains = np.diag(matrix)
    is_diagonal = bool(np.abs(matrix - np.diag(gains)).max() < 1e-12)
    for row in range(0, len(pixels), _FLOAT_ROWS):
        part = pixels[row : row + _FLOAT_ROWS, :, :3]
        with np.errstate(invalid="ignore", over="ignore"):
            linear = encoding.decode(part.astype(np.float64))
            corrected = linear * gains if is_diagonal else linear @ matrix.T
            # Several numbers may stand for one light; where the light stays, so does the number.
            stays = np.isclose(corrected, linear, rtol=1e-9, atol=1e-12)
            part[...] = np.where(stays, part, encoding.encode(corrected))
    return pixels


def _prepare(photo: RenderedPhoto, correction: Correction, dtype: np.dtype[Any]) -> CodeCorrection | TableCorrection:
    if photo.encoding is not None:
        return CodeCorrection.of(correction, photo.encoding, photo.full_scale, dtype)
    try:
        return TableCorrection.of(correction.matrix(), photo.tables, photo.full_scale, dtype)
    except InversionError as error:
        raise UnsupportedImage(
            photo.path, f"the embedded profile cannot be inverted ({error})", "convert it to sRGB first"
        ) from error

"""Small pictures for a page: upright, in sRGB whatever the profile, and no larger than the page can hold."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.orientation import turn_upright
from awbkit.correction.von_kries import Correction
from awbkit.files.decode import Pixels, decode_jpeg, decoding, vips
from awbkit.files.encoding import SRGB, linear_to_srgb
from awbkit.files.raw import RawPhoto
from awbkit.files.rendered import RenderedPhoto

if TYPE_CHECKING:
    import pyvips

    from awbkit.files.source import AnyPhoto

PAGE_BYTES = 39_000_000
"""The size that a page of at most some 4,000 pictures keeps to."""

_CARD_BYTES = 2500
"""What the page says about a picture, at most in most cases."""

_LEAST_BYTES, _MOST_BYTES = 2500, 160_000
_LEAST_SIDE, _MOST_SIDE = 160, 1280
_PIXELS_PER_BYTE = 8
"""Of small photographs at a quality of about 70."""

_QUALITIES = (88, 82, 75, 68, 60, 50, 40)
_SMALLER = 0.75


@dataclass(frozen=True)
class PreviewSize:
    """How large previews may be.

    Attributes:
        side: Longer side in pixels.
        limit: Bytes of the JPEG.
    """

    side: int
    limit: int

    @classmethod
    def of(cls, count: int) -> PreviewSize:
        """The size of previews on a page of ``count`` pictures, each before and after."""
        room = (PAGE_BYTES / max(count, 1) - _CARD_BYTES) / 2 * 3 / 4
        limit = round(min(max(room, _LEAST_BYTES), _MOST_BYTES))
        side = round((limit * _PIXELS_PER_BYTE * 3 / 2) ** 0.5)
        return cls(min(max(side, _LEAST_SIDE), _MOST_SIDE), limit)


@dataclass(frozen=True)
class Preview:
    """A small JPEG.

    Attributes:
        jpeg: Its bytes, in sRGB and without metadata.
        width: In pixels.
        height: In pixels.
    """

    jpeg: bytes
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return "data:image/jpeg;base64," + b64encode(self.jpeg).decode("ascii")


def make_preview(photo: AnyPhoto, size: PreviewSize, *, auto_bright: bool = False) -> Preview:
    """A preview of a photograph; of a raw file, as the camera balanced it.

    Args:
        photo: The photograph.
        size: How large the preview may be.
        auto_bright: Stretch a raw's brightness, as its corrected picture has it.

    Raises:
        FileError: If the pixels cannot be decoded or developed.
    """
    pixels = _develop(photo, auto_bright) if isinstance(photo, RawPhoto) else _decode(photo, size.side)
    return _encode(_reduce(pixels, size.side), size.limit)


def _develop(photo: RawPhoto, auto_bright: bool) -> Pixels:
    from awbkit.correction.develop import develop

    white = photo.camera.as_shot or photo.camera.white_d65 or (1.0, 1.0, 1.0)
    correction = Correction(Illuminant.of(white, photo.camera))
    return develop(photo, correction, bits=8, auto_bright=auto_bright, half_size=True)


def _decode(photo: RenderedPhoto, side: int) -> Pixels:
    """sRGB (H, W, 3) uint8, displayed, at ``side`` or somewhat more."""
    longest = max(photo.width, photo.height)
    with decoding(photo.path):
        if photo.format == "jpeg":
            shrink = next((shrink for shrink in (8, 4, 2) if longest >= shrink * side), 1)
            codes = decode_jpeg(photo.path, Path(photo.path).read_bytes(), shrink=shrink)
        else:
            codes = _shrink(photo.pixels().extract_band(0, n=photo.bands), side / longest, photo.full_scale).numpy()
    return turn_upright(_to_srgb(photo, codes), photo.orientation)


def _shrink(image: pyvips.Image, scale: float, full_scale: float) -> pyvips.Image:
    if scale >= 1:
        return image
    if image.bands == 3:
        return image.resize(scale, kernel="linear")
    # The colours of transparent pixels are not seen, so they must not spread.
    small = image.premultiply(max_alpha=full_scale).resize(scale, kernel="linear")
    return small.unpremultiply(max_alpha=full_scale).cast(image.format)


def _to_srgb(photo: RenderedPhoto, codes: Pixels) -> NDArray[np.uint8]:
    if photo.encoding is SRGB and codes.dtype == np.uint8:
        encoded = codes[..., :3].astype(np.float32)
    else:
        linear = np.nan_to_num(photo.linear(codes[..., :3]).pixels.astype(np.float64))
        encoded = (linear_to_srgb(np.clip(linear, 0, 1)) * 255).astype(np.float32)
    if codes.shape[2] == 4:
        # Over white, as browsers and viewers show it.
        opacity = np.clip(codes[..., 3:].astype(np.float32) / np.float32(photo.full_scale), 0, 1)
        encoded = encoded * opacity + 255 * (1 - opacity)
    return np.rint(encoded).astype(np.uint8)


def _reduce(pixels: Pixels, side: int) -> Pixels:
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(pixels)
    image = vips().Image.new_from_array(np.ascontiguousarray(pixels))
    return np.ascontiguousarray(image.resize(scale, kernel="linear").numpy())


def _encode(pixels: Pixels, limit: int) -> Preview:
    import simplejpeg

    while True:
        height, width = pixels.shape[:2]
        for quality in _QUALITIES:
            jpeg = simplejpeg.encode_jpeg(pixels, quality=quality, colorsubsampling="420")
            if len(jpeg) <= limit:
                return Preview(jpeg, width, height)
        if max(width, height) <= 64:
            return Preview(jpeg, width, height)
        pixels = _reduce(pixels, round(max(width, height) * _SMALLER))

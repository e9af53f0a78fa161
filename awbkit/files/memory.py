"""Pictures that are in memory already: arrays, tensors, and the images of Pillow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from awbkit.choices import ENCODINGS
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import LinearImage
from awbkit.colour.orientation import displayed_size
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.files.decode import Pixels, vips
from awbkit.files.encoding import LINEAR, SRGB
from awbkit.files.exif import read_orientation, sound_orientation
from awbkit.files.exif_colour import encoding_of_exif
from awbkit.files.gaps import COPY_AGAIN
from awbkit.files.photo import Region
from awbkit.files.rendered import RenderedPhoto, encoding_of_profile
from awbkit.files.sampling import block_side, sample_array

if TYPE_CHECKING:
    import pyvips
    from PIL import Image

PLACE = "the picture in memory"
"""The name of a picture in memory in messages."""

_ORIENTATION_TAG = 0x0112


class ArrayLike(Protocol):
    """A numpy array, or an object that numpy can convert to one, such as a tensor of torch."""

    def __array__(self, *arguments: Any, **options: Any) -> np.ndarray: ...


@dataclass(frozen=True, eq=False, repr=False)
class MemoryPhoto(RenderedPhoto):
    """A rendered picture in memory.

    Attributes:
        array: (H, W, 3), or 4 with alpha: uint8, uint16, float32 or float64, in stored orientation.
    """

    array: Pixels

    def pixels(self) -> pyvips.Image:
        return vips().Image.new_from_array(np.ascontiguousarray(self.array))

    def thumbnail(self) -> LinearImage:
        side = 1 if self.holds_light else block_side(self.width, self.height)
        return self.linear(sample_array(self.array, side)).thumbnail()

    def crop(self, region: Region) -> LinearImage:
        region.check_inside(self.width, self.height)
        stored = region.to_stored(self.width, self.height, self.orientation)
        rows, columns = slice(stored.y, stored.y + stored.height), slice(stored.x, stored.x + stored.width)
        return self.linear(self.array[rows, columns])


def open_array(source: ArrayLike, encoding: str = "auto") -> MemoryPhoto:
    """A picture of an array.

    Args:
        source: (H, W, 3), or (H, W, 4) with alpha. Whole numbers of 8 or 16 bits, or floating point in which 0 is black
            and 1 white.
        encoding: "auto" (whole numbers are sRGB, floating point is linear sRGB), "srgb", "linear", or "camera" for a
            sensor's linear RGB.

    Raises:
        UsageError: If it has another shape or type, or the encoding is not one of these.
    """
    try:
        array = np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"source: numpy makes no array of this {type(source).__name__} ({error})") from error
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        hint = "; put the channels last" if array.ndim == 3 and array.shape[0] in (3, 4) else ""
        raise UsageError(f"source: an array of a picture has the shape (H, W, 3) or (H, W, 4), not {array.shape}{hint}")
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise UsageError(f"source: an array of a picture has uint8, uint16 or floating point, not {array.dtype}")
    if encoding == "icc" or encoding not in ENCODINGS:
        raise UsageError(f"encoding: of an array it is auto, srgb, linear or camera, not {encoding!r}")
    is_linear = encoding in ("linear", "camera") or (encoding == "auto" and array.dtype.kind == "f")
    return _photo(array, LINEAR if is_linear else SRGB, Camera() if encoding == "camera" else LINEAR_SRGB)


def open_image(source: Image.Image, encoding: str = "auto") -> MemoryPhoto:
    """A picture of an image of Pillow, with its profile and its orientation.

    Args:
        source: Of mode RGB, RGBA or P.
        encoding: As :func:`awbkit.files.open.open_photo` has it.

    Raises:
        UnreadableFile: If Pillow cannot decode it.
        UnsupportedImage: If it is in another mode, such as grayscale, or its profile is not for RGB.
        UsageError: If the encoding is not known.
    """
    try:
        source.load()
        # Pillow's own reader warns of what is odd in sound pictures.
        exif = source.info.get("exif")
        orientation = read_orientation(exif) if exif else sound_orientation(source.getexif().get(_ORIENTATION_TAG, 1))
    except Exception as error:
        # Pillow decodes only now, and its plugins raise what they like.
        raise UnreadableFile(PLACE, f"is damaged, says Pillow: {error or type(error).__name__}", COPY_AGAIN) from error
    if source.mode == "P":
        source = source.convert("RGBA" if "transparency" in source.info else "RGB")
    if source.mode not in ("RGB", "RGBA"):
        remedy = "leave it out" if source.mode in ("1", "L", "LA", "I", "I;16", "F") else "convert it to RGB first"
        raise UnsupportedImage(PLACE, f"has Pillow's mode {source.mode}", remedy)
    profile = source.info.get("icc_profile") or None
    chosen = encoding_of_exif(PLACE, "jpeg", exif) if encoding == "auto" and profile is None and exif else None
    if chosen is None:
        chosen = encoding_of_profile(PLACE, encoding, profile, is_float=False)
    camera = Camera() if encoding == "camera" else LINEAR_SRGB
    photo = _photo(np.asarray(source), chosen, camera, orientation)
    return replace(photo, profile=profile)


def _photo(array: Pixels, encoding: Any, camera: Camera, orientation: int = 1) -> MemoryPhoto:
    height, width = array.shape[:2]
    width, height = displayed_size(width, height, orientation)
    return MemoryPhoto(
        path=PLACE,
        width=width,
        height=height,
        camera=camera,
        orientation=orientation,
        format="",
        encoding=encoding,
        profile=None,
        exif=None,
        full_scale={"u1": 255.0, "u2": 65535.0}.get(array.dtype.str[1:], 1.0),
        bands=array.shape[2],
        array=array,
    )

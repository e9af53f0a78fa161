"""A data set's raw file at half size: one pixel for each 2 x 2 block of the Bayer mosaic."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import CLIP, LinearImage
from awbkit.colour.orientation import OF_FLIP, turn_upright
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.files.dng_black import level_black
from awbkit.files.memory_fill import filled_memory, has_unwritten_samples
from awbkit.store.source import Source


@dataclass(frozen=True, eq=False)
class HalfSize:
    """Linear camera RGB.

    Attributes:
        pixels: float32 (h, w, 3), black level subtracted without clipping, so that noise around black stays symmetric;
            1.0 = white level. Green is the mean of the two samples.
        clipped: bool (h, w), True where any of the four samples is clipped.
        orientation: EXIF orientation, 1 to 8, that turns stored pixels into displayed ones.
    """

    pixels: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    orientation: int

    def upright(self) -> HalfSize:
        """The picture turned upright."""
        return HalfSize(turn_upright(self.pixels, self.orientation), turn_upright(self.clipped, self.orientation), 1)

    def image(self) -> LinearImage:
        """The picture for estimators, without clipped and black pixels and without a known camera."""
        return LinearImage(self.pixels, ~self.clipped & (self.pixels > 0).all(axis=2))


def read_half_size(source: Source, name: str) -> HalfSize:
    """Read a raw file through LibRaw, with the black and white levels that LibRaw states for it.

    Raises:
        UnreadableFile: If it is missing, damaged, or in a format that LibRaw does not know.
        UnsupportedImage: If its sensor has no red, green and blue filters in blocks of two by two.
    """
    import rawpy

    where = f"{source.path}/{name}"
    data = source.read(name)

    def read_again() -> NDArray[np.uint16]:
        with rawpy.imread(io.BytesIO(data)) as other:
            with filled_memory(1):
                other.unpack()
            return np.array(other.raw_image_visible)

    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            with filled_memory():
                raw.unpack()
            samples = raw.raw_image_visible
            letters = raw.color_desc.decode("ascii", "replace")
            pattern = raw.raw_pattern
            if samples is None or samples.ndim != 2 or pattern is None or pattern.shape != (2, 2):
                raise UnsupportedImage(where, "is no raw file with a Bayer pattern", "leave it out")
            if has_unwritten_samples(samples, read_again):
                raise UnreadableFile(where, "holds sensor data that LibRaw gives up on", "download it again")
            level_black(raw, data)
            colours = raw.raw_colors_visible[:2, :2]
            if sorted(letters[colour] for colour in colours.flat) != ["B", "G", "G", "R"]:
                raise UnsupportedImage(where, f"has a {letters} sensor and not a red, green and blue one")
            black = np.array(raw.black_level_per_channel, dtype=np.float32)
            levels = raw.camera_white_level_per_channel or [0] * 4
            white = np.array([level or raw.white_level for level in levels], dtype=np.float32)
            if not (white > black).all():
                raise UnreadableFile(where, "states a white level that is not above black", "download it again")
            channels = np.array(["RGB".index(letters[colour]) for colour in colours.flat]).reshape(2, 2)
            pixels, clipped = _halve(samples, channels, black[colours], white[colours])
            return HalfSize(pixels, clipped, OF_FLIP[raw.sizes.flip & 7])
    except rawpy.LibRawError as error:
        detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise UnreadableFile(where, f"cannot be read as a raw file (LibRaw: {detail})", "download it again") from error


def _halve(
    samples: NDArray[np.uint16], channels: NDArray[np.intp], black: NDArray[np.float32], white: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Pixels and clipping, from samples (H, W) and the levels (2, 2) of each place in the pattern."""
    height, width = samples.shape[0] // 2, samples.shape[1] // 2
    pixels = np.zeros((height, width, 3), np.float32)
    clipped = np.zeros((height, width), np.bool_)
    for y in (0, 1):
        for x in (0, 1):
            plane = samples[y : 2 * height : 2, x : 2 * width : 2]
            low, high, channel = black[y, x], white[y, x], channels[y, x]
            pixels[..., channel] += (plane - low) / ((high - low) * np.count_nonzero(channels == channel))
            clipped |= plane >= low + CLIP * (high - low)
    return pixels, clipped

"""TIFFs in codings that libvips does not decode: their name, and their pixels where tifffile and imagecodecs do.

TIFF is a box for nearly any coding. Two to fourteen bits a channel, tiles of single channels, 64-bit floating point,
and compression by LZMA or Zstandard are read whole and handed on at 8 or 16 bits or as 32-bit floats. An error names
any other coding and does not call the file damaged.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import FileError, MissingExtra, UnreadableFile, UnsupportedImage
from awbkit.files.exif import sound_orientation
from awbkit.files.gaps import COPY_AGAIN
from awbkit.files.ifd import Tiff, map_file
from awbkit.files.pages import Page
from awbkit.store.limits import MAX_PIXELS, check_size

if TYPE_CHECKING:
    import tifffile

_STREAM_CODINGS = frozenset((1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50001))
# Their decoders fill a buffer of the size that the directory states. JPEG 2000, JPEG XL and the like have headers of
# their own, which may claim any size, so these are not read.
_BOUNDED_CODINGS = frozenset((1, 5, 8, 32773, 32946, 34925, 50000))
_SAVE = "convert it, such as with: magick IN.tif -depth 16 -compress LZW OUT.tif"
DEPTH_FIELD = "awbkit-stored"
"""A field that says how the file stores its numbers, where libvips could not hold them as they are."""

_INTEGERS, _FLOATS, _COMPLEX = 1, 3, (5, 6)
_YCBCR = 6
_COLOUR_BLIND_CODINGS = frozenset((1, 5, 8, 32773, 32946, 34925, 50000))
_PHOTOMETRIC = {5: "CMYK", 8: "CIELAB", 9: "CIELAB", 10: "CIELAB", 32844: "LogL", 32845: "LogLuv"}


@dataclass(frozen=True)
class TiffCoding:
    """How the first picture of a TIFF is stored.

    Attributes:
        width: In pixels.
        height: In pixels.
        tile: Pixels in a tile; 0 for strips.
        samples: Channels.
        bits: Of each channel, without repetition.
        sample_format: The sample format of TIFF 6.0: 1 for whole numbers, 3 for floating point.
        photometric: What the channels are: 2 for RGB.
        compression: By its number.
        is_planar: Whether each channel has planes of its own.
    """

    width: int
    height: int
    tile: int
    samples: int
    bits: tuple[int, ...]
    sample_format: int
    photometric: int
    compression: int
    is_planar: bool

    @property
    def is_streamed(self) -> bool:
        """Whether libvips reads it, or opens it far enough to show that it has no colours to balance."""
        if self.samples < 3:
            return self.compression in _STREAM_CODINGS or self.photometric < 2
        if self.photometric in _PHOTOMETRIC:
            return False
        if self.is_plain_ycbcr and self.bits != (8,):
            return False
        depth = (8, 16, 32) if self.sample_format == _INTEGERS else (16, 24, 32)
        if self.compression == 7 and self.bits != (8,):
            return False
        if self.sample_format in _COMPLEX:
            return False
        plain = len(self.bits) == 1 and (self.bits[0] in depth or self.sample_format not in (_INTEGERS, _FLOATS))
        # libvips reads planes of 16-bit floats as noise.
        unknown_planes = self.is_planar and (self.tile or (self.is_float and self.bits != (32,)))
        return plain and self.compression in _STREAM_CODINGS and not unknown_planes

    @property
    def is_plain_ycbcr(self) -> bool:
        """Whether it stores luminance and colour differences by a coding that knows nothing of colour."""
        return self.photometric == _YCBCR and self.compression in _COLOUR_BLIND_CODINGS

    @property
    def is_float(self) -> bool:
        """Whether it stores floating-point numbers."""
        return self.sample_format == _FLOATS

    @property
    def name(self) -> str:
        """In words, for messages."""
        return f"{self.depth}{' in tiles of single channels' if self.is_planar and self.tile else ''}{self._packing}"

    @property
    def depth(self) -> str:
        """Bits of a channel, in words."""
        bits = " and ".join(map(str, self.bits))
        if self.sample_format in _COMPLEX:
            return f"{bits}-bit complex numbers"
        return f"{bits}-bit {'floating point' if self.sample_format == _FLOATS else 'channels'}"

    @property
    def _packing(self) -> str:
        if self.compression == 1:
            return ""
        import tifffile

        try:
            word = tifffile.COMPRESSION(self.compression).name.replace("_", " ")
        except ValueError:
            word = f"an unknown coding ({self.compression})"
        return f" packed by {word}"


def read_coding(path: str, offset: int) -> TiffCoding | None:
    """How the picture of a TIFF is stored, whose directory lies at an offset.

    Returns:
        None where the directory cannot be read; decoders report that better.

    Raises:
        OSError: The file cannot be read.
    """
    with map_file(path) as data:
        try:
            tiff = Tiff(data)
            entries = tiff.ifd(offset).entries
        except ValueError:
            return None

        def number(tag: int, default: int) -> int:
            found = tiff.number(entries.get(tag))
            return default if found is None else found

        bits = (1,)
        if (stated := entries.get(258)) is not None and stated.kind == 3:
            few = stated._replace(size=min(stated.size, 64))
            bits = tuple(dict.fromkeys(struct.unpack(f"{tiff.order}{few.size // 2}H", tiff.bytes_of(few))))
        return TiffCoding(
            number(256, 0),
            number(257, 0),
            number(322, 0) * number(323, 0),
            number(277, 1),
            bits,
            number(339, _INTEGERS),
            number(262, 1),
            number(259, 1),
            number(284, 1) == 2,
        )


def decode_tiff(
    path: str, page: Page, coding: TiffCoding, max_pixels: int | None
) -> tuple[NDArray[Any], dict[str, Any]]:
    """The pixels of a TIFF that libvips does not read, and the fields that libvips would give to the image.

    Returns:
        (H, W, 3 or 4) uint8, uint16 or float32, and orientation, resolution, profile, XMP, IPTC and Photoshop's block
        by libvips' names; under :data:`DEPTH_FIELD` the depth in words, where it is not that of the pixels.

    Raises:
        UnreadableFile: If it is damaged.
        UnsupportedImage: If it is too large, or in a coding that awbkit does not read.
        MissingExtra: If imagecodecs would read it.
    """
    import tifffile

    check_size(path, coding.width, coding.height, max_pixels)
    _check(path, coding)
    try:
        with tifffile.TiffFile(path) as tiff:
            image = tiff.pages[page.number].aspage()
            if page.sub >= 0 and image.pages is not None:
                image = image.pages[page.sub].aspage()
            pixels = image.asarray()
            fields: dict[str, Any] = {name: _block(image.tags.get(code)) for name, code in _BLOCKS.items()}
            if 274 in image.tags:
                fields["orientation"] = int(sound_orientation(image.tags.valueof(274)))
            if 282 in image.tags and image.tags.valueof(296) != 1:
                fields["xres"], fields["yres"] = image.get_resolution(tifffile.RESUNIT.MILLIMETER)
                fields["resolution-unit"] = "in"
    except Exception as error:
        # Damaged directories surface in tifffile as nearly every built-in exception.
        raise _failure(path, coding, error) from error
    if pixels.ndim != len(image.axes):
        raise _failure(path, coding, ValueError("its directory states no pixels"))
    if image.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, 2)
    elif image.axes != "YXS":
        raise _refusal(path, coding)
    usual = _to_usual_depth(pixels, coding)
    if usual is not pixels and coding.bits != (16,):
        fields[DEPTH_FIELD] = coding.depth
    return np.ascontiguousarray(usual), {name: value for name, value in fields.items() if value}


_BLOCKS = {
    "xmp-data": 700,
    "iptc-data": 33723,
    "photoshop-data": 34377,
    "icc-profile-data": 34675,
}


def _block(tag: tifffile.TiffTag | None) -> bytes | None:
    """The bytes of a tag as they stand in the file: writers call them bytes, signed or not, or longer numbers."""
    if tag is None:
        return None
    stream = tag.parent.filehandle
    stream.seek(tag.valueoffset)
    return bytes(stream.read(tag.valuebytecount))


def _check(path: str, coding: TiffCoding) -> None:
    if coding.photometric in _PHOTOMETRIC:
        raise UnsupportedImage(path, f"is {_PHOTOMETRIC[coding.photometric]}", "convert it to RGB first")
    if coding.is_plain_ycbcr:
        raise UnsupportedImage(path, f"is a TIFF of YCbCr in {coding.name}", "convert it to RGB first")
    deepest = {_INTEGERS: 16, _FLOATS: 64}.get(coding.sample_format, 0)
    is_readable = coding.compression in _BOUNDED_CODINGS and len(coding.bits) == 1 and coding.bits[0] <= deepest
    if not is_readable or coding.tile >= MAX_PIXELS:
        raise _refusal(path, coding)
    # tifffile's own decoders inflate without a limit.
    if coding.compression != 1 and find_spec("imagecodecs") is None:
        raise MissingExtra(f"reading a TIFF of {coding.name}", "tiff")


def _refusal(path: str, coding: TiffCoding) -> UnsupportedImage:
    return UnsupportedImage(path, f"is a TIFF of {coding.name}, which awbkit does not read", _SAVE)


def _failure(path: str, coding: TiffCoding, error: Exception) -> FileError | MissingExtra:
    text = str(error)
    if isinstance(error, ImportError) or "'imagecodecs'" in text:
        return MissingExtra(f"reading a TIFF of {coding.name}", "tiff")
    if "COMPRESSION" in text or isinstance(error, NotImplementedError):
        return _refusal(path, coding)
    return UnreadableFile(path, f"the pixels cannot be decoded ({text})", COPY_AGAIN)


def _to_usual_depth(pixels: NDArray[Any], coding: TiffCoding) -> NDArray[Any]:
    """The numbers as 8 or 16 bits or 32-bit floats, the maximum scaled to the new one; rounding gives them back."""
    if pixels.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return pixels.astype(np.float32, copy=False)
    (bits,) = coding.bits
    if bits in (8, 16):
        return pixels
    target = 8 if bits < 8 else 16
    most = (1 << bits) - 1
    scaled = (pixels.astype(np.uint32) * ((1 << target) - 1) + most // 2) // most
    return scaled.astype(np.uint8 if target == 8 else np.uint16)

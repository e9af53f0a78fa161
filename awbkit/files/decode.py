"""Decoders: libvips, libjpeg-turbo, and what fills their gaps, with one kind of error for all of them."""

from __future__ import annotations

import atexit
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from awbkit.errors import FileError, MissingExtra, UnreadableFile, UnsupportedImage
from awbkit.files.gaps import COPY_AGAIN
from awbkit.store.limits import check_bytes, check_size

if TYPE_CHECKING:
    import pyvips

Pixels: TypeAlias = NDArray[Any]
"""(H, W, bands) uint8, uint16 or floating point, as a file stores them."""

# Stray bytes between segments are common in files from phones; chroma is sampled in more ways than simplejpeg knows.
_PERHAPS_HARMLESS_SIGNS = ("extraneous bytes", "Could not determine subsampling")
# libjpeg goes on after these. Its other warnings are common in cameras' files and leave the pixels whole.
_DAMAGE_SIGNS = (
    *("bad Huffman code", "bad arithmetic code", "premature end of data segment"),
    *("Premature end of JPEG file", "instead of RST"),
    # libvips fills a tile that it cannot decode with zeros.
    "tiff2vips: ",
)

HEIF_BLOCKS = {"icc_profile": "icc-profile-data", "exif": "exif-data", "xmp": "xmp-data"}
"""Blocks of metadata by pillow-heif's names to those of libvips."""
_LOADERS = {"jpeg": "jpegload", "png": "pngload", "webp": "webpload", "avif": "heifload"}

# libvips and libtiff use these words about codings that they do not support.
_GAP_SIGNS = ("not configured", "unsupported", "not supported", "not implemented", "not a whole number")
# Words of libjpeg: a marker that it does not know is none that T.81 has, and so a damaged byte.
_DAMAGE_OF_JPEG_HEADS = ("Empty JPEG", "Unsupported marker type")


@lru_cache(maxsize=1)
def vips() -> Any:
    """libvips with the settings that a batch needs: it caches nothing between files."""
    import pyvips

    pyvips.cache_set_max(0)
    _hush_glib(pyvips)
    return pyvips


def blob(image: pyvips.Image, field: str) -> bytes | None:
    """A block of a picture's metadata, such as ``exif-data``; None where there is none or nothing is in it."""
    # The fields cannot be listed, since their names may be in any encoding.
    if not image.get_typeof(field):
        return None
    try:
        return bytes(image.get(field)) or None
    except RuntimeError:
        # pyvips raises this for an empty block.
        return None


def _hush_glib(pyvips: Any) -> None:
    """Keep GLib's remarks on damaged files off standard error; libvips reports the damage by errors of its own."""
    levels = pyvips.GLogLevelFlags
    wanted = levels.LEVEL_CRITICAL | levels.LEVEL_WARNING
    domain, library = b"GLib-GObject", pyvips.glib_lib
    handler = library.g_log_set_handler(domain, wanted, pyvips._log_handler_cb, pyvips.ffi.NULL)
    # As pyvips does for its own handler: at the very end there is no Python left to call.
    atexit.register(library.g_log_remove_handler, domain, handler)


def decode_jpeg(path: str, data: bytes, colours: str = "RGB", shrink: int = 1, repeats_chroma: bool = False) -> Pixels:
    """A JPEG decoded by libjpeg-turbo.

    Args:
        path: For messages.
        data: The file.
        colours: "RGB", or "RGBX" for a fourth byte that means nothing.
        shrink: 1, 2, 4 or 8: the decoder makes the picture so much smaller, which saves most of its work.
        repeats_chroma: Give each pixel the chroma sample that covers it, and do not interpolate. An encoder averages
            such pixels back to the same sample.

    Returns:
        uint8 (H, W, 3 or 4).

    Raises:
        UnreadableFile: If pixels are missing or corrupt.
    """
    import simplejpeg

    from awbkit.files.jpeg_scans import is_padding, tidy_head

    check_jpeg(path, data)
    try:
        height, width = (0, 0) if shrink == 1 else simplejpeg.decode_jpeg_header(data, strict=False)[:2]
        decoded: Pixels = simplejpeg.decode_jpeg(
            data, colours, fastupsample=repeats_chroma, min_height=height // shrink, min_width=width // shrink
        )
        return decoded
    except (ValueError, MemoryError) as error:
        warning = str(error)
        if not any(sign in warning for sign in _PERHAPS_HARMLESS_SIGNS):
            raise _decoding_error(path, warning) from error
    try:
        tidy = tidy_head(data)
    except ValueError as error:
        raise _decoding_error(path, str(error)) from error
    # simplejpeg gives the last warning and libvips the first: one about the head would hide those that follow.
    if len(tidy) < len(data):
        return decode_jpeg(path, tidy, colours, shrink, repeats_chroma)
    with decoding(path):
        pixels: Pixels = vips().Image.jpegload_buffer(data, shrink=shrink, fail_on="error").numpy()
    for complaint in (_log(), warning):
        if "extraneous bytes" in complaint and not is_padding(complaint, data):
            raise _decoding_error(path, complaint)
    return np.dstack([pixels, np.full_like(pixels[..., :1], 255)]) if colours == "RGBX" else pixels


def check_jpeg(path: str, data: bytes) -> None:
    """Check the coded samples of a JPEG for damage that libjpeg passes over.

    Raises:
        UnreadableFile: If samples are lost.
    """
    from awbkit.files.jpeg_scans import check_scans

    try:
        check_scans(data)
    except ValueError as error:
        raise UnreadableFile(path, f"its JPEG data {error}", COPY_AGAIN) from error


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Raise :class:`UnreadableFile` in place of libvips' errors about a file and its warnings about lost pixels."""
    # The log may still hold errors about another file.
    vips().vips_lib.vips_error_clear()
    try:
        yield
    except (vips().Error, UnicodeDecodeError) as error:
        # libvips quotes bytes of the file, and pyvips cannot decode all of them as text.
        raise _decoding_error(path, getattr(error, "detail", _log()) or "") from error
    log = _log()
    if any(sign in log for sign in _DAMAGE_SIGNS):
        raise _decoding_error(path, log)


def _log() -> str:
    """libvips' complaints since its log was cleared."""
    return str(vips().ffi.string(vips().vips_lib.vips_error_buffer()), "utf-8", "replace")


def _decoding_error(path: str, log: str) -> FileError:
    """The error with the decoder's first complaint; the others follow from it."""
    lines = (line.strip() for line in log.splitlines())
    first = next((line for line in lines if line and "bad seek" not in line), "")
    first = "".join(c if c.isprintable() else "?" for c in first)
    is_damage = any(sign in first for sign in _DAMAGE_OF_JPEG_HEADS)
    if any(sign in first.lower() for sign in _GAP_SIGNS) and not is_damage:
        remedy = "save it as a PNG, or as a TIFF with LZW"
        return UnsupportedImage(path, f"is stored in a way that awbkit does not read ({first})", remedy)
    return UnreadableFile(path, f"the pixels cannot be decoded{first and f' ({first})'}", COPY_AGAIN)


def load(path: str, kind: str, max_pixels: int | None = None) -> pyvips.Image:
    """The pixels of a rendered file as a stream; the first error comes from here, later ones from its use.

    Args:
        path: The file.
        kind: Its format, as :func:`awbkit.store.signatures.sniff` names it.
        max_pixels: The greatest number of pixels; None for no limit.

    Raises:
        pyvips.Error: Call this within :func:`decoding`, which turns it into one of awbkit's errors.
        FileError: From decoders other than libvips.
        MissingExtra: If the codec is an optional dependency that is not installed.
    """
    if kind != "tiff":
        check_bytes(path)
    if kind == "heic":
        return _load_heic(path, max_pixels)
    options = {"access": "sequential", "fail_on": "error"}
    if kind == "tiff":
        image = _load_tiff(path, max_pixels, options)
    else:
        image = getattr(vips().Image, _LOADERS[kind])(path, **options)
    check_size(path, image.width, image.height, max_pixels)
    return image


def _load_tiff(path: str, max_pixels: int | None, options: dict[str, Any]) -> pyvips.Image:
    from awbkit.files.pages import read_pages
    from awbkit.files.tiff_codings import decode_tiff, read_coding
    from awbkit.files.ycbcr import to_rgb

    try:
        page = read_pages(path).main
    except ValueError as error:
        raise _decoding_error(path, str(error)) from error
    coding = read_coding(path, page.offset)
    # libvips divides colours by alpha, but in floating point only where alpha is at least 0.01.
    if coding is None or (coding.is_streamed and not (coding.is_float and page.is_premultiplied)):
        image = vips().Image.tiffload(path, page=page.number, subifd=page.sub, **options)
        if image.bands > page.samples >= 3:
            # libtiff turns YCbCr with subsampled chroma into RGB with an alpha channel that the file does not have.
            return image.extract_band(0, n=page.samples)
        return to_rgb(image, path, page.offset) if coding and coding.is_plain_ycbcr else image
    pixels, fields = decode_tiff(path, page, coding, max_pixels)
    image = vips().Image.new_from_array(pixels)
    if page.is_premultiplied and image.bands == 4:
        image = scale_by_alpha(image, operator.truediv)
    if pixels.dtype == np.uint16:
        image = image.copy(interpretation="rgb16")
    image = image.copy(xres=fields.pop("xres", 1.0), yres=fields.pop("yres", 1.0))
    kinds = {int: vips().GValue.gint_type, str: vips().GValue.gstr_type, bytes: vips().GValue.blob_type}
    for name, value in fields.items():
        image.set_type(kinds[type(value)], name, value)
    return image


def scale_by_alpha(image: pyvips.Image, scale: Callable[[Any, Any], Any]) -> pyvips.Image:
    """An image of four bands with its colours multiplied or divided by alpha, as ``operator`` names the two."""
    top = {"uchar": 255, "ushort": 65535}.get(image.format)
    alpha = image.extract_band(3)
    colours = scale(image.extract_band(0, n=3).cast("float"), alpha / (top or 1))
    colours = (colours.rint() if top else colours).cast(image.format)
    return colours.bandjoin(alpha).copy(interpretation=image.interpretation)


def _load_heic(path: str, max_pixels: int | None) -> pyvips.Image:
    """HEVC-coded HEIF through pillow-heif, since libvips' wheel cannot ship that codec; more than 8 bits become 16."""
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtra("reading HEIC", "heif") from None
    try:
        heif = pillow_heif.open_heif(path, convert_hdr_to_8bit=False, bgr_mode=False)
        width, height = heif.size
        check_size(path, width, height, max_pixels)
        pixels = np.ascontiguousarray(np.asarray(heif))
    except (ValueError, OSError, EOFError, SyntaxError, RuntimeError, IndexError) as error:
        raise UnreadableFile(path, f"the pixels cannot be decoded ({error})", COPY_AGAIN) from error
    result = vips().Image.new_from_array(pixels)
    result = result.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb")
    kind = vips().GValue.blob_type
    for key, field in HEIF_BLOCKS.items():
        if heif.info.get(key):
            result.set_type(kind, field, heif.info[key])
    return result

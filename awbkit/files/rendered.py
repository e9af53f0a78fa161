"""JPEG, PNG, TIFF, WebP, HEIF and AVIF: pictures that a camera or an editor has rendered already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import ENCODINGS
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.image import CLIP, LinearImage
from awbkit.colour.orientation import displayed_size
from awbkit.errors import UnreadableFile, UnsupportedImage, UsageError
from awbkit.files.cicp import read_declaration
from awbkit.files.decode import Pixels, blob, decode_jpeg, decoding, load, vips
from awbkit.files.encoding import LINEAR, SRGB, Encoding, ProfileError, build_profile, parse_profile
from awbkit.files.exif import read_make_model, read_orientation, sound_orientation
from awbkit.files.exif_colour import encoding_of_exif
from awbkit.files.extents import is_cut_short
from awbkit.files.gaps import COPY_AGAIN, warn_of_stray_bytes, warn_of_zero_bytes, warn_of_zero_rows
from awbkit.files.ifd import map_file
from awbkit.files.photo import Photo, Region
from awbkit.files.sampling import block_side, jpeg_shrink, sample, sample_array

if TYPE_CHECKING:
    import pyvips

    from awbkit.files.profile_tables import ProfileTables

_MAX_JPEG_PIXELS_PER_BYTE = 1024

# HEIF encoders write sRGB's code points unasked, and there are none for Adobe RGB.
_EXIF_COUNTS_BESIDE = {"avif": (None, SRGB), "heic": (None, SRGB)}


@dataclass(frozen=True, eq=False, repr=False)
class RenderedPhoto(Photo):
    """A rendered picture.

    Attributes:
        format: "jpeg", "png", "tiff", "webp", "avif" or "heic".
        encoding: How the numbers stand for light; None where only the profile's lookup tables say.
        profile: The embedded ICC profile, or one of the encoding that the file declares otherwise; None for sRGB.
        exif: The EXIF block as a TIFF structure, or None.
        full_scale: The number that stands for 1.0: 255, 65535, or 1 for floating point.
        bands: 3, or 4 with alpha; :meth:`pixels` may have a fourth that is no alpha, or that means nothing.
    """

    format: str
    encoding: Encoding | None
    profile: bytes | None
    exif: bytes | None
    full_scale: float
    bands: int

    @property
    def is_float(self) -> bool:
        """Whether the file stores floating-point numbers."""
        return self.full_scale == 1

    @property
    def holds_light(self) -> bool:
        """Whether the numbers are amounts of light; then single pixels are sampled, as in a raw file."""
        return self.is_float or (self.encoding is not None and all(c.kind == "linear" for c in self.encoding.curves))

    def pixels(self) -> pyvips.Image:
        """The stored pixels, decoded as a stream, with the profile that says what they mean.

        Raises:
            UnreadableFile: If decoding cannot start; reading on can raise ``pyvips.Error``, see :func:`decoding`.
        """
        image = load(self.path, self.format)
        if self.profile is not None:
            # Writers take it from here; the file may declare its colour by other means than a profile.
            image = image.copy()
            image.set_type(vips().GValue.blob_type, "icc-profile-data", self.profile)
        return image

    @property
    def tables(self) -> ProfileTables:
        """The profile's lookup tables, where no encoding says how numbers stand for light."""
        from awbkit.files.profile_tables import read_tables

        return read_tables(self.profile or b"")

    def thumbnail(self) -> LinearImage:
        side = 1 if self.holds_light else block_side(self.width, self.height)
        if self.format == "jpeg":
            shrink = jpeg_shrink(self.width, self.height) if side > 1 else 1
            data = Path(self.path).read_bytes()
            decoded = decode_jpeg(self.path, data, shrink=shrink, repeats_chroma=shrink > 1)
            codes = sample_array(decoded, side // shrink)
        else:
            with decoding(self.path):
                codes = sample(self._colour_bands(), side)
        if self.format == "tiff":
            warn_of_zero_rows(self.path, codes)
        return self.linear(codes).thumbnail()

    def crop(self, region: Region) -> LinearImage:
        region.check_inside(self.width, self.height)
        stored = region.to_stored(self.width, self.height, self.orientation)
        if self.format == "jpeg":
            decoded = decode_jpeg(self.path, Path(self.path).read_bytes())
            return self.linear(decoded[stored.y : stored.y + stored.height, stored.x : stored.x + stored.width])
        with decoding(self.path):
            return self.linear(self._colour_bands().crop(stored.x, stored.y, stored.width, stored.height).numpy())

    def _colour_bands(self) -> pyvips.Image:
        """The colour bands, and alpha where there is one."""
        stored = self.pixels()
        return stored.extract_band(0, n=self.bands) if stored.bands > self.bands else stored

    def linear(self, codes: Pixels) -> LinearImage:
        """Linear sRGB, or the sensor's own RGB, of stored numbers (H, W, 3 or 4); transparent pixels are not valid."""
        if codes.shape[2] == 4:
            opaque = self.linear(codes[..., :3])
            return LinearImage(opaque.pixels, opaque.valid & (codes[..., 3] > 0), opaque.camera)
        encoding = self.encoding
        # Means of 8-bit numbers have 16 bits.
        scale = 65535.0 if self.full_scale == 255 and codes.dtype == np.uint16 else self.full_scale
        if encoding is None:
            return LinearImage(*self.tables.linearise(codes, scale), self.camera)
        if self.is_float:
            with np.errstate(invalid="ignore", over="ignore"):
                pixels = (encoding.decode(codes.astype(np.float64)) @ encoding.matrix.T).astype(np.float32)
            # A sensor saturates at 1; rendered light may well be brighter.
            clip = CLIP if self.camera.space == "camera" else np.inf
            return LinearImage.from_array(pixels, camera=self.camera, clip=clip)
        table, usable = _decode_tables(encoding, 256 if codes.dtype == np.uint8 else 65536, scale)
        pixels, usable = _look_up(table, codes), _look_up(usable, codes)
        valid = usable[..., 0] & usable[..., 1] & usable[..., 2]
        if encoding.to_srgb is not None:
            pixels = pixels @ encoding.matrix.T.astype(np.float32)
            valid = valid & np.all(pixels > 0, axis=2)
        return LinearImage(np.ascontiguousarray(pixels, dtype=np.float32), valid, self.camera)


@lru_cache(maxsize=8)
def _decode_tables(encoding: Encoding, count: int, scale: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lookup tables, see :func:`_decode`: the linear value, and whether a number is neither black nor clipped."""
    codes = np.minimum(np.arange(count) / scale, 1)
    linear = _decode(encoding, codes)
    # For encoded numbers 8 bits decide, so that finer numbers are black or clipped where coarser ones are.
    levels = linear if encoding is LINEAR else _decode(encoding, np.arange(256) / 255)[np.rint(codes * 255).astype(int)]
    return linear.astype(np.float32), (levels > 0) & (levels < CLIP * linear[-1])


def _decode(encoding: Encoding, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The file's own linear RGB of numbers (N,): (N,) where the channels have one curve, else (N, 3)."""
    if len(set(encoding.curves)) == 1:
        return encoding.curves[0].decode(codes)
    return encoding.decode(np.repeat(codes[:, None], 3, axis=1))


def _look_up(table: NDArray[Any], codes: NDArray[Any]) -> NDArray[Any]:
    """The entries (H, W, 3) of a table (count,) or (count, 3) for stored numbers (H, W, 3)."""
    if table.ndim == 1:
        return np.take(table, codes)
    return np.stack([np.take(table[:, channel], codes[..., channel]) for channel in range(3)], axis=2)


def open_rendered(path: str, kind: str, encoding: str, max_pixels: int | None) -> RenderedPhoto:
    """Open a rendered picture; only its header is read.

    Args:
        path: The file.
        kind: Its format, as :func:`awbkit.store.signatures.sniff` names it.
        encoding: "auto" (the embedded profile or what else the file declares, else sRGB; linear for floating point),
            "linear", "srgb", "icc", or "camera" for a sensor's linear numbers without white balance.
        max_pixels: The greatest number of pixels; None for no limit.

    Raises:
        UnreadableFile: If the header is damaged.
        UnsupportedImage: Too large, grayscale, CMYK, animations, several pages, or a profile that is not for RGB.
        MissingExtra: If the codec is an optional dependency that is not installed.
    """
    if kind == "png":
        from awbkit.files import png

        with map_file(path) as data:
            png.check_texts(path, data)
    with decoding(path):
        image = load(path, kind, max_pixels)
    _check_complete(path, kind, image)
    if kind in ("webp", "avif", "heic"):
        warn_of_zero_bytes(path)
    _check_single(path, kind, image)
    scale = _full_scale(path, image)
    profile = png.read_profile(path) if kind == "png" else blob(image, "icc-profile-data")
    exif = png.read_metadata(path).exif if kind == "png" else blob(image, "exif-data")
    orientation = read_orientation(exif) if exif else 1
    if kind == "tiff" and image.get_typeof("orientation"):
        orientation = sound_orientation(image.get("orientation"))
    elif kind in ("avif", "heic"):
        # Both decoders have applied the container's own rotation already.
        orientation = 1
    width, height = displayed_size(image.width, image.height, orientation)
    name = read_make_model(exif) if exif else ""
    chosen = read_declaration(path, kind, profile) if encoding == "auto" else None
    if encoding == "auto" and profile is None and scale != 1 and chosen in _EXIF_COUNTS_BESIDE.get(kind, (None,)):
        chosen = encoding_of_exif(path, kind, exif) or chosen
    if chosen is None:
        chosen = encoding_of_profile(path, encoding, profile, scale == 1)
    elif chosen is not SRGB or profile is not None:
        # Outputs can declare their colour by a profile alone.
        profile = build_profile(chosen)
    return RenderedPhoto(
        path=path,
        width=width,
        height=height,
        camera=Camera(name) if encoding == "camera" else replace(LINEAR_SRGB, name=name),
        orientation=orientation,
        format=kind,
        encoding=chosen,
        profile=profile,
        exif=exif,
        full_scale=scale,
        bands=3 if kind == "tiff" and image.bands > 3 and not _has_alpha(path) else image.bands,
    )


def _check_complete(path: str, kind: str, image: pyvips.Image) -> None:
    """Refuse files that end early where decoders would not say so, or only after allocating gigabytes."""
    size = Path(path).stat().st_size
    if kind == "jpeg" and image.width * image.height > size * _MAX_JPEG_PIXELS_PER_BYTE:
        claim = f"{image.width} x {image.height}"
        raise UnreadableFile(path, f"is too small to hold the {claim} pixels it claims", COPY_AGAIN)
    if kind == "jpeg":
        warn_of_stray_bytes(path)
    if kind == "tiff":
        from awbkit.files.tiff_jpeg import check_jpeg_parts

        if is_cut_short(path):
            raise UnreadableFile(path, "ends before its pixels do", COPY_AGAIN)
        check_jpeg_parts(path)


def _check_single(path: str, kind: str, image: pyvips.Image) -> None:
    pages = int(image.get("n-pages")) if image.get_typeof("n-pages") else 1
    if kind == "png":
        from awbkit.files.png import chunks_before_pixels

        if any(chunk.kind == b"acTL" for chunk in chunks_before_pixels(path)):
            remedy = "export the frames that you want corrected as single pictures"
            raise UnsupportedImage(path, "is an animation", remedy)
    if pages > 1 and kind == "webp":
        raise UnsupportedImage(
            path, f"is an animation of {pages} frames", "export the frames that you want corrected as single pictures"
        )
    if kind == "avif" and _is_monochrome(path):
        raise _gray_refusal(path)
    if kind == "tiff":
        from awbkit.files.pages import read_pages

        if others := read_pages(path).others:
            raise UnsupportedImage(path, f"has {others + 1} pages", "split it into one file a page")
    if image.interpretation == "cmyk":
        raise UnsupportedImage(path, "is CMYK, which is made for one printing press", "convert it to RGB first")
    if image.bands < 3:
        raise _gray_refusal(path)
    if image.bands > 4:
        raise UnsupportedImage(path, f"has {image.bands} channels", "convert it to RGB first")


def _has_alpha(path: str) -> bool:
    """Whether the fourth channel of a TIFF is alpha."""
    from awbkit.files.pages import read_pages

    return read_pages(path).main.has_alpha


def _gray_refusal(path: str) -> UnsupportedImage:
    return UnsupportedImage(path, "is grayscale", "there is no colour to balance; leave it out")


def _full_scale(path: str, image: pyvips.Image) -> float:
    if image.format == "uchar":
        return 255.0
    if image.format == "ushort":
        is_heif = image.get_typeof("heif-compression") and image.get_typeof("bits-per-sample")
        bits = int(image.get("bits-per-sample")) if is_heif else 16
        return float((1 << bits) - 1 << (16 - bits))
    if image.format in ("float", "double"):
        return 1.0
    raise UnsupportedImage(path, f"stores {image.format} samples", "convert it to 8 or 16 bits or to floating point")


def encoding_of_profile(path: str, choice: str, profile: bytes | None, is_float: bool) -> Encoding | None:
    """How a picture's numbers stand for light, by the user's choice and its profile.

    Args:
        path: For messages.
        choice: As :func:`open_rendered` has it.
        profile: The picture's own.
        is_float: Whether its numbers are floating point, which is linear where nothing says otherwise.

    Returns:
        None where only the profile's lookup tables say it.

    Raises:
        UnsupportedImage: If the profile is not for RGB, or there is none to take.
        UsageError: If the choice is not known.
    """
    if choice in ("linear", "camera"):
        return LINEAR
    if choice == "srgb":
        return SRGB
    if choice == "icc" and profile is None:
        raise UnsupportedImage(path, "has no embedded profile", "leave --encoding at auto")
    if choice not in ENCODINGS:
        raise UsageError(f"unknown encoding {choice!r}; choose {', '.join(ENCODINGS[:-1])} or {ENCODINGS[-1]}")
    if profile is None:
        return LINEAR if is_float else SRGB
    try:
        parsed = parse_profile(profile)
        if parsed is None:
            from awbkit.files.profile_tables import read_tables

            read_tables(profile)
    except ProfileError as error:
        raise UnsupportedImage(
            path, f"the embedded profile {error}", "pass --encoding srgb to read the picture without it"
        ) from error
    if parsed is None and is_float:
        raise UnsupportedImage(path, "is floating point with a lookup-table profile", "pass --encoding linear or srgb")
    return parsed


def _is_monochrome(path: str) -> bool:
    """Whether all images in an AVIF have one channel (ISO 23008-12, box "pixi"); libvips makes three of it."""
    with Path(path).open("rb") as stream:
        head = stream.read(4096)
    return {part[4:5] for part in head.split(b"pixi")[1:]} == {b"\1"}

"""Camera raw, through LibRaw: the mosaic binned for an estimate, the picture developed for a correction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.colour.image import CLIP, THUMBNAIL_SIZE, LinearImage
from awbkit.colour.orientation import OF_FLIP, displayed_size
from awbkit.errors import FileError, UnreadableFile, UnsupportedImage
from awbkit.files.dng import read_dng_camera
from awbkit.files.dng_black import level_black
from awbkit.files.dng_crop import read_crop
from awbkit.files.dng_layout import check_dng
from awbkit.files.exif import from_raw, read_make_model
from awbkit.files.extents import is_cut_short, unusual_filters
from awbkit.files.gaps import COPY_AGAIN, warn_of_zero_rows
from awbkit.files.ifd import map_file
from awbkit.files.memory_fill import filled_memory, has_unwritten_samples
from awbkit.files.photo import Photo, Region
from awbkit.files.remarks import heed_remarks
from awbkit.store.limits import check_size

if TYPE_CHECKING:
    import rawpy

_SAMPLED_ROWS = 256
_SAMPLED_COLUMNS = 1024
_PERIODS = (2, 4, 6, 8, 12)


@dataclass(frozen=True, eq=False, repr=False)
class RawPhoto(Photo):
    """A raw file; see :class:`Photo`. Opened anew for each use, so that no sensor data stays in memory.

    Attributes:
        first_thumbnail: The thumbnail, where LibRaw had to unpack the sensor data at opening to identify the camera.
        is_uncompressed: Whether it stores all samples uncompressed, so that LibRaw cannot leave any out.
        frame: The picture within what LibRaw hands out, in stored orientation; None where it is all of that.
    """

    first_thumbnail: LinearImage | None = None
    is_uncompressed: bool = False
    frame: Region | None = None

    def thumbnail(self) -> LinearImage:
        if self.first_thumbnail is not None:
            return self.first_thumbnail
        with libraw(self.path, self.is_uncompressed) as raw:
            return _Mosaic.of(self.path, raw, self.frame).thumbnail(self.camera)

    def crop(self, region: Region) -> LinearImage:
        region.check_inside(self.width, self.height)
        with libraw(self.path, self.is_uncompressed) as raw:
            mosaic = _Mosaic.of(self.path, raw, self.frame)
            stored = region.to_stored(self.width, self.height, self.orientation)
            height, width = mosaic.samples.shape[:2]
            period = mosaic.period
            top = min(stored.y, height - period) // period * period
            left = min(stored.x, width - period) // period * period
            bottom = max(stored.y + stored.height, top + period)
            right = max(stored.x + stored.width, left + period)
            part = mosaic.part(top, bottom, left, right)
            return part.bin_rows(np.arange(part.samples.shape[0] // period), self.camera)


@dataclass(frozen=True, eq=False)
class _Mosaic:
    """The visible sensor samples.

    Attributes:
        samples: uint16 (H, W), or (H, W, 3) from a sensor that measures or a file that stores all three.
        channels: (period, period) index of the colour, 0 to 2, or -1 for a fourth one that is left out.
        black: Black level of each place in the pattern (period, period), or of each channel (3,).
        white: The number from which a sample counts as clipped, of the same shape.
    """

    samples: NDArray[np.uint16]
    channels: NDArray[np.intp]
    black: NDArray[np.float32]
    white: NDArray[np.float32]

    @property
    def period(self) -> int:
        """Rows and columns after which the pattern repeats; 1 where every pixel has three samples."""
        return len(self.channels)

    @classmethod
    def of(cls, path: str, raw: rawpy.RawPy, frame: Region | None) -> _Mosaic:
        with _libraw_errors(path):
            visible = raw.raw_image_visible
            if frame is not None:
                visible = visible[frame.y : frame.y + frame.height, frame.x : frame.x + frame.width]
            letters = raw.color_desc.decode("ascii", "replace")
            black = np.array(raw.black_level_per_channel, dtype=np.float32)
            white_levels = raw.camera_white_level_per_channel
            white = np.array([w if w else raw.white_level for w in (white_levels or [0] * 4)], dtype=np.float32)
            if visible.ndim == 3:
                clip = black[:3] + CLIP * (white[:3] - black[:3])
                return cls(visible[..., :3], np.zeros((1, 1), np.intp), black[:3], clip)
            colors = unusual_filters(path)
            if colors is None:
                colors = _pattern(raw)
            if frame is not None:
                colors = np.roll(colors, (-frame.y, -frame.x), (0, 1))
        if colors.max() >= min(len(letters), len(black)):
            raise UnsupportedImage(path, "has colour filters other than red, green and blue", "convert it to DNG")
        channels = np.array([["RGB".find(letters[i]) for i in row] for row in colors], dtype=np.intp)
        if (white[colors] <= black[colors]).any():
            raise UnreadableFile(path, "states a black level that is not below its white level", COPY_AGAIN)
        levels = black[colors]
        return cls(visible, channels, levels, levels + CLIP * (white[colors] - levels))

    def thumbnail(self, camera: Camera) -> LinearImage:
        """The 64 x 64 image that estimators see."""
        height, width = (max(length // self.period, 1) for length in self.samples.shape[:2])
        # A cell's mean needs some of its samples, not all of them; and reading them all would take longer than
        # unpacking an uncompressed file.
        rows = np.unique(np.linspace(0, height - 1, min(height, _SAMPLED_ROWS)).astype(np.intp))
        return self.bin_rows(rows, camera, max(width // _SAMPLED_COLUMNS, 1)).thumbnail(THUMBNAIL_SIZE)

    def part(self, top: int, bottom: int, left: int, right: int) -> _Mosaic:
        """The rectangle between these rows and columns; ``top`` and ``left`` must be multiples of the period."""
        return _Mosaic(self.samples[top:bottom, left:right], self.channels, self.black, self.white)

    def bin_rows(self, rows: NDArray[np.intp], camera: Camera, step: int = 1) -> LinearImage:
        """One pixel for each period of the pattern, in the given rows of periods and every ``step``-th column of them.

        Each colour is the mean of its samples, as a share of the range from black to white level. A pixel is valid
        if no sample of it is clipped.
        """
        period = self.period
        if self.samples.ndim == 3:
            full = self.samples[rows, ::step].astype(np.float32)
            unclipped = np.all(full < self.white, axis=2)
            return LinearImage.from_array((full - self.black) / ((self.white - self.black) / CLIP), unclipped, camera)
        used = self.samples.shape[1] // period * period
        columns = -(-used // (period * step))
        total = np.zeros((3, len(rows), columns), np.float32)
        valid = np.ones((len(rows), columns), bool)
        count = np.bincount(self.channels[self.channels >= 0], minlength=3)
        for y in range(period):
            for x in range(period):
                channel = self.channels[y, x]
                if channel < 0:
                    continue
                samples = self.samples[rows * period + y, x : used : period * step]
                valid &= samples < self.white[y, x]
                scale = np.float32(CLIP / (self.white[y, x] - self.black[y, x]) / count[channel])
                total[channel] += samples * scale
                total[channel] -= self.black[y, x] * scale
        return LinearImage.from_array(np.moveaxis(total, 0, 2), valid, camera)


def open_raw(path: str, max_pixels: int | None) -> RawPhoto | None:
    """Open a raw file.

    Only the header is read of a DNG that describes its camera. Of any other file, LibRaw unpacks the sensor data before
    it says anything about the camera.

    Args:
        path: The file.
        max_pixels: The greatest number of pixels; None for no limit.

    Returns:
        None if LibRaw does not recognise it as a raw file.

    Raises:
        UnreadableFile: If LibRaw knows the format but the file is damaged.
        UnsupportedImage: If it is too large, its sensor is not a red, green and blue one, or LibRaw does not read how
            it is stored.
    """
    import rawpy

    is_uncompressed = check_dng(path)
    try:
        with heed_remarks(path):
            raw = rawpy.imread(path)
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawIOError, rawpy.NotSupportedError):
        return None
    except rawpy.LibRawError as error:
        raise _damage_error(path, error) from error
    with raw, _libraw_errors(path):
        if is_cut_short(path):
            raise UnreadableFile(path, "ends before its sensor data do", COPY_AGAIN)
        sizes = raw.sizes
        check_size(path, sizes.raw_width, sizes.raw_height, max_pixels)
        orientation = OF_FLIP[sizes.flip & 7]
        frame = read_crop(path, sizes)
        stored = (frame.width, frame.height) if frame else (sizes.iwidth, sizes.iheight)
        width, height = displayed_size(*stored, orientation)
        camera = read_dng_camera(path)
        thumbnail = None
        if camera is None or not camera.matrices:
            _unpack(path, raw, is_uncompressed)
            camera = _camera(path, raw, camera)
            thumbnail = _Mosaic.of(path, raw, frame).thumbnail(camera)
        return RawPhoto(path, width, height, camera, orientation, thumbnail, is_uncompressed, frame)


def _camera(path: str, raw: rawpy.RawPy, dng: Camera | None) -> Camera:
    """The camera as LibRaw knows it; a DNG's own tags come first."""
    name = (dng.name if dng else "") or read_make_model(from_raw(path) or b"")
    table = raw.rgb_xyz_matrix[:3]
    is_sound = np.isfinite(table).all() and abs(np.linalg.det(table)) > 1e-6
    matrices = ((6504.0, table.tolist()),) if is_sound else ()
    as_shot = dng.as_shot if dng else None
    if as_shot is None:
        red, green, blue = raw.camera_whitebalance[:3]
        if min(red, green, blue) > 0:
            as_shot = (green / red, 1.0, green / blue)
    return Camera(name, "camera", matrices, as_shot)


def _pattern(raw: rawpy.RawPy) -> NDArray[np.intp]:
    """(period, period) index into LibRaw's colour letters, from the top left of the visible area.

    It is read sample by sample, since LibRaw's own pattern attribute does not cover X-Trans.
    """
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    size = min(2 * _PERIODS[-1], raw.sizes.height, raw.sizes.width)
    block = np.array([[raw.raw_color(top + y, left + x) for x in range(size)] for y in range(size)], dtype=np.intp)
    for period in _PERIODS:
        repeats = [(part[period:] == part[:-period]).all() for part in (block, block.T)]
        if size >= period and all(repeats):
            return block[:period, :period]
    return block[: _PERIODS[-1], : _PERIODS[-1]]


@contextmanager
def libraw(path: str, is_uncompressed: bool = False) -> Iterator[rawpy.RawPy]:
    """The file opened and unpacked by LibRaw, whose errors become awbkit's own.

    Args:
        path: The file.
        is_uncompressed: Whether it stores all samples uncompressed, so that LibRaw cannot leave any out.

    Raises:
        UnreadableFile: LibRaw finds it damaged, or leaves out samples.
        UnsupportedImage: LibRaw does not read how it is stored.
    """
    import rawpy

    with _libraw_errors(path), rawpy.imread(path) as raw:
        _unpack(path, raw, is_uncompressed)
        yield raw


def _unpack(path: str, raw: rawpy.RawPy, is_uncompressed: bool) -> None:
    """Decode the sensor data; refuse them where LibRaw gave up without a word, and warn where they are zeros."""
    import rawpy

    def again() -> NDArray[np.uint16]:
        with rawpy.imread(path) as other:
            with filled_memory(1):
                other.unpack()
            return np.array(other.raw_image_visible)

    with nullcontext() if is_uncompressed else filled_memory():
        raw.unpack()
    samples = raw.raw_image_visible
    if samples is None:
        raise UnsupportedImage(path, "stores no sensor data that LibRaw hands out", "convert it to DNG")
    _check_colours(path, raw)
    if not is_uncompressed and has_unwritten_samples(samples, again):
        raise UnreadableFile(path, "holds sensor data that LibRaw gives up on", COPY_AGAIN)
    # LibRaw hands out three colours as four. Every third row gives all kinds of rows of a mosaic.
    rows = samples[::3]
    warn_of_zero_rows(path, rows if rows.ndim == 2 else rows[..., :3])
    with map_file(path) as data:
        level_black(raw, data)


def _check_colours(path: str, raw: rawpy.RawPy) -> None:
    if raw.num_colors == 1:
        raise UnsupportedImage(path, "comes from a monochrome sensor", "there is no colour to balance; leave it out")
    letters = raw.color_desc.decode("ascii", "replace")
    if raw.num_colors == 2 or not {"R", "G", "B"} <= set(letters):
        colours = "two-coloured" if raw.num_colors == 2 else letters
        raise UnsupportedImage(path, f"has a {colours} sensor and not a red, green and blue one")


@contextmanager
def _libraw_errors(path: str) -> Iterator[None]:
    import rawpy

    try:
        with heed_remarks(path):
            yield
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError):
        problem = "stores its sensor data in a coding that LibRaw does not read, such as Nikon's High Efficiency"
        raise UnsupportedImage(path, problem, "convert it with Adobe DNG Converter") from None
    except rawpy.LibRawError as error:
        raise _damage_error(path, error) from error


def _damage_error(path: str, error: Exception) -> FileError:
    detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
    return UnreadableFile(path, f"the raw data cannot be read (LibRaw: {detail})", COPY_AGAIN)

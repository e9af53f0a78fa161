"""From the stored numbers of a rendered picture to the sample of them that its thumbnail is made of.

The same pixels give the same sample, whatever format they come in. Each block of 8 x 8, 4 x 4 or 2 x 2 pixels becomes
the mean of its numbers, before these are decoded to light. A JPEG decoder that scales a large picture down gives nearly
the same, which is by far the quickest way to read one, and the networks for photographs were trained on such means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import THUMBNAIL_SIZE
from awbkit.files.decode import Pixels, vips

if TYPE_CHECKING:
    import pyvips

_BLOCK_ROWS, _PIXEL_ROWS = 4, 8
"""How many rows of blocks, or of single pixels, of each of the thumbnail's cells are looked at."""

_MAX_DECODED_PIXELS = 1 << 22

_KINDS = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}


def block_side(width: int, height: int) -> int:
    """The side in pixels, 8, 4, 2 or 1, of the blocks that leave at least two of them across a thumbnail's cell."""
    return next((side for side in (8, 4, 2) if min(width, height) >= side * 2 * THUMBNAIL_SIZE), 1)


def jpeg_shrink(width: int, height: int) -> int:
    """How much smaller the decoder makes a JPEG: 1, or half the side of its blocks.

    The decoder's blocks are not quite the means of its pixels, which it clips one by one and to which it spreads coarse
    chroma differently. Four of its blocks to each block here come nearer than one, in a quarter more time. In a picture
    that is not large, the thumbnail's cells have too few blocks even for that.
    """
    return 1 if width * height <= _MAX_DECODED_PIXELS else max(1, block_side(width, height) // 2)


def sample(image: pyvips.Image, side: int) -> Pixels:
    """A sample of a picture: rows of blocks, or rows of pixels where a block has one pixel.

    Args:
        image: A stream of 3 bands, or 4 with alpha; of whole numbers where blocks have more than one pixel.
        side: Of the blocks in pixels. Those at the right and the bottom repeat the last column and row, as JPEG does.

    Returns:
        (H, W, bands): the stored numbers of pixels, or the means of blocks in 16 bits, where 65535 stands for an 8-bit
        255. The colours of a block are means over its visible pixels; alpha is 0 where less than half are visible.
    """
    if side == 1 and image.height <= _PIXEL_ROWS * THUMBNAIL_SIZE:
        return np.asarray(image.numpy())
    region = vips().Region.new(image)
    kind = _KINDS[image.format]

    def read(top: int, bottom: int) -> Pixels:
        rows = np.frombuffer(region.fetch(0, top, image.width, bottom - top), dtype=kind)
        return rows.reshape(-1, image.width, image.bands)

    if side == 1:
        return np.concatenate([read(row, row + 1) for row in _rows(image.height, _PIXEL_ROWS)])
    means = _means if image.bands == 3 else _opaque_means
    return np.concatenate(
        [means(read(top, min(top + side, image.height)), [0], side) for top in _tops(image.height, side)]
    )


def sample_array(pixels: Pixels, side: int) -> Pixels:
    """:func:`sample` of a picture (H, W, 3 or 4) that is decoded already."""
    if side == 1:
        return pixels[_rows(len(pixels), _PIXEL_ROWS)]
    means = _means if pixels.shape[2] == 3 else _opaque_means
    return means(pixels, _tops(len(pixels), side), side)


def _tops(height: int, side: int) -> list[int]:
    return [row * side for row in _rows(-(-height // side), _BLOCK_ROWS)]


def _means(pixels: Pixels, tops: list[int], side: int) -> NDArray[np.uint16]:
    """(len(tops), W / side, bands), of the blocks whose first rows are ``tops``."""
    unit = np.float32(257 if pixels.dtype == np.uint8 else 1)
    means: NDArray[np.uint16] = np.rint(_sums(pixels, tops, side) * (unit / side**2)).astype(np.uint16)
    return means


def _opaque_means(pixels: Pixels, tops: list[int], side: int) -> NDArray[np.uint16]:
    visible = pixels[..., 3:] > 0
    if visible.all():
        return _means(pixels, tops, side)
    shares = _sums(visible.astype(np.uint8), tops, side)
    colours = _means(np.where(visible, pixels[..., :3], 0), tops, side) * (side**2 / np.maximum(shares, side**2 // 2))
    return np.concatenate([np.rint(np.minimum(colours, 65535)), shares * 2 >= side**2], axis=2).astype(np.uint16)


def _sums(pixels: Pixels, tops: list[int], side: int) -> NDArray[np.float32]:
    width, bands = pixels.shape[1:]
    # A few long additions are much quicker than numpy's own sums over many short axes; 8 bytes fit into 16 bits.
    columns = np.empty((len(tops), width + -width % side, bands), np.uint16 if pixels.dtype == np.uint8 else np.uint32)
    columns[:, :width] = pixels[tops]
    for index in range(1, side):
        columns[:, :width] += pixels[[min(top + index, len(pixels) - 1) for top in tops]]
    columns[:, width:] = columns[:, width - 1 : width]
    # Halves are added to halves, because whole blocks side by side are longer in memory than their single pixels; the
    # last two pixels are added band by band, for the same reason.
    blocks = columns.reshape(len(tops), -1, side * bands)
    while blocks.shape[2] > 2 * bands:
        half = blocks.shape[2] // 2
        blocks = blocks[:, :, :half] + blocks[:, :, half:]
    sums = np.empty((len(tops), blocks.shape[1], bands), np.float32)
    for band in range(bands):
        np.add(blocks[:, :, band], blocks[:, :, band + bands], out=sums[:, :, band], dtype=columns.dtype)
    return sums


def _rows(height: int, each: int) -> list[int]:
    """``each`` evenly spaced rows for each cell of the thumbnail, and the last row; all rows of a small picture.

    A cell's mean needs a sample of its rows, not all of them. The last one tells whether the file is complete.
    """
    if height <= each * THUMBNAIL_SIZE:
        return list(range(height))
    edges = np.arange(THUMBNAIL_SIZE + 1) * height // THUMBNAIL_SIZE
    rows = (edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(each) + 0.5) / each).astype(int).ravel()
    return [*rows[:-1].tolist(), height - 1]

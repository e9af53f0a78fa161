"""ICC profiles that define the meaning of a picture's numbers by lookup tables (ICC.1:2022, AToB and DToB tags).

LittleCMS, by way of libvips, takes device numbers to XYZ in floating point (its CIELAB ends at 127), so that no gamut
is cut on the way. The profile's own tables back, BToA, are not used: they squeeze colours into a gamut, are often
coarse, and sometimes do nothing at all. :mod:`awbkit.correction.inversion` inverts the tables to XYZ instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.image import CLIP
from awbkit.files.decode import Pixels, vips
from awbkit.files.encoding import ProfileError, assemble_profile, profile_tags, table_tag

TABLE_CLIP = 0.99
"""Share of full scale from which a channel counts as clipped: its curve is unknown, but such curves are steep there."""

_MAX_BLACK = 0.2
_PROBE = 9
_ROWS = 33
# A cloud of the profile's colours that is flatter than this in one direction is a plane, not a space.
_FLATNESS = 1e-4
# From libvips' XYZ, which is adapted to D65 with a white of 100: the matrix of IEC 61966-2-1, inverted.
_TO_XYZ = np.array(
    [[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923], [0.0193308, 0.1191948, 0.9505322]]
)
_WHITE_POINT = np.array([95.0456, 100.0, 108.9058])
_TO_SRGB = np.linalg.inv(_TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True))
_TO_SRGB = (_TO_SRGB / _WHITE_POINT).astype(np.float32)
_LUMINANCE = _TO_XYZ[1].astype(np.float32)


@dataclass(frozen=True)
class ProfileTables:
    """What a profile's tables say about every device number.

    Attributes:
        profile: The profile, reduced to the one table that counts.
        black: Luminance of the darkest colour, which counts as no light.
    """

    profile: bytes
    black: float = 0.0

    def light(self, codes: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Linear sRGB, out of gamut where need be, of device numbers.

        Args:
            codes: (H, W, 3), 65535 = full scale.

        Returns:
            float32 (H, W, 3), 1 = the profile's white, 0 = its black.

        Raises:
            ProfileError: If the tables are damaged.
        """
        library = vips()
        library.vips_lib.vips_error_clear()
        image = library.Image.new_from_array(codes).copy(interpretation="rgb16")
        image.set_type(library.GValue.blob_type, "icc-profile-data", self.profile)
        try:
            xyz = image.icc_import(embedded=True, pcs="xyz", intent="relative").numpy()
        except (library.Error, UnicodeDecodeError) as error:
            # A complaint may quote bytes of the profile that are no text; left in the log, it would fail the next call.
            library.vips_lib.vips_error_clear()
            raise ProfileError("is damaged (its lookup tables cannot be used)") from error
        linear: NDArray[np.float32] = (xyz @ _TO_SRGB.T - np.float32(self.black)) / np.float32(1 - self.black)
        return linear

    def light_of(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Linear sRGB (N, 3) of device numbers (N, 3) from 0 to 1; otherwise as :meth:`light`."""
        codes = np.rint(numbers * 65535).astype(np.uint16)
        # Several rows, for libvips to share among threads.
        rows = np.pad(codes, ((0, -len(codes) % _ROWS), (0, 0))).reshape(_ROWS, -1, 3)
        return self.light(rows).reshape(-1, 3)[: len(codes)].astype(np.float64)

    def linearise(self, codes: Pixels, scale: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Linear sRGB (H, W, 3) of stored numbers, and (H, W) whether they are neither clipped nor black.

        Args:
            codes: (H, W, 3) uint8 or uint16.
            scale: The number that stands for 1.0.
        """
        fine = to_sixteen_bits(codes, scale)
        linear = self.light(fine)
        # 8 bits decide, so that finer numbers are black or clipped where coarser ones are.
        coarse = np.rint(fine / np.float32(257))
        valid = np.all((coarse > 0) & (coarse < TABLE_CLIP * 255) & (linear > 0), axis=2)
        return linear, valid & (linear.min(axis=2) < CLIP)


def to_sixteen_bits(codes: Pixels, scale: float) -> NDArray[np.uint16]:
    """Stored numbers in the 16 bits that a profile's tables take."""
    if codes.dtype == np.uint8:
        return codes.astype(np.uint16) * np.uint16(257)
    return codes if scale == 65535 else np.rint(np.minimum(codes * (65535 / scale), 65535)).astype(np.uint16)


def lattice(nodes: int) -> NDArray[np.float64]:
    """(nodes, nodes, nodes, 3) device numbers from 0 to 1; the first axis is red."""
    axis = np.linspace(0, 1, nodes)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)


@lru_cache(maxsize=4)
def read_tables(profile: bytes) -> ProfileTables:
    """The tables of a profile, tried on a lattice of colours.

    Raises:
        ProfileError: If they are damaged, or do not span a colour space.
    """
    tables = ProfileTables(_reduce(profile))
    light = tables.light(np.rint(lattice(_PROBE) * 65535).astype(np.uint16).reshape(-1, _PROBE, 3)).reshape(-1, 3)
    spread = np.linalg.svd(light - light.mean(axis=0), compute_uv=False) if np.isfinite(light).all() else np.zeros(3)
    luminance = light @ _LUMINANCE
    if spread[2] <= _FLATNESS * max(spread[0], 1e-9) or luminance.max() < 1e-3:
        raise ProfileError("is damaged (its lookup tables do not span a colour space)")
    return ProfileTables(tables.profile, float(np.clip(luminance.min(), 0, _MAX_BLACK)))


def _reduce(profile: bytes) -> bytes:
    """A profile that holds nothing but the table that counts.

    With all tables, LittleCMS would choose by the rendering intent. It is always media-relative here, since the
    perceptual intent maps black in a way of its own. And libvips silently takes sRGB for a profile that it rejects.
    """
    tags = profile_tags(profile)
    chosen = table_tag(profile, tags)
    if profile[20:24] not in (b"Lab ", b"XYZ "):
        raise ProfileError("is damaged (its lookup tables lead to no known colour space)")
    if chosen is None or len(tags[chosen]) < 32:
        raise ProfileError("is damaged (its lookup tables are cut off)")
    kept = {b"A2B1": tags[chosen]} | {name: tags[name] for name in (b"wtpt",) if name in tags}
    if chosen.startswith(b"D2B"):
        kept[b"D2B1"] = tags[chosen]
    version = profile[8:12] if profile[8] in (2, 4) else b"\x04\x40\0\0"
    return assemble_profile(kept, b"scnr", profile[20:24], version)

"""A correction on the stored numbers of a picture whose profile defines their meaning by lookup tables.

The corrected numbers are those that the profile shows as the corrected light: its tables to colours are inverted, and
its own tables back are not used. A number moves as on a model of the device; the difference between model and tables is
interpolated in a lattice and added. So where the light does not change, no number moves, whatever the tables are like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from awbkit.correction.device import fit
from awbkit.correction.highlights import KNEE, recover
from awbkit.correction.inversion import NODES, invert
from awbkit.files.decode import Pixels
from awbkit.files.profile_tables import ProfileTables, lattice

if TYPE_CHECKING:
    from PIL.ImageFilter import Color3DLUT

Floats = NDArray[np.float64]
Moves = NDArray[np.float32]

_ROWS = 32
_ROOTS = 65536
# Of full scale; smaller moves are noise from the tables' rounding.
_NOISE = 0.1 / 255
# Pillow's tables give bytes; this one stands for no move.
_MIDDLE = 128


@dataclass(frozen=True, eq=False)
class ModelMoves:
    """How far numbers move on the model of a device.

    Attributes:
        decode: (count, 3) float32 light of each number.
        matrix: 3x3, on that light.
        encode: (65536, 3) float32 number by the root of the light.
        roots: (count, 3) the root of each number's light before the correction, as an index into ``encode``.
    """

    decode: NDArray[np.float32]
    matrix: NDArray[np.float32]
    encode: NDArray[np.float32]
    roots: NDArray[np.uint16]

    def __call__(self, codes: Pixels) -> Moves:
        """(h, W, 3) moves of numbers (h, W, 3)."""
        light = np.stack([self.decode[:, c].take(codes[..., c]) for c in range(3)], axis=-1) @ self.matrix.T
        index = _root_index(light)
        moves = np.empty(light.shape, np.float32)
        for c in range(3):
            moved = self.encode[:, c].take(index[..., c]) - codes[..., c]
            # Where the light stays, so does the number, even if others stand for the same light.
            moves[..., c] = np.where(index[..., c] == self.roots[:, c].take(codes[..., c]), 0, moved)
        return moves


def _root_index(light: NDArray[np.floating]) -> NDArray[np.uint16]:
    return np.asarray(np.rint(np.sqrt(np.clip(light, 0, 1)) * (_ROOTS - 1)), dtype=np.uint16)


def _model_moves(encode: Floats, numbers: Floats, light: Floats, matrix: Floats) -> Floats:
    """(N, 3) what :class:`ModelMoves` makes of any numbers (N, 3) from 0 to 1, jumps along flat curves included."""
    before, after = _root_index(light), _root_index(light @ matrix.T)
    moved = np.stack([encode[after[:, c], c] for c in range(3)], axis=-1) - numbers
    return np.where(before == after, 0, moved)


@dataclass(frozen=True, eq=False)
class LatticeMoves:
    """How far numbers move by interpolation.

    Attributes:
        moves: (NODES ** 3, 3) float32, as shares of full scale.
        scale: The number that stands for 1.0.
        table: The same as a table for Pillow, which is quick; None for more than 8 bits.
    """

    moves: Moves
    scale: float
    table: Color3DLUT | None

    @classmethod
    def of(cls, moves: Floats, scale: float, dtype: np.dtype[Any]) -> LatticeMoves:
        """Prepare the lattice for numbers of one type, uint8 or uint16."""
        from PIL.ImageFilter import Color3DLUT

        if dtype != np.uint8:
            return cls(moves.astype(np.float32), scale, None)
        # Pillow's tables run through red first.
        order = moves.reshape(NODES, NODES, NODES, 3).transpose(2, 1, 0, 3).reshape(-1, 3)
        shifted = np.ascontiguousarray(order + _MIDDLE / 255, dtype=np.float32)
        return cls(moves.astype(np.float32), scale, Color3DLUT(NODES, shifted.ravel(), _copy_table=False))

    def __call__(self, codes: Pixels) -> Moves:
        """(h, W, 3) moves of numbers (h, W, 3)."""
        if self.table is not None:
            from PIL import Image

            return np.asarray(Image.fromarray(codes).filter(self.table)).astype(np.float32) - _MIDDLE
        place = codes * np.float32((NODES - 1) / self.scale)
        cell = np.minimum(place.astype(np.int32), NODES - 2)
        share = place - cell
        first = (cell[..., 0] * NODES + cell[..., 1]) * NODES + cell[..., 2]
        total = np.zeros(place.shape, np.float32)
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod([share[..., i] if up else 1 - share[..., i] for i, up in enumerate(corner)], axis=0)
            offset = (corner[0] * NODES + corner[1]) * NODES + corner[2]
            total += self.moves.take(first + offset, axis=0) * weight[..., None]
        return total * np.float32(self.scale)


@dataclass(frozen=True, eq=False)
class TableCorrection:
    """Corrects rows of numbers; may be called from several threads at once.

    Attributes:
        scale: The number that stands for 1.0.
        moves: The parts of each number's move, which add up.
        gains: (3,) of the device's channels; their order says which channels fall behind. None where full scale of
            all three is not white, so that clipping cannot be recognised.
    """

    scale: float
    moves: tuple[ModelMoves | LatticeMoves, ...]
    gains: Floats | None

    @classmethod
    def of(cls, matrix: Floats, tables: ProfileTables, scale: float, dtype: np.dtype[Any]) -> TableCorrection:
        """Prepare the moves for numbers of one type, uint8 or uint16.

        Args:
            matrix: 3x3, of the correction in linear sRGB.
            tables: Of the picture's profile.
            scale: The number that stands for 1.0.
            dtype: Of the numbers.

        Raises:
            InversionError: If the tables cannot show the corrected light.
        """
        model, nodes = fit(tables), lattice(NODES).reshape(-1, 3)
        light = tables.light_of(nodes)
        if model is None:
            moved = invert(tables, light, light @ matrix.T, nodes)
            return cls(scale, (LatticeMoves.of(moved - nodes, scale, dtype),), None)
        on_light = model.matrix(matrix)
        count = int(np.iinfo(dtype).max) + 1
        decode = model.decode(np.repeat(np.minimum(np.arange(count) / scale, 1)[:, None], 3, axis=1))
        encode = model.encode(np.repeat(np.linspace(0, 1, _ROOTS)[:, None] ** 2, 3, axis=1))
        moves = ModelMoves(
            decode=decode.astype(np.float32),
            matrix=on_light.astype(np.float32),
            encode=(encode * scale).astype(np.float32),
            roots=_root_index(decode),
        )
        modelled = _model_moves(encode, nodes, model.decode(nodes), on_light)
        # Out of gamut, a channel stops at its end, as on the model, and the others keep their numbers.
        amounts = light @ np.linalg.inv(model.primaries).T
        reached = np.clip(amounts @ on_light.T, np.minimum(amounts, 0), np.maximum(amounts, 1))
        start = np.clip(nodes + modelled, 0, 1)
        lacking = np.clip(invert(tables, light, reached @ model.primaries.T, start), 0, 1) - nodes - modelled
        gains = np.diag(on_light)
        if np.abs(lacking).max() <= _NOISE:
            return cls(scale, (moves,), gains)
        return cls(scale, (moves, LatticeMoves.of(lacking, scale, dtype)), gains)

    def __call__(self, codes: Pixels) -> None:
        """Correct numbers (h, W, 3 or 4) in place; a fourth channel stays."""
        for top in range(0, len(codes), _ROWS):
            rows = codes[top : top + _ROWS, :, :3]
            before = rows.copy()
            total = sum((move(before) for move in self.moves), before.astype(np.float32))
            rows[...] = np.rint(np.clip(total, 0, self.scale))
            if self.gains is not None:
                _raise_highlights(before, rows, self.gains, np.float32(self.scale))


def _raise_highlights(before: Pixels, codes: Pixels, gains: Floats, scale: np.float32) -> None:
    touched = (before >= KNEE * scale).any(axis=2)
    if touched.any():
        old, new = (part[touched].astype(np.float32) / scale for part in (before, codes))
        codes[touched] = np.rint(recover(old, new, gains) * scale)

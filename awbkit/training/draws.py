"""The batches of a training. Each step has its own generator, which draws for the whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from awbkit.training import processes
from awbkit.training.augmentation import lights as coloured_lights
from awbkit.training.bank import Bank
from awbkit.training.recipe import Recipe

Float = NDArray[np.float32]

_COLOURED = 4096
_MEASURED = 8192


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch, or a part of one.

    Attributes:
        read: The network's inputs.
        anchor: (N, 2), the network's residual is added to it.
        light: (N, 2), the truth.
        telling: (N,), 1 where the picture holds evidence of its light, else 0.
    """

    read: dict[str, Tensor]
    anchor: Tensor
    light: Tensor
    telling: Tensor


class Draws:
    """The batches.

    Args:
        bank: The pictures.
        recipe: Batch size and augmentation.
        seed: Of all random choices.
        device: Device of the tensors.
    """

    def __init__(self, bank: Bank, recipe: Recipe, seed: int, device: str) -> None:
        self._bank = bank
        self._recipe = recipe
        self._seed = seed
        self._device = device
        self._deviation = moments(bank)[1] * np.float32(recipe.statistics_noise)
        rng = np.random.default_rng([seed, _COLOURED])
        self._coloured = coloured_lights(_COLOURED if recipe.coloured else 1, rng).astype(np.float32)

    def shards(self, step: int) -> Iterator[Batch]:
        """Draw this process's shards of a step's batch."""
        return self._shards(step, processes.share(self._recipe.shards))

    def sample(self) -> Iterator[Batch]:
        """Draw what a network is measured on: all shards of the first steps, of up to 8192 pictures."""
        pictures = min(_MEASURED, len(self._bank) * self._recipe.variants)
        for step in range(-(-pictures // self._recipe.batch_size)):
            yield from self._shards(step, range(self._recipe.shards))

    def _shards(self, step: int, numbers: range) -> Iterator[Batch]:
        recipe, bank, size = self._recipe, self._bank, self._recipe.batch_size
        rng = np.random.default_rng([self._seed, step])
        versions, pictures = rng.integers(len(bank.anchor), size=size), rng.integers(len(bank), size=size)
        others = bank.light[0, rng.integers(len(bank), size=size)]
        others = others + np.float32(recipe.relight_jitter) * rng.standard_normal((size, 2), np.float32)
        coloured = self._coloured[rng.integers(len(self._coloured), size=size)]
        target = np.where(rng.random((size, 1)) < recipe.coloured, coloured, others)
        relit = rng.random((size, 1)) < recipe.relight
        white_error = np.float32(recipe.white_jitter) * rng.standard_normal((size, 2), np.float32)
        unknown = rng.random((size, 1)) < recipe.unknown_white
        noise = self._deviation * rng.standard_normal((size, len(self._deviation)), np.float32)
        for number in numbers:
            mine = slice(size * number // recipe.shards, size * (number + 1) // recipe.shards)
            places = versions[mine], pictures[mine]
            true = bank.light[places]
            shift = np.where(relit[mine], target[mine] - true, np.float32(0))
            anchor, light = bank.anchor[places] + shift, true + shift
            known = bank.known[places[1], None] & ~unknown[mine]
            batch = {
                "anchor": anchor + white_error[mine],
                "known": known.astype(np.float32),
                "statistics": bank.statistics[places] + noise[mine],
                "grid": bank.grid[places].astype(np.float32),
            }
            yield Batch(
                {name: self._tensor(value) for name, value in batch.items()},
                self._tensor(anchor),
                self._tensor(light),
                self._tensor(bank.telling[places].astype(np.float32)),
            )

    def _tensor(self, array: Float) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def moments(bank: Bank) -> tuple[Float, Float]:
    """Mean and standard deviation of the statistics over all versions of all pictures."""
    flat = bank.statistics.reshape(-1, bank.statistics.shape[-1])
    mean = flat.mean(axis=0, dtype=np.float64)
    deviation = np.maximum(flat.std(axis=0, dtype=np.float64), 1e-3)
    return mean.astype(np.float32), deviation.astype(np.float32)

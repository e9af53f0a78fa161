"""Checkpoints of a training, as safetensors: weights, their averages, and the optimiser's moments."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from awbkit.errors import UnreadableFile
from awbkit.store.outputs import IfExists, write_whole

_MOMENTS = ("exp_avg", "exp_avg_sq")


def save(path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Write a checkpoint atomically."""
    tensors: dict[str, Tensor] = {}
    for name, value in network.named_parameters():
        tensors[f"network.{name}"] = value.detach()
        for moment in _MOMENTS:
            tensors[f"{moment}.{name}"] = optimiser.state[value][moment]
    tensors |= {f"average.{name}": value.detach() for name, value in average.named_parameters()}
    dense = {name: value.contiguous() for name, value in tensors.items()}
    data = to_bytes(dense, {"step": str(step)})
    write_whole(path, IfExists.REPLACE, data)


def steps_done(path: Path) -> int:
    """The step of a checkpoint; 0 if it is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return int((file.metadata() or {}).get("step", 0))
    except (SafetensorError, OSError, ValueError):
        return 0


def restore(path: Path, network: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, *, steps: int) -> int:
    """Restore a training from its checkpoint.

    Args:
        path: The checkpoint.
        network: Receives the weights.
        average: Receives their averages.
        optimiser: Receives the moments.
        steps: Steps of the whole training.

    Returns:
        The number of completed steps; 0 without a checkpoint.

    Raises:
        UnreadableFile: If the checkpoint is damaged or another network's.
    """
    if not path.exists():
        return 0
    try:
        with safe_open(path, framework="pt") as file, torch.no_grad():
            step = int((file.metadata() or {})["step"])
            if not 0 < step <= steps:
                raise ValueError(f"it is of step {step}, and the training has {steps}")
            for name, value in network.named_parameters():
                value.copy_(file.get_tensor(f"network.{name}"))
                # The optimiser's own layout: a copy keeps the parameter's memory format.
                optimiser.state[value] = {"step": torch.tensor(float(step))} | {
                    moment: torch.zeros_like(value).copy_(file.get_tensor(f"{moment}.{name}")) for moment in _MOMENTS
                }
            for name, value in average.named_parameters():
                value.copy_(file.get_tensor(f"average.{name}"))
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise UnreadableFile(
            path, f"is no checkpoint of this training ({error})", "remove it, and start anew"
        ) from None
    return step

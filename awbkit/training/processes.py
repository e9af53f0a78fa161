"""One training in several processes, as ``torchrun`` starts them; alone, everything here does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn

from awbkit.errors import UsageError


@contextmanager
def joined(device: str, batch_size: int) -> Iterator[None]:
    """Join the group that ``torchrun`` describes in the environment, if there is one, and leave it at the end.

    Raises:
        UsageError: If the batch cannot be divided among the processes.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield
        return
    if batch_size % size:
        raise UsageError(f"a batch of {batch_size} pictures cannot be divided among {size} processes; change one")
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def wait() -> None:
    """Wait for all processes."""
    if distributed.is_initialized():
        distributed.barrier()


def share(size: int) -> slice:
    """The part of a batch that this process computes."""
    if not distributed.is_initialized():
        return slice(size)
    part = size // distributed.get_world_size()
    return slice(distributed.get_rank() * part, (distributed.get_rank() + 1) * part)


def shared(network: nn.Module) -> nn.Module:
    """The network with gradients that are the mean over all processes'."""
    if not distributed.is_initialized():
        return network
    return nn.parallel.DistributedDataParallel(network)

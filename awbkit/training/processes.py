"""One training in several processes, as ``torchrun`` starts them; alone, everything here does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed

from awbkit.errors import UsageError


@contextmanager
def joined(device: str, shards: int) -> Iterator[None]:
    """Join the group that ``torchrun`` describes in the environment, if there is one, and leave it at the end.

    Each process computes on one thread meanwhile, since threads add in an order of their own, and networks of this
    size gain next to nothing by them.

    Raises:
        UsageError: If the shards of a batch cannot be divided among the processes.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _group(device, shards):
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _group(device: str, shards: int) -> Iterator[None]:
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield
        return
    if shards % size:
        raise UsageError(
            f"{shards} shards of a batch cannot be divided among {size} processes; set shards = {size} in a --config"
        )
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


def share(shards: int) -> range:
    """The numbers of those shards of a batch that this process computes."""
    if not distributed.is_initialized():
        return range(shards)
    part = shards // distributed.get_world_size()
    return range(distributed.get_rank() * part, (distributed.get_rank() + 1) * part)


def total(rows: Tensor) -> Tensor:
    """The sum of all shards' numbers, the same to the last bit however many processes there are.

    Args:
        rows: (K, N), those of this process's shards, in their order.

    Returns:
        (N,), added in the order of the shards.
    """
    if distributed.is_initialized():
        gathered = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(gathered, rows)
        rows = torch.cat(gathered)
    found = rows[0].clone()
    for row in rows[1:]:
        found += row
    return found

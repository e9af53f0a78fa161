"""One training in several processes, as ``torchrun`` starts them; in a single process, every function does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed

from awbkit.errors import AwbError, UsageError


@contextmanager
def process_group(device: str, shards: int) -> Iterator[None]:
    """Join the process group that ``torchrun`` describes in the environment, if any, and leave it at the end.

    Each process then computes on one thread: threads add in an unpredictable order, and hardly speed up networks of
    this size.

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
    size = _number("WORLD_SIZE", 1)
    if size == 1:
        yield
        return
    if shards % size:
        raise UsageError(
            f"{shards} shards of a batch cannot be divided among {size} processes; set shards = {size} in a --config"
        )
    if device == "cuda":
        torch.cuda.set_device(_number("LOCAL_RANK", 0))
    try:
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    except ValueError as error:
        raise UsageError(f"WORLD_SIZE is {size}, but the processes cannot meet ({error}); start by torchrun") from None
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def _together() -> Iterator[None]:
    """Translate the RuntimeError that collective operations raise if a process is gone."""
    try:
        yield
    except RuntimeError:
        raise AwbError("another of the training's processes has stopped; its message says why") from None


def _number(name: str, least: int) -> int:
    """Read a whole number from the environment, or else return the least allowed."""
    stated = os.environ.get(name, str(least))
    if not stated.isdecimal() or int(stated) < least:
        raise UsageError(
            f"{name} is {stated!r} in the environment, no whole number from {least} on; unset it, or use torchrun"
        )
    return int(stated)


def is_first() -> bool:
    """Whether this process writes the files of the run."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def wait() -> None:
    """Wait for all processes.

    Raises:
        AwbError: If a process is gone.
    """
    if distributed.is_initialized():
        with _together():
            distributed.barrier()


def share(shards: int) -> range:
    """The numbers of this process's shards of a batch."""
    if not distributed.is_initialized():
        return range(shards)
    part = shards // distributed.get_world_size()
    return range(distributed.get_rank() * part, (distributed.get_rank() + 1) * part)


def total(rows: Tensor) -> Tensor:
    """Add up the rows of all shards, with the same bits for any number of processes.

    Args:
        rows: (K, N), the rows of this process's shards, in order.

    Returns:
        (N,), added in the order of the shards.

    Raises:
        AwbError: If another process is gone.
    """
    if distributed.is_initialized():
        gathered = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        with _together():
            distributed.all_gather(gathered, rows)
        rows = torch.cat(gathered)
    found = rows[0].clone()
    for row in rows[1:]:
        found += row
    return found

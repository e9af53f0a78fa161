"""Work in processes of its own that find torch imported, and that a signal reaches at a moment that can be named."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers.command import Ran

_FORKS = multiprocessing.get_context("forkserver")
# The last is what torch's optimisers import when they are made.
_FORKS.set_forkserver_preload(["awbkit.training.train", "awbkit.training.prune", "awbkit.cli.main", "torch._dynamo"])

SAVED_EVERY = 20
"""Steps from one checkpoint to the next in these processes, so that a short training has some."""


def run_until_killed(name: str, times: int, work: Callable[..., object], *arguments: Any, resume: bool = False) -> bool:
    """Train, prune or the like until it is killed the moment before a file gets its final name for the so-manieth time.

    Args:
        name: How the path of the file ends.
        times: At which of its versions.
        work: That function.
        arguments: Its own.
        resume: Whether it goes on with a run.

    Returns:
        Whether it was killed, and not done before.
    """
    process = _FORKS.Process(target=_until, args=(name, times, signal.SIGKILL, _run, work, arguments, resume))
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


def run_commands(
    arguments: Sequence[object],
    folder: Path,
    environments: Sequence[Mapping[str, str]] = ({},),
    interrupted_at: tuple[str, int] = ("", 0),
) -> list[Ran]:
    """Run the command in processes of their own, one for each environment, all at once.

    Args:
        arguments: Of the command.
        folder: Takes what they print.
        environments: What each finds over and above its environment.
        interrupted_at: A file's name and number as of :func:`run_until_killed`, before which Ctrl-C comes.
    """
    processes = []
    for number, environment in enumerate(environments):
        work = (list(map(str, arguments)), dict(environment), folder / f"{number}")
        processes.append(_FORKS.Process(target=_until, args=(*interrupted_at, signal.SIGINT, _command, *work)))
        processes[-1].start()
    for process in processes:
        process.join()
    return [
        Ran(process.exitcode, *((folder / f"{number}.{end}").read_text() for end in ("out", "err")))
        for number, process in enumerate(processes)
    ]


@contextmanager
def meet(count: int) -> Iterator[list[dict[str, str]]]:
    """The environments of processes that meet, as torchrun makes them."""
    from torch.distributed import TCPStore

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
    yield [{**place, **rank, "WORLD_SIZE": str(count)} for rank in ranks]
    del store


def _until(name: str, times: int, sent: int, work: Callable[..., object], *arguments: Any) -> None:
    import torch

    from awbkit.training import fit

    torch.set_num_threads(1)
    fit._SAVE_INTERVAL = SAVED_EVERY
    left = times

    def hook(event: str, of: Sequence[Any]) -> None:
        nonlocal left
        if event in ("os.rename", "os.link") and str(of[1]).endswith(name):
            left -= 1
            if not left:
                os.kill(os.getpid(), sent)

    sys.addaudithook(hook)
    work(*arguments)


def _run(work: Callable[..., object], arguments: Sequence[Any], resume: bool) -> None:
    from awbkit.training.run import Execution

    work(*arguments, execution=Execution(resume=resume))


def _command(arguments: list[str], environment: Mapping[str, str], prints: Path) -> None:
    from awbkit.__main__ import run

    os.environ.update(environment)
    for stream, end in ((1, "out"), (2, "err")):
        with Path(f"{prints}.{end}").open("wb") as file:
            os.dup2(file.fileno(), stream)
    sys.argv = ["awbkit", *arguments]
    run()

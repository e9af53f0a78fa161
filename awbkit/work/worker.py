"""One worker process: a fresh interpreter that gets items through a pipe and answers with results.

It is never forked, because LibRaw and libvips run threads that a fork would leave in pieces; and it is not started by
``multiprocessing``, because that makes every worker import the main script, and with it the whole command line, before
it does anything.

A message is a length and a pickle. The worker's standard input and output carry the messages; before any codec is
loaded they are put aside and replaced, so that a library that prints cannot break the conversation.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import sys
from functools import partial
from typing import IO, TYPE_CHECKING, Any, NoReturn

from awbkit.errors import AwbError
from awbkit.work.executor import Crash
from awbkit.work.interrupts import ENDING_SIGNALS, EndingSignal, below_codec
from awbkit.work.outcome import user_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_LENGTH = struct.Struct("!Q")
_GRACE_SECONDS = 5.0
# One file a core is the parallelism; threads inside the codecs would only get in each other's way.
_ONE_THREAD = dict.fromkeys(("VIPS_CONCURRENCY", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


_is_working = False
"""Whether there may be temporary files to remove."""


class Process:
    """The parent's end of a worker."""

    def __init__(self, pickled_task: bytes) -> None:
        import subprocess

        # The parent's search path, and nothing else of it, in particular not its main script.
        code = f"import sys; sys.path[:] = {sys.path!a}; from awbkit.work.worker import serve; serve()"
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**_ONE_THREAD, **os.environ},
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise AwbError(f"a worker process could not start ({reason}); -j 1 does without") from error
        self._timeout = subprocess.TimeoutExpired
        self._task_message = pickled_task
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, item: object) -> tuple[Any, AwbError | None]:
        message = pickle.dumps(item)
        try:
            if not self._ready:
                _send(self._pipe_in, self._task_message)
                refusal = pickle.loads(_receive(self._pipe_out))
                if refusal is not None:
                    raise AwbError(f"a worker process could not start: {refusal}")
                self._ready = True
            _send(self._pipe_in, message)
            answer = _receive(self._pipe_out)
        except (OSError, EOFError):
            crash = Crash(self._ending())
            if not self._ready and not crash.from_outside:
                raise AwbError(f"a worker process could not start ({crash.ending}); -j 1 does without") from None
            return None, crash
        try:
            result, error = pickle.loads(answer)
        except Exception as error:
            return None, user_error(error)
        return result, error

    def terminate(self) -> None:
        with contextlib.suppress(OSError):
            self._process.terminate()

    def reap(self) -> None:
        try:
            self._process.wait(_GRACE_SECONDS)
        except self._timeout:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        # A process that waits for an item ends when its pipe closes.
        for pipe in (self._pipe_in, self._pipe_out):
            with contextlib.suppress(OSError):
                pipe.close()
        self.reap()

    @property
    def _pipe_in(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _pipe_out(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _ending(self) -> str:
        self.reap()
        code = self._process.returncode
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


class Processes:
    """The executor of this machine."""

    @property
    def seats(self) -> int:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def prepare(self, task: Callable[[Any], Any]) -> Callable[[], Process]:
        return partial(Process, pickle.dumps(task))


THIS_MACHINE = Processes()


def serve() -> None:
    """The worker's end: answer until the parent closes the pipe."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    try:
        for number in ENDING_SIGNALS:
            # A user who starts awbkit with nohup wants it to outlive the terminal.
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _leave)
        try:
            task = pickle.loads(_receive(source))
        except EOFError:
            return
        except Exception as error:
            _send(sink, pickle.dumps(f"{type(error).__name__}: {error}"))
            return
        _send(sink, pickle.dumps(None))
        while True:
            _send(sink, _answer(task, _receive(source)))
    except EndingSignal as ending:
        _end(ending.number)
    except (EOFError, BrokenPipeError):
        # The parent is done, or gone; taking the interpreter down in good order would only keep it waiting.
        sys.stderr.flush()
        os._exit(0)


def _answer(task: Callable[[Any], Any], message: bytes) -> bytes:
    global _is_working
    try:
        _is_working = True
        result = task(pickle.loads(message))
        _is_working = False
        return pickle.dumps((result, None))
    except Exception as error:
        _is_working = False
        ours = user_error(error)
    try:
        answer = pickle.dumps((None, ours))
        pickle.loads(answer)
    except Exception:
        # An exception whose constructor does not take its own arguments cannot be unpickled.
        return pickle.dumps((None, AwbError(str(ours))))
    return answer


def _leave(number: int, frame: FrameType | None) -> None:
    global _is_working
    if not _is_working:
        # Between items there is nothing to unwind, and an exception could land where this process is ending already.
        _end(number)
    if below_codec(frame):
        from awbkit.store.parts import discard_all

        discard_all()
        _end(number)
    _is_working = False
    # An exception, so that temporary files are removed on the way out.
    raise EndingSignal(number)


def _end(number: int) -> NoReturn:
    """End by the signal itself, so that the parent knows that no item did this."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(_LENGTH.pack(len(message)) + message)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    return _read(pipe, length)


def _read(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data

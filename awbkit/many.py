"""Many pictures from Python: results in the order of the sources, errors as values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from awbkit import api
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.errors import AwbError
from awbkit.estimators.own import Function, check_portable
from awbkit.estimators.registry import DEFAULT, Method
from awbkit.store.limits import MAX_PIXELS
from awbkit.work.batch import default_jobs, run

if TYPE_CHECKING:
    from typing import Unpack

    from awbkit.files.source import Source


def estimate_many(
    sources: Iterable[Source | LinearImage],
    method: str | Method | Function = DEFAULT,
    *,
    jobs: int = 1,
    encoding: str = "auto",
    fallback: str | Method | Function | None = None,
    max_expected_error: float | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> Iterator[Illuminant | AwbError]:
    """Estimate the light of many pictures.

    Args:
        sources: Whatever :func:`awbkit.estimate` takes. They are drawn as they are needed: a generator may be endless.
        method: As of :func:`awbkit.estimate`.
        jobs: The number of processes; 1 is this one alone, 0 as many as there are cores. Pictures in memory are copied
            to the processes; an open file stays in this one.
        encoding: As of :func:`awbkit.estimate`.
        fallback: As of :func:`awbkit.estimate`.
        max_expected_error: As of :func:`awbkit.estimate`.
        max_pixels: As of :func:`awbkit.estimate`.

    Returns:
        An iterator over the lights in the order of the sources, each as soon as it and all before it are there. A
        source that fails gives its error in its place: what :func:`awbkit.estimate` raises, or an ``AwbError`` that
        tells of any other exception or of the end of a process. Close the iterator to stop early.

    Raises:
        UsageError: If the method and the fallback cannot be used as given; with several jobs, if worker processes
            cannot import a function.
    """
    chosen = api.method_of(method, fallback, max_expected_error)
    _check(jobs, chosen)
    return _results(partial(api.estimate, method=chosen, encoding=encoding, max_pixels=max_pixels), sources, jobs)


def correct_many(
    pairs: Iterable[tuple[Source, str | os.PathLike[str] | None]],
    *,
    jobs: int = 1,
    **options: Unpack[api.CorrectOptions],
) -> Iterator[Any]:
    """Correct many pictures.

    Args:
        pairs: A source and an output of :func:`awbkit.correct`; None as output gives back the corrected picture.
        jobs: As of :func:`estimate_many`.
        options: As of :func:`awbkit.correct`.

    Returns:
        An iterator over what :func:`awbkit.correct` returns for each pair, or its error, as :func:`estimate_many` has
        it.
    """
    _check(jobs, options.get("method"), options.get("fallback"))
    return _results(partial(_correct, options=options), pairs, jobs)


def _check(jobs: int, *methods: str | Method | Function | None) -> None:
    """Refuse functions that cannot travel to worker processes, if there will be any."""
    for method in methods if jobs != 1 else ():
        given = [method, method.fallback] if isinstance(method, Method) else [method]
        for each in given:
            function = each.function if isinstance(each, Method) else each
            if callable(function):
                check_portable(function)


def _results(task: Any, items: Iterable[Any], jobs: int) -> Iterator[Any]:
    for outcome in run(task, items, jobs=jobs or default_jobs(), local=_is_open_file):
        yield outcome.result if outcome.error is None else outcome.error


def _is_open_file(item: object) -> bool:
    return hasattr(item[0] if isinstance(item, tuple) else item, "read")


def _correct(pair: tuple[Any, Any], options: Any) -> Any:
    return api.correct(pair[0], pair[1], **options)

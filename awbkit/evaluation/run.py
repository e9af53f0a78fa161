"""Run methods on prepared data sets: in parallel, with failures isolated, fitted under a protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import PROTOCOLS
from awbkit.colour.camera import Camera
from awbkit.datasets.prepared import Prepared
from awbkit.errors import UsageError
from awbkit.estimators import Method
from awbkit.estimators.own import Function, check_portable
from awbkit.evaluation import fitted_methods, protocols
from awbkit.evaluation.evaluate import ROUNDS, dataset_facts, evaluate, judge, restrict, select, truth_of
from awbkit.evaluation.fitted_methods import TrainableMethod
from awbkit.evaluation.journal import AnswerJournal, states
from awbkit.evaluation.methods import AnyMethod, label, resolve
from awbkit.evaluation.overlap import training_overlaps
from awbkit.evaluation.rerun import run_facts
from awbkit.evaluation.result import Evaluation, MethodResult
from awbkit.evaluation.subset import Condition, choose, describe
from awbkit.evaluation.work import Answers, Chunk, answer
from awbkit.version import VERSION
from awbkit.work import batch
from awbkit.work.executor import Crash
from awbkit.work.outcome import Outcome

_MOST_IMAGES = 64
_SECONDS = 1.0
"""Seconds that a worker may spend on a chunk of images; a killed run loses the unfinished chunks."""


@dataclass(frozen=True)
class Step:
    """Progress of a run.

    Attributes:
        images: Number of images just finished.
        failures: Number of failures of methods on them.
    """

    images: int
    failures: int


class Run:
    """A run of methods on data sets under a protocol: create it, iterate over :meth:`steps`, then call :meth:`results`.

    Attributes:
        methods: The methods in the order of the request.
        protocol: The splits.
        truth: The test images.
        images: Number of images to process.
    """

    def __init__(
        self,
        sets: Sequence[Prepared],
        specifications: Sequence[str | Function],
        *,
        protocol: str = "none",
        folds: int = 10,
        conditions: Sequence[Condition] = (),
    ) -> None:
        """Plan the work.

        Args:
            sets: One or more prepared data sets with distinct names.
            specifications: Methods, as :func:`awbkit.evaluation.methods.resolve` reads them.
            protocol: Protocol of fitted methods; see :mod:`awbkit.evaluation.protocols`.
            folds: Number of folds, for "k-fold".
            conditions: Test only images that fulfil these; methods are fitted as without them.

        Raises:
            UsageError: If methods, data sets and protocol do not go together, or no image is left.
        """
        self.methods = [resolve(specification) for specification in specifications]
        if twice := [method for method in self.methods if self.methods.count(method) > 1]:
            raise UsageError(f"method {twice[0]} is given twice")
        self._names = [label(specification) for specification in specifications]
        self._sets = list(sets)
        self._all_truth = truth_of(sets)
        self._cameras = [camera for prepared in sets for camera in _unique_cameras(prepared)]
        self._trainables = {place: m for place, m in enumerate(self.methods) if isinstance(m, TrainableMethod)}
        if protocol == protocols.AUTO:
            protocol = protocols.default_protocol(self._all_truth) if self._trainables else protocols.NONE
        whole = protocols.protocol(protocol, self._all_truth, folds=folds)
        self.protocol = protocols.narrow(whole, choose(self._all_truth, conditions)) if conditions else whole
        self._check()
        self.truth = select(self._all_truth, self.protocol.test)
        self._test_mask = np.zeros(len(self._all_truth), dtype=np.bool_)
        self._test_mask[self.protocol.test] = True
        self._work_mask = self._test_mask.copy()
        for split in self.protocol.splits if self._trainables else ():
            self._work_mask[split.fit] = True
        self.images = int(self._work_mask.sum())
        self._done_mask = np.zeros((len(self._all_truth), len(self.methods)), dtype=np.bool_)
        self._size = 1
        self._estimates = np.full((len(self._all_truth), len(self.methods), 3), np.nan)
        self._expected_errors = np.full((len(self._all_truth), len(self.methods)), np.nan)
        self._features: list[dict[int, NDArray[np.float64]]] = [{} for _ in self.methods]
        self._failures: list[dict[int, str]] = [{} for _ in self.methods]

    @property
    def by_name(self) -> dict[str, AnyMethod]:
        """The methods by their names in reports."""
        return dict(zip(self._names, self.methods, strict=True))

    @property
    def plan(self) -> str:
        """A digest of everything that the answers depend on."""
        parts = [
            VERSION,
            [[prepared.name, prepared.info.get("hash"), states(prepared.path)] for prepared in self._sets],
            [
                [name, "" if isinstance(method, TrainableMethod) else method.digest]
                for name, method in zip(self._names, self.methods, strict=True)
            ],
            self._work_mask.tolist(),
            self._test_mask.tolist(),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def steps(self, jobs: int = 1, journal: AnswerJournal | None = None) -> Generator[Step, None, None]:
        """Process the images, chunk by chunk.

        If a worker process dies, only the fatal answer is lost: its chunk is repeated image by image and method by
        method. Functions that are named run in other processes only; callables run in this one with a single job.

        Args:
            jobs: Number of processes.
            journal: Stores the answers; images that it holds already are not processed again.

        Raises:
            UsageError: If there are several jobs and worker processes cannot import a callable.
        """
        callables = [m.function for m in self.methods if isinstance(m, Method) and m.function is not None]
        for function in callables if jobs > 1 else ():
            check_portable(function)
        here = bool(callables) and jobs == 1
        if journal is not None:
            for known, answers in journal.entries:
                if not self._asks(known):
                    raise journal.damage_error("it holds answers that this evaluation does not need")
                yield self._take(known, answers)
        begun = self._work_mask & self._done_mask.any(axis=1)
        again = [single for chunk in self._chunks(begun & ~self._done_mask.all(axis=1)) for single in chunk.parts]
        again = [single for single in again if not self._done_mask[single.start + single.rows[0], single.methods[0]]]
        task = partial(answer, methods=tuple(self.methods))
        apart = any(isinstance(method, Method) and method.is_own for method in self.methods)
        first = self._chunks(self._work_mask & ~begun)
        for chunks, alone in ((first, apart), (again, True)):
            with closing(batch.run(task, chunks, jobs=jobs, isolate=alone and not here)) as outcomes:
                for outcome in outcomes:
                    chunk = outcome.item
                    assert isinstance(chunk, Chunk)
                    if outcome.result is not None:
                        self._grow(chunk, outcome.result)
                        yield self._keep(chunk, outcome.result, journal)
                    elif len(chunk.parts) > 1:
                        again += chunk.parts
                    else:
                        yield self._lose(chunk, outcome)

    def results(self) -> list[MethodResult]:
        """The methods' answers and errors, in the order of the request; call it after all steps."""
        for place, method in self._trainables.items():
            self._fit(place, method)
        chosen = self.protocol.test
        new = {int(old): place for place, old in enumerate(chosen)}
        return [
            replace(
                judge(
                    name,
                    self._estimates[chosen, place],
                    self._expected_errors[chosen, place],
                    {new[old]: why for old, why in sorted(self._failures[place].items()) if old in new},
                    self.truth,
                ),
                trained_on=training_overlaps(self.methods[place], self._sets, self._test_mask),
            )
            for place, name in enumerate(self._names)
        ]

    def _check(self) -> None:
        for method in self._trainables.values():
            if not self.protocol.splits:
                known = ", ".join(name for name in PROTOCOLS if name != protocols.NONE)
                raise UsageError(f"method {method} has to be fitted; choose a protocol: {known}")
            for split in self.protocol.splits:
                fitted_methods.check(method, self._cameras_of(split.fit), self._cameras_of(split.test))

    def _cameras_of(self, indices: NDArray[np.intp]) -> list[Camera]:
        return [self._cameras[index] for index in indices.tolist()]

    def _chunks(self, wanted: NDArray[np.bool_]) -> Iterator[Chunk]:
        """Divide images into chunks, whose size adapts to the measured speed."""
        start = 0
        for prepared in self._sets:
            rows = np.flatnonzero(wanted[start : start + len(prepared)])
            while len(rows):
                part, rows = rows[: self._size], rows[self._size :]
                test = tuple(self._test_mask[start + part].tolist())
                yield Chunk(prepared.path, start, tuple(part.tolist()), test, tuple(range(len(self.methods))))
            start += len(prepared)

    def _grow(self, chunk: Chunk, answers: Answers) -> None:
        """Set the chunk size that fits the time limit, at most double the measured chunk."""
        fitting = int(len(chunk.rows) * _SECONDS / max(answers.seconds, 1e-6))
        self._size = max(1, min(_MOST_IMAGES, 2 * len(chunk.rows), fitting))

    def _asks(self, chunk: Chunk) -> bool:
        """Whether this run needs the answers of a journal's chunk."""
        images = [chunk.start + row for row in chunk.rows]
        within = all(isinstance(i, int) and 0 <= i < len(self._all_truth) and self._work_mask[i] for i in images)
        return within and all(isinstance(m, int) and 0 <= m < len(self.methods) for m in chunk.methods)

    def _keep(self, chunk: Chunk, answers: Answers, journal: AnswerJournal | None) -> Step:
        if journal is not None:
            journal.keep(chunk, answers)
        return self._take(chunk, answers)

    def _take(self, chunk: Chunk, answers: Answers) -> Step:
        images = [chunk.start + row for row in chunk.rows]
        self._estimates[np.ix_(images, chunk.methods)] = answers.estimates
        self._expected_errors[np.ix_(images, chunk.methods)] = answers.expected
        for (place, number), features in answers.features.items():
            self._features[chunk.methods[number]][images[place]] = features
        for (place, number), why in answers.failures.items():
            self._failures[chunk.methods[number]][images[place]] = why
        return Step(self._mark_done(chunk), len(answers.failures))

    def _lose(self, chunk: Chunk, outcome: Outcome[Chunk, Answers]) -> Step:
        """Record a method's failure on an image, but not in the journal, because the next run may succeed."""
        (row,), (place,) = chunk.rows, chunk.methods
        method, why = self.methods[place], outcome.reason
        if isinstance(outcome.error, Crash) and isinstance(method, Method) and method.is_own:
            why = f"{method} ended its process ({outcome.error.ending})"
        self._failures[place][chunk.start + row] = why
        return Step(self._mark_done(chunk), 1)

    def _mark_done(self, chunk: Chunk) -> int:
        """The number of images that this work completes for all methods."""
        images = [chunk.start + row for row in chunk.rows]
        self._done_mask[np.ix_(images, chunk.methods)] = True
        return int(self._done_mask[images].all(axis=1).sum())

    def _fit(self, place: int, method: TrainableMethod) -> None:
        known = self._features[place]
        scenes = list(zip(self._all_truth.datasets, self._all_truth.scenes, strict=True))
        for split in self.protocol.splits:
            fit_on = [index for index in split.fit.tolist() if index in known]
            test = [index for index in split.test.tolist() if index in known]
            if not test:
                continue
            features = np.array([known[index] for index in test])
            try:
                model = fitted_methods.fit(
                    method,
                    np.array([known[index] for index in fit_on]).reshape(len(fit_on), -1),
                    self._all_truth.illuminants[fit_on],
                    [self._cameras[index] for index in fit_on],
                    [scenes[index] for index in fit_on],
                )
                found = model.estimate_all(features, [self._cameras[index] for index in test])
            except UsageError as error:
                # After unreadable images, a camera may have too few left.
                self._failures[place].update(dict.fromkeys(test, str(error)))
                continue
            self._estimates[test, place], self._expected_errors[test, place] = found


def _unique_cameras(prepared: Prepared) -> Iterator[Camera]:
    """The camera of each image, by a name that is unique over the data sets."""
    named = {
        name: replace(camera, name=protocols.camera_label(name, prepared.name))
        for name, camera in prepared.cameras.items()
    }
    return (named[row.camera] for row in prepared.rows)


def evaluate_methods(
    sets: Sequence[Prepared],
    specifications: Sequence[str | Function],
    *,
    protocol: str = protocols.AUTO,
    folds: int = 10,
    rounds: int = ROUNDS,
    seed: int = 0,
    jobs: int = 1,
    resume: Path | None = None,
    others: Sequence[MethodResult] = (),
    conditions: Sequence[Condition] = (),
    command: str = "",
    files: Mapping[str, str] | None = None,
    on_start: Callable[[int], object] = lambda images: None,
    on_step: Callable[[Step], object] = lambda step: None,
) -> Evaluation:
    """Evaluate methods on prepared data sets.

    Args:
        sets: One or more prepared data sets with distinct names.
        specifications: Methods, as :func:`awbkit.evaluation.methods.resolve` reads them.
        protocol: Protocol of fitted methods. "auto" is "none" without fitted methods, else "folds" if the data sets
            have usable published folds, else "k-fold".
        folds: Number of folds, for "k-fold".
        rounds: Rounds of the bootstrap over scenes.
        seed: Seed of the bootstrap.
        jobs: Number of processes.
        resume: A file that stores answers for the next run of the same evaluation.
        others: Results of other programs on all images of the sets, to compare the methods with.
        conditions: Evaluate only images that fulfil these; methods are fitted as without them.
        command: What the user typed, for the report.
        files: SHA-256 of the files that the others are from, by name.
        on_start: Called with the number of images to process.
        on_step: Called with the progress.

    Raises:
        UsageError: If methods, data sets and protocol do not go together.
        OutputError: If ``resume`` belongs to another evaluation or cannot be written.
    """
    run = Run(sets, specifications, protocol=protocol, folds=folds, conditions=conditions)
    on_start(run.images)
    with (
        AnswerJournal(resume, run.plan) if resume else nullcontext() as journal,
        closing(run.steps(jobs, journal)) as steps,
    ):
        for step in steps:
            on_step(step)
    chosen = run.protocol.test
    return evaluate(
        run.truth,
        [*run.results(), *(restrict(other, chosen, run.truth) for other in others)],
        protocol=run.protocol.sentence,
        subset=describe(conditions),
        rounds=rounds,
        seed=seed,
        facts={"datasets": dataset_facts(sets), "run": run_facts(command, run.by_name, files)},
    )

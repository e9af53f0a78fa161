"""Methods at work on prepared data sets: in parallel, failures kept apart, fitted under a protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.datasets.prepared import Prepared
from awbkit.errors import UsageError
from awbkit.estimators import registry
from awbkit.evaluation import fitted, protocols
from awbkit.evaluation.evaluate import ROUNDS, dataset_facts, evaluate, judge, select, truth_of
from awbkit.evaluation.fitted import Trainable
from awbkit.evaluation.journal import AnswerJournal, states
from awbkit.evaluation.methods import AnyMethod, resolve
from awbkit.evaluation.overlap import trained_on
from awbkit.evaluation.own import OwnMethod
from awbkit.evaluation.result import Evaluation, Judged
from awbkit.evaluation.work import Answers, Chunk, answer
from awbkit.version import VERSION
from awbkit.work import batch
from awbkit.work.executor import Crash
from awbkit.work.outcome import Outcome

_MOST_IMAGES = 64
_SECONDS = 1.0
"""How long a worker may be at some images, all of which are lost if the run is killed."""


@dataclass(frozen=True)
class Step:
    """Some more images are done.

    Attributes:
        images: How many.
        failures: How many times a method failed on one of them.
    """

    images: int
    failures: int


class Run:
    """Methods on data sets under a protocol: make one, go through :meth:`steps`, take :meth:`judged`.

    Attributes:
        methods: In the order asked for.
        protocol: The splits.
        truth: The images that are judged.
        images: How many images there is work on.
    """

    def __init__(
        self, sets: Sequence[Prepared], specifications: Sequence[str], *, protocol: str = "none", folds: int = 10
    ) -> None:
        """Plan the work.

        Args:
            sets: One or more prepared data sets, each of another name.
            specifications: What :func:`awbkit.evaluation.methods.resolve` reads.
            protocol: How methods that have to be fitted are; see :mod:`awbkit.evaluation.protocols`.
            folds: How many, for "k-fold".

        Raises:
            UsageError: If methods, data sets and protocol do not go together.
        """
        self.methods = [resolve(specification) for specification in specifications]
        if twice := [method for method in self.methods if self.methods.count(method) > 1]:
            raise UsageError(f"method {twice[0]} is given twice")
        self._names = [registry.canonical(specification) for specification in specifications]
        self._sets = list(sets)
        self._whole = truth_of(sets)
        self._cameras = [camera for prepared in sets for camera in _cameras_of(prepared)]
        self._trainables = {place: m for place, m in enumerate(self.methods) if isinstance(m, Trainable)}
        if protocol == protocols.AUTO:
            protocol = protocols.automatic(self._whole) if self._trainables else protocols.NONE
        self.protocol = protocols.protocol(protocol, self._whole, folds=folds)
        self._check()
        self.truth = select(self._whole, self.protocol.tested)
        self._tested = np.zeros(len(self._whole), dtype=np.bool_)
        self._tested[self.protocol.tested] = True
        self._needed = self._tested.copy()
        for split in self.protocol.splits if self._trainables else ():
            self._needed[split.fit] = True
        self.images = int(self._needed.sum())
        self._done = np.zeros((len(self._whole), len(self.methods)), dtype=np.bool_)
        self._size = 1
        self._estimates = np.full((len(self._whole), len(self.methods), 3), np.nan)
        self._expected = np.full((len(self._whole), len(self.methods)), np.nan)
        self._features: list[dict[int, NDArray[np.float64]]] = [{} for _ in self.methods]
        self._failures: list[dict[int, str]] = [{} for _ in self.methods]

    @property
    def plan(self) -> str:
        """A digest of all that the answers depend on."""
        parts = [
            VERSION,
            [[prepared.name, prepared.info.get("hash"), states(prepared.path)] for prepared in self._sets],
            [[name, "" if isinstance(method, Trainable) else method.digest] for name, method in self._named()],
            self._needed.tolist(),
            self._tested.tolist(),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def steps(self, jobs: int = 1, journal: AnswerJournal | None = None) -> Generator[Step, None, None]:
        """Do the work, some images at a time.

        A worker process that dies costs only the answer that it died of: what it was given is done again, image by
        image and method by method. The user's own functions never run in this process.

        Args:
            jobs: How many processes.
            journal: Where answers are kept as they come; what it holds already is not worked on again.
        """
        if journal is not None:
            for known, answers in journal.known:
                if not self._asks(known):
                    raise journal.damage("it answers what was not asked")
                yield self._take(known, answers)
        begun = self._needed & self._done.any(axis=1)
        again = [single for chunk in self._divided(begun & ~self._done.all(axis=1)) for single in chunk.singles]
        again = [single for single in again if not self._done[single.start + single.rows[0], single.methods[0]]]
        task = partial(answer, methods=tuple(self.methods))
        apart = any(isinstance(method, OwnMethod) for method in self.methods)
        with closing(batch.run(task, self._divided(self._needed & ~begun), jobs=jobs, apart=apart)) as outcomes:
            for outcome in outcomes:
                chunk = outcome.item
                assert isinstance(chunk, Chunk)
                if outcome.result is not None:
                    self._grow(chunk, outcome.result)
                    yield self._keep(chunk, outcome.result, journal)
                elif len(chunk.singles) > 1:
                    again += chunk.singles
                else:
                    yield self._lose(chunk, outcome)
        with closing(batch.run(task, again, jobs=jobs, apart=True)) as outcomes:
            for outcome in outcomes:
                chunk = outcome.item
                assert isinstance(chunk, Chunk)
                found = outcome.result
                yield self._lose(chunk, outcome) if found is None else self._keep(chunk, found, journal)

    def judged(self) -> list[Judged]:
        """The methods' answers and errors, in the order asked for; to be called when all steps are done."""
        for place, method in self._trainables.items():
            self._fit(place, method)
        chosen = self.protocol.tested
        new = {int(old): place for place, old in enumerate(chosen)}
        return [
            replace(
                judge(
                    name,
                    self._estimates[chosen, place],
                    self._expected[chosen, place],
                    {new[old]: why for old, why in sorted(self._failures[place].items()) if old in new},
                    self.truth,
                ),
                trained_on=trained_on(self.methods[place], self._sets, self._tested),
            )
            for place, name in enumerate(self._names)
        ]

    def _named(self) -> Iterator[tuple[str, AnyMethod]]:
        return zip(self._names, self.methods, strict=True)

    def _check(self) -> None:
        for method in self._trainables.values():
            if not self.protocol.splits:
                known = ", ".join(name for name in protocols.names() if name != protocols.NONE)
                raise UsageError(f"method {method} has to be fitted; choose a protocol: {known}")
            for split in self.protocol.splits:
                fitted.check(method, self._cameras_of(split.fit), self._cameras_of(split.test))

    def _cameras_of(self, indices: NDArray[np.intp]) -> list[Camera]:
        return [self._cameras[index] for index in indices.tolist()]

    def _divided(self, wanted: NDArray[np.bool_]) -> Iterator[Chunk]:
        """The work on some images in chunks, each of the size that is the right one when it is drawn."""
        start = 0
        for prepared in self._sets:
            rows = np.flatnonzero(wanted[start : start + len(prepared)])
            while len(rows):
                part, rows = rows[: self._size], rows[self._size :]
                judged = tuple(self._tested[start + part].tolist())
                yield Chunk(prepared.path, start, tuple(part.tolist()), judged, tuple(range(len(self.methods))))
            start += len(prepared)

    def _grow(self, chunk: Chunk, answers: Answers) -> None:
        """Let chunks be as large as can be done in the time, but never more than double what that was measured on."""
        fitting = int(len(chunk.rows) * _SECONDS / max(answers.seconds, 1e-6))
        self._size = max(1, min(_MOST_IMAGES, 2 * len(chunk.rows), fitting))

    def _asks(self, chunk: Chunk) -> bool:
        """Whether a chunk from a file is of this run."""
        images = [chunk.start + row for row in chunk.rows]
        within = all(isinstance(i, int) and 0 <= i < len(self._whole) and self._needed[i] for i in images)
        return within and all(isinstance(m, int) and 0 <= m < len(self.methods) for m in chunk.methods)

    def _keep(self, chunk: Chunk, answers: Answers, journal: AnswerJournal | None) -> Step:
        if journal is not None:
            journal.keep(chunk, answers)
        return self._take(chunk, answers)

    def _take(self, chunk: Chunk, answers: Answers) -> Step:
        images = [chunk.start + row for row in chunk.rows]
        self._estimates[np.ix_(images, chunk.methods)] = answers.estimates
        self._expected[np.ix_(images, chunk.methods)] = answers.expected
        for (place, number), features in answers.features.items():
            self._features[chunk.methods[number]][images[place]] = features
        for (place, number), why in answers.failures.items():
            self._failures[chunk.methods[number]][images[place]] = why
        return Step(self._finished(chunk), len(answers.failures))

    def _lose(self, chunk: Chunk, outcome: Outcome[Chunk, Answers]) -> Step:
        """Note that one method has no answer for one image; not in the journal, as the next run may fare better."""
        (row,), (place,) = chunk.rows, chunk.methods
        method, why = self.methods[place], outcome.reason
        if isinstance(outcome.error, Crash) and isinstance(method, OwnMethod):
            why = f"{method} took its process down ({outcome.error.ending})"
        self._failures[place][chunk.start + row] = why
        return Step(self._finished(chunk), 1)

    def _finished(self, chunk: Chunk) -> int:
        """How many images are done with this work, by all methods."""
        images = [chunk.start + row for row in chunk.rows]
        self._done[np.ix_(images, chunk.methods)] = True
        return int(self._done[images].all(axis=1).sum())

    def _fit(self, place: int, method: Trainable) -> None:
        known = self._features[place]
        scenes = list(zip(self._whole.datasets, self._whole.scenes, strict=True))
        for split in self.protocol.splits:
            fit_on = [index for index in split.fit.tolist() if index in known]
            test = [index for index in split.test.tolist() if index in known]
            if not test:
                continue
            features = np.array([known[index] for index in test])
            try:
                model = fitted.fit(
                    method,
                    np.array([known[index] for index in fit_on]).reshape(len(fit_on), -1),
                    self._whole.illuminants[fit_on],
                    [self._cameras[index] for index in fit_on],
                    [scenes[index] for index in fit_on],
                )
                found = model.answers(features, [self._cameras[index] for index in test])
            except UsageError as error:
                # Too few images of a camera were left after those that could not be read.
                self._failures[place].update(dict.fromkeys(test, str(error)))
                continue
            self._estimates[test, place], self._expected[test, place] = found


def _cameras_of(prepared: Prepared) -> Iterator[Camera]:
    """The camera of each image, by a name that no other data set's camera has by chance."""
    named = {
        name: replace(camera, name=protocols.camera_label(name, prepared.name))
        for name, camera in prepared.cameras.items()
    }
    return (named[row.camera] for row in prepared.rows)


def evaluate_methods(
    sets: Sequence[Prepared],
    specifications: Sequence[str],
    *,
    protocol: str = protocols.AUTO,
    folds: int = 10,
    rounds: int = ROUNDS,
    seed: int = 0,
    jobs: int = 1,
    resume: Path | None = None,
    on_start: Callable[[int], object] = lambda images: None,
    on_step: Callable[[Step], object] = lambda step: None,
) -> Evaluation:
    """Judge methods on prepared data sets.

    Args:
        sets: One or more, each of another name.
        specifications: What :func:`awbkit.evaluation.methods.resolve` reads.
        protocol: How methods that have to be fitted are fitted; "auto": not at all where there are none, else by the
            published folds where they can be used, else "k-fold".
        folds: How many, for "k-fold".
        rounds: Of the bootstrap over scenes.
        seed: Of the bootstrap.
        jobs: How many processes.
        resume: A file in which answers are kept as they come, and found again by the next run of the same evaluation.
        on_start: Called with the number of images that there is work on.
        on_step: Called whenever some more are done.

    Raises:
        UsageError: If methods, data sets and protocol do not go together.
        OutputError: If ``resume`` is of another evaluation or cannot be written.
    """
    run = Run(sets, specifications, protocol=protocol, folds=folds)
    on_start(run.images)
    with (
        AnswerJournal(resume, run.plan) if resume else nullcontext() as journal,
        closing(run.steps(jobs, journal)) as steps,
    ):
        for step in steps:
            on_step(step)
    facts = {"datasets": dataset_facts(sets)}
    return evaluate(run.truth, run.judged(), protocol=run.protocol.sentence, rounds=rounds, seed=seed, facts=facts)

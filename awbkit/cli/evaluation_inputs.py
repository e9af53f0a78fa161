"""What `awbkit evaluate` compares: methods, estimates of other programs, and the labelled images."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awbkit.cli import options
from awbkit.cli.terminal import Progress, say
from awbkit.errors import UsageError
from awbkit.spelling import count_text, is_or_are

if TYPE_CHECKING:
    from awbkit.colour.image import LinearImage
    from awbkit.datasets.prepared import Prepared
    from awbkit.evaluation.html.page import Images
    from awbkit.evaluation.predictions import Predictions
    from awbkit.evaluation.result import Evaluation, Truth
    from awbkit.evaluation.subset import Condition


@dataclass(frozen=True)
class Inputs:
    """What the options name.

    Attributes:
        prepared: Folders.
        methods: Specifications, or "all".
        predictions: Files of estimates.
        truth: Labels for the estimates, in place of prepared folders.
        cameras: Names of cameras to restrict the images to.
        where: Conditions on the images, as the user wrote them.
    """

    prepared: Sequence[Path]
    methods: Sequence[str]
    predictions: Sequence[str]
    truth: Path | None
    cameras: Sequence[str]
    where: Sequence[str]

    def evaluate(self, quiet: bool, **settings: Any) -> tuple[Evaluation, Images | None]:
        """Evaluate everything in one run; also the source of the thumbnails, if there are any.

        Args:
            quiet: Show no progress.
            settings: Of :func:`awbkit.evaluation.run.evaluate_methods`.

        Raises:
            UsageError: If the inputs do not go together.
        """
        self._check()
        if self.truth is not None:
            return self._of_truth(self.truth, settings["rounds"], settings["seed"]), None
        from awbkit.datasets.prepared import Prepared
        from awbkit.evaluation.evaluate import truth_of
        from awbkit.evaluation.run import evaluate_methods

        sets = [Prepared.open(folder) for folder in self.prepared]
        others = self._read_predictions(truth_of(sets), sets) if self.predictions else None
        progress = Progress(sys.stderr, enabled=not quiet)
        try:
            evaluation = evaluate_methods(
                sets,
                self._names(),
                **settings,
                others=others.results if others else (),
                conditions=self._conditions(),
                command=command_text(),
                files=others.digests if others else None,
                on_start=progress.expect,
                on_step=lambda step: progress.advance(failed=step.failures > 0, count=step.images),
            )
        finally:
            progress.erase()
        return evaluation, images_of(evaluation, sets)

    def _check(self) -> None:
        if self.truth is None and not self.prepared:
            raise UsageError(
                "no prepared data set named; make one with awbkit dataset prepare, or give --predictions and --truth"
            )
        if self.truth is None:
            return
        if not self.predictions:
            raise UsageError("--truth is for --predictions; give them too")
        if self.prepared:
            raise UsageError("--truth takes the place of PREPARED; give one of them")
        if self.methods:
            raise UsageError("--truth has no pictures for methods; name a prepared data set in its place")

    def _conditions(self) -> list[Condition]:
        from awbkit.evaluation.subset import Condition, parse_condition

        return [*(Condition("camera", name) for name in self.cameras), *map(parse_condition, self.where)]

    def _names(self) -> list[str]:
        from awbkit.estimators import registry

        everything = [name for name in registry.method_names() if name != "as-shot"]
        named = [
            name
            for given in self.methods
            for name in (everything if given == "all" else [registry.canonical_name(given)])
        ]
        return list(dict.fromkeys(named)) or ([] if self.predictions else [registry.DEFAULT])

    def _of_truth(self, truth: Path, rounds: int, seed: int) -> Evaluation:
        import numpy as np

        from awbkit.evaluation.evaluate import evaluate, restrict, select
        from awbkit.evaluation.predictions import read_truth
        from awbkit.evaluation.rerun import HashedStream, run_facts
        from awbkit.evaluation.subset import choose, describe

        labelled, conditions = read_truth(truth), self._conditions()
        with truth.open("rb") as stream:
            hashed = HashedStream(stream)
            hashed.read()
        others = self._read_predictions(labelled, [])
        chosen = np.flatnonzero(choose(labelled, conditions))
        part = select(labelled, chosen)
        return evaluate(
            part,
            [restrict(result, chosen, part) for result in others.results],
            subset=describe(conditions),
            rounds=rounds,
            seed=seed,
            facts={
                "truth": truth.name,
                "run": run_facts(command_text(), {}, {str(truth): hashed.digest, **others.digests}),
            },
        )

    def _read_predictions(self, labelled: Truth, sets: Sequence[Prepared]) -> Predictions:
        from awbkit.evaluation.predictions import read_predictions

        cameras = {(one.name, name): camera for one in sets for name, camera in one.cameras.items()}
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(options.open_input("--predictions", name)) for name in self.predictions]
            found = read_predictions(list(zip(streams, self.predictions, strict=True)), labelled, cameras)
        if found.unknown_paths:
            some = ", ".join(found.unknown_paths[:3])
            count = count_text(len(found.unknown_paths), "estimate")
            say(f"{count} ignored, as no labelled image has such a name ({some})")
        if found.srgb_count:
            count = count_text(found.srgb_count, "estimate")
            say(f"{count} {is_or_are(found.srgb_count)} in linear sRGB; the truth must be in the same RGB")
        if found.temperature_count:
            say(
                f"cct and duv contradict the RGB of {count_text(found.temperature_count, 'estimate')}; cct and duv "
                "count, as in correct --from"
            )
        return found


def images_of(evaluation: Evaluation, sets: Sequence[Prepared]) -> Images:
    """Maps the index of an image of the evaluation to its thumbnail."""
    places: Mapping[tuple[str, str], tuple[Prepared, int]] = {
        (prepared.name, row.image): (prepared, index) for prepared in sets for index, row in enumerate(prepared.rows)
    }

    def image(index: int) -> LinearImage:
        prepared, row = places[evaluation.truth.datasets[index], evaluation.truth.images[index]]
        return prepared.image(row)

    return image


def command_text() -> str:
    """The command as the user typed it, to be typed again."""
    return shlex.join(["awbkit", *sys.argv[1:]])

"""Cost and accuracy of estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from awbkit.bench import cortex, timing
from awbkit.choices import PROCESSORS
from awbkit.colour.camera import Camera
from awbkit.colour.error_statistics import statistics
from awbkit.colour.image import LinearImage
from awbkit.datasets.prepared import Prepared
from awbkit.datasets.provenance import count_training_images
from awbkit.errors import AwbError, UsageError
from awbkit.estimators.registry import Method, method_names, parse
from awbkit.evaluation.angles import recovery_error
from awbkit.export.c.check import compiler
from awbkit.export.c.emit import emit
from awbkit.export.cases import Case, surfaces
from awbkit.network.integer.description import thumbnail
from awbkit.network.integer.model import IntegerModel
from awbkit.network.model import DOMAIN_OF_SPACE, white_of
from awbkit.network.models import SHIPPED, AnyModel, find_model

Item = TypeVar("Item")

BASELINES = tuple(name for name in method_names() if name != "as-shot" and not parse(name).is_network)
NETWORKS = SHIPPED
"""The shipped networks, which are compared with the requested models, as ``BASELINES`` are."""

TIMED, COUNTED = 64, 16
"""Greatest numbers of pictures: for timing, and for counting instructions."""

KEYS = ("mean", "median", "worst25")


@dataclass(frozen=True)
class Accuracy:
    """Recovery error on one data set, in degrees.

    Attributes:
        pictures: Number of pictures.
        overlap: Number of these pictures that the network may have trained on.
        mean: Mean over all pictures.
        median: Median over all pictures.
        worst25: Mean of the worst quarter.
    """

    pictures: int
    overlap: int
    mean: float
    median: float
    worst25: float


@dataclass(frozen=True)
class Cost:
    """The cost of one estimator. A figure is None if it does not apply or cannot be measured on this machine.

    Attributes:
        name: Name in the request.
        kind: "statistic", "network" or "quantised".
        request: Whether the user requested it; all others are for comparison.
        parameters: Number of trained parameters.
        macs: Multiply-accumulates of the network, without those of the statistics.
        flash: Bytes of code and weights on a Cortex-M4.
        ram: Bytes of workspace, without the thumbnail.
        numpy: Microseconds of an estimate from a thumbnail, in numpy on this machine.
        c: The same in C.
        cortex: Figures by processor.
        accuracy: Errors by data set.
    """

    name: str
    kind: str
    request: bool
    parameters: int | None
    macs: int | None
    flash: int | None
    ram: int | None
    numpy: float
    c: float | None
    cortex: Mapping[str, cortex.Cortex] = field(default_factory=dict)
    accuracy: Mapping[str, Accuracy] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of all measurements.

    Attributes:
        images: Pictures to time in numpy.
        cases: The same pictures in a device's form.
        sets: Data sets, each with the places of the pictures to measure errors on.
    """

    images: Sequence[LinearImage]
    cases: Sequence[Case]
    sets: Sequence[tuple[Prepared, Sequence[int]]]


def choose_pictures(folders: Sequence[Path], count: int) -> Pictures:
    """Choose pictures of prepared data sets at even intervals; by default, synthetic surfaces under coloured lights.

    Args:
        folders: Folders of the data sets.
        count: Greatest number of pictures of each data set.

    Raises:
        UnreadableFile: If a folder is no prepared data set.
        UsageError: If a data set has no raw picture with a valid pixel.
    """
    sets = []
    for folder in folders:
        data = Prepared.open(folder)
        cameras = [data.cameras[row.camera] for row in data.rows]
        usable = [place for place, camera in enumerate(cameras) if _is_raw(camera) and data.valid[place].any()]
        if not usable:
            raise UsageError(f"{data.name} has no raw picture with a valid pixel to measure on; leave it out")
        sets.append((data, _sample_evenly(usable, count)))
    if not sets:
        cases = list(surfaces())
        images = [
            LinearImage(case.pixels.astype(np.float32), np.asarray((case.pixels > 0).all(axis=2)), Camera("unknown"))
            for case in cases
        ]
        return Pictures(images, cases, ())
    places = [(data, place) for data, some in sets for place in some]
    images = [data.image(place) for data, place in _sample_evenly(places, TIMED)]
    return Pictures(images, [Case(thumbnail(image), white_of(image.camera)) for image in images], sets)


def _sample_evenly(all_of_them: Sequence[Item], count: int) -> list[Item]:
    places = np.linspace(0, len(all_of_them) - 1, min(count, len(all_of_them))).astype(int)
    return [all_of_them[place] for place in places]


def _is_raw(camera: Camera) -> bool:
    return DOMAIN_OF_SPACE[camera.space] == "raw"


def bench(
    models: Sequence[str],
    pictures: Pictures,
    processors: Sequence[str] = PROCESSORS,
    *,
    compare: bool = True,
    progress: Callable[[str], None] = lambda name: None,
) -> list[Cost]:
    """Measure models, and estimators to compare them with.

    Args:
        models: Files, runs or shipped names.
        pictures: The pictures.
        processors: Processors to count instructions on, if this machine can.
        compare: Whether to measure statistics and the shipped networks as well.
        progress: Called with the name of the next estimator.

    Raises:
        CheckFailed: If C does not compile or run, or its answers differ from the model's.
        UnreadableFile: If a model cannot be read.
    """
    chosen = [(name, parse(name), find_model(name, "raw")) for name in models]
    for name, _, model in chosen:
        if model.domain != "raw":
            raise UsageError(
                f"{name} is for photographs that a camera has balanced; bench measures models for raw pictures"
            )
    others = [(name, parse(name)) for name in (*NETWORKS, *BASELINES) if compare and name not in models]
    costs = []
    for name, method, model in chosen:
        progress(name)
        costs.append(_cost(name, method, model, pictures, processors, request=True))
    for name, method in others:
        progress(name)
        shipped = find_model(name, "raw") if method.is_network else None
        costs.append(_cost(name, method, shipped, pictures, processors, request=False))
    return costs


def _cost(
    name: str, method: Method, model: AnyModel | None, pictures: Pictures, processors: Sequence[str], *, request: bool
) -> Cost:
    sources = emit(model) if isinstance(model, IntegerModel) else None
    cc, counted = compiler(), {}
    if isinstance(model, IntegerModel) and sources is not None and not cortex.missing_tools():
        cases = pictures.cases[:: max(1, len(pictures.cases) // COUNTED)]
        counted = {processor: cortex.measure(sources, model, cases, processor) for processor in processors}
    kinds = {"statistic": model is None, "quantised": sources is not None}
    return Cost(
        name=name,
        kind=next((kind for kind, is_it in kinds.items() if is_it), "network"),
        request=request,
        parameters=None if model is None else model.architecture.parameters,
        macs=None if model is None else model.architecture.macs,
        flash=counted[processors[0]].flash if counted else None,
        ram=None if sources is None else cortex.workspace(sources),
        numpy=timing.microseconds(method.estimate, pictures.images),
        c=None if sources is None or cc is None else timing.microseconds_in_c(sources, pictures.cases, cc),
        cortex=counted,
        accuracy={data.name: _accuracy(method, model, data, places) for data, places in pictures.sets},
    )


def _accuracy(method: Method, model: AnyModel | None, data: Prepared, places: Sequence[int]) -> Accuracy:
    estimates = np.array([_light(method, data.image(place)) for place in places])
    figures = statistics(recovery_error(estimates, data.illuminants[list(places)]))
    overlap = 0 if model is None else count_training_images(model, data, places)
    return Accuracy(len(places), overlap, **{key: float(figures[key]) for key in KEYS})


def _light(method: Method, image: LinearImage) -> tuple[float, ...]:
    try:
        return method.estimate(image).rgb
    except AwbError:
        # Without an answer the picture stays uncorrected.
        return (1.0, 1.0, 1.0)


def to_json(costs: Sequence[Cost]) -> list[dict[str, Any]]:
    """One record for each estimator."""
    return [
        {
            "schema": 1,
            "model": cost.name,
            "kind": cost.kind,
            "parameters": cost.parameters,
            "macs": cost.macs,
            "flash": cost.flash,
            "ram": cost.ram,
            "numpy_microseconds": round(cost.numpy, 1),
            "c_microseconds": None if cost.c is None else round(cost.c, 2),
            "cortex": {
                name: {"flash": one.flash, "instructions": one.instructions, "describing": one.describe_instructions}
                for name, one in cost.cortex.items()
            },
            "accuracy": {
                name: {
                    "pictures": one.pictures,
                    "trained_on": one.overlap,
                    **{key: round(getattr(one, key), 4) for key in KEYS},
                }
                for name, one in cost.accuracy.items()
            },
        }
        for cost in costs
    ]

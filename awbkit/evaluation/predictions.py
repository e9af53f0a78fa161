"""Estimates of any other program, matched to the labelled images, and judged like awbkit's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.datasets.labels import read_labels
from awbkit.errors import UnreadableFile, UsageError
from awbkit.evaluation.evaluate import judge
from awbkit.evaluation.names import Names
from awbkit.evaluation.result import Judged, Truth
from awbkit.record_files import FORM, Stated, read_records
from awbkit.records import RGB_KINDS, Record, stated_light
from awbkit.store.documents import read_text

UNKNOWN_CAMERA = "unknown camera"
"""What images are counted under whose camera ``ground_truth.csv`` does not state."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What some files of estimates say of the labelled images.

    Attributes:
        judged: The methods in the order in which they first appear. An image that a method gave no estimate for
            counts as failed.
        unknown: Paths in the files that are no labelled image; they are passed over.
        in_linear_srgb: How many estimates say that they are in linear sRGB, which camera RGB is not.
        by_temperature: How many lights are those of a ``cct`` and ``duv`` that the RGB beside them does not have.
    """

    judged: Sequence[Judged]
    unknown: Sequence[str]
    in_linear_srgb: int
    by_temperature: int = 0


def read_predictions(
    files: Iterable[tuple[BinaryIO, str]], truth: Truth, cameras: Mapping[tuple[str, str], Camera] | None = None
) -> Predictions:
    """Read files of estimates, each of one method or several, and judge them.

    A record's method is its "method", else the name of its file without the suffix. Its light is what
    :func:`awbkit.records.light_of` makes of it, in the same RGB as the truth, on any scale. An estimate that is no
    light (not finite, not positive, or missing) counts as failed, and so does a record whose status is "error".

    Args:
        files: Content and name of each; see :func:`awbkit.record_files.read_records` for the forms.
        truth: The labelled images.
        cameras: By data set and name, as the truth has them. Of a camera that is not known, or has no matrix, a
            temperature says nothing: RGB counts, whatever ``cct`` and ``duv`` say beside it.

    Raises:
        UsageError: If a file is not of its form, with the line; if a path could mean several images; if a method
            answers for an image twice; or if no path is a labelled image.
    """
    names = Names(truth.images, truth.datasets)
    answers: dict[str, dict[int, Stated]] = defaultdict(dict)
    unknown: list[str] = []
    for stream, name in files:
        before, count = sum(map(len, answers.values())), 0
        for stated in read_records(stream, name):
            count += 1
            path = stated.record["path"]
            try:
                index = names.find(path)
                index = names.find(path.strip()) if index is None else index
            except LookupError as error:
                raise UsageError(f"{stated.where}: {error}; write more of the path") from None
            if index is None:
                unknown.append(path)
                continue
            method = stated.record.get("method") or Path(name).stem
            first = answers[method].setdefault(index, stated)
            if first is not stated:
                raise UsageError(
                    f"{stated.where}: {method} answers for {truth.images[index]} a second time, after {first.where}"
                )
        if not count:
            raise UsageError(f"{name} is empty; {FORM}")
        if sum(map(len, answers.values())) == before:
            some = f" ({', '.join(unknown[-3:])})" if unknown else ""
            raise UsageError(
                f"{name}: no estimate is of a labelled image{some}; images are matched by the ends of their paths"
            )
    srgb = sum(s.record.get("space") == "linear-srgb" for found in answers.values() for s in found.values())
    judged, by_temperature = [], 0
    for method, found in answers.items():
        one, count = _judged(method, found, truth, cameras or {})
        judged.append(one)
        by_temperature += count
    return Predictions(judged, unknown, srgb, by_temperature)


def _judged(
    method: str, answers: dict[int, Stated], truth: Truth, cameras: Mapping[tuple[str, str], Camera]
) -> tuple[Judged, int]:
    """One method's answers, and how many of its lights are those of a temperature beside another RGB."""
    estimates, expected = np.full((len(truth), 3), np.nan), np.full(len(truth), np.nan)
    failures: dict[int, str] = {}
    by_temperature = 0
    for index, stated in answers.items():
        record = stated.record
        if record.get("status") == "error":
            failures[index] = record.get("error") or "failed, without a reason"
            continue
        camera = cameras.get((truth.datasets[index], truth.cameras[index]), Camera())
        try:
            light, kind = _light(record, camera)
        except UsageError as error:
            failures[index] = f"{stated.where}: {error}"
            continue
        by_temperature += kind == "cct" and any(record.get(key) is not None for key in RGB_KINDS)
        estimates[index] = light.rgb
        stated_error = record.get("expected_error")
        expected[index] = np.nan if stated_error is None else stated_error
    return judge(method, estimates, expected, failures, truth), by_temperature


def _light(record: Record, camera: Camera) -> tuple[Illuminant, str]:
    """The light that a record states, as the camera of the truth has it, and the key that counted."""
    space = record.get("space") or camera.space
    if space != camera.space:
        # Told of, and taken as it is; the temperature is that in the record's own RGB.
        camera = LINEAR_SRGB if space == LINEAR_SRGB.space else Camera(space=space)
    if not camera.matrices and any(record.get(key) is not None for key in RGB_KINDS):
        record = {**record, "cct": None, "duv": None}
    return stated_light(record, camera)


def read_truth(path: Path) -> Truth:
    """The labelled images of a ``ground_truth.csv``: image, r, g, b and, where known, camera, scene, fold.

    The data set is called by the folder that the file is in. Without a scene each image is one of its own.

    Raises:
        UnreadableFile: If the file cannot be read, or a line is no label; with the line.
    """
    text = read_text(path)
    labels = list(read_labels(text, str(path)))
    lines: dict[str, int] = {}
    for label in labels:
        if label.problem:
            raise UnreadableFile(path, f"line {label.line}: {label.problem}")
        if label.image in lines:
            raise UnreadableFile(path, f"lines {lines[label.image]} and {label.line} are both of {label.image}")
        lines[label.image] = label.line
    if not labels:
        raise UnreadableFile(path, "has no lines below its header")
    lights = np.array([Illuminant.of(label.illuminant).rgb for label in labels])
    return Truth(
        images=[label.image for label in labels],
        datasets=[path.resolve().parent.name or "truth"] * len(labels),
        cameras=[label.camera or UNKNOWN_CAMERA for label in labels],
        scenes=[label.scene or label.image for label in labels],
        folds=[label.fold for label in labels],
        illuminants=lights,
    )

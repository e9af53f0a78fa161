"""Estimates of other programs, matched to the labelled images and evaluated like awbkit's own."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from awbkit.choices import RGB_COMPONENTS
from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.datasets.labels import read_labels
from awbkit.datasets.prepared import Prepared
from awbkit.errors import UnreadableFile, UsageError
from awbkit.evaluation.evaluate import judge
from awbkit.evaluation.image_index import ImageIndex
from awbkit.evaluation.rerun import HashedStream
from awbkit.evaluation.result import MethodResult, Truth
from awbkit.record_files import FORM, RecordEntry, read_records
from awbkit.records import Record, light_and_key
from awbkit.store.documents import read_text
from awbkit.store.refusals import reading_error
from awbkit.store.streams import open_stream

UNKNOWN_CAMERA = "unknown camera"
"""The camera name of images whose camera ``ground_truth.csv`` does not state."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """The estimates of some files for the labelled images.

    Attributes:
        results: The methods in the order of their first estimates. An image without an estimate counts as failed.
        unknown_paths: Paths in the files that match no labelled image; they are ignored.
        srgb_count: Number of estimates that are stated in linear sRGB, not in camera RGB.
        temperature_count: Number of lights taken from ``cct`` and ``duv`` because the RGB beside them disagrees.
        digests: SHA-256 of each file by name.
    """

    results: Sequence[MethodResult]
    unknown_paths: Sequence[str]
    srgb_count: int
    temperature_count: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)


def read_predictions(
    files: Iterable[tuple[BinaryIO, str]], truth: Truth, cameras: Mapping[tuple[str, str], Camera] | None = None
) -> Predictions:
    """Read files of estimates, each of one method or several, and compute their errors.

    A record's method is its "method", else the name of its file without the suffix. :func:`awbkit.records.light_of`
    gives its light, in the same RGB as the truth, on any scale. An invalid estimate (not finite, not positive, or
    missing) counts as failed, and so does a record whose status is "error".

    Args:
        files: Content and name of each file; see :func:`awbkit.record_files.read_records` for the formats.
        truth: The labelled images.
        cameras: Cameras by data set and name, as the truth has them. If a camera is unknown or has no matrix, RGB
            counts and ``cct`` and ``duv`` are ignored.

    Raises:
        UsageError: If a file is malformed, with the line; if a path matches several images; if a method has two
            estimates for one image; or if no path matches a labelled image.
    """
    names = ImageIndex(truth.images, truth.datasets)
    answers: dict[str, dict[int, RecordEntry]] = defaultdict(dict)
    unknown_paths: list[str] = []
    digests: dict[str, str] = {}
    for plain, name in files:
        stream = HashedStream(plain)
        before, count = sum(map(len, answers.values())), 0
        for stated in read_records(cast(BinaryIO, stream), name):
            count += 1
            path = stated.record["path"]
            try:
                index = names.find(path)
                index = names.find(path.strip()) if index is None else index
            except LookupError as error:
                raise UsageError(f"{stated.where}: {error}; write more of the path") from None
            if index is None:
                unknown_paths.append(path)
                continue
            method = stated.record.get("method") or Path(name).stem
            first = answers[method].setdefault(index, stated)
            if first is not stated:
                raise UsageError(
                    f"{stated.where}: {method} has a second estimate for {truth.images[index]}; "
                    f"the first is in {first.where}"
                )
        if not count:
            raise UsageError(f"{name} is empty; {FORM}")
        digests[name] = stream.digest
        if sum(map(len, answers.values())) == before:
            some = f" ({', '.join(unknown_paths[-3:])})" if unknown_paths else ""
            raise UsageError(
                f"{name}: no path matches a labelled image{some}; images are matched by the ends of their paths"
            )
    srgb = sum(s.record.get("space") == "linear-srgb" for found in answers.values() for s in found.values())
    results, temperature_count = [], 0
    for method, found in answers.items():
        one, count = _result_of(method, found, truth, cameras or {})
        results.append(one)
        temperature_count += count
    return Predictions(results, unknown_paths, srgb, temperature_count, digests)


def open_predictions(files: Sequence[str | os.PathLike[str]], truth: Truth, sets: Sequence[Prepared]) -> Predictions:
    """Read files of estimates, as :func:`read_predictions`, for the images of prepared data sets.

    Raises:
        UsageError: As there, and if a file cannot be opened.
    """
    cameras = {(one.name, name): camera for one in sets for name, camera in one.cameras.items()}
    with contextlib.ExitStack() as stack:
        streams = []
        for file in files:
            try:
                streams.append((stack.enter_context(open_stream(file)), os.fspath(file)))
            except OSError as error:
                raise UsageError(f"predictions: {reading_error(file, error)}") from None
        return read_predictions(streams, truth, cameras)


def _result_of(
    method: str, answers: dict[int, RecordEntry], truth: Truth, cameras: Mapping[tuple[str, str], Camera]
) -> tuple[MethodResult, int]:
    """One method's answers, and the number of its lights that are taken from a temperature."""
    estimates, expected = np.full((len(truth), 3), np.nan), np.full(len(truth), np.nan)
    failures: dict[int, str] = {}
    temperature_count = 0
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
        temperature_count += kind == "cct" and any(record.get(key) is not None for key in RGB_COMPONENTS)
        estimates[index] = light.rgb
        stated_error = record.get("expected_error")
        expected[index] = np.nan if stated_error is None else stated_error
    return judge(method, estimates, expected, failures, truth), temperature_count


def _light(record: Record, camera: Camera) -> tuple[Illuminant, str]:
    """The light of a record, in the RGB of the truth's camera, and the key that states it."""
    space = record.get("space") or camera.space
    if space != camera.space:
        # The caller warns of it and uses the RGB as it is; the temperature belongs to the record's own RGB.
        camera = LINEAR_SRGB if space == LINEAR_SRGB.space else Camera(space=space)
    if not camera.matrices and any(record.get(key) is not None for key in RGB_COMPONENTS):
        record = {**record, "cct": None, "duv": None}
    return light_and_key(record, camera)


def read_truth(path: Path) -> Truth:
    """Read the labelled images of a ``ground_truth.csv``: image, r, g, b and optionally camera, scene, fold.

    The data set gets the name of the file's folder. Without a scene each image is a scene of its own.

    Raises:
        UnreadableFile: If the file cannot be read, or a line is malformed; with the line.
    """
    text = read_text(path)
    labels = list(read_labels(text, str(path)))
    lines: dict[str, int] = {}
    for label in labels:
        if label.problem:
            raise UnreadableFile(path, f"line {label.line}: {label.problem}")
        if label.image in lines:
            raise UnreadableFile(path, f"lines {lines[label.image]} and {label.line} both label {label.image}")
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

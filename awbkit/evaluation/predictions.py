"""Estimates of any other program, matched to the labelled images, and judged like awbkit's own."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from awbkit.datasets.labels import read_labels
from awbkit.errors import UnreadableFile, UsageError
from awbkit.evaluation.evaluate import judge
from awbkit.evaluation.names import Names
from awbkit.evaluation.records import Stated, read_stated
from awbkit.evaluation.result import Judged, Truth
from awbkit.illuminant import Illuminant

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
    """

    judged: Sequence[Judged]
    unknown: Sequence[str]
    in_linear_srgb: int


def read_predictions(files: Iterable[tuple[bytes, str]], truth: Truth) -> Predictions:
    """Read files of estimates, each of one method or several, and judge them.

    A record's method is its "method", else the name of its file without the suffix. Illuminants are in the same RGB as
    the truth, on any scale; gains are their inverse. An estimate that is no light (not finite, not positive, or
    missing) counts as failed, and so does a record whose status is "error".

    Args:
        files: Content and name of each; see :func:`awbkit.evaluation.records.read_stated` for the forms.
        truth: The labelled images.

    Raises:
        UsageError: If a file is not of its form, with the line; if a path could mean several images; if a method
            answers for an image twice; or if no path is a labelled image.
    """
    names = Names(truth.images, truth.datasets)
    answers: dict[str, dict[int, Stated]] = defaultdict(dict)
    unknown: list[str] = []
    for data, name in files:
        before = sum(map(len, answers.values()))
        for stated in read_stated(data, name):
            try:
                index = names.find(stated.image)
            except LookupError as error:
                raise UsageError(f"{stated.where}: {error}; write more of the path") from None
            if index is None:
                unknown.append(stated.image)
                continue
            method = str(stated.record.get("method") or Path(name).stem)
            first = answers[method].setdefault(index, stated)
            if first is not stated:
                raise UsageError(
                    f"{stated.where}: {method} answers for {truth.images[index]} a second time, after {first.where}"
                )
        if sum(map(len, answers.values())) == before:
            some = f" ({', '.join(unknown[-3:])})" if unknown else ""
            raise UsageError(
                f"{name}: no estimate is of a labelled image{some}; images are matched by the ends of their paths"
            )
    srgb = sum(s.record.get("space") == "linear-srgb" for found in answers.values() for s in found.values())
    return Predictions([_judged(method, found, truth) for method, found in answers.items()], unknown, srgb)


def _judged(method: str, answers: dict[int, Stated], truth: Truth) -> Judged:
    estimates, expected = np.full((len(truth), 3), np.nan), np.full(len(truth), np.nan)
    failures: dict[int, str] = {}
    for index, stated in answers.items():
        light, why = _light(stated)
        if light is None:
            failures[index] = why
            continue
        estimates[index] = light.rgb
        expected[index] = _expected_error(stated)
    return judge(method, estimates, expected, failures, truth)


def _light(stated: Stated) -> tuple[Illuminant | None, str]:
    """The light that a record states, or None and why; an illuminant counts before gains."""
    record = stated.record
    if record.get("status") == "error":
        return None, str(record.get("error") or "failed, without a reason")
    for key in ("illuminant", "gains"):
        value = record.get(key)
        if value is None:
            continue
        if not (isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))):
            raise UsageError(f"{stated.where}: {key} must be three numbers, not {str(value)[:40]}")
        rgb = value if key == "illuminant" else [1 / number if number else math.inf for number in value]
        try:
            return Illuminant.of(rgb), ""
        except UsageError as error:
            return None, f"{stated.where}: {error}"
    return None, f'{stated.where}: no estimate; name it "illuminant" or "gains", or in CSV r, g and b'


def _expected_error(stated: Stated) -> float:
    value = stated.record.get("expected_error")
    if value is None:
        return math.nan
    if not _is_number(value) or value < 0 or math.isinf(value):
        raise UsageError(f"{stated.where}: expected_error must be a number of degrees, not {str(value)[:40]}")
    return float(value)


def _is_number(value: object) -> bool:
    # JSON holds integers that no float can.
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e300)


def read_truth(path: Path) -> Truth:
    """The labelled images of a ``ground_truth.csv``: image, r, g, b and, where known, camera, scene, fold.

    The data set is called by the folder that the file is in. Without a scene each image is one of its own.

    Raises:
        UnreadableFile: If the file cannot be read, or a line is no label; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnreadableFile(path, "no such file", "check the spelling") from None
    except OSError as error:
        raise UnreadableFile(path, (error.strerror or str(error)).lower()) from None
    except UnicodeDecodeError:
        raise UnreadableFile(path, "is not UTF-8 text", "save it as UTF-8") from None
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

"""Protocols: the images that a method is fitted to, and those that it is tested on."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from awbkit.choices import PROTOCOLS
from awbkit.errors import UsageError
from awbkit.evaluation.result import Truth
from awbkit.spelling import count_text, is_or_are

NONE = "none"
NO_FIT = "none: nothing was fitted"
AUTO = "auto"
_TEST = frozenset(("test", "testing"))


@dataclass(frozen=True, eq=False)
class Split:
    """One fit with its test.

    Attributes:
        name: Name of the test part, for messages.
        fit: Indices of the images to fit on, ascending.
        test: Indices of the test images, ascending; a protocol tests no image twice.
    """

    name: str
    fit: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Protocol:
    """All splits of some images.

    Attributes:
        name: As the user gave it.
        sentence: Description for the reader; begins with the name and a colon.
        splits: None for the protocol "none".
        test: Indices of the test images of all splits, ascending.
    """

    name: str
    sentence: str
    splits: Sequence[Split]
    test: NDArray[np.intp]


def default_protocol(truth: Truth) -> str:
    """The default protocol: "folds", or "k-fold" where that is not possible."""
    try:
        _split_by_folds(truth, 0)
    except UsageError:
        return "k-fold"
    return "folds"


def camera_label(camera: str, dataset: str) -> str:
    """The identity of a camera: its name, or the data set for a camera without a name."""
    return camera or f"the unnamed camera of {dataset}"


def protocol(name: str, truth: Truth, *, folds: int = 10) -> Protocol:
    """Divide the images by a protocol.

    Args:
        name: One of ``PROTOCOLS``.
        truth: The images; their order does not matter.
        folds: Number of folds, for "k-fold".

    Raises:
        UsageError: If there is no such protocol, or the images do not allow it.
    """
    if name == NONE:
        return Protocol(name, NO_FIT, (), np.arange(len(truth)))
    if name not in PROTOCOLS:
        raise UsageError(f"unknown protocol {name!r}; protocols: {', '.join(PROTOCOLS)}")
    splits, sentence = _DIVISIONS[name](truth, folds)
    test = np.sort(np.concatenate([split.test for split in splits]))
    return Protocol(name, f"{name}: {sentence}", splits, test)


def narrow(whole: Protocol, wanted: NDArray[np.bool_]) -> Protocol:
    """The protocol with some of the test images only; fits stay as they are.

    Args:
        whole: The protocol.
        wanted: bool (N,), of all images.

    Raises:
        UsageError: If none of the test images is wanted.
    """
    test = whole.test[wanted[whole.test]]
    if not len(test):
        raise UsageError(
            f"none of these images is tested by the protocol {whole.name}; leave out a condition, or use k-fold"
        )
    splits = [replace(split, test=split.test[wanted[split.test]]) for split in whole.splits]
    return replace(whole, splits=[split for split in splits if len(split.test)], test=test)


def _split_by_folds(truth: Truth, _: int) -> tuple[list[Split], str]:
    datasets, folds = np.array(truth.datasets, dtype=object), np.array(truth.folds, dtype=object)
    splits: list[Split] = []
    for dataset in sorted(set(truth.datasets)):
        within = datasets == dataset
        found = sorted(set(folds[within].tolist()))
        if found == [""]:
            raise UsageError(f"{dataset} has no published folds; use the protocol k-fold")
        if "" in found:
            count = int((within & (folds == "")).sum())
            raise UsageError(
                f"{count_text(count, 'image')} of {dataset} {is_or_are(count)} in no published fold; "
                "use the protocol k-fold"
            )
        if len(found) < 2:
            raise UsageError(
                f"all images of {dataset} are in the published fold {found[0]!r}, which leaves no image to fit on"
            )
        # If the authors published a single test part, the rest is never tested.
        test_folds = [fold for fold in found if fold.lower() in _TEST] or found
        for fold in test_folds:
            fit, test = np.flatnonzero(within & (folds != fold)), np.flatnonzero(within & (folds == fold))
            splits.append(Split(f"{dataset}: {fold}", fit, test))
    keys = _scenes(truth)
    shared = len(set().union(*({keys[i] for i in split.fit} & {keys[i] for i in split.test} for split in splits)))
    note = f"; as published, {count_text(shared, 'scene')} {is_or_are(shared)} on both sides" if shared else ""
    return splits, f"fitted on the other published folds of the same data set{note}"


def _split_by_scenes(truth: Truth, folds: int) -> tuple[list[Split], str]:
    if folds < 2:
        raise UsageError(f"k-fold needs at least 2 folds, not {folds}")
    images: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, key in enumerate(_scenes(truth)):
        images[key].append(index)
    largest = max(Counter(dataset for dataset, _ in images).values())
    if largest == 1:
        raise UsageError(
            "k-fold needs several scenes, and there is only one; add images of other scenes, or name methods that "
            "need no fit"
        )
    if largest < folds:
        raise UsageError(f"{largest} scenes cannot be divided into {folds} folds; ask for at most {largest}")
    strata: defaultdict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    for key, members in images.items():
        strata[key[0], *sorted({truth.cameras[index] for index in members})].append(key)
    fold_of = np.empty(len(truth), dtype=np.intp)
    whole: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for stratum in sorted(strata):
        within: Counter[int] = Counter()
        for key in sorted(strata[stratum], key=_hash_of_scene):
            # The folds of a data set do not depend on the other data sets.
            fold = min(range(folds), key=lambda fold: (within[fold], whole[stratum[0]][fold], fold))
            fold_of[images[key]] = fold
            within[fold] += len(images[key])
            whole[stratum[0]][fold] += len(images[key])
    splits = [
        Split(f"fold {fold + 1}", np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
        for fold in range(folds)
    ]
    return splits, f"{folds} folds by scene, fitted on the other {folds - 1}"


def _split_by_cameras(truth: Truth, _: int) -> tuple[list[Split], str]:
    labels = [camera_label(*pair) for pair in zip(truth.cameras, truth.datasets, strict=True)]
    splits, dropped = _split_by_labels(truth, labels, "camera", "cameras")
    note = (
        f"; left out of a fit for showing a tested scene: {count_text(dropped, 'image')} of other cameras"
        if dropped
        else ""
    )
    return splits, f"fitted on all other cameras{note}"


def _split_by_datasets(truth: Truth, _: int) -> tuple[list[Split], str]:
    return _split_by_labels(truth, truth.datasets, "dataset", "data sets")[0], "fitted on all other data sets"


def _split_by_labels(truth: Truth, labels: Sequence[str], what: str, plural: str) -> tuple[list[Split], int]:
    """One split for each label, and the number of images left out of fits because another camera tests their scene."""
    found = sorted(set(labels))
    if len(found) < 2:
        raise UsageError(f"leave-one-{what}-out needs several {plural}, and there is only {found[0]!r}")
    keys = _scenes(truth)
    splits: list[Split] = []
    dropped = 0
    for left_out in found:
        test = np.array([label == left_out for label in labels])
        test_scenes = {keys[index] for index in np.flatnonzero(test)}
        clean = np.array([key not in test_scenes for key in keys])
        dropped += int((~test & ~clean).sum())
        if not clean.any():
            raise UsageError(
                f"leave-one-{what}-out: {left_out!r} shows every scene of the others, which leaves no image to fit on"
            )
        splits.append(Split(left_out, np.flatnonzero(clean), np.flatnonzero(test)))
    return splits, dropped


def _scenes(truth: Truth) -> list[tuple[str, str]]:
    return list(zip(truth.datasets, truth.scenes, strict=True))


def _hash_of_scene(key: tuple[str, str]) -> tuple[str, str]:
    """A pseudo-random but reproducible order of scenes, independent of the data set's name, which is a folder's."""
    scene = key[1]
    return hashlib.sha256(scene.encode("utf-8", "surrogateescape")).hexdigest(), scene


_DIVISIONS: dict[str, Callable[[Truth, int], tuple[list[Split], str]]] = {
    "folds": _split_by_folds,
    "k-fold": _split_by_scenes,
    "leave-one-camera-out": _split_by_cameras,
    "leave-one-dataset-out": _split_by_datasets,
}

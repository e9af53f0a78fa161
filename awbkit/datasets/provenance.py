"""Which of the pictures of a prepared data set a network was trained on: figures there are better than it is.

A model's header tells: ``training["datasets"]`` lists the prepared sets, each with its name and content hash,
``training["left_out"]`` what of them the training did not see, and ``training["initial"]``, where it is a mapping of
the same form, what the network that it started from was trained on.

A set is one of the training's if its content hash is, or else its name, in whatever case: a set prepared in another way
has other bytes but the same pictures. Data sets, cameras and folds that the training left out are unseen, and so are
other pictures of their scenes. Of a network that the training started from, only a header that lists its data sets is
gone by: a name alone says no more than its architecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awbkit.datasets.prepared import Prepared
from awbkit.network.models import AnyModel


def count_training_images(model: AnyModel, prepared: Prepared, places: Sequence[int]) -> int:
    """How many of the images at these places of a data set a network was trained on, by the rules above."""
    return sum(find_training_images(model, prepared, places))


def find_training_images(model: AnyModel, prepared: Prepared, places: Sequence[int]) -> list[bool]:
    """Of each of the images at these places of a data set, whether a network was trained on it, by the rules above."""
    hidden = [_scenes_left_out(training, prepared) for training in _trainings(model, prepared)]
    # A network that started from another has seen what either of them saw.
    return [any(prepared.rows[place].scene not in scenes for scenes in hidden) for place in places]


def _trainings(model: AnyModel, prepared: Prepared) -> Iterator[Mapping[str, Any]]:
    """The trainings behind a model, its own and those of what it started from, that saw pictures of a data set."""
    training: object = model.training
    while isinstance(training, Mapping):
        if _includes(training, prepared):
            yield training
        training = training.get("initial")


def _includes(training: Mapping[str, Any], prepared: Prepared) -> bool:
    # A header may hold anything: it comes with a file from anywhere.
    listed = training.get("datasets")
    entries = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    code, name = prepared.info.get("hash"), prepared.name.casefold()
    same = [entry for entry in entries if code is not None and entry.get("hash") == code]
    same = same or [entry for entry in entries if str(entry.get("name") or "").casefold() == name]
    unseen = _names(_exclusions(training).get("datasets"))
    return any(str(entry.get("name")) not in unseen for entry in same)


def _scenes_left_out(training: Mapping[str, Any], prepared: Prepared) -> set[str]:
    """The scenes of a data set that a training left out, with all their pictures, by a camera or a fold in them."""
    cameras, fold = _names(_exclusions(training).get("cameras")), _exclusions(training).get("fold")
    return {row.scene for row in prepared.rows if row.camera in cameras or (row.fold and row.fold == fold)}


def _exclusions(training: Mapping[str, Any]) -> Mapping[str, Any]:
    left_out = training.get("left_out")
    return left_out if isinstance(left_out, Mapping) else {}


def _names(value: object) -> set[str]:
    return {str(each) for each in value} if isinstance(value, list | tuple) else set()

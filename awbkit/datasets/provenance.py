"""Which pictures of a prepared data set a network was trained on. Figures on these pictures flatter it.

The header of a model has the facts. ``training["datasets"]`` lists the prepared sets by name and content hash.
``training["left_out"]`` names the parts of them that the training left out. ``training["initial"]``, if it is a mapping
of the same form, describes the training of the network that this one started from.

A set belongs to a training if the header lists its content hash, or else its name, regardless of case: the same set
prepared in another way has the same pictures in other bytes. The network was not trained on data sets, cameras and
folds that the training left out, nor on other pictures of their scenes. A network to start from counts only if its own
header is there: its name alone tells no more than an architecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awbkit.datasets.prepared import Prepared
from awbkit.network.models import AnyModel


def count_training_images(model: AnyModel, prepared: Prepared, places: Sequence[int]) -> int:
    """Count the images at these places of a data set that a network was trained on, by the module's rules."""
    return sum(find_training_images(model, prepared, places))


def find_training_images(model: AnyModel, prepared: Prepared, places: Sequence[int]) -> list[bool]:
    """Whether a network was trained on each image at these places of a data set, by the module's rules."""
    left_out = [_scenes_left_out(training, prepared) for training in _trainings(model, prepared)]
    # A network that started from another was trained on the pictures of both.
    return [any(prepared.rows[place].scene not in scenes for scenes in left_out) for place in places]


def _trainings(model: AnyModel, prepared: Prepared) -> Iterator[Mapping[str, Any]]:
    """The trainings of a model and of the networks that it started from, if they used a data set."""
    training: object = model.training
    while isinstance(training, Mapping):
        if _includes(training, prepared):
            yield training
        training = training.get("initial")


def _includes(training: Mapping[str, Any], prepared: Prepared) -> bool:
    # The header of a stranger's file may hold anything.
    listed = training.get("datasets")
    entries = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    code, name = prepared.info.get("hash"), prepared.name.casefold()
    same = [entry for entry in entries if code is not None and entry.get("hash") == code]
    same = same or [entry for entry in entries if str(entry.get("name") or "").casefold() == name]
    unseen = _names(_exclusions(training).get("datasets"))
    return any(str(entry.get("name")) not in unseen for entry in same)


def _scenes_left_out(training: Mapping[str, Any], prepared: Prepared) -> set[str]:
    """The scenes of a data set with a picture by a camera or in a fold that a training left out."""
    cameras, fold = _names(_exclusions(training).get("cameras")), _exclusions(training).get("fold")
    return {row.scene for row in prepared.rows if row.camera in cameras or (row.fold and row.fold == fold)}


def _exclusions(training: Mapping[str, Any]) -> Mapping[str, Any]:
    left_out = training.get("left_out")
    return left_out if isinstance(left_out, Mapping) else {}


def _names(value: object) -> set[str]:
    return {str(each) for each in value} if isinstance(value, list | tuple) else set()

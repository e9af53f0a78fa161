"""The pictures of a run, and the provenance that its model records: data sets, and the initial model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from awbkit.colour.camera import LINEAR_SRGB
from awbkit.datasets.prepared import Prepared
from awbkit.datasets.provenance import count_training_images, find_training_images
from awbkit.errors import UnreadableFile, UsageError
from awbkit.network.model import Model
from awbkit.training.recipe import Recipe
from awbkit.training.split import Holdout, Picture, scene_hash, split


@dataclass(frozen=True)
class Pictures:
    """The pictures of a run.

    Attributes:
        training: Training pictures.
        validation: Validation pictures.
        overlap: For each validation picture, whether the initial model may have been trained on it.
        facts: The provenance, as model files state it.
    """

    training: tuple[Picture, ...]
    validation: tuple[Picture, ...]
    overlap: tuple[bool, ...]
    facts: Mapping[str, Any]


def gather_pictures(folders: Sequence[Path], holdout: Holdout, recipe: Recipe, initial: Model | None) -> Pictures:
    """Open the data sets of a run and divide their pictures.

    Args:
        folders: Prepared data sets.
        holdout: Pictures to keep out of the run.
        recipe: The domain, and the share of validation scenes.
        initial: The model that the run starts from.

    Raises:
        UsageError: If the arguments conflict.
        UnreadableFile: If a data set has changed since it was prepared.
    """
    sets = [Prepared.open(folder) for folder in folders]
    if initial is not None:
        _check_initial(initial, recipe, sets, holdout)
    for prepared in sets:
        # Raw pictures are no substitute for balanced photographs and are simulated; the reverse is impossible.
        if recipe.domain == "raw" and any(camera.space == LINEAR_SRGB.space for camera in prepared.cameras.values()):
            raise UsageError(f"{prepared.path}: holds rendered pictures, in linear sRGB; train with --domain rendered")
    training, validation = split(sets, holdout, recipe.validation)
    overlap = (False,) * len(validation) if initial is None else _overlap(initial, sets, validation)
    facts = {
        "left_out": {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(holdout).items()},
        "initial": None if initial is None else _origin(initial),
        "datasets": [_facts(prepared) for prepared in sets],
        "images": len(training),
    }
    return Pictures(training, validation, overlap, facts)


def _overlap(initial: Model, sets: Sequence[Prepared], watched: Sequence[Picture]) -> tuple[bool, ...]:
    """For each validation picture, whether a model may have been trained on it."""
    share = _validation_share(initial.training or {})
    found: dict[Picture, bool] = {}
    for prepared in sets:
        own = [picture for picture in watched if picture.dataset == prepared.name]
        known = find_training_images(initial, prepared, [picture.member.row for picture in own])
        found |= {picture: saw and scene_hash(picture) >= share for picture, saw in zip(own, known, strict=True)}
    return tuple(found[picture] for picture in watched)


def _validation_share(training: Mapping[str, Any]) -> float:
    """The validation share of a model and of all models that it descends from."""
    recipe, before = training.get("recipe"), training.get("initial")
    share = recipe.get("validation") if isinstance(recipe, Mapping) else training.get("validation")
    own = share if isinstance(share, float | int) and 0 <= share <= 1 else 0.0
    return min(own, _validation_share(before)) if isinstance(before, Mapping) else own


def _check_initial(initial: Model, recipe: Recipe, sets: Sequence[Prepared], holdout: Holdout) -> None:
    """Refuse another domain, and pictures to leave out that the initial weights were trained on."""
    if initial.domain != recipe.domain:
        raise UsageError(f"model {initial.name} is for {initial.domain} pictures; train with --domain {initial.domain}")
    for prepared in sets:
        if recipe.calibration != "validation" and count_training_images(initial, prepared, range(len(prepared.rows))):
            raise UsageError(
                f"model {initial.name} was trained on {prepared.name}, so calibration {recipe.calibration} would test "
                "it on pictures of its own training; use validation, or start from another model"
            )
        places = [place for place, row in enumerate(prepared.rows) if holdout.holds(prepared, row)]
        if places and count_training_images(initial, prepared, places):
            raise UsageError(
                f"model {initial.name} was trained on pictures of {prepared.name} that this training leaves out; "
                "start from another model, or leave out nothing"
            )


def _origin(initial: Model) -> dict[str, Any]:
    """The recorded facts of the initial model and its own training."""
    before = initial.training or {}
    kept = {key: before[key] for key in ("datasets", "left_out", "initial") if key in before}
    return {"name": initial.name, "sha256": initial.digest, "validation": _validation_share(before), **kept}


def _facts(prepared: Prepared) -> dict[str, Any]:
    found = f"sha256:{prepared.content_hash()}"
    if found != prepared.info.get("hash"):
        raise UnreadableFile(prepared.path, "is not what was prepared: its hash differs", "prepare it again")
    return {"name": prepared.name, "hash": found} | {
        key: prepared.info.get(key) for key in ("title", "licence", "citation")
    }

"""The recipe: every setting that decides the result of a training, as flags, TOML files and model files state it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from awbkit.choices import CALIBRATIONS, DOMAINS
from awbkit.errors import UsageError
from awbkit.network.architecture import architecture
from awbkit.network.sizes import DEFAULT
from awbkit.spelling import suggestion
from awbkit.store.documents import read_toml

_SHARES = ("one_colour", "relight", "unknown_white", "distil", "validation", "coloured")
_AMOUNTS = ("learning_rate", "weight_decay", "relight_jitter", "white_jitter", "statistics_noise")
CAMERAS = ("listed", "measured")

_COUNTS = {
    "steps": (1, 10_000_000),
    "batch_size": (1, 65_536),
    "shards": (1, 1024),
    "variants": (1, 1000),
    "teachers": (0, 100),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults are those of the shipped ``awbnet-s``.

    Attributes:
        arch: Name of the architecture.
        domain: "raw", or "rendered" for pictures that a camera has balanced, which are simulated from raw ones.
        steps: Steps of the optimiser.
        batch_size: Pictures in each step, over all processes.
        shards: Parts of a batch whose gradients are computed separately and then added in order. At most this many
            processes can share the work. The result depends on the shards, not on the processes.
        learning_rate: Peak of the one cycle: a cosine up over the first 15 % of the steps, and down over the rest.
        weight_decay: Weight decay of AdamW.
        variants: Versions of each picture, the original included.
        cameras: The cameras that imaginary ones are blended from: "listed" for the measured cameras and those that
            LibRaw lists, "measured" for the measured cameras alone.
        one_colour: Share of the versions that are nearly of one colour, and give no evidence of their light. They train
            the expected error, not the light: otherwise the network would learn to distrust grey pictures.
        relight: Share of the pictures that are relit in each step.
        coloured: Share of the new lights that are drawn on and off the Planckian locus; the others are lights of the
            training set.
        relight_jitter: Standard deviation, in log-chroma, of the noise on a training set's light.
        white_jitter: Standard deviation, in log-chroma, of the simulated error of a camera's declared white.
        unknown_white: Share of the pictures that are trained as if their camera had no matrix.
        statistics_noise: Noise on the statistics, as a share of their standard deviation.
        teachers: Number of larger networks that are trained first, as teachers; 0 for none.
        teacher_arch: Architecture of the teachers.
        distil: Share of the loss that follows the teachers' mean answer instead of the true light.
        validation: Share of the scenes to hold out, by hash of their names.
        calibration: The answers that the expected error is fitted to: those on the "validation" scenes, or those of
            further networks trained by "leave-one-camera-out" or "leave-one-dataset-out".
        seed: Of all random choices.
    """

    arch: str = DEFAULT
    domain: str = "raw"
    steps: int = 12_000
    batch_size: int = 128
    shards: int = 2
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    variants: int = 16
    cameras: str = "listed"
    one_colour: float = 0.08
    relight: float = 0.3
    coloured: float = 0.03
    relight_jitter: float = 0.05
    white_jitter: float = 0.01
    unknown_white: float = 0.15
    statistics_noise: float = 0.2
    teachers: int = 0
    teacher_arch: str = "awbnet-teacher"
    distil: float = 0.7
    validation: float = 0.1
    calibration: str = "validation"
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            wanted = {"str": str, "int": int, "float": float}[str(field.type)]
            if wanted is float and type(value) is int:
                object.__setattr__(self, field.name, float(value))
            elif type(value) is not wanted:
                raise UsageError(f"{field.name} is a {_KINDS[wanted]}, not {value!r}")
        architecture(self.arch)
        architecture(self.teacher_arch)
        for name, allowed in (("domain", DOMAINS), ("calibration", CALIBRATIONS), ("cameras", CAMERAS)):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        for name, (least, most) in _COUNTS.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name} is from {least} to {most}, not {getattr(self, name)}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is a share from 0 to 1, not {getattr(self, name):g}")
        for name in _AMOUNTS:
            if not 0 <= getattr(self, name) < 1e3:
                raise UsageError(f"{name} is not negative and under 1000, not {getattr(self, name):g}")
        if self.batch_size < self.shards:
            raise UsageError(
                f"a batch of {self.batch_size} has no {self.shards} shards; set shards to {self.batch_size}"
            )
        if self.validation == 1:
            raise UsageError("a validation share of 1 leaves nothing to train on; give 0.1")

    def with_changes(self, changes: Mapping[str, Any]) -> Recipe:
        """Replace some values of the recipe.

        Raises:
            UsageError: If a name is unknown or a value not allowed.
        """
        known = {field.name for field in fields(self)}
        for name in changes:
            if name not in known:
                raise UsageError(
                    f"a recipe has no {name!r}{suggestion(name, known)}; it has {', '.join(sorted(known))}"
                )
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """All values by name."""
        return asdict(self)


_KINDS = {str: "text", int: "whole number", float: "number"}


def read_recipe(path: Path, usual: Recipe | None = None) -> Recipe:
    """Read a recipe from a TOML file that states the differences from the defaults.

    Raises:
        UnreadableFile: If it cannot be read.
        UsageError: If the file has unknown keys or invalid values.
    """
    stated = read_toml(path, "write lines such as steps = 6000")
    try:
        return (usual or Recipe()).with_changes(stated)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None

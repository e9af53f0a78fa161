"""The interface of a data set's loader, and the list of all layouts."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.colour.light_map import LightMap
from awbkit.errors import UsageError
from awbkit.spelling import assignments, suggestion
from awbkit.store.source import Source

_HOMES = {
    "cl3an": ("cl3an", "Cl3an"),
    "gehler-shi": ("gehler_shi", "GehlerShi"),
    "nus-8": ("nus_8", "Nus8"),
    "cube-plus": ("cube_plus", "CubePlus"),
    "simple-cube-pp": ("simple_cube_pp", "SimpleCubePP"),
    "intel-tau": ("intel_tau", "IntelTau"),
    "lsmi": ("lsmi", "Lsmi"),
    "ambient6k": ("ambient6k", "Ambient6k"),
    "awb-nn": ("awb_nn", "AwbNN"),
    "folder": ("folder", "Folder"),
    "rendered": ("synthetic", "SyntheticScenes"),
}


@dataclass(frozen=True)
class About:
    """The facts to state with figures on a data set.

    Attributes:
        title: Its authors' name for it.
        licence: The licence of the images; "research" if the authors permit research only.
        citation: Authors, title, venue, year, identifier.
        download: Where to get it.
        convention: What the true illuminant is, and in which RGB.
    """

    title: str
    licence: str
    citation: str
    download: str
    convention: str


@dataclass(frozen=True)
class Sample:
    """One labelled image, found in the source but not yet read; small, picklable.

    Attributes:
        image: Its name, unique in the data set.
        files: The files that it is read from, as the source names them.
        camera: Name of the camera, a key of :meth:`Layout.cameras`.
        scene: Images of one scene share this; folds and confidence intervals are over scenes, never over images.
        illuminant: RGB of the light on any scale; None where it is derived from the pixels.
        fold: The published fold, or an empty string.
        exposure: Relative exposure (time x gain / aperture squared), or lux, or whatever the data set states; None if
            it states nothing.
        details: Further values for the layout's own ``load``.
    """

    image: str
    files: tuple[str, ...]
    camera: str
    scene: str
    illuminant: tuple[float, float, float] | None = None
    fold: str = ""
    exposure: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Omission:
    """An image or a label in the source that makes no sample.

    Attributes:
        image: Its name.
        reason: What is wrong and how to mend it, on one line.
        by_option: Whether the layout's options leave it out, so that the set does not lack it.
    """

    image: str
    reason: str
    by_option: bool = False


@dataclass(frozen=True, eq=False)
class Example:
    """One labelled image, read.

    Attributes:
        image: Linear camera RGB, 1.0 = white level, chart and clipped pixels not valid. Any size; see
            :func:`awbkit.datasets.pixels.linear_thumbnail` for the usual way to make it.
        illuminant: RGB of the light on any scale.
        spread: Degrees between the lights of the scene, by :func:`awbkit.datasets.spread.angular_spread`; None
            where unknown.
        light_map: The light in each cell of the thumbnail, (64, 64); None where only one light is known.
    """

    image: LinearImage
    illuminant: tuple[float, float, float]
    spread: float | None = None
    light_map: LightMap | None = None


@dataclass(frozen=True)
class Layout(ABC):
    """A published layout. Subclasses are frozen dataclasses whose fields, if any, are the user's options.

    An option is a bool, int, float or str with a default; ``metadata={"help": ..., "choices": (...)}`` of its field
    says what it means and, for a str, what it may be. ``metadata={"range": (low, high)}`` bounds a number.
    """

    name: ClassVar[str]
    about: ClassVar[About]
    needs_source: ClassVar[bool] = True

    @abstractmethod
    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List the samples and omissions, in an order that depends on names only. Reads labels but no pixels.

        Raises:
            UnreadableFile: If the source is not of this layout; the message says what was looked for.
        """

    @abstractmethod
    def load(self, source: Source, sample: Sample) -> Example:
        """Read one sample; called in any order, in any process.

        Raises:
            AwbError: If this sample cannot be used; the others still can.
        """

    def cameras(self, source: Source, names: Iterable[str]) -> dict[str, Camera]:
        """The cameras by name, with matrices where they are known; by default those that LibRaw lists."""
        from awbkit.files.known_cameras import known_camera

        return {name: known_camera(name) or Camera(name) for name in names}

    def outside_files(self) -> Iterable[Path]:
        """Files beside the source that the result depends on; by default none."""
        return ()

    def about_source(self) -> About:
        """The facts to write beside the prepared data; they may depend on the options."""
        return self.about

    @property
    def options(self) -> dict[str, bool | int | float | str]:
        """The options by name."""
        return {option.name: getattr(self, option.name) for option in dataclasses.fields(self)}


def layout_names() -> tuple[str, ...]:
    """The names of all layouts."""
    return tuple(_HOMES)


@cache
def layout_class(name: str) -> type[Layout]:
    """The layout of this name.

    Raises:
        UsageError: If no layout has this name.
    """
    if name not in _HOMES:
        raise UsageError(f"unknown layout {name!r}{suggestion(name, _HOMES)}; layouts: {', '.join(_HOMES)}")
    module, attribute = _HOMES[name]
    found: type[Layout] = getattr(import_module(f"awbkit.datasets.{module}"), attribute)
    return found


def parse(specification: str) -> Layout:
    """The layout that ``NAME[:option=value,...]`` names.

    Raises:
        UsageError: If the layout or an option is unknown, or a value is not allowed.
    """
    name, colon, rest = specification.strip().partition(":")
    kind = layout_class(name.strip())
    known = {option.name: option for option in dataclasses.fields(kind)}
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, text in assignments(colon + rest, f"layout {kind.name}", "option", dict.fromkeys(known, "")):
        values[key] = _value(f"layout {kind.name}: {key}", types[key], known[key].metadata, text)
    return kind(**values)


def _value(what: str, kind: type, metadata: Mapping[str, Any], text: str) -> Any:
    if kind is bool:
        if text.lower() not in {"yes", "no", "true", "false", "1", "0"}:
            raise UsageError(f"{what} must be yes or no, not {text!r}")
        return text.lower() in {"yes", "true", "1"}
    if kind is str:
        choices = metadata.get("choices")
        if choices and text not in choices:
            raise UsageError(f"{what} must be one of {', '.join(choices)}, not {text!r}")
        return text
    low, high = metadata.get("range", (-math.inf, math.inf))
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        number = "a whole number" if kind is int else "a number"
        raise UsageError(f"{what} must be {number} from {low:g} to {high:g}, not {text!r}")
    return value

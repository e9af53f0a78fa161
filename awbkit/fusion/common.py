"""One light for a set of pictures that were taken under it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from awbkit.colour.illuminant import Illuminant
from awbkit.errors import UsageError

K = TypeVar("K", bound=Hashable)


def common_illuminant(illuminants: Iterable[Illuminant]) -> Illuminant:
    """One light for a set of pictures by the same camera: the median of log(r/g) and of log(b/g).

    Raises:
        UsageError: If no light is given, or they are in different RGB spaces.
    """
    lights = list(illuminants)
    if len({(light.camera.space, light.camera.name) for light in lights}) != 1:
        raise UsageError("one light for all needs at least one estimate, and all by one camera")
    rgb = np.array([light.rgb for light in lights])
    ratios = np.median(np.log(rgb / rgb[:, 1:2]), axis=0)
    return Illuminant.of(np.exp(ratios), lights[0].camera)


def common_illuminants(lights: Sequence[tuple[K, Illuminant]]) -> dict[K, Illuminant]:
    """For each picture, named by any key, the light common to all pictures by its camera."""
    groups: dict[tuple[str, str], list[Illuminant]] = {}
    for _, light in lights:
        groups.setdefault((light.camera.space, light.camera.name), []).append(light)
    common = {group: common_illuminant(members) for group, members in groups.items()}
    return {key: common[light.camera.space, light.camera.name] for key, light in lights}

"""Test pictures that a network was trained on, by the rules of :mod:`awbkit.datasets.provenance`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from awbkit.datasets.prepared import Prepared
from awbkit.datasets.provenance import count_training_images
from awbkit.estimators import Method, registry
from awbkit.evaluation.methods import AnyMethod
from awbkit.evaluation.result import Overlap
from awbkit.network.model import DOMAIN_OF_SPACE
from awbkit.network.models import AnyModel, find_model, load_once


def training_overlaps(method: AnyMethod, sets: Sequence[Prepared], test: NDArray[np.bool_]) -> tuple[Overlap, ...]:
    """The test sets that a network was trained on, in whole or in part.

    Args:
        method: Any method; only networks have known training sets.
        sets: The prepared data sets.
        test: bool (N,), which of the images of all sets, one set after the other, are evaluated.

    Raises:
        UnreadableFile: If the network cannot be read.
    """
    if not isinstance(method, Method) or not method.is_network:
        return ()
    found, start = [], 0
    for prepared in sets:
        places = np.flatnonzero(test[start : start + len(prepared)]).tolist()
        start += len(prepared)
        count = _count(method, prepared, places)
        if count:
            found.append(Overlap(prepared.name, count, len(places)))
    return tuple(found)


def _count(method: Method, prepared: Prepared, places: Sequence[int]) -> int:
    """The number of images at these places that the network for their camera's domain was trained on."""
    domains = {name: DOMAIN_OF_SPACE[camera.space] for name, camera in prepared.cameras.items()}
    of_domain: dict[str, list[int]] = {}
    for place in places:
        of_domain.setdefault(domains[prepared.rows[place].camera], []).append(place)
    return sum(count_training_images(_model(method, domain), prepared, those) for domain, those in of_domain.items())


def _model(method: Method, domain: str) -> AnyModel:
    return load_once(method.name) if registry.is_model(method.name) else find_model(method.name, domain)

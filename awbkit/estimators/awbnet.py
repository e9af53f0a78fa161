"""awbkit's networks: statistics of the picture, and where in it to look, taken to the light by a few thousand weights.

Each name has two sets of weights, one for camera RGB and one for photographs that a camera already balanced; the
picture decides. See `awbkit.network` for what they read, and the cards in ``models`` for how they were trained and how
they do.
"""

from __future__ import annotations

from collections.abc import Callable

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.network.model import DOMAIN_OF_SPACE
from awbkit.network.models import load_once, shipped_path

CITATION = "awbkit; see the model's card"


def shipped_network(name: str) -> Callable[[LinearImage], Illuminant]:
    """The estimator that a shipped model is.

    Args:
        name: "awbnet-s".
    """

    def estimate(image: LinearImage) -> Illuminant:
        return load_once(str(shipped_path(name, DOMAIN_OF_SPACE[image.camera.space]))).estimate(image)

    return estimate

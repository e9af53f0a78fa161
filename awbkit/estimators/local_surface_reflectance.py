"""Local surface reflectance: the light is how the sum changes when each patch is divided by its maximum.

A patch divided by its maximum looks like the reflectance of its surfaces under white light. The ratio of the sum of
the true reflectances to the sum of these is nearly grey, so the ratio of the sums of the image is nearly the light.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from awbkit.colour.image import LinearImage
from awbkit.estimators._pixels import FloatArray, scale_image
from awbkit.estimators.parameter import Range

CITATION = (
    "S. Gao, W. Han, K. Yang, C. Li and Y. Li, Efficient color constancy with local surface reflectance statistics, "
    "ECCV 2014, DOI 10.1007/978-3-319-10605-2_11"
)


def local_surface_reflectance(
    image: LinearImage,
    *,
    patches: Annotated[int, Range(1, 1000, "patches along each side of the image")] = 3,
) -> FloatArray:
    """The sum of the pixels over the sum of the locally normalised pixels (Gao et al. 2014).

    Args:
        image: Linear image; only valid pixels count.
        patches: With 1 the method is white-patch, with one patch for each pixel gray-world. No more than there are
            rows or columns.

    Returns:
        float64 (3,): the light's RGB in the image's own RGB, positive, of no particular scale.

    Raises:
        AwbError: If no pixel is valid.
    """
    pixels = scale_image(image)
    brightest, total = pixels, pixels
    for axis in (0, 1):
        length = pixels.shape[axis]
        count = min(patches, length)
        starts = np.arange(count) * length // count
        brightest = np.maximum.reduceat(brightest, starts, axis=axis)
        total = np.add.reduceat(total, starts, axis=axis)
    mask = brightest[..., 0] > 0
    total, brightest = total[mask], brightest[mask]
    return np.asarray(total.sum(axis=0) / (total / brightest).sum(axis=0))

"""The statistics that :func:`awbkit.network.features.describe` measures, by the groups that are computed together.

A network that was pruned reads some of them only, and what measures a group of which it reads none can be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

_SIZES = {
    # ln r/g and ln b/g of what simple estimators answer.
    "norms": 10,  # p = 1, 2, 4, 8 and infinity
    "brightest": 8,  # 1, 3, 10 and 30 % of the pixels
    "darkest": 4,  # 2 and 10 %
    "whitest": 6,  # 1, 3 and 10 %, bright and least coloured
    "greyest": 4,  # 1 and 3 %, by how little their colour differs from their neighbours'
    "edges": 4,  # p = 1 and 4
    "local-surface-reflectance": 2,
    "principal": 2,
    # Mean ln r/g and ln b/g of the same pixels, and of others.
    "brightest-chroma": 8,
    "darkest-chroma": 4,
    "whitest-chroma": 6,
    "greyest-chroma": 4,
    "windows-chroma": 6,  # around the anchor: narrow, wide, narrow and by brightness
    "contrast-chroma": 2,  # by local contrast and brightness
    "brightness-chroma": 2,
    "contrast": 2,  # ln r/g and ln b/g of the mean by local contrast and brightness
    "mean-chroma": 2,
    # How colours are spread.
    "block-quantiles": 6,  # 10, 50 and 90 % of the 8 x 8 blocks' ln r/g and ln b/g
    "pixel-quantiles": 10,  # 5, 25, 50, 75 and 95 % of the pixels'
    "strips": 8,  # of four strips from the top to the bottom
    "spread": 3,  # standard deviations and correlation of the pixels' ln r/g and ln b/g
    "bright-spread": 3,  # the same of the brightest 30 %
    # What kind of picture it is.
    "valid-share": 1,
    "mean-contrast": 2,  # local, of all channels and of colour alone
    "brightness-quantiles": 5,
    "whiteness-quantiles": 3,
    "greyness-quantiles": 2,
    "window-shares": 3,
    "sectors": 16,  # shares of the coloured pixels by eight directions of colour: by number, by brightness
}


def _ranges() -> Iterator[tuple[str, range]]:
    start = 0
    for name, size in _SIZES.items():
        yield name, range(start, start + size)
        start += size


GROUPS: Mapping[str, range] = dict(_ranges())
"""The numbers of the statistics of each group, in their order."""


def groups_of(statistics: Iterable[int]) -> tuple[str, ...]:
    """The groups that hold any of these statistics, in their order.

    Args:
        statistics: Their numbers.
    """
    wanted = {*statistics}
    return tuple(name for name, numbers in GROUPS.items() if wanted.intersection(numbers))

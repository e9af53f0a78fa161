"""Gehler-Shi: 568 photographs with a colour chart, by a Canon EOS 5D and an EOS-1D; the "ColorChecker" data set.

P. V. Gehler, C. Rother, A. Blake, T. Minka, T. Sharp, "Bayesian Color Constancy Revisited", CVPR 2008; reprocessed to
linear PNG by L. Shi and B. Funt, Simon Fraser University, 2010; truth recomputed by G. Hemrit, G. D. Finlayson et al.,
"Rehabilitating the ColorChecker Dataset for Illuminant Estimation", CIC 26, 2018, arXiv:1805.12262. For research only.

    png/IMG_*.png, png/8D5U*.png        482 of the 5D, 86 of the 1D; 12 bits of linear camera RGB in 16
    coordinates/<name>_macbeth.txt      width and height of a picture, then corners of the chart in a picture that large
    ColorCheckerData.mat                REC_groundtruth, 568 x 3: the Recommended truth, the default here
    real_illum_568..mat                 real_rgb, 568 x 3: the legacy truth of Shi and Funt
    threefoldCVsplit.mat                te_split, the images tested in each of Gehler's three folds; Xfiles, their names

Truth: the RGB of the brightest grey patch that is not clipped, in the camera's RGB. Row n of a truth belongs to the
n-th name in alphabetical order, the 1D's (8D5U) before the 5D's (IMG). So all names must be known before any image gets
a row; if images are missing, the names come from the folder of coordinates or the folds. A full set of 568 names must
be the published one.

Black level: 0 (1D), 129 (5D). Saturation: 3300 (1D), 3692 (5D); J. T. Barron and Y.-T. Tsai, "Fast Fourier Color
Constancy", CVPR 2017, use 3692 for both, but the lower value excludes all clipped pixels. As there, a channel counts as
clipped from 0.95 of the way from black to saturation. Chart mask: the quadrilateral of the corners.

Pitfalls: errors against the two truths differ by a fifth and more, so never mix them, and say which one was used.
Consecutive images often show one place; no list of places is published. The images that Hemrit et al. reprocessed
(``87_IMG_0281``) have other levels and are not read; their truth also applies to Shi's images.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import Camera
from awbkit.datasets.colour_chart import edges, quadrilateral
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.matlab import cells, numbers, read_mat
from awbkit.datasets.originals import by_stem, one_file, original_codes, stem, truth_problem
from awbkit.datasets.pixels import linear_thumbnail
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.store.source import Source

_LEVELS = {"Canon EOS-1D": (0, 3300), "Canon EOS 5D": (129, 3692)}
_CLIP = 0.95
_NAME = re.compile(r"(8d5u|img_)\d{4}")
_NUMBERED_NAME = re.compile(r"\d+_(8d5u|img_)\d{4}")
_COORDINATES = "_macbeth"
_TRUTHS = {
    "recommended": ("ColorCheckerData*.mat", "REC_groundtruth"),
    "legacy": ("real_illum_568*.mat", "real_rgb"),
}
_COUNT = 568
_NAMES_SHA256 = "0b1d8ac8212c6125baeee420cb3b40ee2c70f5e13a3a1779829ce476022f695b"
"""Hash of the published names in lower case, in order, one a line."""

_ASPECT_TOLERANCE = 0.02
_MARGIN = 0.05
"""Corners were set by hand, and may lie outside the picture by this share of its size."""


@dataclass(frozen=True)
class GehlerShi(Layout):
    """The data set Gehler-Shi (ColorChecker); see the module's text for files, levels and pitfalls.

    Attributes:
        truth: "recommended" (Hemrit et al. 2018) or "legacy" (Shi and Funt 2010).
    """

    name: ClassVar[str] = "gehler-shi"
    about: ClassVar[About] = About(
        title="Gehler-Shi (ColorChecker)",
        licence="research",
        citation="P. V. Gehler et al., Bayesian Color Constancy Revisited, CVPR 2008; reprocessed by L. Shi and"
        " B. Funt, Simon Fraser University, 2010",
        download="https://www2.cs.sfu.ca/~colour/data/shi_gehler/",
        convention="camera RGB of the brightest grey patch that is not clipped, black subtracted",
    )

    truth: str = field(
        default="recommended",
        metadata={
            "help": "whose truth: recommended (Hemrit et al. 2018) or legacy (Shi and Funt 2010)",
            "choices": tuple(_TRUTHS),
        },
    )

    def about_source(self) -> About:
        extra = {
            "recommended": "truth recomputed by G. Hemrit et al., CIC 26, 2018, arXiv:1805.12262",
            "legacy": "truth of Shi and Funt (real_rgb)",
        }[self.truth]
        convention = f"{self.about.convention}; {self.truth} ground truth"
        return replace(self.about, citation=f"{self.about.citation}; {extra}", convention=convention)

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every image by name, then the labels without an image.

        Raises:
            UnreadableFile: If the requested truth is missing, or its rows cannot be assigned to names.
        """
        images = by_stem(source.find("*.png"))
        charts = by_stem(source.find(f"coordinates/*{_COORDINATES}.txt") or source.find(f"*{_COORDINATES}.txt"))
        truth = self._truth(source)
        tested, folds = _split(source)
        fold = dict(zip(tested, folds, strict=True))
        order = _order(source, len(truth), sorted(charts), tested, sorted(filter(_NAME.fullmatch, images)))
        light = dict(zip(order, truth.tolist(), strict=True))
        for name, files in images.items():
            if _NAME.fullmatch(name):
                yield _sample(source, files, light.get(name), charts.get(name + _COORDINATES, []), fold.get(name, ""))
            elif _NUMBERED_NAME.fullmatch(name):
                problem = "is of Hemrit's processing, whose levels differ; take Shi and Funt's PNG"
                yield Omission(stem(files[0]), problem)
        for name in order:
            if name not in images:
                yield Omission(name.upper(), "has a truth but no image; download the rest of the PNG")

    def load(self, source: Source, sample: Sample) -> Example:
        """Read one image, its chart masked.

        Raises:
            UnreadableFile: If it is damaged.
            UnsupportedImage: If it is no original, or rotated relative to the chart's coordinates.
        """
        assert sample.illuminant is not None
        codes = original_codes(source, sample.files[0])
        height, width = codes.shape[:2]
        wide, high = sample.details["size"]
        if abs(np.log(width / height * high / wide)) > _ASPECT_TOLERANCE:
            problem = f"has {width} x {height} pixels, but the chart's place is given for {wide:g} x {high:g}"
            where = f"{source.path}/{sample.files[0]}"
            raise UnsupportedImage(where, problem, "take the original, neither turned nor cropped")
        corners = np.array(sample.details["corners"]) * (width / wide, height / high)
        black, saturation = _LEVELS[sample.camera]
        image = linear_thumbnail(
            codes,
            Camera(sample.camera),
            black=black,
            white=saturation,
            clip=black + _CLIP * (saturation - black),
            mask=quadrilateral(corners, height, width),
        )
        return Example(image, sample.illuminant)

    def _truth(self, source: Source) -> NDArray[np.float64]:
        """(N, 3), rows in the order of the names."""
        pattern, variable = _TRUTHS[self.truth]
        file = one_file(source, pattern)
        if file is None:
            other = next(kind for kind in _TRUTHS if kind != self.truth)
            remedy = "download it, and put it beside the images"
            if one_file(source, _TRUTHS[other][0]):
                remedy += f"; or ask for the other truth with gehler-shi:truth={other}, and never mix the two"
            raise UnreadableFile(source.path, f"holds no {pattern} with the {self.truth} truth", remedy)
        where = f"{source.path}/{file}"
        return numbers(read_mat(source.read(file), where), variable, 3, where)


def _sample(
    source: Source, files: Sequence[str], light: Sequence[float] | None, charts: Sequence[str], fold: str
) -> Sample | Omission:
    image = stem(files[0])
    if len(files) > 1:
        return Omission(image, f"{' and '.join(files)} have one name; keep one")
    if light is None:
        return Omission(image, "has no row in the truth")
    problem = truth_problem(light)
    if not problem and not charts:
        problem = f"has no {image}{_COORDINATES}.txt, and its chart would show; download the folder coordinates"
    if problem:
        return Omission(image, problem)
    try:
        size, corners = _chart(source.text(charts[0]))
        if any(_chart(source.text(other)) != (size, corners) for other in charts[1:]):
            raise ValueError(f"contradicts {charts[1]}")
    except UnreadableFile as error:
        return Omission(image, f"{charts[0]}: {error.reason}")
    except ValueError as error:
        return Omission(image, f"{charts[0]}: {error}; download the coordinates again")
    camera = "Canon EOS 5D" if image.lower().startswith("img") else "Canon EOS-1D"
    red, green, blue = light
    details = {"size": size, "corners": corners}
    return Sample(image, tuple(files), camera, image, (red, green, blue), fold, details=details)


def _chart(text: str) -> tuple[tuple[float, float], list[list[float]]]:
    """Width and height of the picture that the corners are given for, and the corners, x and y."""
    lines = [line for line in text.splitlines() if line.strip()][:5]
    try:
        rows = np.array([[float(word) for word in line.split()] for line in lines])
    except ValueError:
        rows = np.empty(0)
    if rows.shape != (5, 2) or not np.isfinite(rows).all() or rows[0].min() <= 0:
        raise ValueError("is no list of a size and four corners")
    size, corners = rows[0], rows[1:]
    place = corners / size
    if (place < -_MARGIN).any() or (place > 1 + _MARGIN).any():
        raise ValueError("puts the chart outside the picture")
    legs = [leg for _, leg in edges(corners)]
    if any(x0 * y1 - y0 * x1 <= 0 for (x0, y0), (x1, y1) in zip(legs, legs[1:] + legs[:1], strict=True)):
        raise ValueError("its four corners form no chart")
    return (float(size[0]), float(size[1])), corners.tolist()


def _split(source: Source) -> tuple[list[str], list[str]]:
    """The names of the published folds, and the fold that tests each; both empty if unknown."""
    file = one_file(source, "*threefoldCVsplit*.mat")
    if file is None:
        return [], []
    where = f"{source.path}/{file}"
    variables = read_mat(source.read(file), where)
    tested = [np.asarray(fold).ravel() for fold in cells(variables, "te_split", where)]
    names = [stem(str(name)).lower() for name in cells(variables, "Xfiles", where)]
    places = np.concatenate(tested) if tested else np.empty(0)
    if places.dtype.kind not in "iuf" or not np.array_equal(np.sort(places), np.arange(1, len(names) + 1)):
        raise UnreadableFile(where, "its folds do not test every image once", "download it again")
    folds = [
        str(number) for place in range(1, len(names) + 1) for number, fold in enumerate(tested, 1) if place in fold
    ]
    return names, folds


def _order(source: Source, rows: int, charts: list[str], split: list[str], images: list[str]) -> list[str]:
    """The names of the rows of the truth."""
    lists = {
        "coordinates": [name.removesuffix(_COORDINATES) for name in charts],
        "folds": split,
        "images": images,
    }
    whole = [names for names in lists.values() if len(names) == rows]
    if not whole:
        counts = ", ".join(f"{len(names)} {kind}" for kind, names in lists.items())
        problem = f"its truth has {rows} rows, but there are {counts}, so its rows cannot be assigned to images"
        raise UnreadableFile(source.path, problem, "add the whole folder coordinates or threefoldCVsplit.mat")
    digest = hashlib.sha256("\n".join(whole[0]).encode()).hexdigest()
    if any(names != whole[0] for names in whole[1:]) or (rows == _COUNT and digest != _NAMES_SHA256):
        problem = "the names of its images, coordinates or folds are not the published 568"
        raise UnreadableFile(source.path, problem, "name the folder of this data set alone")
    return whole[0]

"""NUS-8: scenes with a colour chart, photographed side by side by eight cameras, and a ninth.

D. Cheng, D. K. Prasad, M. S. Brown, "Illuminant Estimation for Color Constancy: Why Spatial-Domain Methods Work and
the Role of the Color Distribution", JOSA A 31(5), 2014, doi:10.1364/JOSAA.31.001049. For research only. 1,736 images
by the eight cameras; with the Nikon D40 1,853. For each camera:

    <Camera>_NNNN.PNG    linear camera RGB in 16 bits, half the raw file's size, in a folder PNG or not
    <Camera>_gt.mat      groundtruth_illuminants (N x 3), all_image_names (N), CC_coords (N x 4: first and last row,
                         first and last column of the chart, from 1), darkness_level, saturation_level
    CHECKER/             colours and corners of the chart's patches; not needed here

Truth: the RGB of the chart's grey patches, in the camera's RGB; given to images by all_image_names, never by counting.
Black level and saturation: those of the camera's own .mat file. A channel counts as clipped from 0.95 of the way
between them, as in J. T. Barron and Y.-T. Tsai, "Fast Fourier Color Constancy", CVPR 2017, because sensors bend before
they clip. Chart mask: the rectangle CC_coords.

Pitfalls: papers call the data set NUS-8 and leave the Nikon D40 out, and so does this layout by default. Papers average
statistics over cameras, most often by the geometric mean: state which mean you use. The cameras took the same places,
but the download does not match their images: each image counts as a scene, and leaving one camera out does not leave
its places out. There are no published folds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from awbkit.colour.camera import Camera
from awbkit.datasets.layout import About, Example, Layout, Omission, Sample
from awbkit.datasets.matlab import cells, number, numbers, read_mat
from awbkit.datasets.originals import by_stem, one_file, original_codes, stem, truth_problem
from awbkit.datasets.pixels import linear_thumbnail
from awbkit.errors import UnreadableFile, UnsupportedImage
from awbkit.spelling import count_text
from awbkit.store.source import Source

_CAMERAS = {
    "Canon1DsMkIII": "Canon EOS-1Ds Mark III",
    "Canon600D": "Canon EOS 600D",
    "FujifilmXM1": "Fujifilm X-M1",
    "NikonD40": "Nikon D40",
    "NikonD5200": "Nikon D5200",
    "OlympusEPL6": "Olympus E-PL6",
    "PanasonicGX1": "Panasonic DMC-GX1",
    "SamsungNX2000": "Samsung NX2000",
    "SonyA57": "Sony SLT-A57",
}
_NINTH_CAMERA = "NikonD40"
_CLIP = 0.95


@dataclass(frozen=True)
class Nus8(Layout):
    """The data set NUS-8; see the module's text for files, levels and pitfalls.

    Attributes:
        d40: Whether to include the ninth camera, the Nikon D40.
    """

    name: ClassVar[str] = "nus-8"
    about: ClassVar[About] = About(
        title="NUS-8",
        licence="research",
        citation="D. Cheng, D. K. Prasad, M. S. Brown, Illuminant Estimation for Color Constancy, JOSA A 31(5), 2014,"
        " doi:10.1364/JOSAA.31.001049",
        download="https://cvil.eecs.yorku.ca/projects/public_html/illuminant/illuminant.html",
        convention="camera RGB of the chart's grey patches, black subtracted",
    )

    d40: bool = field(default=False, metadata={"help": "also the Nikon D40, which papers leave out of the eight"})

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        """List every image, camera by camera, then the images without a label.

        Raises:
            UnreadableFile: If every camera's truth is missing.
        """
        images = by_stem(source.find("*.png"))
        if not any(source.find(f"{body}_gt.mat") for body in _CAMERAS):
            remedy = f"put Canon600D_gt.mat, ... beside the images; the cameras are {', '.join(_CAMERAS)}"
            raise UnreadableFile(source.path, "holds no <Camera>_gt.mat", remedy)
        for body, camera in _CAMERAS.items():
            own = {name: files for name, files in images.items() if name.startswith(f"{body.lower()}_")}
            if body == _NINTH_CAMERA and not self.d40:
                if own:
                    yield Omission(
                        camera, f"left out with its {count_text(len(own), 'image')}; nus-8:d40=yes takes them in", True
                    )
                continue
            try:
                file = one_file(source, f"{body}_gt.mat")
                labelled = {} if file is None else _labels(source, file, camera, own)
                why = f"has no row in {body}_gt.mat" if file else f"there is no {body}_gt.mat; download it"
            except UnreadableFile as error:
                labelled, why = {}, f"its truth cannot be read: {error.reason}"
            yield from labelled.values()
            yield from (Omission(stem(own[name][0]), why) for name in own if name not in labelled)

    def load(self, source: Source, sample: Sample) -> Example:
        """Read one image, its chart masked.

        Raises:
            UnreadableFile: If it is damaged.
            UnsupportedImage: If it stores 8 bits, or the chart's place is outside it.
        """
        assert sample.illuminant is not None
        codes = original_codes(source, sample.files[0])
        height, width = codes.shape[:2]
        top, bottom, left, right = sample.details["chart"]
        if bottom > height or right > width:
            problem = f"has {width} x {height} pixels, but its chart lies in rows {top} to {bottom}, columns {left} to"
            where = f"{source.path}/{sample.files[0]}"
            raise UnsupportedImage(where, f"{problem} {right}", "take the original PNG, neither turned nor reduced")
        mask = np.zeros((height, width), np.bool_)
        mask[top - 1 : bottom, left - 1 : right] = True
        black, white = sample.details["levels"]
        clip = black + _CLIP * (white - black)
        image = linear_thumbnail(codes, Camera(sample.camera), black=black, white=white, clip=clip, mask=mask)
        return Example(image, sample.illuminant)


def _labels(source: Source, file: str, camera: str, images: dict[str, list[str]]) -> dict[str, Sample | Omission]:
    """The labels of one camera's images, by their names in lower case.

    Raises:
        UnreadableFile: If it cannot be read, or contradicts itself.
    """
    where = f"{source.path}/{file}"
    variables = read_mat(source.read(file), where)
    lights = numbers(variables, "groundtruth_illuminants", 3, where)
    charts = numbers(variables, "CC_coords", 4, where)
    names = [str(name) for name in cells(variables, "all_image_names", where)]
    if not len(names) == len(lights) == len(charts):
        counts = f"{len(names)} names, {len(lights)} lights and {len(charts)} charts"
        raise UnreadableFile(where, f"has {counts}", "download it again")
    black, white = (number(variables, f"{kind}_level", where) for kind in ("darkness", "saturation"))
    if not 0 <= black < white <= 65535:
        raise UnreadableFile(where, f"states black at {black:g} and saturation at {white:g}", "download it again")
    found: dict[str, Sample | Omission] = {}
    keys = [stem(name).lower() if name.lower().endswith(".png") else name.lower() for name in names]
    count = Counter(keys)
    for key, name, (red, green, blue), chart in zip(keys, names, lights.tolist(), charts.tolist(), strict=True):
        top, bottom, left, right = chart
        problem = truth_problem((red, green, blue))
        if count[key] > 1:
            problem = f"has {count[key]} rows in {file}"
        elif not (1 <= top < bottom < np.inf and 1 <= left < right < np.inf):
            problem = problem or f"{file} does not say where its chart is"
        elif key not in images:
            problem = f"has a truth but no image; download the rest of {camera}"
        elif len(images[key]) > 1:
            problem = f"lies in the source {len(images[key])} times; keep one"
        if problem:
            found[key] = Omission(name, problem)
            continue
        details = {"chart": tuple(int(edge) for edge in chart), "levels": (black, white)}
        image = stem(images[key][0])
        found[key] = Sample(image, tuple(images[key]), camera, image, (red, green, blue), details=details)
    return found

"""The main job in Python: open a photograph, estimate its light, correct it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from awbkit.colour.camera import LINEAR_SRGB, Camera
from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import LinearImage
from awbkit.correction.von_kries import Correction
from awbkit.errors import OutputError, UsageError
from awbkit.estimators.region import gray_card
from awbkit.estimators.registry import DEFAULT, Method, parse
from awbkit.files.open import open_photo
from awbkit.files.photo import Photo, Region
from awbkit.files.raw import RawPhoto
from awbkit.files.rendered import RenderedPhoto
from awbkit.files.write import DEEP_FORMATS, format_of, metadata_of, write_developed, write_jpeg, write_picture
from awbkit.store.limits import MAX_PIXELS
from awbkit.store.outputs import IfExists, atomic_write

if TYPE_CHECKING:
    from awbkit.evaluation.result import Evaluation

AnyPhoto = RawPhoto | RenderedPhoto
"""What opening a file gives."""

Source = str | os.PathLike[str] | AnyPhoto | LinearImage | NDArray[np.floating]
"""A file, an opened photograph, or linear pixels (H, W, 3) with black at 0 and the white level at 1."""


def estimate(
    source: Source,
    method: str | Method = DEFAULT,
    *,
    region: Region | Sequence[int] | str | None = None,
    encoding: str = "auto",
    fallback: str | Method | None = None,
    max_expected_error: float | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> Illuminant:
    """Estimate the light of a photograph or of linear pixels.

    Args:
        source: A file, a photograph or pixels. Files and photographs are reduced to a thumbnail of 64 x 64 pixels.
        method: As on the command line: "pca", "shades-of-gray:p=6"; see :func:`awbkit.methods`.
        region: A gray card's rectangle, (x, y, width, height) or "x,y,w,h" in pixels as displayed, in place of a
            method.
        encoding: How a rendered file's numbers stand for light; see :func:`awbkit.open`. Pixels are linear sRGB, or
            with "camera" a sensor's own RGB, which no camera has balanced.
        fallback: A method that answers where ``method`` expects to err by more than ``max_expected_error``, unless the
            fallback expects to err by even more; and where ``method`` is a network for raw pictures and the picture is
            rendered, or the other way round.
        max_expected_error: In degrees; goes with ``fallback``.
        max_pixels: Of a file, as :func:`awbkit.open` has it.

    Returns:
        The light in the camera's RGB (raw) or in linear sRGB (rendered).

    Raises:
        UsageError: If the method, a parameter, the encoding or the region cannot be used as given.
        FileError: If the file cannot be read or has no white balance.
        AwbError: If no pixel is valid.
    """
    image = source if isinstance(source, LinearImage) else None
    if isinstance(source, np.ndarray):
        if encoding not in ("auto", "linear", "camera"):
            raise UsageError(f"pixels are linear or a sensor's own (encoding auto, linear or camera), not {encoding!r}")
        image = LinearImage.from_array(source, camera=Camera() if encoding == "camera" else LINEAR_SRGB)
    photo = source if isinstance(source, Photo) else None
    if isinstance(source, LinearImage | Photo) and encoding != "auto":
        raise UsageError(f"encoding {encoding!r} is for files and arrays; what is open already has its own")
    if image is None and photo is None:
        photo = open_photo(source, encoding=encoding, max_pixels=max_pixels)  # type: ignore[arg-type]
    if region is not None:
        if photo is None:
            raise UsageError("a region belongs to a file; for pixels, pass the slice of the array")
        return estimate_region(photo, region if isinstance(region, Region) else Region.parse(region))
    chosen = _parse_method(method, fallback, max_expected_error)
    return chosen.estimate(image if image is not None else photo.thumbnail())  # type: ignore[union-attr]


def _parse_method(method: str | Method, fallback: str | Method | None, max_expected_error: float | None) -> Method:
    chosen = parse(method) if isinstance(method, str) else method
    if (fallback is None) != (max_expected_error is None):
        raise UsageError("fallback and max_expected_error go together; give both")
    if fallback is None or max_expected_error is None:
        return chosen
    return chosen.guarded(parse(fallback) if isinstance(fallback, str) else fallback, max_expected_error)


def estimate_region(photo: AnyPhoto, region: Region) -> Illuminant:
    """The light from a gray card: a trimmed mean of the rectangle's valid pixels, and their spread in degrees."""
    image = photo.crop(region)
    rgb, spread = gray_card(image)
    return Illuminant.of(rgb, photo.camera, spread=spread)


def correct(
    source: str | os.PathLike[str] | AnyPhoto,
    output: str | os.PathLike[str],
    *,
    illuminant: Illuminant | Sequence[float] | None = None,
    method: str | Method = DEFAULT,
    cat: str | None = None,
    strength: float = 1.0,
    encoding: str = "auto",
    if_exists: str = "fail",
    auto_bright: bool = False,
    fallback: str | Method | None = None,
    max_expected_error: float | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> Illuminant:
    """Correct a photograph and write it.

    Args:
        source: A file or an opened photograph; never changed.
        output: The new file, in the format of its suffix.
        illuminant: The light to correct for, RGB in the photograph's own space; estimated where None.
        method: The estimator where there is no illuminant.
        cat: A chromatic adaptation transform in place of gains in the camera's RGB.
        strength: 0 leaves the cast, 1 removes it.
        encoding: How a rendered file's numbers stand for light; see :func:`awbkit.open`.
        if_exists: "fail", "skip" or "replace".
        auto_bright: Stretch a raw's brightness until 1 % of the pixels are white.
        fallback: As of :func:`estimate`.
        max_expected_error: As of :func:`estimate`.
        max_pixels: As of :func:`estimate`.

    Returns:
        The light that was corrected for.

    Raises:
        UsageError: If an argument cannot be used as given.
        FileError: If the file cannot be read or has no white balance, or the output exists or cannot be written.
    """
    if if_exists not in tuple(IfExists):
        raise UsageError(f"if_exists is one of {', '.join(IfExists)}, not {if_exists!r}")
    photo = source if isinstance(source, Photo) else open_photo(source, encoding=encoding, max_pixels=max_pixels)
    if illuminant is None:
        light = estimate(photo, method, fallback=fallback, max_expected_error=max_expected_error)
    elif isinstance(illuminant, Illuminant):
        if illuminant.camera.space != photo.camera.space:
            raise UsageError(
                f"the illuminant is in {illuminant.camera.space} RGB and {photo.path} in {photo.camera.space} RGB"
            )
        light = Illuminant.of(illuminant.rgb, photo.camera)
    else:
        light = Illuminant.of(illuminant, photo.camera)
    write(photo, Correction(light, cat, strength), Path(output), IfExists(if_exists), auto_bright=auto_bright)
    return light


def write(
    photo: AnyPhoto, correction: Correction, output: Path, if_exists: IfExists, *, auto_bright: bool = False
) -> bool:
    """Write the corrected photograph to ``output``, whole or not at all.

    A correction that changes nothing gives a copy of a rendered file, for an output in its own format.

    Returns:
        False where the output existed and ``if_exists`` says to skip.
    """
    kind = format_of(output)
    if _is_same_file(photo.path, output):
        raise OutputError(output, "is the input itself", "awbkit never changes an original; name another output")
    if isinstance(photo, RawPhoto):
        from awbkit.correction.develop import develop

        def save(target: Path) -> None:
            pixels = develop(photo, correction, bits=16 if kind in DEEP_FORMATS else 8, auto_bright=auto_bright)
            write_developed(pixels, Path(photo.path), target)
    else:
        from awbkit.correction.picture import check_picture, correct_jpeg, correct_picture, correct_thumbnail

        def thumbnail(old: bytes) -> bytes | None:
            return correct_thumbnail(old, correction)

        def save(target: Path) -> None:
            if kind == photo.format and correction.changes_nothing:
                check_picture(photo)
                shutil.copyfile(photo.path, target)
                return
            with metadata_of(photo.path):
                if kind == photo.format == "jpeg":
                    write_jpeg(photo, correct_jpeg(photo, correction), target, thumbnail)
                else:
                    write_picture(photo, correct_picture(photo, correction), target, thumbnail)

    return atomic_write(output, if_exists, save)


def evaluate(
    prepared: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    method: str | Sequence[str] = DEFAULT,
    *,
    protocol: str = "auto",
    folds: int = 10,
    rounds: int = 1000,
    seed: int = 0,
    jobs: int = 1,
) -> Evaluation:
    """Judge estimators on labelled images that ``awbkit dataset prepare`` has prepared.

    Args:
        prepared: One prepared folder or several.
        method: As on the command line, one or several: "pca:percent=5", "constant", "mine.py:function".
        protocol: Which images fitted methods may see: "auto", "none", "folds", "k-fold", "leave-one-camera-out" or
            "leave-one-dataset-out".
        folds: How many, for "k-fold".
        rounds: Of the bootstrap over scenes.
        seed: Of the bootstrap.
        jobs: How many processes.

    Returns:
        Errors in degrees of every image, their statistics by camera and over all with 95 % intervals, paired tests, and
        the calibration of stated expected errors. Each method's ``trained_on`` names the data sets that a network was
        trained on, whose figures are not those of unseen pictures.

    Raises:
        UnreadableFile: If a folder is no prepared data set.
        UsageError: If methods, data sets and protocol do not go together.
    """
    from awbkit.datasets.prepared import Prepared
    from awbkit.evaluation.run import evaluate_methods

    folders = [prepared] if isinstance(prepared, str | os.PathLike) else prepared
    return evaluate_methods(
        [Prepared.open(Path(folder)) for folder in folders],
        [method] if isinstance(method, str) else method,
        protocol=protocol,
        folds=folds,
        rounds=rounds,
        seed=seed,
        jobs=jobs,
    )


def _is_same_file(first: str, second: Path) -> bool:
    try:
        return second.samefile(first)
    except OSError:
        return False

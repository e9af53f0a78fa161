"""The main job in Python: open a photograph, estimate its light, correct it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import THUMBNAIL_SIZE, LinearImage
from awbkit.errors import OutputError, UsageError
from awbkit.estimators.own import Function
from awbkit.estimators.region import gray_card
from awbkit.estimators.registry import DEFAULT, Method, as_method
from awbkit.files.photo import Region
from awbkit.files.rendered import RenderedPhoto
from awbkit.files.source import is_image, open_source
from awbkit.store.limits import MAX_PIXELS
from awbkit.store.outputs import IfExists, atomic_write
from awbkit.store.parts import scratch

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    from PIL.Image import Image

    from awbkit.correction.von_kries import Correction
    from awbkit.evaluation.result import Evaluation
    from awbkit.files.decode import Pixels
    from awbkit.files.memory import ArrayLike
    from awbkit.files.source import AnyPhoto, Content, Source

    class CorrectOptions(TypedDict, total=False):
        """The keywords of :func:`correct`, for type checkers."""

        to: str | None
        illuminant: Illuminant | Sequence[float] | None
        method: str | Method | Function
        cat: str | None
        strength: float
        encoding: str
        if_exists: str
        auto_bright: bool
        fallback: str | Method | Function | None
        max_expected_error: float | None
        max_pixels: int | None


_log = logging.getLogger("awbkit")


def estimate(
    source: Source | LinearImage,
    method: str | Method | Function = DEFAULT,
    *,
    region: Region | Sequence[int] | str | None = None,
    encoding: str = "auto",
    fallback: str | Method | Function | None = None,
    max_expected_error: float | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> Illuminant:
    """Estimate the light of a picture.

    The same picture gives the same answer however it comes: every source is reduced to the same thumbnail.

    Args:
        source: A path, the bytes of a file, a file opened for reading bytes, an opened photograph, an image of Pillow,
            or an array (H, W, 3), or (H, W, 4) with alpha: anything that numpy makes an array of, such as a tensor.
            Whole numbers of 8 or 16 bits are sRGB, floating point is linear sRGB with black at 0 and the white level
            at 1.
        method: As on the command line: "pca", "shades-of-gray:p=6", "mine.py:function"; see :func:`awbkit.methods`. Or
            a function of your own: it gets a :class:`awbkit.LinearImage`, and returns RGB on any scale, an
            :class:`awbkit.Illuminant` or a :class:`awbkit.LightMap`, or a pair of one of these and the error in degrees
            that it expects.
        region: A gray card's rectangle, (x, y, width, height) or "x,y,w,h" in pixels as displayed, in place of a
            method.
        encoding: How numbers stand for light where "auto" is wrong; see :func:`awbkit.open`. "camera" is for a sensor's
            own linear RGB, which no camera has balanced.
        fallback: A method that answers where ``method`` expects to err by more than ``max_expected_error``, unless the
            fallback expects to err by even more; and where ``method`` is a network for raw pictures and the picture is
            rendered, or the other way round.
        max_expected_error: In degrees; goes with ``fallback``.
        max_pixels: Of a file, as :func:`awbkit.open` has it.

    Returns:
        The light in the camera's RGB (raw) or in linear sRGB (rendered).

    Raises:
        UsageError: If the source, the method, a parameter, the encoding or the region cannot be used as given.
        FileError: If the file cannot be read or has no white balance.
        AwbError: If no pixel is valid.
    """
    if isinstance(source, LinearImage):
        if encoding != "auto":
            raise UsageError(f"encoding: {encoding!r} is for files and arrays; a LinearImage has its own")
        if region is not None:
            raise UsageError("region: a LinearImage has none; pass the slice of its pixels")
        image = source.thumbnail() if max(source.valid.shape) > THUMBNAIL_SIZE else source
        return method_of(method, fallback, max_expected_error).estimate(image)
    with open_source(source, encoding=encoding, max_pixels=max_pixels) as photo:
        if region is not None:
            return estimate_region(photo, region if isinstance(region, Region) else Region.parse(region))
        light, answerer = method_of(method, fallback, max_expected_error).answer(photo.thumbnail())
        _log.debug("%s: %s: %r", photo.path, answerer, light)
        return light


def method_of(
    method: str | Method | Function, fallback: str | Method | Function | None, max_expected_error: float | None
) -> Method:
    """The estimator that the arguments of :func:`estimate` name, with its fallback.

    Raises:
        UsageError: If one is not known, or the two last do not go together.
    """
    chosen = as_method(method)
    if (fallback is None) != (max_expected_error is None):
        raise UsageError("fallback and max_expected_error go together; give both")
    if fallback is None or max_expected_error is None:
        return chosen
    return chosen.with_fallback(as_method(fallback), max_expected_error)


def estimate_region(photo: AnyPhoto, region: Region) -> Illuminant:
    """The light from a gray card: a trimmed mean of the rectangle's valid pixels, and their spread in degrees."""
    image = photo.crop(region)
    rgb, spread = gray_card(image)
    return Illuminant.of(rgb, photo.camera, spread=spread)


@overload
def correct(source: Source, output: str | os.PathLike[str], **options: Unpack[CorrectOptions]) -> Illuminant: ...
@overload
def correct(source: Image, output: None = None, **options: Unpack[CorrectOptions]) -> Image: ...
@overload
def correct(
    source: str | os.PathLike[str] | Content | AnyPhoto, output: None = None, **options: Unpack[CorrectOptions]
) -> bytes: ...
@overload
def correct(source: ArrayLike, output: None = None, **options: Unpack[CorrectOptions]) -> Pixels: ...
def correct(
    source: Source,
    output: str | os.PathLike[str] | None = None,
    *,
    to: str | None = None,
    illuminant: Illuminant | Sequence[float] | None = None,
    method: str | Method | Function = DEFAULT,
    cat: str | None = None,
    strength: float = 1.0,
    encoding: str = "auto",
    if_exists: str = "fail",
    auto_bright: bool = False,
    fallback: str | Method | Function | None = None,
    max_expected_error: float | None = None,
    max_pixels: int | None = MAX_PIXELS,
) -> Illuminant | Image | Pixels | bytes:
    """Correct a picture, and write it or give it back.

    Args:
        source: As in :func:`estimate`; never changed.
        output: The new file, in the format of its suffix; for files and photographs.
        to: Without an output: the format of the bytes, such as "jpeg" or "png"; None is the source's own, and for raw
            files "tif".
        illuminant: The light to correct for, RGB in the picture's own space; estimated where None.
        method: The estimator where there is no illuminant.
        cat: A chromatic adaptation transform in place of gains in the camera's RGB.
        strength: 0 leaves the cast, 1 removes it.
        encoding: As in :func:`estimate`.
        if_exists: "fail", "skip" or "replace".
        auto_bright: Stretch a raw's brightness until 1 % of the pixels are white.
        fallback: As in :func:`estimate`.
        max_expected_error: As in :func:`estimate`.
        max_pixels: As in :func:`estimate`.

    Returns:
        With an output, the light that was corrected for. Without: of an array, a numpy array of its shape and type, in
        the same encoding; of an image, an image with the same profile and EXIF; of anything else, the bytes of a file.

    Raises:
        UsageError: If an argument cannot be used as given.
        FileError: If the file cannot be read or has no white balance, or the output exists or cannot be written.
    """
    from awbkit.correction.von_kries import Correction
    from awbkit.files.memory import MemoryPhoto

    if if_exists not in tuple(IfExists):
        raise UsageError(f"if_exists: one of {', '.join(IfExists)}, not {if_exists!r}")
    if output is not None and to is not None:
        raise UsageError("to: an output has the format of its suffix; leave one of them out")
    with open_source(source, encoding=encoding, max_pixels=max_pixels) as photo:
        in_memory = isinstance(photo, MemoryPhoto)
        if in_memory and (output is not None or to is not None):
            raise UsageError("output and to are for files; of pixels the corrected pixels come back")
        light = _light_for(photo, illuminant, method, fallback, max_expected_error)
        correction = Correction(light, cat, strength)
        _log.debug("%s: corrected for %r", photo.path, light)
        if isinstance(photo, MemoryPhoto):
            from awbkit.correction.picture import correct_picture

            return _like(source, correct_picture(photo, correction))
        if output is None:
            return _file_content(photo, correction, to, auto_bright)
        write(photo, correction, Path(output), IfExists(if_exists), auto_bright=auto_bright)
        return light


def _light_for(
    photo: AnyPhoto,
    illuminant: Illuminant | Sequence[float] | None,
    method: str | Method | Function,
    fallback: str | Method | Function | None,
    max_expected_error: float | None,
) -> Illuminant:
    if illuminant is None:
        return estimate(photo, method, fallback=fallback, max_expected_error=max_expected_error)
    if not isinstance(illuminant, Illuminant):
        return Illuminant.of(illuminant, photo.camera)
    if illuminant.camera.space != photo.camera.space:
        raise UsageError(
            f"illuminant: it is in {illuminant.camera.space} RGB, and {photo.path} in {photo.camera.space} RGB"
        )
    return Illuminant.of(illuminant.rgb, photo.camera)


def _like(source: Any, pixels: Pixels) -> Image | Pixels:
    """The pixels in the type of the source."""
    if not is_image(source):
        return pixels
    from PIL import Image

    image = Image.fromarray(pixels)
    image.info = dict(source.info)
    return image


def _file_content(photo: AnyPhoto, correction: Correction, to: str | None, auto_bright: bool) -> bytes:
    from awbkit.files.write import FORMATS

    kind = to or (photo.format if isinstance(photo, RenderedPhoto) else "tif")
    if f".{kind}" not in FORMATS:
        raise UsageError(f"to: one of {', '.join(suffix[1:] for suffix in FORMATS)}, not {kind!r}")
    with scratch() as folder:
        path = folder / f"picture.{kind}"
        write(photo, correction, path, IfExists.FAIL, auto_bright=auto_bright)
        return path.read_bytes()


def write(
    photo: AnyPhoto, correction: Correction, output: Path, if_exists: IfExists, *, auto_bright: bool = False
) -> bool:
    """Write the corrected photograph to ``output``, whole or not at all.

    A correction that changes nothing gives a copy of a rendered file, for an output in its own format.

    Returns:
        False where the output existed and ``if_exists`` says to skip.
    """
    from awbkit.files.write import DEEP_FORMATS, format_of, metadata_of, write_developed, write_jpeg, write_picture

    kind = format_of(output)
    if _is_same_file(photo.path, output):
        raise OutputError(output, "is the input itself", "awbkit never changes an original; name another output")
    if not isinstance(photo, RenderedPhoto):
        from awbkit.correction.develop import develop

        def save(target: Path) -> None:
            pixels = develop(photo, correction, bits=16 if kind in DEEP_FORMATS else 8, auto_bright=auto_bright)
            write_developed(pixels, Path(photo.path), target)
    else:
        from awbkit.correction.picture import check_picture, correct_jpeg, correct_picture, correct_preview

        def renew(old: bytes) -> bytes | None:
            return correct_preview(old, correction)

        def save(target: Path) -> None:
            if kind == photo.format and correction.changes_nothing:
                check_picture(photo)
                shutil.copyfile(photo.path, target)
                return
            with metadata_of(photo.path):
                if kind == photo.format == "jpeg":
                    write_jpeg(photo, correct_jpeg(photo, correction), target, renew)
                else:
                    write_picture(photo, correct_picture(photo, correction), target, renew)

    return atomic_write(output, if_exists, save)


def evaluate(
    prepared: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    method: str | Function | Sequence[str | Function] = DEFAULT,
    *,
    protocol: str = "auto",
    folds: int = 10,
    rounds: int = 1000,
    seed: int = 0,
    jobs: int = 1,
    predictions: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    where: str | Sequence[str] = (),
) -> Evaluation:
    """Judge estimators on labelled images that ``awbkit dataset prepare`` has prepared.

    Args:
        prepared: One prepared folder or several.
        method: One or several: as on the command line, "pca:percent=5", "constant", "mine.py:function", or a function
            of your own, as :func:`estimate` has it.
        protocol: Which images fitted methods may see: "auto", "none", "folds", "k-fold", "leave-one-camera-out" or
            "leave-one-dataset-out".
        folds: How many, for "k-fold".
        rounds: Of the bootstrap over scenes.
        seed: Of the bootstrap.
        jobs: How many processes; functions of your own run in this one with 1.
        predictions: Files of estimates by other programs, judged beside the methods.
        where: Only images that fulfil this: "camera=Nikon D810", "scene=indoor*", "fold!=3".

    Returns:
        Errors in degrees of every image, their statistics by camera and over all with 95 % intervals, paired tests, and
        the calibration of stated expected errors. Each method's ``trained_on`` names the data sets that a network was
        trained on; on unseen pictures its errors are likely larger.

    Raises:
        UnreadableFile: If a folder is no prepared data set.
        UsageError: If methods, data sets and protocol do not go together.
    """
    from awbkit.datasets.prepared import Prepared
    from awbkit.evaluation.evaluate import truth_of
    from awbkit.evaluation.predictions import open_predictions
    from awbkit.evaluation.rerun import call_text
    from awbkit.evaluation.run import evaluate_methods
    from awbkit.evaluation.subset import parse_condition

    folders = [prepared] if isinstance(prepared, str | os.PathLike) else list(prepared)
    methods = [method] if isinstance(method, str) or callable(method) else list(method)
    files = [predictions] if isinstance(predictions, str | os.PathLike) else list(predictions)
    conditions = [where] if isinstance(where, str) else list(where)
    settings: dict[str, Any] = {"protocol": protocol, "folds": folds, "rounds": rounds, "seed": seed}
    sets = [Prepared.open(Path(folder)) for folder in folders]
    others = open_predictions(files, truth_of(sets), sets) if files else None
    return evaluate_methods(
        sets,
        methods,
        **settings,
        jobs=jobs,
        others=others.results if others else (),
        conditions=[parse_condition(text) for text in conditions],
        command=call_text(
            folders, methods, **settings, predictions=[os.fspath(file) for file in files], where=conditions
        ),
        files=others.digests if others else None,
    )


def _is_same_file(first: str, second: Path) -> bool:
    try:
        return second.samefile(first)
    except OSError:
        return False

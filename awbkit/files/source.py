"""From whatever holds a picture to an opened photograph: a path, the content of a file, an array, an image."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard

from awbkit.errors import FileError, UsageError
from awbkit.files.open import open_photo
from awbkit.files.photo import Photo
from awbkit.store.limits import MAX_PIXELS
from awbkit.store.paths import store_of
from awbkit.store.streams import spool

if TYPE_CHECKING:
    from PIL.Image import Image

    from awbkit.files.memory import ArrayLike
    from awbkit.files.raw import RawPhoto
    from awbkit.files.rendered import RenderedPhoto

    AnyPhoto = RawPhoto | RenderedPhoto
    Content = bytes | bytearray | memoryview | BinaryIO
    Source = str | os.PathLike[str] | Content | ArrayLike | Image | AnyPhoto


@contextlib.contextmanager
def open_source(source: Source, *, encoding: str = "auto", max_pixels: int | None = MAX_PIXELS) -> Iterator[AnyPhoto]:
    """The photograph that a source holds.

    Args:
        source: A path, the bytes of a file, a file opened for reading bytes, an array (H, W, 3), an image of Pillow, or
            a photograph that is open already.
        encoding: As :func:`awbkit.files.open.open_photo` has it; of arrays as
            :func:`awbkit.files.memory.open_array` has it.
        max_pixels: Of a file.

    Raises:
        UsageError: If the source is something else, or it does not go together with the encoding.
        FileError: If the file cannot be read.
    """
    if isinstance(source, Photo):
        if encoding != "auto":
            raise UsageError(f"encoding: {encoding!r} is for files and arrays; an open photograph has its own")
        yield source
    elif isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        with store_of(Path(name)).local(Path(name)) as path, open_as(name, path, encoding, max_pixels) as photo:
            yield photo
    elif is_image(source):
        from awbkit.files.memory import open_image

        yield open_image(source, encoding)
    elif hasattr(source, "__array__"):
        from awbkit.files.memory import open_array

        yield open_array(source, encoding)
    elif isinstance(source, bytes | bytearray | memoryview) or hasattr(source, "read"):
        with _open_content(source, encoding, max_pixels) as photo:
            yield photo
    else:
        raise UsageError(
            "source: give a path, the bytes of a file, a file opened for reading bytes, an array, or an image of "
            f"Pillow, not {type(source).__name__}"
        )


def is_image(source: object) -> TypeGuard[Image]:
    """Whether it is an image of Pillow, which is not imported to find out."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(source, pillow.Image)


@contextlib.contextmanager
def open_as(name: str, path: str | os.PathLike[str], encoding: str, max_pixels: int | None) -> Iterator[AnyPhoto]:
    """Open the photograph at ``path``; errors give it the name that the user knows."""
    try:
        yield open_photo(name if Path(name) == path else path, encoding=encoding, max_pixels=max_pixels)
    except FileError as error:
        if error.path != str(path):
            raise
        raise type(error)(name, error.problem, error.remedy) from error


@contextlib.contextmanager
def _open_content(source: Any, encoding: str, max_pixels: int | None) -> Iterator[AnyPhoto]:
    from io import BytesIO, TextIOBase

    from awbkit.files.memory import PLACE

    if isinstance(source, TextIOBase):
        raise UsageError('source: the file is open for reading text; open it with mode "rb"')
    stream = source if hasattr(source, "read") else BytesIO(source)
    with spool(PLACE, stream, max_pixels) as path, open_as(PLACE, path, encoding, max_pixels) as photo:
        yield photo

"""Pictures of every kind that awbkit writes, made by code: formats, depths, profiles, orientations, metadata.

None of it uses awbkit: files are put together by hand or written by other libraries, and read again in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.corpus.case import Case
from tests.corpus.jpeg import jpeg_cases
from tests.corpus.others import avif_cases, heic_cases, webp_cases
from tests.corpus.png import png_cases
from tests.corpus.tiff import tiff_cases


def all_cases() -> Iterator[Case]:
    """Every picture of the corpus, by format."""
    yield from jpeg_cases()
    yield from png_cases()
    yield from tiff_cases()
    yield from webp_cases()
    yield from avif_cases()
    yield from heic_cases()

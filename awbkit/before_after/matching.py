"""Which picture of one folder belongs to which of another: by name, whatever the suffix, with ``_awb`` or not."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from awbkit.spelling import count_text
from awbkit.store.find import IMAGE_SUFFIXES, FoundImage
from awbkit.store.outputs import DEFAULT_NAME

_ENDING = DEFAULT_NAME.removeprefix("{stem}").removesuffix("{ext}")
_SHOWN = 2


@dataclass(frozen=True)
class Match:
    """A picture before its correction, and the same picture after it."""

    before: FoundImage
    after: FoundImage


@dataclass(frozen=True)
class Matching:
    """What was found in two places.

    Attributes:
        matches: In the order of the pictures before.
        no_after: The pictures before that nothing after belongs to.
        no_before: The pictures after that belong to nothing before.
    """

    matches: list[Match]
    no_after: list[Path]
    no_before: list[Path]

    @property
    def remark(self) -> str:
        """One line on the pictures without a partner; empty if there are none."""
        sides = ((self.no_after, "after"), (self.no_before, "before"))
        parts = [
            f"{count_text(len(paths), 'picture')} without a picture {side} ({_examples(paths)})"
            for paths, side in sides
            if paths
        ]
        return f"left out: {'; '.join(parts)}" if parts else ""


def match(befores: Sequence[FoundImage], afters: Sequence[FoundImage]) -> Matching:
    """Match the pictures of two places by name.

    The same name comes first, then ``x.jpg`` with ``x_awb.jpg``, then the same two with another suffix, as a developed
    raw file has. Below a folder that the user named, the subfolders must be the same too. A name that fits several
    pictures equally well matches none of them. Case and the form of accents do not count, as on some file systems.

    Args:
        befores: Pictures before the correction.
        afters: Pictures after it. A picture in both places is in the inner one of two nested folders; in one folder, it
            is after if its name ends in ``_awb``.
    """
    rest, others = _tell_apart(befores, afters)
    found: dict[int, FoundImage] = {}
    for before_key, after_key in (
        (_name, _name),
        (_name, _name_without_ending),
        (_stem, _stem),
        (_stem, _stem_without_ending),
    ):
        left = _by_key([image for image in rest if id(image) not in found], before_key)
        taken = {id(image) for image in found.values()}
        right = _by_key([image for image in others if id(image) not in taken], after_key)
        for key, images in left.items():
            if len(images) == 1 and len(right.get(key, ())) == 1:
                found[id(images[0])] = right[key][0]
    taken = {id(image) for image in found.values()}
    return Matching(
        [Match(image, found[id(image)]) for image in rest if id(image) in found],
        [image.path for image in rest if id(image) not in found],
        [image.path for image in others if id(image) not in taken],
    )


def _tell_apart(
    befores: Sequence[FoundImage], afters: Sequence[FoundImage]
) -> tuple[list[FoundImage], list[FoundImage]]:
    """The pictures of both places, each in one of them only.

    A picture in both belongs to the inner one of two nested folders. In one folder, ``_awb`` at the end decides.
    """
    first, second = ({os.path.realpath(image.path): image for image in images} for images in (befores, afters))

    def is_after(path: str) -> bool:
        depths = [_depth(first[path]), _depth(second[path])]
        return depths[1] > depths[0] if depths[0] != depths[1] else _has_ending(first[path])

    common = {path: is_after(path) for path in first.keys() & second.keys()}
    return (
        [image for path, image in first.items() if not common.get(path, False)],
        [image for path, image in second.items() if common.get(path, True)],
    )


def _depth(image: FoundImage) -> int:
    """How deep the place is that the user named."""
    return len(Path(os.path.realpath(image.root or image.path)).parts)


def _by_key(
    images: Iterable[FoundImage], key: Callable[[FoundImage], Hashable | None]
) -> dict[Hashable, list[FoundImage]]:
    result: dict[Hashable, list[FoundImage]] = {}
    for image in images:
        if (value := key(image)) is not None:
            result.setdefault(value, []).append(image)
    return result


def _parts(image: FoundImage) -> tuple[str, str, str]:
    """Folder below the root, stem and suffix, as they are compared."""
    below = image.path.relative_to(image.root).parent if image.root is not None else Path()
    suffix = image.path.suffix if image.path.suffix.lower() in IMAGE_SUFFIXES else ""
    folder, stem = (
        unicodedata.normalize("NFC", text).casefold() for text in (str(below), image.path.name.removesuffix(suffix))
    )
    return folder, stem, suffix.lower()


def _name(image: FoundImage) -> Hashable:
    return _parts(image)


def _stem(image: FoundImage) -> Hashable:
    return _parts(image)[:2]


def _has_ending(image: FoundImage) -> bool:
    return _parts(image)[1].endswith(_ENDING)


def _name_without_ending(image: FoundImage) -> Hashable | None:
    folder, stem, suffix = _parts(image)
    return (folder, stem.removesuffix(_ENDING), suffix) if stem.endswith(_ENDING) else None


def _stem_without_ending(image: FoundImage) -> Hashable | None:
    folder, stem, _ = _parts(image)
    return (folder, stem.removesuffix(_ENDING)) if stem.endswith(_ENDING) else None


def _examples(paths: Sequence[Path]) -> str:
    names = [str(path) for path in paths[:_SHOWN]]
    if len(paths) > _SHOWN:
        names.append(f"{len(paths) - _SHOWN} more")
    return ", ".join(names)

"""Match other programs' paths to labelled images."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

_SUFFIX = re.compile(r"\.(?=[0-9]*[A-Za-z])[0-9A-Za-z]{1,5}$")


class ImageIndex:
    """An index of an evaluation's images by the paths that other programs give them.

    A path matches an image if the parts of one, with or without a file's suffix, are the last parts of the other:
    ``photos/a/7.png`` matches ``a/7`` and ``7``, and ``7.png`` matches ``a/7``, but ``b/7.png`` does not. Of several
    matches the longest image name that ends the path counts, then the one whose data set is a part of the path.
    """

    def __init__(self, images: Sequence[str], datasets: Sequence[str]) -> None:
        """Index images.

        Args:
            images: Their names, unique within their data set.
            datasets: The data set of each.
        """
        self._images = images
        self._datasets = datasets
        self._paths: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._ends: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            for form in _forms(image):
                self._paths[form].append(index)
                for start in range(1, len(form)):
                    self._ends[form[start:]].append(index)

    def find(self, path: str) -> int | None:
        """Index of the image that a path matches; None without a match.

        Raises:
            LookupError: If several images match; the message names some.
        """
        forms = _forms(path)
        found = [
            self._paths[form[start:]]
            for start in range(max(map(len, forms)))
            for form in forms
            if start < len(form) and form[start:] in self._paths
        ]
        found += [self._ends[form] for form in forms if form in self._ends]
        if not found:
            return None
        nearest = list(dict.fromkeys(found[0]))
        if len(nearest) > 1:
            parts = set(forms[0])
            nearest = [index for index in nearest if _normalise(self._datasets[index]) in parts] or nearest
        if len(nearest) > 1:
            some = ", ".join(f"{self._images[index]} of {self._datasets[index]}" for index in nearest[:3])
            raise LookupError(f"{path} could be any of {some}{', ...' if len(nearest) > 3 else ''}")
        return nearest[0]


def _forms(path: str) -> list[tuple[str, ...]]:
    """The parts of a path, with and without the suffix."""
    parts = tuple(part for part in _normalise(path).replace("\\", "/").split("/") if part not in ("", "."))
    if not parts:
        return [("",)]
    stem = _SUFFIX.sub("", parts[-1])
    return [parts] if stem in ("", parts[-1]) else [parts, (*parts[:-1], stem)]


def _normalise(name: str) -> str:
    # macOS stores accents apart from their letters.
    return unicodedata.normalize("NFC", name)

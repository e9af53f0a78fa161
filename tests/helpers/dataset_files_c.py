"""What the tests of several data sets share: zipping a folder, greys under a known light, loading by name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import imagecodecs
import numpy as np

from awbkit.datasets.layout import Example, Layout, Omission, Sample
from awbkit.datasets.prepare import Preparation
from awbkit.datasets.prepared import Prepared
from awbkit.store.source import Source


def zip_folder(folder: Path, archive: Path) -> Path:
    """All files below ``folder`` in a zip file, ``folder`` itself the top of their names."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                opened.write(path, path.relative_to(folder.parent))
    return archive


def greys(light: tuple[float, float, float], shape: tuple[int, int], seed: int = 3) -> np.ndarray:
    """Linear RGB (height, width, 3) of grey patches under a light, the light's greatest number being 1."""
    reflectance = np.random.default_rng(seed).uniform(0.1, 0.7, (*shape, 1))
    return reflectance * np.array(light) / max(light)


def write_png(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=1))
    return path


def list_samples(layout: Layout, source: Source) -> dict[str, Sample]:
    """The samples by name; nothing may be skipped."""
    samples = list(layout.samples(source))
    assert not [sample for sample in samples if isinstance(sample, Omission)]
    return {sample.image: sample for sample in samples if isinstance(sample, Sample)}


def reasons(layout: Layout, source: Source) -> dict[str, str]:
    """Why what was skipped was skipped, by name."""
    return {sample.image: sample.reason for sample in layout.samples(source) if isinstance(sample, Omission)}


def load_examples(layout: Layout, source: Source) -> dict[str, Example]:
    """Every example by name."""
    return {name: layout.load(source, sample) for name, sample in list_samples(layout, source).items()}


def prepare(layout: Layout, source: Source, out: Path) -> Prepared:
    """The data set in its prepared form; nothing may be skipped."""
    with Preparation(layout, source, out) as preparation:
        assert not [step for step in preparation.run() if isinstance(step, Omission)]
        return preparation.finish()

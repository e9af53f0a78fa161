"""Prepare the labelled thumbnails of INTEL-TAU, Cube+ and Gehler-Shi, each image with its scene.

    python ../shared/data/unpack.py THUMBNAILS
    python tests/benchmarks/prepare_thumbnails.py THUMBNAILS PREPARED
    awbkit evaluate PREPARED/* -m all -m constant -m corrected-moments --html report.html

`awbkit dataset prepare folder` prepares them as well, but takes every image for a scene of its own. INTEL-TAU shows
many scenes more than once, by several cameras or under several lights, and its file names tell which.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from awbkit.datasets.cube_plus import CubePlus
from awbkit.datasets.folder import Folder
from awbkit.datasets.gehler_shi import GehlerShi
from awbkit.datasets.intel_tau import IntelTau, scene_of
from awbkit.datasets.layout import About, Omission, Sample
from awbkit.datasets.prepare import Preparation
from awbkit.store.source import Source

LAYOUTS = {"cube-plus": CubePlus, "gehler-shi": GehlerShi, "intel-tau": IntelTau}


@dataclass(frozen=True)
class Thumbnails(Folder):
    """The layout ``folder`` with INTEL-TAU's scenes, and what their owners say of each set."""

    of: ClassVar[About]

    def about_source(self) -> About:
        return replace(self.about, title=self.of.title, licence=self.of.licence, citation=self.of.citation)

    def samples(self, source: Source) -> Iterator[Sample | Omission]:
        for sample in super().samples(source):
            known = isinstance(sample, Sample) and Path(source.path).name == "intel-tau"
            yield replace(sample, scene=scene_of(sample.image)) if known else sample


def main(thumbnails: Path, prepared: Path) -> None:
    for table in sorted(thumbnails.glob("*/ground_truth.csv")):
        folder = table.parent
        Thumbnails.of = LAYOUTS[folder.name].about
        with Preparation(Thumbnails(), Source.open(folder), prepared / folder.name) as preparation:
            # In this process, since workers do not know this script's classes.
            for step in preparation.run(jobs=1):
                if isinstance(step, Omission):
                    print(f"{step.image}: {step.reason}", file=sys.stderr)
            done = preparation.finish(allow_missing=True)
        print(f"{done.name}: {len(done)} images, {len({row.scene for row in done.rows})} scenes, {done.info['hash']}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Methods on Raspberry Pi's labelled pictures, beside the balance that its cameras chose themselves.

    awbkit dataset prepare awb-nn ../shared/data/awb_nn -o PREPARED
    python tests/benchmarks/raspberry_pi.py PREPARED ../shared/data/awb_nn/tunings [METHOD]...

A label is a temperature on the sensor's own colour curve, and so is what the camera chose; so each answer is put onto
that curve first, at the point that is nearest in angle.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np

from awbkit.colour.error_statistics import statistics
from awbkit.datasets.prepared import Prepared
from awbkit.datasets.rpi_tuning import RpiTuning
from awbkit.estimators import parse
from awbkit.evaluation.angles import recovery_error

KELVIN = np.arange(2000.0, 12000.0, 5.0)


def main(prepared: Path, tunings: Path, methods: list[str]) -> None:
    data = Prepared.open(prepared)

    @cache
    def curve(camera: str) -> np.ndarray:
        """(len(KELVIN), 3), unit length."""
        sensor, target = camera.removesuffix(")").split(" (")
        path = tunings / target / f"{sensor}.json"
        tuning = RpiTuning.parse(path.read_text(), str(path))
        points = np.array([tuning.white(kelvin) for kelvin in KELVIN])
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    print("the cameras themselves", figures(np.array([chosen(data, place, curve) for place in range(len(data))]), data))
    for name in methods or ["awbnet", "awbnet-nano", "awbnet-m", "awbnet-s-open", "bright-gray", "gray-world"]:
        method = parse(name)
        answers = np.array([method.estimate(image).rgb for image in data.images()])
        nearest = [
            curve(row.camera)[(curve(row.camera) @ rgb).argmax()] for row, rgb in zip(data.rows, answers, strict=True)
        ]
        print(f"{name:22} {figures(np.array(nearest), data)}   without the curve {figures(answers, data)}")


def chosen(data: Prepared, place: int, curve: object) -> np.ndarray:
    """The white of the temperature that the camera chose, which ends the file's name."""
    row = data.rows[place]
    kelvin = float(row.image.removesuffix(".png").split(",")[5])
    return curve(row.camera)[np.abs(KELVIN - kelvin).argmin()]  # type: ignore[operator,no-any-return]


def figures(answers: np.ndarray, data: Prepared) -> str:
    found = statistics(recovery_error(answers, data.illuminants))
    return " / ".join(f"{found[key]:.2f}" for key in ("mean", "median", "worst25"))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])

"""What networks answer for a frame that one paint, one grey or one material fills, and what error they expect of it.

    python tests/benchmarks/even_frames.py [MODEL]...

120 frames of each, by the 52 measured cameras, under black bodies from 2,400 to 9,000 K, a quarter of them with the
lines of a fluorescent lamp; with shading and 2 % of noise. A material is a paint drawn anew in every patch of 8 x 8
pixels, as leaves and bricks differ. With the camera's matrix and without, and as the photograph
that a camera made of it which found the white. Paints and lights are not those of `awbkit dataset prepare rendered`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

from awbkit.colour.camera import Camera
from awbkit.colour.image import LinearImage
from awbkit.datasets.spectral.sensitivities import shipped_cameras
from awbkit.evaluation.angles import recovery_error
from awbkit.network.models import find_model
from awbkit.training.photographs import Rendering

COUNT = 120
LIMIT = 5
"""Degrees, of an expected error that a fallback may go by."""

FEWEST = 100
"""Valid pixels of a photograph; where clipping leaves fewer, the frame is left out."""

W = np.arange(380.0, 781.0, 5.0)
Array = np.ndarray
Rng = np.random.Generator


def bell(centre: float, width: float) -> Array:
    return np.exp(-(((W - centre) / width) ** 2) / 2)


def step(centre: float, width: float) -> Array:
    return 1 / (1 + np.exp(-(W - centre) / width))


PAINTS: tuple[Callable[[Rng], Array], ...] = (
    lambda r: 0.04 + r.uniform(0.06, 0.22) * bell(553, 28) + r.uniform(0.2, 0.5) * step(712, 9),  # leaves
    lambda r: 0.06 + r.uniform(0.15, 0.4) * step(r.uniform(570, 595), 15),  # brick
    lambda r: 0.08 + r.uniform(0.2, 0.45) * step(r.uniform(540, 580), r.uniform(30, 50)),  # wood, sand
    lambda r: 0.12 + r.uniform(0.2, 0.4) * step(590, 25) + 0.06 * bell(510, 25),  # skin
    lambda r: 0.05 + r.uniform(0.1, 0.5) * bell(r.uniform(440, 480), r.uniform(25, 50)),  # blue
    lambda r: 0.06 + r.uniform(0.2, 0.7) * step(r.uniform(505, 535), 12),  # yellow
    lambda r: 0.04 + r.uniform(0.1, 0.4) * bell(r.uniform(495, 530), r.uniform(20, 45)),  # green
    lambda r: 0.05 + 0.4 * step(620, 15) + r.uniform(0.1, 0.4) * bell(430, 30),  # purple
    lambda r: np.clip(0.3 * np.exp(np.cumsum(r.normal(0, 0.05, W.size))), 0.01, 0.95),  # by chance
)


def lamp(rng: Rng) -> Array:
    kelvin = 1e6 / rng.uniform(1e6 / 9000, 1e6 / 2400)
    power = W**-5.0 / np.expm1(1.4388e7 / (W * kelvin))
    power = power / power.max()
    return power + 0.6 * (bell(546, 5) + bell(611, 5) + bell(436, 5)) if rng.random() < 0.25 else power


def shading(rng: Rng) -> Array:
    """(64, 64, 1), cloudy, mean 0 and deviation 1."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    frequency[0, 0] = 1
    clouds = np.fft.ifft2(np.fft.fft2(rng.normal(size=(64, 64))) / frequency**1.5).real
    return ((clouds - clouds.mean()) / clouds.std())[..., None]


def surfaces(kind: str, rng: Rng) -> Array:
    """(64, 64, 81), or (1, 1, 81) of what is even."""
    if kind == "grey":
        return np.full((1, 1, W.size), rng.uniform(0.1, 0.8))
    paint = PAINTS[rng.integers(len(PAINTS))]
    if kind == "paint":
        return paint(rng)[None, None]
    patches = np.stack([paint(rng) for _ in range(64)]).reshape(8, 8, W.size)
    return patches.repeat(8, axis=0).repeat(8, axis=1)


def frames(kind: str) -> Iterator[tuple[LinearImage, Array]]:
    """Pictures and their lights."""
    rng, cameras = np.random.default_rng(3), shipped_cameras()
    for _ in range(COUNT):
        camera, power = cameras[rng.integers(len(cameras))], lamp(rng)
        surface = surfaces(kind, rng)
        rgb = np.exp(0.3 * shading(rng)) * ((surface * power) @ camera.rgb) * (1 + 0.02 * rng.normal(size=(64, 64, 3)))
        rgb = np.clip(rgb * 0.6 / np.quantile(rgb, 0.98), 1e-4, 1)
        yield LinearImage(rgb.astype(np.float32), (rgb < 0.98).all(axis=2), camera.camera), power @ camera.rgb


def without_matrix(image: LinearImage) -> LinearImage:
    return LinearImage(image.pixels, image.valid, Camera(image.camera.name))


def main(models: list[str]) -> None:
    for name in models:
        for kind in ("paint", "grey", "material"):
            seen = list(frames(kind))
            photographs = [Rendering(seed=n).render(image, light) for n, (image, light) in enumerate(seen)]
            sets = {
                "with the matrix": ("raw", seen),
                "without": ("raw", [(without_matrix(image), light) for image, light in seen]),
                "photographs": ("rendered", [pair for pair in photographs if pair[0].valid.sum() >= FEWEST]),
            }
            for label, (domain, pairs) in sets.items():
                model = find_model(name, domain)
                found = [model.estimate(image) for image, _ in pairs]
                errors = recovery_error(np.array([one.rgb for one in found]), np.array([light for _, light in pairs]))
                stated = np.array([one.expected_error for one in found], dtype=float)
                print(
                    f"{name:14} {kind:8} {label:16} {len(pairs):4}  error {errors.mean():5.2f}  expected "
                    f"{stated.mean():5.2f} ({stated.min():.1f} to {stated.max():.1f}), over {LIMIT} of "
                    f"{np.mean(stated > LIMIT):4.0%}",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:] or ["awbnet-s", "awbnet-m", "awbnet-nano", "awbnet-s-open"])

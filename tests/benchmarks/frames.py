"""How many frames a second `awbkit.estimate` answers for on one core, from arrays in memory.

    OMP_NUM_THREADS=1 python tests/benchmarks/frames.py [--size 1920x1080] [--seconds 5]

Frames are uint8 sRGB (H, W, 3), another one each time. Processor time, so that other work on the machine counts less.
1920 x 1080 on one idle core: gray-world 223, bright-gray 203, awbnet 170.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import awbkit

METHODS = ("gray-world", "bright-gray", "awbnet")
FRAMES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1920x1080", help="width x height in pixels")
    parser.add_argument("--seconds", type=float, default=5, help="for each method")
    chosen = parser.parse_args()
    width, height = map(int, chosen.size.split("x"))
    generator = np.random.default_rng(0)
    patches = (
        generator.uniform(20, 200, (FRAMES, height // 8 + 1, width // 8 + 1, 3)).repeat(8, axis=1).repeat(8, axis=2)
    )
    noise = generator.normal(0, 4, (height, width, 3))
    frames = [np.clip(patch[:height, :width] + noise, 0, 255).astype(np.uint8) for patch in patches]
    for method in METHODS:
        awbkit.estimate(frames[0], method)
        start, count = time.process_time(), 0
        while (taken := time.process_time() - start) < chosen.seconds:
            awbkit.estimate(frames[count % FRAMES], method)
            count += 1
        print(f"{method:12} {count / taken:6.0f} frames a second")


if __name__ == "__main__":
    main()

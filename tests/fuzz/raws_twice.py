"""Damaged raw files, each decoded twice over different memory: the same bytes, or refused.

    python tests/fuzz/raws_twice.py [NUMBER] [SEED] [FILE...]

NUMBER (500) damaged DNGs are made from sound ones of each layout, and from any FILE. Each goes through an estimate and
two corrections in two processes: in opposite orders, and with other bytes in all memory that the C library hands out.
Prints a table by layout, and every file whose results differ or that ends a process; those are kept in this folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.helpers.dng_files import damage, seeds  # noqa: E402

RUNS = (("254", "90", "forwards", 17), ("33", "132", "backwards", 170))


def decode(paths: list[Path], run: tuple[str, str, str, int]) -> dict[str, str]:
    """What comes of each file by its name; a file that ends the process is told as such."""
    first, second, order, perturb = run
    environment = os.environ | {"GLIBC_TUNABLES": f"glibc.malloc.perturb={perturb}", "OMP_NUM_THREADS": "1"}
    found: dict[str, str] = {}
    waiting = list(paths)
    while waiting:
        command = [sys.executable, str(HERE / "decode_raws.py"), first, second, order, *map(str, waiting)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            name, _, result = line.partition("\t")
            found[name] = result or f"ended by {done.returncode}"
        missing = [path for path in waiting if path.name not in found]
        if done.returncode > 0 or len(missing) == len(waiting):
            raise SystemExit(done.stderr)
        waiting = missing
    return found


def decoded_twice(paths: list[Path]) -> dict[str, tuple[str, str]]:
    """Both results of each file by its name."""
    first, second = (decode(paths, run) for run in RUNS)
    return {path.name: (first[path.name], second[path.name]) for path in paths}


def main() -> None:
    number, seed = (int(word) for word in (*sys.argv[1:3], *("500", "1")[len(sys.argv[1:3]) :]))
    rng = np.random.default_rng(seed)
    sound = seeds(rng) | {Path(name).stem: Path(name).read_bytes() for name in sys.argv[3:]}
    names = list(sound)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index in range(number):
            path = Path(folder) / f"{index:05} {names[index % len(names)]}.dng"
            path.write_bytes(damage(sound[names[index % len(names)]], rng))
            paths.append(path)
        results = decoded_twice(paths)
        table = Counter[tuple[str, str]]()
        for name, (first, second) in results.items():
            kind = "differs" if first != second else "ended" if "ended" in first else "same"
            if kind == "same":
                estimate = first.split()[0]
                kind = "refused" if ":" not in estimate else f"same, {estimate.split(':')[0]}"
            else:
                print(f"{name}: {first} | {second}")
                kept = Path(f"differs-{seed}-{name.replace(' ', '-')}")
                kept.write_bytes((Path(folder) / name).read_bytes())
            table[(name[6:-4], kind)] += 1
    kinds = sorted({kind for _, kind in table})
    print(f"{'':14}" + "".join(f"{kind:>16}" for kind in kinds))
    for layout in names:
        print(f"{layout:14}" + "".join(f"{table[(layout, kind)]:16}" for kind in kinds))
    print(f"{'all':14}" + "".join(f"{sum(table[(layout, kind)] for layout in names):16}" for kind in kinds))
    sys.exit(any(kind in ("differs", "ended") for kind in kinds))


if __name__ == "__main__":
    main()

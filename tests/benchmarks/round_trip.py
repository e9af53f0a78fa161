"""What `correct` leaves as it was, over a corpus of every kind of file that awbkit writes.

    python tests/benchmarks/round_trip.py [--folder FOLDER] [--only TEXT]

Makes the corpus (tests/corpus), runs `awbkit correct` over it three times, and reads what comes out with Pillow,
tifffile, imagecodecs and parsers of its own:

- `--gains 1,1,1`: in the format of the source, all must be as before: such files are copies.
- `--gains 1.000001,1,1`: everything is decoded, corrected, encoded and put together again, and no 8-bit number may
  change. Metadata may lose nothing but what docs/metadata.md names, and gain nothing.
- the same to every other format: EXIF field by field, XMP, IPTC and profile arrive.

A pixel counts as changed where a channel is further than 1/255 from before. Exit code 1 if anything is lost, made up,
or changed where the codec is lossless. JPEGs that are encoded anew are listed with what that costs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.corpus import all_cases
from tests.corpus.reading import changed_share, differences, shared, tags

TARGETS = ("jpg", "png", "tif", "webp", "avif", "heic")
# HEIF's readers turn a picture by the container and pass over EXIF; so awbkit turns the pixels, and EXIF says so.
UPRIGHT = ("avif", "heic")
NO_IPTC = ("webp", "avif", "heic")


def correct(folder: Path, out: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The records of a run over a folder, by the source's name."""
    command = [sys.executable, "-m", "awbkit", "correct", str(folder), "-d", str(out), "--format", "jsonl", "-q"]
    ran = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if not ran.stdout:
        sys.exit(ran.stderr)
    return {Path(record["path"]).name: record for record in map(json.loads, ran.stdout.splitlines())}


def expected(old: dict[str, Any], target: str) -> dict[str, Any]:
    """What another format must hold of a file's metadata."""
    wanted = {name: value for name, value in old.items() if name != "iptc" or target not in NO_IPTC}
    if target in UPRIGHT and "exif 274" in wanted:
        wanted["exif 274"] = 1
    return wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the files go, to look at; a temporary folder by default")
    parser.add_argument("--only", default="", help="only files with this in their names")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(run(arguments.folder or Path(temporary), arguments.only))


def run(folder: Path, only: str) -> int:
    cases = {case.name: case for case in all_cases() if only in case.name}
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    for case in cases.values():
        case.write(source / case.name)
    print(f"{len(cases)} files")
    bad = same_format(source, folder, cases, "1,1,1") + same_format(source, folder, cases, "1.000001,1,1")
    for target in TARGETS:
        bad += other_format(source, folder, target)
    return min(bad, 1)


def same_format(source: Path, folder: Path, cases: dict[str, Any], gains: str) -> int:
    """Judge a run in which every file keeps its format; returns how many faults there were."""
    records = correct(source, folder / gains, "--gains", gains)
    figures: dict[str, list[float]] = defaultdict(list)
    faults = []
    for name, case in cases.items():
        record = records[name]
        if record["status"] != "ok":
            faults.append(f"{name}: {record.get('error')}")
            continue
        output = Path(record["output"])
        share = changed_share(source / name, output)
        figures[name.split("-")[0]].append(share)
        if share and (case.is_lossless or gains == "1,1,1"):
            faults.append(f"{name}: {share:.2%} of the pixels changed")
        faults += [f"{name}: {what}" for what in differences(tags(source / name), tags(output))]
    print(f"\n--gains {gains}, own format: {sum(map(len, figures.values()))} files, {len(faults)} faults")
    for kind, shares in figures.items():
        touched = sum(share > 0 for share in shares)
        print(
            f"  {kind:5s} {len(shares):4d} files, {touched:3d} with changed pixels, {np.mean(shares):.3%} of all pixels"
        )
    print(*(f"  {fault}" for fault in faults), sep="\n")
    return len(faults)


def other_format(source: Path, folder: Path, target: str) -> int:
    """Judge a run to one format; returns how many faults there were."""
    records = correct(source, folder / target, "--gains", "1.000001,1,1", "--to", target)
    faults, judged = [], 0
    for name, record in records.items():
        own = Path(name).suffix[1:]
        if own == target:
            continue
        if record["status"] != "ok":
            if "floating point" not in str(record.get("error")):
                faults.append(f"{name}: {record.get('error')}")
            continue
        judged += 1
        old = expected(shared(source / name), target)
        found = differences(old, {key: value for key, value in shared(Path(record["output"])).items() if key in old})
        faults += [f"{name}: {what}" for what in found]
    print(f"\n--to {target}: {judged} files, {len(faults)} faults")
    print(*(f"  {fault}" for fault in faults), sep="\n")
    return len(faults)


if __name__ == "__main__":
    main()

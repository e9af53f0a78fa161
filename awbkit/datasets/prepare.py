"""From a download to a prepared folder: in parallel, in order, and from where it stopped if it was killed.

Work goes on in ``OUT.unfinished``, beside ``OUT``. Results are appended there in the order of the samples, and a
journal says how many are safely on disk; at most the last second's are lost, whatever ends the process. ``OUT`` itself
appears in one step, when all is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from awbkit import batch
from awbkit.datasets.journal import Journal, Packed
from awbkit.datasets.layout import Layout, Sample, Skipped
from awbkit.datasets.prepared import COLUMNS, SCHEMA, Prepared, Row, camera_to_json, content_hash
from awbkit.datasets.source import Source
from awbkit.errors import OutputError, UnreadableFile, UsageError
from awbkit.escaping import csv_line, json_text
from awbkit.files.lock import locked
from awbkit.files.outputs import IfExists, unwritable
from awbkit.illuminant import Illuminant
from awbkit.image import THUMBNAIL_SIZE as SIZE

_UNFINISHED = ".unfinished"
_LABELS = (".csv", ".json", ".mat", ".txt")
"""Of what no sample names, these may hold labels or calibrations."""


@dataclass(frozen=True)
class Progress:
    """What became of one sample: prepared, or skipped for a reason."""

    image: str
    skipped: str | None


def load_packed(sample: Sample, *, layout: Layout, source: Source) -> Packed:
    """Read one sample and bring it into the stored form.

    Raises:
        AwbError: If it cannot be read, or has no valid pixel.
    """
    example = layout.load(source, sample)
    thumbnail = example.image if example.image.valid.shape == (SIZE, SIZE) else example.image.thumbnail()
    pixels = np.nan_to_num(np.maximum(thumbnail.pixels, 0), posinf=0.0)
    if not thumbnail.valid.any():
        raise UnreadableFile(sample.image, "no valid pixel: all are clipped, black or masked")
    # A power of two loses no digit, and keeps those that a dark picture would lose.
    gain = 2.0 ** np.floor(-np.log2(pixels.max()))
    codes = np.round(pixels * np.float32(65535 * gain)).astype(np.uint16)
    illuminant = Illuminant.of(example.illuminant).rgb
    row = Row(
        *(sample.image, sample.camera, sample.scene, sample.fold),
        *(illuminant, sample.exposure, example.spread, float(gain)),
    )
    valid = thumbnail.valid & (codes > 0).all(axis=2)
    return Packed(row, codes, valid, None if example.local is None else example.local.astype(np.float16))


class Preparation:
    """One data set on its way into ``out``; a context, which keeps other processes away from it.

    Attributes:
        out: The folder to be.
        samples: Every image that has a label.
        skipped: What was skipped so far, first of all by the layout itself.
        resumed: How many samples an earlier, unfinished run had dealt with already.
    """

    def __init__(self, layout: Layout, source: Source, out: Path, *, restart: bool = False) -> None:
        """Plan the work, or take up that of an earlier run of the same plan.

        Args:
            layout: How to read the source.
            source: What the user downloaded.
            out: The folder to be.
            restart: Throw an earlier unfinished run away.

        Raises:
            UnreadableFile: If the source has nothing of this layout.
            OutputError: If another process is at work on it, an earlier run had another plan, or the folder cannot be
                written.
        """
        # What a symbolic link leads to is what is prepared, and replaced.
        self.out = out = Path(os.path.realpath(out))
        self._layout = layout
        self._source = source
        self._folder = out.with_name(out.name + _UNFINISHED)
        self.samples, self.skipped = _planned(layout, source)
        self._cameras = layout.cameras(source, sorted({sample.camera for sample in self.samples}))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self._folder, "preparing it")
            if restart:
                for file in self._folder.iterdir():
                    if file.name != "lock":
                        _remove(file)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        try:
            self._journal = Journal(self._folder, self._plan())
        except BaseException as error:
            self._lock.close()
            if isinstance(error, OSError):
                raise unwritable(self._folder, error) from error
            raise
        self.resumed = self._journal.done
        self.skipped += self._journal.skipped

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # A full disk has been told of once when it fails here again.
        with suppress(*(() if error is None else (OSError,))), closing(self._lock):
            self._journal.close()

    def run(self, jobs: int = 1) -> Generator[Progress, None, None]:
        """Deal with every sample that is left, one progress each; leave early and the next run goes on from there."""
        task = partial(load_packed, layout=self._layout, source=self._source)
        left = self.samples[self.resumed :]
        with closing(batch.run(task, left, jobs=jobs)) as outcomes:
            for sample, outcome in zip(left, outcomes, strict=True):
                try:
                    self._journal.add(sample.image, outcome.result, outcome.reason)
                except OSError as error:
                    raise unwritable(self._folder, error) from error
                if outcome.result is None:
                    self.skipped.append(Skipped(sample.image, outcome.reason))
                yield Progress(sample.image, outcome.reason or None)
        self._journal.sync()

    def finish(self, if_exists: IfExists = IfExists.FAIL) -> Prepared:
        """Complete the folder and give it its name.

        Raises:
            UnreadableFile: If not one sample could be used.
            OutputError: If the output exists and must not, or cannot be written.
        """
        if not self._journal.kept:
            reason = self.skipped[0].reason if self.skipped else ""
            shutil.rmtree(self._folder, ignore_errors=True)
            raise UnreadableFile(self._source.path, f"none of its {len(self.samples)} images can be used ({reason})")
        final = self._folder / "final"
        try:
            _remove(final)
            final.mkdir()
            self._journal.write_arrays(final)
            _write_csv(final / "index.csv", COLUMNS, (row.cells() for row in self._journal.rows()))
            if self.skipped:
                _write_csv(final / "skipped.csv", ("image", "reason"), ((s.image, s.reason) for s in self.skipped))
            # Last, because it is what makes the folder a prepared data set.
            description = self._description()
            description["hash"] = f"sha256:{content_hash(final, description)}"
            (final / "dataset.json").write_text(json_text(description, indent=2) + "\n", encoding="utf-8")
            check_output(self.out, if_exists)
            _replace(final, self.out)
            shutil.rmtree(self._folder, ignore_errors=True)
        except OSError as error:
            raise unwritable(self.out, error) from error
        return Prepared.open(self.out)

    def _plan(self) -> str:
        """A digest of all that the result depends on; two runs of the same plan can share their work."""
        used = {name for sample in self.samples for name in sample.files}
        files = [Path(self._source.path)] if Path(self._source.path).is_file() else []
        for name, member in self._source.members.items():
            if name in used or name.lower().endswith(_LABELS):
                files.append(Path(member.archive or member.name))
        own = (self._folder, self.out)
        files = [file for file in files if not any(Path(os.path.realpath(file)).is_relative_to(o) for o in own)]
        states = [_state(file) for file in dict.fromkeys([*files, *self._layout.outside()])]
        plan = [SCHEMA, self._layout.name, self._layout.options, [asdict(sample) for sample in self.samples], states]
        return hashlib.sha256(json.dumps(plan, default=str).encode()).hexdigest()

    def _description(self) -> dict[str, Any]:
        used = {row.camera for row in self._journal.rows()}
        return {
            "schema": SCHEMA,
            "layout": self._layout.name,
            "options": self._layout.options,
            "source": Path(self._source.path).resolve().name if self._source.path else None,
            **asdict(self._layout.about_source()),
            "conventions": {
                "pixels": "linear camera RGB, black subtracted; value = stored / 65535 / gain, 1.0 = white level",
                "valid": "no channel clipped or black in at least half of the cell, and not masked",
                "illuminant": "RGB of a perfect white under the light, in the image's own RGB, unit length",
            },
            "images": self._journal.kept,
            "skipped": len(self.skipped),
            "cameras": {name: camera_to_json(self._cameras[name]) for name in sorted(used)},
        }


def check_output(out: Path, if_exists: IfExists) -> None:
    """Refuse an output that is in the way, to be asked before and after the work.

    Raises:
        OutputError: If it exists and ``if_exists`` does not say that it may go, or is no prepared data set.
    """
    if out.resolve() == Path.cwd():
        raise UsageError(f"-o {out} is the folder that you are in; name a new one")
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if not (out / "dataset.json").is_file():
            raise OutputError(out, "exists and is no prepared data set, and so stays", "name another folder with -o")
        if if_exists is not IfExists.REPLACE:
            raise OutputError(out, "the output exists already", "--if-exists replace or skip settles it")
    except OSError as error:
        raise unwritable(out, error) from error


def _planned(layout: Layout, source: Source) -> tuple[list[Sample], list[Skipped]]:
    samples: list[Sample] = []
    skipped = [Skipped(name, reason) for name, reason in source.refused.items()]
    for found in layout.samples(source):
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            samples.append(found)
    count = Counter(sample.image for sample in samples)
    twice = [sample.image for sample in samples if count[sample.image] > 1]
    skipped += [Skipped(image, "two images have this name; rename one") for image in dict.fromkeys(twice)]
    samples = [sample for sample in samples if count[sample.image] == 1]
    if not samples:
        why = f" ({skipped[0].image}: {skipped[0].reason})" if skipped else ""
        raise UnreadableFile(source.path or layout.name, f"holds no labelled image of the layout {layout.name}{why}")
    return samples, skipped


def _state(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return path.name, status.st_size, status.st_mtime_ns


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.writelines(map(csv_line, (columns, *rows)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _replace(source: Path, target: Path) -> None:
    """Give a folder the name of another; that one goes only when the new one is in its place."""
    if not target.exists():
        source.rename(target)
        return
    old = target.with_name(f".{target.name}.{os.urandom(4).hex()}.old")
    target.rename(old)
    try:
        source.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)

"""Prepare a download as a folder: in parallel, in order, and resumable after a kill.

The work happens in ``OUT.unfinished``, beside ``OUT``. Results are appended there, and a journal lists those on disk,
so that a kill loses at most a second of work. ``OUT`` itself appears in one step, when everything is complete. The
next run retries samples that failed or changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from awbkit.colour.illuminant import Illuminant
from awbkit.colour.image import THUMBNAIL_SIZE as SIZE
from awbkit.datasets.journal import SampleJournal, StoredSample
from awbkit.datasets.layout import Layout, Omission, Sample
from awbkit.datasets.prepared import COLUMNS, SCHEMA, Prepared, Row, camera_to_json, content_hash
from awbkit.errors import OutputError, UnreadableFile, UsageError
from awbkit.escaping import csv_line, json_text
from awbkit.spelling import count_text, is_or_are
from awbkit.store.durable import exchange, sync_file, sync_folder
from awbkit.store.lock import lock_folder
from awbkit.store.outputs import IfExists
from awbkit.store.paths import store_of
from awbkit.store.refusals import writing_error
from awbkit.store.source import Source
from awbkit.work import batch

OMISSIONS_FILE = "skipped.csv"

_WORK_SUFFIX = ".unfinished"
_HASH_FILE = "published"
"""File with the hash of the folder that is about to get its name."""
_LABELS = (".csv", ".json", ".mat", ".txt")
"""Suffixes of files that may hold labels or calibrations, though no sample names them."""


def load_stored_sample(sample: Sample, *, layout: Layout, source: Source) -> StoredSample:
    """Read one sample and convert it to the stored form.

    Raises:
        AwbError: If it cannot be read, or has no valid pixel.
    """
    example = layout.load(source, sample)
    thumbnail = example.image if example.image.valid.shape == (SIZE, SIZE) else example.image.thumbnail()
    pixels = np.nan_to_num(np.maximum(thumbnail.pixels, 0), posinf=0.0)
    if not thumbnail.valid.any():
        raise UnreadableFile(sample.image, "no valid pixel: all are clipped, black or masked")
    # A gain of a power of two is exact, and keeps the precision of dark pictures.
    gain = 2.0 ** np.floor(-np.log2(pixels.max()))
    codes = np.round(pixels * np.float32(65535 * gain)).astype(np.uint16)
    illuminant = Illuminant.of(example.illuminant).rgb
    names = sample.image, sample.camera, sample.scene, sample.fold
    row = Row(*names, illuminant, sample.exposure, example.spread, float(gain))
    valid = thumbnail.valid & (codes > 0).all(axis=2)
    light_map = None if example.light_map is None else example.light_map.chroma.astype(np.float16)
    return StoredSample(row, codes, valid, light_map)


class Preparation:
    """The preparation of one data set in ``out``; a context manager, which locks out other processes.

    Attributes:
        out: The prepared folder.
        samples: Every image with a label.
        omissions: The images skipped so far, beginning with those that the layout skips.
        resumed_count: Number of samples that an earlier, unfinished run had prepared.
        work_folder: The folder of unfinished work, beside ``out``.
    """

    def __init__(self, layout: Layout, source: Source, out: Path, *, restart: bool = False) -> None:
        """Plan the work, or resume an earlier run of the same plan.

        Args:
            layout: The layout of the source.
            source: The user's download.
            out: The prepared folder.
            restart: Discard an earlier unfinished run.

        Raises:
            UnreadableFile: If the source has nothing of this layout.
            OutputError: If another process is at work on it, an earlier run had another plan, or the folder cannot be
                written.
        """
        # The target of a symbolic link is prepared and replaced, not the link.
        self.out = out = Path(os.path.realpath(out))
        self._layout = layout
        self._source = source
        self.work_folder = _work_folder(out)
        self.samples, self.omissions = _list_samples(layout, source)
        self._cameras = layout.cameras(source, sorted({sample.camera for sample in self.samples}))
        self._keys = [self._key(sample) for sample in self.samples]
        try:
            self.work_folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(self.work_folder, "preparing it")
            if restart:
                for file in self.work_folder.iterdir():
                    if file.name != "lock":
                        _remove(file)
        except OSError as error:
            raise writing_error(self.work_folder, error) from error
        try:
            self._is_resumption = SampleJournal.is_in(self.work_folder)
            names = [(sample.image, sample.camera, sample.scene, sample.fold) for sample in self.samples]
            known = dict(zip(self._keys, names, strict=True))
            self._journal = SampleJournal(self.work_folder, self._plan(), known)
        except BaseException as error:
            self._lock.close()
            if isinstance(error, OSError):
                raise writing_error(self.work_folder, error) from error
            raise
        self.resumed_count = sum(key in self._journal.rows for key in self._keys)

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # A full disk that fails here has been reported before.
        with suppress(*(() if error is None else (OSError,))), closing(self._lock):
            self._journal.close()

    def run(self, jobs: int = 1) -> Generator[Sample | Omission, None, None]:
        """Prepare the remaining samples, and yield each, or why it is skipped.

        After an early exit the next run continues.
        """
        task = partial(load_stored_sample, layout=self._layout, source=self._source)
        pairs = zip(self._keys, self.samples, strict=True)
        left = {key: sample for key, sample in pairs if key not in self._journal.rows}
        # The remaining samples may include the one that crashed the last run.
        with closing(batch.run(task, list(left.values()), jobs=jobs, isolate=self._is_resumption)) as outcomes:
            for (key, sample), outcome in zip(left.items(), outcomes, strict=True):
                if outcome.result is None:
                    self.omissions.append(Omission(sample.image, outcome.reason))
                    yield self.omissions[-1]
                    continue
                try:
                    self._journal.add(key, outcome.result)
                except OSError as error:
                    raise writing_error(self.work_folder, error) from error
                yield sample
        self._journal.sync()

    @property
    def gaps(self) -> list[Omission]:
        """The images that the set lacks: all omissions, except those that the layout's options ask for."""
        return [omission for omission in self.omissions if not omission.by_option]

    def finish(self, if_exists: IfExists = IfExists.FAIL, *, allow_missing: bool = False) -> Prepared:
        """Complete the folder and give it its name.

        Args:
            if_exists: Action if the output exists.
            allow_missing: Whether to complete a set that lacks images; otherwise it stays unfinished.

        Raises:
            UnreadableFile: If no sample could be used.
            OutputError: If images are missing without ``allow_missing``, the output exists and ``if_exists`` forbids
                that, or it cannot be written.
        """
        rows = [(key, self._journal.rows[key]) for key in self._keys if key in self._journal.rows]
        if not rows:
            reason = self.omissions[0].reason if self.omissions else ""
            shutil.rmtree(self.work_folder, ignore_errors=True)
            raise UnreadableFile(self._source.path, f"none of its images can be used ({reason})")
        final = self.work_folder / "final"
        try:
            if self.gaps and not allow_missing:
                _write_omissions(self.work_folder, self.omissions)
                raise self._refusal(len(rows))
            _remove(final)
            final.mkdir()
            self._journal.write_arrays(final, [key for key, _ in rows])
            _write_csv(final / "index.csv", COLUMNS, (row.cells() for _, row in rows))
            if self.omissions:
                _write_omissions(final, self.omissions)
            # Last, because this file makes the folder a prepared data set.
            description = self._description([row for _, row in rows])
            description["hash"] = f"sha256:{content_hash(final, description)}"
            (final / "dataset.json").write_text(json_text(description, indent=2) + "\n", encoding="utf-8")
            for file in final.iterdir():
                sync_file(file)
            sync_folder(final)
            check_output(self.out, if_exists)
            (self.work_folder / _HASH_FILE).write_text(description["hash"], encoding="ascii")
            _publish(final, self.out, self.work_folder / "replaced")
            shutil.rmtree(self.work_folder, ignore_errors=True)
        except OSError as error:
            raise writing_error(self.out, error) from error
        return Prepared.open(self.out)

    def _refusal(self, kept: int) -> OutputError:
        first, count = self.gaps[0], len(self.gaps)
        return OutputError(
            self.out,
            f"is not made, as {count} of {count_text(kept + count, 'image')} {is_or_are(count)} missing "
            f"({first.image}: {first.reason}{', and others' if count > 1 else ''})",
            "mend that and run it again: it does only the rest; --allow-missing makes the set without them",
        )

    def _key(self, sample: Sample) -> str:
        """A digest of what one sample's result depends on, apart from the plan."""
        members = [self._source.members[name] for name in sample.files if name in self._source.members]
        states = [_state(Path(member.name)) for member in members if member.archive is None]
        return _digest([asdict(sample), states])

    def _plan(self) -> str:
        """A digest of what all samples depend on; runs of the same plan can share their work."""
        files = [Path(self._source.path)] if Path(self._source.path).is_file() else []
        for name, member in self._source.members.items():
            if member.archive is not None or name.lower().endswith(_LABELS):
                files.append(Path(member.archive or member.name))
        own = (self.work_folder, self.out)
        files = [file for file in files if not any(Path(os.path.realpath(file)).is_relative_to(o) for o in own)]
        states = [_state(file) for file in dict.fromkeys([*files, *self._layout.outside_files()])]
        return _digest([SCHEMA, self._layout.name, self._layout.options, states])

    def _description(self, rows: Sequence[Row]) -> dict[str, Any]:
        used = {row.camera for row in rows}
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
            "images": len(rows),
            "skipped": len(self.omissions),
            "cameras": {name: camera_to_json(self._cameras[name]) for name in sorted(used)},
        }


def clear_remains(out: Path) -> None:
    """Remove the remains of a process that was killed after it had renamed the folder."""
    unfinished = _work_folder(out)
    try:
        made = (unfinished / _HASH_FILE).read_text(encoding="ascii")
        if made == json.loads((out / "dataset.json").read_text(encoding="utf-8"))["hash"]:
            with lock_folder(unfinished, "preparing it"):
                shutil.rmtree(unfinished, ignore_errors=True)
    except (OSError, ValueError, LookupError, TypeError, OutputError):
        return


def check_output(out: Path, if_exists: IfExists) -> None:
    """Refuse an existing output; checked before and after the work.

    Raises:
        OutputError: If it exists and ``if_exists`` does not permit a replacement, or it is no prepared data set.
    """
    if Path(os.path.realpath(out)) == Path.cwd():
        raise UsageError(f"-o {out} is the folder that you are in; name a new one")
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            # A looping link does not exist, but still blocks the path.
            out.stat()
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if not (out / "dataset.json").is_file():
            raise OutputError(out, "exists and is no prepared data set", "name another folder with -o")
        if if_exists is not IfExists.REPLACE:
            raise OutputError(out, "the output exists already", "--if-exists replace or skip settles it")
    except OSError as error:
        raise writing_error(out, error) from error


def _work_folder(out: Path) -> Path:
    place = Path(os.path.realpath(out))
    return place.with_name(place.name + _WORK_SUFFIX)


def _list_samples(layout: Layout, source: Source) -> tuple[list[Sample], list[Omission]]:
    samples: list[Sample] = []
    skipped = [Omission(name, reason) for name, reason in source.refusals.items()]
    for found in layout.samples(source):
        if isinstance(found, Omission):
            skipped.append(found)
        else:
            samples.append(found)
    count = Counter(sample.image for sample in samples)
    twice = [sample.image for sample in samples if count[sample.image] > 1]
    skipped += [Omission(image, "two images have this name; rename one") for image in dict.fromkeys(twice)]
    samples = [sample for sample in samples if count[sample.image] == 1]
    if not samples:
        why = f" ({skipped[0].image}: {skipped[0].reason})" if skipped else ""
        raise UnreadableFile(source.path or layout.name, f"holds no labelled image of the layout {layout.name}{why}")
    return samples, skipped


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _state(path: Path) -> tuple[str, int, int | str]:
    try:
        size, version = store_of(path).state(path)
    except OSError:
        # The reader of the file reports why it cannot be read.
        return path.name, -1, -1
    return path.name, size, version


def _write_omissions(folder: Path, skipped: Iterable[Omission]) -> None:
    _write_csv(folder / OMISSIONS_FILE, ("image", "reason"), ((one.image, one.reason) for one in skipped))


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.writelines(map(csv_line, (columns, *rows)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _publish(made: Path, out: Path, spare: Path) -> None:
    """Rename a folder; a folder of that name is removed only when the new one is in its place."""
    if not out.exists():
        made.rename(out)
    elif not exchange(made, out):
        out.rename(spare)
        try:
            made.rename(out)
        except OSError:
            spare.rename(out)
            raise
    sync_folder(out.parent)

"""Decode files over memory with given contents, and print what comes of each; started by ``raws_twice.py``.

    python tests/fuzz/decode_raws.py FILL FILL forwards|backwards FILE...

Each line names a file and tells the digests of its thumbnail and of two developed pictures, or why it is refused.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import warnings
from pathlib import Path

import awbkit
from awbkit.errors import AwbError
from awbkit.files import memory_fill
from awbkit.files.raw import RawPhoto


def digest(path: str, folder: Path) -> str:
    """What awbkit makes of a file: 'estimate as-shot gains', each a digest or the class of the error."""
    done = []
    out = folder / "a.tif"
    for work in ("estimate", "as-shot", "gains"):
        try:
            if work == "estimate":
                photo = awbkit.open(path)
                image = photo.thumbnail()
                content = image.pixels.tobytes() + image.valid.tobytes() + repr(photo.camera).encode()
                kind = "raw" if isinstance(photo, RawPhoto) else "rendered"
                done.append(f"{kind}:{hashlib.sha256(content).hexdigest()[:16]}")
                continue
            options = {"method": "as-shot"} if work == "as-shot" else {"illuminant": (0.5, 1.0, 0.7)}
            awbkit.correct(path, out, if_exists="replace", **options)
            done.append(hashlib.sha256(out.read_bytes()).hexdigest()[:16])
        except AwbError as error:
            done.append(type(error).__name__)
    return " ".join(done)


def main() -> None:
    first, second, order, *paths = sys.argv[1:]
    memory_fill.FILLS = (int(first), int(second))
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for path in paths if order == "forwards" else reversed(paths):
            print(Path(path).name, flush=True, end="\t")
            print(digest(path, Path(folder)), flush=True)


if __name__ == "__main__":
    main()

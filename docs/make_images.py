"""Make the pictures of the README: before and after, and two recordings of a terminal.

    python docs/make_images.py [FOLDER]

They go to docs/images unless a folder is named. The pictures are those of examples/pictures, corrected by the default
method. The recordings are what the commands print on a terminal of 80 columns.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps
from rich.console import Console
from rich.text import Text

import awbkit

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ("lane_shade.jpg", "kitchen_tungsten.jpg", "office_fluorescent.jpg", "toys_shade.tif")
COLUMNS, HEIGHT, GAP = 80, 200, 6
RECORDINGS = {
    "estimate.svg": ("estimate", "pictures"),
    "correct.svg": ("correct", "pictures", "-d", "corrected", "--to", "jpg"),
}
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; line-height: {line_height}px }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""rich's own frame loads a font from the network."""


def strip(path: Path) -> None:
    """Pictures side by side, as they were taken above and corrected below."""
    columns = []
    with tempfile.TemporaryDirectory() as folder:
        for name in PICTURES:
            before = ROOT / "examples/pictures" / name
            after = Path(folder) / f"{before.stem}.jpg"
            awbkit.correct(before, after)
            columns.append([shrink(picture) for picture in (before, after)])
    width = sum(column[0].width + GAP for column in columns) - GAP
    canvas = Image.new("RGB", (width, 2 * HEIGHT + GAP), "white")
    left = 0
    for column in columns:
        for row, picture in enumerate(column):
            canvas.paste(picture, (left, row * (HEIGHT + GAP)))
        left += column[0].width + GAP
    canvas.save(path, quality=88, optimize=True)


def shrink(path: Path) -> Image.Image:
    import pyvips

    # Through libvips, since Pillow does not read TIFFs of 16 bits a channel; and sRGB is what a browser shows.
    image = pyvips.Image.new_from_file(str(path)).autorot().icc_transform("srgb", embedded=True, input_profile="srgb")
    pixels = (image.cast("ushort") / 257).cast("uchar") if image.format == "ushort" else image
    return ImageOps.contain(Image.fromarray(pixels.numpy()), (10 * HEIGHT, HEIGHT))


def record(arguments: tuple[str, ...], folder: Path) -> str:
    """What a command prints on a terminal, with its colours."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "awbkit", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=follower, stderr=subprocess.DEVNULL, env=environment):
        os.close(follower)
        text = bytearray()
        while True:
            try:
                text += os.read(leader, 65536)
            except OSError:  # Linux's way to say that the other end is closed.
                break
    os.close(leader)
    return text.decode().replace("\r\n", "\n").rstrip()


def recording(arguments: tuple[str, ...], path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pictures").symlink_to(ROOT / "examples/pictures")
        output = record(arguments, Path(folder))
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(width=COLUMNS, record=True, file=nowhere, force_terminal=True, color_system="256")
        console.print(Text.from_ansi(f"$ awbkit {' '.join(arguments)}\n{output}"))
        path.write_text(console.export_svg(title="awbkit", code_format=FRAME, unique_id=path.stem), encoding="utf-8")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images"
    folder.mkdir(parents=True, exist_ok=True)
    strip(folder / "before-after.jpg")
    for name, arguments in RECORDINGS.items():
        recording(arguments, folder / name)


if __name__ == "__main__":
    main()

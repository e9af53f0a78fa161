"""`awbkit export`: a network for a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awbkit.choices import Target
from awbkit.cli import options
from awbkit.cli.output import print_result
from awbkit.cli.terminal import say
from awbkit.errors import UsageError
from awbkit.spelling import count_text
from awbkit.store.outputs import IfExists, skips, tidy, write_whole

if TYPE_CHECKING:
    from awbkit.export.check import Difference


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file, run or shipped model.")],
    to: Annotated[
        Target,
        typer.Option(
            help="c: a C99 header and source in whole numbers, from a model by `awbkit quantize`. onnx: one file, from "
            "any model. tflite: one file from a floating-point model; from a quantised one the network alone, which "
            "reads the output of the C's awb_describe. executorch: a .pte file, from a floating-point model. "
            "libcamera: a tuning file and a network for a Raspberry Pi sensor, from a floating-point model.",
        ),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Output folder.")] = None,
    tuning: Annotated[
        Path | None, typer.Option(metavar="FILE", help="libcamera's tuning file of the sensor, for libcamera.")
    ] = None,
    installed: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of the files on the device, for libcamera; default: the output."),
    ] = None,
    domain: options.ModelDomain = "raw",
    check: Annotated[
        list[Path] | None,
        typer.Option(metavar="PREPARED", help="Also compare on these pictures; repeatable."),
    ] = None,
    if_exists: Annotated[IfExists, typer.Option(help="What to do if the output exists.")] = IfExists.FAIL,
    format: options.ResultFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a network for a device, from the thumbnail to the light, and compare it with the model.

    This machine's compiler compiles the C, which must give the same bits; the other formats may differ by some
    hundredths of a degree. If the comparison fails, nothing is written and the exit code is 3.
    """
    from awbkit.export.cases import prepared_cases, surfaces
    from awbkit.export.targets import EXPORTERS, libcamera
    from awbkit.network.models import find_model

    if output is None:
        raise UsageError("no output named; give a folder with -o")
    if output.exists() and not output.is_dir():
        raise UsageError(f"-o {output} is a file; name a folder")
    if (tuning is not None) != (to == "libcamera"):
        raise UsageError("--to libcamera and --tuning FILE belong together: the network is for that sensor")
    if installed is not None and to != "libcamera":
        raise UsageError(
            "--installed is for --to libcamera, whose tuning file names the network's folder; leave it out"
        )
    found = find_model(model, domain)
    made = EXPORTERS[to](found) if tuning is None else libcamera(found, tuning, installed or output.absolute())
    tidy(output / next(iter(made.files)))
    skipped = [skips(output / name, if_exists) for name in made.files]
    if all(skipped):
        return
    cases = [*surfaces(), *(case for folder in check or [] for case in prepared_cases(folder))]
    apart = None if made.check is None else made.check(cases)
    for name, data in made.files.items():
        write_whole(output / name, if_exists, data)
    if apart is None and not quiet:
        say("no C compiler here (cc, gcc or clang), so the C was not compared")
    _report(output, found.name, to, {name: len(data) for name, data in made.files.items()}, apart, format)


def _report(
    output: Path, name: str, to: str, sizes: dict[str, int], apart: Difference | None, format: str | None
) -> None:
    record: dict[str, Any] = {
        "schema": 1,
        "model": name,
        "target": to,
        "output": str(output),
        "files": sizes,
        "compared": 0 if apart is None else apart.pictures,
        "apart": None if apart is None else round(apart.maximum, 4),
        "apart_on_average": None if apart is None else round(apart.mean, 4),
    }
    files = ", ".join(str(output / file) for file in sizes)
    print_result(record, {"model": name, "files": files, "compared": _in_words(to, apart)}, format)


def _in_words(to: str, apart: Difference | None) -> str:
    if apart is None:
        return "not"
    pictures = count_text(apart.pictures, "picture")
    if to == "c":
        return f"the same bits on {pictures}"
    return f"{apart.mean:.3f} degrees apart on average, {apart.maximum:.3f} at most, on {pictures}"

"""`awbkit doctor`: what this installation has, what works, and what is missing."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from awbkit.choices import OUTPUT_SUFFIXES
from awbkit.cli import options

if TYPE_CHECKING:
    from rich.text import Text

EXTRAS = {
    "heif": (("pillow-heif",), "HEIC"),
    "tiff": (("imagecodecs",), "TIFFs of 10 to 14 bits and by Zstandard"),
    "datasets": (("colour-science",), "measured lamps in synthetic scenes"),
    "figures": (("matplotlib",), "evaluate --figures"),
    "train": (("torch",), "train, prune, factorize"),
    "onnx": (("torch", "onnx", "onnxscript", "onnxruntime"), "export --to onnx"),
    "tflite": (("ai-edge-litert",), "export --to tflite"),
    "litert": (("torch", "litert-torch"), "export --to tflite in floating point"),
    "executorch": (("torch", "executorch"), "export --to executorch"),
}
"""Of each extra, the packages that it adds and what they are for."""

_LIBRARIES = ("numpy", "pillow", "simplejpeg", "pyvips", "rawpy", "tifffile", "safetensors", "typer", "rich")
_PROGRAMS = {
    "cc": "compares exported C with its model",
    "arm-none-eabi-gcc": "bench on Cortex-M",
    "qemu-system-arm": "bench on Cortex-M",
}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        group: The part of the report.
        name: What was looked at.
        status: "ok"; "missing" for an optional part; or "broken" for a part that awbkit cannot run without.
        detail: A version, or what to do.
    """

    group: str
    name: str
    status: str
    detail: str


def doctor(format: options.ResultFormat = None) -> None:
    """Show versions, codecs, extras, models and cores, and what to install for what is missing.

    Every codec encodes and decodes a small picture, and every model is read. The exit code is 0, or 3 where something
    is broken that awbkit cannot do without; extras may be missing.
    """
    from awbkit.cli.output import wants_json
    from awbkit.errors import CheckFailed
    from awbkit.escaping import json_text

    findings: list[Finding] = []
    if wants_json(format):
        findings = list(_findings())
        print(json_text({"schema": 1, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        from rich.console import Console

        console = Console(highlight=False, markup=False, emoji=False)
        for finding in _findings():
            if not findings or findings[-1].group != finding.group:
                console.print(("\n" if findings else "") + finding.group, style="bold")
            findings.append(finding)
            console.print(_row(finding), soft_wrap=True)
    broken = [finding.name for finding in findings if finding.status == "broken"]
    if broken:
        raise CheckFailed(f"broken: {', '.join(broken)}; install awbkit again")
    raise typer.Exit(0)


def _row(finding: Finding) -> Text:
    from rich.text import Text

    from awbkit.escaping import printable

    style = {"ok": "green", "missing": "yellow"}.get(finding.status, "red")
    row = Text.assemble(f"  {finding.name:<18} ", (f"{finding.status:<8}", style), printable(finding.detail))
    row.rstrip()
    return row


def _findings() -> Iterator[Finding]:
    yield from _installation()
    yield from map(_library, _LIBRARIES)
    yield from _codecs()
    yield from map(_extra, EXTRAS)
    yield from _models()
    yield from _programs()


def _installation() -> Iterator[Finding]:
    from awbkit.version import VERSION
    from awbkit.work.batch import default_jobs

    yield Finding("awbkit", "awbkit", "ok", f"{VERSION}, {Path(__file__).resolve().parents[1]}")
    yield Finding("awbkit", "Python", "ok", f"{platform.python_version()}, {sys.executable}")
    yield Finding("awbkit", "system", "ok", f"{platform.system()} {platform.machine()}")
    yield Finding("awbkit", "cores", "ok", f"{default_jobs()} to use, {os.cpu_count()} in all")


def _version_of(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _library(package: str) -> Finding:
    from importlib import import_module

    try:
        module: Any = import_module({"pillow": "PIL"}.get(package, package))
        detail = _version_of(package) or ""
        if package == "pyvips":
            detail += f", libvips {'.'.join(str(module.version(part)) for part in range(3))}"
        if package == "rawpy":
            detail += f", LibRaw {'.'.join(map(str, module.libraw_version))}"
    except Exception as error:
        # A library of compiled code fails to load in any way it likes.
        return Finding("libraries", package, "broken", " ".join(str(error).split()))
    return Finding("libraries", package, "ok", detail)


def _codecs() -> Iterator[Finding]:
    import io

    import numpy as np

    from awbkit import api
    from awbkit.errors import AwbError, MissingExtra

    try:
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(np.full((16, 16, 3), 128, np.uint8)).save(stream, "png")
    except Exception as error:
        yield Finding("codecs", "all", "broken", " ".join(str(error).split()))
        return
    for name in OUTPUT_SUFFIXES:
        try:
            written = api.correct(stream.getvalue(), to=name, illuminant=(1.0, 1.0, 0.9))
            api.estimate(written, "gray-world")
        except MissingExtra as error:
            yield Finding("codecs", name, "missing", str(error))
        except AwbError as error:
            yield Finding("codecs", name, "broken", " ".join(str(error).split()))
        else:
            yield Finding("codecs", name, "ok", "reads and writes")


def _extra(name: str) -> Finding:
    from awbkit.errors import install_command

    packages, purpose = EXTRAS[name]
    versions = {package: _version_of(package) for package in packages}
    if None in versions.values():
        return Finding("extras", name, "missing", f"{purpose}: {install_command(name)}")
    stated = ", ".join(f"{package} {version}" for package, version in versions.items())
    return Finding("extras", name, "ok", f"{purpose}: {stated}")


def _models() -> Iterator[Finding]:
    from awbkit.errors import AwbError
    from awbkit.network.models import SHIPPED, find_model, shipped_path

    for name in SHIPPED:
        try:
            sizes = []
            for domain in ("raw", "rendered"):
                find_model(name, domain)
                sizes.append(f"{domain} {shipped_path(name, domain).stat().st_size:,} bytes")
        except AwbError as error:
            yield Finding("models", name, "broken", str(error))
        else:
            yield Finding("models", name, "ok", ", ".join(sizes))


def _programs() -> Iterator[Finding]:
    import shutil

    for name, purpose in _PROGRAMS.items():
        place = shutil.which(name)
        yield Finding("programs", name, "ok" if place else "missing", f"{purpose}: {place}" if place else purpose)

"""`awbkit quantize`: convert a network to whole numbers."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awbkit.choices import Domain
from awbkit.cli import options, training
from awbkit.cli.output import print_result
from awbkit.cli.terminal import Progress
from awbkit.errors import UsageError
from awbkit.spelling import count_text
from awbkit.store.outputs import IfExists, skips, tidy, write_whole

if TYPE_CHECKING:
    from awbkit.datasets.prepared import Prepared
    from awbkit.network.integer.quantization import Bits
    from awbkit.network.models import AnyModel

_how_option = options.panel("How")
_train_option = options.panel("Training")


def quantize(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model file, a run, or the name of a shipped model.")],
    prepared: Annotated[
        list[Path], typer.Argument(metavar="PREPARED...", help="Pictures to calibrate scales and to compare on.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File for the model; ends in .safetensors.")
    ] = None,
    domain: Annotated[Domain, _how_option(help="Variant of a shipped model.")] = "raw",
    weights: Annotated[int, _how_option(metavar="BITS", help="4 or 8.")] = 8,
    activations: Annotated[int, _how_option(metavar="BITS", help="8 or 16.")] = 8,
    pictures: Annotated[int, _how_option(metavar="N", min=2, help="Pictures to use, at even intervals.")] = 1000,
    train: Annotated[
        Path | None,
        _train_option(
            metavar="RUN", help="First fine-tune the network on PREPARED in this run, with simulated rounding."
        ),
    ] = None,
    config: Annotated[Path | None, _train_option(metavar="FILE.toml", help="A recipe; flags override it.")] = None,
    steps: Annotated[int | None, _train_option(metavar="N")] = None,
    seed: Annotated[int | None, _train_option(metavar="N")] = None,
    device: Annotated[training.Device, _train_option()] = "auto",
    resume: Annotated[bool, _train_option("--resume", help="Continue the run in RUN.")] = False,
    jobs: options.Jobs = 0,
    if_exists: Annotated[IfExists, typer.Option(help="What to do if the output exists.")] = IfExists.FAIL,
    format: options.ResultFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Quantise a network to whole numbers, from a 16-bit thumbnail to the gains, and report the loss in degrees.

    Half of the pictures calibrate the scales; the other half compare the two networks. With --train the network is
    trained on this half too, so evaluate it on other pictures, with awbkit evaluate.
    """
    from awbkit.datasets.prepared import Prepared
    from awbkit.network.integer.quantization import Bits, measure_scales, quantize_model
    from awbkit.network.models import find_float_model
    from awbkit.network.weights import SUFFIX

    if output is None:
        raise UsageError("no output named; give a file with -o")
    if output.suffix != SUFFIX:
        raise UsageError(f"-o {output}: a model's file ends in {SUFFIX}")
    if train is None and (config or steps is not None or seed is not None or resume):
        raise UsageError("--config, --steps, --seed and --resume are for a training; name its run with --train")
    bits = Bits(weights, activations)
    start = find_float_model(model, domain)
    tidy(output)
    if skips(output, if_exists):
        return
    tune = None
    if train is not None:
        folder, execution = training.set_up(train, device, jobs, resume)
        from awbkit.training.quantization_aware import train_quantized
        from awbkit.training.tuning import Tuning, recipe_for

        recipe = training.recipe(recipe_for(start), config, {"steps": steps, "seed": seed})
        tune = partial(Tuning, start, prepared, folder, recipe)
    members = _members([Prepared.open(folder) for folder in prepared], start.domain, pictures)
    line = Progress(sys.stderr, len(members), enabled=not quiet, unit="pictures")
    try:
        images = (data.image(row) for data, row in members[0::2])
        scales = measure_scales(start, images, bits, progress=lambda count: line.advance(failed=False, count=count))
        trained = start
        if tune is not None:
            line.erase()
            result, _ = training.watch(lambda **how: train_quantized(tune(**how), scales, bits), execution, quiet=quiet)
            trained = result.model
        found = quantize_model(trained, scales, bits)
        comparisons = [_compare(start, found, data, row, line) for data, row in members[1::2]]
    finally:
        line.erase()
    content = found.to_bytes()
    write_whole(output, if_exists, content)
    _report(output, start.architecture.parameters, len(content), bits, comparisons, format)


def _members(sets: list[Prepared], domain: str, count: int) -> list[tuple[Prepared, int]]:
    from awbkit.network.model import DOMAIN_OF_SPACE

    everything = [
        (data, place)
        for data in sets
        for place, row in enumerate(data.rows)
        if DOMAIN_OF_SPACE[data.cameras[row.camera].space] == domain
    ]
    if len(everything) < 2:
        found = count_text(len(everything), f"{domain} picture")
        raise UsageError(f"quantising takes at least two pictures, and these data sets have {found}; name larger ones")
    step = max(1, len(everything) // count)
    # A picture without a valid pixel has no estimate.
    return [(data, place) for data, place in everything[::step] if data.image(place).valid.any()]


def _compare(start: AnyModel, found: AnyModel, data: Prepared, row: int, line: Progress) -> tuple[float, float, float]:
    """The errors of both networks and the angle between their lights, in degrees."""
    from awbkit.colour.illuminant import angular_error

    image, truth = data.image(row), data.rows[row].illuminant
    before, after = start.estimate(image).rgb, found.estimate(image).rgb
    line.advance(failed=False)
    return angular_error(before, truth), angular_error(after, truth), angular_error(before, after)


def _report(
    output: Path,
    parameters: int,
    size: int,
    bits: Bits,
    comparisons: list[tuple[float, float, float]],
    format: str | None,
) -> None:
    import numpy as np

    from awbkit.colour.error_statistics import statistics

    before, after, apart = (np.array(column) for column in zip(*comparisons, strict=True))
    kept = ("mean", "median", "worst25")
    figures = [{name: round(statistics(errors)[name], 4) for name in kept} for errors in (before, after)]
    record: dict[str, Any] = {
        "schema": 1,
        "model": str(output),
        "parameters": parameters,
        "weight_bits": bits.weights,
        "activation_bits": bits.activations,
        "bytes": size,
        "images": len(comparisons),
        "float": figures[0],
        "integer": figures[1],
        "apart": {"mean": round(float(apart.mean()), 4), "max": round(float(apart.max()), 4)},
    }
    rows = {
        "model": f"{output}, {size:,} bytes, {parameters:,} weights of {bits.weights} bits",
        "float": training.errors_in_words(figures[0]),
        "integer": training.errors_in_words(figures[1]),
        "apart": f"mean {apart.mean():.2f}°, at most {apart.max():.2f}°, on {count_text(len(comparisons), 'picture')}",
    }
    print_result(record, rows, format)

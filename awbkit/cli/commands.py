"""The subcommands of `awbkit`: what each is for, and where it is. One is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.main import get_command

from awbkit.cli.examples import show_examples

SUMMARIES = {
    "estimate": "Estimate the light of pictures: its RGB, gains, chromaticity, colour temperature and Duv.",
    "correct": "Correct pictures for the colour of their light, and write copies; originals are never changed.",
    "compare": "Show pictures before and after a correction, side by side on one page.",
    "methods": "List the estimators, their parameters and their papers.",
    "dataset": "Convert published data sets to one form that opens at once.",
    "evaluate": "Judge estimators on prepared data sets, or estimates of any program against a ground truth.",
    "train": "Train an illuminant estimator on labelled pictures: awbkit's own network, or others to compare it with.",
    "prune": "Prune a network to a budget: remove the channels, attention maps, hidden units and statistics of least "
    "worth.",
    "factorize": "Factorise a network: replace layers by products of two smaller ones where that saves weights; "
    "fine-tune them.",
    "quantize": "Quantise a network to whole numbers, from a 16-bit thumbnail to the gains, and report the loss in "
    "degrees.",
    "export": "Write a network for a device, from the thumbnail to the light, and compare it with the model.",
    "bench": "Measure weights, operations, bytes, time on this machine, and instructions on Cortex-M processors in "
    "QEMU.",
    "doctor": "Show versions, codecs, extras, models and cores, and what to install for what is missing.",
}
"""Of each subcommand, the first paragraph of its help, in the order of `awbkit --help`.

The name is that of a module of this package, and of the function or the group of commands in it.
"""


def load(name: str) -> Any:
    """The parser of a subcommand, for which its module is imported and no other's.

    Raises:
        KeyError: If there is no such subcommand.
    """
    if name not in SUMMARIES:
        raise KeyError(name)
    found = getattr(import_module(f"awbkit.cli.{name}"), name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
        alone.command(name)(found)
        found = alone
    parser = get_command(found)
    parser.name = name
    show_examples(parser, name)
    return parser

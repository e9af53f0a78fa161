"""`awbkit methods`: what `--method` takes."""

from __future__ import annotations

from awbkit.cli import options
from awbkit.cli.output import wants_json
from awbkit.cli.terminal import say
from awbkit.errors import UsageError
from awbkit.escaping import json_text


def methods(
    format: options.ResultFormat = None,
) -> None:
    """List the estimators, their parameters and their papers."""
    from awbkit.estimators import registry

    entries = []
    for name in registry.method_names():
        try:
            entries.append(registry.describe(name))
        except UsageError as error:
            # A package that is broken; the other methods work.
            say(str(error))
    if wants_json(format):
        rows = [
            {
                "name": row.name,
                "default": row.name == registry.DEFAULT,
                "summary": row.summary,
                "parameters": [
                    {"name": p.name, "type": p.type.__name__, "default": p.default, "allowed": str(p.range)}
                    for p in row.parameters
                ],
                "citation": row.citation,
            }
            for row in entries
        ]
        print(json_text(rows, indent=2))
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    for row in entries:
        head = Text(row.name, "bold")
        if row.name == registry.DEFAULT:
            head.append(" (default)", "not bold green")
        head.append(f"  {row.summary}", "not bold")
        console.print(head)
        for parameter in row.parameters:
            line = Text(f"{parameter.name}={parameter.default:g}", "cyan")
            line.append(f"  {parameter.range.help}; {parameter.range}", "default")
            console.print(Padding(line, (0, 0, 0, 4)))
        console.print(Padding(Text(row.citation, "dim"), (0, 0, 1, 4)))

"""The reader's controls: radio buttons and check boxes, with style rules that work without a script."""

from __future__ import annotations

from collections.abc import Sequence

from awbkit.escaping import markup
from awbkit.html.svg import shorten

PALETTE = 8
"""Number of colours in the style sheet."""


def choice(name: str, legend: str, labels: Sequence[str], checked: int = 0) -> str:
    """Radio buttons; :func:`choice_rules` hides elements whose ``data-NAME`` is not the checked index.

    Args:
        name: Name of the choice, a single word.
        legend: Title of the choice.
        labels: HTML of each option.
        checked: Index of the first choice.
    """
    options = "".join(
        f'<label><input type="radio" name="{name}" id="{name}-{index}"{" checked" if index == checked else ""}>'
        f"<span>{label}</span></label>"
        for index, label in enumerate(labels)
    )
    return f'<fieldset class="choice"><legend>{legend}</legend>{options}</fieldset>'


def to_labels(labels: Sequence[str]) -> list[str]:
    """Convert plain text to labels for :func:`choice`."""
    return [markup(shorten(label, 48)) for label in labels]


def choice_rules(name: str, count: int) -> str:
    """Style rules of a choice with this number of options."""
    return "".join(
        f'body:has(#{name}-{index}:checked) [data-{name}]:not([data-{name}="{index}"]){{display:none}}\n'
        for index in range(count)
    )


def method_boxes(labels: Sequence[str]) -> str:
    """A check box for each method, which shows or hides it in the charts."""
    boxes = "".join(
        f'<label id="chip-{index}"><input type="checkbox" id="show-{index}" checked>{label}</label>'
        for index, label in enumerate(labels)
    )
    return f'<fieldset class="methods"><legend>Methods</legend>{boxes}</fieldset>'


def method_rules(count: int) -> str:
    """Style rules of the methods: colours, and the effects of their check boxes."""
    rules = []
    for index in range(count):
        rules.append(f".m{index}{{--c:var(--p{index % PALETTE})}}\n")
        rules.append(f"body:has(#show-{index}:not(:checked)) .several .m{index}{{display:none}}\n")
        rules.append(f"body:has(#chip-{index}:hover) .several .series:not(.m{index}){{opacity:.12}}\n")
    return "".join(rules)

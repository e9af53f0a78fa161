"""What a command knows of its records before they come, for the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from awbkit.cli.options import path_of

if TYPE_CHECKING:
    from awbkit.estimators.registry import Method


@dataclass(frozen=True)
class Outline:
    """What all records share.

    Attributes:
        paths: All inputs.
        outputs: All outputs.
        methods: Everything that a record may name as its method; empty where that is not known.
        has_expected_errors: Whether any record may state the error that its method expects.
    """

    paths: Sequence[str] = ()
    outputs: Sequence[str] = ()
    methods: Sequence[str] = ()
    has_expected_errors: bool = True

    @property
    def method(self) -> str | None:
        """The method of every record; None where records may differ."""
        return self.methods[0] if len(self.methods) == 1 else None

    @property
    def name_pattern(self) -> str | None:
        """The pattern from input to output names, such as ``*_awb``; None where names follow no pattern."""
        pairs = [(Path(path).stem, Path(output).stem) for path, output in zip(self.paths, self.outputs, strict=False)]
        if len(self.paths) != len(self.outputs) or not all(stem and stem in name for stem, name in pairs):
            return None
        patterns = {name.replace(stem, "*", 1) for stem, name in pairs}
        return patterns.pop() if len(patterns) == 1 else None


def outline_of(
    items: Sequence[object] | None, methods: Sequence[Method], outputs: Iterable[Path] = (), other: str | None = None
) -> Outline:
    """The outline of a run.

    Args:
        items: The inputs; None where they are not known yet.
        methods: What estimates the lights; empty where something else does.
        outputs: Where the results go.
        other: The origin of all lights where no method estimates them, such as "region"; None if it varies.
    """
    names = [str(one) for method in methods for one in (method, method.fallback) if one is not None]
    return Outline(
        paths=[str(path_of(item)) for item in items or ()],
        outputs=list(map(str, outputs)),
        methods=list(dict.fromkeys(names)) or ([other] if other is not None else []),
        has_expected_errors=any(method.is_network for method in methods) or (not methods and other is None),
    )

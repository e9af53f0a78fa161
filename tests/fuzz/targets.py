"""All readers that the fuzzer knows."""

from __future__ import annotations

from tests.fuzz import targets_pictures, targets_sets, targets_texts
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*targets_pictures.TARGETS, *targets_sets.TARGETS, *targets_texts.TARGETS)
BY_NAME = {target.name: target for target in TARGETS}

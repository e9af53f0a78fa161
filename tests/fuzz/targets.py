"""All readers that the fuzzer knows."""

from __future__ import annotations

import targets_pictures
import targets_sets
import targets_texts
from target import Target

TARGETS: tuple[Target, ...] = (*targets_pictures.TARGETS, *targets_sets.TARGETS, *targets_texts.TARGETS)
BY_NAME = {target.name: target for target in TARGETS}

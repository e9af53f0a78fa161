"""Recipes: what may be said in them, and what is said of what may not."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from awbkit.errors import UnreadableFile, UsageError
from awbkit.training.recipe import Recipe, read_recipe


def test_a_file_states_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('steps = 10\nlearning_rate = 1\narch = "awbnet-nano"\n')
    recipe = read_recipe(path)
    assert recipe == Recipe(steps=10, learning_rate=1.0, arch="awbnet-nano")
    assert Recipe(**recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"step": 3}, "did you mean 'steps'"),
        ({"steps": 0}, "steps is from 1 to 10000000, not 0"),
        ({"steps": 1.5}, "steps is a whole number, not 1.5"),
        ({"steps": True}, "steps is a whole number, not True"),
        ({"steps": "many"}, "steps is a whole number, not 'many'"),
        ({"learning_rate": "high"}, "learning_rate is a number"),
        ({"learning_rate": -1.0}, "learning_rate is not negative"),
        ({"learning_rate": float("nan")}, "learning_rate is not negative"),
        ({"arch": "awbnet-x"}, "unknown architecture 'awbnet-x'"),
        ({"arch": 3}, "arch is a text, not 3"),
        ({"domain": "video"}, "domain is one of raw, rendered"),
        ({"calibration": "none"}, "calibration is one of"),
        ({"relight": 1.1}, "relight is a share from 0 to 1"),
        ({"validation": 1.0}, "leaves nothing to train on"),
        ({"teachers": -1}, "teachers is from 0 to 100, not -1"),
        ({"seed": 10**20}, "seed is from 0 to 2147483647"),
        ({"batch_size": 10**9}, "batch_size is from 1 to 65536"),
        ({"cameras": "all"}, "cameras is one of listed, measured"),
        ({"batch_size": 1}, "a batch of 1 has no 2 shards; set shards to 1"),
    ],
)
def test_what_no_recipe_may_say(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Recipe().with_changes(changes)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("steps = ", UnreadableFile, "is no TOML"),
        (f"steps = {'9' * 5000}", UnreadableFile, "holds a number of more than 308 digits"),
        (f"steps = {'[' * 5000}{']' * 5000}", UnreadableFile, "nests more than 100 levels"),
        ("steps = 0", UsageError, "recipe.toml: steps is from 1"),
        ("[training]\nsteps = 1", UsageError, "a recipe has no 'training'"),
        (None, UnreadableFile, "no such file"),
    ],
)
def test_files_that_are_no_recipe(tmp_path: Path, text: str | None, kind: type[Exception], says: str) -> None:
    path = tmp_path / "recipe.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(kind, match=says):
        read_recipe(path)


def test_the_docstring_names_every_value() -> None:
    for field in fields(Recipe):
        assert f"        {field.name}: " in (Recipe.__doc__ or "")

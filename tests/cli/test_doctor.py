"""`awbkit doctor`: what works, what is missing, and what to install."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from awbkit.cli.doctor import EXTRAS
from awbkit.network.models import SHIPPED
from tests.helpers.command import Ran, awbkit

pytestmark = pytest.mark.slow


def findings(ran: Ran) -> dict[str, dict[str, Any]]:
    return {f"{finding['group']}/{finding['name']}": finding for finding in json.loads(ran.out)["findings"]}


def test_what_works_is_said_and_the_exit_code_is_0() -> None:
    ran = awbkit("doctor")
    assert (ran.code, ran.err) == (0, "")
    found = findings(ran)
    for name in ("libraries/numpy", "libraries/rawpy", "codecs/jpeg", "codecs/avif", *(f"models/{m}" for m in SHIPPED)):
        assert found[name]["status"] == "ok", found[name]
    assert {f"extras/{name}" for name in EXTRAS} <= set(found)
    assert re.search(r", LibRaw \d+\.\d+\.\d+$", found["libraries/rawpy"]["detail"])
    assert re.fullmatch(r"\d+ to use, \d+ in all", found["awbkit/cores"]["detail"])


def test_a_missing_extra_has_its_command_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "heif", (("no-such-package",), "HEIC"))
    ran = awbkit("doctor")
    finding = findings(ran)["extras/heif"]
    assert (ran.code, finding["status"]) == (0, "missing")
    assert re.fullmatch(r"HEIC: .*pip install '.*\[heif\]'", finding["detail"])


def test_a_model_that_is_gone_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awbkit.network.models.SHIPPED", ("awbnet-gone",))
    ran = awbkit("doctor", "--format", "table")
    assert (ran.code, ran.complaint) == (3, "awbkit: broken: awbnet-gone; install awbkit again")
    assert re.search(r"^  awbnet-gone +broken ", ran.out, re.MULTILINE)


def test_the_extras_are_those_of_the_project() -> None:
    root = Path(__file__).parents[2]
    stated = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(EXTRAS) == set(stated) - {"dev"}
    for name, (packages, _) in EXTRAS.items():
        names = {re.split(r"[>=<\[ ;]", each)[0] for each in stated[name]}
        wanted = {"torch" if each == "awbkit" else each for each in names}
        assert set(packages) == wanted, name

"""The versions that every install uses: exact, complete, and in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINS = dict(line.split("==", 1) for line in LINES)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WISHES = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
    if not line.startswith(("easel[", "torch=="))
]


def test_every_line_is_a_name_and_an_exact_version() -> None:
    """No addresses, no ranges, no options: a line means the same on every machine."""
    assert [line for line in LINES if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert sorted(PINS) == list(PINS)


def test_torch_is_not_pinned_here() -> None:
    """Its build is chosen when installing, and brings companions of its own."""
    assert not {"torch", "torchvision", "triton", "sympy"} & set(PINS)
    assert not [name for name in PINS if name.startswith("nvidia-") and name != "nvidia-ml-py"]


@pytest.mark.parametrize("wish", WISHES, ids=str)
def test_every_wish_of_the_project_is_pinned(wish: Requirement) -> None:
    """What pyproject.toml asks for has one version here, which it allows."""
    pin = PINS.get(canonicalize_name(wish.name))
    assert pin, f"constraints.txt has no line for {wish.name}: run `make lock`"
    assert pin in wish.specifier


def test_the_tests_run_on_the_pinned_versions() -> None:
    """What the gate judges is what an install brings; `make install` puts it right."""
    names = [canonicalize_name(wish.name) for wish in WISHES]
    assert {name: version(name) for name in names} == {name: PINS[name] for name in names}

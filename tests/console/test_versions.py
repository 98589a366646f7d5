"""`versions`: what each means, and holding one still for everybody."""

from __future__ import annotations

from pathlib import Path

from contract.catalogue import EASEL_SMALL
from tests.console.conftest import Easel

TWO = Path(__file__).parents[2] / "models.example.toml"
SMALL = str(EASEL_SMALL.meaning)


def test_a_version_is_held_and_let_go(easel: Easel) -> None:
    """The list says what draws it and what else it can be held at; the audit has who did it."""
    said = {"CATALOGUE": str(TWO)}
    listed = {one["version"]: one for one in easel("versions", "list", "--json", **said).document["versions"]}
    assert listed["6.1"]["means"].startswith("sdxl@")
    assert listed["6.1"]["others"] == [SMALL]
    assert easel("versions", "pin", "--", "6.1", "easel-small", **said).said == f"version 6.1 is held at {SMALL}\n"
    assert f"6.1\t{SMALL}, held" in easel("versions", "list", **said).said
    assert easel("audit", "--json").document["deeds"][0]["did"] == "pin"
    assert "can be held at" in easel("versions", "list", **said).said
    gone = easel("versions", "list", "--json").document["versions"]
    assert next(one for one in gone if one["version"] == "6.1")["means"] == SMALL
    assert easel("versions", "unpin", "6.1", **said).status == 0
    assert easel("versions", "unpin", "6.1", **said).status == 4


def test_what_is_no_version_is_said(easel: Easel) -> None:
    """With those that are."""
    assert "9.9" in easel("versions", "pin", "9.9", "easel-small").said
    assert easel("versions", "pin", "6.1", "lost").status != 0

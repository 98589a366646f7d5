"""Pins hold a version still: its name means one model at one revision, whatever the catalogue says later.

A person's pin counts before their server's, and that before the operator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Self, TypeAlias


class Holder(StrEnum):
    """Whose pin it is."""

    OPERATOR = "operator"
    GUILD = "guild"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What draws a version: a model of the catalogue by its name, and its revision."""

    model: str
    revision: str

    def __str__(self) -> str:
        return f"{self.model}@{self.revision}"

    @classmethod
    def read(cls, text: object) -> Self | None:
        """The meaning that `str` wrote; None when it is none."""
        model, at, revision = text.partition("@") if isinstance(text, str) else ("", "", "")
        return cls(model, revision) if model and at else None


@dataclass(frozen=True, slots=True)
class Pin:
    """A meaning that is held, and by whom."""

    meaning: Meaning
    holder: Holder


Pins: TypeAlias = Mapping[str, Pin]
"""By the version's name in the language (`6.1`, `niji 6`) or the operator's own for it."""

NO_PINS: Pins = MappingProxyType({})

"""What can go wrong, as kinds with values. Sentences are made where an error is shown (`contract.sentences`)."""

from __future__ import annotations

from collections.abc import Mapping

Value = str | int | float


class EaselError(Exception):
    """Root of everything Easel raises on purpose."""


class UserError(EaselError):
    """Something the person who asked can mend; it is shown to them and changes nothing.

    `kind` is a stable snake_case word, `values` what a sentence about it needs. Never put a secret in `values`.
    """

    def __init__(self, kind: str, **values: Value) -> None:
        super().__init__(kind, values)
        self.kind = kind
        self.values: Mapping[str, Value] = values

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.kind}({details})"


class NewerVersion(EaselError):
    """A document was written by a newer Easel than this one: hand it back, never fail it."""


class MalformedDocument(EaselError):
    """A document on the wire is not what it claims to be."""


class UnknownButton(EaselError):
    """A custom_id that is not one of ours."""

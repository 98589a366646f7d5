"""What a person should know about a job that is no error: a line in small print under its message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contract.catalogue import ANY_VERSION, Model
from contract.locales import DEFAULT_LOCALE, book
from contract.prompt import Prompt
from contract.versions import DEFAULT_VERSION

CONTENT_LIMIT = 2000
"""Characters of a message (Discord)."""


@dataclass(frozen=True, slots=True)
class Remark:
    """The entry `remark.ID` of the books, and its values."""

    id: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    def say(self, locale: str = DEFAULT_LOCALE) -> str:
        """The remark as a sentence."""
        return book(locale).say(f"remark.{self.id}", **self.values)


def version_remark(prompt: Prompt, model: Model) -> Remark | None:
    """Said when a prompt asks for a version that is only another name of the model here."""
    if prompt.version == DEFAULT_VERSION or ANY_VERSION not in model.versions:
        return None
    return Remark("version", {"version": prompt.version.capitalize(), "model": model.title})


def with_small_print(content: str, lines: Iterable[str]) -> str:
    """`content` and below it a line in small print each; one that the message has no room for is left out."""
    for line in lines:
        longer = f"{content}\n-# {line}"
        if len(longer) <= CONTENT_LIMIT:
            content = longer
    return content

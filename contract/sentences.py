"""Errors in words: a title and a sentence for every kind, from the book of the reader's language."""

from __future__ import annotations

from contract.errors import UserError
from contract.locales import DEFAULT_LOCALE, book
from contract.prompt.refusals import PromptError


def describe(error: UserError, locale: str = DEFAULT_LOCALE) -> tuple[str, str]:
    """Title and sentence of an error for the person who caused it: what was wrong, and what to do.

    They are the entries `error.KIND.title` and `error.KIND.REASON`, or `error.KIND` where no reason has its own.
    """
    words = book(locale)
    reason = error.reason if isinstance(error, PromptError) else error.values.get("reason")
    kind = error.kind if f"error.{error.kind}.title" in words else "unknown"
    id = f"error.{kind}.{reason}" if f"error.{kind}.{reason}" in words else f"error.{kind}"
    text = words.say(id, **{"kind": error.kind.replace("_", " "), **error.values})
    if isinstance(error, PromptError) and error.suffix is not None:
        text += "\n" + words.say("error.in_suffix", suffix=error.suffix)
    return words.say(f"error.{kind}.title"), text

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
    id = f"error.{error.kind}.{reason}" if f"error.{error.kind}.{reason}" in words else f"error.{error.kind}"
    try:
        title, text = words.say(f"error.{error.kind}.title"), words.say(id, **error.values)
    except KeyError:  # raised by a process of another version, which has other kinds, reasons and values
        title, text = words.say("error.unknown.title"), words.say("error.unknown", kind=error.kind.replace("_", " "))
    if isinstance(error, PromptError) and error.suffix is not None:
        text += "\n" + words.say("error.in_suffix", suffix=error.suffix)
    return title, text

"""The books of words: every sentence that a person reads, one gettext catalogue a language.

A sentence is named by an id, the same in every book, and may hold values in braces:

    {prompt}        a value, as it is
    {limit:jobs}    a whole number with its noun, by the entry `count.jobs`: `1 job`, `1,900 characters`, `3 个任务`
    {colour:legend} a word by the entry `legend.…`: `sky`, `天空`
    {/prefer auto_dm}  a command as the reader's Discord shows it, by the entries `command.….name`

An entry marked `#, wire` is Midjourney's own wording, which client libraries read: it is the same in every book. What
posted messages say of a job (`contract.messages`, `contract.kinds`) and the labels of its buttons (`contract.actions`)
are such words too, and stand in the code that also reads them.

Operators read English: command lines, settings and logs have no books.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

DEFAULT_LOCALE = "en-US"
LOCALES = (DEFAULT_LOCALE, "zh-CN")
"""The languages there is a book of, by Discord's names; the file is called like it."""


class Book(Formatter):
    """The words of one language."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self._babel = Locale.parse(locale, sep="-")
        with (files(__name__) / f"{locale}.po").open("rb") as file:
            self.catalogue = read_po(file, locale=self._babel)
        compiled = io.BytesIO()
        write_mo(compiled, self.catalogue)
        compiled.seek(0)
        self._words = Translations(compiled)

    def __contains__(self, id: str) -> bool:
        """Whether there is a sentence of this id."""
        return id in self.catalogue

    def say(self, id: str, /, **values: object) -> str:
        """The sentence `id` with its values in place. KeyError when the book has none, or a value is missing."""
        if id not in self:
            raise KeyError(id)
        return self.vformat(self._words.gettext(id), (), values)

    def count(self, noun: str, number: int) -> str:
        """A whole number with its noun in the right form. KeyError when the book has no `count.noun`."""
        id = f"count.{noun}"
        if id not in self:
            raise KeyError(id)
        return self._words.ngettext(id, id, number).format(count=format_decimal(number, locale=self._babel))

    def command(self, path: str) -> str:
        """A command by its path of names, such as `prefer auto_dm`, as it is typed."""
        words = path.split()
        return "/" + " ".join(self.say(f"command.{'.'.join(words[: n + 1])}.name") for n in range(len(words)))

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """A value by its name in braces."""
        return self.command(key[1:]) if isinstance(key, str) and key.startswith("/") else kwargs[str(key)]

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as text; after a colon stands the noun that is counted, or the list of words that it is one of."""
        if not format_spec:
            return str(value)
        return self.say(f"{format_spec}.{value}") if isinstance(value, str) else self.count(format_spec, value)


@cache
def book(locale: str) -> Book:
    """The book for a reader's locale: that one, else one of the same language, else English. Each is read once."""
    if locale in LOCALES:
        return Book(locale)
    language = locale.partition("-")[0]
    return book(next((known for known in LOCALES if known.partition("-")[0] == language), DEFAULT_LOCALE))


def english(id: str) -> str:
    """A sentence without values in English, for what is declared before anybody asks, such as a command."""
    return book(DEFAULT_LOCALE).say(id)

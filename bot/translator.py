"""Commands in the reader's language: Discord shows names and descriptions by the book of the person who types."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Location

from contract.locales import DEFAULT_LOCALE, book


class BookTranslator(app_commands.Translator):
    """Looks a command's words up in the books, by the path of names that leads to it.

    `command.PATH` is what a command or group does, `option.PATH.OPTION` what an option is, `menu.NAME` an entry of the
    menu of messages, `choice.VALUE` a value to choose from; `.name` behind them is how it is called.
    """

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """The words of the book that a reader of `locale` gets; None where they get English for want of a book."""
        words = book(locale.value)
        if words.locale == DEFAULT_LOCALE != locale.value:
            return None
        return words.say(id_of(context.location, context.data, string.message))


def id_of(location: Location, data: Any, words: str) -> str:
    """The id of an entry: `data` is the command, group, option or choice that `words` belong to."""
    match location, data:
        case Location.command_name, app_commands.ContextMenu():
            return f"menu.{words.lower().replace(' ', '_')}"
        case Location.command_name | Location.group_name, _:
            return f"command.{_path(data)}.name"
        case Location.command_description | Location.group_description, _:
            return f"command.{_path(data)}"
        case Location.parameter_name, _:
            return f"option.{_path(data.command)}.{data.name}.name"
        case Location.parameter_description, _:
            return f"option.{_path(data.command)}.{data.name}"
        case Location.choice_name, _:
            return f"choice.{data.value}"
        case _:
            raise KeyError(words)


def _path(command: app_commands.Command[Any, ..., Any] | app_commands.Group) -> str:
    return command.qualified_name.replace(" ", ".")

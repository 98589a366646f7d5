"""Commands have their words in every book."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.features import FEATURES
from bot.translator import BookTranslator, id_of
from contract.locales import DEFAULT_LOCALE, LOCALES, book

NAME = re.compile(r"[-_'\w]{1,32}")
"""What Discord takes as the name of a command or option: letters of any script, in lower case where there is one."""

SECTIONS = ("command.", "option.", "menu.", "choice.")

Seen = tuple[app_commands.locale_str, discord.Locale, Any]


class Recorder(BookTranslator):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Seen] = []

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        self.asked.append((string, locale, context))
        return await super().translate(string, locale, context)


def described(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A command, its subcommands and their options, as Discord gets them."""
    yield document
    for option in document.get("options", ()):
        yield from described(option)


@pytest.fixture
async def registered() -> tuple[list[dict[str, Any]], list[Seen]]:
    """What is sent to Discord, and what the translator was asked for."""
    client = discord.Client(intents=discord.Intents.none())
    tree, recorder = app_commands.CommandTree(client), Recorder()
    for feature in FEATURES:
        for command in feature.commands:
            tree.add_command(command)
    documents = [await command.get_translated_payload(tree, recorder) for command in tree._get_all_commands()]
    return documents, recorder.asked


@pytest.mark.parametrize("locale", [*(locale for locale in LOCALES if locale != DEFAULT_LOCALE), "zh-TW"])
async def test_every_name_and_description_is_sent_in_every_language(
    registered: tuple[list[dict[str, Any]], list[Seen]], locale: str
) -> None:
    """Commands, groups, options; entries of the menu of messages have names alone.

    Who reads the book of a kindred language finds the commands as its sentences name them.
    """
    documents, _ = registered
    parts = [part for document in documents for part in described(document)]
    assert len(parts) >= 50
    for part in parts:
        name = part["name_localizations"][locale]
        if part.get("type") == 3 and "description" not in part:
            assert 1 <= len(name) <= 32
            continue
        assert NAME.fullmatch(name), name
        assert name == name.lower()
        assert part.get("description") is None or 1 <= len(part["description_localizations"][locale]) <= 100


async def test_no_two_commands_or_options_beside_each_other_are_called_alike(
    registered: tuple[list[dict[str, Any]], list[Seen]],
) -> None:
    """In any language."""
    documents, _ = registered
    for locale in LOCALES:
        for parts in (documents, *(part.get("options", ()) for document in documents for part in described(document))):
            names = [part["name_localizations"][locale] for part in parts]
            assert len(names) == len(set(names))


async def test_the_english_book_calls_everything_as_it_is_called(
    registered: tuple[list[dict[str, Any]], list[Seen]],
) -> None:
    """What other sentences say of a command is how it is typed, and what the code declares is what the book says."""
    documents, _ = registered
    for part in (part for document in documents for part in described(document)):
        assert part["name_localizations"][DEFAULT_LOCALE] == part["name"]
        if "description" in part:
            assert part["description_localizations"][DEFAULT_LOCALE] == part["description"]


async def test_the_books_know_no_command_that_does_not_exist(
    registered: tuple[list[dict[str, Any]], list[Seen]],
) -> None:
    """A command that goes takes its entries with it."""
    _, asked = registered
    used = {id_of(context.location, context.data, string.message) for string, _, context in asked}
    kept = {entry.id for entry in book(DEFAULT_LOCALE).catalogue if str(entry.id).startswith(SECTIONS)}
    assert kept == used

"""The commands, one file a family; the client adds those listed here."""

from __future__ import annotations

from typing import Any

from discord import app_commands

from bot.commands.imagine import imagine

COMMANDS: tuple[app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu, ...] = (imagine,)

"""The commands, one file a family; the client adds those listed here."""

from __future__ import annotations

from typing import Any

from discord import app_commands

from bot.commands.imagine import imagine, surprise
from bot.commands.information import help, info, userid
from bot.commands.jobs import cancel, history, queue, show
from bot.commands.server import server
from bot.commands.settings import fast, prefer, public, relax, settings, stealth, turbo
from bot.finished import end_by_menu, send_by_menu

COMMANDS: tuple[app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu, ...] = (
    imagine,  # first: a client takes the first command of the list for any name it does not know
    surprise,
    help,
    info,
    userid,
    settings,
    prefer,
    fast,
    relax,
    turbo,
    stealth,
    public,
    queue,
    cancel,
    history,
    show,
    server,
    app_commands.ContextMenu(name="Cancel Job", callback=end_by_menu),
    app_commands.ContextMenu(name="DM Results", callback=send_by_menu),
)

"""All that the bot can do, by name: what `bot.process` hands to the client."""

from __future__ import annotations

from discord import app_commands

from bot.client import Feature, Form
from bot.imagine.commands import imagine, surprise
from bot.information.commands import help, info, userid
from bot.jobs.commands import cancel, history, queue, show
from bot.preferences.commands import fast, prefer, public, relax, settings, stealth, turbo
from bot.preferences.panel import SettingsButton, VersionSelect
from bot.results.again import send_if_wanted
from bot.results.buttons import JobButton, PendingButton
from bot.results.reactions import end_by_menu, reacted, send_by_menu
from bot.results.remix import REMIX, remixed
from bot.server.commands import server

FEATURES = (
    # First, because a client takes the first command of the list for any name that it does not know.
    Feature(commands=(imagine, surprise), items=(PendingButton,)),
    Feature(commands=(help, info, userid)),
    Feature(commands=(settings, prefer, fast, relax, turbo, stealth, public), items=(SettingsButton, VersionSelect)),
    Feature(commands=(queue, cancel, history, show)),
    Feature(commands=(server,)),
    Feature(items=(JobButton,), forms=(Form(REMIX, remixed),)),
    Feature(
        commands=(
            app_commands.ContextMenu(name="Cancel Job", callback=end_by_menu),
            app_commands.ContextMenu(name="DM Results", callback=send_by_menu),
        ),
        reacted=reacted,
        finished=send_if_wanted,
    ),
)

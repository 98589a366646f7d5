"""All that the bot can do, by name: what `bot.process` hands to the client."""

from __future__ import annotations

from discord import app_commands

from bot.buttons import JobButton, PendingButton
from bot.client import Feature, Form
from bot.commands.imagine import imagine, surprise
from bot.commands.information import help, info, userid
from bot.commands.jobs import cancel, history, queue, show
from bot.commands.server import server
from bot.commands.settings import fast, prefer, public, relax, settings, stealth, turbo
from bot.finished import end_by_menu, reacted, send_by_menu
from bot.modals import REMIX, remixed
from bot.panel import SettingsButton, VersionSelect
from bot.reposting import send_if_wanted

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

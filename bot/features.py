"""All that the bot can do, by name: what `bot.process` hands to the client."""

from __future__ import annotations

from discord import app_commands

from bot.client import Feature
from bot.imagine.answers import ANSWERS
from bot.imagine.batch import CANCEL_BATCH
from bot.imagine.commands import imagine, surprise
from bot.information.commands import help, info, userid
from bot.information.forget import FORGET, forget
from bot.jobs.commands import HISTORY, QUEUE, cancel, history, queue
from bot.preferences.commands import MODES, OPTIONS, mode_command, prefer, settings
from bot.preferences.panel import SWITCHES, VERSIONS
from bot.results.again import send_if_wanted, show
from bot.results.buttons import BUTTONS
from bot.results.reactions import end_by_menu, reacted, send_by_menu
from bot.results.remix import REMIXED
from bot.server.commands import RULES, server

FEATURES = (
    # First, because a client takes the first command of the list for any name that it does not know.
    Feature(commands=(imagine, surprise), presses=(ANSWERS, CANCEL_BATCH)),
    Feature(commands=(help, info, userid, forget), presses=(FORGET,)),
    Feature(
        commands=(settings, prefer, *(mode_command(mode) for mode in MODES)),
        presses=(SWITCHES, VERSIONS, OPTIONS.route),
    ),
    Feature(commands=(queue, cancel, history), presses=(QUEUE.route, HISTORY.route)),
    Feature(commands=(server,), presses=(RULES.route,)),
    Feature(
        commands=(
            show,
            app_commands.ContextMenu(name="Cancel Job", callback=end_by_menu),
            app_commands.ContextMenu(name="DM Results", callback=send_by_menu),
        ),
        presses=(BUTTONS,),
        forms=(REMIXED,),
        reacted=reacted,
        drawn=send_if_wanted,
    ),
)

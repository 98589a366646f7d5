"""All that the bot can do, by name: what `bot.process` hands to the client."""

from __future__ import annotations

from discord import app_commands

from bot.announcing import KEPT
from bot.client import Feature
from bot.imagine.answers import ANSWERS
from bot.imagine.batch import CANCEL_BATCH
from bot.imagine.commands import imagine, sheet, styles, surprise
from bot.imagine.pictures import BLENDED, blend, edit
from bot.information.commands import SENTENCES, info, invite, userid
from bot.information.forget import FORGET, forget
from bot.information.help import HELP, help
from bot.jobs.commands import QUEUE, cancel, queue
from bot.jobs.family import ANCESTOR, FAMILY, PARENT, TREE, family, family_by_menu
from bot.jobs.history import FAVOURITES, HISTORY, history
from bot.preferences.commands import MODES, OPTIONS, mode_command, prefer, settings
from bot.preferences.panel import HELD, SAMPLERS, SWITCHES, VERSIONS
from bot.results.again import send_if_wanted, show
from bot.results.buttons import BUTTONS
from bot.results.reactions import end_by_menu, reacted, send_by_menu, unreacted
from bot.results.remix import REMIXED
from bot.reviews.appeals import APPEALED, PICTURE_APPEALED, WENT_ON, report_by_menu
from bot.reviews.cases import DECIDED
from bot.server.commands import RULES, server
from bot.texts.commands import describe, shorten

FEATURES = (
    # First, because a client takes the first command of the list for any name that it does not know.
    Feature(
        commands=(imagine, blend, edit, sheet, styles, surprise), presses=(ANSWERS, CANCEL_BATCH), forms=(BLENDED,)
    ),
    Feature(commands=(describe, shorten)),
    Feature(commands=(help, info, invite, userid, forget, *SENTENCES), presses=(HELP, FORGET)),
    Feature(
        commands=(settings, prefer, *(mode_command(mode) for mode in MODES)),
        presses=(SWITCHES, VERSIONS, SAMPLERS, HELD, OPTIONS.route),
    ),
    Feature(
        commands=(
            queue,
            cancel,
            history,
            family,
            app_commands.ContextMenu(name="Family Tree", callback=family_by_menu),
        ),
        # 🌳 and ↩️ ask Discord for messages, so they have answers of their own, before that of other buttons of results.
        presses=(QUEUE.route, HISTORY.route, FAVOURITES.route, FAMILY, PARENT, ANCESTOR, TREE),
    ),
    Feature(commands=(server,), presses=(RULES.route, KEPT)),
    Feature(presses=(WENT_ON, APPEALED, PICTURE_APPEALED, DECIDED)),
    Feature(
        commands=(
            show,
            app_commands.ContextMenu(name="Cancel Job", callback=end_by_menu),
            app_commands.ContextMenu(name="DM Results", callback=send_by_menu),
            app_commands.ContextMenu(name="Report Job", callback=report_by_menu),
        ),
        presses=(BUTTONS,),
        forms=(REMIXED,),
        reacted=reacted,
        unreacted=unreacted,
        drawn=send_if_wanted,
    ),
)

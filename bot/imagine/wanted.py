"""What somebody wants is started: one job at once, many after a question."""

from __future__ import annotations

from collections.abc import Sequence

from bot.calls import Call
from bot.imagine.questions import question
from bot.waiting.submission import submit
from service.accepting import ask_first
from service.wishes import Wish


async def start(call: Call, wanted: Wish, *, remarks: Sequence[str] = ()) -> None:
    """Answer with the waiting message of the job that is wanted, or ask first when it is many.

    `remarks` are lines in small print. UserError when the gate or a limit says no.
    """
    if wanted.confirm:
        embed, rows = question(call.words, await ask_first(call.services, call.asker, wanted.jobs), wanted.expansions)
        await call.say(embed=embed, rows=rows, ephemeral=False)
    else:
        await submit(call, wanted.jobs[0], remarks=remarks)

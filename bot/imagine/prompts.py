"""What a typed prompt leads to: a waiting message, a question first when it is many jobs, or a refusal that helps."""

from __future__ import annotations

from bot.calls import Call
from bot.imagine.wanted import start
from contract.actions import Button, ButtonStyle
from contract.errors import UserError
from contract.prompt import PromptError
from service.accepting import keep_correction
from service.profiles import profile_of
from service.wishes import wish


async def imagine_text(call: Call, text: str) -> None:
    """What `/imagine` does with its prompt, and what everything does that ends in a typed prompt.

    UserError when the channel, the prompt or the model does not allow it; a prompt with one obvious correction is
    refused here, with a button that runs the correction.
    """
    call.typed = f"/imagine {text}"
    call.check_channel()
    profile = await profile_of(call.services, call.asker)
    try:
        wanted = wish(text, call.asker, profile, call.services.catalogue)
    except PromptError as error:
        await call.refuse(error, rows=await _correction(call, error))
        return
    await start(call, wanted, remark=wanted.remark)


async def _correction(call: Call, error: PromptError) -> list[list[Button]]:
    """The button that runs the corrected prompt, when there is one obvious correction and the queue can remember it."""
    if error.suggestion is None:
        return []
    try:
        token = await keep_correction(call.services, call.asker, error.suggestion)
    except UserError:
        return []
    return [[Button(f"Easel::Pending::run::{token}", "Run corrected prompt", style=ButtonStyle.SUCCESS)]]

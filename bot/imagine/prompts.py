"""What a typed prompt leads to: a waiting message, a question first when it is many jobs, or a refusal that helps."""

from __future__ import annotations

from bot.calls import Call
from bot.imagine.wanted import start
from contract.actions import Button, ButtonStyle
from contract.errors import UserError
from contract.prompt import Context, PromptError, without
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
    except UserError as error:
        await call.refuse(error, rows=await _ways_out(call, text, error, profile.context()))
        return
    await start(call, wanted, remark=wanted.remark)


async def _ways_out(call: Call, text: str, error: UserError, context: Context) -> list[list[Button]]:
    """A button that runs the prompt otherwise, when there is one obvious way and the queue can remember it."""
    if isinstance(error, PromptError):
        label, prompt = "prompt.run_corrected", error.suggestion
    else:  # what was typed is right, and no model here does it
        label, prompt = "prompt.run_without", without(text, str(error.values.get("field", "")), context)
    if prompt is None:
        return []
    try:
        token = await keep_correction(call.services, call.asker, prompt)
    except UserError:
        return []
    return [[Button(f"Easel::Pending::run::{token}", call.words.say(label), style=ButtonStyle.SUCCESS)]]

"""What a typed prompt leads to: a waiting message, a question first when it is many jobs, or a refusal that helps."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import structlog

from bot.calls import Call
from bot.imagine.wanted import start
from bot.waiting.submission import submit
from contract.actions import Button, ButtonStyle
from contract.errors import UserError
from contract.jobs import Request
from contract.kinds.imagine import Imagine
from contract.kinds.sheet import Drafts
from contract.kinds.styles import Styles
from contract.prompt import Context, Prompt, PromptError, without
from service.accepting import keep_correction
from service.profiles import Profile, keep_style, profile_of
from service.texts import analysis
from service.wishes import wish

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REQUESTS: Mapping[str, Request] = MappingProxyType(
    {"imagine": Imagine(), "blend": Imagine(), "edit": Imagine(), "sheet": Drafts(), "styles": Styles()}
)
"""What each command makes of a prompt."""

SHORTEN = "shorten"
_OWN_RULES = ("blend", "edit")
"""Commands whose prompts are read by rules of their own (`contract.prompt.Context`)."""


async def imagine_text(call: Call, text: str, command: str = "imagine") -> None:
    """What `/imagine`, or another command of `REQUESTS`, does with its prompt, and what everything does that ends in a
    typed prompt.

    UserError when the channel, the prompt or the model does not allow it; a prompt with one obvious correction is
    refused here, with a button that runs the correction.
    """
    call.typed = f"/{command} {text}"
    call.check_channel()
    profile = await profile_of(call.services, call.asker)
    rules = command if command in _OWN_RULES else "imagine"
    try:
        wanted = wish(text, call.asker, profile, call.services.catalogue, REQUESTS[command], rules)
    except UserError as error:
        await _refuse(call, command, text, error, profile.context(rules))
        return
    await start(call, wanted, remarks=wanted.remarks)
    call.services.background.start(_keep_style(call, profile, wanted.jobs[0].prompt))


async def shorten_text(call: Call, text: str) -> None:
    """What `/shorten` does with its prompt: the same, but that its words are weighed."""
    call.typed = f"/{SHORTEN} {text}"
    call.check_channel()
    profile = await profile_of(call.services, call.asker)
    try:
        job = analysis(text, call.asker, profile, call.services.catalogue)
    except UserError as error:
        await _refuse(call, SHORTEN, text, error, profile.context(SHORTEN))
        return
    await submit(call, job)


async def _refuse(call: Call, command: str, text: str, error: UserError, context: Context) -> None:
    """Say why not, with a button that runs what would go."""
    label, prompt = _way_out(text, error, context)
    rows = [] if prompt is None else await _button(call, command, label, prompt)
    await call.refuse(error, rows=rows, instead=prompt if rows else None)


async def _keep_style(call: Call, profile: Profile, prompt: Prompt) -> None:
    """Sticky Style, once the prompt is on its way. A Redis that does not answer loses a habit, not a picture."""
    try:
        await keep_style(call.services, call.asker, profile, prompt)
    except UserError as error:
        log.warning("a style could not be kept", kind=error.kind)


def _way_out(text: str, error: UserError, context: Context) -> tuple[str, str | None]:
    """What a button under a refusal says, and the prompt that it runs, when there is one obvious way."""
    if isinstance(error, PromptError):
        return "prompt.run_corrected", error.suggestion
    # what was typed is right, and no model here does it
    return "prompt.run_without", without(text, str(error.values.get("field", "")), context)


async def _button(call: Call, command: str, label: str, prompt: str) -> list[list[Button]]:
    """It runs the prompt; none when the queue cannot remember it."""
    try:
        token = await keep_correction(call.services, call.asker, prompt, command)
    except UserError:
        return []
    return [[Button(f"Easel::Pending::run::{token}", call.words.say(label), style=ButtonStyle.SUCCESS)]]

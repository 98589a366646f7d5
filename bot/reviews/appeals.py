"""What people do about a refusal: go on, when they were only asked; appeal; and report what others made."""

from __future__ import annotations

import re

import discord

from bot.calls import Call, answered
from bot.client import Route
from bot.imagine.wanted import start
from bot.results.posted import button_under, owner_of, posted_of
from bot.reviews.cases import put_before
from contract.errors import UserError
from contract.ids import parse_job_id
from contract.kinds.numbered import texts_in
from contract.messages import NOTICE_COLOUR, Embed, bold_prompt
from exchange.queue import MessageRef
from service.accepting import Objection, taken
from service.reviews import appeal_picture, appeal_prompt, report
from service.wishes import Wish


@answered()
async def _went_on(call: Call, found: re.Match[str]) -> None:
    """The person was asked whether they mean it, and does."""
    async with taken(call.services, call.asker, found["token"]) as held:
        if not isinstance(held, Objection) or held.review_channel is not None:
            raise UserError("request_expired")
        call.means_it()
        await start(call, Wish(held.jobs, confirm=len(held.jobs) > 1))


@answered()
async def _appealed(call: Call, found: re.Match[str]) -> None:
    """Against the refusal of a prompt."""
    case = await appeal_prompt(call.services, call.asker, found["token"])
    await put_before(call.client, case, call.words)
    await call.update(embed=Embed(call.words.say("prompt.appeal"), call.words.say("appeal.sent"), NOTICE_COLOUR))


@answered()
async def _picture_appealed(call: Call, found: re.Match[str]) -> None:
    """Against the refusal of a picture; the message that told of it loses its button."""
    case = await appeal_picture(call.services, call.asker, parse_job_id(found["job"]))
    await put_before(call.client, case, call.words)
    await call.take_buttons()


@answered(deferred=True)
async def report_by_menu(call: Call, message: discord.Message) -> None:
    """Apps → Report Job."""
    if not call.is_ours(message):
        raise UserError("no_job_here")
    case = await report(
        call.services,
        call.asker,
        button_under(message).job,
        owner=owner_of(message) or 0,
        prompt=bold_prompt(message.content) or "\n".join(texts_in(posted_of(message).texts or "")),
        message=MessageRef(message.channel.id, message.id),
    )
    await put_before(call.client, case, call.words)
    await call.say(call.words.say("report.sent"))


WENT_ON = Route(re.compile(r"MJ::Prompts::Appeal::(?P<token>[0-9a-f]{16})"), _went_on)
APPEALED = Route(re.compile(r"Easel::Appeal::prompt::(?P<token>[0-9a-f]{16})"), _appealed)
PICTURE_APPEALED = Route(re.compile(r"Easel::Appeal::picture::(?P<job>[0-9a-f-]{36})"), _picture_appealed)

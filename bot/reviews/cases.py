"""A case before moderators: its message in the review channel, and the buttons under it."""

from __future__ import annotations

import asyncio
import io
import re

import discord
import structlog

from bot import limits
from bot.answering import NETWORK_ERRORS
from bot.calls import Call, answered
from bot.client import EaselClient, Route
from bot.rendering import embed_of, message_link, view_of
from contract.actions import Button, ButtonStyle
from contract.errors import EaselError, UserError
from contract.locales import Book, book
from contract.messages import NOTICE_COLOUR, Embed
from service.reviews import Case, CaseKind, Decision, decide, withdraw

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_STYLES = {
    Decision.ALLOW: ButtonStyle.SUCCESS,
    Decision.REMOVE: ButtonStyle.DANGER,
    Decision.TIME_OUT: ButtonStyle.DANGER,
}
_PICTURES = 4


async def put_before(client: EaselClient, case: Case, words: Book) -> None:
    """Post a case in its review channel, with what it is about as hidden pictures. UserError `no_review_channel` when
    the bot cannot post there."""
    channel = client.get_partial_messageable(case.review_channel)
    files = await asyncio.to_thread(_files, client, case)
    try:
        await channel.send(embed=embed_of(_embed(words, case)), view=view_of(_buttons(words, case)), files=files)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.warning("a case could not be put before moderators", channel_id=case.review_channel, error=str(error))
        await withdraw(client.services, case)
        raise UserError("no_review_channel") from error


@answered()
async def _decided(call: Call, found: re.Match[str]) -> None:
    decision = Decision(found["decision"])
    case = await decide(call.services, call.asker, found["token"], decision)
    words = call.words
    what = words.say(f"review.{decision}")
    verdict = words.say("review.decided", what=what, moderator=call.asker.user.id)
    shown = _embed(words, case)
    await call.update(embed=Embed(shown.title, f"{shown.description}\n\n{verdict}", NOTICE_COLOUR))
    if decision is Decision.ALLOW:
        call.services.background.start(call.client.batches.visit(case.token))
    if decision in (Decision.REMOVE, Decision.TIME_OUT) and case.message is not None:
        call.services.background.start(_delete(call.client, case))
    if case.kind is not CaseKind.REPORT:
        call.services.background.start(_tell(call.client, case, decision))


DECIDED = Route(
    re.compile(r"Easel::Review::(?P<decision>allow|uphold|remove|dismiss|time_out)::(?P<token>[0-9a-f]{16})"), _decided
)


def _embed(words: Book, case: Case) -> Embed:
    where = f"<#{case.place.channel_id}>"
    if case.message is not None:
        where = message_link(case.place.guild_id, case.message.channel_id, case.message.message_id)
    body = words.say(
        "review.body",
        user=case.user.id,
        where=where,
        rule=f"`{case.rule}`" if case.rule else "-",
        prompt=limits.fit(discord.utils.escape_markdown(case.prompt), limits.CONTENT),
    )
    if case.reporter is not None:
        body += "\n" + words.say("review.reported", reporter=case.reporter)
    return Embed(words.say(f"review.{case.kind}"), body, NOTICE_COLOUR)


def _buttons(words: Book, case: Case) -> list[list[Button]]:
    return [
        [
            Button(
                f"Easel::Review::{decision}::{case.token}",
                words.say(f"review.{decision}"),
                style=_STYLES.get(decision, ButtonStyle.SECONDARY),
            )
            for decision in case.decisions
        ]
    ]


def _files(client: EaselClient, case: Case) -> list[discord.File]:
    """What a case is about, hidden until a moderator looks: what was withheld of it, else what is kept of it."""
    if case.job_id is None:
        return []
    images, files = client.services.images, list[discord.File]()
    for index in range(_PICTURES):
        try:
            data = images.get_input(case.job_id, f"withheld/{index}") or images.get_image(case.job_id, index)
        except EaselError as error:
            log.warning("a picture of a case cannot be read", job_id=case.job_id, error=str(error))
            return files
        if data is not None:
            files.append(discord.File(io.BytesIO(data), f"{case.job_id}_{index}.png", spoiler=True))
    return files


async def _delete(client: EaselClient, case: Case) -> None:
    assert case.message is not None
    channel = client.get_partial_messageable(case.message.channel_id)
    try:
        await channel.get_partial_message(case.message.message_id).delete()
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.warning("a reported message could not be deleted", error=str(error))


async def _tell(client: EaselClient, case: Case, decision: Decision) -> None:
    """A direct message about an appeal: its own answer was for the person alone, and is gone."""
    words = book(case.jobs[0].locale)
    prompt = discord.utils.escape_markdown(limits.fit(case.prompt, limits.CONTENT // 2))
    said = words.say("appeal.allowed" if decision is Decision.ALLOW else "appeal.upheld", prompt=prompt)
    try:
        await (await client.create_dm(discord.Object(case.user.id))).send(said)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a decision could not be told", user_id=str(case.user.id), error=str(error))

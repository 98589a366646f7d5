"""Every button that makes a job of another, and a result that it stands under: what the tables of tests walk."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.rendering import embed_of, view_of
from contract import messages
from contract.actions import Action, Button, Menu, Under, custom_id
from contract.jobs import Job, Request
from contract.kinds import KINDS
from contract.lineage import caption
from service.services import Services
from tests.bot.delivered import store_record
from tests.contract.factories import imagine, press, upscale
from tests.contract.kinds.examples import EXAMPLES

OLDER = upscale(imagine("a fox --v 5.2"), 0, press())
"""Of a version that had other upscales."""


def _parents() -> dict[Action, Job]:
    """For each button about a job that makes another, a result that it stands under."""
    found: dict[Action, Job] = {}
    for job in (*EXAMPLES.values(), OLDER):
        for action in Action:
            row = action.value
            if row.makes is not None and "{job}" in row.pattern and is_shown(action, job):
                found.setdefault(action, job)
    return found


def is_shown(action: Action, job: Job) -> bool:
    """Whether the button stands under the result of a job."""
    return button_id(action, job) in {part.custom_id for row in messages.result_buttons(job) for part in row}


def button_id(action: Action, job: Job) -> str:
    """Its custom_id, about the first picture."""
    return custom_id(action, 0 if action.about_one_picture else None, job.id)


def _texts() -> dict[Action, tuple[Job, tuple[str, ...]]]:
    """For each button under texts that makes a job, a job that it stands under, and what that said."""
    rows = {Under.DESCRIPTION: EXAMPLES["description"], Under.ANALYSIS: EXAMPLES["shortened prompt"]}
    said = ("a red fox --ar 3:2", "a fox in the snow --ar 3:2")
    return {
        action: (rows[action.value.under], said)
        for action in Action
        if action.value.makes is not None and "{job}" not in action.value.pattern and action.value.under in rows
    }


PARENTS = _parents()
TEXTS = _texts()
FORMS = [action for action in PARENTS if action.value.form is not None]


def kind_of(action: Action) -> type[Request]:
    """What kind of job it makes."""
    return KINDS.get(action.value.makes or "", type(PARENTS[action].request))


def called(action: Action) -> str:
    """The name of its tests."""
    return action.name.lower()


@dataclass(frozen=True)
class World:
    """Alice has Remix on. What may not change is what Redis held before she pressed."""

    env: Env
    services: Services
    store: redis.asyncio.Redis
    channel: ChannelHandle
    alice: MemberActor
    bob: MemberActor

    async def post(self, action: Action, job: Job, *, kept: bool = True) -> discord.Message:
        """The message of `job` with this button under it, whether it would be shown there or not. `kept`: there is a
        record of it, and the message says where it comes from."""
        if kept:
            store_record(self.services, job)
        id = button_id(action, job)
        part = Menu(id, "Choose", job.request.options) if action.value.menu else Button(id, "Press")
        file = discord.File(io.BytesIO(b"no picture"), "a.png", description=caption(job) if kept else None)
        target = self.env.bot.get_partial_messageable(self.channel.id)
        return await target.send(messages.result(job), file=file, view=view_of([[part]]))

    async def post_texts(self, action: Action, texts: Sequence[str] | None = None, number: int = 0) -> discord.Message:
        """A message of texts, as `TEXTS` has it or others, with this button under it, about the text `number`."""
        job, said = TEXTS[action]
        said = said if texts is None else tuple(texts)
        embeds = [embed_of(messages.told(job, said, [0.5] * 6, "https://example.org/a.png"))] if said else []
        part = Button(custom_id(action, number if action.about_one_text else None, None), "Press")
        target = self.env.bot.get_partial_messageable(self.channel.id)
        return await target.send("texts", embeds=embeds, view=view_of([[part]]))

    async def press(self, action: Action, message: discord.Message) -> InteractionResult:
        """What alice gets for pressing it, or for choosing the first of its menu."""
        return await (self.alice.select(message, ["1"]) if action.value.menu else self.alice.click(message))

    async def open(self, action: Action) -> InteractionResult:
        """The form that it opens."""
        shown = await self.press(action, await self.post(action, PARENTS[action]))
        assert shown.modal is not None
        return shown

    async def send(self, action: Action, shown: InteractionResult, words: str, **more: Any) -> InteractionResult:
        """What alice gets for sending the form with these words in it."""
        form = action.value.form
        assert form is not None
        where = {"cells": ["6", "7"], "how": "strong"} if form.asks_where else {}
        return await self.alice.submit_modal(shown, {form.field: words} | where | more)

    async def held(self) -> dict[str, bytes | None]:
        """All that Redis holds, but for which forms were opened and which prompts were corrected."""
        passing = (b"easel:form:", b"easel:pending:")
        keys = [key async for key in self.store.scan_iter() if not key.startswith(passing)]
        return {key.decode(): await self.store.dump(key) for key in keys}

    async def refused(self, result: InteractionResult, before: dict[str, bytes | None], *words: str) -> None:
        """A red sentence with these words, and no job, no usage, no history, nothing else that was not there before."""
        assert result.modal is None
        assert result.response is not None
        [embed] = result.response.embeds
        assert embed.colour is not None
        assert embed.colour.value == messages.REFUSAL_COLOUR
        for word in words:
            assert word in (embed.description or "")
        assert await self.held() == before

"""One command, press or form, and its answer. Discord's interaction goes no further than this file."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from enum import Enum
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec

import discord
import structlog
from discord import app_commands

from bot import limits
from bot.answering import NETWORK_ERRORS, explain, is_refusal, refuse
from bot.askers import asker_of
from bot.client import EaselClient, Interaction
from bot.permissions import missing_permissions
from bot.rendering import code, embed_of, view_of
from bot.results.posted import posted_of
from contract.actions import Button, Menu
from contract.errors import UserError
from contract.events import Refused, Stage
from contract.jobs import channel_of
from contract.locales import Book, book
from contract.messages import Embed
from exchange.observing import timed
from exchange.queue import MessageRef
from service.asker import Asker
from service.budget import budget
from service.follow_ups import Posted
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

BUDGET_S = 2.3
"""How long a command may take before its answer, of Discord's three seconds: the answer has to arrive as well."""

DEFERRED_S = 10.0
"""How long one may take that has said already that it is at work."""

P = ParamSpec("P")


class Fate(Enum):
    """What became of an answer."""

    STANDS = "stands"
    MISSING = "missing"
    """There is none: it came too late, or was deleted at once."""
    REFUSED = "refused"
    """Discord does not take it: the thread is locked, AutoMod stands in the way."""
    UNKNOWN = "unknown"


class Call:
    """Who asks, and every way to answer. `typed` is what a refusal repeats in its footer, such as `/imagine a fox`."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self.client: EaselClient = interaction.client
        self.services: Services = interaction.client.services
        self.typed: str | None = None

    # ── what was asked ──────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def asker(self) -> Asker:
        """The person, the place and the moment. UserError when Discord does not say where."""
        return asker_of(self._interaction)

    def means_it(self) -> None:
        """The person was asked whether they mean it, and goes on."""
        self.asker = replace(self.asker, means_it=True)

    @property
    def words(self) -> Book:
        """The book of the person's language."""
        return book(str(self._interaction.locale))

    @property
    def message(self) -> discord.Message | None:
        """The message under which was pressed."""
        return self._interaction.message

    @property
    def posted(self) -> Posted | None:
        """What stands in that message; None when there is none, or the bot has not written it."""
        message = self.message
        if message is None or not self.is_ours(message):
            return None
        return posted_of(message)

    @property
    def chosen(self) -> Sequence[str]:
        """What was chosen in a menu."""
        return [str(value) for value in self._data.get("values", ())]

    def field(self, custom_id: str) -> str:
        """The text of one field of a form, old style (rows) or new (labels); empty when it is not there."""
        for row in self._data.get("components", ()):
            for component in row.get("components") or [row.get("component") or {}]:
                if component.get("custom_id") == custom_id:
                    return str(component.get("value", ""))
        return ""

    def choices(self, custom_id: str) -> Sequence[str]:
        """What was chosen in one field of a form."""
        for row in self._data.get("components", ()):
            component = row.get("component") or {}
            if component.get("custom_id") == custom_id:
                values = component.get("values") or [component.get("value")]
                return [str(value) for value in values if value is not None]
        return ()

    def files(self, custom_id: str) -> Sequence[dict[str, Any]]:
        """All files that were uploaded in one field of a form, as Discord describes them."""
        sent = self._data.get("resolved", {}).get("attachments", {})
        return [sent[id] for id in self.choices(custom_id) if id in sent]

    def is_ours(self, message: discord.Message) -> bool:
        """Whether this bot wrote `message`."""
        me = self.client.user
        return me is not None and message.author.id == me.id

    def check_channel(self) -> None:
        """UserError `no_permission` when the bot cannot post a picture as a reply in this channel."""
        interaction = self._interaction
        if interaction.guild_id is None:
            return
        in_thread = isinstance(interaction.channel, discord.Thread)
        missing = missing_permissions(interaction.app_permissions, in_thread=in_thread)
        if missing:
            raise UserError("no_permission", permissions=", ".join(self.words.say(f"permission.{n}") for n in missing))

    # ── its answer ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def say(
        self,
        content: str | None = None,
        *,
        embed: Embed | None = None,
        rows: Iterable[Iterable[Button | Menu]] = (),
        view: discord.ui.View | None = None,
        files: Sequence[discord.File] = (),
        ephemeral: bool = True,
    ) -> None:
        """Answer, or fill the deferred answer. `view` is for what no rows of buttons can say. Links do not unfurl."""
        response = self._interaction.response
        view = view or view_of(rows)
        text = content and limits.fit(content)
        embeds = [] if embed is None else [embed_of(embed)]
        if response.is_done():
            await self._interaction.edit_original_response(content=text, embeds=embeds, view=view, attachments=files)
        else:
            quiet = ephemeral and embed is None
            await response.send_message(
                text, embeds=embeds, view=view, files=files, ephemeral=ephemeral, suppress_embeds=quiet
            )

    async def update(
        self,
        content: str | None = None,
        *,
        embed: Embed | None = None,
        rows: Iterable[Iterable[Button | Menu]] = (),
        view: discord.ui.View | None = None,
        files: Sequence[discord.File] = (),
    ) -> None:
        """Answer a press by changing the message under which it was made: text or embed, files, and all its buttons."""
        await self._interaction.response.edit_message(
            content=content and limits.fit(content),
            embeds=[] if embed is None else [embed_of(embed)],
            view=view or view_of(rows),
            attachments=list(files),
        )

    async def update_again(self, *, embed: Embed) -> None:
        """Change that message once more after `update`."""
        await self._interaction.edit_original_response(embed=embed_of(embed))

    async def take_buttons(self) -> None:
        """Answer a press by taking the buttons off the message under which it was made."""
        await self._interaction.response.edit_message(view=None)

    async def take_away(self) -> None:
        """Delete the deferred answer: what was asked for stands in a message of its own."""
        await self._interaction.delete_original_response()

    async def ask(self, form: discord.ui.Modal) -> None:
        """Answer with a form."""
        form.stop()  # so that discord.py does not keep it: what is sent is found by its custom_id
        await self._interaction.response.send_modal(form)

    async def refuse(
        self, error: UserError, *, rows: Iterable[Iterable[Button | Menu]] = (), instead: str | None = None
    ) -> None:
        """Say why not, with buttons that may help. `instead` is the prompt that the first of them runs."""
        self._interaction.client.services.observe(Refused(self._interaction.user.id, error.kind))
        below = None
        if instead is not None:
            below = self.words.say("prompt.instead"), f"`{code(instead, limits.EMBED_FIELD - 2)}`"
        await refuse(self._interaction, error, command=self.typed, rows=rows, below=below)

    async def post(
        self, content: str, *, embed: Embed | None, rows: Iterable[Iterable[Button | Menu]]
    ) -> tuple[Fate, MessageRef | None]:
        """Answer for all to see, and find out which message that is, and whether there is one."""
        refused = False
        interaction, channel_id = self._interaction, channel_of(self.asker.destination).channel_id
        embeds, view = [] if embed is None else [embed_of(embed)], view_of(rows)
        try:
            if interaction.response.is_done():
                message = await interaction.edit_original_response(content=content, embeds=embeds, view=view)
                return Fate.STANDS, MessageRef(channel_id, message.id)
            response = await interaction.response.send_message(content, embeds=embeds, view=view)
            if response.message_id is not None:
                return Fate.STANDS, MessageRef(channel_id, response.message_id)
        except (discord.HTTPException, discord.InteractionResponded, *NETWORK_ERRORS) as error:
            # A retry inside the library can meet "already acknowledged" or "unknown" although the first try arrived.
            log.warning("the answer was not taken", error=type(error).__name__, code=getattr(error, "code", None))
            refused = is_refusal(error)
        try:
            message = await interaction.original_response()
        except discord.NotFound:
            return Fate.REFUSED if refused else Fate.MISSING, None
        except (discord.HTTPException, discord.ClientException, *NETWORK_ERRORS):
            return Fate.UNKNOWN, None
        return Fate.STANDS, MessageRef(channel_id, message.id)

    @property
    def _data(self) -> dict[str, Any]:
        return dict(self._interaction.data or {})


def answered(
    *, ephemeral: bool = True, deferred: bool = False
) -> Callable[
    [Callable[Concatenate[Call, P], Awaitable[None]]], Callable[Concatenate[Interaction, P], Coroutine[Any, Any, None]]
]:
    """A command, press or form that always gets an answer, in time and in its turn, whatever goes wrong in it.

    `ephemeral`: a refusal is for the caller only. `deferred`: Discord is told at once that the answer takes longer.
    """

    def decorate(
        answer: Callable[Concatenate[Call, P], Awaitable[None]],
    ) -> Callable[Concatenate[Interaction, P], Coroutine[Any, Any, None]]:
        @wraps(answer)
        async def run(interaction: Interaction, /, *args: P.args, **kwargs: P.kwargs) -> None:
            call = Call(interaction)
            with structlog.contextvars.bound_contextvars(interaction_id=str(interaction.id)):
                observe = interaction.client.services.observe
                try:
                    if deferred:
                        with timed(observe, Stage.ACKNOWLEDGE):
                            await interaction.response.defer(ephemeral=ephemeral, thinking=True)
                        with budget(DEFERRED_S):
                            await answer(call, *args, **kwargs)
                    else:
                        with timed(observe, Stage.ACKNOWLEDGE), budget(BUDGET_S):
                            async with call.client.turns:
                                await answer(call, *args, **kwargs)
                except Exception as error:
                    await explain(interaction, error, observe, command=call.typed, ephemeral=ephemeral)

        # The library reads a command's options from its annotations, by names of the module that the command is in.
        run.__signature__ = inspect.signature(answer, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


def suggested(
    suggest: Callable[[Call, str], Awaitable[Iterable[tuple[str, str]]]],
) -> Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]:
    """Suggestions for an option, from (what is shown, what it stands for). None where they cannot be had: they are a
    convenience, and without them the value can still be typed."""

    @wraps(suggest)
    async def run(interaction: Interaction, current: str, /) -> list[app_commands.Choice[str]]:
        try:
            with budget(BUDGET_S):
                found = await suggest(Call(interaction), current)
        except UserError as error:
            log.info("no suggestions", kind=error.kind)
            return []
        short = [(name, value) for name, value in found if len(value) <= limits.CHOICE]
        return [
            app_commands.Choice(name=limits.fit(name, limits.CHOICE), value=value)
            for name, value in short[: limits.CHOICES]
        ]

    return run

"""The discord.py client. It knows no feature: what it can do is handed to it as `Feature` values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import discord
import redis.exceptions
import structlog
from discord import app_commands

from bot.answering import explain
from bot.edits import ChannelEdits
from bot.journal import Journal
from bot.results.colours import ButtonColours
from bot.translator import BookTranslator
from bot.waiting.batches import BatchMessages
from bot.waiting.messages import WaitingMessages
from contract.errors import EaselError, UserError
from contract.ids import JobId
from contract.outcomes import JobState
from exchange.progress import Progress
from exchange.throttling import heard_by
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Command: TypeAlias = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu

ENTRY_POINT, ENTRY_POINT_LEFT_OUT = 4, 50240
"""Discord's type of the command that launches an activity, and its code for a list of commands that lacks it."""

AT_ONCE = 64
"""Commands and presses that are worked on at a time. An answer takes a fifth of a second on its way to Discord and
back, so this many keep up with three hundred a second."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a press or a form goes: `template` is that of its custom_id, which says what it is about."""

    template: re.Pattern[str]
    handle: Callable[[Interaction, re.Match[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Feature:
    """What one feature adds to the bot. Nothing is kept in memory for it: all of it works after a restart.

    `presses` are buttons and menus, `forms` what was typed into them; the first that fits gets it. `reacted` hears of
    every reaction, `unreacted` of those that are taken back, `drawn` of every job that was drawn.
    """

    commands: tuple[Command, ...] = ()
    presses: tuple[Route, ...] = ()
    forms: tuple[Route, ...] = ()
    reacted: Callable[[EaselClient, discord.RawReactionActionEvent], Awaitable[None]] | None = None
    unreacted: Callable[[EaselClient, discord.RawReactionActionEvent], Awaitable[None]] | None = None
    drawn: Callable[[EaselClient, JobId], Coroutine[Any, Any, None]] | None = None


class EaselClient(discord.AutoShardedClient):
    """One bot process. It keeps nothing that it could not do without: another one can take over at any time.

    `cancel_button` says whether waiting messages carry one; `journal` may know those of an earlier process.
    """

    def __init__(
        self,
        services: Services,
        features: Sequence[Feature],
        *,
        cancel_button: bool = True,
        edits: ChannelEdits | None = None,
        journal: Journal | None = None,
        shard_ids: list[int] | None = None,
        shard_count: int | None = None,
    ) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_reactions=True, dm_reactions=True),
            # Prompts may name anybody, so nothing that is posted here pings, not even by an oversight in one command.
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=30.0,
            shard_ids=shard_ids,  # type: ignore[arg-type]  # None is what the library itself takes for "all"
            shard_count=shard_count,
            http_trace=heard_by(services.observe),
        )
        self.services = services
        self.cancel_button = cancel_button
        self._features = features
        self.edits = edits or ChannelEdits()
        journal = journal or Journal()
        self.waiting = WaitingMessages(services.queue, self, self.edits, is_ours=self.serves, journal=journal)
        self.batches = BatchMessages(
            services, self, self.edits, self.waiting, cancel_button=cancel_button, is_ours=self.serves, journal=journal
        )
        self.colours = ButtonColours(self, self.edits)
        self.tree = Tree(self)
        # Under a burst the first in line get their answers, instead of all getting theirs too late together.
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.connected = asyncio.Event()

    async def setup_hook(self) -> None:
        """Register the commands, and tell Discord of them."""
        for feature in self._features:
            for command in feature.commands:
                self.tree.add_command(command)
        await self.tree.set_translator(BookTranslator())
        await self.tree.sync()
        await self.waiting.recall()

    async def follow(self, events: AsyncIterable[Progress]) -> None:
        """Turn progress into edits of waiting messages, and tell the features of jobs that are drawn."""
        async for event in events:
            try:
                await self.waiting.hear(event)
            except (redis.exceptions.RedisError, EaselError) as error:
                log.warning("progress of a job could not be placed", job_id=event.job_id, error=str(error))
            if event.state is JobState.RENDERED:
                for feature in self._features:
                    if feature.drawn is not None:
                        self.services.background.start(feature.drawn(self, event.job_id))

    def serves(self, guild_id: int | None) -> bool:
        """Whether a guild (None: direct messages) belongs to a shard of this process."""
        if self.shard_ids is None or not self.shard_count:
            return True
        return (0 if guild_id is None else (guild_id >> 22) % self.shard_count) in self.shard_ids

    async def on_connect(self) -> None:
        """The gateway is open and the commands are known: presses and commands are answered from here on."""
        self.connected.set()

    async def on_interaction(self, interaction: Interaction) -> None:
        """Presses and forms go where their custom_id says; the library keeps none in memory."""
        match interaction.type:
            case discord.InteractionType.component:
                routes = [route for feature in self._features for route in feature.presses]
            case discord.InteractionType.modal_submit:
                routes = [route for feature in self._features for route in feature.forms]
            case _:
                return
        data: dict[str, Any] = dict(interaction.data or {})
        custom_id = str(data.get("custom_id", ""))
        for route in routes:
            if found := route.template.fullmatch(custom_id):
                await route.handle(interaction, found)
                return
        await explain(interaction, UserError("unknown_button"), self.services.observe, ephemeral=True)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Reactions arrive raw, because no message is kept in memory."""
        for feature in self._features:
            if feature.reacted is not None:
                await feature.reacted(self, payload)

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """As above."""
        for feature in self._features:
            if feature.unreacted is not None:
                await feature.unreacted(self, payload)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """What a listener did not foresee is logged whole; there is nobody to tell."""
        log.exception("a listener failed", listener=event_method)

    async def close(self) -> None:
        """End the edits and the gateway; jobs go on without this process."""
        await self.edits.stop()
        await self.services.background.close()
        await super().close()


Interaction: TypeAlias = discord.Interaction[EaselClient]


class Tree(app_commands.CommandTree[EaselClient]):
    """The commands, for guilds that installed the bot and for direct messages with it.

    A bot that people installed for themselves could not post by token where it is not a member: that is not offered.
    """

    def __init__(self, client: EaselClient) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def sync(self, *, guild: discord.abc.Snowflake | None = None) -> list[app_commands.AppCommand]:
        """Tell Discord of the commands. One that launches an activity is not ours, and stays: a list without it is
        refused."""
        try:
            return await super().sync(guild=guild)
        except discord.HTTPException as error:
            if error.code != ENTRY_POINT_LEFT_OUT:
                raise
        http, application_id, translator = self.client.http, self.client.application_id, self.translator
        if application_id is None or translator is None:
            raise app_commands.MissingApplicationID
        ours = [await command.get_translated_payload(self, translator) for command in self.get_commands()]
        present: list[Any] = [*await http.get_global_commands(application_id)]
        theirs = [command for command in present if command["type"] == ENTRY_POINT]
        kept = await http.bulk_upsert_global_commands(application_id, payload=[*ours, *theirs])
        return [app_commands.AppCommand(data=one, state=self._state) for one in kept]

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """A command that failed before its own answer was at work, by arguments that are none."""
        await explain(
            interaction, getattr(error, "original", error), interaction.client.services.observe, ephemeral=True
        )

"""Who asks, as Discord says it: from an interaction, or from a reaction."""

from __future__ import annotations

import time
from functools import partial

import discord

from contract.errors import UserError
from contract.jobs import Destination, DiscordChannel, User
from service.asker import Asker


def asker_of(interaction: discord.Interaction) -> Asker:
    """The person, the place and the moment of an interaction. UserError when Discord does not say where."""
    if interaction.channel_id is None:
        raise UserError("unknown_button")
    here = DiscordChannel(interaction.channel_id, interaction.guild_id)
    member = interaction.user if isinstance(interaction.user, discord.Member) else None
    in_guild = interaction.guild_id is not None
    thread = interaction.channel if isinstance(interaction.channel, discord.Thread) else None
    return Asker(
        user=User(interaction.user.id, interaction.user.name),
        destination=here,
        asked_ms=int(interaction.created_at.timestamp() * 1000),
        key=interaction.id,
        locale=str(interaction.locale),
        guild_id=interaction.guild_id,
        channel_id=here.channel_id if thread is None else thread.parent_id,
        joined_ms=_joined_ms(member),
        roles=_roles(member),
        manages=in_guild and interaction.permissions.manage_guild,
        age_restricted=_is_age_restricted(interaction.channel),
        moderates=partial(_moderates, interaction.guild, member, here.channel_id, interaction.permissions),
    )


def asker_of_reaction(client: discord.Client, payload: discord.RawReactionActionEvent) -> Asker:
    """The same of a reaction, whose moment is now."""
    guild = None if payload.guild_id is None else client.get_guild(payload.guild_id)
    channel = None if guild is None else guild.get_channel_or_thread(payload.channel_id)
    return Asker(
        user=User(payload.user_id, payload.member.name if payload.member else ""),
        destination=DiscordChannel(payload.channel_id, payload.guild_id),
        asked_ms=int(time.time() * 1000),
        key=payload.message_id,
        guild_id=payload.guild_id,
        channel_id=channel.parent_id if isinstance(channel, discord.Thread) else payload.channel_id,
        joined_ms=_joined_ms(payload.member),
        roles=_roles(payload.member),
        moderates=partial(_moderates, guild, payload.member, None, None),
    )


def _moderates(
    guild: discord.Guild | None,
    member: discord.Member | None,
    here: int | None,
    permissions_here: discord.Permissions | None,
    place: Destination,
) -> bool:
    """Whether a member may delete other people's messages in a channel of their guild, its overwrites counted.

    Discord itself says what is so in the channel `here`. A channel of another guild, or one that the bot does not see,
    is nobody's to moderate; nor is a conversation with the bot.
    """
    if guild is None or member is None or not isinstance(place, DiscordChannel) or place.guild_id != guild.id:
        return False
    if place.channel_id == here and permissions_here is not None:
        return permissions_here.manage_messages
    channel = guild.get_channel_or_thread(place.channel_id)
    if isinstance(channel, discord.Thread):
        return _moderates_thread(channel, member)
    return channel is not None and channel.permissions_for(member).manage_messages


def _moderates_thread(thread: discord.Thread, member: discord.Member) -> bool:
    """The same of a thread, where the rights of its channel hold. Of a private one they hold for those who are in it,
    and for those who manage threads."""
    if thread.parent is None:
        return False
    rights = thread.permissions_for(member)
    inside = not thread.is_private() or rights.manage_threads or member.id in {one.id for one in thread.members}
    return rights.manage_messages and inside


def _roles(member: discord.Member | None) -> frozenset[int]:
    return frozenset() if member is None else frozenset(role.id for role in member.roles)


def _is_age_restricted(channel: object) -> bool:
    """Whether Discord keeps minors out of a channel, or out of a thread's parent."""
    restricted = getattr(channel, "is_nsfw", None)
    return restricted is not None and restricted() is True


def _joined_ms(member: discord.Member | None) -> int | None:
    joined = None if member is None else member.joined_at
    return None if joined is None else int(joined.timestamp() * 1000)

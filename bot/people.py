"""Who, where and when, as a job keeps them, from an interaction."""

from __future__ import annotations

from bot.client import Interaction
from contract.errors import UserError
from contract.jobs import DiscordChannel, User


def user_of(interaction: Interaction) -> User:
    """Whoever pressed or typed."""
    return User(interaction.user.id, interaction.user.name)


def destination_of(interaction: Interaction, reply_to: int | None = None) -> DiscordChannel:
    """Where the interaction happened. UserError when Discord does not say."""
    if interaction.channel_id is None:
        raise UserError("unknown_button")
    return DiscordChannel(interaction.channel_id, interaction.guild_id, reply_to)


def created_ms(interaction: Interaction) -> int:
    """When the interaction was made, in Unix milliseconds: the same on every retry, because its id says it."""
    return int(interaction.created_at.timestamp() * 1000)

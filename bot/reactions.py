"""❌ on one of our messages: a running job is cancelled, a finished one deleted. Owners only, and channel managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from bot.client import EaselClient


async def cross_added(client: EaselClient, payload: discord.RawReactionActionEvent) -> None:
    """Somebody reacted."""

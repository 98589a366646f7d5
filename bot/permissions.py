"""What the bot has to be allowed in a channel to work there: asked before a job is accepted, not when it is ready."""

from __future__ import annotations

import discord

NEEDED = (
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "embed_links",
    "attach_files",
    "read_message_history",
)
"""All that it needs, by discord.py's names."""


def missing_permissions(granted: discord.Permissions, *, in_thread: bool) -> list[str]:
    """What `granted` lacks for posting a picture as a reply, by discord.py's names."""
    elsewhere = "send_messages" if in_thread else "send_messages_in_threads"
    return [name for name in NEEDED if name != elsewhere and not getattr(granted, name)]

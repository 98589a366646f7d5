"""What the bot has to be allowed in a channel to work there: asked before a job is accepted, not when it is ready."""

from __future__ import annotations

import discord


def missing_permissions(granted: discord.Permissions, *, in_thread: bool) -> list[str]:
    """What `granted` lacks for posting a picture as a reply, by discord.py's names."""
    send = "send_messages_in_threads" if in_thread else "send_messages"
    needed = ("view_channel", send, "embed_links", "attach_files", "read_message_history")
    return [name for name in needed if not getattr(granted, name)]

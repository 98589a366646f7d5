"""What the bot has to be allowed in a channel to work there: asked before a job is accepted, not when it is ready."""

from __future__ import annotations

import discord

_NAMES = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
}


def missing_permissions(granted: discord.Permissions, *, in_thread: bool) -> list[str]:
    """The names, as Discord shows them, of what `granted` lacks for posting a picture as a reply."""
    send = "send_messages_in_threads" if in_thread else "send_messages"
    needed = ("view_channel", send, "embed_links", "attach_files", "read_message_history")
    return [_NAMES[name] for name in needed if not getattr(granted, name)]

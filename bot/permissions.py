"""Whether the bot can do its work in a channel: asked before a job is accepted, not when its picture is ready."""

from __future__ import annotations

import discord

from contract.errors import UserError

_NAMES = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
}


def check_channel(interaction: discord.Interaction) -> None:
    """UserError `no_permission` when the bot cannot post a picture as a reply in the interaction's channel."""
    if interaction.guild_id is None:
        return
    in_thread = isinstance(interaction.channel, discord.Thread)
    send = "send_messages_in_threads" if in_thread else "send_messages"
    needed = ("view_channel", send, "embed_links", "attach_files", "read_message_history")
    granted = interaction.app_permissions
    missing = [_NAMES[name] for name in needed if not getattr(granted, name)]
    if missing:
        raise UserError("no_permission", permissions=", ".join(missing))

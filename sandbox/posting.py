"""Posting, editing and deleting: the world is changed, then everyone who may see it is told."""

from typing import Any

from sandbox.core import Sandbox
from sandbox.wire import LOADING
from sandbox.world import Channel, Message


def announce(sandbox: Sandbox, message: Message, event: str) -> None:
    """Tell about a new or changed message; an ephemeral one is told to its user alone, not even to the bot."""
    new = event == "MESSAGE_CREATE"
    if message.ephemeral_to is not None:
        viewer = sandbox.world.users[message.ephemeral_to]
        sandbox.gateway.tell(viewer, event, sandbox.wire.message_event(message, viewer, new=new))
        return
    channel = sandbox.world.channels[message.channel_id]
    sandbox.gateway.publish(event, channel, lambda viewer: sandbox.wire.message_event(message, viewer, new=new))


def post(sandbox: Sandbox, message: Message) -> None:
    """A new message."""
    sandbox.world.save_message(message)
    announce(sandbox, message, "MESSAGE_CREATE")


def update(sandbox: Sandbox, message: Message) -> None:
    """A changed message; the first contents of a "thinking…" answer do not count as an edit."""
    if message.flags & LOADING:
        message.flags &= ~LOADING
    else:
        message.edited_timestamp = sandbox.clock.timestamp()
    sandbox.world.save_message(message)
    announce(sandbox, message, "MESSAGE_UPDATE")


def remove(sandbox: Sandbox, message: Message) -> None:
    """A message that is no more."""
    sandbox.world.delete_message(message)
    channel = sandbox.world.channels[message.channel_id]
    payload = {"id": message.id} | _place(sandbox, channel)
    if message.ephemeral_to is not None:
        sandbox.gateway.tell(sandbox.world.users[message.ephemeral_to], "MESSAGE_DELETE", payload)
    else:
        sandbox.gateway.publish("MESSAGE_DELETE", channel, lambda viewer: payload)


def remove_all(sandbox: Sandbox, channel: Channel, messages: list[Message]) -> None:
    """Several messages of a channel at once."""
    for message in messages:
        sandbox.world.delete_message(message)
    payload = {"ids": [message.id for message in messages]} | _place(sandbox, channel)
    sandbox.gateway.publish("MESSAGE_DELETE_BULK", channel, lambda viewer: payload)


def _place(sandbox: Sandbox, channel: Channel) -> dict[str, Any]:
    guild_id = sandbox.world.channel_guild(channel)
    return {"channel_id": channel.id} | ({"guild_id": guild_id} if guild_id else {})

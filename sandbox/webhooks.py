"""What an interaction's token can do for 15 minutes: follow-ups, and edits of the answer."""

from typing import Any

from sandbox.answers import UPDATE, UPDATE_LATER, new_message
from sandbox.api import Call, Route
from sandbox.drafts import read_draft
from sandbox.errors import ApiError, unknown
from sandbox.posting import post, remove, update
from sandbox.wire import EPHEMERAL, LOADING, REPLY
from sandbox.world import Interaction, Message


async def follow_up(call: Call) -> Any:
    """POST /webhooks/{application}/{token}: a further message; the first one fills a "thinking…" answer."""
    sandbox = call.sandbox
    interaction = _interaction(call)
    original = sandbox.world.messages.get(interaction.response_message_id or "")
    if original is not None and original.flags & LOADING:
        return _edit(call, original)
    message = new_message(sandbox, interaction)
    if interaction.response not in (UPDATE_LATER, UPDATE) and original is not None:
        message.type, message.reference = REPLY, original.id
    assert message.interaction is not None
    message.interaction["original_response_message_id"] = interaction.response_message_id
    draft = read_draft(sandbox, sandbox.world.bot, call.form, call.files, ephemeral=True)
    draft.apply(sandbox, message)
    if message.flags & EPHEMERAL:
        message.ephemeral_to = interaction.user_id
    post(sandbox, message)
    return sandbox.wire.message(message, sandbox.world.bot)


async def get_answer(call: Call) -> Any:
    """GET /webhooks/{application}/{token}/messages/{message}"""
    return call.sandbox.wire.message(_message(call), call.sandbox.world.bot)


async def edit_answer(call: Call) -> Any:
    """PATCH /webhooks/{application}/{token}/messages/{message}"""
    return _edit(call, _message(call))


async def delete_answer(call: Call) -> None:
    """DELETE /webhooks/{application}/{token}/messages/{message}"""
    remove(call.sandbox, _message(call))


def _edit(call: Call, message: Message) -> Any:
    sandbox = call.sandbox
    draft = read_draft(sandbox, sandbox.world.bot, call.form, call.files, old=message)
    draft.apply(sandbox, message)
    update(sandbox, message)
    return sandbox.wire.message(message, sandbox.world.bot)


def _interaction(call: Call) -> Interaction:
    """The interaction of the token: 10015 before its first answer, 50027 after 15 minutes."""
    world = call.sandbox.world
    interaction = world.interactions.get(call.params["token"])
    if interaction is None or call.params["application"] != world.bot_id or interaction.response is None:
        raise unknown("webhook")
    if world.clock.now() - interaction.created_at > call.sandbox.limits.interaction_life_s:
        raise ApiError(401, 50027, "Invalid Webhook Token")
    return interaction


def _message(call: Call) -> Message:
    """One of the interaction's own messages; ``@original`` is its first answer."""
    world = call.sandbox.world
    interaction = _interaction(call)
    wanted = call.params["message"]
    original = wanted == "@original"
    message = world.messages.get(str(interaction.response_message_id) if original else wanted)
    if message is None:
        raise unknown("message")
    by_token = message.interaction is not None and message.interaction["id"] == interaction.id
    if not (original or by_token or message.id == interaction.response_message_id):
        raise unknown("message")
    return message


_MESSAGE = "/webhooks/{application}/{token}/messages/{message}"
ROUTES = [
    Route("POST", "/webhooks/{application}/{token}", follow_up, "token", "webhook"),
    Route("GET", _MESSAGE, get_answer, "token", "webhook"),
    Route("PATCH", _MESSAGE, edit_answer, "token", "webhook"),
    Route("DELETE", _MESSAGE, delete_answer, "token", "webhook"),
]

"""A bot's first answer to an interaction: the callback, within three seconds and once."""

from typing import Any

from sandbox.api import Call, Route
from sandbox.core import Sandbox
from sandbox.drafts import read_draft
from sandbox.errors import ApiError, Form, invalid, unknown
from sandbox.interactions import AUTOCOMPLETE, MODAL_SUBMIT, metadata
from sandbox.modals import read_modal
from sandbox.posting import post, update
from sandbox.shapes import CHOICES, MESSAGE, require
from sandbox.wire import EPHEMERAL, LOADING, REPLY
from sandbox.world import GUILD_TEXT, Interaction, Message

SAY, SAY_LATER, UPDATE_LATER, UPDATE, OFFER_CHOICES, OPEN_MODAL = 4, 5, 6, 7, 8, 9
CHAT_INPUT_ANSWER, CONTEXT_MENU_ANSWER = 20, 23


async def answer(call: Call) -> Any:
    """POST /interactions/{interaction}/{token}/callback, by the bot."""
    sandbox, world = call.sandbox, call.sandbox.world
    interaction = world.interactions.get(call.params["token"])
    if interaction is None or interaction.id != call.params["interaction"]:
        raise unknown("interaction")
    if interaction.response is not None:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    overdue = world.clock.now() - interaction.created_at > sandbox.limits.interaction_deadline_s
    if interaction.failed or overdue:
        raise unknown("interaction")
    body = require(call.body, {"type": int, "data": {}})
    kind = body.get("type")
    if kind not in _answers_to(interaction):
        raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {_answers_to(interaction)}, not {kind!r}.")
    data = body.get("data") or {}
    message: Message | None = None
    if kind in (SAY, SAY_LATER):
        message = _post_answer(call, interaction, data, loading=kind == SAY_LATER)
    elif kind in (UPDATE_LATER, UPDATE):
        message = _update_source(call, interaction, data if kind == UPDATE else None)
    elif kind == OFFER_CHOICES:
        _offer_choices(call, interaction, data)
    else:
        interaction.modal = read_modal(data)
    interaction.response = kind
    interaction.response_message_id = message.id if message is not None else None
    world.save_interaction(interaction)
    if kind != OFFER_CHOICES:
        success = {"id": interaction.id, "nonce": interaction.nonce}
        sandbox.gateway.tell(world.users[interaction.user_id], "INTERACTION_SUCCESS", success)
    if kind == OPEN_MODAL:
        _show_modal(sandbox, interaction)
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return None
    return _callback_response(sandbox, interaction, message)


def _answers_to(interaction: Interaction) -> tuple[int, ...]:
    if interaction.type == AUTOCOMPLETE:
        return (OFFER_CHOICES,)
    answers: tuple[int, ...] = (SAY, SAY_LATER)
    if interaction.message_id is not None:
        answers += (UPDATE_LATER, UPDATE)
    return answers if interaction.type == MODAL_SUBMIT else (*answers, OPEN_MODAL)


def _post_answer(call: Call, interaction: Interaction, data: dict[str, Any], *, loading: bool) -> Message:
    sandbox = call.sandbox
    message = new_message(sandbox, interaction)
    message.nonce, message.nonce_to = interaction.nonce, interaction.user_id
    if loading:
        require(data, MESSAGE, "data.")
        message.flags = LOADING | (data.get("flags") or 0) & EPHEMERAL
    else:
        draft = read_draft(sandbox, sandbox.world.bot, data, call.files, prefix="data.", ephemeral=True)
        draft.apply(sandbox, message)
    if message.flags & EPHEMERAL:
        message.ephemeral_to = interaction.user_id
    post(sandbox, message)
    return message


def new_message(sandbox: Sandbox, interaction: Interaction) -> Message:
    """An empty message of the bot that answers ``interaction``."""
    world = sandbox.world
    message = Message(world.ids.next(), interaction.channel_id, world.bot_id, sandbox.clock.timestamp())
    message.type = CHAT_INPUT_ANSWER if interaction.command_type == 1 else CONTEXT_MENU_ANSWER
    if interaction.message_id is not None:
        message.type, message.reference = REPLY, interaction.message_id
    message.interaction = metadata(interaction, in_guild=world.channels[interaction.channel_id].type == GUILD_TEXT)
    return message


def _update_source(call: Call, interaction: Interaction, data: dict[str, Any] | None) -> Message:
    """Answer by changing the message whose component was pressed (None: promise to, later)."""
    message = call.sandbox.world.messages.get(interaction.message_id or "")
    if message is None:
        raise unknown("message")
    if data is not None:
        draft = read_draft(call.sandbox, call.sandbox.world.bot, data, call.files, old=message, prefix="data.")
        draft.apply(call.sandbox, message)
        update(call.sandbox, message)
    return message


def _offer_choices(call: Call, interaction: Interaction, data: dict[str, Any]) -> None:
    choices = require(data, CHOICES, "data.").get("choices")
    form = Form("data.")
    if form.count("choices", choices, 0, 25):
        for i, choice in enumerate(choices or []):
            form.length(f"choices.{i}.name", choice.get("name"), 1, 100)
    form.check()
    user = call.sandbox.world.users[interaction.user_id]
    payload = {"choices": choices, "nonce": interaction.nonce}
    call.sandbox.gateway.tell(user, "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", payload)


def _show_modal(sandbox: Sandbox, interaction: Interaction) -> None:
    """Clients look the modal's interaction up among those that they know to have succeeded."""
    assert interaction.modal is not None
    bot = sandbox.world.bot
    application = {"id": bot.id, "name": bot.username, "icon": None, "description": "", "bot": sandbox.wire.user(bot)}
    payload = interaction.modal | {"id": interaction.id, "nonce": interaction.nonce, "application": application}
    payload["channel_id"] = interaction.channel_id
    sandbox.gateway.tell(sandbox.world.users[interaction.user_id], "INTERACTION_MODAL_CREATE", payload)


def _callback_response(sandbox: Sandbox, interaction: Interaction, message: Message | None) -> dict[str, Any]:
    about: dict[str, Any] = {"id": interaction.id, "type": interaction.type, "channel_id": interaction.channel_id}
    if guild_id := sandbox.world.channel_guild(sandbox.world.channels[interaction.channel_id]):
        about["guild_id"] = guild_id
    response: dict[str, Any] = {"interaction": about}
    if message is not None:
        about |= {
            "response_message_id": message.id,
            "response_message_loading": bool(message.flags & LOADING),
            "response_message_ephemeral": message.ephemeral_to is not None,
        }
    if message is not None and interaction.response in (SAY, UPDATE):
        shown = sandbox.wire.message(message, sandbox.world.bot)
        response["resource"] = {"type": interaction.response, "message": shown}
    return response


ROUTES = [Route("POST", "/interactions/{interaction}/{token}/callback", answer, "token")]

"""What people do with the bot: commands, presses, modals and autocomplete, checked before the bot hears of them."""

import secrets
from typing import Any

from sandbox import commands, components
from sandbox.api import Call, Route
from sandbox.core import Sandbox
from sandbox.errors import Form, invalid, missing_permissions, unknown
from sandbox.modals import fill_modal
from sandbox.options import OptionReader
from sandbox.shapes import INTERACTION, require
from sandbox.uploads import describe
from sandbox.world import GUILD_TEXT, Channel, Interaction

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
TIMEOUT_REASON = 2
# What a select of each type chooses among, as the option type of the same things.
SELECTED = {
    components.USER_SELECT: commands.USER,
    components.ROLE_SELECT: commands.ROLE,
    components.MENTIONABLE_SELECT: commands.MENTIONABLE,
    components.CHANNEL_SELECT: commands.CHANNEL,
}
# The npm client learns its nonce's fate only once the 204 has arrived: the bot must not be quicker.
DISPATCH_DELAY_S = 0.03


async def create_interaction(call: Call) -> None:
    """POST /interactions, by a person's client: checked, answered with 204, and only then sent to the bot."""
    sandbox, world, body = call.sandbox, call.sandbox.world, require(call.body, INTERACTION)
    if str(body.get("application_id")) != world.bot_id:
        raise unknown("application")
    channel = call.find_channel(str(body.get("channel_id")))
    if body.get("guild_id") and str(body["guild_id"]) != world.channel_guild(channel):
        raise unknown("guild")
    kind = body.get("type")
    if kind not in (COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT):
        raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of (2, 3, 4, 5), not {kind!r}.")
    given = body.get("data") or {}
    token = secrets.token_urlsafe(64).replace("_", "-")
    interaction = Interaction(
        world.ids.next(), token, kind, call.user.id, channel.id, world.clock.now(), body.get("nonce")
    )
    if kind in (COMMAND, AUTOCOMPLETE):
        data = _read_command(call, channel, interaction, given)
    elif kind == COMPONENT:
        data = _read_press(call, interaction, body, given)
    else:
        data = _read_submit(call, interaction, given)
    world.save_interaction(interaction)
    sandbox.gateway.tell(call.user, "INTERACTION_CREATE", {"id": interaction.id, "nonce": interaction.nonce})
    call.afterwards(_deliver(sandbox, interaction, data))


async def _deliver(sandbox: Sandbox, interaction: Interaction, data: dict[str, Any]) -> None:
    """Hand the interaction to the bot, and tell the user if there is no answer in time."""
    world = sandbox.world
    await sandbox.clock.sleep(DISPATCH_DELAY_S)
    channel = world.channels[interaction.channel_id]
    payload = _payload(sandbox, interaction, channel, data)
    interaction.created_at = world.clock.now()
    sandbox.gateway.tell(world.bot, "INTERACTION_CREATE", payload, guild_id=world.channel_guild(channel))
    await sandbox.clock.sleep(sandbox.limits.interaction_deadline_s)
    if interaction.response is None:
        interaction.failed = True
        world.save_interaction(interaction)
        failure = {"id": interaction.id, "nonce": interaction.nonce, "reason_code": TIMEOUT_REASON}
        sandbox.gateway.tell(world.users[interaction.user_id], "INTERACTION_FAILURE", failure)


def _payload(sandbox: Sandbox, interaction: Interaction, channel: Channel, data: dict[str, Any]) -> dict[str, Any]:
    world, wire = sandbox.world, sandbox.wire
    user = world.users[interaction.user_id]
    payload: dict[str, Any] = {
        "id": interaction.id,
        "application_id": world.bot_id,
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": data,
        "channel_id": channel.id,
        "channel": wire.partial_channel(channel, user),
        "locale": user.locale,
        "app_permissions": str(channel.bot_permissions),
        "attachment_size_limit": sandbox.limits.file_bytes,
        "entitlements": [],
        "authorizing_integration_owners": {"0": world.guild_id if channel.type == GUILD_TEXT else "0"},
        "context": 0 if channel.type == GUILD_TEXT else 1,
    }
    if channel.type == GUILD_TEXT:
        member = wire.member(user) | {"permissions": str(wire.member_permissions(user, channel))}
        guild = {"id": world.guild_id, "locale": "en-US", "features": []}
        payload |= {"guild_id": world.guild_id, "guild": guild, "guild_locale": "en-US", "member": member}
    else:
        payload["user"] = wire.user(user)
    source = world.messages.get(interaction.message_id or "")
    if source is not None and interaction.type in (COMPONENT, MODAL_SUBMIT):
        payload["message"] = wire.message(source, world.bot)
    return payload


def _read_command(call: Call, channel: Channel, interaction: Interaction, given: dict[str, Any]) -> dict[str, Any]:
    world = call.sandbox.world
    command = world.commands.get(str(given.get("id")))
    in_guild = channel.type == GUILD_TEXT
    if command is None or command["name"] != given.get("name") or (not in_guild and not command["dm_permission"]):
        raise invalid("data.id", "INTERACTION_APPLICATION_COMMAND_NOT_FOUND", "This command is not registered.")
    if str(given.get("version")) != command["version"]:
        raise invalid(
            "data.version",
            "INTERACTION_APPLICATION_COMMAND_INVALID_VERSION",
            "This command is outdated, please try again in a few minutes",
        )
    needed = command["default_member_permissions"]
    if needed is not None and in_guild and int(needed) & ~call.sandbox.wire.member_permissions(call.user, channel):
        raise missing_permissions()
    partial = interaction.type == AUTOCOMPLETE
    reader = OptionReader(call.sandbox, call.user, channel.id, given.get("attachments"), partial=partial)
    data: dict[str, Any] = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    if command["type"] == 1:
        data["options"] = reader.read(command.get("options") or [], given.get("options"))
    else:
        data["target_id"] = _read_target(call, command, reader, str(given.get("target_id")), channel)
        interaction.target_id = data["target_id"]
    reader.form.check()
    if reader.resolved:
        data["resolved"] = reader.resolved
    interaction.name, interaction.command_type = " ".join([command["name"], *reader.words]), command["type"]
    return data


def _read_target(call: Call, command: dict[str, Any], reader: OptionReader, target_id: str, channel: Channel) -> str:
    """What a command of the context menu was used on: a user (type 2) or a message (type 3)."""
    world = call.sandbox.world
    if command["type"] == 2 and target_id in world.users:
        reader.resolve_user(target_id)
        return target_id
    message = world.messages.get(target_id)
    visible = message is not None and message.ephemeral_to in (None, call.user.id)
    if command["type"] == 3 and message is not None and visible and message.channel_id == channel.id:
        reader.resolved["messages"] = {target_id: call.sandbox.wire.message(message, world.bot)}
        return target_id
    raise invalid("data.target_id", "SNOWFLAKE_INVALID", f"Nothing here has the id {target_id!r}.")


def _read_press(call: Call, interaction: Interaction, body: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    world = call.sandbox.world
    message = world.messages.get(str(body.get("message_id")))
    hidden = message is not None and message.ephemeral_to not in (None, call.user.id)
    if message is None or hidden or message.channel_id != interaction.channel_id:
        raise unknown("message")
    part = components.find(message.components, str(given.get("custom_id")))
    if part is None or part["type"] != given.get("component_type") or part.get("disabled"):
        raise invalid("data.custom_id", "COMPONENT_VALIDATION_FAILED", "Component validation failed")
    interaction.message_id = message.id
    data = {"component_type": part["type"], "custom_id": part["custom_id"], "id": part["id"]}
    if part["type"] in components.SELECTS:
        data |= _read_selection(call, part, given)
    return data


def _read_selection(call: Call, part: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    form = Form("data.")
    values = given.get("values")
    reader = OptionReader(call.sandbox, call.user, "", None, partial=False)
    if form.count("values", values, part["min_values"], part["max_values"]):
        for value in values or []:
            if part["type"] == components.STRING_SELECT:
                allowed = tuple(option["value"] for option in part["options"])
                if value not in allowed:
                    form.choice("values", value, allowed)
            else:
                reader.resolve(SELECTED[part["type"]], str(value), "values")
    form.check()
    reader.form.check()
    return {"values": values} | ({"resolved": reader.resolved} if reader.resolved else {})


def _read_submit(call: Call, interaction: Interaction, given: dict[str, Any]) -> dict[str, Any]:
    world = call.sandbox.world
    opener = next((one for one in world.interactions.values() if one.id == str(given.get("id"))), None)
    if opener is None or opener.modal is None or opener.user_id != call.user.id:
        raise invalid("data.id", "INTERACTION_MODAL_NOT_FOUND", "No modal of this interaction is open.")
    if given.get("custom_id") != opener.modal["custom_id"]:
        raise invalid("data.custom_id", "INTERACTION_MODAL_NOT_FOUND", "The open modal has another custom id.")
    filled = fill_modal(opener.modal, given.get("components") or [])
    interaction.message_id, interaction.name = opener.message_id, opener.name
    interaction.trigger = metadata(opener, in_guild=world.channels[opener.channel_id].type == GUILD_TEXT)
    data: dict[str, Any] = {"custom_id": opener.modal["custom_id"], "components": filled}
    reader = OptionReader(call.sandbox, call.user, interaction.channel_id, None, partial=False)
    for part in components.walk(filled):
        for value in part["values"] if part["type"] in SELECTED else []:
            reader.resolve(SELECTED[part["type"]], value, "components")
    reader.form.check()
    resolved: dict[str, Any] = dict(reader.resolved)
    if files := _take_files(call, interaction, filled, given.get("attachments")):
        resolved["attachments"] = files
    return data | ({"resolved": resolved} if resolved else {})


def _take_files(call: Call, interaction: Interaction, filled: list[dict[str, Any]], announced: Any) -> dict[str, Any]:
    """Replace the numbers in a modal's file fields by attachment ids; what these stand for."""
    slots = {str(one.get("id")): one for one in announced or []}
    resolved: dict[str, Any] = {}
    for part in components.walk(filled):
        if part["type"] != components.FILE_UPLOAD:
            continue
        for i, number in enumerate(part["values"]):
            slot = slots.get(str(number), {})
            name = str(slot.get("uploaded_filename") or slot.get("upload_filename"))
            file = call.sandbox.uploads.take(name, call.user.id)
            if file is None:
                raise invalid("data.components", "ATTACHMENT_NOT_FOUND", f"There is no uploaded file {number!r}.")
            attachment_id = call.sandbox.world.ids.next()
            call.sandbox.store.write_blob(attachment_id, file.data)
            kept = describe(attachment_id, file, None)
            resolved[attachment_id] = call.sandbox.wire.attachment(interaction.channel_id, kept, ephemeral=True)
            part["values"][i] = attachment_id
    return resolved


def metadata(interaction: Interaction, *, in_guild: bool) -> dict[str, Any]:
    """What a message keeps of the interaction it answers."""
    return {
        "id": interaction.id,
        "type": interaction.type,
        "user_id": interaction.user_id,
        "name": interaction.name,
        "command_type": interaction.command_type,
        "message_id": interaction.message_id,
        "target_message_id": interaction.target_id if interaction.command_type == 3 else None,
        "target_user_id": interaction.target_id if interaction.command_type == 2 else None,
        "trigger": interaction.trigger,
        "guild": in_guild,
    }


ROUTES = [Route("POST", "/interactions", create_interaction, "user")]

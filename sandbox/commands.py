"""Application commands: registering them, and holding a person's input to what was registered."""

import re
from typing import Any

from sandbox.api import Call, Route
from sandbox.core import Sandbox
from sandbox.errors import ApiError, Form, missing_access, unknown
from sandbox.locales import check_localizations, localized, without_localizations
from sandbox.shapes import COMMAND, require

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER = 1, 2, 3, 4, 5, 6
CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 7, 8, 9, 10, 11
CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND, ENTRY_POINT = 1, 2, 3, 4
TYPES = (CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND, ENTRY_POINT)
NAME = re.compile(r"[-_'\w]{1,32}")
SAFE_INTEGER = 2**53
KEPT = (
    "name_localizations", "description", "description_localizations", "options", "default_member_permissions",
    "dm_permission", "contexts", "integration_types", "nsfw", "type", "name", "handler",
)  # fmt: skip


_DEFAULTS: dict[str, Any] = {
    "description": "",
    "default_member_permissions": None,
    "dm_permission": True,
    "contexts": None,
    "integration_types": [0],
    "nsfw": False,
    "type": CHAT_INPUT,
}


async def list_commands(call: Call) -> Any:
    """GET the global or the guild's commands; translations only for those who ask ``with_localizations``."""
    commands = _scope(call)
    asked = call.query.get("with_localizations", "").lower() in ("1", "true")
    return commands if asked else [without_localizations(command) for command in commands]


async def overwrite_commands(call: Call) -> Any:
    """PUT all commands of a scope; one that stays as it was keeps its id and version."""
    bodies = require(call.body, [COMMAND])
    old = {(one["type"], one["name"]): one for one in _scope(call)}
    form = Form()
    form_names: set[tuple[int, str]] = set()
    for i, body in enumerate(bodies):
        check_command(form, body, f"{i}.")
        key = (body.get("type") or CHAT_INPUT, str(body.get("name")))
        if key in form_names:
            form.refuse(f"{i}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        form_names.add(key)
    if len(bodies) > 110:
        form.refuse("0", "APPLICATION_COMMANDS_MAX", "Maximum number of application commands reached")
    form.check()
    entry_points = {key for key in old if key[0] == ENTRY_POINT}
    if not entry_points <= form_names:
        raise ApiError(
            400,
            50240,
            "You cannot remove this app's Entry Point command in a bulk update operation. "
            "Please include the Entry Point command in your update request or delete it separately.",
        )
    for key, command in old.items():
        if key not in form_names:
            call.sandbox.world.delete_command(command["id"])
    commands = [_register(call, body, old.get((body.get("type") or CHAT_INPUT, body["name"]))) for body in bodies]
    _announce(call)
    return commands


async def create_command(call: Call) -> Any:
    """POST one command; one of the same name is replaced (then the status is 200, not 201)."""
    form = Form()
    check_command(form, require(call.body, COMMAND), "")
    form.check()
    key = (call.form.get("type") or CHAT_INPUT, call.form["name"])
    old = next((one for one in _scope(call) if (one["type"], one["name"]) == key), None)
    call.status = 200 if old else 201
    command = _register(call, call.form, old)
    _announce(call)
    return command


async def get_command(call: Call) -> Any:
    """GET one command."""
    return _command(call)


async def edit_command(call: Call) -> Any:
    """PATCH one command."""
    old = _command(call)
    body = {key: value for key, value in old.items() if key in KEPT} | require(call.body, COMMAND)
    form = Form()
    check_command(form, body, "")
    form.check()
    command = _register(call, body, old)
    _announce(call)
    return command


async def delete_command(call: Call) -> None:
    """DELETE one command."""
    call.sandbox.world.delete_command(_command(call)["id"])
    _announce(call)


async def command_index(call: Call) -> Any:
    """GET application-command-index: what a person's client offers when a slash is typed."""
    world = call.sandbox.world
    place = call.params.get("place")
    if place is not None and place != world.guild_id and place not in world.channels:
        raise missing_access()
    in_guild = place == world.guild_id or (place is not None and world.channels[place].type == 0)
    commands = [one for one in world.commands.values() if in_guild or ("guild_id" not in one and one["dm_permission"])]
    bot = world.bot
    application = {"id": bot.id, "name": bot.username, "icon": None, "description": "", "flags": 0}
    return {
        "applications": [application | {"bot": call.sandbox.wire.user(bot)}],
        "application_commands": [localized(one, call.user.locale) for one in commands],
        "version": max((one["version"] for one in commands), key=int, default="0"),
    }


def _scope(call: Call) -> list[dict[str, Any]]:
    world = call.sandbox.world
    if call.params["application"] != world.bot_id:
        raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
    guild_id = call.params.get("guild")
    if guild_id not in (None, world.guild_id):
        raise missing_access()
    return [one for one in world.commands.values() if one.get("guild_id") == guild_id]


def _command(call: Call) -> dict[str, Any]:
    for command in _scope(call):
        if command["id"] == call.params["command"]:
            return command
    raise unknown("command")


def _announce(call: Call) -> None:
    """Tell people's clients that the commands are not what they were."""
    world = call.sandbox.world
    for person in world.people:
        call.sandbox.gateway.tell(person, "GUILD_APPLICATION_COMMAND_INDEX_UPDATE", {"guild_id": world.guild_id})


def add_entry_point(sandbox: Sandbox) -> dict[str, Any]:
    """The command that Discord makes by itself for an application with Activities, if there is none yet."""
    world = sandbox.world
    for command in world.commands.values():
        if command["type"] == ENTRY_POINT:
            return command
    made = _DEFAULTS | {"name": "launch", "type": ENTRY_POINT, "handler": 2, "application_id": world.bot_id}
    made["id"] = made["version"] = world.ids.next()
    world.save_command(made)
    return made


def _register(call: Call, body: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    world = call.sandbox.world
    command = dict(_DEFAULTS)
    command |= {key: body[key] for key in KEPT if body.get(key) is not None}
    if (permissions := command["default_member_permissions"]) is not None:
        command["default_member_permissions"] = str(permissions)
    command["application_id"] = world.bot_id
    if "guild" in call.params:
        command["guild_id"] = world.guild_id
        command["dm_permission"] = False
    if command["contexts"] is not None:
        command["dm_permission"] = 1 in command["contexts"]
    command["id"] = old["id"] if old else world.ids.next()
    command["version"] = old["version"] if old else command["id"]
    if old is not None and old != command:
        command["version"] = world.ids.next()
    # The order of registration is the order shown.
    world.commands.pop(command["id"], None)
    world.save_command(command)
    return command


def check_command(form: Form, body: dict[str, Any], path: str) -> None:
    """Refuse a command that Discord would not register."""
    kind = body.get("type") or CHAT_INPUT
    if kind not in TYPES:
        form.choice(f"{path}type", kind, TYPES)
    if form.length(f"{path}name", body.get("name"), 1, 32) and kind == CHAT_INPUT:
        _check_name(form, body["name"], f"{path}name")
    check_localizations(form, body, path, _check_name if kind == CHAT_INPUT else None)
    if kind == CHAT_INPUT:
        form.length(f"{path}description", body.get("description"), 1, 100)
        _check_options(form, body.get("options"), f"{path}options", depth=0)
    elif kind != ENTRY_POINT and (body.get("description") or body.get("options")):
        form.refuse(
            f"{path}description",
            "APPLICATION_COMMAND_CONTEXT_MENU",
            "Context menu commands have neither description nor options",
        )
    if _text_length(body) > 8000:
        form.refuse(f"{path}name", "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")


def _check_name(form: Form, name: str, path: str) -> None:
    if not NAME.fullmatch(name) or name != name.lower():
        form.refuse(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(form: Form, options: Any, path: str, depth: int) -> None:
    if options is None or not form.count(path, options, 0, 25):
        return
    names: set[str] = set()
    optional_seen = False
    for i, option in enumerate(options):
        at = f"{path}.{i}"
        kind = option.get("type")
        if kind not in range(1, 12) or (kind in (SUBCOMMAND, GROUP) and depth + (kind == GROUP) > 1):
            form.choice(f"{at}.type", kind, tuple(range(1 if depth == 0 else 3, 12)))
        if form.length(f"{at}.name", option.get("name"), 1, 32):
            _check_name(form, option["name"], f"{at}.name")
            if option["name"] in names:
                form.refuse(
                    f"{at}.name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists"
                )
            names.add(option["name"])
        form.length(f"{at}.description", option.get("description"), 1, 100)
        check_localizations(form, option, f"{at}.", _check_name)
        if kind in (SUBCOMMAND, GROUP):
            _check_options(form, option.get("options"), f"{at}.options", depth + 1)
            continue
        if option.get("required") and optional_seen:
            form.refuse(
                f"{at}",
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required")
        _check_choices(form, option, at)


def _check_choices(form: Form, option: dict[str, Any], path: str) -> None:
    choices = option.get("choices") or []
    if not form.count(f"{path}.choices", choices, 0, 25):
        return
    if choices and option.get("autocomplete"):
        form.refuse(
            f"{path}.autocomplete",
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE",
            "Choices and autocomplete exclude each other",
        )
    for j, choice in enumerate(choices):
        form.length(f"{path}.choices.{j}.name", choice.get("name"), 1, 100)
        check_localizations(form, choice, f"{path}.choices.{j}.", None, longest_name=100)
        if option.get("type") == STRING:
            form.length(f"{path}.choices.{j}.value", choice.get("value"), 0, 100)
        elif not isinstance(choice.get("value"), (int, float)):
            form.refuse(f"{path}.choices.{j}.value", "NUMBER_TYPE_COERCE", "A number's choices are numbers.")


def _text_length(part: Any) -> int:
    """Names, descriptions and choice values of a command, added up."""
    if isinstance(part, list):
        return sum(_text_length(one) for one in part)
    if not isinstance(part, dict):
        return 0
    own = sum(len(part[key]) for key in ("name", "description", "value") if isinstance(part.get(key), str))
    return own + _text_length(part.get("options")) + _text_length(part.get("choices"))


_GLOBAL = "/applications/{application}/commands"
_GUILD = "/applications/{application}/guilds/{guild}/commands"
ROUTES = [
    route
    for base in (_GLOBAL, _GUILD)
    for route in (
        Route("GET", base, list_commands, "bot"),
        Route("PUT", base, overwrite_commands, "bot"),
        Route("POST", base, create_command, "bot"),
        Route("GET", base + "/{command}", get_command, "bot"),
        Route("PATCH", base + "/{command}", edit_command, "bot"),
        Route("DELETE", base + "/{command}", delete_command, "bot"),
    )
] + [
    Route("GET", "/guilds/{place}/application-command-index", command_index, "user"),
    Route("GET", "/channels/{place}/application-command-index", command_index, "user"),
    Route("GET", "/users/@me/application-command-index", command_index, "user"),
]

"""What a person typed into a command, held to the command's registration (docs: Application Commands)."""

from typing import Any

from sandbox import commands as c
from sandbox.core import Sandbox
from sandbox.errors import Form
from sandbox.uploads import describe
from sandbox.wire import Wire
from sandbox.world import User, World

STRING_LIMIT = 6000


class OptionReader:
    """Reads the options of one interaction; :attr:`resolved` collects the things that ids in them stand for."""

    def __init__(self, sandbox: Sandbox, user: User, channel_id: str, attachments: Any, *, partial: bool) -> None:
        self._sandbox = sandbox
        self._world: World = sandbox.world
        self._wire: Wire = sandbox.wire
        self._user = user
        self._channel_id = channel_id
        self._attachments = {str(one.get("id")): one for one in attachments or []}
        self._partial = partial
        self.form = Form("data.")
        self.resolved: dict[str, dict[str, Any]] = {}
        self.words: list[str] = []

    def read(self, registered: list[dict[str, Any]], given: Any, path: str = "options") -> list[dict[str, Any]]:
        """The options as the bot gets them. ``partial`` (autocomplete) lets values be missing or unfinished."""
        by_name = {option["name"]: option for option in registered}
        read: list[dict[str, Any]] = []
        for i, one in enumerate(given or []):
            option = by_name.get(one.get("name"))
            if option is None or one.get("type", option["type"]) != option["type"]:
                self.form.refuse(f"{path}.{i}.name", "APPLICATION_COMMAND_OPTION_UNKNOWN", "There is no such option.")
            elif option["type"] in (c.SUBCOMMAND, c.GROUP):
                self.words.append(option["name"])
                below = self.read(option.get("options") or [], one.get("options"), f"{path}.{i}.options")
                read.append({"type": option["type"], "name": option["name"], "options": below})
            else:
                value = self._value(option, one.get("value"), f"{path}.{i}.value")
                shown = {"type": option["type"], "name": option["name"], "value": value}
                read.append(shown | {"focused": True} if one.get("focused") else shown)
        names = {one["name"] for one in read}
        subcommands = [option for option in registered if option["type"] in (c.SUBCOMMAND, c.GROUP)]
        if subcommands and len(names & {option["name"] for option in subcommands}) != 1:
            self.form.refuse(path, "APPLICATION_COMMAND_SUBCOMMAND_REQUIRED", "Exactly one subcommand must be given.")
        for option in registered:
            if option.get("required") and option["name"] not in names and not self._partial:
                self.form.required(f"{path}.{option['name']}")
        return read

    def _value(self, option: dict[str, Any], value: Any, path: str) -> Any:
        kind = option["type"]
        if self._partial:
            return value
        if kind == c.STRING:
            if self.form.length(path, value, option.get("min_length") or 0, option.get("max_length") or STRING_LIMIT):
                self._check_choice(option, value, path)
        elif kind in (c.INTEGER, c.NUMBER):
            return self._number(option, value, path)
        elif kind == c.BOOLEAN:
            if not isinstance(value, bool):
                self.form.refuse(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        elif kind == c.ATTACHMENT:
            return self._attachment(value, path)
        else:
            self.resolve(kind, str(value), path)
        return value

    def _number(self, option: dict[str, Any], value: Any, path: str) -> Any:
        whole = option["type"] == c.INTEGER
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            self.form.refuse(path, "NUMBER_TYPE_COERCE", f"Value {value!r} is not {'int' if whole else 'float'}.")
            return value
        low, high = option.get("min_value", -c.SAFE_INTEGER), option.get("max_value", c.SAFE_INTEGER)
        if value < low:
            self.form.refuse(path, "NUMBER_TYPE_MIN", f"Value should be greater than or equal to {low}.")
        if value > high:
            self.form.refuse(path, "NUMBER_TYPE_MAX", f"Value should be less than or equal to {high}.")
        self._check_choice(option, value, path)
        return value

    def _check_choice(self, option: dict[str, Any], value: Any, path: str) -> None:
        allowed = tuple(choice["value"] for choice in option.get("choices") or [])
        if allowed and value not in allowed:
            self.form.choice(path, value, allowed)

    def _attachment(self, value: Any, path: str) -> str:
        """Take the file out of its slot and give it an id of its own, as the bot will see it."""
        announced = self._attachments.get(str(value), {})
        slot = announced.get("uploaded_filename") or announced.get("upload_filename")
        file = self._sandbox.uploads.take(str(slot), self._user.id)
        if file is None:
            self.form.refuse(path, "ATTACHMENT_NOT_FOUND", f"There is no uploaded file {value!r}.")
            return str(value)
        attachment_id = self._world.ids.next()
        kept = describe(attachment_id, file, None)
        self._sandbox.store.write_blob(attachment_id, file.data)
        shown = self._wire.attachment(self._channel_id, kept, ephemeral=True)
        self.resolved.setdefault("attachments", {})[attachment_id] = shown
        return attachment_id

    def resolve(self, kind: int, value: str, path: str) -> None:
        """Add the user, channel or role with this id to what the bot is told; complain at ``path`` if there is none."""
        world, wire = self._world, self._wire
        if kind in (c.USER, c.MENTIONABLE) and value in world.users:
            self.resolve_user(value)
        elif kind == c.CHANNEL and value in world.channels:
            channel = wire.partial_channel(world.channels[value], self._user)
            self.resolved.setdefault("channels", {})[value] = channel
        elif kind in (c.ROLE, c.MENTIONABLE) and value == world.guild_id:
            self.resolved.setdefault("roles", {})[value] = wire.rest_guild()["roles"][0]
        else:
            self.form.refuse(path, "SNOWFLAKE_INVALID", f"Nothing here has the id {value!r}.")

    def resolve_user(self, user_id: str) -> None:
        """Add a user, and the user's membership, to what the bot is told."""
        user = self._world.users[user_id]
        self.resolved.setdefault("users", {})[user_id] = self._wire.user(user)
        permissions = self._wire.member_permissions(user, self._world.channels.get(self._channel_id))
        member = self._wire.member(user, with_user=False) | {"permissions": str(permissions)}
        self.resolved.setdefault("members", {})[user_id] = member

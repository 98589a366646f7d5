"""What is in the world: people, channels, messages, commands, interactions; in memory, and written to the store."""

import base64
import secrets
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from sandbox.clock import Clock, Snowflakes, snowflake_time
from sandbox.permissions import MEMBER
from sandbox.store import Store

T = TypeVar("T", "User", "Channel", "Message", "Interaction")

GUILD_TEXT, DM = 0, 1
NONCE_MEMORY_S = 300.0
INTERACTION_MEMORY_S = 3600.0
RETIRED_BLOB_S = 60.0
LINK_LIFE_S = 25 * 3600.0


@dataclass
class User:
    """A person or the bot. ``dms_open`` is the privacy setting "allow direct messages from server members"."""

    id: str
    username: str
    global_name: str
    token: str
    bot: bool = False
    locale: str = "en-US"
    dms_open: bool = True


@dataclass
class Channel:
    """A guild's text channel (type 0) or a direct-message channel (type 1) with its ``recipients``' ids.

    ``permissions`` are those of people, by user id, who may do something else here than every member.
    """

    id: str
    type: int
    name: str = ""
    topic: str = ""
    position: int = 0
    recipients: list[str] = field(default_factory=list)
    bot_permissions: int = int(MEMBER)
    permissions: dict[str, int] = field(default_factory=dict)


@dataclass
class Message:
    """A message as it is kept: ids instead of users, attachments without links (links expire, so they are made again
    whenever the message is shown). ``nonce`` is shown to ``nonce_to`` alone, and an ephemeral message to
    ``ephemeral_to`` alone."""

    id: str
    channel_id: str
    author_id: str
    timestamp: str
    type: int = 0
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    edited_timestamp: str | None = None
    mentions: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    mention_roles: list[str] = field(default_factory=list)
    reference: str | None = None
    nonce: str | int | None = None
    nonce_to: str | None = None
    ephemeral_to: str | None = None
    interaction: dict[str, Any] | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Interaction:
    """Something a user did with the bot. ``response`` is the type of the bot's callback once there was one;
    ``trigger`` describes the interaction whose modal this one submits."""

    id: str
    token: str
    type: int
    user_id: str
    channel_id: str
    created_at: float
    nonce: str | int | None = None
    name: str = ""
    command_type: int = 1
    message_id: str | None = None
    target_id: str | None = None
    trigger: dict[str, Any] | None = None
    response: int | None = None
    response_message_id: str | None = None
    failed: bool = False
    modal: dict[str, Any] | None = None


class World:
    """Holds everything. A change is handed to the matching ``save``, so that it survives a restart."""

    def __init__(self, clock: Clock, store: Store) -> None:
        self.clock = clock
        self.store = store
        self.ids = Snowflakes(clock)
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.commands: dict[str, dict[str, Any]] = {}
        self.interactions: dict[str, Interaction] = {}
        self._by_channel: dict[str, dict[str, Message]] = {}
        self._by_nonce: dict[tuple[str, str], str] = {}
        self._retired: list[tuple[float, str]] = []
        facts = next(iter(store.load("facts")), None)
        if facts is None:
            facts = self._found()
        else:
            self._load()
        self.guild_id: str = facts["guild_id"]
        self.bot_id: str = facts["bot_id"]
        self.cdn_key: bytes = bytes.fromhex(facts["cdn_key"])
        self._by_token = {user.token: user for user in self.users.values()}

    # People ----------------------------------------------------------------------------------------------------

    @property
    def bot(self) -> User:
        """The bot; its user id is the application's id, as with every application made since 2016."""
        return self.users[self.bot_id]

    @property
    def people(self) -> list[User]:
        """The human users, oldest first; the first of them owns the guild."""
        return [user for user in self.users.values() if not user.bot]

    def user_by_token(self, token: str) -> User | None:
        """Whose token this is."""
        return self._by_token.get(token)

    def save_user(self, user: User) -> None:
        """Keep a changed user."""
        self.users[user.id] = user
        self.store.put("user", user.id, asdict(user))

    # Channels --------------------------------------------------------------------------------------------------

    @property
    def guild_channels(self) -> list[Channel]:
        """The guild's channels in the order shown."""
        return sorted((c for c in self.channels.values() if c.type == GUILD_TEXT), key=lambda channel: channel.position)

    def direct_channels(self, user: User) -> list[Channel]:
        """The direct-message channels a user is in."""
        return [c for c in self.channels.values() if c.type == DM and user.id in c.recipients]

    def save_channel(self, channel: Channel) -> None:
        """Keep a new or changed channel."""
        self.channels[channel.id] = channel
        self.store.put("channel", channel.id, asdict(channel))

    def channel_guild(self, channel: Channel) -> str | None:
        """The guild's id, or None for direct messages."""
        return self.guild_id if channel.type == GUILD_TEXT else None

    # Messages --------------------------------------------------------------------------------------------------

    def save_message(self, message: Message) -> None:
        """Keep a new or changed message. Ephemeral ones live in memory only, as they vanish on a reload in Discord."""
        self._remember(message)
        if message.ephemeral_to is None:
            self.store.put("message", message.id, asdict(message))

    def delete_message(self, message: Message) -> None:
        """Forget a message and, a little later, its files."""
        del self.messages[message.id]
        del self._by_channel[message.channel_id][message.id]
        if self._by_nonce.get((message.author_id, str(message.nonce))) == message.id:
            del self._by_nonce[(message.author_id, str(message.nonce))]
        self.store.delete("message", message.id)
        self.retire_blobs([attachment["id"] for attachment in message.attachments])

    def history(self, channel_id: str) -> list[Message]:
        """The channel's messages that stay, oldest first."""
        return [m for m in self._by_channel.get(channel_id, {}).values() if m.ephemeral_to is None]

    def last_message_id(self, channel_id: str) -> str | None:
        """The newest message's id."""
        return next(reversed(self._by_channel.get(channel_id, {})), None)

    def message_by_nonce(self, author_id: str, nonce: str | int) -> Message | None:
        """The message this author sent with this nonce in the past few minutes, if it still exists."""
        message = self.messages.get(self._by_nonce.get((author_id, str(nonce)), ""))
        if message is None or self.clock.now() - snowflake_time(message.id) > NONCE_MEMORY_S:
            return None
        return message

    def retire_blobs(self, blob_ids: list[str]) -> None:
        """Delete files a minute from now: a client may be loading the picture of the message before this edit."""
        now = self.clock.now()
        self._retired += [(now + RETIRED_BLOB_S, blob_id) for blob_id in blob_ids]
        while self._retired and self._retired[0][0] <= now:
            self.store.delete_blob(self._retired.pop(0)[1])

    # Commands and interactions -----------------------------------------------------------------------------------

    def save_command(self, command: dict[str, Any]) -> None:
        """Keep a new or changed application command (in Discord's own form)."""
        self.commands[command["id"]] = command
        self.store.put("command", command["id"], command)

    def delete_command(self, command_id: str) -> None:
        """Unregister a command."""
        del self.commands[command_id]
        self.store.delete("command", command_id)

    def save_interaction(self, interaction: Interaction) -> None:
        """Keep a new or changed interaction."""
        self.interactions[interaction.token] = interaction
        self.store.put("interaction", interaction.id, asdict(interaction))
        while (oldest := next(iter(self.interactions.values()))).created_at < self.clock.now() - INTERACTION_MEMORY_S:
            del self.interactions[oldest.token]
            self.store.delete("interaction", oldest.id)

    # Beginnings --------------------------------------------------------------------------------------------------

    def _remember(self, message: Message) -> None:
        self.messages[message.id] = message
        self._by_channel.setdefault(message.channel_id, {})[message.id] = message
        if message.nonce is not None and message.nonce_to == message.author_id:
            self._by_nonce[(message.author_id, str(message.nonce))] = message.id

    def _found(self) -> dict[str, Any]:
        """Make a new world: the people, the guild's channels and the keys."""
        for username, bot in (("Easel", True), ("ada", False), ("ben", False)):
            user_id = self.ids.next()
            # The form of Discord's tokens: the id in base64, then what cannot be guessed.
            token = f"{base64.b64encode(user_id.encode()).decode().rstrip('=')}.sandbox.{secrets.token_hex(20)}"
            self.save_user(User(user_id, username, username.capitalize(), token, bot))
        channels = (
            ("newcomers", "First pictures. Type /imagine and a few words."),
            ("general-art", "Everything that is being made."),
            ("showcase", "The ones worth keeping."),
        )
        for position, (name, topic) in enumerate(channels):
            self.save_channel(Channel(self.ids.next(), GUILD_TEXT, name, topic, position))
        bot_id = next(user.id for user in self.users.values() if user.bot)
        facts = {"guild_id": self.ids.next(), "bot_id": bot_id, "cdn_key": secrets.token_hex(32)}
        self.store.put("facts", "facts", facts)
        return facts

    def _load(self) -> None:
        """Read a world back, and drop the files that no message holds and no link can lead to any more."""
        for record in self.store.load("user"):
            self.users[record["id"]] = _revived(User, record)
        for record in self.store.load("channel"):
            self.channels[record["id"]] = _revived(Channel, record)
        for record in self.store.load("message"):
            self._remember(_revived(Message, record))
        for record in self.store.load("command"):
            self.commands[record["id"]] = record
        for record in self.store.load("interaction"):
            self.interactions[record["token"]] = _revived(Interaction, record)
        for table in (self.users, self.channels, self.messages, self.commands):
            for key in table:
                self.ids.seen(key)
        for interaction in self.interactions.values():
            self.ids.seen(interaction.id)
        held = {attachment["id"] for message in self.messages.values() for attachment in message.attachments}
        for blob_id in self.store.blob_ids():
            if blob_id not in held and snowflake_time(blob_id) < self.clock.now() - LINK_LIFE_S:
                self.store.delete_blob(blob_id)


def _revived(kind: type[T], record: dict[str, Any]) -> T:
    """The object of a record, which an older or newer version of this program may have written."""
    return kind(**{one.name: record[one.name] for one in fields(kind) if one.name in record})

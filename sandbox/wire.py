"""Objects in the form Discord sends them. What Discord leaves out is left out here: clients crash on a null there."""

import hashlib
import hmac
from typing import Any
from urllib.parse import quote

from sandbox.permissions import EVERYTHING, MEMBER
from sandbox.world import DM, LINK_LIFE_S, Channel, Message, User, World

EPHEMERAL = 1 << 6
LOADING = 1 << 7
COMPONENTS_V2 = 1 << 15
REPLY = 19
FILE = 13  # the component
FOUNDED = "2026-01-01T00:00:00.000000+00:00"


class Wire:
    """Builds payloads. ``base_url`` is this server's root, known once it listens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.base_url = ""

    # People ----------------------------------------------------------------------------------------------------

    def user(self, user: User) -> dict[str, Any]:
        """A user as everybody sees it."""
        payload: dict[str, Any] = {
            "id": user.id,
            "username": user.username,
            "avatar": None,
            "discriminator": "0",
            "public_flags": 0,
            "flags": 0,
            "global_name": None if user.bot else user.global_name,
            "banner": None,
            "accent_color": None,
            "avatar_decoration_data": None,
            "collectibles": None,
            "primary_guild": None,
        }
        if user.bot:
            payload["bot"] = True
        return payload

    def own_user(self, user: User) -> dict[str, Any]:
        """A user as it sees itself."""
        return self.user(user) | {"mfa_enabled": False, "locale": user.locale, "verified": True, "email": None}

    def member(self, user: User, *, with_user: bool = True) -> dict[str, Any]:
        """A user as a member of the guild."""
        payload: dict[str, Any] = {
            "avatar": None,
            "banner": None,
            "communication_disabled_until": None,
            "flags": 0,
            "joined_at": FOUNDED,
            "nick": None,
            "pending": False,
            "premium_since": None,
            "roles": [],
            "mute": False,
            "deaf": False,
        }
        if with_user:
            payload["user"] = self.user(user)
        return payload

    def member_permissions(self, user: User, channel: Channel | None = None) -> int:
        """A person's permissions in a channel, or (None) in the guild: all of them for its owner, everywhere."""
        if user.id == self.world.people[0].id:
            return EVERYTHING
        return int(MEMBER) if channel is None else channel.permissions.get(user.id, int(MEMBER))

    def application(self) -> dict[str, Any]:
        """The application as its own token sees it."""
        bot = self.world.bot
        return {
            "id": bot.id,
            "name": bot.username,
            "icon": None,
            "description": "",
            "summary": "",  # deprecated and empty, yet some clients cannot do without
            "type": None,
            "bot": self.user(bot),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": hashlib.sha256(bot.id.encode()).hexdigest(),
            "flags": 0,
            "flags_new": "0",
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": self.user(self.world.people[0]),
            "approximate_guild_count": 1,
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": None,
            "integration_types_config": {"0": {}},
            "eligible_oauth2_scopes": [],
        }

    # Places ----------------------------------------------------------------------------------------------------

    def channel(self, channel: Channel, viewer: User) -> dict[str, Any]:
        """A channel; a direct one names the other side."""
        payload: dict[str, Any] = {
            "id": channel.id,
            "type": channel.type,
            "flags": 0,
            "last_message_id": self.world.last_message_id(channel.id),
        }
        if channel.type == DM:
            others = [self.world.users[user_id] for user_id in channel.recipients if user_id != viewer.id]
            return payload | {"recipients": [self.user(user) for user in others]}
        permissions = {self.world.bot_id: channel.bot_permissions} | channel.permissions
        overwrites = [
            {"id": user_id, "type": 1, "allow": str(bits & ~MEMBER), "deny": str(int(MEMBER) & ~bits)}
            for user_id, bits in permissions.items()
            if bits != MEMBER
        ]
        return payload | {
            "guild_id": self.world.guild_id,
            "name": channel.name,
            "topic": channel.topic,
            "position": channel.position,
            "parent_id": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "permission_overwrites": overwrites,
        }

    def partial_channel(self, channel: Channel, viewer: User) -> dict[str, Any]:
        """The channel inside an interaction, with the permissions the user has there."""
        return self.channel(channel, viewer) | {"permissions": str(self.member_permissions(viewer, channel))}

    def guild(self, viewer: User) -> dict[str, Any]:
        """The guild as the gateway's GUILD_CREATE shows it."""
        world = self.world
        return self.rest_guild() | {
            "joined_at": FOUNDED,
            "large": False,
            "unavailable": False,
            "member_count": len(world.users),
            "voice_states": [],
            "members": [self.member(user) for user in world.users.values()],
            "channels": [self.channel(channel, viewer) for channel in world.guild_channels],
            "threads": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def rest_guild(self) -> dict[str, Any]:
        """The guild as ``GET /guilds/{id}`` shows it."""
        world = self.world
        everyone = {
            "id": world.guild_id,
            "name": "@everyone",
            "description": None,
            "permissions": str(int(MEMBER)),
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        nothing = ("icon", "description", "home_header", "splash", "discovery_splash", "banner", "application_id")
        nobody = ("afk_channel_id", "system_channel_id", "widget_channel_id", "rules_channel_id", "vanity_url_code")
        rest = ("safety_alerts_channel_id", "public_updates_channel_id", "latest_onboarding_question_id")
        return dict.fromkeys(nothing + nobody + rest) | {
            "id": world.guild_id,
            "name": "Sandbox",
            "owner_id": world.people[0].id,
            "region": "local",
            "afk_timeout": 300,
            "system_channel_flags": 0,
            "widget_enabled": False,
            "verification_level": 0,
            "roles": [everyone],
            "default_message_notifications": 1,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": None,
            "max_members": 500000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": False,
            "nsfw": False,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "features": [],
            "incidents_data": None,
        }

    # Files -----------------------------------------------------------------------------------------------------

    def file_url(self, channel_id: str, attachment_id: str, filename: str) -> str:
        """A signed link to an attachment. It changes once an hour, so a client's cache is of use, and has no ``_``
        after the file name (clients take the last one for the file's own)."""
        path = f"/attachments/{channel_id}/{attachment_id}/{filename}"
        issued = int(self.world.clock.now()) // 3600 * 3600
        expires, since = f"{issued + int(LINK_LIFE_S):x}", f"{issued:x}"
        mark = self.signature(path, expires, since)
        return f"{self.base_url}{quote(path)}?ex={expires}&is={since}&hm={mark}"

    def signature(self, path: str, expires: str, since: str) -> str:
        """What proves that a link was made here, in hexadecimal."""
        return hmac.new(self.world.cdn_key, f"{path}?{expires}&{since}".encode(), hashlib.sha256).hexdigest()

    def attachment(self, channel_id: str, kept: dict[str, Any], *, ephemeral: bool = False) -> dict[str, Any]:
        """An attachment with its links; keys without a value are left out."""
        url = self.file_url(channel_id, kept["id"], kept["filename"])
        payload = {key: value for key, value in kept.items() if value is not None} | {"url": url, "proxy_url": url}
        return payload | {"ephemeral": True} if ephemeral else payload

    # Messages --------------------------------------------------------------------------------------------------

    def message(self, message: Message, viewer: User, *, referenced: bool = True, new: bool = False) -> dict[str, Any]:
        """A message as ``viewer`` sees it; its nonce is told only while it is ``new``, and only to who chose it."""
        world = self.world
        by_name = {kept["filename"]: kept for kept in message.attachments}
        shown: set[str] = set()
        embeds = [self._media(embed, by_name, message.channel_id, shown) for embed in message.embeds]
        payload: dict[str, Any] = {
            "id": message.id,
            "type": message.type,
            "channel_id": message.channel_id,
            "author": self.user(world.users[message.author_id]),
            "content": message.content,
            "timestamp": message.timestamp,
            "edited_timestamp": message.edited_timestamp,
            "tts": message.tts,
            "mention_everyone": message.mention_everyone,
            "mentions": [self.user(world.users[user_id]) for user_id in message.mentions],
            "mention_roles": message.mention_roles,
            # A file that an embed shows is not listed a second time.
            "attachments": [
                self.attachment(message.channel_id, kept, ephemeral=message.ephemeral_to is not None)
                for kept in message.attachments
                if kept["filename"] not in shown
            ],
            "embeds": embeds,
            "components": [self._media(part, by_name, message.channel_id, set()) for part in message.components],
            "pinned": False,
            "flags": message.flags,
        }
        if message.reactions:
            payload["reactions"] = [
                self.reaction(name, user_ids, viewer) for name, user_ids in message.reactions.items()
            ]
        if new and message.nonce is not None and viewer.id == message.nonce_to:
            payload["nonce"] = message.nonce
        if message.interaction is not None:
            payload |= self._by_interaction(message.interaction)
        if message.reference is not None:
            payload["message_reference"] = {
                "type": 0,
                "channel_id": message.channel_id,
                "message_id": message.reference,
            }
            if guild_id := world.channel_guild(world.channels[message.channel_id]):
                payload["message_reference"]["guild_id"] = guild_id
            if referenced:
                source = world.messages.get(message.reference)
                payload["referenced_message"] = source and self.message(source, viewer, referenced=False)
        return payload

    def message_event(self, message: Message, viewer: User, *, new: bool = False) -> dict[str, Any]:
        """A message inside a gateway event: in a guild, the guild and the author's membership come with it."""
        payload = self.message(message, viewer, new=new)
        if guild_id := self.world.channel_guild(self.world.channels[message.channel_id]):
            author = self.world.users[message.author_id]
            payload |= {"guild_id": guild_id, "member": self.member(author, with_user=False)}
        return payload

    def reaction(self, name: str, user_ids: list[str], viewer: User) -> dict[str, Any]:
        """One emoji under a message."""
        return {
            "emoji": {"id": None, "name": name},
            "count": len(user_ids),
            "count_details": {"burst": 0, "normal": len(user_ids)},
            "burst_colors": [],
            "me_burst": False,
            "me": viewer.id in user_ids,
        }

    def metadata(self, kept: dict[str, Any]) -> dict[str, Any]:
        """``interaction_metadata``: which interaction a message answers."""
        payload: dict[str, Any] = {
            "id": kept["id"],
            "type": kept["type"],
            "user": self.user(self.world.users[kept["user_id"]]),
            "authorizing_integration_owners": {"0": self.world.guild_id} if kept["guild"] else {"0": "0"},
        }
        if kept.get("original_response_message_id"):
            payload["original_response_message_id"] = kept["original_response_message_id"]
        if kept["type"] == 2:
            payload |= {"name": kept["name"], "command_type": kept["command_type"]}
            if kept.get("target_message_id"):
                payload["target_message_id"] = kept["target_message_id"]
            if kept.get("target_user_id"):
                payload["target_user"] = self.user(self.world.users[kept["target_user_id"]])
        if kept["type"] == 3:
            payload["interacted_message_id"] = kept["message_id"]
        if kept["type"] == 5:
            payload["triggering_interaction_metadata"] = self.metadata(kept["trigger"])
        return payload

    def _by_interaction(self, kept: dict[str, Any]) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "application_id": self.world.bot_id,
            "webhook_id": self.world.bot_id,
            "interaction_metadata": self.metadata(kept),
        }
        # The older field is for answers to commands; answers to a component carry a reference instead.
        if kept["type"] == 2 and not kept.get("original_response_message_id"):
            user = self.user(self.world.users[kept["user_id"]])
            payload["interaction"] = {"id": kept["id"], "type": 2, "name": kept["name"], "user": user}
        return payload

    def _media(self, part: Any, files: dict[str, dict[str, Any]], channel_id: str, shown: set[str]) -> Any:
        """A component or embed with its ``attachment://name`` links turned into real ones, at any depth."""
        if isinstance(part, list):
            return [self._media(item, files, channel_id, shown) for item in part]
        if not isinstance(part, dict):
            return part
        payload = {key: self._media(value, files, channel_id, shown) for key, value in part.items()}
        if part.get("type") == FILE and part.get("name") in files:
            payload["size"] = files[part["name"]]["size"]
        for key in ("url", "icon_url"):
            link = part.get(key)
            if not isinstance(link, str) or not link.startswith("attachment://"):
                continue
            kept = files.get(link.removeprefix("attachment://"))
            if kept is None:
                continue
            shown.add(kept["filename"])
            payload[key] = self.file_url(channel_id, kept["id"], kept["filename"])
            if key == "icon_url":
                payload["proxy_icon_url"] = payload[key]
                continue
            payload["proxy_url"] = payload[key]
            payload |= {name: kept[name] for name in ("width", "height", "content_type") if kept.get(name) is not None}
            if "attachment_id" in part:
                payload["attachment_id"] = kept["id"]
        return payload

"""Discord's permission bits, as far as the sandbox asks for them (docs: Topics, Permissions)."""

from enum import IntFlag


class Permission(IntFlag):
    """One bit a right; a channel keeps one such set for the bot."""

    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EXTERNAL_APPS = 1 << 50


# What the invite link of a well-behaved bot asks for: it may not touch other people's messages.
MEMBER = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.USE_EXTERNAL_APPS
)
EVERYTHING = (1 << 53) - 1


def by_name(names: list[str]) -> int:
    """The bits of lower-case names such as ``send_messages``; ValueError names the word that is none."""
    bits = 0
    for name in names:
        try:
            bits |= Permission[name.upper()]
        except KeyError:
            known = ", ".join(permission.name.lower() for permission in Permission if permission.name)
            raise ValueError(f"{name!r} is no permission the sandbox knows; it knows {known}") from None
    return bits

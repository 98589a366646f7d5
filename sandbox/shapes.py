"""What type each field of a request's body has, so that the readers behind this door need not ask.

A shape is a type, a tuple of types, a list of one shape, or a dictionary of shapes by key. Keys that a shape does not
name may hold anything, and null stands for "left out" wherever a key may be left out (which is everywhere).
"""

from typing import Any

from sandbox.errors import Form


class Snowflake:
    """Marks an id: a number, or its digits."""


NONCE = (str, int)
NUMBER = (int, float)
FILE = {"id": Snowflake, "filename": str, "description": str, "uploaded_filename": str, "upload_filename": str}
MEDIA = {"url": str}
EMOJI = {"id": Snowflake, "name": str, "animated": bool}
CHOICE = {"label": str, "value": str, "description": str, "emoji": EMOJI, "default": bool}
EMBED = {
    "title": str,
    "description": str,
    "url": str,
    "timestamp": str,
    "color": int,
    "footer": {"text": str, "icon_url": str},
    "image": MEDIA,
    "thumbnail": MEDIA,
    "author": {"name": str, "url": str, "icon_url": str},
    "fields": [{"name": str, "value": str, "inline": bool}],
}
COMPONENT: dict[str, Any] = {
    "type": int,
    "id": int,
    "custom_id": str,
    "style": int,
    "label": str,
    "description": str,
    "emoji": EMOJI,
    "url": str,
    "sku_id": Snowflake,
    "disabled": bool,
    "options": [CHOICE],
    "placeholder": str,
    "min_values": int,
    "max_values": int,
    "min_length": int,
    "max_length": int,
    "required": bool,
    "value": (str, bool),
    "values": [str],
    "content": str,
    "items": [{"media": MEDIA, "description": str, "spoiler": bool}],
    "media": MEDIA,
    "file": MEDIA,
    "spoiler": bool,
    "divider": bool,
    "spacing": int,
    "accent_color": int,
}
COMPONENT |= {"components": [COMPONENT], "component": COMPONENT, "accessory": COMPONENT}
MESSAGE = {
    "content": str,
    "tts": bool,
    "flags": int,
    "nonce": NONCE,
    "enforce_nonce": bool,
    "embeds": [EMBED],
    "components": [COMPONENT],
    "attachments": [FILE],
    "allowed_mentions": {"parse": [str], "users": [Snowflake], "roles": [Snowflake], "replied_user": bool},
    "message_reference": {"type": int, "message_id": Snowflake, "fail_if_not_exists": bool},
}
MODAL = {"title": str, "custom_id": str, "components": [COMPONENT]}
CHOICES = {"choices": [{"name": str, "value": (str, int, float)}]}
LOCALIZED: dict[str, Any] = {"name_localizations": {}, "description_localizations": {}}
OPTION: dict[str, Any] = LOCALIZED | {
    "type": int,
    "name": str,
    "description": str,
    "required": bool,
    "autocomplete": bool,
    "choices": [{"name": str, "name_localizations": {}, "value": (str, int, float)}],
    "min_value": NUMBER,
    "max_value": NUMBER,
    "min_length": int,
    "max_length": int,
}
OPTION |= {"options": [OPTION]}
COMMAND = LOCALIZED | {
    "name": str,
    "type": int,
    "description": str,
    "options": [OPTION],
    "default_member_permissions": Snowflake,
    "dm_permission": bool,
    "contexts": [int],
    "integration_types": [int],
    "nsfw": bool,
}
GIVEN: dict[str, Any] = {"type": int, "name": str, "value": (str, int, float, bool), "focused": bool}
GIVEN |= {"options": [GIVEN]}
INTERACTION = {
    "type": int,
    "application_id": Snowflake,
    "guild_id": Snowflake,
    "channel_id": Snowflake,
    "message_id": Snowflake,
    "nonce": NONCE,
    "data": {
        "id": Snowflake,
        "name": str,
        "version": Snowflake,
        "custom_id": str,
        "component_type": int,
        "target_id": Snowflake,
        "values": [str],
        "options": [GIVEN],
        "attachments": [FILE],
        "components": [COMPONENT],
    },
}
SLOTS = {"files": [{"id": Snowflake, "filename": str, "file_size": int}]}
BULK = {"messages": [Snowflake]}
SETTINGS = {"locale": str}
DIRECT = {"recipient_id": Snowflake, "recipients": [Snowflake]}

_WRONG = {
    str: ("STRING_TYPE_CONVERT", "Could not interpret {!r} as string."),
    bool: ("BOOLEAN_TYPE_CONVERT", "Must be either true or false."),
    Snowflake: ("NUMBER_TYPE_COERCE", "Value {!r} is not snowflake."),
}


def require(value: Any, shape: Any, prefix: str = "") -> Any:
    """The value itself, once it is known to have the shape; 400 50035 if it has not."""
    form = Form(prefix)
    _check(form, value, shape, "")
    form.check()
    return value


def _check(form: Form, value: Any, shape: Any, path: str) -> None:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            form.refuse(path or "_body", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return
        for key, inner in shape.items():
            if value.get(key) is not None:
                _check(form, value[key], inner, f"{path}.{key}".lstrip("."))
    elif isinstance(shape, list):
        if not isinstance(value, list):
            form.refuse(path or "_body", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        for index, item in enumerate(value):
            _check(form, item, shape[0], f"{path}.{index}".lstrip("."))
    elif not _is(value, shape):
        code, message = _WRONG.get(shape, ("NUMBER_TYPE_COERCE", "Value {!r} is not int."))
        form.refuse(path, code, message.format(value))


def _is(value: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return any(_is(value, one) for one in shape)
    if shape is Snowflake:
        digits = value if isinstance(value, str) else str(value)
        return not isinstance(value, bool) and digits.isdecimal() and digits.isascii()
    if isinstance(value, bool):  # which is an int in Python, but not in JSON
        return shape is bool
    return isinstance(value, shape)

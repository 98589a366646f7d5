"""Message components: what Discord accepts, and the form in which it gives them back (docs: Components)."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from sandbox.errors import Form

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR = 9, 10, 11, 12, 13, 14
CONTAINER, LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 17, 18, 19, 21, 22, 23

SELECTS = (STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
LAYOUT = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR, CONTAINER)
IN_CONTAINER = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR)
LINK, PREMIUM = 5, 6
TEXT_LIMIT = 4000


def walk(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component at every depth, parents first."""
    for part in components:
        yield part
        yield from walk(part.get("components") or [])
        for key in ("accessory", "component"):
            if part.get(key) is not None:
                yield from walk([part[key]])


def find(components: list[dict[str, Any]], custom_id: str) -> dict[str, Any] | None:
    """The component that a press names."""
    return next((part for part in walk(components) if part.get("custom_id") == custom_id), None)


class ComponentReader:
    """Reads one message's components: complaints go to the form, :meth:`read` returns them as Discord shows them."""

    def __init__(self, form: Form, filenames: set[str], *, v2: bool) -> None:
        self._form = form
        self._filenames = filenames
        self._v2 = v2
        self._count = 0
        self._text = 0
        self._custom_ids: set[str] = set()
        self._ids: set[int] = set()

    def read(self, components: Any) -> list[dict[str, Any]]:
        """Check a message's top level and everything below it."""
        if components is None or components == []:
            return []
        if not self._form.count("components", components, 0, 40 if self._v2 else 5):
            return []
        allowed = LAYOUT if self._v2 else (ROW,)
        parts = [self._part(part, f"components.{i}", allowed) for i, part in enumerate(components)]
        if self._count > 40:
            self._form.refuse(
                "components", "COMPONENT_MAX_TOTAL_COMPONENTS", "Must be 40 or fewer components in total."
            )
        if self._text > TEXT_LIMIT:
            message = f"The text of all components must be {TEXT_LIMIT} or fewer in length."
            self._form.refuse("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)
        free = (number for number in count(1) if number not in self._ids)
        for part in walk(parts):
            part["id"] = part.get("id") or next(free)
        return parts

    def _part(self, part: dict[str, Any], path: str, allowed: tuple[int, ...]) -> dict[str, Any]:
        kind = part.get("type")
        if kind not in allowed:
            self._form.choice(f"{path}.type", kind, allowed)
            return {}
        self._count += 1
        shown: dict[str, Any] = {"type": kind, "id": part.get("id")}
        self._id(part, path)
        if kind == ROW:
            shown["components"] = self._row(part, path)
        elif kind == BUTTON:
            self._button(part, path, shown)
        elif kind in SELECTS:
            self._select(part, path, shown)
        elif kind == TEXT_DISPLAY:
            self._display(part, path, shown)
        elif kind == SECTION:
            self._section(part, path, shown)
        elif kind == CONTAINER:
            self._container(part, path, shown)
        elif kind == GALLERY:
            self._gallery(part, path, shown)
        elif kind in (THUMBNAIL, FILE):
            key = "media" if kind == THUMBNAIL else "file"
            self._described_media(part, path, key, shown)
        elif kind == SEPARATOR:
            shown |= {"divider": part.get("divider", True), "spacing": part.get("spacing", 1)}
            if shown["spacing"] not in (1, 2):
                self._form.choice(f"{path}.spacing", shown["spacing"], (1, 2))
        return shown

    def _id(self, part: dict[str, Any], path: str) -> None:
        """A number for the component that the bot chose itself (None and 0 leave the choice to Discord)."""
        number = part.get("id")
        if not number:
            return
        if not 0 < number < 1 << 32:
            self._form.refuse(f"{path}.id", "NUMBER_TYPE_COERCE", f"Value {number!r} is not a positive 32-bit integer.")
        elif number in self._ids:
            self._form.refuse(f"{path}.id", "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
        else:
            self._ids.add(number)

    def _row(self, part: dict[str, Any], path: str) -> list[dict[str, Any]]:
        children = part.get("components")
        if not self._form.count(f"{path}.components", children, 1, 5):
            return []
        assert isinstance(children, list)
        if any(child.get("type") in SELECTS for child in children) and len(children) > 1:
            self._form.refuse(f"{path}.components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A select fills its row.")
        return [self._part(child, f"{path}.components.{i}", (BUTTON, *SELECTS)) for i, child in enumerate(children)]

    def _button(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        style = part.get("style")
        if style not in (1, 2, 3, 4, LINK, PREMIUM):
            self._form.choice(f"{path}.style", style, (1, 2, 3, 4, LINK, PREMIUM))
            return
        shown["style"] = style
        if part.get("disabled"):
            shown["disabled"] = True
        if part.get("label") is not None and self._form.length(f"{path}.label", part["label"], 0, 80):
            shown["label"] = part["label"]
        self._emoji(part, path, shown)
        if style == LINK:
            self._link(part, path, shown)
            return
        if style == PREMIUM:
            shown["sku_id"] = part.get("sku_id")
            if not part.get("sku_id"):
                self._form.required(f"{path}.sku_id")
            if any(part.get(key) is not None for key in ("custom_id", "url", "label", "emoji")):
                self._form.refuse(path, "BUTTON_COMPONENT_INVALID", "A premium button has nothing but its sku_id")
            return
        if part.get("url") is not None or part.get("sku_id") is not None:
            message = "A custom id and url cannot both be specified"
            self._form.refuse(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", message)
        self._custom_id(part, path, shown)
        if not shown.get("label") and "emoji" not in shown:
            self._form.refuse(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")

    def _link(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        url = part.get("url")
        if part.get("custom_id") is not None or part.get("sku_id") is not None:
            self._form.refuse(
                path, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", "A custom id and url cannot both be specified"
            )
        if not url:
            self._form.required(f"{path}.url")
        elif self._form.length(f"{path}.url", url, 1, 512):
            if urlsplit(url).scheme not in ("http", "https", "discord"):
                self._form.refuse(
                    f"{path}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https', 'discord')."
                )
            shown["url"] = url

    def _emoji(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        emoji = part.get("emoji")
        if not emoji:
            return
        if not (emoji.get("name") or emoji.get("id")):
            self._form.refuse(f"{path}.emoji.name", "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")
            return
        if not emoji.get("id") and emoji["name"].isascii():
            self._form.refuse(f"{path}.emoji.name", "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")
        shown["emoji"] = {key: emoji[key] for key in ("id", "name", "animated") if emoji.get(key) is not None}

    def _select(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        self._custom_id(part, path, shown)
        options = part.get("options") or []
        if part["type"] == STRING_SELECT and self._form.count(f"{path}.options", options, 1, 25):
            read_options(self._form, options, f"{path}.options")
            shown["options"] = options
        read_range(self._form, part, path, shown)
        if part.get("placeholder") is not None and self._form.length(
            f"{path}.placeholder", part["placeholder"], 0, 150
        ):
            shown["placeholder"] = part["placeholder"]
        for key in ("disabled", "default_values", "channel_types"):
            if part.get(key):
                shown[key] = part[key]

    def _display(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        shown["content"] = part.get("content")
        if self._form.length(f"{path}.content", part.get("content"), 1, TEXT_LIMIT):
            self._text += len(part["content"])

    def _section(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        shown["components"] = []
        if self._form.count(f"{path}.components", part.get("components"), 1, 3):
            shown["components"] = [
                self._part(child, f"{path}.components.{i}", (TEXT_DISPLAY,))
                for i, child in enumerate(part["components"])
            ]
        if part.get("accessory") is None:
            self._form.required(f"{path}.accessory")
            return
        shown["accessory"] = self._part(part["accessory"], f"{path}.accessory", (BUTTON, THUMBNAIL))

    def _container(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        color = part.get("accent_color")
        if color is not None and not 0 <= color <= 0xFFFFFF:
            self._form.refuse(
                f"{path}.accent_color", "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215."
            )
        shown |= {"accent_color": color, "spoiler": bool(part.get("spoiler")), "components": []}
        if self._form.count(f"{path}.components", part.get("components"), 1, 40):
            shown["components"] = [
                self._part(child, f"{path}.components.{i}", IN_CONTAINER) for i, child in enumerate(part["components"])
            ]

    def _gallery(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        shown["items"] = []
        if not self._form.count(f"{path}.items", part.get("items"), 1, 10):
            return
        for i, item in enumerate(part["items"]):
            shown["items"].append({})
            self._described_media(item, f"{path}.items.{i}", "media", shown["items"][-1])

    def _described_media(self, part: dict[str, Any], path: str, key: str, shown: dict[str, Any]) -> None:
        """A thumbnail, a gallery's item or a file: something with a link, perhaps described, perhaps a spoiler."""
        shown |= {"spoiler": bool(part.get("spoiler"))}
        if key == "media":
            shown["description"] = part.get("description")
            if part.get("description") is not None:
                self._form.length(f"{path}.description", part["description"], 0, 1024)
        url = (part.get(key) or {}).get("url")
        if not url:
            self._form.required(f"{path}.{key}.url")
            return
        scheme = urlsplit(url).scheme
        name = url.removeprefix("attachment://")
        shown[key] = {
            "id": str(self._count),
            "url": url,
            "proxy_url": url,
            "width": None,
            "height": None,
            "content_type": None,
        }
        if scheme == "attachment":
            if name not in self._filenames:
                message = f"The referenced attachment {name!r} was not found"
                self._form.refuse(f"{path}.{key}.url", "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", message)
            shown[key]["attachment_id"] = "0"
            if key == "file":
                shown |= {"name": name, "size": None}
        elif scheme not in ("http", "https") or key == "file":
            allowed = "('attachment',)" if key == "file" else "('http', 'https', 'attachment')"
            self._form.refuse(f"{path}.{key}.url", "URL_TYPE_INVALID_SCHEME", f"Scheme must be one of {allowed}.")

    def _custom_id(self, part: dict[str, Any], path: str, shown: dict[str, Any]) -> None:
        custom_id = part.get("custom_id")
        if custom_id is None:
            self._form.required(f"{path}.custom_id")
        elif self._form.length(f"{path}.custom_id", custom_id, 1, 100):
            if custom_id in self._custom_ids:
                self._form.refuse(
                    f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
                )
            self._custom_ids.add(custom_id)
            shown["custom_id"] = custom_id


def read_options(form: Form, options: list[Any], path: str) -> None:
    """Check the options of a select, radio group or checkbox group."""
    values: set[str] = set()
    for i, option in enumerate(options):
        form.length(f"{path}.{i}.label", option.get("label"), 1, 100)
        if form.length(f"{path}.{i}.value", option.get("value"), 1, 100):
            if option["value"] in values:
                form.refuse(
                    f"{path}.{i}.value",
                    "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                    "The specified option value is already used",
                )
            values.add(option["value"])
        if option.get("description") is not None:
            form.length(f"{path}.{i}.description", option["description"], 0, 100)


def read_range(
    form: Form, part: dict[str, Any], path: str, shown: dict[str, Any], *, most: int = 25, default_high: int = 1
) -> None:
    """Check ``min_values`` and ``max_values`` against each other, ``most``, and the number of options."""
    low, high = part.get("min_values"), part.get("max_values")
    low, high = 1 if low is None else low, default_high if high is None else high
    if not 0 <= low <= most:
        form.refuse(f"{path}.min_values", "NUMBER_TYPE_MAX", f"int value should be between 0 and {most}.")
    elif not max(1, low) <= high <= most:
        form.refuse(f"{path}.max_values", "NUMBER_TYPE_MAX", f"int value should be between min_values and {most}.")
    elif part.get("options") and high > len(part["options"]):
        form.refuse(f"{path}.max_values", "SELECT_COMPONENT_MAX_VALUES", "There are fewer options than max_values.")
    shown |= {"min_values": low, "max_values": high}

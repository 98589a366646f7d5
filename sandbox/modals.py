"""Modals: the forms a bot shows, and what a person fills in."""

from typing import Any

from sandbox import components as c
from sandbox.errors import Form
from sandbox.shapes import MODAL, require

INPUTS_IN_LABEL = (
    c.STRING_SELECT, c.TEXT_INPUT, c.USER_SELECT, c.ROLE_SELECT, c.MENTIONABLE_SELECT, c.CHANNEL_SELECT,
    c.FILE_UPLOAD, c.RADIO_GROUP, c.CHECKBOX_GROUP, c.CHECKBOX,
)  # fmt: skip


def read_modal(data: dict[str, Any]) -> dict[str, Any]:
    """A bot's modal as the user's client gets it; 400 50035 if Discord would not show it."""
    require(data, MODAL, "data.")
    form = Form("data.")
    form.length("title", data.get("title"), 1, 45)
    form.length("custom_id", data.get("custom_id"), 1, 100)
    parts: list[dict[str, Any]] = []
    if form.count("components", data.get("components"), 1, 5):
        seen: set[str] = set()
        for i, part in enumerate(data["components"]):
            parts.append(_read_top(form, part, f"components.{i}", i, seen))
    form.check()
    return {"title": data["title"], "custom_id": data["custom_id"], "components": parts}


def _read_top(form: Form, part: dict[str, Any], path: str, index: int, seen: set[str]) -> dict[str, Any]:
    kind = part.get("type")
    shown: dict[str, Any] = {"type": kind, "id": part.get("id") or 2 * index + 1}
    if kind == c.ROW:
        if form.count(f"{path}.components", part.get("components"), 1, 1):
            field = _read_input(form, part["components"][0], f"{path}.components.0", index, seen, (c.TEXT_INPUT,))
            if field and not field.get("label"):
                form.required(f"{path}.components.0.label")
            shown["components"] = [field]
    elif kind == c.LABEL:
        form.length(f"{path}.label", part.get("label"), 1, 45)
        shown["label"] = part.get("label")
        if part.get("description") is not None and form.length(f"{path}.description", part["description"], 0, 100):
            shown["description"] = part["description"]
        shown["component"] = _read_input(form, part.get("component"), f"{path}.component", index, seen, INPUTS_IN_LABEL)
    elif kind == c.TEXT_DISPLAY:
        form.length(f"{path}.content", part.get("content"), 1, c.TEXT_LIMIT)
        shown["content"] = part.get("content")
    else:
        form.choice(f"{path}.type", kind, (c.ROW, c.LABEL, c.TEXT_DISPLAY))
    return shown


def _read_input(
    form: Form, part: dict[str, Any] | None, path: str, index: int, seen: set[str], allowed: tuple[int, ...]
) -> dict[str, Any]:
    part = part or {}
    if part.get("type") not in allowed:
        form.choice(f"{path}.type", part.get("type"), allowed)
        return {}
    shown = {key: value for key, value in part.items() if value is not None}
    shown |= {"id": part.get("id") or 2 * index + 2}
    if form.length(f"{path}.custom_id", part.get("custom_id"), 1, 100):
        if part["custom_id"] in seen:
            form.refuse(
                f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        seen.add(part["custom_id"])
    if part.get("placeholder") is not None:
        form.length(f"{path}.placeholder", part["placeholder"], 0, 100 if part["type"] == c.TEXT_INPUT else 150)
    if part["type"] == c.TEXT_INPUT:
        _read_text_input(form, part, path)
        return shown
    most = 25 if part["type"] in c.SELECTS else 10
    if part["type"] in (c.STRING_SELECT, c.RADIO_GROUP, c.CHECKBOX_GROUP):
        least = 2 if part["type"] == c.RADIO_GROUP else 1
        if form.count(f"{path}.options", part.get("options"), least, most):
            c.read_options(form, part["options"], f"{path}.options")
    if part["type"] == c.CHECKBOX_GROUP:
        c.read_range(form, part, path, shown, most=most, default_high=len(part.get("options") or [0]))
    elif part["type"] in (*c.SELECTS, c.FILE_UPLOAD):
        c.read_range(form, part, path, shown, most=most)
    return shown


def _read_text_input(form: Form, part: dict[str, Any], path: str) -> None:
    if part.get("style") not in (1, 2):
        form.choice(f"{path}.style", part.get("style"), (1, 2))
    if part.get("label"):
        form.length(f"{path}.label", part["label"], 1, 45)
    low, high = part.get("min_length"), part.get("max_length")
    if low is not None and not (0 <= low <= 4000):
        form.refuse(f"{path}.min_length", "NUMBER_TYPE_MAX", "int value should be between 0 and 4000.")
    if high is not None and not (1 <= high <= 4000):
        form.refuse(f"{path}.max_length", "NUMBER_TYPE_MAX", "int value should be between 1 and 4000.")
    if low is not None and high is not None and low > high:
        form.refuse(f"{path}.min_length", "NUMBER_TYPE_MAX", "int value should be less than or equal to max_length.")
    if part.get("value") is not None:
        form.length(f"{path}.value", part["value"], 0, 4000 if high is None else high)


def fill_modal(modal: dict[str, Any], submitted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the bot receives: the modal's components with the user's values; 400 50035 if they do not fit."""
    form = Form("data.")
    given = _given(submitted)
    filled: list[dict[str, Any]] = []
    for i, part in enumerate(modal["components"]):
        head = {"type": part["type"], "id": part["id"]}
        if part["type"] == c.TEXT_DISPLAY:
            filled.append(head)
        elif part["type"] == c.ROW:
            field = _fill(form, part["components"][0], given, f"components.{i}.components.0")
            filled.append(head | {"components": [field]})
        else:
            filled.append(head | {"component": _fill(form, part["component"], given, f"components.{i}.component")})
    form.check()
    return filled


def _given(submitted: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The submitted fields by custom id, from either layout (rows, or labels)."""
    return {part["custom_id"]: part for part in c.walk(submitted) if part.get("custom_id")}


def _fill(form: Form, field: dict[str, Any], given: dict[str, dict[str, Any]], path: str) -> dict[str, Any]:
    answer = given.get(field["custom_id"], {})
    filled = {"type": field["type"], "id": field["id"], "custom_id": field["custom_id"]}
    required = field.get("required", field["type"] != c.CHECKBOX)
    if field["type"] == c.TEXT_INPUT:
        value = answer.get("value") or ""
        if not value and required:
            form.required(f"{path}.value")
        elif value:
            form.length(f"{path}.value", value, field.get("min_length") or 0, field.get("max_length") or 4000)
        return filled | {"value": value}
    if field["type"] == c.CHECKBOX:
        return filled | {"value": bool(answer.get("value"))}
    options = {option["value"] for option in field.get("options", [])}
    if field["type"] == c.RADIO_GROUP:
        value = answer.get("value")
        if value not in options and (required or value is not None):
            form.choice(f"{path}.value", value, tuple(sorted(options)))
        return filled | {"value": value}
    values = answer.get("values") or []
    form.count(f"{path}.values", values, field["min_values"] if required else 0, field["max_values"])
    for value in values if options else []:
        if value not in options:
            form.choice(f"{path}.values", value, tuple(sorted(options)))
    return filled | {"values": values}

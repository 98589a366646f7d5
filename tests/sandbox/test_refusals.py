"""What Discord refuses of a message, with its exact status and code."""

from typing import Any

import pytest

from sandbox.core import Sandbox
from sandbox.images import square
from tests.sandbox.rest import Rest
from tests.sandbox.test_messages import post


def button(custom_id: str = "a", **more: Any) -> dict[str, Any]:
    """A grey button."""
    return {"type": 2, "style": 2, "label": "press", "custom_id": custom_id} | more


def row(*parts: dict[str, Any]) -> dict[str, Any]:
    """An action row."""
    return {"type": 1, "components": list(parts)}


def select(count: int = 2, **more: Any) -> dict[str, Any]:
    """A string select with so many options."""
    options = [{"label": f"o{i}", "value": str(i)} for i in range(count)]
    return {"type": 3, "custom_id": "s", "options": options} | more


def embed(**more: Any) -> dict[str, Any]:
    """An embed."""
    return {"title": "t"} | more


def v2(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A body with Components V2."""
    return {"flags": 1 << 15, "components": list(parts)} | more


def gallery(count: int, url: str = "https://example.org/a.png") -> dict[str, Any]:
    """A media gallery."""
    return {"type": 12, "items": [{"media": {"url": url}} for _ in range(count)]}


TEXT = {"type": 10, "content": "words"}
SENTENCES = [
    ("content of 2001 characters", {"content": "x" * 2001}, "content"),
    ("a row without buttons", {"content": "x", "components": [row()]}, "components.0.components"),
    (
        "a row of six buttons",
        {"content": "x", "components": [row(*(button(str(i)) for i in range(6)))]},
        "components.0.components",
    ),
    (
        "six rows without V2",
        {"content": "x", "components": [row(button(str(i))) for i in range(6)]},
        "components",
    ),
    ("41 components", v2(*([{"type": 17, "components": [TEXT] * 20}] * 2)), "components"),
    ("an empty custom_id", {"content": "x", "components": [row(button(""))]}, "components.0.components.0.custom_id"),
    (
        "a custom_id of 101 characters",
        {"content": "x", "components": [row(button("x" * 101))]},
        "components.0.components.0.custom_id",
    ),
    (
        "the same custom_id twice",
        {"content": "x", "components": [row(button("a"), button("a"))]},
        "components.0.components.1.custom_id",
    ),
    (
        "a label of 81 characters",
        {"content": "x", "components": [row(button(label="x" * 81))]},
        "components.0.components.0.label",
    ),
    (
        "a button with nothing on it",
        {"content": "x", "components": [row(button(label=""))]},
        "components.0.components.0",
    ),
    ("a button of no style", {"content": "x", "components": [row(button(style=9))]}, "components.0.components.0.style"),
    (
        "a link with a custom_id",
        {"content": "x", "components": [row(button(style=5, url="https://example.org"))]},
        "components.0.components.0",
    ),
    (
        "a word as emoji",
        {"content": "x", "components": [row(button(emoji={"name": "fox"}))]},
        "components.0.components.0.emoji.name",
    ),
    (
        "a placeholder of 151 characters",
        {"content": "x", "components": [row(select(placeholder="x" * 151))]},
        "components.0.components.0.placeholder",
    ),
    ("26 options", {"content": "x", "components": [row(select(26))]}, "components.0.components.0.options"),
    (
        "more values than options",
        {"content": "x", "components": [row(select(2, max_values=3))]},
        "components.0.components.0.max_values",
    ),
    (
        "a select beside a button",
        {"content": "x", "components": [row(select(), button())]},
        "components.0.components",
    ),
    ("V2 parts without the flag", {"content": "x", "components": [TEXT]}, "components.0.type"),
    ("V2 with content", v2(TEXT, content="x"), "content"),
    ("V2 with embeds", v2(TEXT, embeds=[embed()]), "embeds"),
    ("a gallery of 11", v2(gallery(11)), "components.0.items"),
    ("an empty gallery", v2(gallery(0)), "components.0.items"),
    ("an unknown file in a gallery", v2(gallery(1, "attachment://no.png")), "components.0.items.0.media.url"),
    ("a file in a gallery by another scheme", v2(gallery(1, "ftp://a/b")), "components.0.items.0.media.url"),
    (
        "4001 characters of V2 text",
        v2({"type": 10, "content": "x" * 2001}, {"type": 10, "content": "x" * 2000}),
        "components",
    ),
    ("a section without accessory", v2({"type": 9, "components": [TEXT]}), "components.0.accessory"),
    ("eleven embeds", {"embeds": [embed()] * 11}, "embeds"),
    ("6001 characters of embeds", {"embeds": [embed(description="x" * 3000)] * 2}, "embeds"),
    ("an embed's title of 257", {"embeds": [embed(title="x" * 257)]}, "embeds.0.title"),
    ("an embed's description of 4097", {"embeds": [embed(description="x" * 4097)]}, "embeds.0.description"),
    (
        "an embed's field without value",
        {"embeds": [embed(fields=[{"name": "n", "value": ""}])]},
        "embeds.0.fields.0.value",
    ),
    ("26 fields", {"embeds": [embed(fields=[{"name": "n", "value": "v"}] * 26)]}, "embeds.0.fields"),
    ("a colour beyond white", {"embeds": [embed(color=0x1000000)]}, "embeds.0.color"),
    ("an unknown file in an embed", {"embeds": [embed(image={"url": "attachment://no.png"})]}, "embeds.0.image.url"),
    ("an unlisted file", {"content": "x", "attachments": [{"id": 3}]}, "attachments.0.id"),
    ("a nonce of 26 characters", {"content": "x", "nonce": "x" * 26}, "nonce"),
    ("an answer to nothing", {"content": "x", "message_reference": {"message_id": "1"}}, "message_reference"),
    (
        "mentions both parsed and listed",
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "allowed_mentions",
    ),
]


@pytest.mark.parametrize(("body", "path"), [case[1:] for case in SENTENCES], ids=[case[0] for case in SENTENCES])
async def test_a_body_out_of_form_is_refused(rest: Rest, sandbox: Sandbox, body: dict[str, Any], path: str) -> None:
    """400 50035, with a complaint at the path, and no message."""
    answer = await rest("POST", f"/channels/{sandbox.channel_id}/messages", body)
    assert answer.verdict == (400, 50035)
    assert answer.complaints(path), answer.body
    assert sandbox.world.history(sandbox.channel_id) == []


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2000},
        {"content": "x", "components": [row(*(button(f"{i}{j}") for j in range(5))) for i in range(5)]},
        {"content": "x", "components": [row(button("x" * 100, label="x" * 80))]},
        {"content": "x", "components": [row(button(label=None, emoji={"name": "🔄"}))]},
        {"content": "x", "components": [row({"type": 2, "style": 5, "label": "l", "url": "https://example.org"})]},
        {"content": "x", "components": [row(select(25, placeholder="x" * 150, max_values=25))]},
        v2(*([TEXT] * 40)),
        v2(gallery(10)),
        v2({"type": 9, "components": [TEXT], "accessory": button()}),
        {"embeds": [embed(title="x" * 256, description="x" * 4096)]},
        {"embeds": [embed(description="x" * 599)] * 10},
        {"content": "x", "nonce": "x" * 25},
        {"content": "x", "message_reference": {"message_id": "1", "fail_if_not_exists": False}},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_body_at_the_limit_is_taken(rest: Rest, sandbox: Sandbox, body: dict[str, Any]) -> None:
    """The limits are inclusive."""
    answer = await rest("POST", f"/channels/{sandbox.channel_id}/messages", body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("body", [{}, {"content": "  \n "}, {"content": None}, {"components": [row(button())]}, v2()])
async def test_a_message_with_nothing_to_show_is_refused(rest: Rest, sandbox: Sandbox, body: dict[str, Any]) -> None:
    """400 50006; buttons alone are nothing."""
    assert (await rest("POST", f"/channels/{sandbox.channel_id}/messages", body)).verdict == (400, 50006)


async def test_an_edit_cannot_empty_a_message(rest: Rest, sandbox: Sandbox) -> None:
    """400 50006."""
    message = await post(rest, sandbox, content="x")
    path = f"/channels/{sandbox.channel_id}/messages/{message['id']}"
    assert (await rest("PATCH", path, {"content": ""})).verdict == (400, 50006)


async def test_components_v2_cannot_be_taken_back(rest: Rest, sandbox: Sandbox) -> None:
    """Nor can content be added to such a message: 400 50035."""
    message = await post(rest, sandbox, **v2(TEXT))
    path = f"/channels/{sandbox.channel_id}/messages/{message['id']}"
    assert (await rest("PATCH", path, {"flags": 0, "content": "x", "components": []})).verdict == (400, 50035)
    assert (await rest("PATCH", path, {"content": "x"})).verdict == (400, 50035)


async def test_files_over_the_limits_are_refused(rest: Rest, sandbox: Sandbox) -> None:
    """413 40005: one file too large, too many files, the whole request too large."""
    path = f"/channels/{sandbox.channel_id}/messages"
    mib = 1 << 20
    assert (await rest("POST", path, {}, files={"a.png": bytes(10 * mib + 1)})).verdict == (413, 40005)
    assert (await rest("POST", path, {}, files={f"{i}.png": b"x" for i in range(11)})).verdict == (413, 40005)
    assert (await rest("POST", path, {}, files={f"{i}.png": bytes(9 * mib) for i in range(3)})).verdict == (413, 40005)
    assert (await rest("POST", path, {}, files={"a.png": bytes(10 * mib)})).status == 200


async def test_a_boosted_guild_takes_larger_files(rest: Rest, sandbox: Sandbox) -> None:
    """The limit is a setting."""
    sandbox.limits.change({"file_bytes": 100})
    path = f"/channels/{sandbox.channel_id}/messages"
    assert (await rest("POST", path, {}, files={"a.png": bytes(101)})).verdict == (413, 40005)
    assert (await rest("POST", path, {}, files={"a.png": bytes(100)})).status == 200


async def test_a_body_that_is_no_json_is_refused(rest: Rest, sandbox: Sandbox) -> None:
    """400 50109."""
    url = f"{sandbox.base_url}/api/v10/channels/{sandbox.channel_id}/messages"
    headers = {"Authorization": rest.authorization, "Content-Type": "application/json"}
    async with rest.session.post(url, data=b"{not json", headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50109)


async def test_files_shown_in_embeds_and_components_get_links(rest: Rest, sandbox: Sandbox) -> None:
    """``attachment://`` becomes a link with the picture's size; a file shown by an embed is not listed again."""
    files = {"a.png": square(1, 2, 3, side=8)}
    message = await post(rest, sandbox, files, embeds=[embed(image={"url": "attachment://a.png"})])
    image = message["embeds"][0]["image"]
    assert (image["width"], image["url"].startswith(sandbox.base_url)) == (8, True)
    assert message["attachments"] == []
    message = await post(rest, sandbox, files, **v2({"type": 13, "file": {"url": "attachment://a.png"}}))
    assert message["components"][0]["file"]["attachment_id"] == message["attachments"][0]["id"]

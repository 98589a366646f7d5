"""Bodies that are no message, command or answer at all are refused; nothing a client sends makes the server fail."""

import asyncio
import copy
import random
from typing import Any

import pytest

from sandbox.core import Sandbox
from tests.sandbox.raw import RawBot
from tests.sandbox.rest import AGENT, Rest
from tests.sandbox.test_refusals import button, embed, gallery, row, select
from tests.sandbox_user import SandboxUser

JUNK: list[Any] = [None, True, -1, 1.5, 1 << 70, "", "x", "9" * 30, [], [[]], [None], ["x"], {}, {"x": []}, {"id": []}]
OPTION = {"type": 3, "name": "prompt", "description": "d", "choices": [{"name": "n", "value": "v"}]}
MESSAGE = {
    "content": "x",
    "flags": 0,
    "nonce": "n",
    "embeds": [
        embed(fields=[{"name": "n", "value": "v"}], footer={"text": "f"}, image={"url": "https://a.b"}, color=1)
    ],
    "components": [row(button(emoji={"name": "🔄"})), row(select(2))],
    "attachments": [],
    "allowed_mentions": {"parse": [], "users": ["1"]},
    "message_reference": {"message_id": "1", "fail_if_not_exists": False},
}
LAYOUT = {
    "flags": 1 << 15,
    "components": [
        {"type": 17, "accent_color": 1, "components": [{"type": 10, "content": "x"}, gallery(1)]},
        {"type": 9, "components": [{"type": 10, "content": "x"}], "accessory": button("b")},
        {"type": 14, "spacing": 1},
    ],
}
COMMAND = {
    "name": "go",
    "description": "d",
    "options": [{"type": 1, "name": "s", "description": "d", "options": [OPTION]}],
}
MODAL = {
    "title": "t",
    "custom_id": "m",
    "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "a", "style": 1, "label": "l", "min_length": 1}]},
        {
            "type": 18,
            "label": "l",
            "component": {"type": 22, "custom_id": "b", "options": [{"label": "l", "value": "v"}]},
        },
    ],
}


def spoiled(body: Any, rng: random.Random) -> Any:
    """A copy in which one to three values are something else."""
    body = copy.deepcopy(body)
    for _ in range(rng.randint(1, 3)):
        node, key = body, None
        while isinstance(node, (dict, list)) and node:
            parent, key = node, rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
            node = node[key]
            if rng.random() < 0.35:
                break
        if key is not None:
            parent[key] = copy.deepcopy(rng.choice(JUNK))
    return body


@pytest.fixture(autouse=True)
def unlimited(sandbox: Sandbox) -> None:
    """As many calls as it takes."""
    sandbox.limits.change({"enabled": False})


@pytest.mark.parametrize("body", [MESSAGE, LAYOUT], ids=["classic", "layout"])
async def test_no_message_body_breaks_the_server(sandbox: Sandbox, rest: Rest, body: dict[str, Any]) -> None:
    """Sent and edited."""
    rng = random.Random(1)
    path = f"/channels/{sandbox.channel_id}/messages"
    sent = (await rest("POST", path, {"content": "x"})).body
    for _ in range(120):
        wrong = spoiled(body, rng)
        for answer in (await rest("POST", path, wrong), await rest("PATCH", f"{path}/{sent['id']}", wrong)):
            assert answer.status < 500, wrong
    assert (await rest("GET", path)).status == 200
    assert sandbox.record.violations == []


async def test_no_command_breaks_the_server(sandbox: Sandbox, rest: Rest) -> None:
    """Alone and in a list."""
    rng = random.Random(2)
    path = f"/applications/{sandbox.application_id}/commands"
    for _ in range(120):
        wrong = spoiled([COMMAND], rng)
        assert (await rest("PUT", path, wrong)).status < 500, wrong
        assert (await rest("POST", path, spoiled(COMMAND, rng))).status < 500
    assert (await rest("GET", path)).status == 200
    assert sandbox.record.violations == []


async def test_no_interaction_and_no_answer_breaks_the_server(sandbox: Sandbox, ada: SandboxUser, rest: Rest) -> None:
    """From the person's side and from the bot's."""
    rng = random.Random(3)
    person = rest.by(sandbox.user_token)
    async with RawBot(sandbox) as bot:
        (command,) = await bot.register({"name": "go", "options": [OPTION]})
        place = {"application_id": sandbox.application_id, "guild_id": ada.guild_id, "channel_id": ada.channel_id}
        message = (
            await rest("POST", f"/channels/{ada.channel_id}/messages", {"content": "x", "components": [row(select(2))]})
        ).body
        data = {key: command[key] for key in ("id", "name", "version", "type")}
        data |= {
            "options": [{"type": 3, "name": "prompt", "value": "v"}],
            "attachments": [{"id": "0", "filename": "x"}],
        }
        bodies: list[dict[str, Any]] = [
            {"type": 2, "data": data},
            {"type": 3, "message_id": message["id"], "data": {"component_type": 3, "custom_id": "s", "values": ["0"]}},
            {"type": 5, "data": {"id": "1", "custom_id": "m", "components": MODAL["components"]}},
        ]
        for _ in range(120):
            wrong = spoiled(rng.choice(bodies), rng) | place
            answer = await person("POST", "/interactions", wrong)
            assert answer.status < 500, wrong
        await ada.slash("go", prompt="v")
        interaction = await bot.interaction()
        for _ in range(120):
            kind, content = rng.choice(
                [(4, MESSAGE), (9, MODAL), (5, {"flags": 64}), (7, MESSAGE), (8, {"choices": []})]
            )
            wrong = spoiled({"type": kind, "data": content}, rng)
            path = f"/interactions/{interaction['id']}/{interaction['token']}/callback"
            answer = await bot.anonymous("POST", path, wrong)
            assert answer.status < 500, wrong
            if answer.status < 300:
                await ada.slash("go", prompt="v")
                taken = len([line for line in bot.events() if line == "INTERACTION_CREATE"])
                interaction = await bot.interaction(taken + 1)
    assert sandbox.record.violations == []


async def raw_request(sandbox: Sandbox, kind: str, body: bytes, length: int | None = None) -> bytes:
    """A request written by hand; with a ``length`` beyond the body, the client is gone before it has sent it all."""
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = [
        f"POST /api/v10/channels/{sandbox.channel_id}/messages HTTP/1.1",
        f"Host: {host}:{port}",
        f"Authorization: Bot {sandbox.bot_token}",
        f"User-Agent: {AGENT}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    await writer.drain()
    if length is not None:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"abc"),
        ("multipart/form-data; boundary=x", b"abc"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
        ("application/json", b"\xff"),
        ("text/plain", b"hello"),
    ],
)
async def test_a_body_in_no_known_form_is_refused(sandbox: Sandbox, kind: str, body: bytes) -> None:
    """400."""
    assert (await raw_request(sandbox, kind, body)).startswith(b"HTTP/1.1 400 ")
    assert sandbox.record.violations == []


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json"])
async def test_a_client_that_dies_while_sending_is_no_failure_of_the_server(sandbox: Sandbox, kind: str) -> None:
    """Its request has not happened; the next one works."""
    await raw_request(sandbox, kind, b'--x\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n{', 5000)
    assert (await raw_request(sandbox, "application/json", b'{"content": "x"}')).startswith(b"HTTP/1.1 200 ")
    assert [message.content for message in sandbox.world.history(sandbox.channel_id)] == ["x"]
    assert sandbox.record.violations == []

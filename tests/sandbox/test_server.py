"""The server around it: record, faults, files, page, persistence, and the command line."""

import asyncio
import json
import os
import re
import signal
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox import server
from sandbox.core import Sandbox
from sandbox.images import Image, measure, square
from sandbox.server import running
from sandbox.uploads import clean_filename
from tests.sandbox.raw import RawBot
from tests.sandbox.rest import AGENT, Rest
from tests.sandbox.test_messages import path_of, post
from tests.sandbox.test_refusals import button, row
from tests.sandbox_user import SandboxUser


async def control(rest: Rest, path: str, body: Any = None, method: str = "POST") -> Any:
    """A call below ``/_sandbox``."""
    async with rest.session.request(method, f"{rest.base_url}/_sandbox/{path}", json=body) as answer:
        return await answer.json()


# The record


async def test_exchanges_are_recorded_raw_and_without_tokens(sandbox: Sandbox, rest: Rest) -> None:
    """Method, path, body as sent, files, status, answer, headers; the token is redacted."""
    body = {"content": "x", "attachments": [{"id": 0, "description": "d"}]}
    await post(rest, sandbox, {"a b.png": b"123"}, **body)
    async with rest.session.get(f"{sandbox.base_url}/_sandbox/exchanges.jsonl") as answer:
        lines = [json.loads(line) for line in (await answer.text()).splitlines()]
    (entry,) = [line for line in lines if "path" in line]
    assert set(entry) == {"method", "path", "json", "files", "status", "response", "headers", "user"}
    assert (entry["method"], entry["path"]) == ("POST", f"/api/v10/channels/{sandbox.channel_id}/messages")
    assert entry["json"] == body
    assert entry["files"] == [{"name": "files[0]", "filename": "a b.png", "size": 3}]
    assert (entry["status"], entry["response"]["content"], entry["user"]) == (200, "x", None)
    assert entry["headers"]["User-Agent"] == AGENT
    assert sandbox.bot_token not in json.dumps(lines)


async def test_the_record_can_be_read_on_from_a_line(sandbox: Sandbox, rest: Rest) -> None:
    """``?since=N`` leaves out the first N."""
    for _ in range(3):
        await rest("GET", "/users/@me")
    async with rest.session.get(f"{sandbox.base_url}/_sandbox/exchanges.jsonl?since=2") as answer:
        assert len((await answer.text()).splitlines()) == 1


async def test_breaches_that_discord_lets_pass_are_kept(sandbox: Sandbox, rest: Rest) -> None:
    """A bot that does not say who it is, and a route that the sandbox lacks (404)."""
    assert (await rest("GET", "/users/@me", agent="curl/8")).status == 200
    missing = await rest("GET", "/guilds/1/audit-logs")
    assert (missing.status, missing.body) == (404, {"message": "404: Not Found", "code": 0})
    rules = [violation["rule"] for violation in await control(rest, "violations", method="GET")]
    assert rules == ["User-Agent", "unimplemented route"]


async def test_time_runs_forward_only(sandbox: Sandbox, rest: Rest) -> None:
    """``advance_s`` moves it."""
    before = (await control(rest, "clock", method="GET"))["now"]
    assert (await control(rest, "clock", {"advance_s": 60}))["now"] >= before + 60
    assert "forward only" in (await control(rest, "clock", {"advance_s": -1}))["message"]


async def test_limits_are_read_and_changed(rest: Rest) -> None:
    """Rates are merged."""
    changed = await control(rest, "limits", {"rates": {"edit": [1, 2.0]}, "file_bytes": 5})
    assert (changed["rates"]["edit"], changed["rates"]["create"], changed["file_bytes"]) == ([1, 2.0], [5, 5.0], 5)


async def test_a_foreign_page_cannot_use_the_controls(sandbox: Sandbox, rest: Rest) -> None:
    """A form is no JSON (415), and a foreign host name is not served (421)."""
    async with rest.session.post(f"{sandbox.base_url}/_sandbox/clock", data="advance_s=9") as answer:
        assert answer.status == 415
    async with rest.session.get(f"{sandbox.base_url}/", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 421


async def test_a_persons_settings_reach_the_bot(sandbox: Sandbox, rest: Rest, ada: SandboxUser) -> None:
    """The locale is in every interaction."""
    await control(rest, "users", {"user_id": ada.user["id"], "locale": "de"})
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        await ada.slash("go")
        assert (await bot.interaction())["locale"] == "de"


# Files


async def test_links_are_signed_and_expire(sandbox: Sandbox, rest: Rest) -> None:
    """404 with a sentence: a forged or shortened signature, another file, a day later."""
    message = await post(rest, sandbox, {"fox_0b5c-77.png": square(1, 2, 3)})
    url = message["attachments"][0]["url"]
    assert "_" not in url.split("fox_")[1]
    assert url.split("/")[-1].split(".")[0] == "fox_0b5c-77"
    async with rest.session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
    for bad in (url[:-1], url.split("?")[0], url.replace("fox", "dog"), url.replace("ex=", "ex=f")):
        async with rest.session.get(bad) as answer:
            assert (answer.status, "no longer available" in await answer.text()) == (404, True)
    sandbox.clock.advance(25 * 3600 + 1)
    async with rest.session.get(url) as answer:
        assert answer.status == 404
    fresh = (await rest("GET", path_of(message))).body["attachments"][0]["url"]
    async with rest.session.get(fresh) as answer:
        assert answer.status == 200


async def test_an_uploaded_page_does_not_run(sandbox: Sandbox, rest: Rest) -> None:
    """It is offered for saving, without scripts and guesses about its type."""
    message = await post(rest, sandbox, {"a.html": b"<script>alert(1)</script>"})
    async with rest.session.get(message["attachments"][0]["url"]) as answer:
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "status", "body", "described"),
    [
        ("bytes=2-4", 206, b"cde", "bytes 2-4/8"),
        ("bytes=6-", 206, b"gh", "bytes 6-7/8"),
        ("bytes=-3", 206, b"fgh", "bytes 5-7/8"),
        ("bytes=0-99", 206, b"abcdefgh", "bytes 0-7/8"),
        ("bytes=9-", 416, b"", "bytes */8"),
        ("lines=1-2", 416, b"", "bytes */8"),
    ],
)
async def test_a_player_may_ask_for_a_part_of_a_file(
    sandbox: Sandbox, rest: Rest, wanted: str, status: int, body: bytes, described: str
) -> None:
    """So that one can jump about in a video."""
    message = await post(rest, sandbox, {"a.mp4": b"abcdefgh"})
    async with rest.session.get(message["attachments"][0]["url"], headers={"Range": wanted}) as answer:
        assert (answer.status, await answer.read()) == (status, body)
        assert answer.headers["Content-Range"] == described


async def test_files_of_deleted_messages_go_a_minute_later(sandbox: Sandbox, rest: Rest) -> None:
    """A client may be loading the picture while the message is being replaced."""
    message = await post(rest, sandbox, {"a.png": square(1, 2, 3)})
    await rest("DELETE", path_of(message))
    assert len(sandbox.store.blob_ids()) == 1
    sandbox.clock.advance(61)
    sandbox.world.retire_blobs([])
    assert sandbox.store.blob_ids() == []


def chunk(kind: bytes, body: bytes) -> bytes:
    """A RIFF chunk's head and body."""
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "image"),
    [
        (square(1, 2, 3, side=33), Image("image/png", 33, 33)),
        (b"GIF89a" + struct.pack("<HH", 7, 9), Image("image/gif", 7, 9)),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc4\x00\x02\xff\xc2\x00\x0b\x08" + struct.pack(">HH", 5, 6),
            Image("image/jpeg", 6, 5),
        ),
        (chunk(b"VP8 ", b"\0" * 6 + struct.pack("<HH", 512, 300)), Image("image/webp", 512, 300)),
        (chunk(b"VP8L", b"\x2f" + struct.pack("<I", 99 | 49 << 14)), Image("image/webp", 100, 50)),
        (
            chunk(b"VP8X", b"\0" * 4 + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
            Image("image/webp", 640, 480),
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", None),
        (b"\xff\xd8\xff", None),
        (b"words", None),
        (b"", None),
    ],
)
def test_pictures_are_measured_by_their_first_bytes(data: bytes, image: Image | None) -> None:
    """PNG, GIF, JPEG and the three kinds of WebP; nothing else, and nothing cut off."""
    assert measure(data) == image


def test_a_square_is_a_picture() -> None:
    """Its pixels decompress to rows of the colour."""
    data = square(1, 2, 3, side=2)
    start = data.index(b"IDAT") + 4
    assert zlib.decompress(data[start:-16]) == (b"\0" + b"\1\2\3" * 2) * 2


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a fox.png", "a_fox.png"),
        ("x.png?ex=1&hm=2", "x.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\pictures\\a.png", "a.png"),
        ("füchse!.png", "fchse.png"),
        ("...", "unknown"),
        ("", "unknown"),
    ],
)
def test_file_names_are_cleaned(name: str, clean: str) -> None:
    """No folders, no query string, nothing but letters, digits and ``. _ -``."""
    assert clean_filename(name) == clean


# The page


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/api/v10/gateway", "/_sandbox/limits", "/nowhere"])
async def test_every_answer_tells_browsers_to_be_careful(sandbox: Sandbox, rest: Rest, path: str) -> None:
    """Nothing from elsewhere, no frames, no guessing of types, no referrer."""
    async with rest.session.get(f"{sandbox.base_url}{path}") as answer:
        policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
        assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
        assert (policy["frame-ancestors"], policy["base-uri"], policy["form-action"]) == ("'none'",) * 3
        assert not re.search(r"unsafe|\*|https?:", answer.headers["Content-Security-Policy"])
        assert sandbox.gateway_url in policy["connect-src"].split()
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_the_page_is_told_who_its_people_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, rest: Rest
) -> None:
    """The marker becomes JSON; a WebSocket on the same path is the gateway."""
    (tmp_path / "index.html").write_text("<body><!--sandbox-config--></body>")
    monkeypatch.setattr(server, "PAGE", tmp_path)
    async with rest.session.get(f"{sandbox.base_url}/") as answer:
        html = await answer.text()
    config = json.loads(html.removeprefix("<body>").removesuffix("</body>").split(">", 1)[1].split("<")[0])
    assert [user["username"] for user in config["users"]] == ["ada", "ben"]
    assert config["users"][0]["token"] == sandbox.user_token
    assert (config["guild_id"], config["gateway_url"]) == (sandbox.guild_id, sandbox.gateway_url)
    async with rest.session.ws_connect(f"{sandbox.base_url}/?v=9&encoding=json") as socket:
        assert (await socket.receive_json())["op"] == 10


async def test_avatars_are_pictures(sandbox: Sandbox, rest: Rest) -> None:
    """The default ones."""
    async with rest.session.get(f"{sandbox.base_url}/embed/avatars/3.png") as answer:
        assert measure(await answer.read()) == Image("image/png", 64, 64)


# Persistence


async def test_a_world_with_a_folder_outlives_the_process(tmp_path: Path) -> None:
    """Tokens, ids, messages, files, commands, nonces and buttons are as they were; ephemeral messages are gone."""
    async with running(data=tmp_path) as first, aiohttp.ClientSession() as session:
        before = first.description()
        rest = Rest(session, first.base_url, f"Bot {first.bot_token}")
        components = [row(button("MJ::JOB::upsample::1::abc"))]
        message = await post(
            rest, first, {"a.png": square(1, 2, 3)}, content="x", components=components, nonce="n", enforce_nonce=True
        )
        async with RawBot(first) as bot:
            await bot.register({"name": "go"})
        lost = await post(rest, first, {"b.png": square(1, 2, 3)})
        await rest("DELETE", path_of(lost))
    async with running(data=tmp_path) as second, aiohttp.ClientSession() as session:
        after = second.description()
        assert [after[k] for k in ("bot_token", "user_token", "guild_id", "channel_id", "application_id")] == [
            before[k] for k in ("bot_token", "user_token", "guild_id", "channel_id", "application_id")
        ]
        rest = Rest(session, second.base_url, f"Bot {second.bot_token}")
        user = SandboxUser(second.base_url, second.user_token, second.guild_id, second.channel_id)
        async with RawBot(second) as bot, user as ada:
            (kept,) = await ada.history()
            assert (kept["id"], kept["content"]) == (message["id"], "x")
            assert measure(await ada.fetch(kept["attachments"][0]["url"])) == Image("image/png", 64, 64)
            await ada.press(kept, "MJ::JOB::upsample::1::abc")
            interaction = await bot.interaction()
            assert interaction["message"]["id"] == message["id"]
            assert int(interaction["id"]) > int(message["id"])
            assert [command["name"] for command in await ada.commands()] == ["go"]
        again = await post(rest, second, content="y", nonce="n", enforce_nonce=True)
        assert again["id"] == message["id"]


async def test_files_that_nothing_leads_to_are_swept_out_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of deleted messages, once every link to them has expired; those of messages stay."""
    async with running(data=tmp_path) as first, aiohttp.ClientSession() as session:
        rest = Rest(session, first.base_url, f"Bot {first.bot_token}")
        kept = await post(rest, first, {"a.png": square(1, 2, 3)})
        await rest("DELETE", path_of(await post(rest, first, {"b.png": square(1, 2, 3)})))
    async with running(data=tmp_path) as second:
        assert len(second.store.blob_ids()) == 2
    monkeypatch.setattr("sandbox.world.LINK_LIFE_S", -1.0)
    async with running(data=tmp_path) as third:
        assert third.store.blob_ids() == [kept["attachments"][0]["id"]]


async def test_old_interactions_are_forgotten(sandbox: Sandbox, ada: SandboxUser) -> None:
    """An hour later, when the next one comes."""
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        await ada.slash("go")
        first = await bot.interaction()
        sandbox.clock.advance(3601)
        await ada.slash("go")
        await bot.interaction(2)
        assert first["token"] not in sandbox.world.interactions
        assert len(sandbox.world.interactions) == 1


async def test_records_of_another_version_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    """Fields that are not known here are left out, missing ones take their defaults."""
    async with running(data=tmp_path) as first:
        ada = first.world.people[0]
        record = {"id": ada.id, "username": "ada", "global_name": "Ada", "token": ada.token, "mood": "fine"}
        first.store.put("user", ada.id, record)
    async with running(data=tmp_path) as second:
        assert second.world.people[0].locale == "en-US"


async def test_only_its_owner_reads_the_tokens(tmp_path: Path) -> None:
    """Nor the files that people sent each other."""
    async with running(data=tmp_path / "world"):
        for path in (tmp_path / "world").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path


# The command line


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """``python -m sandbox`` as a process."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "sandbox", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serve_prints_one_line_and_ends_well(number: signal.Signals) -> None:
    """JSON with every address, token and id; then until the signal, exit 0."""
    process = await start("serve", "--json", "--port", "0")
    assert process.stdout is not None
    description = json.loads(await process.stdout.readline())
    assert list(description) == [
        "page_url", "base_url", "gateway_url", "bot_token", "user_token", "second_user_token",
        "application_id", "guild_id", "channel_id",
    ]  # fmt: skip
    async with aiohttp.ClientSession() as session:
        rest = Rest(session, description["base_url"], f"Bot {description['bot_token']}")
        assert (await rest("GET", "/users/@me")).body["id"] == description["application_id"]
    os.kill(process.pid, number)
    rest_of_output, errors = await process.communicate()
    assert (process.returncode, rest_of_output, errors) == (0, b"", b"")


async def test_a_taken_port_is_a_sentence(sandbox: Sandbox) -> None:
    """And exit code 2."""
    port = sandbox.base_url.rsplit(":", 1)[1]
    process = await start("serve", "--port", port)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert f"Choose another --port than {port}." in errors.decode()
    assert b"Traceback" not in errors


async def test_a_folder_in_use_is_a_sentence(tmp_path: Path) -> None:
    """Two sandboxes never share a world."""
    async with running(data=tmp_path):
        process = await start("serve", "--port", "0", "--data", str(tmp_path))
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert f"another sandbox is using {tmp_path}" in errors.decode()
    assert b"Traceback" not in errors

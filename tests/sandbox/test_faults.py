"""Trouble on request: whom it strikes, when, how often, and what the struck see."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from sandbox.core import Sandbox
from sandbox.faults import Faults
from sandbox.rare_answers import RARE
from tests.sandbox.raw import RawBot
from tests.sandbox.rest import AGENT, Rest
from tests.sandbox_user import SandboxUser


async def control(rest: Rest, path: str, body: Any = None, method: str = "POST") -> Any:
    """A call below ``/_sandbox``."""
    async with rest.session.request(method, f"{rest.base_url}/_sandbox/{path}", json=body) as answer:
        return await answer.json()


async def raw(rest: Rest, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
    """A call with the bot's token: status, content type and body as text."""
    headers = {"Authorization": rest.authorization, "User-Agent": AGENT}
    url = f"{rest.base_url}/api/v10{path}"
    async with rest.session.request(method, url, headers=headers, json=body) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


def texts(sandbox: Sandbox) -> list[str]:
    """What the channel holds."""
    return [message.content for message in sandbox.world.history(sandbox.channel_id)]


async def test_faults_strike_the_calls_they_name(sandbox: Sandbox, rest: Rest) -> None:
    """So many times, then no more."""
    await control(rest, "faults", {"kind": "status", "status": 502, "method": "POST", "path": "messages", "count": 2})
    path = f"/channels/{sandbox.channel_id}/messages"
    assert (await rest("GET", "/users/@me")).status == 200
    statuses = [(await rest("POST", path, {"content": "x"})).status for _ in range(3)]
    assert statuses == [502, 502, 200]


@pytest.mark.parametrize(("scope", "everywhere"), [("user", False), ("shared", False), ("global", True)])
async def test_rate_limits_have_a_scope(rest: Rest, scope: str, everywhere: bool) -> None:
    """Named in the headers; only the global one says so in its body and in a header of its own."""
    await control(rest, "faults", {"kind": "rate_limit", "seconds": 2.5, "scope": scope})
    limited = await rest("GET", "/users/@me")
    assert (limited.status, limited.body["retry_after"], limited.body["global"]) == (429, 2.5, everywhere)
    assert (limited.headers["Via"], limited.headers["Retry-After"]) == ("1.1 google", "3")
    assert (limited.headers["X-RateLimit-Scope"], limited.headers.get("X-RateLimit-Global")) == (
        scope,
        "true" if everywhere else None,
    )


def test_a_fault_has_its_time() -> None:
    """It begins after a while, strikes as often as it can for so long, and is then over."""
    now = 100.0
    faults = Faults(clock=lambda: now)
    faults.add({"kind": "status", "after_s": 0.5, "for_s": 20})
    assert faults.next("GET", "/x") is None
    now = 100.5
    assert all(faults.next("GET", "/x") is not None for _ in range(100))
    now = 120.5
    assert faults.next("GET", "/x") is None
    assert faults.pending == []


def test_a_fault_may_strike_a_share_of_the_calls() -> None:
    """The same ones for the same seed."""

    def struck(seed: int) -> list[bool]:
        faults = Faults(clock=lambda: 0.0)
        faults.add({"kind": "status", "chance": 0.3, "for_s": 1, "seed": seed})
        return [faults.next("GET", "/x") is not None for _ in range(200)]

    assert 30 < sum(struck(1)) < 90
    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


async def test_a_fault_may_strike_bots_or_people_alone(sandbox: Sandbox, rest: Rest, ada: SandboxUser) -> None:
    """An interaction's token stands for a bot."""
    await control(rest, "faults", {"kind": "status", "by": "bot", "for_s": 60})
    await ada.say("hello")
    assert (await rest("GET", "/users/@me")).status == 500
    assert (await rest.by("")("POST", "/interactions/1/x/callback", {"type": 4})).status == 500
    await control(rest, "faults", method="DELETE")
    await control(rest, "faults", {"kind": "status", "by": "person", "for_s": 60})
    assert (await rest("GET", "/users/@me")).status == 200
    assert (await rest.by(sandbox.user_token)("GET", "/users/@me")).status == 500


async def test_automod_refuses_by_what_a_message_says(sandbox: Sandbox, rest: Rest) -> None:
    """A fault can ask for a word in the body."""
    await control(rest, "faults", {"kind": "answer", "answer": "automod", "body": "secret wörd", "for_s": 60})
    path = f"/channels/{sandbox.channel_id}/messages"
    assert (await rest("POST", path, {"content": "hello"})).status == 200
    assert (await rest("POST", path, {"content": "the secret wörd"})).verdict == (400, 200000)


@pytest.mark.parametrize("name", sorted(set(RARE) - {"odd_4xx"}))
async def test_every_rare_answer_reaches_the_client(rest: Rest, name: str) -> None:
    """Pages as pages, Discord's refusals as JSON with a code; nothing has been done."""
    await control(rest, "faults", {"kind": "answer", "answer": name})
    status, content_type, text = await raw(rest, "GET", "/users/@me")
    assert status == (RARE[name](None).status)  # type: ignore[arg-type]  # only odd_4xx draws
    if "cloudflare" in name or name == "success_as_page":
        assert (content_type, text[:15]) == ("text/html", "<!DOCTYPE html>")
    elif name != "success_cut_short":
        assert content_type == "application/json"
        assert {"code", "message"} <= set(json.loads(text))


async def test_odd_refusals_differ_and_name_no_known_code(rest: Rest) -> None:
    """4xx with pages, text, half a JSON or codes that are on no list."""
    await control(rest, "faults", {"kind": "answer", "answer": "odd_4xx", "count": 60})
    answers = {await raw(rest, "GET", "/users/@me") for _ in range(60)}
    assert len(answers) > 12
    assert all(400 <= status < 500 for status, _, _ in answers)


async def test_a_lost_answer_is_work_done_and_a_lost_request_is_none(sandbox: Sandbox, rest: Rest) -> None:
    """The client sees a cut connection both times."""
    for kind in ("lost_answer", "lost_request"):
        await control(rest, "faults", {"kind": kind})
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": kind})
    assert texts(sandbox) == ["lost_answer"]


async def test_half_an_answer_is_work_done(sandbox: Sandbox, rest: Rest) -> None:
    """The head arrives, the body breaks off."""
    await control(rest, "faults", {"kind": "half_answer"})
    with pytest.raises(aiohttp.ClientPayloadError):
        await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": "x"})
    assert texts(sandbox) == ["x"]
    assert sandbox.record.violations == []


@pytest.mark.parametrize(("kind", "done_meanwhile"), [("slow_answer", ["x"]), ("delay", [])])
async def test_slowness_comes_before_or_after_the_work(
    sandbox: Sandbox, rest: Rest, kind: str, done_meanwhile: list[str]
) -> None:
    """A client that gives up does not know which."""
    await control(rest, "faults", {"kind": kind, "seconds": 600})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": "x"})
    assert texts(sandbox) == done_meanwhile


async def test_planned_faults_can_be_seen_and_forgotten(rest: Rest) -> None:
    """And one that is none is named."""
    await control(rest, "faults", {"kind": "delay", "seconds": 9, "path": "nowhere"})
    (fault,) = await control(rest, "faults", method="GET")
    assert (fault["kind"], fault["seconds"], fault["count"]) == ("delay", 9, 1)
    await control(rest, "faults", method="DELETE")
    assert await control(rest, "faults", method="GET") == []


@pytest.mark.parametrize(
    ("description", "complaint"),
    [
        ({"kind": "flood"}, "'flood' is no fault"),
        ({"kind": "answer", "answer": "no"}, "'no' is no answer"),
        ({"kind": "rate_limit", "scope": "moon"}, "'moon' is no scope"),
        ({"kind": "delay", "by": "cat"}, "'cat' is no by"),
        ({"kind": "delay", "path": "("}, "path is no regular expression"),
        ({"kind": "delay", "begins_at": 1}, "begins_at"),
    ],
)
async def test_a_fault_that_is_none_is_explained(rest: Rest, description: dict[str, Any], complaint: str) -> None:
    """With what would be one, where there is a list."""
    assert complaint in (await control(rest, "faults", description))["message"]


async def test_connected_bots_can_be_dropped(sandbox: Sandbox, rest: Rest) -> None:
    """People's sockets stay."""
    async with RawBot(sandbox) as bot:
        (session,) = await control(rest, "sessions", method="GET")
        assert (session["bot"], session["connected"]) == (True, True)
        assert await control(rest, "faults", {"kind": "drop"}) == {"struck": 1}
        assert await bot.wait_closed() in (None, 1006)


async def test_a_silent_gateway_sends_not_even_an_acknowledgement(sandbox: Sandbox, rest: Rest) -> None:
    """Until the silence is over; a client that does not wait is let go."""
    async with RawBot(sandbox) as bot:
        await control(rest, "faults", {"kind": "silence", "seconds": 0.4})
        since = time.monotonic()
        await bot.send(1, None)
        await bot.wait_op(11)
        assert time.monotonic() - since >= 0.35
    async with asyncio.timeout(10), RawBot(sandbox) as bot:
        await control(rest, "faults", {"kind": "silence", "seconds": 600})
        await bot.send(1, None)

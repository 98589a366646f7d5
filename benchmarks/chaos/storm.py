"""The storm: many people ask for pictures, processes die and freeze, connections drop, Discord answers with errors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import aiohttp
import redis

from benchmarks.chaos.disasters import LONGEST_S, Disasters
from benchmarks.chaos.house import DOORS, RUNNING_CAP, House, Member
from benchmarks.chaos.programs import Programs
from contract.outcomes import JobState
from exchange import keys
from exchange.reading import text

ENDED = {state.value for state in JobState if state.ended}
JOBS_PER_KILL = 5
CROWD = 24
"""Jobs that are under way at a time, about; people wait when there are more."""
PROMPTS = 24
DIE_BUSY = 0.85
"""Share of the workers' deaths that are put off until they have a job in flight; all while few deaths hit one."""
LINKED = 0.08
"""Share of the prompts that link to a picture, whose host may be slow or never answer."""
FREEZE = 0.12
STALLED_S = 60.0
LONG_FREEZE_S = 17.0
"""Longer than a lease: the process wakes up to find its jobs gone."""
ROUND = ("worker", "worker", "worker", "deliverer", "bot", "api", "redis")
"""Who dies in every seven deaths, in an order left to chance: also a short storm meets workers at their work."""

_FAULTS: list[dict[str, Any]] = [
    {"kind": "rate_limit", "seconds": 0.4, "count": 2},
    {"kind": "status", "status": 500, "count": 2},
    {"kind": "status", "status": 502, "count": 2},
    {"kind": "status", "status": 503, "method": "POST", "path": "/channels/[0-9]+/messages$", "count": 2},
    {"kind": "lost_answer", "method": "POST", "path": "/channels/[0-9]+/messages$"},
    {"kind": "lost_answer", "method": "POST", "path": "/callback"},
    {"kind": "lost_answer", "method": "DELETE", "path": "/messages/"},
    {"kind": "delay", "seconds": 1.0, "method": "POST", "path": "/channels/[0-9]+/messages$"},
    {"kind": "answer", "answer": "cloudflare_block", "by": "bot", "path": "/channels/", "for_s": 2},
    {"kind": "answer", "answer": "odd_4xx", "by": "bot", "path": "/channels/", "for_s": 1, "chance": 0.5},
    {"kind": "slow_answer", "seconds": 1.5, "by": "bot", "for_s": 2, "chance": 0.3},
    {"kind": "half_answer", "method": "POST", "path": "/channels/[0-9]+/messages$"},
    {"kind": "lost_request", "method": "POST", "path": "/channels/[0-9]+/messages$", "count": 2},
    {"kind": "delay", "seconds": 4.0, "by": "link", "for_s": 5, "chance": 0.7},
    {"kind": "delay", "seconds": 30.0, "by": "link", "for_s": 3},
    {"kind": "status", "status": 503, "by": "link", "count": 2},
]
_DISTURBANCES = ("drop", "reconnect", "invalid_session")

# Counts running renderings by user, in one step, so that no count is taken between two changes.
_RUNNING = f"""
local users, over = {{}}, 0
for _, member in ipairs(redis.call('ZRANGE', '{keys.leases(keys.RENDER)}', 0, -1)) do
  local id = string.match(member, '^(.*):')
  local user = redis.call('HGET', '{keys.rq_job("")}' .. id, 'easel_user')
  if user and user ~= '' and not users[id] then users[id] = true; users['u' .. user] = (users['u' .. user] or 0) + 1 end
end
for name, count in pairs(users) do if type(count) == 'number' and count > tonumber(ARGV[1]) then over = over + 1 end end
return over
"""


class Storm:
    """One run: `rage` until enough has died. Counts are public."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = random.Random(seed)
        self.disasters = Disasters(house, seed + 1)
        self.programs = Programs(house, seed + 2)
        self.kills: Counter[str] = Counter()
        self.kills_in_flight = 0
        self.freezes = 0
        self.faults = 0
        self.linked = 0
        self.accepted = 0
        self.caps_exceeded = 0
        self._under_way = 0
        self._over = False

    async def rage(self, kills: int) -> None:
        """Kill `kills` ready processes under load, at least five accepted jobs each, then let the weather clear."""
        async with aiohttp.ClientSession() as http:
            self._http = http
            await self._loosen_limits()
            people = [asyncio.create_task(self._live(number)) for number in range(len(self.house.users))]
            programs = asyncio.create_task(self.programs.rage(PROMPTS))
            tasks = (self._count(), self._trouble(), self.disasters.rage(), self._watch_caps())
            weather = [asyncio.create_task(task) for task in tasks]
            try:
                others = [*people, programs, *weather]
                await self._while_alive(self._kill(kills), others)
                await self._while_alive(self._until_accepted(JOBS_PER_KILL * kills), others)
            finally:
                self._over = self.programs.over = True
                for task in people:
                    task.cancel()
                storms = weather[1:3]
                for task in storms:
                    task.cancel()
                await asyncio.gather(*people, *storms, return_exceptions=True)
                await asyncio.sleep(LONGEST_S + 1)  # a disaster that has begun is still put right
                async with http.delete(self._url("/_sandbox/faults")):
                    pass
                await programs
                await self.settle()
                for task in weather:
                    task.cancel()
                await asyncio.gather(*weather, return_exceptions=True)

    # ── death ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _kill(self, kills: int) -> None:
        roles: list[str] = []
        while self.kills.total() < kills:
            await asyncio.sleep(self.random.uniform(0.05, 0.6))
            await self._until_accepted(JOBS_PER_KILL * self.kills.total())
            roles = roles or self.random.sample(ROUND, len(ROUND))
            before, ready = (
                self.kills.total(),
                [one for one in self.house.members if one.role == roles[-1] and one.ready],
            )
            if roles[-1] == "redis":
                await self._kill_redis()
            elif ready:
                await self._strike(self.random.choice(ready))
            if self.kills.total() > before:  # a process that only froze has its death before it
                roles.pop()

    async def _strike(self, member: Member) -> None:
        pid = member.pid
        harmless = 3 * self.kills_in_flight <= self.kills.total()
        if member.role not in DOORS and (harmless or self.random.random() < DIE_BUSY):
            await self._until_busy(member)
        if not member.ready or member.pid != pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)  # nothing changes between looking and killing
            if self.random.random() < FREEZE:
                self.freezes += 1
                long = member.role not in DOORS and self.random.random() < 0.2
                await asyncio.sleep(LONG_FREEZE_S if long else self.random.uniform(0.2, 3.0))
                os.kill(pid, signal.SIGCONT)
                return
            in_flight = member.role not in DOORS and await self._leases(pid) > 0
            os.kill(pid, signal.SIGKILL)
            self.kills[member.role] += 1
            self.kills_in_flight += in_flight
            member.ready = False

    async def _until_busy(self, member: Member) -> None:
        deadline = time.monotonic() + 5
        while member.ready and time.monotonic() < deadline and not await self._leases(member.pid):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _leases(self, pid: int) -> int:
        try:
            return await asyncio.to_thread(self.house.leases_of, pid)
        except redis.exceptions.RedisError:
            return 0

    async def _kill_redis(self) -> None:
        pid = await self.house.redis_pid()
        if pid is None:
            return
        if self.random.random() < FREEZE:
            self.freezes += 1
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(self.random.uniform(0.2, 3.0))
            os.kill(pid, signal.SIGCONT)
            return
        os.kill(pid, signal.SIGKILL)
        self.kills["redis"] += 1

    # ── weather ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _trouble(self) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(0.5, 2.0))
            if self.random.random() < 0.15:
                disturbance = {"kind": self.random.choice(_DISTURBANCES), "resumable": self.random.random() < 0.5}
                await self._control("faults", disturbance)
            else:
                await self._control("faults", self.random.choice(_FAULTS))
            self.faults += 1

    async def _loosen_limits(self) -> None:
        """Discord's real pace, five messages in five seconds, would make every run a matter of hours."""
        often = [200, 1.0]
        rates = dict.fromkeys(("create", "edit", "delete", "webhook", "other", "global"), often)
        await self._control("limits", {"rates": rates})

    async def _control(self, name: str, body: dict[str, Any]) -> None:
        async with self._http.post(self._url(f"/_sandbox/{name}"), json=body) as answer:
            answer.raise_for_status()

    # ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _live(self, number: int) -> None:
        """One person: types /imagine, sometimes presses a button under a result, never more than the crowd allows."""
        _, token = self.house.users[number]
        mine = random.Random(self.random.random())
        command = await self._command(token)
        while not self._over:
            await asyncio.sleep(mine.expovariate(1.5))
            if self._under_way >= CROWD:
                continue
            channel = mine.choice(self._channels)
            chance = mine.random()
            posted = await self._result() if chance < 0.25 + LINKED else None
            press = posted if chance < 0.25 else None
            try:
                if press is None:
                    link = await self._link(token, posted) if posted is not None else ""
                    await self._imagine(token, channel, command, mine.randrange(PROMPTS), link)
                else:
                    await self._press(token, press, mine)
            except aiohttp.ClientError:
                continue

    async def imagine_as(self, number: int, prompt: int) -> None:
        """One person types one /imagine; for order's sake outside of the storm."""
        _, token = self.house.users[number]
        async with aiohttp.ClientSession() as http:
            self._http = http
            command = await self._command(token)
            await self._imagine(token, self._channels[0], command, prompt)

    async def _command(self, token: str) -> dict[str, Any]:
        guild = self.house.facts["guild_id"]
        self._channels = [channel["id"] for channel in await self._get(token, f"/guilds/{guild}/channels")]
        index = await self._get(token, f"/guilds/{guild}/application-command-index")
        return next(command for command in index["application_commands"] if command["name"] == "imagine")

    async def _imagine(self, token: str, channel: str, command: dict[str, Any], prompt: int, link: str = "") -> None:
        self.linked += bool(link)
        text = f"{link} picture number {prompt} --seed {1000 + prompt}".strip()
        data = {name: command[name] for name in ("id", "name", "version", "type")}
        options = [{"type": 3, "name": "prompt", "value": text}]
        await self._interact(token, channel, 2, {**data, "options": options, "attachments": []})

    async def _link(self, token: str, posted: tuple[str, str, str]) -> str:
        """A link to the picture of a result; empty when it is gone."""
        _, channel, message = posted
        headers = {"Authorization": token}
        async with self._http.get(
            self._url(f"/api/v9/channels/{channel}/messages/{message}"), headers=headers
        ) as answer:
            found = await answer.json() if answer.ok else {}
        return str(found["attachments"][0]["url"]) if found.get("attachments") else ""

    async def _press(self, token: str, posted: tuple[str, str, str], mine: random.Random) -> None:
        job_id, channel, message = posted
        custom_id = mine.choice(
            [f"MJ::JOB::upsample::{mine.randint(1, 4)}::{job_id}"] * 3
            + [f"MJ::JOB::variation::{mine.randint(1, 4)}::{job_id}", f"MJ::JOB::reroll::0::{job_id}::SOLO"]
        )
        data = {"component_type": 2, "custom_id": custom_id}
        await self._interact(token, channel, 3, data, message_id=message, message_flags=0)

    async def _interact(self, token: str, channel: str, kind: int, data: dict[str, Any], **more: Any) -> None:
        facts = self.house.facts
        body = {
            "type": kind,
            "application_id": facts["application_id"],
            "guild_id": facts["guild_id"],
            "channel_id": channel,
            "session_id": "chaos",
            "nonce": str(secrets.randbits(62)),
            "data": data,
            **more,
        }
        headers = {"Authorization": token}
        async with self._http.post(self._url("/api/v9/interactions"), json=body, headers=headers):
            pass  # a refusal, such as a button that is gone by now, is part of life

    async def _result(self) -> tuple[str, str, str] | None:
        """Some delivered job with its message, to press a button under."""

        def look() -> tuple[str, str, str] | None:
            for _ in range(8):
                key = self.house.client.randomkey()
                if not isinstance(key, bytes) or not key.startswith(keys.state("").encode()):
                    continue
                posted = self.house.client.hmget(key, ["state", "posted_channel", "posted_message"])
                if posted[0] == b"delivered" and posted[1] and posted[2]:
                    return key.decode().removeprefix(keys.state("")), text(posted[1]), text(posted[2])
            return None

        try:
            return await asyncio.to_thread(look)
        except redis.exceptions.RedisError:
            return None

    # ── counting ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _count(self) -> None:
        """Keep the number of accepted jobs and of those under way."""
        while True:
            with contextlib.suppress(redis.exceptions.RedisError):
                states = await asyncio.to_thread(self.states)
                self.accepted = sum(count for state, count in states.items() if state != "cancelled")
                self._under_way = sum(states[state] for state in states if state not in ENDED)
            await asyncio.sleep(0.5)

    def states(self) -> Counter[str]:
        """How many jobs are in which state."""
        client, states = self.house.client, Counter[str]()
        found = list(client.scan_iter(keys.state("*"), count=2000))
        for start in range(0, len(found), 500):
            with client.pipeline(transaction=False) as pipe:
                for key in found[start : start + 500]:
                    pipe.hget(key, "state")
                states.update(text(value or b"") for value in pipe.execute())
        return states

    async def _watch_caps(self) -> None:
        while True:
            with contextlib.suppress(redis.exceptions.RedisError):
                over = await asyncio.to_thread(self.house.client.eval, _RUNNING, 0, str(RUNNING_CAP))
                self.caps_exceeded += int(over)
            await asyncio.sleep(0.1)

    async def settle(self) -> None:
        """Wait until every accepted job has ended: patience is renewed whenever one does."""
        best, since = None, time.monotonic()
        while True:
            with contextlib.suppress(redis.exceptions.RedisError):
                states = await asyncio.to_thread(self.states)
                left = sum(states[state] for state in states if state not in ENDED)
                if left == 0:
                    return
                if best is None or left < best:
                    best, since = left, time.monotonic()
            if time.monotonic() - since > 120:
                return
            await asyncio.sleep(0.3)

    async def _until_accepted(self, count: int) -> None:
        """RuntimeError when nobody gets anything accepted any more: then this is no storm but a ruin."""
        before, since = self.accepted, time.monotonic()
        while self.accepted < count:
            if self.accepted > before:
                before, since = self.accepted, time.monotonic()
            if time.monotonic() - since > STALLED_S:
                raise RuntimeError(f"no job was accepted for {STALLED_S:.0f} s; the logs are in {self.house.data}")
            await asyncio.sleep(0.1)

    @staticmethod
    async def _while_alive(work: Coroutine[Any, Any, None], others: list[asyncio.Task[None]]) -> None:
        """`work`, unless one of the others breaks first: then its error."""
        task = asyncio.create_task(work)
        done, _ = await asyncio.wait([task, *others], return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        for ended in done:
            ended.result()

    def _url(self, path: str) -> str:
        return f"{self.house.facts['base_url']}{path}"

    async def _get(self, token: str, path: str) -> Any:
        async with self._http.get(self._url(f"/api/v9{path}"), headers={"Authorization": token}) as answer:
            answer.raise_for_status()
            return await answer.json()

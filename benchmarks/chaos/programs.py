"""Programs in the storm: OpenAI's own client asks for pictures, gives up, asks again, and has a webhook told of ends.

Each order is one request with a key of its own (`Idempotency-Key`), repeated until it is answered with pictures or with
the same failure for good. So nothing that was accepted may be without an answer, and nothing may be made twice.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import secrets
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import openai
from aiohttp import web

from benchmarks.chaos.house import API_SECRET, House
from exchange import api_keys
from worker.delivery.program import webhook_secret

CLIENTS = 4
WAITING_WITHIN_S = 45.0
"""How long a program waits for one answer before it asks again."""
HASTY_S = 1.0
"""How long one waits that gives up too soon."""
HASTY = 0.15
LINKS = 0.5
"""Share of the orders that want links instead of base64."""
PAUSE_S = 0.3
PATIENCE_S = 180.0
"""How long an order is repeated after the storm."""
PASSING = (404, 429, 500, 503, 504)
"""What a program is told while something is away; 404 of a picture that the store does not have at that moment."""
FAILED_FOR_GOOD = 3
"""So many answers that a job failed are believed."""
BAD_HEARING = 0.1
"""Share of the webhooks that are answered with an error, or heard and not answered."""


@dataclass
class Order:
    """One request: its key, what it asks for (repeated word for word, as the key demands), the jobs that were named in
    answers and the pictures of the last one."""

    key: str
    prompt: str
    count: int
    links: bool
    jobs: set[str] = field(default_factory=set)
    pictures: list[bytes] = field(default_factory=list)
    failed: bool = False
    answered: bool = False
    asked: int = 0


@dataclass
class Programs:
    """The programs of one house. All fields are for the oracle to read."""

    house: House
    seed: int
    orders: list[Order] = field(default_factory=list)
    heard: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """What the webhook was told, by job."""
    forged: int = 0
    """Webhooks whose signature does not fit."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.over = False

    async def rage(self, prompts: int) -> None:
        """Ask until `over`, then until every order is answered."""
        runner = web.AppRunner(self._hearing())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.house.webhook_port)
        await site.start()
        keys = [
            await asyncio.to_thread(
                api_keys.create, self.house.client, f"shop{n}", webhook=f"http://127.0.0.1:{self.house.webhook_port}"
            )
            for n in range(CLIENTS)
        ]
        self._secrets = {key.id: webhook_secret(API_SECRET, key.id) for key, _ in keys}
        try:
            async with asyncio.TaskGroup() as group:
                for _, secret in keys:
                    group.create_task(self._shop(secret, prompts))
            await self._last_words()
        finally:
            await runner.cleanup()

    async def _shop(self, secret: str, prompts: int) -> None:
        mine = random.Random(self.random.random())
        async with openai.AsyncOpenAI(api_key=secret, base_url=f"{self.house.api_url}/v1", max_retries=0) as client:
            while not self.over:
                await asyncio.sleep(mine.expovariate(1.0))
                number = mine.randrange(prompts)
                prompt = f"picture number {number} --seed {1000 + number}"
                order = Order(secrets.token_hex(8), prompt, mine.choice((1, 4)), links=mine.random() < LINKS)
                self.orders.append(order)
                await self._until_answered(client, order, mine)

    async def _until_answered(self, client: openai.AsyncOpenAI, order: Order, mine: random.Random) -> None:
        failures, left_s = 0, PATIENCE_S
        while not order.answered and left_s > 0:
            hasty = mine.random() < HASTY
            order.asked += 1
            try:
                answer = await client.images.generate(
                    prompt=order.prompt,
                    n=order.count,
                    response_format="url" if order.links else "b64_json",
                    extra_headers={"Idempotency-Key": order.key},
                    timeout=HASTY_S if hasty else WAITING_WITHIN_S,
                )
                order.jobs |= set(answer.model_dump()["jobs"])
                order.pictures = [await self._file(image) for image in answer.data or []]
                order.answered = True
            except openai.APIStatusError as error:
                failures = failures + 1 if error.code == "job_failed" else 0
                order.failed = order.answered = failures == FAILED_FOR_GOOD
                if error.status_code not in PASSING:
                    raise
            except (openai.APIConnectionError, aiohttp.ClientError, TimeoutError):
                pass  # nobody there, or not for long enough
            await asyncio.sleep(PAUSE_S)
            left_s -= PAUSE_S if self.over else 0

    async def _file(self, image: Any) -> bytes:
        if image.url is None:
            return base64.b64decode(image.b64_json)
        async with aiohttp.ClientSession() as http, http.get(image.url) as answer:
            answer.raise_for_status()
            return await answer.read()

    def _hearing(self) -> web.Application:
        """The webhook: it forgets some, refuses some, and takes the rest at its word."""

        async def hear(request: web.Request) -> web.Response:
            body = await request.read()
            document = json.loads(body)
            moment, id = request.headers["webhook-timestamp"], request.headers["webhook-id"]
            signed = f"{id}.{moment}.".encode() + body
            signatures = {
                "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
                for secret in self._secrets.values()
            }
            self.forged += request.headers["webhook-signature"] not in signatures
            chance = self.random.random()
            if chance < BAD_HEARING and not self.over:
                return web.Response(status=503)
            self.heard[document["job_id"]].add(document["state"])
            if chance < 2 * BAD_HEARING and not self.over:
                return web.Response(status=500)
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/", hear)
        return app

    async def _last_words(self) -> None:
        """Wait until the webhook was told of every job that was named to somebody."""
        named = {job for order in self.orders for job in order.jobs}
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not named <= self.heard.keys():  # noqa: ASYNC110 - the last one may never come
                    await asyncio.sleep(0.2)

"""The oracle: reads what is left and says of every accepted job whether it had exactly one right end."""

from __future__ import annotations

import asyncio
import io
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.chaos.house import House
from contract.codec import decode_job
from contract.ids import JobId
from contract.jobs import Job
from contract.planning import plan
from exchange import keys
from exchange.catalogue import open_catalogue
from exchange.images import open_store

TOLERANCE = 1
"""Levels of 255."""
Picture = NDArray[np.uint8]


@dataclass
class Verdict:
    """Of `accepted` jobs: `delivered` and `failed_clearly` had one end each; the others are what must not be."""

    accepted: int = 0
    delivered: int = 0
    failed_clearly: int = 0
    lost: int = 0
    doubled: int = 0
    wrong_picture: int = 0
    withdrawn: int = 0
    left_behind: int = 0


async def judge(house: House) -> Verdict:
    """Look at every accepted job, every message and every picture."""
    jobs = _accepted(house)
    results, failures = await _messages(house)
    verdict = Verdict(withdrawn=sum(job is None for job in jobs.values()), left_behind=_left_behind(house))
    with closing(Reference(house)) as reference:
        for job_id, job in jobs.items():
            ends = len(results[job_id]) + len(failures[job_id])
            if job is None:
                verdict.doubled += ends > 0  # its person was told that it was not taken
                continue
            verdict.accepted += 1
            verdict.lost += ends == 0
            verdict.doubled += ends > 1
            verdict.failed_clearly += ends == 1 and bool(failures[job_id])
            if ends == 1 and results[job_id]:
                verdict.delivered += 1
                verdict.wrong_picture += not await asyncio.to_thread(reference.agrees, job, results[job_id][0])
    verdict.doubled += sum(len(ends) > 0 for id, ends in results.items() if id not in jobs)
    return verdict


class Reference:
    """Clean renderings: the model loaded here, one job at a time, nothing killed. Repeated jobs are drawn once."""

    def __init__(self, house: House) -> None:
        import torch

        import model

        torch.set_num_threads(1)
        self._engine = model.Engine(model.load(str(house.data / "model"), device="cpu"))
        self._engine.start()
        self._store = open_store(str(house.data / "images"))
        self._catalogue = open_catalogue(str(house.data / "model.toml"))
        self._known: dict[Any, list[Picture]] = {}

    def agrees(self, job: Job, posted: bytes) -> bool:
        """Whether what was posted, and what is stored if the store was there to take it, is what the job should be."""
        right = self.pictures(job)
        stored = [self._store.get_image(job.id, index) for index in range(job.image_count)]
        pairs = zip(stored, right, strict=True)
        kept = all(file is None or _same(_decode(file), picture) for file, picture in pairs)
        return kept and _shows(posted, right)

    def pictures(self, job: Job) -> list[Picture]:
        """What the job should look like, (H, W, 3) each."""
        from worker.render import request_for

        lines = tuple(job.generations(index) for index in range(job.image_count))
        key = (job.prompt, job.model, lines)
        if key not in self._known:
            request = request_for(job, job.plan or plan(job, self._catalogue.named(job.model)))
            self._known[key] = self._engine.submit(request).result()
        return self._known[key]

    def close(self) -> None:
        """End the engine."""
        self._engine.close()


def _accepted(house: House) -> dict[JobId, Job | None]:
    """Every job whose submission succeeded; None for those that were withdrawn before they were acknowledged."""
    jobs: dict[JobId, Job | None] = {}
    for key in house.client.scan_iter(keys.state("*"), count=2000):
        state, document = house.client.hmget(key, ["state", "job"])
        job_id = JobId(key.decode().removeprefix(keys.state("")))
        jobs[job_id] = None if state == b"cancelled" or document is None else decode_job(document)
    return jobs


async def _messages(house: House) -> tuple[dict[str, list[bytes]], dict[str, list[str]]]:
    """By job id: the pictures of its result messages, and its failure messages."""
    results, failures = defaultdict[str, list[bytes]](list), defaultdict[str, list[str]](list)
    headers = {"Authorization": house.facts["user_token"]}
    async with aiohttp.ClientSession(headers=headers) as http:
        base = f"{house.facts['base_url']}/api/v9"
        async with http.get(f"{base}/guilds/{house.facts['guild_id']}/channels") as answer:
            channels = [channel["id"] for channel in await answer.json()]
        for channel in channels:
            async for message in _history(http, base, channel):
                for embed in message["embeds"]:
                    text = (embed.get("footer") or {}).get("text", "")
                    if text.startswith("Job "):
                        failures[text.removeprefix("Job ")].append(message["id"])
                job_id = _result_of(message)
                if job_id:
                    async with http.get(message["attachments"][0]["url"]) as file:
                        file.raise_for_status()
                        results[job_id].append(await file.read())
    return results, failures


async def _history(http: aiohttp.ClientSession, base: str, channel: str) -> Any:
    before = ""
    while True:
        async with http.get(f"{base}/channels/{channel}/messages?limit=100{before}") as answer:
            messages = await answer.json()
        for message in messages:
            yield message
        if len(messages) < 100:
            return
        before = f"&before={messages[-1]['id']}"


def _result_of(message: dict[str, Any]) -> str | None:
    """The job a result message belongs to: known by its buttons, of which a waiting message has only Cancel."""
    buttons = [button["custom_id"] for row in message["components"] for button in row["components"]]
    if not message["attachments"] or not buttons or buttons[0].startswith("MJ::CancelJob"):
        return None
    return str(buttons[0].split("::")[4])


def _left_behind(house: House) -> int:
    """Entries of queues, leases and caps that outlived their jobs."""
    client = house.client
    left = 0
    for queue in keys.QUEUES:
        left += client.llen(keys.rq_list(queue)) + client.llen(f"{keys.rq_list(queue)}:intermediate")
        left += client.zcard(keys.leases(queue)) + client.zcard(keys.order(queue)) + client.zcard(keys.scheduled(queue))
    left += client.zcard(keys.held())
    for kind in (keys.waiting, keys.running):
        for scope in client.scan_iter(kind("*")):
            left += client.scard(scope)
    return int(left)


def _shows(posted: bytes, right: list[Picture]) -> bool:
    """Whether the posted picture is these: exactly when it is lossless, nearly when it had to be compressed."""
    from worker.encoding import assemble_grid

    expected, seen = assemble_grid(right), _decode(posted)
    if posted.startswith(b"\x89PNG"):
        return _same(seen, expected)
    return seen.shape == expected.shape and float(np.abs(seen.astype(int) - expected).mean()) < 6


def _same(seen: Picture, expected: Picture) -> bool:
    return seen.shape == expected.shape and int(np.abs(seen.astype(int) - expected).max()) <= TOLERANCE


def _decode(file: bytes) -> Picture:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))

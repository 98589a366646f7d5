"""The oracle: reads what is left and says of every accepted job whether it had exactly one right end."""

from __future__ import annotations

import asyncio
import io
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

import aiohttp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.chaos.house import House
from benchmarks.chaos.programs import Programs
from contract.codec import decode_job
from contract.ids import JobId
from contract.jobs import Job, Line, Program, format_line
from contract.kinds.attached import Attached
from contract.kinds.upscale import Upscale
from contract.plan import Plan
from contract.planning import plan
from exchange import keys
from exchange.catalogue import open_catalogue
from exchange.images import open_store

TIDIED_WITHIN_S = 15.0
TOLERANCE = 1
"""Levels of 255."""
COMPRESSED = 6.0
"""Levels of 255, on average, for what had to be compressed."""
PNG = b"\x89PNG"
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Wrong:
    """A job whose pictures are not what they should be, and by how much: the largest difference in levels of 255 for
    each of its stored files (None where there is none) and for what was posted; 256 for another size. `inputs` says
    of each of its links whether the store has the picture behind it."""

    job: str
    kind: str
    prompt: str
    links: tuple[str, ...]
    inputs: tuple[bool, ...]
    plan: str
    lines: tuple[str, ...]
    stored: tuple[int | None, ...]
    posted: int


@dataclass
class Verdict:
    """Of `accepted` jobs: `delivered` and `failed_clearly` had one end each; the others are what must not be.

    `programs` of them were asked for over HTTP, by `orders` of which `unanswered` had no answer in the end.
    """

    accepted: int = 0
    delivered: int = 0
    failed_clearly: int = 0
    lost: int = 0
    doubled: int = 0
    wrong_picture: int = 0
    withdrawn: int = 0
    left_behind: int = 0
    programs: int = 0
    orders: int = 0
    unanswered: int = 0
    wrong: list[Wrong] = field(default_factory=list)
    """What is known of each wrong picture."""


async def judge(house: House, programs: Programs) -> Verdict:
    """Look at every accepted job, every message, every answer and every picture."""
    jobs = _accepted(house)
    results, failures = await _messages(house)
    left_behind = await asyncio.to_thread(_left_behind, house)
    until = time.monotonic() + TIDIED_WITHIN_S
    while left_behind and time.monotonic() < until:  # an end is recorded a moment before its lease goes
        await asyncio.sleep(0.2)
        left_behind = await asyncio.to_thread(_left_behind, house)
    verdict = Verdict(withdrawn=sum(job is None for job in jobs.values()), left_behind=left_behind)
    with closing(Reference(house)) as reference:
        for job_id, job in jobs.items():
            if job is not None and isinstance(job.destination, Program):
                await _judge_program(verdict, job, programs, reference)
                continue
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
                wrong = await asyncio.to_thread(reference.wrong, job, results[job_id][0])
                verdict.wrong += [wrong] if wrong is not None else []
    verdict.orders = len(programs.orders)
    verdict.unanswered = sum(not order.answered for order in programs.orders)
    verdict.doubled += sum(len(order.jobs) > 1 for order in programs.orders)
    failed = sum(told == {"failed"} for told in programs.heard.values())
    verdict.doubled += max(0, failed - sum(order.failed for order in programs.orders))
    verdict.wrong_picture = len(verdict.wrong)
    verdict.doubled += sum(len(ends) > 0 for id, ends in results.items() if id not in jobs)
    return verdict


async def _judge_program(verdict: Verdict, job: Job, programs: Programs, reference: Reference) -> None:
    """A job that was asked for over HTTP: the webhook was told of one end, and what was answered is right."""
    verdict.accepted += 1
    verdict.programs += 1
    told = programs.heard.get(job.id, set())
    orders = [order for order in programs.orders if job.id in order.jobs]
    verdict.lost += not told
    # Made without anybody who asked for it; of what failed, answers name no job (`judge` counts those).
    verdict.doubled += len(told) > 1 or (told != {"failed"} and not orders)
    verdict.failed_clearly += told == {"failed"}
    if told == {"delivered"}:
        verdict.delivered += 1
        files = [file for order in orders for file in order.pictures]
        wrong = await asyncio.to_thread(reference.wrong_answer, job, files)
        verdict.wrong += [wrong] if wrong is not None else []


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

    def wrong(self, job: Job, posted: bytes) -> Wrong | None:
        """None when what was posted, and what is stored if the store was there to take it, is what the job should be.

        A lossless message is that exactly; one that had to be compressed, nearly.
        """
        from worker.encoding import assemble_grid

        right = self._right(job)
        stored = self._stored(job, right)
        seen, expected = _decode(posted), assemble_grid(right)
        shown = _levels(seen, expected)
        alike = shown <= TOLERANCE or (not posted.startswith(PNG) and _mean(seen, expected) < COMPRESSED)
        if alike and all(levels is None or levels <= TOLERANCE for levels in stored):
            return None
        return self._wrong(job, stored, shown)

    def wrong_answer(self, job: Job, files: Sequence[bytes]) -> Wrong | None:
        """None when the store has what the job should be, and `files`, its first pictures or all of them, once or more
        often, are that."""
        right = self._right(job)
        stored = self._stored(job, right)
        shown = max((min(_levels(_decode(file), picture) for picture in right) for file in files), default=0)
        if shown <= TOLERANCE and all(levels is not None and levels <= TOLERANCE for levels in stored):
            return None
        return self._wrong(job, stored, shown)

    def _right(self, job: Job) -> list[Picture]:
        """What the job should look like."""
        lines = tuple(job.generations(index) for index in range(job.image_count))
        return self._pictures(job, self._plan(job), lines, self._inputs(job))

    def _plan(self, job: Job) -> Plan:
        return job.plan or plan(job, self._catalogue.named(job.model))

    def _stored(self, job: Job, right: Sequence[Picture]) -> tuple[int | None, ...]:
        """How far each of its files is off; None where there is none."""
        files = [self._store.get_image(job.id, index) for index in range(job.image_count)]
        pairs = zip(files, right, strict=True)
        return tuple(None if file is None else _levels(_decode(file), picture) for file, picture in pairs)

    def _wrong(self, job: Job, stored: tuple[int | None, ...], shown: int) -> Wrong:
        lines = tuple(job.generations(index) for index in range(job.image_count))
        return Wrong(
            job=job.id,
            kind=job.request.kind,
            prompt=job.prompt.echo,
            links=job.links,
            inputs=tuple(file is not None for file in self._inputs(job)),
            plan=repr(self._plan(job)),
            lines=tuple(format_line(line) for line in lines),
            stored=stored,
            posted=shown,
        )

    def _pictures(self, job: Job, its_plan: Plan, lines: tuple[Line, ...], inputs: list[bytes | None]) -> list[Picture]:
        """What the job should look like, (H, W, 3) each.

        Where the store had lost what a button stood under, that was read from its message, which then is the measure.
        """
        from worker.render import request_for

        if isinstance(job.request, Upscale) and job.ancestors and isinstance(job.ancestors[-1].request, Attached):
            return [_cut(_decode(_linked(job.ancestors[-1].request.link)), job.request.index)]
        files = {link: file or _linked(link) for link, file in zip(job.links, inputs, strict=True)}
        key = (job.prompt, job.model, its_plan, lines, tuple(files.values()))
        if key not in self._known:
            request = request_for(job, its_plan, pictures={link: _decode(file) for link, file in files.items()})
            self._known[key] = self._engine.submit(request).result()
        return self._known[key]

    def _inputs(self, job: Job) -> list[bytes | None]:
        """The pictures behind the job's links, as the intake kept them."""
        from worker.intake import input_name

        return [self._store.get_input(job.id, input_name(number)) for number in range(len(job.links))]

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


def _linked(link: str) -> bytes:
    """The picture behind a link, where the store was away when it was to be kept: the sandbox has it still."""
    with urlopen(link) as answer:  # a file of the sandbox, on loopback
        return bytes(answer.read())


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


def _cut(grid: Picture, index: int) -> Picture:
    """Picture `index` (0 to 3, by rows) of a grid of four."""
    height, width = grid.shape[0] // 2, grid.shape[1] // 2
    top, left = index // 2 * height, index % 2 * width
    return grid[top : top + height, left : left + width]


def _levels(seen: Picture, expected: Picture) -> int:
    return int(np.abs(seen.astype(int) - expected).max()) if seen.shape == expected.shape else 256


def _mean(seen: Picture, expected: Picture) -> float:
    return float(np.abs(seen.astype(int) - expected).mean()) if seen.shape == expected.shape else 256.0


def _decode(file: bytes) -> Picture:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))

"""Percent and previews from worker to bot: pub/sub, lossy, nothing in the append-only file but one small hash.

A frame is one line of JSON, a newline, and the preview's bytes. The queue's scripts send frames without a preview when
a job starts, finishes, fails or is cancelled.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import redis
import redis.asyncio

from contract.ids import JobId, parse_job_id
from exchange import keys
from exchange.reading import integer, text
from exchange.weather import Weather

REMEMBERED_S = 600
RECONNECT_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `preview` is a small WebP or JPEG file.

    `state`: started, running, paused, finished (rendered; the post follows), failed or cancelled.
    """

    job_id: JobId
    percent: int
    preview: bytes | None = None
    state: str = "running"


def publish(client: redis.Redis, progress: Progress) -> None:
    """Tell all who listen. Losing it is harmless: the next one follows."""
    with client.pipeline(transaction=False) as pipe:
        key = keys.progress(progress.job_id)
        pipe.publish(keys.progress_channel(), encode(progress))
        pipe.hset(key, mapping={"percent": progress.percent, "state": progress.state})
        pipe.expire(key, REMEMBERED_S)
        pipe.execute()


async def listen(client: redis.asyncio.Redis, subscribed: asyncio.Event | None = None) -> AsyncGenerator[Progress]:
    """Progress of all jobs while the caller iterates. Outlives any error of Redis; what came meanwhile is lost.

    `subscribed` is set once nothing can be missed any more.
    """
    weather = Weather("the progress of jobs")
    while True:
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        try:
            await pubsub.subscribe(keys.progress_channel())
            if subscribed is not None:
                subscribed.set()
            weather.good()
            while True:
                message = await pubsub.get_message(timeout=5.0)
                if message is not None and (progress := decode(message["data"])) is not None:
                    yield progress
        except redis.exceptions.RedisError as error:
            weather.bad(error)
            await asyncio.sleep(RECONNECT_S)
        finally:
            await pubsub.aclose()


async def last(client: redis.asyncio.Redis, job_id: JobId) -> Progress | None:
    """What was last said of a job, for a bot that has just started; None after ten minutes of silence."""
    percent, state = await client.hmget(keys.progress(job_id), ["percent", "state"])
    known = integer(percent)
    if known is None or state is None:
        return None
    return Progress(job_id, min(100, known), None, text(state))


def encode(progress: Progress) -> bytes:
    """A frame."""
    header = {"job_id": progress.job_id, "percent": progress.percent, "state": progress.state}
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + (progress.preview or b"")


def decode(frame: bytes) -> Progress | None:
    """The progress in a frame; None for a frame that is not ours."""
    header, separator, preview = frame.partition(b"\n")
    try:
        document = json.loads(header)
        job_id, percent, state = parse_job_id(document["job_id"]), int(document["percent"]), str(document["state"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return Progress(job_id, min(100, max(0, percent)), preview or None, state) if separator else None

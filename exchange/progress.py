"""Percent and previews from worker to bot: pub/sub, lossy, nothing in the append-only file.

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
from contract.outcomes import JobState
from exchange import keys
from exchange.weather import Weather

RECONNECT_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `preview` is a small WebP or JPEG file.

    `state` is what it has just become: running, rendered (the post follows), failed or cancelled. None while it only
    goes on.
    """

    job_id: JobId
    percent: int
    preview: bytes | None = None
    state: JobState | None = None


def publish(client: redis.Redis, progress: Progress) -> None:
    """Tell all who listen. Losing it is harmless: the next one follows."""
    client.publish(keys.progress_channel(), encode(progress))


async def listen(client: redis.asyncio.Redis, subscribed: asyncio.Event | None = None) -> AsyncGenerator[Progress]:
    """Progress of all jobs while the caller iterates. Outlives any error of Redis; what came meanwhile is lost.

    `subscribed` is set once nothing can be missed any more.
    """
    weather = Weather("the progress of jobs")
    while True:
        pubsub = client.pubsub()
        try:
            await pubsub.subscribe(keys.progress_channel())
            while True:
                message = await pubsub.get_message(timeout=5.0)
                if message is None:
                    continue
                if message["type"] == "subscribe":  # not before: the right to listen may be missing
                    weather.good()
                    if subscribed is not None:
                        subscribed.set()
                elif (progress := decode(message["data"])) is not None:
                    yield progress
        except redis.exceptions.RedisError as error:
            weather.bad(error)
            await asyncio.sleep(RECONNECT_S)
        finally:
            await pubsub.aclose()


def encode(progress: Progress) -> bytes:
    """A frame."""
    header: dict[str, str | int] = {"job_id": progress.job_id, "percent": progress.percent}
    if progress.state is not None:
        header["state"] = progress.state
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + (progress.preview or b"")


def decode(frame: bytes) -> Progress | None:
    """The progress in a frame; None for a frame that is not ours."""
    header, separator, preview = frame.partition(b"\n")
    try:
        document = json.loads(header)
        job_id, percent = parse_job_id(document["job_id"]), int(document["percent"])
        state = JobState(document["state"]) if "state" in document else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return Progress(job_id, min(100, max(0, percent)), preview or None, state) if separator else None

"""Places that begin no job: a host, or one of its devices. Kept in Redis, so a restart of a worker changes nothing.

The claim itself asks (`scripts/parts/claiming.lua`), so a drain holds from the next claim on. What runs is finished,
and what is drawn is posted.
"""

from __future__ import annotations

import re
import socket
import time

import redis

from contract.errors import EaselError
from exchange import keys
from exchange.reading import number, text


class NoPlace(EaselError):
    """What was named is no place; the text says how one looks."""


def places_of(device: str = "") -> tuple[str, ...]:
    """The places that a process on this host is in: the host, and its device such as `0` or `cpu`."""
    host = socket.gethostname()
    return (host, f"{host}:{device}") if device else (host,)


def parse_place(words: str) -> str:
    """`HOST` or `HOST:DEVICE`. NoPlace for anything else."""
    if not re.fullmatch(r"[\w.-]+(:(\d+|cpu|mps))?", words):
        raise NoPlace(f"{words!r} is no place: it is a host as `easel status` shows it, or host:0 for its first GPU")
    return words


def drain(client: redis.Redis, place: str) -> bool:
    """Let a place begin no job any more. False when it did not before."""
    return bool(client.hsetnx(keys.drained(), place, str(int(time.time()))))


def undrain(client: redis.Redis, place: str) -> bool:
    """Let it begin jobs again. False when it was not drained."""
    return bool(client.hdel(keys.drained(), place))


def drained(client: redis.Redis) -> dict[str, float]:
    """The places that are drained -> since when (Unix seconds)."""
    if text(client.type(keys.drained())) != "hash":
        return {}
    return {text(place): number(since) for place, since in client.hgetall(keys.drained()).items()}

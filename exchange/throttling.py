"""Hears of every 429 of Discord, those too that discord.py waits out by itself."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp

from contract.events import Observer, Throttled


def heard_by(observe: Observer) -> aiohttp.TraceConfig:
    """What a client of discord.py takes as its `http_trace`."""

    async def ended(
        session: aiohttp.ClientSession, context: SimpleNamespace, asked: aiohttp.TraceRequestEndParams
    ) -> None:
        if asked.response.status == 429:
            observe(Throttled(asked.response.headers.get("X-RateLimit-Scope", "unknown")))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace

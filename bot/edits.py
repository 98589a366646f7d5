"""Edits of messages by the channel's route, each channel at its own pace: what waits is replaced by what is newer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.pacing import WINDOW_S, ChannelPace

Send: TypeAlias = Callable[[], Awaitable[None]]
"""Sends one edit: what it says is decided when its turn has come. What goes wrong is its own business."""


@dataclass(slots=True)
class _Channel:
    pace: ChannelPace[Hashable, Send] = field(default_factory=ChannelPace)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    in_flight: Hashable | None = None
    sender: asyncio.Task[None] | None = None


class ChannelEdits:
    """All edits of this process. A channel has a sender only while something is pending there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: dict[int, _Channel] = {}

    def offer(
        self,
        channel_id: int,
        key: Hashable,
        send: Send,
        *,
        urgent: bool = False,
        moving: bool = True,
        yielding: bool = False,
    ) -> None:
        """Let `send` run when message `key` may be edited, instead of what was offered for it before (`bot.pacing`)."""
        channel = self._channels.setdefault(channel_id, _Channel())
        channel.pace.offer(key, send, urgent=urgent, moving=moving, yielding=yielding)
        channel.changed.set()
        if channel.sender is None or channel.sender.done():
            channel.sender = asyncio.create_task(self._send(channel), name=f"edits of channel {channel_id}")

    def forget(self, channel_id: int, key: Hashable) -> None:
        """Drop what is pending for a message, and let the others no longer wait for it."""
        channel = self._channels.get(channel_id)
        if channel is not None:
            channel.pace.forget(key)
            channel.changed.set()

    async def settled(self, channel_id: int, key: Hashable) -> None:
        """Return when no edit of this message is on its way to Discord."""
        channel = self._channels.get(channel_id)
        if channel is not None and channel.in_flight == key:
            async with channel.sending:
                pass

    async def send_due(self) -> None:
        """Send every edit that may go by now, and return when they have gone. The senders do it without being asked."""
        for channel in list(self._channels.values()):
            await self._send_due(channel)

    async def stop(self) -> None:
        """End the senders; what is pending is dropped."""
        senders = [channel.sender for channel in self._channels.values() if channel.sender]
        self._channels.clear()
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)

    def sweep(self) -> None:
        """Let go of channels where nothing waits, once their budget no longer matters."""
        now_s = self._clock()
        for channel_id, channel in list(self._channels.items()):
            if len(channel.pace) == 0 and not channel.sending.locked() and channel.pace.idle_s(now_s) > WINDOW_S:
                del self._channels[channel_id]

    async def _send(self, channel: _Channel) -> None:
        """Send one channel's edits as they become due, until none is pending."""
        while (wait_s := channel.pace.wait_s(self._clock())) is not None:
            channel.changed.clear()
            if wait_s > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await channel.changed.wait()
            await self._send_due(channel)

    async def _send_due(self, channel: _Channel) -> None:
        async with channel.sending:
            while (taken := channel.pace.take(self._clock())) is not None:
                channel.in_flight, send = taken
                try:
                    await send()
                finally:
                    channel.in_flight = None

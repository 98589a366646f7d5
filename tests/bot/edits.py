"""Edits that wait until a test lets them go."""

from __future__ import annotations

from collections.abc import Hashable

from bot.edits import ChannelEdits, Send


class HeldEdits(ChannelEdits):
    """Keeps the newest edit of each message, as a busy channel would, until `send_due`."""

    def __init__(self) -> None:
        super().__init__()
        self.sends: dict[Hashable, Send] = {}

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
        """Keep it."""
        self.sends[key] = send

    def forget(self, channel_id: int, key: Hashable) -> None:
        """Drop it."""
        self.sends.pop(key, None)

    async def send_due(self) -> None:
        """Send all that is kept."""
        sends, self.sends = self.sends, {}
        for send in sends.values():
            await send()

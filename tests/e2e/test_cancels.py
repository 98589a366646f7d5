"""Each kind of button, cancelled as soon as its message stands, through every process."""

import asyncio
from contextlib import suppress
from typing import Any

from tests.e2e.test_road import PATIENCE_S, imagine, press
from tests.sandbox_user import Refused, SandboxUser

JSON = dict[str, Any]
WORDS = "a red apple on snow"
GRID = ("V1", "🔄")
SINGLE = (
    "Upscale (Subtle)",
    "Vary (Strong)",
    "Vary (Region)",
    "Zoom Out 2x",
    "Custom Zoom",
    "Make Square",
    "⬅️",
    "Animate (High motion)",
)
"""One button of each kind; the others differ by an argument."""


async def waiting_for(user: SandboxUser, message: JSON, button: str) -> JSON:
    """Press it, send its form as it is if it has one, and take the message that waits."""
    nonce = await user.press(message, button)
    if button in ("Custom Zoom", "Vary (Region)"):
        form = await user.wait_modal(nonce)
        chosen = {"cells": ["0", "1"], "mask": [], "how": "strong"} if button == "Vary (Region)" else {}
        nonce = await user.submit_modal(form, **chosen)
    return await user.wait_answer(nonce)


def about(user: SandboxUser) -> list[JSON]:
    """The messages there are now about the words of this test, but for refusals."""
    return [message for message in user.messages() if f"**{WORDS}" in message["content"]]


async def test_each_press_ends_as_one_message(ada: SandboxUser) -> None:
    """What was cancelled in time says (Stopped) and brings no picture, whether it waited or was being drawn; what was
    done before the cancel arrived brings its picture. Never both, never neither, never twice."""
    grid = await imagine(ada, f"{WORDS} --ar 3:2")
    single = await press(ada, grid, "U1", r" - Image #1 ")
    presses = [(grid, button) for button in GRID] + [(single, button) for button in SINGLE]
    waited = []
    for message, button in presses:
        waited.append(await waiting_for(ada, message, button))
        with suppress(Refused):  # it was done already, and its message is gone
            await ada.press(waited[-1], "Cancel Job")

    async def ended() -> list[JSON]:
        while True:
            left = about(ada)
            if not any(message["content"].endswith(("(Waiting to start)", "%) (fast)")) for message in left):
                return left
            await asyncio.sleep(0.2)

    await asyncio.wait_for(ended(), PATIENCE_S)
    await press(ada, grid, "V2", r"Variations")  # whatever was still on its way has come by now
    left = {message["id"]: message for message in about(ada)}
    stopped = [id for id in left if left[id]["content"].endswith("(Stopped)")]
    assert set(stopped) <= {waiting["id"] for waiting in waited}
    assert not any(left[id]["attachments"] or left[id]["components"] for id in stopped)
    assert len(left) == len(presses) + 3, "the grid, its U1 and V2, and one of each press"
    assert stopped, "a cancel that comes at once mostly comes in time"
